"""From what a list says to an E.164 number and the callee's time zone."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType
from phonenumbers.phonenumberutil import region_code_for_country_code
from phonenumbers.timezone import time_zones_for_number

from softswitch.dialler.hours import BETWEEN_ZONES
from softswitch.store.number_plan import UNKNOWN_ZONE, plan_of

_SPREADSHEET = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")
_WHY = {
    NumberParseException.INVALID_COUNTRY_CODE: "its country code does not exist",
    NumberParseException.NOT_A_NUMBER: "is not a telephone number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "is too short",
    NumberParseException.TOO_SHORT_NSN: "is too short",
    NumberParseException.TOO_LONG: "is too long",
}
# Cost-bearing for the caller, or no person's; a list that holds them is wrong or worse.
_NOT_DIALLED = {
    PhoneNumberType.PREMIUM_RATE: "is a premium-rate number",
    PhoneNumberType.SHARED_COST: "is a shared-cost number",
    PhoneNumberType.PAGER: "is a pager",
}
SHOWN_DIGITS = 2
SHORTEST_PREFIX = 3
LONGEST_PREFIX = 13
_ABROAD = "00"
ZONE_CHARACTERS = 64
"""What the store keeps of a lead's zones."""
CLOCK_LOOKS = tuple(timedelta(days=each) for each in range(0, 366, 7))
"""A year from now: clocks change on different weeks in different countries."""
MOST_APART = timedelta(hours=12)
"""Zones further apart have none of the hours of a day of calling in common."""
_PUNCTUATION = re.compile(r"[ \t.\-()/\u00a0]")


class WrongNumber(ValueError):
    """The text says why, without the number."""


class Telephone(NamedTuple):
    number: str
    """E.164."""
    national: str
    """Digits that identify it within its country; for finding it in other columns."""
    zones: tuple[str, ...]
    """IANA names of where such a number may be; empty when unknown."""


def read_number(text: str, country: str, prefix: str = "", *, any_kind: bool = False) -> Telephone:
    """The telephone number that a cell means. WrongNumber when it means none that may be dialled.

    country: of numbers without a country code.  prefix: VICIdial's phone_code.  any_kind: also numbers that have the
    right length but that nobody may have, and premium ones, as a never-dial list may name.
    """
    if not text:
        raise WrongNumber("is missing")
    region = _region(prefix, country)
    ordinary = plan_of(region).read(text)
    if ordinary is not None:
        return Telephone(*ordinary)
    return _read_with_care(text, country, region, any_kind=any_kind)


def _read_with_care(text: str, country: str, region: str, *, any_kind: bool) -> Telephone:
    if _SPREADSHEET.fullmatch(text):
        raise WrongNumber("was shortened by a spreadsheet (as in 4.4E+11); format the column as text")
    try:
        parsed = phonenumbers.parse(text, region)
    except NumberParseException as error:
        raise WrongNumber(_WHY.get(error.error_type, "is not a telephone number")) from None
    if parsed.extension:
        raise WrongNumber("has an extension, which cannot be dialled")
    kind = phonenumbers.number_type(parsed)
    if kind == PhoneNumberType.UNKNOWN and not (any_kind and _has_whole_length(parsed)):
        place = phonenumbers.region_code_for_number(parsed) or country
        raise WrongNumber(f"is not a valid number ({place})")
    if kind in _NOT_DIALLED and not any_kind:
        raise WrongNumber(_NOT_DIALLED[kind])
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    zones = tuple(zone for zone in time_zones_for_number(parsed) if zone != UNKNOWN_ZONE)
    return Telephone(number, phonenumbers.national_significant_number(parsed), zones)


def _has_whole_length(parsed: PhoneNumber) -> bool:
    """With its area code; a number that can be dialled next door alone names nobody in particular."""
    return bool(phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE)


def read_prefix(text: str, country: str) -> str:
    """The first digits of numbers in E.164 form, such as `+44207946` of `020 7946`. WrongNumber when they are none.

    country: of those without a country code.
    """
    sign, digits = text.startswith("+"), _PUNCTUATION.sub("", text.removeprefix("+"))
    if not (digits.isascii() and digits.isdigit()):
        raise WrongNumber("is no range: give the first digits and *")
    if not sign and digits.startswith(_ABROAD):
        sign, digits = True, digits.removeprefix(_ABROAD)
    if not sign:
        plan = phonenumbers.PhoneMetadata.metadata_for_region(country)
        if plan is None:
            raise WrongNumber("has no country code")
        digits = f"{plan.country_code}{digits.removeprefix(plan.national_prefix or '')}"
    if digits.startswith("0") or not SHORTEST_PREFIX <= len(digits) <= LONGEST_PREFIX:
        raise WrongNumber(f"is no range of {SHORTEST_PREFIX} to {LONGEST_PREFIX} digits with its country code")
    return f"+{digits}"


def ends_in(text: str) -> str:
    """All that a report may say of a number: its last two digits."""
    digits = "".join(c for c in text if c.isdigit())
    return f"ends in {digits[-SHOWN_DIGITS:]}" if len(digits) > 2 * SHOWN_DIGITS else "very short"


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Whether it is an IANA name, or several with `|` between them, as an export has those of an uncertain number."""
    try:
        for each in name.split(BETWEEN_ZONES):
            ZoneInfo(each)
    except (ValueError, OSError, KeyError):
        return False
    return len(name) <= ZONE_CHARACTERS


@lru_cache(maxsize=1024)
def zones_together(zones: tuple[str, ...], preferred: str, wall: datetime) -> str:
    """One zone for all of these where their clocks are alike for a year from `wall`, `preferred` if it is among them;
    else those of them that are furthest east and west at any time of it, with `|` between: who may be called in these
    may be called in all.

    zones: at least one.  Raises WrongNumber where they are so far apart that there is no hour for all.
    """
    ordered = sorted(zones, key=lambda zone: zone != preferred)
    kept: list[str] = []
    east, west = timedelta.min, timedelta.max
    for look in CLOCK_LOOKS:
        at = {zone: (wall + look).astimezone(ZoneInfo(zone)).utcoffset() or timedelta() for zone in ordered}
        for extreme in (max(at.values()), min(at.values())):
            if not any(at[zone] == extreme for zone in kept):
                kept.append(next(zone for zone in ordered if at[zone] == extreme))
        east, west = max(east, *at.values()), min(west, *at.values())
    if east - west >= MOST_APART:
        raise WrongNumber("may be in time zones that have no hour of calling in common; name its own")
    together = BETWEEN_ZONES.join(sorted(kept, key=ordered.index))
    return together if len(together) <= ZONE_CHARACTERS else BETWEEN_ZONES.join((_fixed(west, up=False), _fixed(east)))


def _fixed(offset: timedelta, *, up: bool = True) -> str:
    """A zone of whole hours that is not nearer than `offset` from UTC, to the east (`up`) or to the west."""
    hours = offset / timedelta(hours=1)
    whole = ceil(hours) if up else floor(hours)
    return f"Etc/GMT{-whole:+d}" if whole else "Etc/GMT"  # POSIX: the sign is turned round


def zone_with_offset(hours: float, zones: tuple[str, ...], wall: datetime) -> str | None:
    """One of the number's zones whose clocks now differ from UTC by `hours`; else a fixed zone; None if there is none.

    VICIdial's gmt_offset_now tells the offset of the moment, so a real zone is better: it goes on to follow the clocks.
    """
    offset = timedelta(hours=hours)
    for zone in zones:
        if wall.astimezone(ZoneInfo(zone)).utcoffset() == offset:
            return zone
    if hours != int(hours) or not -12 <= hours <= 14:
        return None
    return f"Etc/GMT{-int(hours):+d}" if hours else "Etc/GMT"  # POSIX: the sign is turned round


@lru_cache(maxsize=256)
def _region(prefix: str, country: str) -> str:
    digits = prefix.strip().lstrip("+").lstrip("0")
    if not digits:
        return country
    region = region_code_for_country_code(int(digits)) if digits.isdigit() and len(digits) <= 3 else "ZZ"
    if region in ("ZZ", "001"):
        raise WrongNumber("has a country prefix that does not exist")
    # A prefix shared by several countries (+1, +44) fits the default country when that is one of them.
    shared = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits), ())
    return country if country in shared else str(region)
