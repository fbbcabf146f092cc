"""The next 20 ms of a buffered leg: what its buffer holds, or what is made up in its place, heard and sent on."""

from typing import Any

from softswitch.media import vocabulary as v
from softswitch.media.jitter import FRAME, LOST, NOISE, get
from softswitch.media.jitter_record import FRAME_NS
from softswitch.media.kernels import i64, inner
from softswitch.media.outgoing import emit, relay
from softswitch.media.playout import MS
from softswitch.media.receiver import FRAME_SAMPLES, convert, play_frame, play_noise, play_starved
from softswitch.media.rings import push_received
from softswitch.media.rtp import NS_PER_SAMPLE
from softswitch.media.transcoding import PCMA, PCMU, catch_up, unwrap

ASTRAY_SAMPLES = 800
"""100 ms: what the timeline may lag behind the clock before it leaps."""
MOST_MADE_UP = 64
MADE_UP_EVERY_NS = MS // 2
"""Legs that may begin to be concealed at once, and one more in so long. More than 2,000 losses a second are no losses
of single packets: the machine or a whole network stands still, and time spent on making up would be missing for what
comes, which would then be late too."""
HELD_UP_NS = 2 * FRAME_NS
"""Where sockets have not been empty for so long, what is missing may lie in one: nothing is made up."""
SYNTHETIC = 0
"""The source that a bridge is told, whatever the sender calls itself."""


@inner
def pull(shared: Any, scratch: Any, slot: int, due: int, now: int) -> None:
    """Play the leg's next 20 ms, if it has any: to who listens, and to whom it is bridged to."""
    leg = shared.legs[slot]
    receiver = shared.receivers[slot]
    if not play(shared, scratch, slot, due):
        receiver.talking = 0
        return
    receiver.time = next_time(receiver, due)
    if leg.tapped and leg.wire_codec != leg.codec:
        push_received(shared, slot, now, receiver.time, leg.codec, SYNTHETIC, scratch.packet, 0, FRAME_SAMPLES)
    if leg.peer >= 0 and not leg.muted:
        pass_frame(shared, scratch, slot, now)
    receiver.talking = 1


@inner
def next_time(receiver: Any, now: int) -> int:
    """Where the next frame stands on our timeline: behind the last one, or at the present time after a pause."""
    here = now // NS_PER_SAMPLE
    following = i64(receiver.time) + FRAME_SAMPLES
    if receiver.talking and here - following < ASTRAY_SAMPLES:
        return following
    return max(here, following)


@inner
def play(shared: Any, scratch: Any, slot: int, due: int) -> bool:
    """Put the leg's next 20 ms at the beginning of `scratch.packet`, in its codec inside the plane; False for nothing.

    Where they are as they came, the bytes of the wire are in `scratch.raw`.
    """
    leg = shared.legs[slot]
    receiver = shared.receivers[slot]
    codes = scratch.packet
    kind = get(receiver.jitter, due, codes)
    scratch.raw_bytes = 0
    if kind == FRAME:
        count = i64(receiver.jitter.frame_length)
        codec = i64(receiver.jitter.frame_codec)
        if codec not in (PCMU, PCMA):
            count = unwrap(shared, scratch, slot, codec, 0, count)
        elif codec != leg.codec:
            convert(codes, count, leg.codec)
        if not play_frame(receiver, codes, count, leg.codec, scratch.narrow):
            scratch.raw_bytes = 0
        return True
    if kind == NOISE:
        return play_noise(receiver, codes, leg.codec, scratch.narrow)
    if not may_make_up(receiver, scratch):
        receiver.kept = 0  # nor is it begun later, after a silence
        return False
    if kind == LOST:
        play_frame(receiver, codes, 0, leg.codec, scratch.narrow)
        return True
    return play_starved(receiver, codes, leg.codec, scratch.narrow)


@inner
def pass_frame(shared: Any, scratch: Any, slot: int, now: int) -> None:
    """Send what the leg plays to whom it is bridged to."""
    leg = shared.legs[slot]
    receiver = shared.receivers[slot]
    other = shared.legs[leg.peer]
    if not receiver.talking and other.out_source == slot:
        other.out_source = v.NOBODY  # a new spurt of talk
    if scratch.raw_bytes == 0 and other.wire_codec == leg.wire_codec and other.wire_codec != other.codec:
        catch_up(shared, scratch, slot, leg.peer, receiver.frames[(i64(receiver.newest) + 2) % 3])
    receiver.sequence += 1
    number, time = i64(receiver.sequence), i64(receiver.time)
    left = relay(shared, scratch, leg.peer, now, slot, leg.codec, SYNTHETIC, number, time, 0, FRAME_SAMPLES)
    if left and leg.bridge_pending:
        leg.bridge_pending = 0
        emit(shared, scratch, v.FIRST_BRIDGED, slot, now, 0, 0)


@inner
def is_held_up(scratch: Any, now: int) -> bool:
    """Whether what is missing may lie in a socket yet."""
    return now - scratch.emptied_at_ns > HELD_UP_NS


@inner
def ration(scratch: Any, now: int) -> None:
    """How many legs may begin to be concealed now; -1: nor may one go on."""
    if is_held_up(scratch, now):
        scratch.rations = -1
        return
    earned = (now - scratch.rationed_at_ns) // MADE_UP_EVERY_NS
    scratch.rations = min(max(i64(scratch.rations), 0) + earned, MOST_MADE_UP)
    scratch.rationed_at_ns += earned * MADE_UP_EVERY_NS


@inner
def may_make_up(receiver: Any, scratch: Any) -> bool:
    """Whether there is time to make up what is missing: to begin takes as long as to relay three packets."""
    if scratch.rations < 0:
        return False
    if receiver.concealing:
        return True
    if scratch.rations == 0:
        return False
    scratch.rations -= 1
    return True
