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
_PLACE = struct.Struct("<qqqq")
"""What stands before a place's content: sequence, generation, length, checksum."""
_LENGTH = struct.Struct("<q")
_LENGTH_AT = 16


def write_note(places: Array, generation: int, content: bytes) -> None:
    """Leave a note in place of the last.  places: (2,) NOTE or SITE_NOTE.  UsageError when it is too long.

    Written for every change of a call, so it goes by bytes: NumPy's fields of records cost ten times as much.
    """
    size = places.itemsize
    if len(content) > size - _PLACE.size:
        raise UsageError(f"a note of {len(content)} bytes is too long; it may have {size - _PLACE.size}")
    memory = places.view(np.uint8).data
    heads = [_PLACE.unpack_from(memory, at) for at in (0, size)]
    # A place that was being written when its writer died has no length; no checksum is needed to pass it over.
    newest = [sequence if whole == generation and length >= 0 else 0 for sequence, whole, length, _ in heads]
    sequence = max(heads[0][0], heads[1][0]) + 1
    at = size if newest[0] > newest[1] else 0
    _LENGTH.pack_into(memory, at + _LENGTH_AT, -1)
    memory[at + _PLACE.size : at + _PLACE.size + len(content)] = content
    _PLACE.pack_into(memory, at, sequence, generation, -1, _checksum(sequence, generation, content))
    _LENGTH.pack_into(memory, at + _LENGTH_AT, len(content))


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
