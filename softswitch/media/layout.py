"""The shared block: one memory object that holds everything the plane knows, laid out in fixed arrays.

The signalling process and the media process map the same block. Who writes what is fixed, so nothing is locked:
the control writes commands, leases, notes, recording paths and the keys that it offers a leg; the relay writes
`header`, `legs` and frame rings; the worker and the recorder write only their event rings. Whoever is handed the
block's descriptor can read the calls in progress from it, and decrypt them.
"""

import mmap
import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from softswitch.errors import UsageError
from softswitch.media.receiver import RECEIVER
from softswitch.media.records import (
    CACHE_LINE,
    CLIP,
    DATAGRAM,
    DATAGRAM_BYTES,
    DATAGRAMS,
    FEED,
    FRAME,
    FRAME_SAMPLES,
    FRAMES,
    HEADER,
    LEASE,
    LEG,
    MESSAGE,
    NOTE,
    NOTE_BYTES,
    PAGE,
    PATH_BYTES,
    RECEIVED,
    RING,
    SENT,
    SITE_NOTE,
    SITE_NOTE_BYTES,
    SRTP_KEY_BYTES,
)
from softswitch.media.rtcp import REPORT
from softswitch.media.transcoding import TRANSCODER

Array = npt.NDArray[Any]

__all__ = [
    "CACHE_LINE",
    "CLIP",
    "DATAGRAM",
    "DATAGRAMS",
    "DATAGRAM_BYTES",
    "FEED",
    "FRAME",
    "FRAMES",
    "FRAME_SAMPLES",
    "HEADER",
    "LEASE",
    "LEG",
    "MESSAGE",
    "NOTE",
    "NOTE_BYTES",
    "PATH_BYTES",
    "RECEIVED",
    "RING",
    "SENT",
    "SITE_NOTE",
    "SITE_NOTE_BYTES",
    "SRTP_KEY_BYTES",
]

MAGIC = 0x534F4654_4D454449  # "SOFTMEDI"
VERSION = 14


class Shared(NamedTuple):
    """The block as kernels take it. Few members and a record by reference: each costs every kernel's compilation
    dearly."""

    header: Any
    """HEADER, one record"""
    legs: Array
    """(slots,) LEG; slot i has the RTP port first_port + 2 i"""
    rings: Array
    """(5, RING) MESSAGE: see the ring numbers"""
    cursors: Array
    """(7, CURSOR_WORDS) int64: of the message rings, then of the datagram rings"""
    frames: Array
    """(slots, 2, FRAMES) FRAME"""
    clips: Array
    """(clips,) CLIP"""
    clip_audio: Array
    """(2, clip_samples) uint8: µ-law, A-law"""
    datagrams: Array
    """(2, DATAGRAMS) DATAGRAM: from browsers, to browsers"""
    reports: Array
    """(slots,) REPORT"""
    transcoders: Array
    """(slots,) TRANSCODER"""
    feeds: Array
    """(slots, FEED) int16, circular: what the worker has mixed for a leg to hear"""
    receivers: Array
    """(slots,) RECEIVER: what a leg with a jitter buffer has received"""


class Block(NamedTuple):
    """A mapped block: what kernels take, and what only Python looks at."""

    shared: Shared
    paths: Array
    """(slots, PATH_BYTES) uint8: where each leg's recording goes, NUL-terminated"""
    leases: Array
    """(slots,) LEASE"""
    notes: Array
    """(slots, 2) NOTE: what the signalling process wants to find again of each leg, twice: see notes.py"""
    site_notes: Array
    """(2,) SITE_NOTE"""


RELAY_COMMANDS, WORKER_COMMANDS, RELAY_EVENTS, WORKER_EVENTS, RECORDER_EVENTS = 0, 1, 2, 3, 4
"""The rings, by who reads or writes them."""
RINGS = 5
FROM_BROWSERS, TO_BROWSERS = 5, 6
"""The datagram rings, whose cursors stand behind those of the message rings."""
CURSORS = 7

CURSOR_WORDS = 16
WRITTEN, READ = 0, 8
"""Indices into a ring's cursors, a cache line apart."""


Plan = list[tuple[np.dtype[Any], tuple[int, ...]]]
"""Arrays that lie one behind the other, each from a new page on."""


def _plan(slots: int, clips: int, clip_samples: int) -> Plan:
    octet = np.dtype("u1")
    return [
        (HEADER, (1,)),
        (LEG, (slots,)),
        (MESSAGE, (RINGS, RING)),
        (np.dtype("i8"), (CURSORS, CURSOR_WORDS)),
        (FRAME, (slots, 2, FRAMES)),
        (CLIP, (clips,)),
        (octet, (2, clip_samples)),
        (DATAGRAM, (2, DATAGRAMS)),
        (REPORT, (slots,)),
        (TRANSCODER, (slots,)),
        (np.dtype("i2"), (slots, FEED)),
        (RECEIVER, (slots,)),
        (octet, (slots, PATH_BYTES)),
        (LEASE, (slots,)),
        (NOTE, (slots, 2)),
        (SITE_NOTE, (2,)),
    ]


def _round_up(offset: int) -> int:
    return -(-offset // PAGE) * PAGE


def _size(plan: Plan) -> int:
    total = 0
    for dtype, shape in plan:
        total = _round_up(total) + dtype.itemsize * int(np.prod(shape))
    return _round_up(total)


def create_block(slots: int, clips: int, clip_samples: int, beyond: Plan | None = None) -> int:
    """Make an empty block; returns its descriptor. Pages that nobody touches cost nothing.

    beyond: what the media process keeps there for itself; see `map_beyond`.
    """
    descriptor = os.memfd_create("softswitch-media", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, _size(_plan(slots, clips, clip_samples)) + _size(beyond or []))
    header = map_block(descriptor, slots, clips, clip_samples).shared.header
    header["version"], header["slots"], header["clips"] = VERSION, slots, clips
    header["clip_samples"], header["magic"] = clip_samples, MAGIC
    return descriptor


def attach_block(descriptor: int) -> Block:
    """Map a block that another process made; UsageError when it is none of this version's."""
    head = np.frombuffer(os.pread(descriptor, HEADER.itemsize, 0), HEADER)[0]
    if head["magic"] != MAGIC or head["version"] != VERSION:
        raise UsageError("the media process runs another version of softswitch; restart it")
    return map_block(descriptor, int(head["slots"]), int(head["clips"]), int(head["clip_samples"]))


def map_block(descriptor: int, slots: int, clips: int, clip_samples: int) -> Block:
    arrays = _map(descriptor, _plan(slots, clips, clip_samples), 0)
    shared = len(Shared._fields)
    return Block(Shared(arrays[0][0], *arrays[1:shared]), *arrays[shared:])


def map_beyond(descriptor: int, block: Block, beyond: Plan) -> list[Array]:
    """What lies behind the part of the block that both processes know."""
    header = block.shared.header
    plan = _plan(int(header["slots"]), int(header["clips"]), int(header["clip_samples"]))
    return _map(descriptor, beyond, _size(plan))


def _map(descriptor: int, plan: Plan, start: int) -> list[Array]:
    memory = mmap.mmap(descriptor, _size(plan), offset=start)
    arrays = []
    offset = 0
    for dtype, shape in plan:
        offset = _round_up(offset)
        count = int(np.prod(shape))
        arrays.append(np.frombuffer(memory, dtype, count, offset).reshape(shape))
        offset += dtype.itemsize * count
    return arrays
