"""What a jitter buffer answers when it is pulled: whether to play, to conceal, to wait or to catch up."""

from typing import Any

from softswitch.media.jitter_pieces import absorb_silence, is_quiet, take_frame
from softswitch.media.jitter_record import FRAME_NS, PARTS
from softswitch.media.kernels import i64, inner
from softswitch.media.playout import MS, recent_least, recent_most

TOLERANCE_NS = 2 * MS
"""What a pull may be off its time."""
SPURT_PULLS = 5
"""After so many pulls without audio what comes next is a new spurt of talk, which may be delayed unheard."""
LATE_SPAN_NS = 1000 * MS
LATE_PAUSE_NS = 3000 * MS
"""The delay grows in speech only for packets that come late again and again: for a second, not 3 s apart."""
SETTLING_NS = 1000 * MS
"""How long the initial delay stands before it is judged."""

# what `get` returns
EMPTY, FRAME, LOST, NOISE = 0, 1, 2, 3


@inner
def target_ns(buffer: Any) -> int:
    """The transit that playing should allow for: late minus early, with what the last second needed on top."""
    wanted = i64(buffer.base_ns) + max(i64(buffer.jitter_ns), i64(buffer.least_ns))
    return min(max(wanted, recent_most(buffer)), recent_least(buffer) + i64(buffer.most_ns))


@inner
def is_due(buffer: Any, slot: int, now: int) -> bool:
    """Whether a new spurt of talk may begin to play."""
    delay = i64(buffer.initial_ns)
    if not buffer.fixed:
        known = max(i64(buffer.jitter_ns), i64(buffer.least_ns))
        delay = min(known if buffer.playing else max(known, delay), i64(buffer.most_ns))
        if buffer.clock_ns - buffer.pieces[slot].at_ns >= buffer.base_ns + delay - TOLERANCE_NS:
            return True
    elif buffer.held_ns >= delay:
        return True
    return bool(now - buffer.pieces[slot].arrived_ns >= delay - TOLERANCE_NS)


@inner
def is_next(buffer: Any) -> bool:
    """Whether the next 20 ms are here in one piece, so that they may be pulled before their time."""
    if buffer.count == 0 or buffer.filling or buffer.hungry:
        return False
    piece = buffer.pieces[buffer.order[0]]
    return bool(piece.length_ns == FRAME_NS and piece.at_ns == buffer.cursor_ns)


@inner
def conceal(buffer: Any) -> None:
    """Count a pull that is concealed, and the run that it begins."""
    buffer.concealed += 1
    if buffer.hungry == 1:
        buffer.loss_runs += 1


@inner
def starve(buffer: Any, out: Any, early: bool) -> int:
    """Answer a pull for which there is nothing.  early: there is, but it is not its time."""
    buffer.hungry += 1
    if buffer.silent:
        return make_noise(buffer, out)
    buffer.empty += 1
    if buffer.playing and not early and buffer.hungry <= SPURT_PULLS:
        conceal(buffer)
    return EMPTY


@inner
def make_noise(buffer: Any, out: Any) -> int:
    buffer.noises += 1
    buffer.frame_length = buffer.noise_length
    for i in range(buffer.noise_length):
        out[i] = buffer.noise[i]
    return NOISE


@inner
def may_skip(buffer: Any, slot: int, now: int) -> bool:
    """Whether a gap may be passed over: what lies behind it is due anyway, or has waited as long as anything may."""
    if buffer.fixed:
        return False
    if buffer.clock_ns - buffer.pieces[slot].at_ns >= target_ns(buffer) - TOLERANCE_NS:
        return True
    return bool(now - buffer.pieces[slot].arrived_ns >= buffer.most_ns)


@inner
def play_gap(buffer: Any, out: Any, slot: int, gap: int) -> int:
    """Let 20 ms of a gap pass: concealed as long as lost packets may account for it, else the sender's silence."""
    buffer.cursor_ns += min(gap, FRAME_NS)
    missing = i64(buffer.pieces[slot].key) // PARTS - i64(buffer.last) - 1
    buffer.hungry += 1
    if buffer.silent or buffer.gap_lost_ns >= missing * max(i64(buffer.packet_ns), FRAME_NS):
        return make_noise(buffer, out)
    buffer.gap_lost_ns += FRAME_NS
    buffer.lost += 1
    conceal(buffer)
    return LOST


@inner
def shorten(buffer: Any, out: Any, now: int) -> None:
    """Leave frames out when more are held than may be, or than the last second had any use for."""
    while buffer.held_ns > buffer.most_ns + FRAME_NS and buffer.held_ns >= 2 * FRAME_NS:
        skip_frame(buffer, out, now)
        absorb_silence(buffer)  # what is held is audio, so something is left
        first = buffer.pieces[buffer.order[0]].at_ns
        buffer.cursor_ns = max(i64(buffer.cursor_ns), i64(first))
    slot = i64(buffer.order[0])
    excess = i64(buffer.clock_ns) - i64(buffer.cursor_ns) - target_ns(buffer) + TOLERANCE_NS
    if excess < FRAME_NS or buffer.held_ns < 2 * FRAME_NS:
        return
    pause = 200 * MS
    if is_quiet(buffer, slot):
        pause = 40 * MS
    elif excess >= 5 * FRAME_NS:
        pause = 60 * MS
    elif excess >= 3 * FRAME_NS:
        pause = 100 * MS
    if now - buffer.adjusted_at_ns >= pause - TOLERANCE_NS:
        skip_frame(buffer, out, now)


@inner
def skip_frame(buffer: Any, out: Any, now: int) -> None:
    take_frame(buffer, out, 0)
    buffer.dropped += 1
    buffer.frame_skipped_ns += buffer.taken_ns
    buffer.adjusted_at_ns = now


@inner
def must_wait(buffer: Any, now: int) -> bool:
    """Whether the delay should grow by a frame: in silence when it is below the least, in speech when packets go on
    coming too late."""
    offset = i64(buffer.clock_ns) - i64(buffer.cursor_ns)
    slot = i64(buffer.order[0])
    if offset < buffer.base_ns + buffer.least_ns - FRAME_NS // 2 and now - buffer.adjusted_at_ns >= 500 * MS:
        return is_quiet(buffer, slot)
    return bool(
        buffer.late_at_ns - buffer.late_since_ns >= LATE_SPAN_NS
        and now - buffer.late_at_ns < LATE_PAUSE_NS
        and now - buffer.adjusted_at_ns >= 100 * MS
        and offset < target_ns(buffer) - TOLERANCE_NS
        and buffer.held_ns < buffer.most_ns
    )
