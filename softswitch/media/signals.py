"""Datagrams on a browser's leg that are no RTP: STUN and DTLS (RFC 7983), handed to the signalling process and back.

The leg's socket carries all three, so that one port and one address serve a browser (RFC 5761, RFC 8835 §3.4). Two
rings of datagrams in the shared block: from browsers, which the relay writes, and to browsers, which it sends. What
comes in is rationed for each leg, with a ration of its own for the address that is in use: a flood of strangers
neither fills the ring nor takes a browser's consent from it.
"""

from typing import Any

from softswitch.media import vocabulary as v
from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.layout import (
    DATAGRAM_BYTES,
    DATAGRAMS,
    FROM_BROWSERS,
    READ,
    TO_BROWSERS,
    WRITTEN,
)
from softswitch.media.libc import fence, host_of, port_of, send_datagram, write_socket_address

STRANGERS_NS = 20_000_000
"""50 a second and leg; browsers pace their checks at 50 ms each (RFC 8445 §14.2)."""
KNOWN_NS = 5_000_000
"""200 a second from the address in use: handshakes, and consent."""
BURST = 50
"""Datagrams that may come at once."""


@inner
def is_signal(first: int) -> bool:
    """Whether a datagram's first byte says STUN or DTLS (RFC 7983 §7)."""
    return first < 4 or 20 <= first < 64


@kernel
def push_datagram(
    shared: Any, ring: int, slot: int, generation: int, host: int, port: int, buffer: Any, size: int
) -> bool:
    """Put a datagram into a ring; False when it is full.  buffer: uint8, of which the first `size` are taken."""
    cursors = shared.cursors[ring]
    written = cursors[WRITTEN]
    if written - cursors[READ] >= DATAGRAMS:
        return False
    datagram = shared.datagrams[ring - FROM_BROWSERS, written & (DATAGRAMS - 1)]
    datagram.leg = slot
    datagram.generation = generation
    datagram.host = host
    datagram.port = port
    datagram.size = size
    octets = datagram.octets
    for i in range(size):
        octets[i] = buffer[i]
    fence()
    cursors[WRITTEN] = written + 1
    fence()
    return True


@kernel
def pop_datagram(shared: Any, ring: int, out: Any) -> bool:
    """Take the oldest datagram out of a ring; False when there is none.  out: (1,) DATAGRAM."""
    cursors = shared.cursors[ring]
    fence()
    read = cursors[READ]
    if read == cursors[WRITTEN]:
        return False
    fence()
    out[0] = shared.datagrams[ring - FROM_BROWSERS, read & (DATAGRAMS - 1)]
    fence()
    cursors[READ] = read + 1
    return True


@inner
def is_within_ration(leg: Any, known: bool, now: int) -> bool:
    """One more datagram: BURST at once, then one in each interval."""
    if known:
        due = max(leg.known_signal_at_ns, now - BURST * KNOWN_NS) + KNOWN_NS
        if due > now:
            return False
        leg.known_signal_at_ns = due
        return True
    due = max(leg.signal_at_ns, now - BURST * STRANGERS_NS) + STRANGERS_NS
    if due > now:
        return False
    leg.signal_at_ns = due
    return True


@inner
def receive_signal(shared: Any, scratch: Any, slot: int, length: int, now: int) -> bool:
    """Hand the datagram in `scratch.packet` to the signalling process; False when it was dropped."""
    leg = shared.legs[slot]
    if leg.browser == 0 or length <= 0 or length > DATAGRAM_BYTES or not is_signal(i64(scratch.packet[0])):
        return False
    host, port = host_of(scratch.source), port_of(scratch.source)
    known = leg.state == v.ROAMING and host == leg.remote_host and port == leg.remote_port
    if not is_within_ration(leg, known, now):
        return False
    if not push_datagram(shared, FROM_BROWSERS, slot, leg.generation, host, port, scratch.packet, length):
        return False
    scratch.events_pushed = 1
    return True


@inner
def send_signals(shared: Any, scratch: Any) -> None:
    """Send what the signalling process has for browsers. What is for a leg that is gone is dropped."""
    cursors = shared.cursors[TO_BROWSERS]
    fence()
    read = cursors[READ]
    while read != cursors[WRITTEN]:
        fence()
        datagram = shared.datagrams[TO_BROWSERS - FROM_BROWSERS, read & (DATAGRAMS - 1)]
        leg = shared.legs[datagram.leg]
        if leg.generation == datagram.generation and leg.browser != 0 and leg.state in (v.BOUND, v.ROAMING):
            write_socket_address(scratch.address, datagram.host, datagram.port)
            address = scratch.address.ctypes.data
            if send_datagram(leg.rtp_descriptor, datagram.octets.ctypes.data, datagram.size, address) < 0:
                shared.header.send_errors += 1
        read += 1
        fence()
        cursors[READ] = read
