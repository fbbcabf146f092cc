"""A country's numbering plan, for the many numbers that are written as they should be.

`phonenumbers` reads anything and takes 100 us for it. A list of a million leads is nearly all ordinary landlines and
mobiles of one country, and whether a number is one is said by three patterns of the same metadata, compiled once. What
they do not say for certain is left to `phonenumbers` itself: this module never knows better, only sooner.
"""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc, PhoneNumberType
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

UNKNOWN_ZONE = "Etc/Unknown"
_WRITTEN = re.compile(r"[+(]?[0-9][0-9 ()\-]{5,30}")
_BETWEEN = str.maketrans("", "", " ()-")
# `phonenumbers` asks for these before it asks whether a number is a landline or a mobile.
_ASKED_BEFORE = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail",
)  # fmt: skip


class NumberPlan:
    """Of one country. Only the country whose numbers come first under a country code can be sure of them."""

    def __init__(self, country: str) -> None:
        metadata = PhoneMetadata.metadata_for_region(country)
        code = metadata.country_code if metadata is not None else None
        self.is_usable = False
        if metadata is None or code is None or metadata.general_desc is None:
            return
        if phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code][0] != country:
            return
        self.is_usable = True
        self._code = str(code)
        self._abroad = re.compile(metadata.international_prefix or "(?!)")
        self._prefix = re.compile(metadata.national_prefix_for_parsing or "(?!)")
        self._trunk_prefix = metadata.national_prefix or ""
        self._transforms = bool(metadata.national_prefix_transform_rule)
        self._begins = re.compile(metadata.leading_digits or "")
        self._lengths = frozenset(metadata.general_desc.possible_length)
        self._any = _pattern(metadata.general_desc)
        self._special = re.compile("|".join(f"(?:{_text(getattr(metadata, name))})" for name in _ASKED_BEFORE))
        self._landline, self._mobile = _pattern(metadata.fixed_line), _pattern(metadata.mobile)
        self._landlines, self._mobiles = _lengths(metadata.fixed_line), _lengths(metadata.mobile)
        self._same = bool(metadata.same_mobile_and_fixed_line_pattern)
        self._mobiles_have_places = is_number_type_geographical(PhoneNumberType.MOBILE, code)
        self._zones = {
            prefix: _known(zones) for prefix, zones in TIMEZONE_DATA.items() if prefix.startswith(self._code)
        }
        self._zone_lengths = sorted({len(prefix) for prefix in self._zones}, reverse=True)
        self._whole_country = _country_zones(self._code)

    def read(self, text: str) -> tuple[str, str, tuple[str, ...]] | None:
        """(E.164, national digits, time zones) of an ordinary number; None where `phonenumbers` is to be asked."""
        if not self.is_usable or _WRITTEN.fullmatch(text) is None:
            return None
        digits = text.translate(_BETWEEN)
        national = self._national(digits)
        if national is None or national[:1] in ("", "0") or len(national) not in self._lengths:
            return None
        if self._any.fullmatch(national) is None or self._begins.match(national) is None:
            return None
        if self._special.fullmatch(national) is not None:
            return None
        size = len(national)
        landline = size in self._landlines and self._landline.fullmatch(national) is not None
        mobile = (
            not landline and not self._same and size in self._mobiles and self._mobile.fullmatch(national) is not None
        )
        if not landline and not mobile:
            return None
        number = self._code + national
        return f"+{number}", national, self._zones_of(number, has_place=landline or self._mobiles_have_places)

    def _national(self, digits: str) -> str | None:
        """The digits behind country code or trunk prefix; None where it is not certain which are."""
        if digits[0] == "+":
            if not digits.startswith(self._code, 1):
                return None
            national = digits[1 + len(self._code) :]
            return national if self._prefix.match(national) is None else None
        if digits.startswith(self._code) or self._abroad.match(digits) is not None:
            return None
        found = self._prefix.match(digits)
        if found is None:
            return digits
        if self._transforms or found.group() != self._trunk_prefix or found.lastindex is not None:
            return None
        return digits[found.end() :]

    def _zones_of(self, number: str, *, has_place: bool) -> tuple[str, ...]:
        if not has_place:
            return self._whole_country
        for length in self._zone_lengths:
            zones = self._zones.get(number[:length])
            if zones is not None:
                return zones
        return self._whole_country


@lru_cache(maxsize=64)
def plan_of(country: str) -> NumberPlan:
    """The plan of a country (ISO 3166-1); one that is not usable where there is none."""
    return NumberPlan(country)


def _text(kind: PhoneNumberDesc | None) -> str:
    return (kind.national_number_pattern if kind is not None else None) or "(?!)"


def _pattern(kind: PhoneNumberDesc | None) -> "re.Pattern[str]":
    return re.compile(_text(kind))


def _lengths(kind: PhoneNumberDesc | None) -> frozenset[int]:
    """Where a kind names no lengths of its own, those of every number hold."""
    own = tuple(kind.possible_length) if kind is not None else ()
    return frozenset(own or range(1, 18))


def _known(zones: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(zone for zone in zones if zone != UNKNOWN_ZONE)


def _country_zones(code: str) -> tuple[str, ...]:
    """As for a country code alone, by the longest of its beginnings that is known."""
    beginnings = (code[: 1 + length] for length in range(TIMEZONE_LONGEST_PREFIX, 0, -1))
    return next((_known(TIMEZONE_DATA[each]) for each in beginnings if each in TIMEZONE_DATA), ())
