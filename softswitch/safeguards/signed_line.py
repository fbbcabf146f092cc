"""A line that is signed and names the one before by its digest: seals of the audit log, certificates of destruction."""

import json
from dataclasses import asdict
from hashlib import sha256
from typing import Any


def canonical(fields: dict[str, Any]) -> bytes:
    """Fields as they are signed and hashed: JSON in one way alone."""
    return json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


class SignedLine:
    """What a dataclass with a field `signature` is when it is written, one to a line."""

    __slots__ = ()

    def message(self) -> bytes:
        """What is signed: the line without its signature."""
        fields = self._fields()
        del fields["signature"]
        return canonical(fields)

    def to_line(self) -> str:
        return canonical(self._fields()).decode()

    @property
    def digest(self) -> str:
        """SHA-256 of the line, hex."""
        return sha256(self.to_line().encode()).hexdigest()

    def _fields(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload, no-any-return]
