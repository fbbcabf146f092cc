"""The relay: one loop without the GIL that owns every socket, on an absolute tick.

Between ticks it sleeps, and takes what has come in one go: the cheapest way, at half a tick's delay. Driven by events
it serves each packet as it comes, at more CPU a packet.

Packets are read, served and sent in batches, one step after the other for all of them: a processor's cache holds the
kernel's code for one of the steps, not for all three.
"""

from typing import Any

from softswitch.media import legs
from softswitch.media import vocabulary as v
from softswitch.media.buffered_legs import pull_due
from softswitch.media.dtmf import end_silent_events
from softswitch.media.fetching import fetch_frames, fetch_onward, fetch_receiving
from softswitch.media.incoming import receive_packet
from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.layout import RELAY_COMMANDS
from softswitch.media.libc import (
    CLOCK_MONOTONIC,
    CLOCK_THREAD_CPUTIME_ID,
    EPROTO,
    clock_ns,
    close_descriptor,
    copy_octets,
    poll,
    receive_datagram,
    sleep_until,
    wake,
)
from softswitch.media.outgoing import emit, send_batch
from softswitch.media.overload import is_behind, read_newest
from softswitch.media.playback import play_due, start_feed, start_key, start_playing, stop_playing
from softswitch.media.pulling import is_held_up
from softswitch.media.reporting import TURNS, begin_reports, send_due_reports, take_report
from softswitch.media.rings import pop
from softswitch.media.scratch import BATCH, BUFFER_BYTES
from softswitch.media.secure_legs import secure_leg
from softswitch.media.signals import send_signals

ROUNDS = 16
READING_NS = 10_000_000
"""Polls in one tick, and how long they may take: a flood cannot keep clips and commands waiting."""
NS_PER_MS = 1_000_000
SLOW_TICKS = 32
"""What has time is looked at once in so many ticks."""


@inner
def obey(shared: Any, scratch: Any, now: int) -> None:
    """Carry out every command that waits. One for a leg that is gone is ignored: hanging up and commanding may
    cross."""
    while pop(shared, RELAY_COMMANDS, scratch.message):
        order = scratch.message[0]
        kind = order.kind
        slot = order.leg
        leg = shared.legs[slot]
        if kind == v.OPEN:
            if leg.state in (v.CLOSED, v.BUSY):
                leg.generation = order.generation
                legs.open_leg(shared, scratch, slot, order.a, order.b, order.c, now)
                begin_reports(shared, slot, order.a, order.d, order.e, now)
            continue
        if leg.generation != order.generation:
            continue
        if kind == v.CLOSE:
            legs.close_leg(shared, scratch, slot, now)
            continue
        if leg.state in (v.CLOSED, v.BUSY):
            continue
        if kind == v.CONNECT:
            legs.connect_leg(shared, scratch, slot, order.a, order.b, order.c, order.d, order.e, now)
        elif kind == v.REPORT_TO:
            legs.name_reports(shared.reports[slot], order.a, order.b)
        elif kind == v.SECURE:
            if not secure_leg(shared, scratch, slot, order.a, order.b, order.c, order.d, order.e):
                emit(shared, scratch, v.LEG_FAILED, slot, now, EPROTO, 0)
        elif kind == v.BRIDGE:
            if shared.legs[order.a].generation == order.b:
                legs.bridge_legs(shared, slot, order.a)
        elif kind == v.UNBRIDGE:
            legs.unbridge_leg(shared, slot)
        elif kind == v.MUTE:
            legs.mute_leg(shared, slot, order.a)
        elif kind == v.HOLD:
            legs.hold_leg(shared, slot, order.a)
        elif kind == v.PLAY:
            start_playing(shared, scratch, slot, order.a, order.b, now)
        elif kind == v.STOP_PLAYING:
            stop_playing(shared, scratch, slot)
        elif kind == v.TAP:
            leg.tapped = order.a
        elif kind == v.ATTEND:
            leg.browser = order.a
        elif kind == v.PASS_KEYS:
            leg.passes_keys = order.a
        elif kind == v.PRESS:
            start_key(shared, scratch, slot, order.a, order.b, now)
        elif kind == v.FEED:
            start_feed(shared, scratch, slot, now)
        elif kind == v.MOVE:
            legs.move_leg(leg, order.a, order.b)


@inner
def read_socket(shared: Any, scratch: Any, token: int, now: int) -> None:
    """Read one datagram from a socket that is ready; a socket with more is reported again. RTP goes to `arrived`."""
    slot = token >> 1
    leg = shared.legs[slot]
    if token & 1:
        packet, source = scratch.packet.ctypes.data, scratch.source.ctypes.data
        length = receive_datagram(leg.rtcp_descriptor, packet, BUFFER_BYTES, source, scratch.source_size)
        if length >= 0:
            take_report(shared, scratch, slot, length, now)
        return
    if is_behind(scratch, now):
        read_newest(shared, scratch, slot, now)
        return
    place = i64(scratch.arrived_count)
    packet, source = scratch.arrived[place].ctypes.data, scratch.arrived_sources[place].ctypes.data
    length = receive_datagram(leg.rtp_descriptor, packet, BUFFER_BYTES, source, scratch.source_size)
    if length >= 0:
        scratch.arrived_bytes[place] = length
        scratch.arrived_slots[place] = slot
        scratch.arrived_count = place + 1


@inner
def take_arrived(shared: Any, scratch: Any, now: int) -> None:
    """Serve every datagram that has been read."""
    count = scratch.arrived_count
    for i in range(count):
        if i + 3 < count:
            fetch_receiving(shared, scratch.arrived_slots[i + 3])
        if i + 2 < count:
            fetch_onward(shared, scratch.arrived_slots[i + 2])
        if i + 1 < count:
            fetch_frames(shared, scratch.arrived_slots[i + 1])
        slot, length = scratch.arrived_slots[i], scratch.arrived_bytes[i]
        copy_octets(scratch.packet, 0, scratch.arrived[i], 0, min(length, BUFFER_BYTES))
        copy_octets(scratch.source, 0, scratch.arrived_sources[i], 0, scratch.source.size)
        if not receive_packet(shared, scratch, slot, length, now):
            shared.legs[slot].packets_dropped += 1
    scratch.arrived_count = 0


@inner
def tell(scratch: Any) -> None:
    """Wake who reads our events, if there are any."""
    if scratch.events_pushed:
        scratch.events_pushed = 0
        wake(scratch.wake_descriptor, scratch.one)


@inner
def read_sockets(shared: Any, scratch: Any, patience_ms: int, now: int) -> int:
    """One poll: read a datagram from every socket that is ready; their number."""
    ready = poll(scratch.poller, scratch.ready, patience_ms)
    if patience_ms > 0 and ready > 0:
        now = clock_ns(CLOCK_MONOTONIC, scratch.timespec)
    for first in range(0, ready, BATCH):
        for i in range(first, min(first + BATCH, ready)):
            read_socket(shared, scratch, i64(scratch.ready[3 * i + 1]), now)
        take_arrived(shared, scratch, now)
        send_batch(shared, scratch)
    return ready


@inner
def read_all(shared: Any, scratch: Any, now: int) -> int:
    """Read what has come, unless there is too much of it; what time it is then."""
    if is_held_up(scratch, now):
        shared.header.relay_behind_ns += now - scratch.ticked_at_ns
    scratch.ticked_at_ns = now
    began = now
    for turn in range(ROUNDS):
        if read_sockets(shared, scratch, 0, now) <= 0:
            scratch.emptied_at_ns = now
            break
        now = clock_ns(CLOCK_MONOTONIC, scratch.timespec)
        if turn > 0 and now - began > READING_NS:
            break
    return now


@inner
def wait(shared: Any, scratch: Any, due: int) -> None:
    """Pass the time until the tick is due: asleep, or serving packets as they come."""
    if shared.header.event_driven == 0:
        sleep_until(due, scratch.timespec)
        return
    left = due - clock_ns(CLOCK_MONOTONIC, scratch.timespec)
    while left > 0:
        read_sockets(shared, scratch, -(-left // NS_PER_MS), due - left)
        tell(scratch)
        left = due - clock_ns(CLOCK_MONOTONIC, scratch.timespec)


@inner
def tick(shared: Any, scratch: Any, now: int, count: int) -> None:
    """One turn: commands, packets, jitter buffers, clips, and now and then what has time."""
    send_signals(shared, scratch)  # first: a goodbye comes before the end of its leg
    obey(shared, scratch, now)
    now = read_all(shared, scratch, now)
    pull_due(shared, scratch, now)
    play_due(shared, scratch, now)
    send_batch(shared, scratch)
    if count % SLOW_TICKS == 0:
        send_due_reports(shared, scratch, count // SLOW_TICKS % TURNS, now)
        if now < scratch.watch_until_ns:
            end_silent_events(shared, scratch, now)
            legs.end_learning(shared, scratch, now)
        shared.header.relay_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID, scratch.timespec)
    tell(scratch)


@kernel
def run(shared: Any, scratch: Any) -> int:
    """Relay until the header says stop; then close every socket. Returns the number of ticks. `adoption.adopt` has
    opened the poller."""
    header = shared.header
    due = clock_ns(CLOCK_MONOTONIC, scratch.timespec)
    scratch.watch_until_ns = due + 2 * legs.LEARN_NS
    scratch.emptied_at_ns = scratch.ticked_at_ns = due
    count = i64(0)
    while header.stopping == 0:
        due += header.tick_ns
        wait(shared, scratch, due)
        now = clock_ns(CLOCK_MONOTONIC, scratch.timespec)
        if now - due > 10 * header.tick_ns:
            due = now  # held up: go on from here instead of running after the clock
        header.relay_at_ns = now
        tick(shared, scratch, now, count)
        count += 1
    for slot in range(shared.legs.size):
        legs.close_leg(shared, scratch, slot, clock_ns(CLOCK_MONOTONIC, scratch.timespec))
    close_descriptor(scratch.poller)
    wake(scratch.wake_descriptor, scratch.one)
    return count
