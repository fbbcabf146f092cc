"""How long audio should wait before it is played: an estimate of jitter and of the sender's clock, from arrivals alone.

The transit of a packet is its arrival less its place on the sender's timeline. Transits cannot be compared with those
of another clock, only with each other: the least of the last two seconds is the *base*, and how much later than the
base a packet comes is its jitter. A histogram of jitter with exponential forgetting gives the delay that all but a
few packets keep within; packets of the last half second to second are all kept within it, as long as the limit allows.
The slope of the least transits over minutes is the skew of the sender's clock.
"""

from typing import Any

from softswitch.media.kernels import i64, inner

MS = 1_000_000
"""A millisecond in nanoseconds."""

BLOCK_NS = 500 * MS
BLOCKS = 4
"""Blocks that the base looks back, beside the one that is being filled."""
STEADY_BLOCKS = 2
"""What must be known of a path before it is called steady."""
BIN_NS = 5 * MS
BINS = 64
"""320 ms; what is later counts as that late."""
LATE_SHARE = 0.03
"""What share of packets may come later than the target."""
FORGETTING = 0.98
"""By how much a packet's weight shrinks with each later one: half is forgotten in 34 packets, a burst in 3.5 s."""
HEAVIEST = 1e12
NEGLIGIBLE = 1e-6
"""What a bin no longer counts for."""

SKEW_POINTS = 32
FIRST_SPAN, LAST_SPAN = 2, 32
"""Blocks that a point of the skew's line stands for: 1 s at first, 16 s (so that the line is 4 to 8 min long) later."""
LEAST_SKEW_POINTS = 6

PLAYOUT = [
    ("block_from_ns", "i8"),
    ("block_packets", "i8"),
    ("block_least", "i8"),
    ("block_most", "i8"),
    ("block_least_at_ns", "i8"),
    ("blocks", "i8"),  # how many of block_leasts are known
    ("block_leasts", "i8", (BLOCKS,)),  # transits, ns; the newest first
    ("previous_most", "i8"),
    ("base_ns", "i8"),  # least transit of the last two seconds
    ("jitter_ns", "i8"),  # what all but LATE_SHARE of the packets are within, above the base
    ("weight", "f8"),
    ("total", "f8"),
    ("highest_bin", "i8"),  # that counts; those above are 0
    ("histogram", "f8", (BINS,)),
    ("skew_ppb", "i8"),  # above 0: the sender's clock is fast
    ("skew_points", "i8"),
    ("skew_span", "i8"),
    ("skew_filled", "i8"),  # blocks in the point that is being made
    ("skew_at_ns", "i8", (SKEW_POINTS,)),
    ("skew_least", "i8", (SKEW_POINTS,)),
]
"""The fields of a record that hold an estimate; `estimate` below is any record with them, zeroed."""


@inner
def forget_transits(estimate: Any) -> None:
    """Begin anew after the sender's timeline has moved; how much jitter the path has is still known."""
    estimate.block_packets = 0
    estimate.blocks = 0
    estimate.skew_points = 0
    estimate.skew_filled = 0
    estimate.skew_span = FIRST_SPAN


@inner
def note_transit(estimate: Any, transit: int, now: int, in_time: bool) -> None:
    """Take a packet in.  transit, now: ns.  in_time: it came before its turn; others do not hold the target up."""
    if estimate.block_packets == 0:
        begin_block(estimate, transit, now)
        if estimate.blocks == 0:
            estimate.previous_most = transit
    elif now - estimate.block_from_ns >= BLOCK_NS:
        close_block(estimate)
        begin_block(estimate, transit, now)
    elif transit < estimate.block_least:
        estimate.block_least = transit
        estimate.block_least_at_ns = now
    estimate.block_packets += 1
    if in_time:
        estimate.block_most = max(i64(estimate.block_most), transit)
    base = i64(estimate.block_least)
    for i in range(estimate.blocks):
        base = min(base, i64(estimate.block_leasts[i]))
    estimate.base_ns = base
    note_jitter(estimate, transit - base)


@inner
def begin_block(estimate: Any, transit: int, now: int) -> None:
    estimate.block_from_ns = now
    estimate.block_packets = 0
    estimate.block_least = transit
    estimate.block_least_at_ns = now
    estimate.block_most = transit - BLOCK_NS  # nothing yet


@inner
def close_block(estimate: Any) -> None:
    leasts = estimate.block_leasts
    for i in range(BLOCKS - 1, 0, -1):
        leasts[i] = leasts[i - 1]
    leasts[0] = estimate.block_least
    estimate.blocks = min(estimate.blocks + 1, BLOCKS)
    estimate.previous_most = estimate.block_most
    note_skew(estimate)


@inner
def note_jitter(estimate: Any, jitter: int) -> None:
    """Count one packet's jitter and find the target anew."""
    if estimate.weight == 0.0:
        estimate.weight = 1.0
    if estimate.weight > HEAVIEST:
        for i in range(BINS):
            estimate.histogram[i] /= HEAVIEST
        estimate.total /= HEAVIEST
        estimate.weight /= HEAVIEST
    estimate.weight /= FORGETTING
    place = min((jitter + BIN_NS - 1) // BIN_NS, BINS - 1)
    estimate.histogram[place] += estimate.weight
    estimate.highest_bin = max(i64(estimate.highest_bin), place)
    estimate.total += estimate.weight
    i = i64(estimate.highest_bin)
    if i > 0 and estimate.histogram[i] < NEGLIGIBLE * estimate.total:
        estimate.histogram[i] = 0.0
        estimate.highest_bin = i - 1
    above = 0.0
    bound = LATE_SHARE * estimate.total
    while i > 0:
        above += estimate.histogram[i]
        if above > bound:
            break
        i -= 1
    estimate.jitter_ns = i * BIN_NS


@inner
def recent_most(estimate: Any) -> int:
    """The greatest transit of the last half second to second, of packets that were in time."""
    return max(i64(estimate.block_most), i64(estimate.previous_most))


@inner
def is_steady(estimate: Any, within_ns: int) -> bool:
    """Whether the path has been known for a second, and few packets came later than so much, none of them lately."""
    return bool(
        estimate.blocks >= STEADY_BLOCKS
        and estimate.jitter_ns <= within_ns
        and recent_most(estimate) - estimate.base_ns <= within_ns
    )


@inner
def recent_least(estimate: Any) -> int:
    if estimate.blocks == 0:
        return i64(estimate.block_least)
    return min(i64(estimate.block_least), i64(estimate.block_leasts[0]))


@inner
def note_skew(estimate: Any) -> None:
    """Add the block just closed to the line of least transits, and fit the line when a point is complete."""
    points = i64(estimate.skew_points)
    at, least = estimate.skew_at_ns, estimate.skew_least
    if estimate.skew_filled == 0:
        if points == SKEW_POINTS:
            points = make_room(estimate)
        at[points] = estimate.block_least_at_ns
        least[points] = estimate.block_least
    elif estimate.block_least < least[points]:
        at[points] = estimate.block_least_at_ns
        least[points] = estimate.block_least
    estimate.skew_filled += 1
    if estimate.skew_filled >= estimate.skew_span:
        estimate.skew_filled = 0
        estimate.skew_points = points + 1
        if estimate.skew_points >= LEAST_SKEW_POINTS:
            estimate.skew_ppb = fit_skew(estimate)


@inner
def make_room(estimate: Any) -> int:
    """Halve the line's points by joining pairs, or, when it is long enough, forget the oldest; how many are left."""
    at, least = estimate.skew_at_ns, estimate.skew_least
    if estimate.skew_span < LAST_SPAN:
        for i in range(SKEW_POINTS // 2):
            lower = 2 * i if least[2 * i] <= least[2 * i + 1] else 2 * i + 1
            at[i] = at[lower]
            least[i] = least[lower]
        estimate.skew_span *= 2
        estimate.skew_points = SKEW_POINTS // 2
    else:
        for i in range(SKEW_POINTS - 1):
            at[i] = at[i + 1]
            least[i] = least[i + 1]
        estimate.skew_points = SKEW_POINTS - 1
    return i64(estimate.skew_points)


@inner
def fit_skew(estimate: Any) -> int:
    """The slope of the least transits by least squares, as parts per 10^9; a transit that grows is a slow clock."""
    n = i64(estimate.skew_points)
    at, least = estimate.skew_at_ns, estimate.skew_least
    mean_x = 0.0
    mean_y = 0.0
    for i in range(n):
        mean_x += at[i] - at[0]
        mean_y += least[i] - least[0]
    mean_x /= n
    mean_y /= n
    above = 0.0
    below = 0.0
    for i in range(n):
        x = (at[i] - at[0]) - mean_x
        above += x * ((least[i] - least[0]) - mean_y)
        below += x * x
    if below <= 0.0:
        return 0
    return i64(-1e9 * above / below)
