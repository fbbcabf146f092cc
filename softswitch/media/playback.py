"""Clips played on legs, and feeds that they hear: 20 ms at a time on an absolute clock, from the first sample.

While audio is bridged to the leg too, clip and feed are mixed into it (outgoing.mix_clip, mix_feed) and move on with
the bridged packets; the clock takes over again as soon as they stay away.
"""

from typing import Any

from softswitch.media import vocabulary as v
from softswitch.media.easing import forget_edge
from softswitch.media.kernels import i64, inner
from softswitch.media.keys import begin_key, send_key_packet
from softswitch.media.outgoing import PCMA, emit, is_open, mix_feed, position_at, silence_of, transmit
from softswitch.media.rtp import HEADER_BYTES, NS_PER_SAMPLE

PACKET_NS = 20_000_000
PACKET_SAMPLES = 160
MOST_AHEAD_NS = 200_000_000
LATE_NS = 100_000_000
"""A plane that was held up for longer does not send what it missed in one burst."""


@inner
def is_playing(leg: Any) -> bool:
    """Whether the clock sends on the leg."""
    return leg.clip >= 0 or leg.fed != 0 or leg.key_code >= 0


@inner
def join_players(shared: Any, scratch: Any, slot: int, now: int) -> None:
    """Have the clock send on a leg, if it does not yet."""
    leg = shared.legs[slot]
    if not is_playing(leg):
        scratch.players[scratch.players_count] = slot
        scratch.players_count += 1
        leg.play_at_ns = now


@inner
def leave_players(shared: Any, scratch: Any, slot: int) -> None:
    """Have the clock send no more on a leg on which nothing plays and that has no feed."""
    if is_playing(shared.legs[slot]):
        return
    count = scratch.players_count
    for i in range(count):
        if scratch.players[i] == slot:
            scratch.players[i] = scratch.players[count - 1]
            scratch.players_count = count - 1
            return


@inner
def start_playing(shared: Any, scratch: Any, slot: int, clip: int, looped: int, now: int) -> None:
    leg = shared.legs[slot]
    join_players(shared, scratch, slot, now)
    if leg.fed == 0:
        leg.play_at_ns = now
    leg.clip = clip
    leg.looped = looped
    leg.clip_cursor = 0
    leg.clip_started = 0


@inner
def stop_playing(shared: Any, scratch: Any, slot: int) -> None:
    shared.legs[slot].clip = -1
    leave_players(shared, scratch, slot)


@inner
def start_key(shared: Any, scratch: Any, slot: int, code: int, samples: int, now: int) -> None:
    join_players(shared, scratch, slot, now)
    begin_key(shared, slot, code, samples, now)


@inner
def start_feed(shared: Any, scratch: Any, slot: int, now: int) -> None:
    """Let the leg hear its feed from now on, until its end."""
    join_players(shared, scratch, slot, now)
    leg = shared.legs[slot]
    if leg.fed == 0:
        leg.feed_read = leg.feed_written
        leg.feed_waits = 1
        forget_edge(leg)
    leg.fed = 1
    leg.feed_from = leg.feed_written


@inner
def feed_is_over(leg: Any) -> bool:
    return leg.fed != 0 and leg.feed_end > leg.feed_from and leg.feed_read >= leg.feed_end


@inner
def clip_is_over(shared: Any, leg: Any) -> bool:
    return leg.clip >= 0 and leg.looped == 0 and leg.clip_cursor >= shared.clips[leg.clip].samples


@inner
def take_clip(shared: Any, leg: Any, out: Any) -> None:
    """The next 20 ms of what plays on a leg, or silence, behind the header in `out`."""
    silence = silence_of(leg.codec)
    for i in range(PACKET_SAMPLES):
        out[HEADER_BYTES + i] = silence
    if leg.clip < 0:
        return
    clip = shared.clips[leg.clip]
    audio = shared.clip_audio[1 if leg.codec == PCMA else 0]
    for i in range(PACKET_SAMPLES):
        if leg.clip_cursor >= clip.samples and leg.looped and clip.samples > 0:
            leg.clip_cursor = 0
        if leg.clip_cursor < clip.samples:
            out[HEADER_BYTES + i] = audio[clip.start + leg.clip_cursor]
            leg.clip_cursor += 1


@inner
def send_own_packet(shared: Any, scratch: Any, slot: int, now: int) -> None:
    """Send 20 ms of clip and feed."""
    leg = shared.legs[slot]
    take_clip(shared, leg, scratch.out)
    if leg.fed:
        mix_feed(shared, scratch, slot, PACKET_SAMPLES)
    here = position_at(leg, now)
    position = leg.out_end
    marker = False
    if leg.out_source != v.PLAYER or abs(here - position) > 2 * PACKET_SAMPLES:
        position = max(here, leg.out_end)
        marker = True
        leg.out_source = v.PLAYER
    transmit(shared, scratch, slot, now, marker, leg.out_sequence + 1, position, PACKET_SAMPLES, v.PLAYER)


@inner
def busy_until(leg: Any) -> int:
    """Until when bridged audio is present on a leg, or more of it has been sent than its time: silence put between
    would stay in its way for good."""
    until_ns = i64(leg.relayed_until_ns)
    if leg.out_source == v.PLAYER:
        return until_ns
    ahead_ns = i64(leg.out_epoch_ns + (leg.out_end - PACKET_SAMPLES) * NS_PER_SAMPLE)
    return max(until_ns, min(ahead_ns, until_ns + MOST_AHEAD_NS))


@inner
def play_due(shared: Any, scratch: Any, now: int) -> None:
    """Send every packet that is due on every leg on which a clip plays, and report the clips that have ended."""
    index = 0
    while index < scratch.players_count:
        slot = scratch.players[index]
        leg = shared.legs[slot]
        if not is_open(leg):
            leg.play_at_ns = now  # it waits for its first sample until the leg is connected
            index += 1
            continue
        until_ns = busy_until(leg)
        bridged = now < until_ns
        if bridged:
            leg.play_at_ns = until_ns
        if now - leg.play_at_ns > LATE_NS:
            leg.play_at_ns = now
        while leg.key_code >= 0 and leg.play_at_ns <= now:
            send_key_packet(shared, scratch, slot, now)
            leg.play_at_ns += PACKET_NS
        if not is_playing(leg):
            leave_players(shared, scratch, slot)
            continue
        if leg.key_code >= 0:
            index += 1
            continue
        ended = clip_is_over(shared, leg)
        while not ended and leg.play_at_ns <= now:
            send_own_packet(shared, scratch, slot, now)
            if leg.clip >= 0 and not leg.clip_started:
                leg.clip_started = 1
                emit(shared, scratch, v.FIRST_PLAYED, slot, now, leg.clip, 0)
            leg.play_at_ns += PACKET_NS
            ended = clip_is_over(shared, leg)
        if feed_is_over(leg):
            leg.fed = 0
        # The last packet has left but is heard for 20 ms more; what follows a clip must not cut it off.
        if ended and (bridged or leg.play_at_ns <= now):
            clip = leg.clip
            leg.clip = -1
            emit(shared, scratch, v.PLAYING_ENDED, slot, now, clip, 0)
        if is_playing(leg):
            index += 1
        else:
            leave_players(shared, scratch, slot)
