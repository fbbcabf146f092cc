"""Clips played on legs: 20 ms at a time on an absolute clock, from the first sample.

While audio is bridged to the leg too, the clip is mixed into it (outgoing.mix_clip) and moves on with the bridged
packets; the clock takes over again as soon as they stay away.
"""

from typing import Any

from softswitch.media import vocabulary as v
from softswitch.media.kernels import inner
from softswitch.media.outgoing import PCMA, emit, is_open, position_at, silence_of, transmit
from softswitch.media.rtp import HEADER_BYTES

PACKET_NS = 20_000_000
PACKET_SAMPLES = 160
BRIDGED_NS = 30_000_000
"""Bridged audio is present on a leg for so long after its last packet."""
LATE_NS = 100_000_000
"""A plane that was held up for longer does not send what it missed in one burst."""


@inner
def start_playing(shared: Any, scratch: Any, slot: int, clip: int, looped: int, now: int) -> None:
    leg = shared.legs[slot]
    if leg.clip < 0:
        scratch.players[scratch.players_count] = slot
        scratch.players_count += 1
    leg.clip = clip
    leg.looped = looped
    leg.clip_cursor = 0
    leg.clip_started = 0
    leg.play_at_ns = now


@inner
def stop_playing(shared: Any, scratch: Any, slot: int) -> None:
    if shared.legs[slot].clip < 0:
        return
    shared.legs[slot].clip = -1
    count = scratch.players_count
    for i in range(count):
        if scratch.players[i] == slot:
            scratch.players[i] = scratch.players[count - 1]
            scratch.players_count = count - 1
            return


@inner
def send_clip_packet(shared: Any, scratch: Any, slot: int, now: int) -> None:
    leg = shared.legs[slot]
    clip = shared.clips[leg.clip]
    audio = shared.clip_audio[1 if leg.codec == PCMA else 0]
    silence = silence_of(leg.codec)
    for i in range(PACKET_SAMPLES):
        if leg.clip_cursor >= clip.samples and leg.looped and clip.samples > 0:
            leg.clip_cursor = 0
        code = silence
        if leg.clip_cursor < clip.samples:
            code = audio[clip.start + leg.clip_cursor]
            leg.clip_cursor += 1
        scratch.out[HEADER_BYTES + i] = code
    here = position_at(leg, now)
    position = leg.out_end
    marker = False
    if leg.out_source != v.PLAYER or abs(here - position) > 2 * PACKET_SAMPLES:
        position = max(here, leg.out_end)
        marker = True
        leg.out_source = v.PLAYER
    transmit(shared, scratch, slot, now, marker, leg.out_sequence + 1, position, PACKET_SAMPLES, v.PLAYER)


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
        bridged = now - leg.relayed_at_ns < BRIDGED_NS
        if bridged:
            leg.play_at_ns = leg.relayed_at_ns + BRIDGED_NS
        if now - leg.play_at_ns > LATE_NS:
            leg.play_at_ns = now
        ended = leg.clip_cursor >= shared.clips[leg.clip].samples and not leg.looped
        while not ended and leg.play_at_ns <= now:
            send_clip_packet(shared, scratch, slot, now)
            if not leg.clip_started:
                leg.clip_started = 1
                emit(shared, scratch, v.FIRST_PLAYED, slot, now, leg.clip, 0)
            leg.play_at_ns += PACKET_NS
            ended = leg.clip_cursor >= shared.clips[leg.clip].samples and not leg.looped
        # The last packet has left but is heard for 20 ms more; what follows a clip must not cut it off.
        if ended and (bridged or leg.play_at_ns <= now):
            clip = leg.clip
            stop_playing(shared, scratch, slot)
            emit(shared, scratch, v.PLAYING_ENDED, slot, now, clip, 0)
        else:
            index += 1
