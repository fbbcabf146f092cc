"""What supervisors hear and say: the worker mixes timelines of some legs into the feeds of others.

A route leads from what one leg says to what another leg hears. It runs a little behind the present, so that what is
late can still be placed; who joins and leaves fades in and out, and so does what is late even so. The bridge itself is
never touched: its packets pass as before, and a feed is laid over them on the way out.
"""

from typing import Any, NamedTuple

import numpy as np

from softswitch.media import vocabulary as v
from softswitch.media.easing import eased, forget_edge, leap
from softswitch.media.kernels import i64, inner
from softswitch.media.layout import FEED, RECEIVED, Array
from softswitch.media.libc import fence
from softswitch.media.records import EASING
from softswitch.media.rtp import NS_PER_SAMPLE
from softswitch.media.timeline import SETTLE_SAMPLES, begin_if_idle, is_placed, position_of, sample_at

MOST_ROUTES = 512
CHUNK = 1600
"""Samples mixed at once: what a worker held up for 200 ms makes good."""
FIRST_DELAY = 640
"""80 ms: a frame that comes in order is placed 40 ms after its first sample was spoken."""
LONGEST_DELAY = SETTLE_SAMPLES - 160
PLACING_SAMPLES = 360
"""45 ms: a frame, a pass of the worker, and a little, beyond what the frame itself was late."""
FADE_SAMPLES = 80

FREE, JOINING, LEAVING = 0, 1, 2

ROUTE = np.dtype(
    [
        ("state", "i8"),
        ("to", "i8"),
        ("to_generation", "i8"),
        ("source", "i8"),
        ("source_generation", "i8"),
        ("beyond", "i8"),  # 1: whoever the source is bridged to at the moment
        ("heard", "i8"),  # slot that is mixed, or -1
        ("heard_generation", "i8"),
        ("delay", "i8"),
        ("level", "i8"),  # of the fade, up to FADE_SAMPLES
        *EASING,
    ],
    align=True,
)


class Desk(NamedTuple):
    """The mixer's own."""

    routes: Array
    """(MOST_ROUTES,) ROUTE; the first used[0] are looked at"""
    used: Array
    """(1,) int64"""
    sum: Array
    """(CHUNK,) int64, scratch"""


@inner
def add_route(shared: Any, mixer: Any, order: Any, now: int) -> None:
    """Begin a route, or let one that is leaving stay; one too many is refused, and heard by nobody."""
    to = order.leg
    place = i64(-1)
    to_is_fed = False
    for i in range(mixer.used[0]):
        route = mixer.routes[i]
        if route.state == FREE:
            if place < 0:
                place = i
            continue
        if route.to != to or route.to_generation != order.generation:
            continue
        to_is_fed = True
        if route.source == order.a and route.source_generation == order.b and route.beyond == order.c:
            route.state = JOINING
            shared.legs[to].feed_end = 0
            return
    if place < 0:
        if mixer.used[0] == MOST_ROUTES:
            return
        place = mixer.used[0]
        mixer.used[0] += 1
    leg = shared.legs[to]
    if not to_is_fed:
        leg.feed_epoch_ns = now - leg.feed_written * NS_PER_SAMPLE
    leg.feed_end = 0
    route = mixer.routes[place]
    route.to = to
    route.to_generation = order.generation
    route.source = order.a
    route.source_generation = order.b
    route.beyond = order.c
    route.heard = -1
    route.delay = FIRST_DELAY
    route.level = 0
    forget_edge(route)
    route.state = JOINING


@inner
def drop_routes(mixer: Any, order: Any) -> None:
    """Let the routes to a leg from one source, or from all, fade away."""
    for i in range(mixer.used[0]):
        route = mixer.routes[i]
        ours = route.state != FREE and route.to == order.leg and route.to_generation == order.generation
        if ours and (order.a < 0 or route.source == order.a):
            route.state = LEAVING


@inner
def source_of(shared: Any, route: Any) -> int:
    """The slot whose other end a route lets hear now, or -1."""
    if shared.legs[route.source].generation != route.source_generation:
        return i64(-1)
    source = i64(shared.legs[route.source].peer) if route.beyond else i64(route.source)
    if source >= 0 and shared.legs[source].state == v.CLOSED:
        return i64(-1)
    return source


@inner
def turn_to(shared: Any, route: Any, source: int) -> bool:
    """Let a route bring another source, once the one before has faded; whether that one is to fade now.

    Who hangs up in mid-word fades too, as far as their leg's slot is not another's yet.
    """
    before = i64(route.heard)
    if source == before:
        return False
    if before >= 0 and route.level > 0 and shared.legs[before].generation == route.heard_generation:
        return True
    route.heard = source
    route.level = 0
    forget_edge(route)
    if source >= 0:
        route.heard_generation = shared.legs[source].generation
    return False


@inner
def add_source(shared: Any, times: Any, mixer: Any, route: Any, start: int, count: int, now: int) -> None:
    """Add to the sum what a route brings for samples start..start+count of its leg's feed."""
    fades = turn_to(shared, route, source_of(shared, route))
    source = i64(route.heard)
    if source < 0:
        return
    begin_if_idle(shared, times, source, now, shared.legs[source].generation)
    line = times.lines[source]
    line.watched_ns = now
    late = times.channels[source, RECEIVED].most_late
    delay = min(max(route.delay, late + PLACING_SAMPLES), LONGEST_DELAY)
    if delay > route.delay:
        leap(route)
    route.delay = delay
    at_ns = shared.legs[route.to].feed_epoch_ns + start * NS_PER_SAMPLE
    position = position_of(line, at_ns) - route.delay
    step = -1 if fades or route.state == LEAVING else 1
    level = route.level
    for i in range(count):
        is_there = is_placed(times, source, RECEIVED, position + i)
        sample = eased(route, sample_at(times, source, RECEIVED, position + i), is_there)
        mixer.sum[i] += sample * level // FADE_SAMPLES
        level = min(max(level + step, 0), FADE_SAMPLES)
    route.level = level


@inner
def is_gone(shared: Any, route: Any) -> bool:
    leg = shared.legs[route.to]
    return leg.generation != route.to_generation or leg.state in (v.CLOSED, v.BUSY)


@inner
def feed_leg(shared: Any, times: Any, mixer: Any, first: int, now: int) -> None:
    """Mix what the leg of route number `first` has to hear up to now; `first` is the first of its routes."""
    to = mixer.routes[first].to
    leg = shared.legs[to]
    start = leg.feed_written
    count = min(max((now - leg.feed_epoch_ns) // NS_PER_SAMPLE - start, 0), CHUNK)
    for i in range(count):
        mixer.sum[i] = 0
    staying = 0
    for i in range(first, mixer.used[0]):
        route = mixer.routes[i]
        if route.state == FREE or route.to != to:
            continue
        add_source(shared, times, mixer, route, start, count, now)
        if route.state == LEAVING and route.level == 0 and count > 0:
            route.state = FREE
        else:
            staying += 1
    feed = shared.feeds[to]
    for i in range(count):
        feed[(start + i) & (FEED - 1)] = min(max(mixer.sum[i], -32768), 32767)
    fence()
    leg.feed_written = start + count
    if staying == 0:
        leg.feed_end = start + count


@inner
def mix(shared: Any, times: Any, mixer: Any, now: int) -> None:
    """One pass over the routes."""
    for i in range(mixer.used[0]):
        route = mixer.routes[i]
        if route.state == FREE:
            continue
        if is_gone(shared, route):
            route.state = FREE
            continue
        is_first = True
        for k in range(i):
            earlier = mixer.routes[k]
            # One that was freed in this very pass has been served with the others of its leg.
            if earlier.state != FREE and earlier.to == route.to:
                is_first = False
        if is_first:
            feed_leg(shared, times, mixer, i, now)
    while mixer.used[0] > 0 and mixer.routes[mixer.used[0] - 1].state == FREE:
        mixer.used[0] -= 1
