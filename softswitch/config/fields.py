"""The kinds of value that a site's TOML file may hold, with what is said of a wrong one, and the base of its tables."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from softswitch.calls.outcome import Outcome, outcome_of
from softswitch.dialler.attempt import Disposition
from softswitch.errors import UsageError
from softswitch.recordings.keys import read_public_key

_BASE: ContextVar[Path] = ContextVar("base", default=Path())
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_E164 = re.compile(r"\+[1-9]\d{6,14}")  # ITU-T E.164: 15 digits at most
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
HOST = r"^[A-Za-z0-9.:\[\]_-]+$"


@contextmanager
def relative_to(folder: Path) -> Iterator[None]:
    """Within it, relative paths in settings are taken from `folder`."""
    token = _BASE.set(folder)
    try:
        yield
    finally:
        _BASE.reset(token)


def _from_file(path: Path) -> Path:
    return _BASE.get() / path.expanduser()


def _from_file_or_none(path: Path | None) -> Path | None:
    return None if path is None else _from_file(path)


def _literal(address: str) -> str:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise ValueError("must be an IP address, such as 192.0.2.10 or 127.0.0.1") from None
    return address


def _reachable(address: str) -> str:
    given = ipaddress.ip_address(_literal(address))
    if given.is_unspecified:
        raise ValueError("must be the address at which trunks and phones reach this machine, it is told to them")
    if given.version == 6 and given.is_link_local:
        raise ValueError("is a link-local address (fe80::), which nobody beyond one cable can reach: give a global one")
    return address


def zero_or_from(lowest: float, highest: float) -> Callable[[float], float]:
    """What checks a number that is 0 for "not at all", and otherwise within bounds."""

    def check(number: float) -> float:
        if number and not lowest <= number <= highest:
            raise ValueError(f"must be 0, or from {lowest:g} to {highest:g}")
        return number

    return check


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("is no time zone; use an IANA name such as Europe/London") from None
    return name


def _auditor_key(text: str) -> str:
    try:
        return text and read_public_key(text, _BASE.get()).hex()
    except UsageError as error:
        raise ValueError(str(error)) from None


def _country(code: str) -> str:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("is no country; use two capital letters (ISO 3166-1) such as GB")
    return code


def _e164(number: str) -> str:
    if not _E164.fullmatch(number):
        raise ValueError("must be in E.164 form: a plus sign, country code and number, without spaces or brackets")
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        raise ValueError("must be in E.164 form, with a country code that exists") from None
    if kind == phonenumbers.PhoneNumberType.PREMIUM_RATE:
        raise ValueError("is a premium-rate number, which may not be presented (Ofcom, persistent misuse policy)")
    return number


def _e164_or_empty(number: str) -> str:
    return number and _e164(number)


def _weekday(day: object) -> object:
    short = day.strip().lower()[:3] if isinstance(day, str) else ""
    if short not in WEEKDAYS:
        raise ValueError("is no day; use " + ", ".join(WEEKDAYS))
    return short


def _outcome(name: str) -> str:
    known = {str(o) for o in Outcome} | {str(d) for d in Disposition}
    if name not in known:
        raise ValueError("is no outcome or disposition; use one of " + ", ".join(sorted(known)))
    return name


def _recycled(name: str) -> str:
    outcome, _, status = name.rpartition("-")
    if not (len(status) == 3 and status.isascii() and status.isdigit()):
        return _outcome(name)
    if not 300 <= int(status) <= 699 or outcome_of(int(status)) != outcome:
        raise ValueError(f"never happens: status {status} is {outcome_of(int(status))}, see docs/campaigns.md")
    return name


FromFile = Annotated[Path, AfterValidator(_from_file)]
OptionalFile = Annotated[Path | None, AfterValidator(_from_file_or_none)]
IpAddress = Annotated[str, AfterValidator(_literal)]
Reachable = Annotated[str, AfterValidator(_reachable)]
E164 = Annotated[str, AfterValidator(_e164)]
OptionalE164 = Annotated[str, AfterValidator(_e164_or_empty)]
AuditorKey = Annotated[str, AfterValidator(_auditor_key)]
Weekday = Annotated[str, BeforeValidator(_weekday)]
Zone = Annotated[str, AfterValidator(_zone)]
Country = Annotated[str, AfterValidator(_country)]
EndedAs = Annotated[str, AfterValidator(_outcome)]
RecycledAs = Annotated[str, AfterValidator(_recycled)]
Name = Annotated[str, Field(pattern=NAME, max_length=64)]
ListenPort = Annotated[int, Field(ge=0, le=65535)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """Base of every table of the file: a key that is not listed is a typo."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True)
