"""Legs with a jitter buffer: what they receive is heard in order, 20 ms at a time on a clock of the leg's own.

The clock starts 20 ms after the leg's first packet, so legs are as staggered as their senders are, and rests while
the sender is silent. What a buffered leg gives to a bridge is one stream without a gap in its numbers, on a timeline
that follows CLOCK_MONOTONIC in samples; nothing of the sender's numbers, timestamps and sources shows.

Where the path proves to be steady nothing waits: what comes in its turn is played at once, and the clock only watches.
It is set to when the next frame would have been played after the least delay; where that has not come by then, it is
made up, and what comes waits again. So no more is made up than by a buffer that holds everything back for 20 ms, and
how unevenly packets came is left to whoever is sent them: his buffer has to make up for the network's rest anyway.

A relay that was held up knows little of when a packet came: since the sockets were last empty. Where that may have been
in time, it was; else our own delay would count as the network's, and be waited for.
"""

from typing import Any

from softswitch.codecs.registry import CodecCode
from softswitch.errors import UsageError
from softswitch.media.fetching import fetch_peer, fetch_pulled, fetch_sent_frame
from softswitch.media.jitter import DUPLICATE, INVALID, put
from softswitch.media.jitter_pieces import position_of
from softswitch.media.jitter_pull import is_next
from softswitch.media.jitter_record import FRAME_NS
from softswitch.media.kernels import i64, inner
from softswitch.media.keys import pass_key
from softswitch.media.playout import MS, is_steady
from softswitch.media.pulling import SYNTHETIC, next_time, pull, ration
from softswitch.media.receiver import (
    AT_ONCE,
    LEAST,
    WAITING,
    reset_receiver,
    resume_receiver,
)
from softswitch.media.rtp import signed16

NONE = int(CodecCode.NONE)

NEVER, AUTO, ALWAYS = 0, 1, 2
"""Which legs have a buffer: none, those that must be decoded in order, or all."""
POLICIES = {"never": NEVER, "auto": AUTO, "always": ALWAYS}

STEADY_NS = 10 * MS
"""A path is steady whose packets come within so much of each other's time, but for 3 %."""
AT_ONCE_LEAST_NS = 8 * MS
"""What the buffer takes for the least delay meanwhile: nothing is put in to reach it (that begins half a frame below),
and nothing is left out for less than a frame above it."""
MOST_AT_ONCE = 2
"""Frames held when a leg begins to play at once: no more, so that its timeline does not run ahead of the clock."""

RTP_CLOCK_HZ = 8000
LATE_NS = 100_000_000
"""A plane that was held up for longer does not play what it missed in one burst."""
DOUBTFUL_NS = 5 * MS
"""Two ticks and a half: where the sockets were empty that long ago, a packet's arrival is not known well enough."""
REST_PULLS = 50
"""After a second without audio the clock rests, and starts with the next packet."""
MOST_MISORDER = 100  # RFC 3550 A.1


@inner
def arrival_of(jitter: Any, timestamp: int, since: int, now: int) -> int:
    """When a packet came, of which is only known that it was between two moments: in its time, where that may be."""
    if now - since <= DOUBTFUL_NS or not jitter.started or jitter.block_packets == 0:
        return now
    return min(max(position_of(jitter, timestamp) + i64(jitter.base_ns), since), now)


@inner
def settle_buffering(shared: Any, scratch: Any, slot: int, is_new: bool) -> None:
    """Give a leg its buffer, or take it away, as its codec wants it.  is_new: the codec has changed."""
    leg = shared.legs[slot]
    policy = shared.header.jitter_buffer
    if policy == ALWAYS or (policy == AUTO and leg.wire_codec != leg.codec):
        if is_new or not leg.buffered:
            reset_receiver(shared.receivers[slot], slot)
            if not leg.buffered:
                shared.receivers[slot].pulled = 0
            leg.buffered = WAITING
    else:
        stop_buffering(shared, scratch, slot)


@inner
def stop_buffering(shared: Any, scratch: Any, slot: int) -> None:
    if shared.legs[slot].buffered:
        shared.legs[slot].buffered = 0
        if shared.receivers[slot].pulled:
            stop_clock(shared, scratch, i64(shared.receivers[slot].place))


@inner
def adopt_buffer(shared: Any, slot: int) -> None:
    """Let a leg's stream go on after the death of the relay that heard it."""
    if shared.legs[slot].buffered:
        shared.legs[slot].buffered = WAITING
        shared.receivers[slot].pulled = 0
        resume_receiver(shared.receivers[slot], slot)


@inner
def start_clock(shared: Any, scratch: Any, slot: int, due: int) -> None:
    """Have the leg pulled from `due` on, in ns."""
    count = scratch.pulled_count
    shared.receivers[slot].pulled = 1
    shared.receivers[slot].place = count
    scratch.pulled[count] = slot
    scratch.pull_at_ns[count] = due
    scratch.pulled_count = count + 1


@inner
def stop_clock(shared: Any, scratch: Any, index: int) -> None:
    last = scratch.pulled_count - 1
    shared.receivers[scratch.pulled[index]].pulled = 0
    shared.receivers[scratch.pulled[last]].place = index
    scratch.pulled[index] = scratch.pulled[last]
    scratch.pull_at_ns[index] = scratch.pull_at_ns[last]
    scratch.pulled_count = last


@inner
def take_in(
    shared: Any, scratch: Any, slot: int, codec: int, start: int, end: int, sequence: int, timestamp: int, ssrc: int,
    now: int,
) -> int:  # fmt: skip
    """Put the payload scratch.packet[start:end] into the leg's buffer; see jitter.put for codec and status."""
    receiver = shared.receivers[slot]
    marker = i64(scratch.packet[1]) >> 7
    came = arrival_of(receiver.jitter, timestamp, i64(scratch.emptied_at_ns), now)
    status = put(
        receiver.jitter, scratch.packet, start, end, sequence, timestamp, ssrc, codec, RTP_CLOCK_HZ, marker, came
    )
    if not receiver.pulled and status != INVALID:
        start_clock(shared, scratch, slot, now + FRAME_NS)
    return i64(status)


@inner
def play_what_came(shared: Any, scratch: Any, slot: int, now: int) -> None:
    """Play what `take_in` has stored, if it is its turn and the path is steady."""
    leg = shared.legs[slot]
    receiver = shared.receivers[slot]
    jitter = receiver.jitter
    if leg.buffered == AT_ONCE:
        if jitter.jitter_ns > STEADY_NS:
            hold_back(shared, slot)
            return
    elif receiver.talking and jitter.count <= MOST_AT_ONCE and is_steady(jitter, STEADY_NS) and is_next(jitter):
        leg.buffered = AT_ONCE
        jitter.least_ns = AT_ONCE_LEAST_NS
    else:
        return
    while is_next(jitter):
        pull(shared, scratch, slot, now, now)
        scratch.pull_at_ns[receiver.place] = now + (1 + LEAST) * FRAME_NS


@inner
def hold_back(shared: Any, slot: int) -> None:
    """Let what comes wait for its turn again."""
    shared.legs[slot].buffered = WAITING
    shared.receivers[slot].jitter.least_ns = LEAST * FRAME_NS


@inner
def take_key_in(
    shared: Any, scratch: Any, slot: int, start: int, sequence: int, timestamp: int, ssrc: int, now: int, passes: bool
) -> None:
    """Note the telephone event in scratch.packet[start:] among the leg's audio; passes: and pass it on at once.

    What is passed bears the number that is next on our timeline, and the time at which the key was first heard of.
    """
    status = take_in(shared, scratch, slot, NONE, start, start, sequence, timestamp, ssrc, now)
    if not passes or status == DUPLICATE:
        return
    receiver = shared.receivers[slot]
    if receiver.key_sequence >= 0 and -MOST_MISORDER < signed16(sequence - receiver.key_sequence) <= 0:
        return  # overtaken by what tells more of the key
    if receiver.key_sequence < 0 or receiver.key_timestamp != timestamp:
        receiver.key_at = next_time(receiver, now)
    receiver.key_sequence = sequence
    receiver.key_timestamp = timestamp
    number = i64(receiver.sequence) + 1
    peer = shared.legs[slot].peer
    if pass_key(shared, scratch, peer, slot, now, SYNTHETIC, number, i64(receiver.key_at), start):
        receiver.sequence = number


@inner
def pull_due(shared: Any, scratch: Any, now: int) -> None:
    """Play every frame that is due, of every leg whose clock runs.

    From the last to the first, so that a clock that stops leaves its place to one that has been seen.
    """
    ration(scratch, now)
    count = 0
    for index in range(scratch.pulled_count - 1, -1, -1):
        if scratch.pull_at_ns[index] <= now:
            scratch.due[count] = index
            count += 1
    for i in range(count):
        if i + 3 < count:
            fetch_pulled(shared, scratch.pulled[scratch.due[i + 3]])
        if i + 2 < count:
            fetch_peer(shared, scratch.pulled[scratch.due[i + 2]])
        if i + 1 < count:
            fetch_sent_frame(shared, scratch.pulled[scratch.due[i + 1]])
        index = scratch.due[i]
        due = scratch.pull_at_ns[index]
        if now - due > LATE_NS:
            due = now
        slot = scratch.pulled[index]
        scratch.pull_at_ns[index] = due + FRAME_NS
        if shared.legs[slot].buffered == AT_ONCE:
            hold_back(shared, slot)
        pull(shared, scratch, slot, due, now)
        jitter = shared.receivers[slot].jitter
        if jitter.hungry >= REST_PULLS and jitter.count == 0 and not shared.receivers[slot].talking:
            stop_clock(shared, scratch, index)


def figures(leg: Any, receiver: Any) -> dict[str, Any]:
    """What a leg's buffer has counted, as LegStatistics has it; zeros for a leg without.  One LEG, one RECEIVER."""
    if not leg["buffered"]:
        return {"delay_ms_mean": 0.0, "delay_ms_max": 0.0, "frames_concealed": 0, "packets_late": 0, "skew_ppm": 0.0}
    jitter = receiver["jitter"]
    played = max(int(jitter["played"]), 1)
    return {
        "delay_ms_mean": round(int(jitter["delay_sum_ns"]) / played / 1e6, 1),
        "delay_ms_max": round(int(jitter["delay_most_ns"]) / 1e6, 1),
        "frames_concealed": int(jitter["concealed"]),
        "packets_late": int(jitter["late"]),
        "skew_ppm": round(int(jitter["skew_ppb"]) / 1e3, 1),
    }


def policy_code(policy: str) -> int:
    """UsageError for a policy that there is not."""
    if policy not in POLICIES:
        raise UsageError(f"jitter_buffer is one of {', '.join(POLICIES)}, not {policy!r}")
    return POLICIES[policy]
