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
from softswitch.media.rtcp import REPORT
from softswitch.media.transcoding import TRANSCODER

Array = npt.NDArray[Any]

MAGIC = 0x534F4654_4D454449  # "SOFTMEDI"
VERSION = 5

RING = 8192
"""Messages that a ring holds; a power of two."""
FRAMES = 32
"""Frames that a leg's ring holds in each direction: 0.64 s, longer than the worker is kept waiting."""
PATH_BYTES = 1024
CACHE_LINE = 64
FEED = 2048
"""Samples that a leg's feed holds: 256 ms. A power of two."""
SRTP_KEY_BYTES = 48
"""Room for a master key with its salt: 44 bytes for AES-256-GCM, the longest."""
RECEIVED, SENT = 0, 1
"""The two directions of a leg's frame rings."""

HEADER = np.dtype(
    [
        ("magic", "i8"),
        ("version", "i8"),
        ("slots", "i8"),
        ("clips", "i8"),
        ("clip_samples", "i8"),
        ("host", "i8"),
        ("first_port", "i8"),
        ("tick_ns", "i8"),
        ("records", "i8"),  # the auditor's key is known
        ("wall_ns", "i8"),  # Unix time when the monotonic clock was 0
        ("event_driven", "i8"),  # packets are served as they come, not on the tick
        ("jitter_buffer", "i8"),  # which legs have one: NEVER, AUTO or ALWAYS of buffered_legs
        ("stopping", "i8"),
        ("relay_at_ns", "i8"),
        ("worker_at_ns", "i8"),
        ("relay_cpu_ns", "i8"),
        ("worker_cpu_ns", "i8"),
        ("packets_received", "i8"),
        ("packets_sent", "i8"),
        ("packets_lost", "i8"),  # of legs that are closed
        ("send_errors", "i8"),
        ("events_lost", "i8"),
        ("master", "i8"),  # process id of the signalling process
        ("past_cpu_ns", "i8"),  # of engines that are gone
        ("deaths", "i8"),  # of engines
    ]
)

_EVERY_PACKET_RECEIVED = [
    ("state", "i8"),
    ("rtp_descriptor", "i8"),
    ("remote_host", "i8"),
    ("remote_port", "i8"),
    ("codec", "i8"),  # inside the plane: a law of G.711
    ("wire_codec", "i8"),  # on the wire
    ("payload_type", "i8"),
    ("dtmf_payload_type", "i8"),  # -1 where none was negotiated
    ("peer", "i8"),  # slot, or -1
    # the second line of the cache
    ("muted", "i8"),
    ("tapped", "i8"),  # frames are copied to the rings
    ("buffered", "i8"),  # what is received waits in its receiver
    ("profile", "i8"),  # of SRTP; 0: plain RTP
    ("heard", "i8"),
    ("in_ssrc", "i8"),
    ("in_highest", "i8"),  # extended sequence numbers (RFC 3550 A.1)
    ("in_counted", "i8"),  # packets since in_first
    ("packets_received", "i8"),
    # telephone events (RFC 4733)
    ("event_code", "i8"),  # -1 before the first
    ("event_timestamp", "i8"),
    ("event_duration", "i8"),
    ("event_reported", "i8"),
    ("event_at_ns", "i8"),
    ("bridge_pending", "i8"),  # the first packet since `bridge` has not gone out yet
    ("receive_floor", "i8"),  # sequences up to here were heard before the session was made anew; -1: none
    ("packets_dropped", "i8"),
]

_EVERY_PACKET_SENT = [
    ("held", "i8"),  # its other end asked for silence (RFC 3264 §8.4)
    ("clip", "i8"),  # index, or -1
    ("out_ssrc", "i8"),
    ("out_timestamp_base", "i8"),
    ("out_epoch_ns", "i8"),  # when position 0 of the outgoing timeline was
    ("out_end", "i8"),  # position after the last sample sent
    ("out_sequence", "i8"),  # highest sent
    ("out_source", "i8"),  # slot whose frames are being sent, PLAYER or NOBODY
    # the second line of the cache
    ("source_ssrc", "i8"),
    ("source_timestamp", "i8"),
    ("source_sequence", "i8"),
    ("source_position", "i8"),  # where source_timestamp lies on the outgoing timeline
    ("source_out_sequence", "i8"),
    ("relayed_at_ns", "i8"),
    ("packets_sent", "i8"),
    ("fed", "i8"),  # its feed is mixed into what is sent
    ("key_code", "i8"),  # that we press, or -1
    ("octets_sent", "i8"),
]

_SELDOM: list[Any] = [
    # connection
    ("generation", "i8"),
    ("rtcp_descriptor", "i8"),
    ("latch", "i8"),
    ("learn_until_ns", "i8"),
    ("learned", "i8"),  # 1: a source that the SDP did not name is believed until its own address speaks
    ("named_host", "i8"),  # by the SDP
    ("named_port", "i8"),
    ("muxed", "i8"),  # RTCP shares the RTP port
    ("control_packets", "i8"),
    ("in_first", "i8"),
    ("in_lost", "i8"),  # before in_first
    # a browser's (signals)
    ("browser", "i8"),  # what is no RTP goes to the signalling process
    ("signal_at_ns", "i8"),  # when the rations are full again
    ("known_signal_at_ns", "i8"),
    # SRTP: what the sessions are made of, so that another process can make them anew
    ("packets_unauthentic", "i8"),
    ("receive_sources", "i8"),  # SSRCs that have proved to know the key
    ("receive_rollover", "i8"),  # of in_ssrc (RFC 3711 §3.3.1)
    ("send_rollover", "i8"),
    ("key_name_bytes", "i8"),  # of the MKI that each packet received carries
    ("key_name", "i8"),
    ("receive_key", "u1", (SRTP_KEY_BYTES,)),
    ("send_key", "u1", (SRTP_KEY_BYTES,)),
    ("offered_receive_key", "u1", (SRTP_KEY_BYTES,)),  # by the control, for the SECURE that follows
    ("offered_send_key", "u1", (SRTP_KEY_BYTES,)),
    # playing
    ("looped", "i8"),
    ("clip_cursor", "i8"),
    ("clip_started", "i8"),
    ("play_at_ns", "i8"),
    ("send_errors", "i8"),
    # keys
    ("passes_keys", "i8"),  # those pressed at its end go to the leg that it is bridged to
    ("key_samples", "i8"),  # of the key that we press
    ("key_sent", "i8"),
    ("key_position", "i8"),
    # feed: samples since the leg was opened; the worker writes, the relay reads
    ("feed_written", "i8"),
    ("feed_end", "i8"),  # it ends here, where that is behind feed_from
    ("feed_epoch_ns", "i8"),  # when sample 0 was
    ("feed_from", "i8"),
    ("feed_read", "i8"),
    ("feed_waits", "i8"),  # for a lead over the reader
    # frame rings: cursors that only grow, written by the relay and read by the worker
    ("received_written", "i8"),
    ("received_read", "i8"),
    ("sent_written", "i8"),
    ("sent_read", "i8"),
]


def _whole_lines(fields: list[Any]) -> list[Any]:
    """The fields, filled up to whole lines of the cache, so that rows of legs share none."""
    size = np.dtype(fields, align=True).itemsize
    return [*fields, *[(f"unused_{i}", "i8") for i in range(-size % CACHE_LINE // 8)]]


LEG = np.dtype(_whole_lines(_EVERY_PACKET_RECEIVED + _EVERY_PACKET_SENT + _SELDOM), align=True)
"""In the order of use: with a thousand calls each packet finds its rows far away in memory, and what counts is how
many lines of the cache it touches."""

LEASE = np.dtype([("state", "i8"), ("generation", "i8"), ("recorded", "i8"), ("under_amd", "i8"), ("secure", "i8")])
"""What the signalling process holds of a slot, written by it alone: it stays known when that process dies."""

NOTE_BYTES = 8192
SITE_NOTE_BYTES = 65536


def _note(size: int) -> np.dtype[Any]:
    return np.dtype(
        [("sequence", "i8"), ("generation", "i8"), ("length", "i8"), ("checksum", "i8"), ("content", "u1", (size,))]
    )


NOTE = _note(NOTE_BYTES)
SITE_NOTE = _note(SITE_NOTE_BYTES)

MESSAGE = np.dtype(
    [
        ("kind", "i8"),
        ("leg", "i8"),
        ("generation", "i8"),
        ("at_ns", "i8"),
        ("a", "i8"),
        ("b", "i8"),
        ("c", "i8"),
        ("d", "i8"),
        ("e", "i8"),
    ]
)
"""A command or an event; what a..e mean is told where the kinds are. All words are 64 bits, so that each kernel
has one signature."""

FRAME_SAMPLES = 160

FRAME = np.dtype(
    [
        ("at_ns", "i8"),
        ("timestamp", "i8"),  # RTP, 32 bits, of the first sample
        ("samples", "i8"),
        ("codec", "i8"),
        ("source", "i8"),  # SSRC received, or whose audio was sent; another one means another timeline
        ("payload", "u1", (FRAME_SAMPLES,)),
    ],
    align=True,
)

DATAGRAMS = 512
"""Datagrams that a ring of them holds; a power of two."""
DATAGRAM_BYTES = 1504
"""What a network carries in one piece, and so the longest of a browser's handshake."""

DATAGRAM = np.dtype(
    [
        ("leg", "i8"),
        ("generation", "i8"),
        ("host", "i8"),
        ("port", "i8"),
        ("size", "i8"),
        ("octets", "u1", (DATAGRAM_BYTES,)),
    ],
    align=True,
)
"""What came from a browser, or goes there, beside its audio."""

CLIP = np.dtype([("start", "i8"), ("samples", "i8")])


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
"""Arrays that lie one behind the other, each from a new line of the cache on."""
PAGE = mmap.ALLOCATIONGRANULARITY


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


def _round_up(offset: int, unit: int = CACHE_LINE) -> int:
    return -(-offset // unit) * unit


def _size(plan: Plan) -> int:
    total = 0
    for dtype, shape in plan:
        total = _round_up(total) + dtype.itemsize * int(np.prod(shape))
    return _round_up(total, PAGE)


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
