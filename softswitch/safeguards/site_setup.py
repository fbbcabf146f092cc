"""What an administrator sees of a site's configuration and of work under way. Pure; no secret and no whole telephone
number of a callee is in any of it."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TrunkSetup:
    name: str
    host: str
    port: int | None
    transport: str
    username: str
    has_password: bool
    register: bool
    caller_id: str
    channels: int
    calls_per_second: float


@dataclass(frozen=True, slots=True)
class AgentSetup:
    id: str
    phone_username: str
    phone_model: str
    phone_mac: str
    has_phone_file: bool
    """Whether a provisioning file can be made."""


@dataclass(frozen=True, slots=True)
class CampaignSetup:
    name: str
    purpose: str
    policy: str
    trunk: str
    caller_id: str
    opens: str
    """HH:MM, the callee's local time."""
    closes: str
    information_message: str
    visible_fields: tuple[str, ...]
    agents: tuple[str, ...]
    """Empty: all."""
    script: str
    """File name; empty: none."""


@dataclass(frozen=True, slots=True)
class SiteSetup:
    """A site's file, as it is now."""

    name: str
    time_zone: str
    country: str
    trunks: tuple[TrunkSetup, ...]
    agents: tuple[AgentSetup, ...]
    campaigns: tuple[CampaignSetup, ...]
    prompts: tuple[str, ...]
    never_dial_entries: int
    never_dial_at: datetime | None
    """None: there is no list, and nothing is dialled."""
    warnings: tuple[str, ...]
    """As `softswitch check` gives them."""
    waiting: tuple[str, ...]
    """What is in the file and not yet in force: it waits for a restart."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of a change of the configuration."""

    warnings: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    """As in `SiteSetup`; empty: all of it is in force."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was uploaded and waits to be used. It is deleted when it has been, or after a while."""

    upload_ref: str
    name: str
    size: int
    columns: tuple[str, ...] = ()
    """Names in its first line, where it is a CSV file; those that look like numbers are not repeated."""


@dataclass(frozen=True, slots=True)
class AgentsReport:
    """What became of a CSV file of agents, or would in a dry run."""

    rows: int
    added: int
    changed: int
    unchanged: int
    problems: tuple[str, ...]
    """With line numbers; while there is one, nothing is written."""
    left_out: tuple[str, ...]
    """Columns that mean nothing here."""
    dry_run: bool
    saved: Saved = field(default_factory=Saved)


@dataclass(frozen=True, slots=True)
class PromptReport:
    """A message that was taken in."""

    name: str
    seconds: float
    level_dbov: float
    """Of its speech (ITU-T P.56's idea: pauses left out), relative to overload."""
    peak_dbov: float
    saved: Saved = field(default_factory=Saved)


@dataclass(frozen=True, slots=True)
class Job:
    """An import under way, or the last ones that were."""

    job_ref: str
    what: str
    """"leads dry-run", "leads import" or "never-dial import"."""
    subject: str
    """The campaign; empty for the never-dial list."""
    state: str
    """"running", "done" or "failed"."""
    rows_done: int = 0
    rows: int = 0
    """Of the file; 0 until they are counted."""
    figures: dict[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """With line numbers; of a number no more than its last two digits."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class TestCall:
    """A call by which an administrator tries a trunk."""

    __test__ = False  # the name is the field's own; pytest is not to look for tests in it

    call_ref: str
    trunk: str
    state: str
    """"dialling", "ringing", "answered", "ended" or "failed"."""
    reason: str = ""
    """Why it failed, in plain words."""


@dataclass(frozen=True, slots=True)
class PhoneOffer:
    """Where one phone may fetch its file, once."""

    path: str
    """With a random token of 256 bits; whoever has it can take the phone's account."""
    minutes: int
