"""The header of WAV files that the switch writes (RIFF, PCM)."""

import struct

HEADER_BYTES = 44
PCM = 1  # RFC 2361
RATE_HZ = 8000


def header(data_bytes: int, channels: int = 2) -> bytes:
    """The 44 bytes in front of so many bytes of 16-bit PCM at 8 kHz, channels interleaved."""
    frame_bytes = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE",
        b"fmt ", 16, PCM, channels, RATE_HZ, RATE_HZ * frame_bytes, frame_bytes, 16,
        b"data", data_bytes,
    )  # fmt: skip
