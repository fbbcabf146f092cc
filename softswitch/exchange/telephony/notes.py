"""Notes: what is left in the media process for the signalling process that comes after this one, should it be killed.

Each line has a note beside its media leg: its SIP leg, what the line knows, and what its owner knows of it. The site
has one more: agents, their phones, campaigns. Notes are written once a turn of the loop for whatever has changed in it,
so a call that changes ten times in a turn is noted once. They are read by the same version of this software on the
same boot, and never leave memory.

A note holds whom a call is with and the keys of its media, and the media process may know neither. So notes are sealed
with AES-256-GCM (NIST SP 800-38D) under a key that comes from the vault, which only the signalling process opens.
"""

import marshal
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final, Protocol

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from softswitch.errors import SoftswitchError, UsageError

log = structlog.get_logger(__name__)

VERSION: Final = 2
"""Of what notes hold; another one is not read."""
LINE_BYTES: Final = 8192
SITE_BYTES: Final = 65536
_PACKED: Final = b"z"
_PLAIN: Final = b"p"
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16

Part = Callable[[], Any]
Soon = Callable[[Callable[[], None]], object]


class Keeper(Protocol):
    """Where notes are kept: the media plane."""

    def note(self, leg: int, content: bytes) -> None: ...
    def note_site(self, content: bytes) -> None: ...


class Notes:
    """What has changed and is not noted yet.

    line_note: media leg and note of a line by its leg's id; None where there is nothing to keep.
    soon: call once, after this turn of the loop.
    """

    def __init__(
        self,
        keeper: Callable[[], Keeper],
        line_note: Callable[[str], tuple[int, dict[str, Any]] | None],
        *,
        seal: "NoteSeal",
        soon: Soon,
    ) -> None:
        self._keeper = keeper
        self._seal = seal
        self._line_note = line_note
        self._soon = soon
        self._lines: set[str] = set()
        self._parts: dict[str, bytes] = {}
        self._changed: dict[str, Part] = {}
        self.written = 0
        """Notes of lines."""

    def line_changed(self, leg_id: str) -> None:
        if not self._lines and not self._changed:
            self._soon(self.write)
        self._lines.add(leg_id)

    def site_changed(self, name: str, part: Part) -> None:
        """A part of the site's note is another now; `part` is asked for it later. None takes it out."""
        if not self._lines and not self._changed:
            self._soon(self.write)
        self._changed[name] = part

    def write_line(self, leg_id: str) -> None:
        """At once: before what it tells of leaves us."""
        found = self._line_note(leg_id)
        if found is None:
            return
        media, note = found
        try:
            self._keeper().note(media, self._seal.sealed(note, LINE_BYTES))
        except SoftswitchError as error:
            log.warning("a call cannot be noted and would end with this process", leg=leg_id, reason=str(error))
        self.written += 1

    def write(self) -> None:
        """All that has changed."""
        lines, self._lines = self._lines, set()
        changed, self._changed = self._changed, {}
        for leg_id in lines:
            self.write_line(leg_id)
        if changed:
            self._write_site(changed)

    def write_anew(self, leg_ids: Iterable[str]) -> None:
        """Everything, into a media process that has nothing yet."""
        self._lines.update(leg_ids)
        self.write()
        self._write_site({})

    def _write_site(self, changed: Mapping[str, Part]) -> None:
        for name, part in changed.items():
            content = part()
            if content is None:
                self._parts.pop(name, None)
            else:
                self._parts[name] = marshal.dumps(content)
        try:
            self._keeper().note_site(self._seal.sealed(self._parts, SITE_BYTES))
        except SoftswitchError as error:
            log.warning("the site cannot be noted", reason=str(error))


class NoteSeal:
    """Seals a process's notes, and opens those of the process before.

    key: (32,) of the site, the same for each of its processes. Each process seals under a key of its own, made from
    this one and 16 random bytes that stand in front of its notes, so that a counter does for a nonce (section 8.2.1).
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._salt = os.urandom(_SALT_BYTES)
        self._cipher = self._of(self._salt)
        self._count = 0

    def __repr__(self) -> str:
        return "NoteSeal()"

    def sealed(self, content: dict[str, Any], most: int) -> bytes:
        """A note of at most so many bytes, packed where it would else be too long. UsageError where it is too long all
        the same."""
        plain = marshal.dumps((VERSION, content))
        room = most - _SALT_BYTES - _NONCE_BYTES - _TAG_BYTES
        form = _PLAIN
        if len(plain) >= room:
            form, plain = _PACKED, zlib.compress(plain, 1)
        if len(plain) >= room:
            raise UsageError(f"its note has {len(plain)} bytes, and {room} are the most")
        self._count += 1
        nonce = self._count.to_bytes(_NONCE_BYTES, "big")
        return self._salt + nonce + self._cipher.encrypt(nonce, form + plain, None)

    def opened(self, note: bytes) -> dict[str, Any]:
        """UsageError where it is none of ours, was changed, or is of another version."""
        salt, nonce = note[:_SALT_BYTES], note[_SALT_BYTES : _SALT_BYTES + _NONCE_BYTES]
        try:
            packed = self._of(salt).decrypt(nonce, note[_SALT_BYTES + _NONCE_BYTES :], None)
            plain = zlib.decompress(packed[1:]) if packed[:1] == _PACKED else packed[1:]
            # Sealed by ourselves, or else it does not open.
            version, content = marshal.loads(plain)  # noqa: S302
        except (InvalidTag, zlib.error, ValueError, EOFError, TypeError) as error:
            raise UsageError("a note cannot be read") from error
        if version != VERSION or not isinstance(content, dict):
            raise UsageError("a note is of another version")
        return content

    def opened_site(self, note: bytes) -> dict[str, Any]:
        """The parts of the site's note by name; empty where there is none that can be read."""
        if not note:
            return {}
        try:
            return {name: marshal.loads(part) for name, part in self.opened(note).items()}  # noqa: S302
        except (SoftswitchError, ValueError, EOFError, TypeError) as error:
            log.error("the note of the site cannot be read", reason=str(error))
            return {}

    def _of(self, salt: bytes) -> AESGCM:
        return AESGCM(blake2b(salt, key=self._key, digest_size=32, person=b"softswitch note").digest())
