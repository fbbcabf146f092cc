"""Recordings under way, written without the GIL: each chunk is taken from its timeline, sealed, hashed and written.

The key and the running hash are the `Seal`'s, in this process alone; here are their addresses. What is left to Python
is what happens once in a recording: its file is begun, ended and bound to the ledger.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types

from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.layout import Array
from softswitch.media.libc import EINTR, fence, write_octets
from softswitch.media.packing import MOST_TEXT_BYTES, take
from softswitch.media.sodium_library import FUNCTIONS
from softswitch.media.timeline import ENDING, RECORDING
from softswitch.recordings.form import CHUNK_OVERHEAD_BYTES, LENGTH
from softswitch.recordings.sealing import MESSAGE

WRITE_NS = 400_000_000
"""How often a recording under way is written: with the settling time, a crash costs less than a second."""
EIO = 5
LENGTH_BYTES = LENGTH.size
_push = FUNCTIONS["crypto_secretstream_xchacha20poly1305_push"]
_update_hash = FUNCTIONS["crypto_generichash_blake2b_update"]
_address, _u64, _u8 = types.uintp, types.uint64, types.uint8

FILE = np.dtype(
    [
        ("is_open", "i8"),
        ("descriptor", "i8"),
        ("stream", "u8"),  # addresses: the secretstream's state,
        ("hash", "u8"),  # the running hash's,
        ("header", "u8"),  # and the file's header, which every chunk is bound to
        ("header_bytes", "i8"),
        ("due_ns", "i8"),
        ("chunks", "i8"),  # sealed here
        ("written", "i8"),  # bytes
        ("error", "i8"),  # errno of what went wrong, or 0
    ],
    align=True,
)


class Pen(NamedTuple):
    """The recorder's own: what it writes, and room for one chunk."""

    files: Array
    """(slots,) FILE"""
    text: Array
    """(MOST_TEXT_BYTES,) uint8"""
    sealed: Array
    """(LENGTH_BYTES + MOST_TEXT_BYTES + CHUNK_OVERHEAD_BYTES,) uint8"""
    length: Array
    """(1,) uint64, scratch"""
    called: Array
    """(slots,) int64: recordings that want Python"""


def new_pen(slots: int) -> Pen:
    return Pen(
        np.zeros(slots, FILE),
        np.zeros(MOST_TEXT_BYTES, np.uint8),
        np.zeros(LENGTH_BYTES + MOST_TEXT_BYTES + CHUNK_OVERHEAD_BYTES, np.uint8),
        np.zeros(1, np.uint64),
        np.zeros(slots, np.int64),
    )


@inner
def seal_chunk(file: Any, pen: Any, size: int) -> int:
    """Seal pen.text[:size] into pen.sealed, length first, and count it into the hash; the bytes to write, or -1."""
    sealed = pen.sealed
    whole = size + CHUNK_OVERHEAD_BYTES
    for i in range(LENGTH_BYTES):
        sealed[i] = (whole >> (8 * i)) & 0xFF
    out = sealed.ctypes.data
    status = _push(
        _address(file.stream),
        _address(out + LENGTH_BYTES),
        _address(pen.length.ctypes.data),
        _address(pen.text.ctypes.data),
        _u64(size),
        _address(file.header),
        _u64(file.header_bytes),
        _u8(MESSAGE),
    )
    if status != 0 or i64(pen.length[0]) != whole:
        return i64(-1)
    if _update_hash(_address(file.hash), _address(out), _u64(LENGTH_BYTES + whole)) != 0:
        return i64(-1)
    file.chunks += 1
    return LENGTH_BYTES + whole


@inner
def write_whole(file: Any, buffer: int, size: int) -> None:
    """Write so many bytes at an address; what of them is written when an error comes does not count."""
    done = i64(0)
    while done < size:
        written = write_octets(file.descriptor, buffer + done, size - done)
        if written < 0 and written != -EINTR:
            file.error = -written
            return
        if written == 0:
            file.error = EIO
            return
        done += max(written, 0)
    file.written += size


@kernel
def write_recording(times: Any, pen: Any, slot: int) -> None:
    """Write all that is ready of an open recording."""
    file = pen.files[slot]
    while file.error == 0:
        size = take(times, slot, pen.text)
        if size == 0:
            return
        size = seal_chunk(file, pen, size)
        if size < 0:
            file.error = EIO
            return
        write_whole(file, pen.sealed.ctypes.data, size)


@kernel
def write_due(times: Any, pen: Any, now: int) -> int:
    """Write every recording that is due; how many of `pen.called` want Python: begun, ended or failed ones.

    The worker may change the roster meanwhile. Who is missed is found the next time; who is met twice is called twice.
    """
    count = i64(0)
    roster = times.roster
    fence()
    for at in range(1, min(roster[0], pen.called.size) + 1):
        slot = roster[at]
        state = times.lines[slot].recording
        if state not in (RECORDING, ENDING):
            continue
        file = pen.files[slot]
        if file.is_open and (state == ENDING or file.due_ns <= now):
            file.due_ns = max(file.due_ns + WRITE_NS, now)
            write_recording(times, pen, slot)
        if state == ENDING or not file.is_open or file.error != 0:
            pen.called[count] = slot
            count += 1
    return count
