"""What the relay owns besides the shared block: buffers made once, so that nothing in its loop allocates."""

from typing import Any

import numpy as np

from softswitch.media.layout import MESSAGE
from softswitch.media.srtp_library import CIPHER

BUFFER_BYTES = 4096
"""The longest packet received, as 16-bit samples."""
READY = 256
"""Sockets reported by one poll."""
KEPT = 2
"""Of what waits at a socket while the relay is held up, the newest so many datagrams are taken in: 40 ms of audio."""
BATCH = 64
"""Packets that are read, then served, then sent in one go: each of the three finds its code in the cache."""
ARRIVED_BYTES = BUFFER_BYTES + 64
"""A datagram's room: a cache line more, so that they do not all begin in the same set of the cache."""
LEAVING_BYTES = 1536
"""The longest packet sent: what a telephone may have sent us (`rtp.LARGEST_PACKET`), sealed."""
MOST_PLAYERS = 8192

SCRATCH = np.dtype(
    [
        ("poller", "i8"),
        ("wake_descriptor", "i8"),
        ("events_pushed", "i8"),
        ("watch_until_ns", "i8"),  # so long, some leg may be learning its source or hearing a key
        ("players_count", "i8"),
        ("players", "i8", (MOST_PLAYERS,)),  # the first players_count are the slots on which a clip plays
        ("pulled_count", "i8"),
        ("pulled", "i8", (MOST_PLAYERS,)),  # the first pulled_count are the slots whose jitter buffer is pulled
        ("pull_at_ns", "i8", (MOST_PLAYERS,)),  # and when each is pulled next
        ("rations", "i8"),  # of those pulled now, how many may begin to be concealed
        ("rationed_at_ns", "i8"),
        ("due", "i8", (MOST_PLAYERS,)),  # indices into both, of those that are pulled now
        ("packet", "u1", (BUFFER_BYTES,)),  # the datagram received
        ("out", "u1", (BUFFER_BYTES,)),  # the packet to send
        ("arrived_count", "i8"),
        ("arrived", "u1", (BATCH, ARRIVED_BYTES)),  # the first arrived_count are datagrams of RTP sockets
        ("arrived_bytes", "i8", (BATCH,)),
        ("arrived_sources", "u1", (BATCH, 16)),
        ("arrived_slots", "i8", (BATCH,)),
        ("leaving_count", "i8"),
        ("leaving", "u1", (BATCH, LEAVING_BYTES)),  # the first leaving_count are the packets to send
        ("leaving_bytes", "i8", (BATCH,)),
        ("leaving_octets", "i8", (BATCH,)),  # of payload, before it was sealed
        ("leaving_slots", "i8", (BATCH,)),
        ("waiting", "u1", (KEPT + 1, BUFFER_BYTES)),  # datagrams of one socket, of which only the newest are wanted
        ("waiting_bytes", "i8", (KEPT + 1,)),
        ("waiting_sources", "u1", (KEPT + 1, 16)),
        ("emptied_at_ns", "i8"),  # then nothing waited at any socket: what is read now has come since
        ("ticked_at_ns", "i8"),
        ("whole", "u1", (LEAVING_BYTES,)),  # audio that is sent in several packets
        ("raw", "u1", (BUFFER_BYTES,)),  # a payload as it came, before it was converted
        ("raw_bytes", "i8"),
        ("passes_raw", "i8"),  # it is to leave as it came
        ("narrow", "i2", (BUFFER_BYTES,)),
        ("wide", "i2", (2 * BUFFER_BYTES,)),
        ("source", "u1", (16,)),  # sockaddr_in of the datagram received
        ("address", "u1", (16,)),  # sockaddr_in to bind, connect or send to
        ("source_size", "u4", (1,)),
        ("timespec", "i8", (2,)),
        ("ready", "u4", (3 * READY,)),
        ("registration", "u4", (3,)),
        ("option", "i4", (1,)),
        ("one", "u8", (1,)),
        ("message", MESSAGE, (1,)),
        ("cipher", CIPHER, (1,)),
        ("sessions", "i8", (MOST_PLAYERS, 3)),  # a slot's SRTP sessions: sending, receiving, and receiving before
    ],
    align=True,
)


def new_scratch(wake_descriptor: int) -> Any:
    """One record; kernels take it by reference."""
    scratch = np.zeros(1, SCRATCH)[0]
    scratch["wake_descriptor"] = wake_descriptor
    scratch["one"] = 1
    return scratch
