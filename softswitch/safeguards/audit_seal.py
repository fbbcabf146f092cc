"""What stands beside the audit log and is signed: its head, rewritten with every record, and its seals, one a day.

The chain shows what was changed or taken out of the middle. The head shows what was cut off at the end, and the seals
keep anybody without the key from making the whole chain anew. Both are canonical JSON: ASCII, keys in order, no blanks.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from softswitch.errors import UsageError
from softswitch.safeguards.audit import GENESIS, AuditRecord
from softswitch.safeguards.signed_line import SignedLine, canonical

HEAD_BYTES = 512
"""The head is one line of this length, blanks before its end: it is written over in place, in one disk sector."""

Sign = Callable[[bytes], str]
"""Ed25519 (RFC 8032 §5.1), hex."""
Fits = Callable[[str, str, bytes], bool]
"""Whether (public key, signature, message) belong together."""


class Why(StrEnum):
    """What a seal was made for."""

    DAY = "day"
    """The day (UTC) is over."""
    SHUTDOWN = "shutdown"
    START = "start"
    """A crash had left records without one."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log ends."""

    count: int
    """Records from the first."""
    digest: str
    """Of the last of them."""
    key: str = ""
    """Public key, hex; empty where the site signs nothing."""
    signature: str = ""

    def message(self) -> bytes:
        """What is signed."""
        return canonical({"count": self.count, "digest": self.digest, "key": self.key})

    def to_line(self) -> str:
        return canonical(asdict(self)).decode().ljust(HEAD_BYTES - 1) + "\n"

    @classmethod
    def of(cls, last: AuditRecord, key: str = "", sign: Sign | None = None) -> "Head":
        head = cls(last.sequence, last.digest, key if sign else "")
        return cls(head.count, head.digest, head.key, sign(head.message())) if sign else head

    @classmethod
    def from_line(cls, line: str) -> "Head":
        """Raises UsageError where it is none."""
        return cls(**_read(line, cls, "the head of an audit log"))


@dataclass(frozen=True, slots=True)
class Seal(SignedLine):
    """Signed: so many records, from this one to that one, were in the log. Each takes up where the last one ended."""

    day: str
    """UTC day of the last record."""
    why: str
    count: int
    first_sequence: int
    first: str
    """Digest of the first record."""
    last_sequence: int
    last: str
    at: str
    """When it was made; ISO 8601, UTC."""
    previous: str
    """SHA-256 of the seal before, as its line; 64 zeros in the first."""
    key: str
    """Public key, hex."""
    signature: str = ""

    @classmethod
    def over(
        cls, first: AuditRecord, last: AuditRecord, why: Why, at: str, *, after: "Seal | None", key: str, sign: Sign
    ) -> "Seal":
        fields = {
            "day": last.day,
            "why": str(why),
            "count": last.sequence - first.sequence + 1,
            "first_sequence": first.sequence,
            "first": first.digest,
            "last_sequence": last.sequence,
            "last": last.digest,
            "at": at,
            "previous": GENESIS if after is None else after.digest,
            "key": key,
        }
        return cls(**fields, signature=sign(canonical(fields)))  # type: ignore[arg-type]

    @classmethod
    def from_line(cls, line: str) -> "Seal":
        """Raises UsageError where it is none."""
        return cls(**_read(line, cls, "a seal of an audit log"))


def _read(line: str, kind: type[Head] | type[Seal], what: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        told = None
    kinds: dict[str, Any] = kind.__annotations__
    if not isinstance(told, dict) or told.keys() != kinds.keys():
        raise UsageError(f"this is not {what}")
    if any(type(value) is not kinds[name] for name, value in told.items()):
        raise UsageError(f"this is not {what}: a field is of the wrong kind")
    return told
