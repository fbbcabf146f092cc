"""Recordings of speech, read as samples."""

import struct

import numpy as np
from softswitch.codecs import g711


def wave(path):
    """A mono WAV file's samples at 8 kHz."""
    content = path.read_bytes()
    offset, encoding, data = 12, 1, b""
    while offset + 8 <= len(content):
        name, size = content[offset : offset + 4], struct.unpack_from("<I", content, offset + 4)[0]
        if name == b"fmt ":
            encoding = struct.unpack_from("<H", content, offset + 8)[0]
        elif name == b"data":
            data = content[offset + 8 : offset + 8 + size]
        offset += 8 + size + size % 2
    if encoding == 1:
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)
    return g711.decode("PCMA" if encoding == 6 else "PCMU", data)
