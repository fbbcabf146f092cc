"""What the relay does when it cannot serve all that comes: the newest audio passes, the rest is given up, and counted.

A relay that was held up, or that has more to do than there is time for, would serve ever older packets out of the
sockets' queues, each too late to be heard, until nothing is heard any more. So what has waited for too long is thrown
away before any work is done on it, and nothing is made up for what is missing because of ourselves: to make up 20 ms
takes as long as to relay three packets. Keys pressed, reports and whatever else is no audio are taken in all the same.
"""

from typing import Any

from softswitch.media.incoming import LOWEST_RTP, receive_packet
from softswitch.media.kernels import i64, inner
from softswitch.media.libc import copy_octets, receive_datagram
from softswitch.media.receiver import resume_receiver
from softswitch.media.rtp import HEADER_BYTES
from softswitch.media.scratch import BUFFER_BYTES, KEPT
from softswitch.media.secure_legs import is_control

MS = 1_000_000
BEHIND_NS = 100 * MS
"""Sockets that have not been empty for so long may hold what nobody waits for any longer."""
MOST_WAITING = 64
"""Datagrams read from one socket before the next has its turn: more than a second of audio."""


@inner
def is_behind(scratch: Any, now: int) -> bool:
    """Whether what is read now may have waited for too long."""
    return now - scratch.emptied_at_ns > BEHIND_NS


@inner
def is_audio(leg: Any, packet: Any, length: int) -> bool:
    """Whether a datagram carries audio alone, as far as its header tells."""
    if length < HEADER_BYTES or i64(packet[0]) < LOWEST_RTP:
        return False
    if (leg.muxed or leg.profile != 0) and is_control(packet, length):
        return False
    payload_type = i64(packet[1]) & 0x7F
    return payload_type not in (leg.dtmf_receive_type, leg.dtmf_payload_type)


@inner
def shed(shared: Any, slot: int) -> None:
    """Count a packet that is not relayed; recordings of both legs lack it."""
    leg = shared.legs[slot]
    shared.header.packets_shed += 1
    missed = 0
    if leg.tapped:
        leg.received_missed += 1
        missed = 1
    if leg.peer >= 0 and not leg.muted and shared.legs[leg.peer].tapped:
        shared.legs[leg.peer].sent_missed += 1
        missed = 1
    shared.header.frames_missed += missed


@inner
def take_waiting(shared: Any, scratch: Any, slot: int, place: int, now: int) -> None:
    """Take in one of the datagrams in `scratch.waiting`."""
    length = i64(scratch.waiting_bytes[place])
    copy_octets(scratch.packet, 0, scratch.waiting[place], 0, min(length, BUFFER_BYTES))
    copy_octets(scratch.source, 0, scratch.waiting_sources[place], 0, scratch.source.size)
    if not receive_packet(shared, scratch, slot, length, now):
        shared.legs[slot].packets_dropped += 1


@inner
def read_newest(shared: Any, scratch: Any, slot: int, now: int) -> None:
    """Empty a leg's RTP socket, and take in the newest of its audio, and all that is no audio."""
    leg = shared.legs[slot]
    count = 0
    is_fresh = True
    while count < MOST_WAITING:
        place = count % (KEPT + 1)
        length = receive_datagram(
            leg.rtp_descriptor,
            scratch.waiting[place].ctypes.data,
            BUFFER_BYTES,
            scratch.waiting_sources[place].ctypes.data,
            scratch.source_size,
        )
        if length < 0:
            break
        scratch.waiting_bytes[place] = length
        count += 1
        if count > KEPT:
            oldest = (count - KEPT - 1) % (KEPT + 1)
            if is_audio(leg, scratch.waiting[oldest], i64(scratch.waiting_bytes[oldest])):
                shed(shared, slot)
                is_fresh = False
            else:
                take_waiting(shared, scratch, slot, oldest, now)
    if leg.buffered and not is_fresh:
        resume_receiver(shared.receivers[slot], slot)  # what comes is not to wait for what is missing
    for i in range(max(count - KEPT, 0), count):
        take_waiting(shared, scratch, slot, i % (KEPT + 1), now)
