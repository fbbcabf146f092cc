"""The relay: one loop without the GIL that owns every socket, on an absolute tick."""

from typing import Any

from softswitch.media import legs
from softswitch.media import vocabulary as v
from softswitch.media.dtmf import end_silent_events
from softswitch.media.incoming import receive_packet
from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.layout import RELAY_COMMANDS
from softswitch.media.libc import (
    CLOCK_MONOTONIC,
    CLOCK_THREAD_CPUTIME_ID,
    clock_ns,
    close_descriptor,
    open_poller,
    poll,
    receive_datagram,
    sleep_until,
    wake,
)
from softswitch.media.playback import play_due, start_playing, stop_playing
from softswitch.media.rings import pop
from softswitch.media.scratch import BUFFER_BYTES

ROUNDS = 16
"""Polls in one tick: a flood on one socket cannot keep clips and commands waiting."""
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


@inner
def read_socket(shared: Any, scratch: Any, token: int, now: int) -> None:
    """Read one datagram from a socket that is ready; a socket with more is reported again."""
    slot = token >> 1
    leg = shared.legs[slot]
    is_control = token & 1
    descriptor = leg.rtcp_descriptor if is_control else leg.rtp_descriptor
    length = receive_datagram(
        descriptor, scratch.packet.ctypes.data, BUFFER_BYTES, scratch.source.ctypes.data, scratch.source_size
    )
    if length < 0:
        return
    if is_control:
        leg.control_packets += 1
    elif not receive_packet(shared, scratch, slot, length, now):
        leg.packets_dropped += 1


@inner
def tick(shared: Any, scratch: Any, now: int, count: int) -> None:
    """One turn: commands, packets, clips, and now and then what has time."""
    obey(shared, scratch, now)
    for _ in range(ROUNDS):
        ready = poll(scratch.poller, scratch.ready)
        if ready <= 0:
            break
        for i in range(ready):
            read_socket(shared, scratch, i64(scratch.ready[3 * i + 1]), now)
    play_due(shared, scratch, now)
    if count % SLOW_TICKS == 0:
        end_silent_events(shared, scratch, now)
        legs.end_learning(shared, scratch, now)
        shared.header.relay_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID, scratch.timespec)
    if scratch.events_pushed:
        scratch.events_pushed = 0
        wake(scratch.wake_descriptor, scratch.one)


@kernel
def run(shared: Any, scratch: Any) -> int:
    """Relay until the header says stop; then close every socket. Returns the number of ticks."""
    scratch.poller = open_poller()
    header = shared.header
    due = clock_ns(CLOCK_MONOTONIC, scratch.timespec)
    count = i64(0)
    while header.stopping == 0:
        due += header.tick_ns
        sleep_until(due, scratch.timespec)
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
