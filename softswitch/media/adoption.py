"""How an engine goes on where one that died left off: in the block stands what the relay and the worker need.

Sockets died with their process and are opened again, on the same ports. Streams go on with the same SSRC, sequence and
timeline. What one that was killed in the middle of a change may have left half done is put right, to the side on which
nobody hears what is not for him.
"""

from typing import Any

import numpy as np

from softswitch.media import vocabulary as v
from softswitch.media.buffered_legs import adopt_buffer
from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.legs import bind_ports
from softswitch.media.libc import CLOCK_MONOTONIC, clock_ns, connect_socket, open_poller, write_socket_address
from softswitch.media.outgoing import emit
from softswitch.media.playback import is_playing
from softswitch.media.secure_legs import BEFORE, RECEIVING, SENDING, make_receiving, make_sending, skip_control
from softswitch.media.srtp import PLAIN
from softswitch.media.timeline import CLOSING, ENDING, MARKS, RECORDING, Timelines

FRAME_NS = 20_000_000
NEAR_WRAP = 0xFE00
"""From here on a sender's sequence numbers may have wrapped while nobody heard them: 512 packets, 10 s."""


@inner
def adopt_leg(shared: Any, scratch: Any, slot: int, now: int) -> bool:
    """Open a leg's sockets again; False when that failed, which is reported: the leg is open, and silent."""
    leg = shared.legs[slot]
    leg.rtp_descriptor = -1
    leg.rtcp_descriptor = -1
    failure = bind_ports(shared, scratch, slot)
    if failure == 0 and leg.state == v.CONNECTED:
        write_socket_address(scratch.address, leg.remote_host, leg.remote_port)
        failure = -connect_socket(leg.rtp_descriptor, scratch.address)
    if failure:
        emit(shared, scratch, v.LEG_FAILED, slot, now, failure, 0)
        return False
    return True


@inner
def adopt_stream(shared: Any, scratch: Any, slot: int) -> None:
    """Let what is sent go on. The last packet may have left without being entered, so one sequence number is skipped:
    none may be used twice (RFC 3711 §9.1)."""
    leg = shared.legs[slot]
    leg.out_sequence = (leg.out_sequence + 1) & 0xFFFF
    if leg.out_source == v.PLAYER:
        leg.out_source = v.NOBODY
    if is_playing(leg):
        scratch.players[scratch.players_count] = slot
        scratch.players_count += 1
    if leg.peer >= 0 and shared.legs[leg.peer].peer != slot:
        leg.peer = -1


@inner
def adopt_sessions(shared: Any, scratch: Any, slot: int) -> None:
    """Make a leg's SRTP sessions anew, each at its place in its stream.

    What is sent begins as another source's would, on the next sequence number: a step over a wrap would encrypt under
    the wrong rollover counter. Where the sender may have wrapped unheard, both counters are tried, the later one as if
    it were the key of before.
    """
    leg = shared.legs[slot]
    for which in (SENDING, RECEIVING, BEFORE):
        scratch.sessions[slot, which] = 0
    leg.receive_renewed = 0
    if leg.profile == PLAIN:
        return
    leg.out_source = v.NOBODY
    if leg.out_sequence == 0:
        leg.send_rollover += 1
    make_sending(scratch, leg, slot, leg.profile, leg.send_rollover)
    skip_control(scratch, leg, slot, i64(shared.reports[slot].control.reports_sent))
    received = i64(-1)
    if leg.receive_sources > 0:
        rollover = leg.receive_rollover
        received = leg.in_ssrc | rollover << 32
        if leg.in_highest & 0xFFFF >= NEAR_WRAP:
            floor = leg.receive_floor
            make_receiving(scratch, leg, slot, leg.profile, leg.in_ssrc | (rollover + 1) << 32)
            scratch.sessions[slot, BEFORE] = scratch.sessions[slot, RECEIVING]
            leg.receive_floor = floor
    make_receiving(scratch, leg, slot, leg.profile, received)


@kernel
def adopt(shared: Any, scratch: Any) -> int:
    """Open the poller, and again the sockets of every leg that is open; the number of legs that have theirs."""
    scratch.poller = open_poller()
    scratch.players_count = 0
    scratch.pulled_count = 0
    now = clock_ns(CLOCK_MONOTONIC, scratch.timespec)
    count = i64(0)
    for slot in range(shared.legs.size):
        if shared.legs[slot].state in (v.BOUND, v.LEARNING, v.CONNECTED, v.ROAMING):
            adopt_stream(shared, scratch, slot)
            adopt_buffer(shared, slot)
            adopt_sessions(shared, scratch, slot)
            if adopt_leg(shared, scratch, slot, now):
                count += 1
    return count


def adopt_timelines(times: Timelines, gap_ns: int) -> None:
    """Enter every timeline that is under way into the roster anew, and let recordings go on in another part each.

    The part begins where the last one was written to; the frames of the gap are counted as lost.
    """
    lines = times.lines
    active = np.flatnonzero(lines["active"])
    times.roster[1 : 1 + active.size] = active
    times.roster[0] = active.size
    for slot in np.flatnonzero(np.isin(lines["recording"], (RECORDING, ENDING, CLOSING))):
        _begin_part(lines[slot], -(-gap_ns // FRAME_NS))


def _begin_part(line: Any, frames_lost: int) -> None:
    """Let the next recorder begin a part of its own.  line: one TIMELINE."""
    line["record_from"] = max(line["record_from"], line["taken"])
    line["record_to"] = max(line["record_to"], line["record_from"])
    line["stored"] = 0
    line["frames_lost"] = frames_lost
    if line["recording"] == CLOSING:  # its last part may never be told of: this one will be
        line["recording"] = ENDING
    # The part begins unpaused; what is still to be paused or resumed comes after that.
    waiting = [int(line["marks"][at & (MARKS - 1)]) for at in range(line["marks_taken"], line["marks_written"])]
    marks = [int(line["record_from"]), *waiting] if line["hushed"] else waiting
    if len(marks) > MARKS:
        del marks[1:3]  # two pauses become one: what is to be private stays so
    line["marks"][: len(marks)] = marks
    line["marks_taken"], line["marks_written"], line["hushed"] = 0, len(marks), 0
