"""The container's form, byte by byte (docs/recording-format.md): header, chunks, trailer. Numbers are little-endian."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b

from nacl import bindings

from softswitch.errors import SoftswitchError
from softswitch.recordings.keys import FINGERPRINT_BYTES, KEY_BYTES

MAGIC = b"SSRECORD"
VERSION = 1
LINEAR16 = 1
"""The only sample format: what chunks expand to is 16-bit linear."""
MOST_CHANNELS = 3
LONGEST_CALL_REF = 120
LONGEST_S = 7 * 86400
"""No call lasts a week. Whoever has the public key can seal a file with any position in it."""
SEALED_KEY_BYTES = KEY_BYTES + bindings.crypto_box_SEALBYTES
STREAM_HEADER_BYTES = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES
CHUNK_OVERHEAD_BYTES = bindings.crypto_secretstream_xchacha20poly1305_ABYTES
HASH_BYTES = 32

_HEADER = struct.Struct(f"<8sHHBBHIq{FINGERPRINT_BYTES}s{SEALED_KEY_BYTES}s{STREAM_HEADER_BYTES}sB")
LENGTH = struct.Struct("<I")
PREFIX = struct.Struct("<BBBBIq")
TOTALS = struct.Struct("<QQQ")
TRAILER_MAGIC = b"SSRTRAIL"
_TRAILER = struct.Struct(f"<I8sqQ{HASH_BYTES}s{HASH_BYTES}s{HASH_BYTES}s")
TRAILER_BYTES = _TRAILER.size


class NotARecording(SoftswitchError):
    """The file does not begin as a recording does; the text says why."""


class Kind(IntEnum):
    """What a chunk holds: the first byte of its text."""

    AUDIO = 1
    PAUSED = 2
    RESUMED = 3
    ENDED = 4


class Encoding(IntEnum):
    """How a chunk's samples of one channel are written."""

    SILENCE = 0
    """Not at all: every sample is 0."""
    ULAW = 1
    ALAW = 2
    LINEAR = 3


BYTES_PER_SAMPLE = {Encoding.SILENCE: 0, Encoding.ULAW: 1, Encoding.ALAW: 1, Encoding.LINEAR: 2}


@dataclass(frozen=True, slots=True)
class Header:
    """What stands in front of the chunks, in plain; every chunk is bound to it."""

    call_ref: str
    part: int
    started_ns: int
    """Wall clock at position 0, in ns since 1970 (UTC)."""
    fingerprint: bytes
    sealed_key: bytes
    stream_header: bytes
    rate_hz: int = 8000
    channels: int = 2

    def pack(self) -> bytes:
        name = self.call_ref.encode("ascii")
        fixed = _HEADER.pack(
            MAGIC, VERSION, _HEADER.size + len(name), self.channels, LINEAR16, self.part, self.rate_hz,
            self.started_ns, self.fingerprint, self.sealed_key, self.stream_header, len(name),
        )  # fmt: skip
        return fixed + name

    @classmethod
    def parse(cls, data: bytes | memoryview) -> tuple["Header", int]:
        """The header at the beginning of a file, and its length. Raises NotARecording."""
        if bytes(data[: len(MAGIC)]) != MAGIC[: len(data)] or not len(data):
            raise NotARecording("is no sealed recording: it does not begin as one")
        if len(data) < _HEADER.size:
            raise NotARecording(f"ends within its header, after {len(data)} bytes")
        (_, version, size, channels, sample_format, part, rate_hz, started_ns, mark, sealed, stream, name_bytes) = (
            _HEADER.unpack_from(data)
        )
        if version != VERSION:
            raise NotARecording(f"is of version {version} of the format, this program reads version {VERSION}")
        if len(data) < size:
            raise NotARecording(f"ends within its header, after {len(data)} bytes")
        name = bytes(data[_HEADER.size : _HEADER.size + name_bytes])
        if (
            size != _HEADER.size + name_bytes
            or sample_format != LINEAR16
            or not 1 <= channels <= MOST_CHANNELS
            or not part
            or not 1000 <= rate_hz <= 192_000
            or not 1 <= name_bytes <= LONGEST_CALL_REF
            or not name.isascii()
        ):
            raise NotARecording("has a header that is damaged")
        return cls(name.decode("ascii"), part, started_ns, mark, sealed, stream, rate_hz, channels), size

    @property
    def most_chunk_bytes(self) -> int:
        """The longest that a chunk's ciphertext may be: one second of linear audio."""
        return CHUNK_OVERHEAD_BYTES + PREFIX.size + 2 * self.channels * self.rate_hz


@dataclass(frozen=True, slots=True)
class Trailer:
    """What stands behind the last chunk of a recording that was closed."""

    closed_ns: int
    """Wall clock, ns since 1970 (UTC)."""
    size: int
    """Bytes before the trailer: what the hash is of."""
    file_hash: bytes
    previous: bytes
    """Chain hash of the ledger's line before; zeros for the first."""
    chain: bytes

    def pack(self) -> bytes:
        return _TRAILER.pack(0, TRAILER_MAGIC, self.closed_ns, self.size, self.file_hash, self.previous, self.chain)

    @classmethod
    def parse(cls, data: bytes | memoryview) -> "Trailer | None":
        """None where these bytes are no whole trailer."""
        if len(data) != TRAILER_BYTES:
            return None
        zero, magic, *fields = _TRAILER.unpack(data)
        return None if zero or magic != TRAILER_MAGIC else cls(*fields)


def digest(*pieces: bytes | memoryview) -> bytes:
    """BLAKE2b-256."""
    made = blake2b(digest_size=HASH_BYTES)
    for piece in pieces:
        made.update(piece)
    return made.digest()
