"""What a site's TOML file may say, and how it becomes the values that the rooms work with.

Each field's docstring is its description in `softswitch check` and in the schema. Environment variables come before the
file: `SOFTSWITCH_SIP__PORT=5070` overrides `port` under `[sip]`. Relative paths are taken from the file's folder.
"""

import ipaddress
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from softswitch.calls.outcome import Outcome
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import AmdMode, Policy, Purpose

_BASE: ContextVar[Path] = ContextVar("base", default=Path())
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_E164 = re.compile(r"\+[1-9]\d{6,14}")  # ITU-T E.164: 15 digits at most
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


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
    if ipaddress.ip_address(_literal(address)).is_unspecified:
        raise ValueError("must be the address at which trunks and phones reach this machine, it is told to them")
    return address


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("is no time zone; use an IANA name such as Europe/London") from None
    return name


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


FromFile = Annotated[Path, AfterValidator(_from_file)]
OptionalFile = Annotated[Path | None, AfterValidator(_from_file_or_none)]
IpAddress = Annotated[str, AfterValidator(_literal)]
Reachable = Annotated[str, AfterValidator(_reachable)]
E164 = Annotated[str, AfterValidator(_e164)]
OptionalE164 = Annotated[str, AfterValidator(_e164_or_empty)]
Weekday = Annotated[str, BeforeValidator(_weekday)]
Name = Annotated[str, Field(pattern=_NAME, max_length=64)]
ListenPort = Annotated[int, Field(ge=0, le=65535)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """Base of every table of the file: a key that is not listed is a typo."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, validate_default=True)


class SiteSettings(Section):
    """[site]"""

    name: str = "softswitch"
    """Shown on the wallboard."""
    time_zone: Annotated[str, AfterValidator(_zone)] = "Europe/London"
    """IANA name; the calendar day of the abandonment rules is this zone's."""
    country: Annotated[str, AfterValidator(_country)] = "GB"
    """ISO 3166-1; numbers in lists without a country code are this country's."""
    data_directory: FromFile = Path("data")
    """Where store and recordings lie unless told otherwise; made at first start."""


class SipSettings(Section):
    """[sip]"""

    address: Reachable = "127.0.0.1"
    """Address that trunks and phones reach; listened on and written into Via, Contact and SDP."""
    port: ListenPort = 5060
    """UDP; 0 lets the system choose."""
    phone_digests: Annotated[tuple[Literal["SHA-256", "MD5"], ...], Field(min_length=1)] = ("MD5",)
    """What phones are challenged with, in this order (RFC 8760); ["SHA-256", "MD5"] where all of them understand it:
    some, baresip 1.0 among them, give up at the sight of SHA-256."""
    phone_silence_s: Annotated[float, Field(ge=0, le=60)] = 3.0
    """An agent's phone that has sent audio and sends none for so long has vanished: its line ends, its call goes on to
    another agent. Phones must therefore not suppress silence; 0 for a site whose phones do."""


class MediaSettings(Section):
    """[media]"""

    address: Reachable = "127.0.0.1"
    """Address for RTP, written into SDP."""
    first_port: Annotated[int, Field(ge=1024, le=65534)] = 20000
    """Even: RTP takes the even port of each pair, RTCP the odd one (RFC 3550 §11)."""
    last_port: Annotated[int, Field(ge=1025, le=65535)] = 20999
    """Odd; each leg takes two ports."""


class WebSettings(Section):
    """[web]"""

    address: IpAddress = "127.0.0.1"
    """Listened on; this machine alone until told otherwise."""
    port: ListenPort = 8080
    """TCP; 0 lets the system choose."""


class StoreSettings(Section):
    """[store]"""

    url: str = ""
    """SQLAlchemy address; empty: softswitch.db (SQLite) in the data directory. It may hold a password."""


class RecordingSettings(Section):
    """[recordings]"""

    directory: OptionalFile = None
    """Left out: recordings in the data directory."""
    minimum_free_mb: Annotated[int, Field(ge=0)] = 500
    """No new call is dialled while the disk has less than this free."""


class SafeguardSettings(Section):
    """[safeguards]"""

    never_dial: OptionalFile = None
    """CSV of numbers that are never dialled; nothing is dialled without one."""
    supervisor_ratio: Annotated[int, Field(ge=0, le=1000)] = 15
    """Agents that one present supervisor may watch; 0 asks for no supervisor."""


class TrunkSettings(Section):
    """[[trunks]]: a carrier account."""

    name: Name
    """Campaigns refer to it by this name."""
    host: Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9.:\[\]-]+$")]
    """The carrier's proxy: address or host name."""
    port: Port = 5060
    """UDP port of the carrier's proxy."""
    username: str = ""
    """For digest authentication and registration."""
    password: SecretStr = SecretStr("")
    """Better in a file of its own: see `password_file`."""
    password_file: OptionalFile = None
    """File with the password, instead of `password`."""
    registers: Annotated[bool, Field(alias="register")] = False
    """Register with the carrier (RFC 3261 §10); otherwise it knows us by address."""
    expires_s: Annotated[int, Field(ge=30, le=86400)] = 300
    """Seconds that a registration is asked to last."""
    caller_id: OptionalE164 = ""
    """E.164; presented where the campaign has none of its own."""
    channels: Annotated[int, Field(ge=1, le=10000)] = 30
    """Calls at a time."""
    calls_per_second: Annotated[float, Field(gt=0, le=1000)] = 5.0
    """New calls a second that the carrier allows."""


class Connect(StrEnum):
    """How an agent's phone takes part."""

    NAILED_UP = "nailed-up"
    """One call for the whole shift; callees are bridged to it."""
    RING_PER_CALL = "ring-per-call"


class AgentSettings(Section):
    """[[agents]]"""

    id: Name
    """What the agent logs in with; a number or a name."""
    phone_username: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
    """The phone registers with it."""
    phone_password: SecretStr = SecretStr("")
    """Digest password of the phone."""
    phone_password_file: OptionalFile = None
    """File with the password, instead of `phone_password`."""
    pin: SecretStr | None = None
    """For the agent page."""
    connect: Connect = Connect.NAILED_UP
    """nailed-up: one call for the whole shift; ring-per-call: the phone rings for each callee."""
    keepalive_s: Annotated[float, Field(ge=0, le=600)] = 30.0
    """Pause between OPTIONS in the phone's call; 0 for a phone that does not answer them."""


class RecycleSettings(Section):
    """[campaigns.recycle.OUTCOME]"""

    after_s: Annotated[float, Field(ge=0)]
    """Seconds until the lead is tried again."""
    attempts: Annotated[int, Field(ge=0, le=100)]
    """Attempts that may end so before the lead is done."""


class CampaignSettings(Section):
    """[[campaigns]]; see `softswitch.dialler.campaign.Campaign` for the rules behind the defaults."""

    name: Name
    """Lists, records and the wallboard know it by this name."""
    purpose: Purpose = Purpose.RESEARCH
    """research or marketing; research that hands over leads is marketing."""
    trunk: str = ""
    """Name of a trunk; empty: any that is healthy."""
    caller_id: OptionalE164 = ""
    """E.164; presented to the callee, who can ring it back."""
    information_message: str = ""
    """Name of a prompt: who called and how to be removed; played to abandoned calls."""
    amd: AmdMode = AmdMode.PARALLEL
    """off, parallel (the agent hears the callee at once) or before_agent."""
    policy: Policy = Policy.PREDICTIVE
    """progressive, predictive, or guaranteed_agent (nobody is ever abandoned)."""
    abandoned_target: Annotated[float, Field(ge=0, le=0.03)] = 0.01
    """Share of live calls that pacing aims at."""
    abandoned_limit: Annotated[float, Field(ge=0, le=0.03)] = 0.03
    """Share of live calls in a calendar day; 0.03 is the ceiling (Ofcom 2010 statement)."""
    opens: time = time(9, 0)
    """Callee's local time."""
    closes: time = time(21, 0)
    """Callee's local time; no call is started from then on."""
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    """Days on which it dials: mon, tue, ..."""
    holidays: tuple[date, ...] = ()
    """Days on which it does not."""
    minimum_ring_s: Annotated[float, Field(ge=15, le=120)] = 15.0
    """Ofcom: no unanswered call is cut off sooner than 15 s."""
    ring_timeout_s: Annotated[float, Field(ge=15, le=180)] = 22.0
    """How long an unanswered call rings."""
    two_second_rule_s: Annotated[float, Field(gt=0, le=2)] = 2.0
    """An agent or the information message is heard by then (Ofcom: 2 s)."""
    abandoned_lock_s: Annotated[float, Field(ge=0)] = 72 * 3600.0
    """Ofcom: 72 hours."""
    machine_lock_s: Annotated[float, Field(ge=0)] = 24 * 3600.0
    """Ofcom: 24 hours."""
    wrap_up_s: Annotated[float, Field(ge=0, le=3600)] = 15.0
    """Pause of an agent after each call."""
    maximum_attempts: Annotated[int, Field(ge=1, le=100)] = 6
    """Attempts after which a lead is done, whatever they came to."""
    recycle: dict[Annotated[str, AfterValidator(_outcome)], RecycleSettings] = {}
    """By outcome or disposition."""
    visible_fields: tuple[str, ...] = ()
    """Fields of the list that the agent sees; never the number."""
    agents: tuple[str, ...] = ()
    """Agent ids that work for it; empty: all."""
    queue_low: Annotated[int, Field(ge=1)] = 20
    """The hopper is refilled when it holds fewer leads than this."""
    queue_high: Annotated[int, Field(ge=1, le=100000)] = 200
    """Leads that it is refilled to."""
    leads: OptionalFile = None
    """CSV imported at start; leads already there are left alone."""
    start: bool = False
    """Start dialling with the switch."""


class InboundSettings(Section):
    """[[inbound]]: calls to a number of ours."""

    did: E164
    """Number as the carrier sends it."""
    agents: tuple[str, ...] = ()
    """Agent ids that take its calls; empty: all."""
    prompt_no_agent: str = ""
    """Name of a prompt played when no agent is free."""
    caller_hears: str = "ringing"
    """While waiting: "ringing", or the name of a prompt."""


class Settings(BaseSettings):
    """A site's whole configuration; made by `load`."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="SOFTSWITCH_", env_nested_delimiter="__", use_attribute_docstrings=True
    )

    # Made when asked for, not when this module is read: their paths belong to the file that is being loaded.
    site: SiteSettings = Field(default_factory=SiteSettings)
    sip: SipSettings = Field(default_factory=SipSettings)
    media: MediaSettings = Field(default_factory=MediaSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    recordings: RecordingSettings = Field(default_factory=RecordingSettings)
    safeguards: SafeguardSettings = Field(default_factory=SafeguardSettings)
    prompts: dict[Name, FromFile] = {}
    """Clips by name: WAV files."""
    trunks: tuple[TrunkSettings, ...] = ()
    agents: tuple[AgentSettings, ...] = ()
    campaigns: tuple[CampaignSettings, ...] = ()
    inbound: tuple[InboundSettings, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings
