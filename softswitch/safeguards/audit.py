"""The audit log's records: append-only, each bound to the one before it by a hash, so that none can go unnoticed.

docs/audit-log.md tells the format to strangers.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256

from softswitch.errors import UsageError

GENESIS = "0" * 64
"""What the first record is bound to."""
SWITCH = "softswitch"
"""The actor of what the switch itself has to say."""
TORN = "torn line"
"""Action of the record that tells of bytes in front of it which a crash cut off."""
CUT = "end cut off"
"""Action of the record that tells that the log was shorter than its head had it."""
BEYOND = "lines beyond the head"
"""Action of the record that tells that the log was longer than its head had it."""
FAILED = "log failed"
"""Action of the record that tells that nothing could be written for a while."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One line of the log: who did or saw what, and why."""

    sequence: int
    """From 1, without gaps."""
    at: str
    """ISO 8601, UTC."""
    actor: str
    action: str
    subject: str
    """A reference, such as a `call_ref`; never a number or a name."""
    reason: str
    previous: str
    """Digest of the record before."""
    digest: str
    """SHA-256 (FIPS 180-4), hex, of all the other fields as canonical JSON."""

    def to_line(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=True, sort_keys=True, separators=(",", ":"))

    @property
    def day(self) -> str:
        """The calendar day, UTC."""
        return self.at[:10]

    @property
    def is_consistent(self) -> bool:
        """Whether the digest is that of the other fields."""
        fields = (self.sequence, self.at, self.actor, self.action, self.subject, self.reason, self.previous)
        return self.digest == _digest(fields)

    @classmethod
    def from_line(cls, line: str) -> "AuditRecord":
        """Raises UsageError for a line that is not a record."""
        try:
            record = cls(**json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise UsageError(f"this is no line of an audit log: {error}") from error
        texts = (record.at, record.actor, record.action, record.subject, record.reason, record.previous, record.digest)
        if type(record.sequence) is not int or not all(isinstance(text, str) for text in texts):
            raise UsageError("this is no line of an audit log: a field is of the wrong kind")
        return record


class AuditChain:
    """Makes the next record; it is given the last one that is on disk."""

    def __init__(self, last: AuditRecord | None = None) -> None:
        self._sequence = last.sequence if last is not None else 0
        self._previous = last.digest if last is not None else GENESIS

    def append(self, actor: str, action: str, *, at: datetime, subject: str = "", reason: str = "") -> AuditRecord:
        if at.tzinfo is None:
            raise UsageError("an audit record needs a time with its zone: give an aware datetime")
        fields = (self._sequence + 1, at.astimezone(UTC).isoformat(), actor, action, subject, reason, self._previous)
        record = AuditRecord(*fields, digest=_digest(fields))
        self._sequence, self._previous = record.sequence, record.digest
        return record


def torn_subject(span: bytes) -> str:
    """What a TORN record says of the bytes between the last whole line and itself, line ends included."""
    return f"{len(span)} bytes, SHA-256 {sha256(span).hexdigest()}"


def _digest(fields: tuple[object, ...]) -> str:
    return sha256(json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
