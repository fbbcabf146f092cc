"""The records that the shared block is made of, field by field; `layout` says where they lie and who writes them."""

import mmap
from typing import Any

import numpy as np

RING = 8192
"""Messages that a ring holds; a power of two."""
FRAMES = 32
"""Frames that a leg's ring holds in each direction: 0.64 s, longer than the worker is kept waiting."""
PATH_BYTES = 1024
CACHE_LINE = 64
PAGE = mmap.ALLOCATIONGRANULARITY
FEED = 2048
"""Samples that a leg's feed holds: 256 ms. A power of two."""
SRTP_KEY_BYTES = 48
"""Room for a master key with its salt: 44 bytes for AES-256-GCM, the longest."""
RECEIVED, SENT = 0, 1
"""The two directions of a leg's frame rings."""


def whole_lines(fields: list[Any], unit: int = CACHE_LINE) -> list[Any]:
    """The fields, filled up to whole lines of the cache, or to so many bytes, so that rows share none."""
    size = np.dtype(fields, align=True).itemsize
    return [*fields, (f"unused_{size}", "u1", (-size % unit,))] if size % unit else fields


EASING = [
    ("ease_last", "i8"),  # sample that was heard last
    ("ease_in", "i8"),  # samples since the last edge, up to those that it lasts
    ("ease_out", "i8"),  # samples left of what was heard before the edge
    ("ease_from", "i8"),  # which was this one
]
"""Of one stream whose edges are blended: see easing.py."""

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
        # overload: what was given up so that the rest goes on
        ("relay_behind_ns", "i8"),  # so long, together, the relay was held up
        ("worker_behind_ns", "i8"),
        ("packets_shed", "i8"),  # had waited for too long
        ("frames_missed", "i8"),  # of those shed and of those that the worker left no room for, recordings lack so many
        ("verdicts_shed", "i8"),  # detections given up
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
    ("dtmf_receive_type", "i8"),  # payload type of the peer's telephone events; -1: none was negotiated
    ("peer", "i8"),  # slot, or -1
    # the second line of the cache
    ("muted", "i8"),
    ("tapped", "i8"),  # frames are copied to the rings
    ("buffered", "i8"),  # what is received goes through its receiver: 0, WAITING or AT_ONCE of buffered_legs
    ("profile", "i8"),  # of SRTP; 0: plain RTP
    ("heard", "i8"),
    ("in_ssrc", "i8"),
    ("in_highest", "i8"),  # extended sequence numbers (RFC 3550 A.1)
    ("in_counted", "i8"),  # packets since in_first
    ("packets_received", "i8"),
    # telephone events (RFC 4733)
    ("dtmf_payload_type", "i8"),  # of those that are sent; -1: none was negotiated
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
    ("relayed_until_ns", "i8"),  # bridged audio is present on it until then
    ("packets_sent", "i8"),
    ("fed", "i8"),  # its feed is mixed into what is sent
    ("key_code", "i8"),  # that we press, or -1
    ("octets_sent", "i8"),
    ("most_samples", "i8"),  # that its other end takes in one packet; 0: it has not said
]

_SELDOM: list[Any] = [
    # connection
    ("generation", "i8"),
    ("rtcp_descriptor", "i8"),
    ("signals_host", "i8"),  # where its other end signals from, which is believed before others; 0: not known
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
    ("receive_renewed", "i8"),  # receive_key has taken another's place, and nothing has come under it yet
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
    *EASING,  # of the feed, as it is heard
    # frame rings: cursors that only grow, written by the relay and read by the worker
    ("received_written", "i8"),
    ("received_read", "i8"),
    ("sent_written", "i8"),
    ("sent_read", "i8"),
    # frames that should be there and are not, since the leg was opened
    ("received_missed", "i8"),
    ("sent_missed", "i8"),
]


LEG = np.dtype(whole_lines(_EVERY_PACKET_RECEIVED + _EVERY_PACKET_SENT + _SELDOM), align=True)
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
    whole_lines(
        [
            ("at_ns", "i8"),
            ("source", "i8"),  # SSRC received, or whose audio was sent; another one means another timeline
            ("timestamp", "u4"),  # RTP, of the first sample
            ("samples", "u2"),
            ("codec", "u2"),
            ("payload", "u1", (FRAME_SAMPLES,)),
        ]
    ),
    align=True,
)
"""Three lines of the cache."""

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


def place_of(record: np.dtype[Any], name: str) -> int:
    """Where a field begins in its record, in bytes."""
    assert record.fields is not None
    return int(record.fields[name][1])
