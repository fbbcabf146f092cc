"""What a leg sends: one continuous RTP stream of our own, whoever's audio it carries.

Each leg has an SSRC, a sequence and a timeline (8 kHz positions since the leg was opened) that outlive bridges, mutes
and clips. A new source is anchored to the timeline at the present time, with the marker bit (RFC 3551 §4.1); from
there on its own timestamps and sequence numbers give the steps, so that jitter, loss and order reach the other end as
they came. Nothing of the source's header passes.
"""

from typing import Any

from softswitch.codecs.g711 import (
    ALAW_SILENCE,
    ALAW_TO_LINEAR,
    ALAW_TO_ULAW,
    ULAW_SILENCE,
    ULAW_TO_ALAW,
    ULAW_TO_LINEAR,
    alaw_code,
    ulaw_code,
)
from softswitch.codecs.registry import CodecCode
from softswitch.media import vocabulary as v
from softswitch.media.easing import eased, leap
from softswitch.media.kernels import i64, inner
from softswitch.media.layout import FEED, RELAY_EVENTS
from softswitch.media.libc import copy_octets, fence, send_datagram, write_socket_address
from softswitch.media.rings import push, push_sent
from softswitch.media.rtp import HEADER_BYTES, NS_PER_SAMPLE, signed16, signed32, write_header
from softswitch.media.scratch import BATCH, LEAVING_BYTES
from softswitch.media.secure_legs import seal_packet
from softswitch.media.srtp import is_replay
from softswitch.media.transcoding import pass_on, wrap

PCMA = int(CodecCode.PCMA)

LATE_NS = 40_000_000
PRESENT_NS = 20_000_000 + LATE_NS
"""Bridged audio is present on a leg for so long after its last packet's end, so that none that is a little late finds
its place taken."""
FEED_STEP = 160
"""The worker writes 20 ms at a time."""
JUMP_SAMPLES = 8000
"""A source's timestamp that departs from the clock by more than a second has jumped: anchor it anew."""
JUMP_PACKETS = 100  # RFC 3550 A.1 MAX_MISORDER


@inner
def emit(shared: Any, scratch: Any, kind: int, slot: int, at_ns: int, a: int, b: int) -> None:
    """Put an event into the relay's ring; when nobody has read it for long, count and drop."""
    generation = shared.legs[slot].generation
    if push(shared, RELAY_EVENTS, kind, slot, generation, at_ns, a, b, 0, 0, 0):
        scratch.events_pushed = 1
    else:
        shared.header.events_lost += 1


@inner
def is_open(leg: Any) -> bool:
    """Whether its other end may be sent anything now."""
    return leg.state in (v.CONNECTED, v.LEARNING, v.ROAMING) and leg.held == 0


@inner
def silence_of(codec: int) -> int:
    return ALAW_SILENCE if codec == PCMA else ULAW_SILENCE


@inner
def copy_audio(source: Any, start: int, end: int, source_codec: int, out: Any, codec: int) -> None:
    """Copy source[start:end] behind the header in `out`, in the codec of the leg that sends it."""
    if source_codec == codec:
        copy_octets(out, HEADER_BYTES, source, start, end - start)
    elif codec == PCMA:
        for i in range(start, end):
            out[HEADER_BYTES + i - start] = ULAW_TO_ALAW[source[i]]
    else:
        for i in range(start, end):
            out[HEADER_BYTES + i - start] = ALAW_TO_ULAW[source[i]]


@inner
def add_to_code(code: int, sample: int, codec: int) -> int:
    """A G.711 code and a linear sample heard at once."""
    if codec == PCMA:
        return alaw_code(min(max(i64(ALAW_TO_LINEAR[code]) + sample, -32768), 32767))
    return ulaw_code(min(max(i64(ULAW_TO_LINEAR[code]) + sample, -32768), 32767))


@inner
def mix_code(first: int, second: int, codec: int) -> int:
    """Two G.711 codes heard at once."""
    linear = i64(ALAW_TO_LINEAR[second]) if codec == PCMA else i64(ULAW_TO_LINEAR[second])
    return add_to_code(first, linear, codec)


@inner
def position_at(leg: Any, now: int) -> int:
    return (now - leg.out_epoch_ns) // NS_PER_SAMPLE


@inner
def send_packet(shared: Any, scratch: Any, slot: int, length: int) -> bool:
    """Have the packet in `scratch.out` sent with the next batch; False for one that cannot be."""
    octets = length - HEADER_BYTES
    if shared.legs[slot].profile:
        length = seal_packet(shared, scratch, slot, length)
        if is_replay(length):
            return False  # a copy of what was sent
    if not 0 < length <= LEAVING_BYTES:
        count_refused(shared, slot)
        return False
    place = i64(scratch.leaving_count)
    copy_octets(scratch.leaving[place], 0, scratch.out, 0, length)
    scratch.leaving_bytes[place] = length
    scratch.leaving_octets[place] = octets
    scratch.leaving_slots[place] = slot
    scratch.leaving_count = place + 1
    if place + 1 == BATCH:
        send_batch(shared, scratch)
    return True


@inner
def send_batch(shared: Any, scratch: Any) -> None:
    """Send every packet that waits for it, in their order."""
    for i in range(scratch.leaving_count):
        slot = scratch.leaving_slots[i]
        leg = shared.legs[slot]
        destination = 0
        if leg.state != v.CONNECTED:
            write_socket_address(scratch.address, leg.remote_host, leg.remote_port)
            destination = scratch.address.ctypes.data
        packet = scratch.leaving[i].ctypes.data
        if send_datagram(leg.rtp_descriptor, packet, scratch.leaving_bytes[i], destination) < 0:
            count_refused(shared, slot)
        else:
            leg.packets_sent += 1
            leg.octets_sent += scratch.leaving_octets[i]
            shared.header.packets_sent += 1
    scratch.leaving_count = 0


@inner
def count_refused(shared: Any, slot: int) -> None:
    shared.legs[slot].send_errors += 1
    shared.header.send_errors += 1


@inner
def count_sent(leg: Any, sequence: int, end: int) -> None:
    """After a packet: what leaves next comes behind this sequence number and, in time, behind position `end`."""
    leg.out_end = max(leg.out_end, end)
    if signed16(sequence - leg.out_sequence) > 0:
        leg.out_sequence = sequence & 0xFFFF


@inner
def transmit_packet(
    shared: Any,
    scratch: Any,
    slot: int,
    now: int,
    marker: bool,
    sequence: int,
    position: int,
    samples: int,
    source: int,
) -> bool:
    """`transmit`, in one packet."""
    leg = shared.legs[slot]
    write_header(scratch.out, marker, leg.payload_type, sequence, leg.out_timestamp_base + position, leg.out_ssrc)
    if leg.tapped:
        push_sent(shared, slot, now, position, leg.codec, source, scratch.out, HEADER_BYTES, HEADER_BYTES + samples)
    octets = samples
    if leg.wire_codec != leg.codec:
        octets = (
            pass_on(shared, scratch, slot)
            if scratch.passes_raw
            else wrap(shared, scratch, slot, leg.wire_codec, samples)
        )
    sent = send_packet(shared, scratch, slot, HEADER_BYTES + octets)
    count_sent(leg, sequence, position + samples)
    return sent


@inner
def transmit(
    shared: Any,
    scratch: Any,
    slot: int,
    now: int,
    marker: bool,
    sequence: int,
    position: int,
    samples: int,
    source: int,
) -> bool:
    """Send the audio that stands behind the header in `scratch.out`, in packets as long as the other end takes; False
    when the socket refused it."""
    leg = shared.legs[slot]
    most = i64(leg.most_samples)
    if most == 0 or samples <= most or leg.wire_codec != leg.codec:
        return transmit_packet(shared, scratch, slot, now, marker, sequence, position, samples, source)
    copy_octets(scratch.whole, 0, scratch.out, HEADER_BYTES, samples)
    sent = True
    done = i64(0)
    while done < samples:
        count = min(most, samples - done)
        copy_octets(scratch.out, HEADER_BYTES, scratch.whole, done, count)
        begins = marker and done == 0
        left = transmit_packet(shared, scratch, slot, now, begins, sequence, position + done, count, source)
        sent = sent and left
        sequence += 1
        done += count
    return sent


@inner
def mix_clip(shared: Any, scratch: Any, slot: int, samples: int) -> None:
    """Lay the clip that plays on a leg over the bridged audio about to be sent there."""
    leg = shared.legs[slot]
    clip = shared.clips[leg.clip]
    audio = shared.clip_audio[1 if leg.codec == PCMA else 0]
    for i in range(samples):
        if leg.clip_cursor >= clip.samples:
            if not leg.looped or clip.samples == 0:
                return
            leg.clip_cursor = 0
        code = audio[clip.start + leg.clip_cursor]
        scratch.out[HEADER_BYTES + i] = mix_code(scratch.out[HEADER_BYTES + i], code, leg.codec)
        leg.clip_cursor += 1


@inner
def mix_feed(shared: Any, scratch: Any, slot: int, samples: int) -> None:
    """Lay the leg's feed over the audio about to be sent there.

    A feed that runs dry or ahead begins anew with a lead of a packet and a step, so that neither the worker's pace nor
    that of the packets shows.
    """
    leg = shared.legs[slot]
    feed = shared.feeds[slot]
    fence()
    written = leg.feed_written
    lead = max(samples, FEED_STEP) + FEED_STEP
    if leg.feed_waits:
        leg.feed_waits = written - leg.feed_read < lead and leg.feed_end <= leg.feed_from
    if written - leg.feed_read > FEED - 2 * FEED_STEP:
        leg.feed_read = written - lead
        leap(leg)
    count = i64(0) if leg.feed_waits else min(samples, written - leg.feed_read)
    for i in range(samples):
        value = eased(leg, i64(feed[(leg.feed_read + i) & (FEED - 1)]), i < count)
        if value:
            scratch.out[HEADER_BYTES + i] = add_to_code(scratch.out[HEADER_BYTES + i], value, leg.codec)
    leg.feed_read += count
    if count < samples:
        leg.feed_waits = 1


@inner
def follow(leg: Any, source: int, ssrc: int, sequence: int, timestamp: int, now: int, most: int) -> bool:
    """Find a packet's place in what the leg sends: `source_position` and `source_out_sequence`.

    most: samples by which its time may depart from ours.  Whether its source is anchored anew.  A leg whose packets are
    cut numbers them itself: what was lost shows in its timestamps alone.
    """
    here = position_at(leg, now)
    fresh = leg.out_source != source or leg.source_ssrc != ssrc
    position = 0
    out_sequence = 0
    if not fresh:
        position = leg.source_position + signed32(timestamp - leg.source_timestamp)
        steps = signed16(sequence - leg.source_sequence)
        out_sequence = (leg.source_out_sequence + steps) & 0xFFFF
        fresh = abs(position - here) > most or abs(steps) > JUMP_PACKETS
        if leg.most_samples:
            out_sequence = (leg.out_sequence + 1) & 0xFFFF
    if fresh:
        position = max(here, leg.out_end)
        out_sequence = (leg.out_sequence + 1) & 0xFFFF
        leg.out_source = source
        leg.source_ssrc = ssrc
    leg.source_timestamp = timestamp
    leg.source_sequence = sequence
    leg.source_position = position
    leg.source_out_sequence = out_sequence
    return fresh


@inner
def relay(
    shared: Any, scratch: Any, slot: int, now: int, source: int, codec: int, ssrc: int, sequence: int, timestamp: int,
    start: int, end: int,
) -> bool:  # fmt: skip
    """Send scratch.packet[start:end], received on leg `source`, out on leg `slot`; whether it left."""
    leg = shared.legs[slot]
    if not is_open(leg) or leg.key_code >= 0:
        return False
    samples = end - start
    fresh = follow(leg, source, ssrc, sequence, timestamp, now, JUMP_SAMPLES)
    leg.relayed_until_ns = now + samples * NS_PER_SAMPLE + LATE_NS
    copy_audio(scratch.packet, start, end, codec, scratch.out, leg.codec)
    same = leg.wire_codec != leg.codec and shared.legs[source].wire_codec == leg.wire_codec
    scratch.passes_raw = same and scratch.raw_bytes > 0 and leg.fed == 0 and leg.clip < 0
    if leg.fed:
        mix_feed(shared, scratch, slot, samples)
    if leg.clip >= 0:
        mix_clip(shared, scratch, slot, samples)
        if not leg.clip_started:
            leg.clip_started = 1
            emit(shared, scratch, v.FIRST_PLAYED, slot, now, leg.clip, 0)
    place, out_sequence = leg.source_position, leg.source_out_sequence
    left = transmit(shared, scratch, slot, now, fresh, out_sequence, place, samples, source)
    scratch.passes_raw = 0
    return left


@inner
def skip_packet(leg: Any, source: int) -> None:
    """A packet of this source is not relayed (a telephone event): leave no hole in the outgoing sequence."""
    if leg.out_source == source:
        leg.source_sequence = (leg.source_sequence + 1) & 0xFFFF
