"""Keys pressed, as telephone events (RFC 4733 §2.5): each reported once, whatever was lost or repeated."""

from typing import Any

from softswitch.media import vocabulary as v
from softswitch.media.kernels import i64, inner
from softswitch.media.outgoing import emit
from softswitch.media.rtp import read16, signed32

EVENT_BYTES = 4
DIGITS = "0123456789*#ABCD"  # RFC 4733 §3.2, codes 0-15
SILENT_NS = 150_000_000
"""An event of which nothing has come for so long is over though its end was lost: senders repeat it every 50 ms or
less."""
END_BIT = 0x80
MARKER_BIT = 0x80
LONGEST = 0xFFFF
"""Of a segment, in timestamp units."""


@inner
def end_event(shared: Any, scratch: Any, slot: int, now: int) -> None:
    """Report the event under way, if there is one that has not been reported."""
    leg = shared.legs[slot]
    if leg.event_code >= 0 and not leg.event_reported:
        leg.event_reported = 1
        emit(shared, scratch, v.DIGIT_PRESSED, slot, now, leg.event_code, leg.event_duration)


@inner
def receive_event(shared: Any, scratch: Any, slot: int, now: int, timestamp: int, start: int, end: int) -> bool:
    """Take in one telephone-event payload, scratch.packet[start:end]; False when it is malformed or of no key.

    All packets of one event share its timestamp; a segment of a long event (RFC 4733 §2.5.1.3) begins where the longest
    one ends, has the same code and no marker, so it belongs to the event instead of being another. A marker after a
    silence is another key although the timestamp stands still, as it does where a recording is played twice.
    """
    if end - start < EVENT_BYTES:
        return False
    leg = shared.legs[slot]
    code = i64(scratch.packet[start])
    if code >= len(DIGITS):
        return False
    duration = read16(scratch.packet, start + 2)
    finished = (scratch.packet[start + 1] & END_BIT) != 0
    marked = (scratch.packet[1] & MARKER_BIT) != 0
    if leg.event_code >= 0:
        step = signed32(timestamp - leg.event_timestamp)
        is_silent = now - leg.event_at_ns >= SILENT_NS
        if step < 0 and not is_silent:
            return True  # a late copy of an event that is over; after a silence it is a sender whose clock went back
        if step == 0 and not (leg.event_reported and is_silent and marked):
            leg.event_duration = max(leg.event_duration, duration)
        elif step == LONGEST and code == leg.event_code and not marked:
            leg.event_timestamp = timestamp
            leg.event_duration = duration
        else:
            end_event(shared, scratch, slot, now)
            leg.event_code = -1
    if leg.event_code < 0:
        leg.event_code = code
        leg.event_timestamp = timestamp
        leg.event_duration = duration
        leg.event_reported = 0
    leg.event_at_ns = now
    scratch.watch_until_ns = max(scratch.watch_until_ns, now + 2 * SILENT_NS)
    if finished:
        end_event(shared, scratch, slot, now)
    return True


@inner
def end_silent_events(shared: Any, scratch: Any, now: int) -> None:
    """Report the events whose end packets were all lost."""
    for slot in range(shared.legs.size):
        leg = shared.legs[slot]
        if leg.event_code >= 0 and not leg.event_reported and now - leg.event_at_ns > SILENT_NS:
            end_event(shared, scratch, slot, now)
