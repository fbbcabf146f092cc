"""Notes: bytes that a signalling process leaves in the block, for the one that comes after it.

Each note has two places, written in turn. A place counts only if its checksum is right, so a writer that dies in the
middle of a note leaves the one before it.
"""

import struct
import zlib

import numpy as np

from softswitch.errors import UsageError
from softswitch.media.layout import Array

_HEAD = struct.Struct("<qqq")


def write_note(places: Array, generation: int, content: bytes) -> None:
    """Leave a note in place of the last.  places: (2,) NOTE or SITE_NOTE.  UsageError when it is too long."""
    capacity = places["content"].shape[1]
    if len(content) > capacity:
        raise UsageError(f"a note of {len(content)} bytes is too long; it may have {capacity}")
    newest = _newest(places, generation)
    sequence = max(int(places[0]["sequence"]), int(places[1]["sequence"])) + 1
    place = places[0 if newest == 1 else 1]
    place["length"] = -1
    place["content"][: len(content)] = np.frombuffer(content, np.uint8)
    place["sequence"], place["generation"] = sequence, generation
    place["checksum"] = _checksum(sequence, generation, content)
    place["length"] = len(content)


def read_note(places: Array, generation: int) -> bytes | None:
    """The newest whole note of this generation, or None.  places: (2,) NOTE or SITE_NOTE."""
    newest = _newest(places, generation)
    return None if newest is None else _content(places, newest)


def _newest(places: Array, generation: int) -> int | None:
    whole = [index for index in range(2) if _is_whole(places, index, generation)]
    return max(whole, key=lambda index: int(places[index]["sequence"]), default=None)


def _is_whole(places: Array, index: int, generation: int) -> bool:
    place = places[index]
    if place["generation"] != generation or not place["sequence"] or not 0 <= place["length"] <= place["content"].size:
        return False
    content = _content(places, index)
    return bool(place["checksum"] == _checksum(int(place["sequence"]), generation, content))


def _content(places: Array, index: int) -> bytes:
    place = places[index]
    return bytes(place["content"][: place["length"]])


def _checksum(sequence: int, generation: int, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(_HEAD.pack(sequence, generation, len(content))))
