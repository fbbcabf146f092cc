"""The audit log's records: append-only, each bound to the one before it by a hash, so that none can go unnoticed."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256

from softswitch.errors import UsageError

GENESIS = "0" * 64
"""What the first record is bound to."""


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

    @classmethod
    def from_line(cls, line: str) -> "AuditRecord":
        """Raises UsageError for a line that is not a record."""
        try:
            return cls(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise UsageError(f"this is no line of an audit log: {error}") from error


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


def first_broken(records: Iterable[AuditRecord], *, after: AuditRecord | None = None) -> int | None:
    """The sequence number at which the chain breaks (changed, removed, added or reordered there), or None if it holds.

    What was cut off at the end cannot be seen from the chain; a signature over the last digest shows it.
    """
    sequence, previous = (after.sequence, after.digest) if after is not None else (0, GENESIS)
    for record in records:
        sequence += 1
        fields = (record.sequence, record.at, record.actor, record.action, record.subject, record.reason, previous)
        if record.sequence != sequence or record.previous != previous or record.digest != _digest(fields):
            return sequence
        previous = record.digest
    return None


def _digest(fields: tuple[object, ...]) -> str:
    return sha256(json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()
