"""What a site's TOML file may say, and how it becomes the values that the rooms work with.

Each field's docstring is its description in `softswitch check` and in the schema. Environment variables come before the
file: `SOFTSWITCH_SIP__PORT=5070` overrides `port` under `[sip]`. Relative paths are taken from the file's folder.
"""

from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from softswitch.config.defence import DefenceSettings
from softswitch.config.destinations import Destination
from softswitch.config.fields import (
    E164,
    WEEKDAYS,
    AuditorKey,
    Country,
    EndedAs,
    FromFile,
    IpAddress,
    ListenPort,
    Name,
    OptionalE164,
    OptionalFile,
    Reachable,
    RecycledAs,
    Section,
    Weekday,
    Zone,
)  # fmt: skip
from softswitch.config.inbound import InboundSettings
from softswitch.config.people import Category, PeopleSettings
from softswitch.config.phones import AgentSettings, SupervisorSettings
from softswitch.config.sip import SipSettings, TrunkSettings
from softswitch.config.supervision import SupervisionSettings
from softswitch.config.tracing import TraceSettings
from softswitch.dialler.campaign import AmdMode, AmdPoint, Policy, Purpose
from softswitch.dialler.rule_choice import RuleChoice


class SiteSettings(Section):
    """[site]"""

    name: Annotated[str, Field(max_length=128)] = "softswitch"
    """Shown on the wallboard."""
    time_zone: Zone = "Europe/London"
    """IANA name; the calendar day of the abandonment rules is this zone's."""
    country: Country = "GB"
    """ISO 3166-1; numbers in lists without a country code are this country's."""
    data_directory: FromFile = Path("data")
    """Where store and recordings lie unless told otherwise; made at first start."""


class MediaSettings(Section):
    """[media]"""

    address: Reachable = "127.0.0.1"
    """Address for RTP, written into SDP."""
    first_port: Annotated[int, Field(ge=1024, le=65534)] = 20000
    """Even: RTP takes the even port of each pair, RTCP the odd one (RFC 3550 §11)."""
    last_port: Annotated[int, Field(ge=1025, le=65535)] = 20999
    """Odd; each leg takes two ports."""
    jitter_buffer: Literal["auto", "always", "never"] = "auto"
    """Which legs have one: those that do not speak G.711, every leg, or none."""


class WebSettings(Section):
    """[web]"""

    address: IpAddress = "127.0.0.1"
    """Listened on; this machine alone until told otherwise."""
    port: ListenPort = 8080
    """TCP; 0 lets the system choose."""
    tls: Literal["auto", "never"] = "auto"
    """auto: with the certificate below, else, where the address is not this machine's alone, with a self-made one.
    never: for a proxy on this machine that speaks TLS in front of us."""
    certificate: OptionalFile = None
    """PEM, with the whole chain."""
    certificate_key: OptionalFile = None
    """PEM, without a password."""


class StoreSettings(Section):
    """[store]"""

    url: str = ""
    """SQLAlchemy address; empty: softswitch.db (SQLite) in the data directory. It may hold a password."""


class VaultSettings(Section):
    """[vault]: what encrypts telephone numbers, names and addresses."""

    key_file: OptionalFile = None
    """Made by `softswitch vault keygen`; best on another disk than the store. Left out: the systemd credential
    softswitch-vault-key where the service is given one, else vault.key beside the store, made with it."""


class RecordingSettings(Section):
    """[recordings]"""

    auditor_public_key: AuditorKey = ""
    """Recordings are sealed to it: 64 hexadecimal digits, base64, or a file with them; without it no call is made."""
    directory: OptionalFile = None
    """Left out: recordings in the data directory."""
    minimum_free_mb: Annotated[int, Field(ge=0)] = 500
    """No new call is dialled while the disk has less than this free."""
    keep_days: Annotated[int, Field(ge=1, le=36_500)] = 90
    """Recordings, and the personal data of leads that nobody has tried to reach since, are destroyed after so many
    days."""


class SafeguardSettings(Section):
    """[safeguards]"""

    never_dial: OptionalFile = None
    """CSV of numbers that are never dialled, imported at a start where it is newer than the list in the store. Better
    left out: `softswitch never-dial import` keeps nothing but keyed hashes. Nothing is dialled without a list."""
    never_dial_days: Annotated[int, Field(ge=1, le=366)] = 28
    """How old the list may be, in days; an older one lacks who was put on it since."""
    supervisor_ratio: Annotated[int, Field(ge=0, le=1000)] = 15
    """Agents that one present supervisor may watch; 0 asks for no supervisor."""
    supervisor_audio: Literal["auto", "always", "never"] = "auto"
    """Whether only those supervisors count who have tested their headset or phone on the wallboard. auto: unless [sip]
    address is this machine's alone, as in a lab."""
    clock: Literal["auto", "always", "never"] = "auto"
    """Whether nothing is dialled while the kernel's clock is not synchronised by NTP. auto: as supervisor_audio."""
    clock_offset_ms: Annotated[float, Field(gt=0, le=60_000)] = 1000.0
    """How far off the clock may be by NTP."""
    destinations: tuple[Destination, ...] = ()
    """Beginnings of the numbers that may be dialled, such as ["+44", "+3531"]; left out: the landlines and mobiles of
    [site] country. Premium-rate and satellite numbers are never dialled; dear ranges inside a country code (Caribbean
    islands in +1, the mobiles of Jersey in +44) only where they are named themselves."""
    refused_destinations: tuple[Destination, ...] = ()
    """Beginnings of numbers that may not be dialled all the same."""
    calls_at_once: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Calls on all trunks together; 0: as many as the trunks have channels."""
    calls_a_day: Annotated[int, Field(ge=1, le=10_000_000)] = 50_000
    """Calls dialled in a calendar day; then dialling stops until midnight, and the wallboard says so."""
    calls_a_day_to: dict[Destination, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """The same by beginning of the number, such as {"+3531" = 200}."""


class AuditSettings(Section):
    """[audit]"""

    signing_key: OptionalFile = None
    """Private key that signs the audit log, from `softswitch audit keygen`; better on another disk than the log. Left
    out: systemd's credential audit-signing-key, else a key that the first start makes in the data directory."""


class RecycleSettings(Section):
    """[campaigns.recycle.OUTCOME]"""

    after_s: Annotated[float, Field(ge=0)]
    """Seconds until the lead is tried again."""
    attempts: Annotated[int, Field(ge=0, le=100)]
    """Attempts that may end so before the lead is done."""


class AaporSettings(Section):
    """[campaigns.aapor.DISPOSITION]: how the site reads it."""

    group: Literal["I", "P", "R", "NC", "O", "UH", "UO", "NE"]
    """Final disposition by AAPOR's Standard Definitions."""
    code: Annotated[str, Field(pattern=r"^[1-4]\.\d{1,4}[a-z]?$")]
    """AAPOR's code, such as "2.34"."""


class CampaignSettings(Section):
    """[[campaigns]]: whom to call, when, how often, and by which rules. See docs/campaigns.md."""

    name: Name
    """Lists, records and the wallboard know it by this name."""
    purpose: Purpose = Purpose.RESEARCH
    """research or marketing; research that hands over leads is marketing."""
    rules: RuleChoice = RuleChoice.UK
    """uk (Ofcom), us (FTC and FCC), or own: its own settings, where they are stricter than the UK's."""
    trunk: str = ""
    """Name of a trunk; empty: any that is healthy."""
    caller_id: OptionalE164 = ""
    """E.164; presented to the callee, who can ring it back."""
    caller_ids: tuple[E164, ...] = ()
    """Several instead of `caller_id`: calls are shared out among them evenly, and a number always sees the same one."""
    information_message: str = ""
    """Name of a prompt: who called and how to be removed; played to abandoned calls."""
    recording_notice: str = ""
    """Name of a prompt: that the call is recorded; the callee hears it as the agent is connected."""
    amd: AmdMode = AmdMode.PARALLEL
    """off, parallel (the agent hears the callee at once) or before_agent."""
    amd_point: AmdPoint | None = None
    """careful, balanced or fast: how sure the detector must be. Left out: careful for parallel, balanced for
    before_agent."""
    amd_review_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of the calls that a verdict ended which reviewers are to judge by their recordings; drawn at random."""
    amd_review_least: Annotated[int, Field(ge=0, le=1000)] = 10
    """And at least so many a day, where there are so many."""
    amd_false_positive_prior: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of them taken to be people's until 100 are reviewed; left out: 0.025 at careful, 0.035 at balanced,
    0.05 at fast."""
    voicemail_message: str = ""
    """Name of a prompt that is left on answering machines, never by a marketing campaign; empty: none is."""
    voicemail_allowed: bool = False
    """true: it is certain that the message holds no marketing and may be left. Without it nothing starts that has a
    voicemail_message."""
    voicemail_wait_s: Annotated[float, Field(ge=5, le=120)] = 45.0
    """How long to wait for a machine's beep or the end of its greeting."""
    voicemail_most: Annotated[int, Field(ge=1, le=10)] = 1
    """Messages that one lead is left."""
    policy: Policy = Policy.PREDICTIVE
    """progressive, predictive, guaranteed_agent (nobody is ever abandoned), preview (the agent sees the lead first),
    manual (the agent asks for a lead by its reference) or ratio. See docs/campaigns.md."""
    ratio: Annotated[float, Field(ge=1, le=5)] = 1.5
    """Calls for each agent who is ready, of policy ratio."""
    preview_s: Annotated[float, Field(ge=5, le=600)] = 60.0
    """So long an agent may look at a lead of policy preview; who says nothing is paused."""
    abandoned_target: Annotated[float, Field(ge=0, le=0.03)] = 0.01
    """Share of live calls that pacing aims at."""
    abandoned_limit: Annotated[float, Field(ge=0, le=0.03)] = 0.03
    """Share of live calls in a calendar day; 0.03 is the ceiling (Ofcom 2010 statement)."""
    at_abandoned_limit: Literal["guaranteed_agent", "stop"] = "guaranteed_agent"
    """What is done while the day is at its limit: guaranteed_agent dials only calls that have their agent in advance,
    and the day finds back under it; stop dials nothing."""
    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Days after which its recordings and its leads' data are destroyed; left out: [recordings] keep_days."""
    supervisor_ratio: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Agents of this campaign that one present supervisor may watch; left out: as [safeguards] supervisor_ratio says
    for the whole site, which counts in any case."""
    opens: time = time(9, 0)
    """Callee's local time."""
    closes: time = time(21, 0)
    """Callee's local time; no call is started from then on."""
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    """Days on which it dials: mon, tue, ..."""
    holidays: tuple[date, ...] = ()
    """Days on which it does not."""
    starts_on: date | None = None
    """First day on which it dials, in the site's time zone; left out: any."""
    ends_on: date | None = None
    """Last day on which it dials."""
    calls_a_day: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """Calls in a calendar day, after which it waits for the next; 0: any number."""
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
    next_number_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    """Between an attempt at one number of a lead and one at its next."""
    day_parts: tuple[time, ...] = ()
    """Where one part of the callee's day ends and the next begins, such as [12:00:00, 17:00:00]: who was not reached
    in one is tried again in another. Left out: by the recycle rules alone."""
    callback_grace_s: Annotated[float, Field(ge=0, le=86400)] = 600.0
    """So long a callback waits for the agent who has promised it; then anybody who is ready makes it."""
    callback_window_s: Annotated[float, Field(ge=60, le=86400)] = 900.0
    """A callback that has not been dialled so long after its moment is reported as missed, and made all the same."""
    recycle: dict[RecycledAs, RecycleSettings] = Field(default_factory=dict)
    """By outcome or disposition, or for one final SIP status of it: "failed-503"."""
    filter: str = ""
    """Which leads of its lists it dials, such as 'segment == "north" and age >= 30'; empty: all. See
    docs/campaigns.md."""
    key_words: tuple[str, ...] = ()
    """Phrases of which supervisors are told when agent or callee says them; English, lower case. They need
    `pip install 'softswitch[keywords]'`. See docs/supervision.md."""
    visible_fields: tuple[str, ...] = ()
    """Fields of the list that the agent sees; never the number."""
    agents: tuple[str, ...] = ()
    """Agent ids that work for it; empty: all."""
    categories: tuple[Category, ...] = ()
    """What it is about, such as ["victims"]; agents who are excluded from one of them do not work for it."""
    weight: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Its share of the agents who work for several campaigns: twice as much has twice as many."""
    queue_low: Annotated[int, Field(ge=1)] = 20
    """The hopper is refilled when it holds fewer leads than this."""
    queue_high: Annotated[int, Field(ge=1, le=100000)] = 200
    """Leads that it is refilled to."""
    script: OptionalFile = None
    """TOML: what its agents say and ask; see docs/scripts.md. Left out: they have none."""
    aapor: dict[EndedAs, AaporSettings] = Field(default_factory=dict)
    """Dispositions that its report reads otherwise than by default."""
    leads: OptionalFile = None
    """CSV imported at start; leads already there are left alone."""
    start: bool = False
    """Start dialling with the switch."""


class Settings(BaseSettings):
    """A site's whole configuration; made by `load`."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="SOFTSWITCH_", env_nested_delimiter="__", use_attribute_docstrings=True
    )

    # Made when asked for, not when this module is read: their paths belong to the file that is being loaded.
    site: SiteSettings = Field(default_factory=SiteSettings)
    sip: SipSettings = Field(default_factory=SipSettings)
    trace: TraceSettings = Field(default_factory=TraceSettings)
    defence: DefenceSettings = Field(default_factory=DefenceSettings)
    media: MediaSettings = Field(default_factory=MediaSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    vault: VaultSettings = Field(default_factory=VaultSettings)
    recordings: RecordingSettings = Field(default_factory=RecordingSettings)
    people: PeopleSettings = Field(default_factory=PeopleSettings)
    safeguards: SafeguardSettings = Field(default_factory=SafeguardSettings)
    supervision: SupervisionSettings = Field(default_factory=SupervisionSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    prompts: dict[Name, FromFile] = {}
    """Clips by name: WAV files."""
    trunks: tuple[TrunkSettings, ...] = ()
    agents: tuple[AgentSettings, ...] = ()
    supervisors: tuple[SupervisorSettings, ...] = ()
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
