"""WAV files: the header of a recording that grows, and clips read at start (RIFF; PCM and G.711)."""

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from softswitch.codecs import g711
from softswitch.errors import UsageError

HEADER_BYTES = 44
PCM, ALAW, ULAW = 1, 6, 7  # RFC 2361
RATE_HZ = 8000


def header(data_bytes: int, channels: int = 2) -> bytes:
    """The header of 16-bit PCM at 8 kHz; rewritten as the file grows, so that it is valid whenever writing stops."""
    frame_bytes = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE",
        b"fmt ", 16, PCM, channels, RATE_HZ, RATE_HZ * frame_bytes, frame_bytes, 16,
        b"data", data_bytes,
    )  # fmt: skip


def read_mono(path: Path) -> npt.NDArray[np.int16]:
    """The samples of a clip: mono, 8 kHz, 16-bit PCM or G.711. UsageError says what to convert."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"clip {path} cannot be read: {error.strerror}") from error
    form, data = _chunks(content, path)
    if len(form) < 16 or data is None:
        raise UsageError(f"clip {path} is no WAV file with sound in it")
    encoding, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", form)
    if channels != 1 or rate_hz != RATE_HZ or (encoding, bits) not in {(PCM, 16), (ALAW, 8), (ULAW, 8)}:
        raise UsageError(
            f"clip {path} is {channels} channel(s) at {rate_hz} Hz, encoding {encoding}, {bits} bits; "
            "convert it to mono, 8000 Hz, 16-bit PCM or G.711"
        )
    if encoding == PCM:
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)
    return g711.decode("PCMA" if encoding == ALAW else "PCMU", data)


def _chunks(content: bytes, path: Path) -> tuple[bytes, bytes | None]:
    """The `fmt ` and `data` chunks; a data chunk may be cut off, as by a crash of who wrote it."""
    if len(content) < 12 or content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise UsageError(f"clip {path} is no WAV file")
    form, data = b"", None
    offset = 12
    while offset + 8 <= len(content):
        name, size = content[offset : offset + 4], struct.unpack_from("<I", content, offset + 4)[0]
        body = content[offset + 8 : offset + 8 + size]
        if name == b"fmt ":
            form = body
        elif name == b"data":
            data = body
        offset += 8 + size + size % 2
    return form, data
