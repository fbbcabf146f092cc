"""Looking for records in the audit log: who saw, heard, changed or exported what, when and why. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from softswitch.safeguards.audit import SWITCH, AuditRecord


class Kind(StrEnum):
    """What a record tells of, as an auditor asks for it."""

    SAW = "saw"
    HEARD = "heard"
    EXPORTED = "exported"
    DESTROYED = "destroyed"
    CAME = "came and went"
    """Log-ins, log-outs, and those that were refused."""
    CHANGED = "changed"
    """Whatever else a person did."""
    SYSTEM = "the switch itself"


_HEARD = frozenset({"listen", "whisper", "barge", "leave", "play recording", "listened to recording"})
_CAME = frozenset({"log in", "log out", "refused"})
_SAW = frozenset({"see", "show lead", "trace", "capture"})


def kind_of(record: AuditRecord) -> Kind:
    if record.action in _HEARD:
        return Kind.HEARD
    if record.action.startswith(("destroy", "erase")):
        return Kind.DESTROYED
    if record.actor == SWITCH:
        return Kind.SYSTEM
    if record.action in _SAW:
        return Kind.SAW
    if "export" in record.action:
        return Kind.EXPORTED
    return Kind.CAME if record.action in _CAME else Kind.CHANGED


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """What a record must have to be found; empty: anything. Capitals count nowhere."""

    actor: str = ""
    """The whole name."""
    kind: Kind | None = None
    action: str = ""
    """Part of it; so with the next two."""
    subject: str = ""
    text: str = ""
    """In any of actor, action, subject and reason."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""

    def matches(self, record: AuditRecord) -> bool:
        texts = (record.actor, record.action, record.subject, record.reason)
        return (
            (not self.actor or record.actor.casefold() == self.actor.casefold())
            and (self.kind is None or kind_of(record) is self.kind)
            and _within(self.action, record.action)
            and _within(self.subject, record.subject)
            and (not self.text or any(_within(self.text, each) for each in texts))
            and (self.since is None or moment_of(record) >= self.since)
            and (self.until is None or moment_of(record) < self.until)
        )


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Records that were found, the newest first."""

    records: tuple[AuditRecord, ...]
    before: int | None
    """Where the next page goes on: records of lower sequence numbers. None: the log was read to its beginning."""
    looked_until: str
    """Time (ISO 8601, UTC) of the oldest record that was looked at; empty where there was none."""


def moment_of(record: AuditRecord) -> datetime:
    """When it was written down; of a damaged record, long ago."""
    try:
        at = datetime.fromisoformat(record.at)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _within(wanted: str, text: str) -> bool:
    return not wanted or wanted.casefold() in text.casefold()
