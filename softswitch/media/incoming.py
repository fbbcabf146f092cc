"""What a leg receives: from the one right source, well-formed, counted, then handed on."""

from typing import Any

from softswitch.codecs.registry import CodecCode
from softswitch.media import vocabulary as v
from softswitch.media.buffered_legs import NONE, play_what_came, take_in, take_key_in
from softswitch.media.dtmf import end_event, receive_event
from softswitch.media.jitter import INVALID, STORED
from softswitch.media.kernels import i64, inner
from softswitch.media.keys import pass_key
from softswitch.media.libc import connect_socket, host_of, port_of, write_socket_address
from softswitch.media.outgoing import emit, relay, skip_packet
from softswitch.media.reception import count_packet
from softswitch.media.reporting import CLOCK_HZ, take_report
from softswitch.media.rings import push_received
from softswitch.media.rtp import payload_bounds, read16, read32, signed16, signed32
from softswitch.media.secure_legs import is_control, open_packet
from softswitch.media.signals import receive_signal
from softswitch.media.transcoding import unwrap

PCMU = int(CodecCode.PCMU)
PCMA = int(CodecCode.PCMA)

LOWEST_RTP = 128  # RFC 7983 §7
COMFORT_NOISE_TYPE = 13  # RFC 3551 §6
MAX_DROPOUT = 3000  # RFC 3550 A.1


@inner
def is_private(host: int) -> bool:
    """RFC 1918, and RFC 6598's shared space: an address that means nothing outside its own network."""
    return host >> 24 == 10 or host >> 20 == 0xAC1 or host >> 16 == 0xC0A8 or host >> 22 == 0x191


@inner
def is_from_remote(leg: Any, source: Any) -> bool:
    return host_of(source) == leg.remote_host and port_of(source) == leg.remote_port


@inner
def is_signaller(leg: Any, source: Any) -> bool:
    """Whether it is at the host that the leg's other end signals from."""
    return host_of(source) == leg.signals_host


@inner
def may_be_learned(leg: Any, source: Any) -> bool:
    """A source that differs from the SDP is believed only where address translation explains it.

    The same host with another port, or the host that signals; or any host where the SDP names a private address, which
    cannot be the sender's public one.
    """
    return host_of(source) == leg.remote_host or is_signaller(leg, source) or is_private(leg.remote_host)


@inner
def is_named(leg: Any, source: Any) -> bool:
    """Whether it is the address of the SDP."""
    return host_of(source) == leg.named_host and port_of(source) == leg.named_port


@inner
def may_be_heard(leg: Any, source: Any) -> bool:
    """Whether a packet from this source belongs to the leg.

    While a leg learns, the first to speak is believed, and then nobody else but the SDP's own address, and the host
    that signals: who sprayed our ports before a phone spoke loses the leg to it.
    """
    if is_from_remote(leg, source):
        return True
    if leg.state != v.LEARNING:
        return False
    if is_named(leg, source):
        return True
    if leg.learned:
        return leg.remote_host != leg.signals_host and is_signaller(leg, source)
    return may_be_learned(leg, source)


@inner
def learn_source(leg: Any, scratch: Any) -> bool:
    """Take the source of the packet just received for the leg's other end (symmetric RTP, RFC 4961).

    The SDP's own address is final at once, and so is whoever holds the key of a secure leg. Another source is believed
    until the window closes, and strictly from then on. What comes from where the leg was before it moved tells nothing.
    """
    if is_from_remote(leg, scratch.source) and not is_named(leg, scratch.source):
        return True
    leg.remote_host = host_of(scratch.source)
    leg.remote_port = port_of(scratch.source)
    leg.learned = 1
    if leg.profile == 0 and not is_named(leg, scratch.source):
        return True
    write_socket_address(scratch.address, leg.remote_host, leg.remote_port)
    if connect_socket(leg.rtp_descriptor, scratch.address) < 0:
        return False
    leg.state = v.CONNECTED
    return True


@inner
def codec_of(leg: Any, payload_type: int) -> int:
    """The codec of a payload type; 0 when this leg may not be sent it. G.711's two laws keep their static numbers."""
    if payload_type == leg.payload_type:
        return i64(leg.wire_codec)
    if payload_type == 0:
        return PCMU
    if payload_type == 8:
        return PCMA
    return 0


@inner
def lost_so_far(leg: Any) -> int:
    """Packets that the sequence numbers promised and that never came (RFC 3550 A.3); duplicates may hide some."""
    if not leg.heard:
        return 0
    return leg.in_lost + max(leg.in_highest - leg.in_first + 1 - leg.in_counted, 0)


@inner
def count_sequence(leg: Any, ssrc: int, sequence: int) -> None:
    """Extend the sequence number to a plain integer; a new sender or a jump begins a new count."""
    if leg.heard and ssrc == leg.in_ssrc:
        step = signed16(sequence - leg.in_highest)
        if abs(step) < MAX_DROPOUT:
            leg.in_highest = max(leg.in_highest, leg.in_highest + step)
            leg.in_counted += 1
            return
    leg.in_lost = lost_so_far(leg)
    leg.in_ssrc = ssrc
    leg.in_first = sequence
    leg.in_highest = sequence
    leg.in_counted = 1


@inner
def receive_packet(shared: Any, scratch: Any, slot: int, length: int, now: int) -> bool:
    """Take in the datagram in `scratch.packet`; False when it was dropped and must be counted."""
    leg = shared.legs[slot]
    if i64(scratch.packet[0]) < LOWEST_RTP:
        return receive_signal(shared, scratch, slot, length, now)
    if leg.state not in (v.CONNECTED, v.LEARNING, v.ROAMING):
        return True  # early: nothing has been agreed yet, so nothing of it may be heard
    if not may_be_heard(leg, scratch.source):
        return False
    if (leg.muxed or leg.profile != 0) and is_control(scratch.packet, length):
        return take_report(shared, scratch, slot, length, now)
    if leg.profile:
        length = open_packet(shared, scratch, slot, length)
    start, end = payload_bounds(scratch.packet, length)
    if end == 0:
        return False
    payload_type = i64(scratch.packet[1]) & 0x7F
    codec = codec_of(leg, payload_type)
    # Some peers send events by the number that they want to be sent.
    is_event = payload_type == leg.dtmf_receive_type or (codec == 0 and payload_type == leg.dtmf_payload_type)
    if codec == 0 and not is_event and payload_type != COMFORT_NOISE_TYPE:
        return False
    if leg.state == v.LEARNING and not learn_source(leg, scratch):
        return False
    sequence = read16(scratch.packet, 2)
    timestamp = read32(scratch.packet, 4)
    ssrc = read32(scratch.packet, 8)
    count_sequence(leg, ssrc, sequence)
    count_packet(shared.reports[slot].reception, ssrc, sequence, timestamp, now, CLOCK_HZ)
    leg.packets_received += 1
    shared.header.packets_received += 1
    if not leg.heard:
        leg.heard = 1
        emit(shared, scratch, v.FIRST_RECEIVED, slot, now, 0, 0)
    if is_event or codec == 0:
        known = not is_event or receive_event(shared, scratch, slot, now, timestamp, start, end)
        passes = is_event and known and leg.passes_keys != 0 and leg.peer >= 0 and leg.muted == 0
        if leg.buffered:
            if is_event:
                take_key_in(shared, scratch, slot, start, sequence, timestamp, ssrc, now, passes)
            else:
                take_in(shared, scratch, slot, NONE, start, end, sequence, timestamp, ssrc, now)
            return known
        passed = passes and pass_key(shared, scratch, leg.peer, slot, now, ssrc, sequence, timestamp, start)
        if leg.peer >= 0 and not passed:
            skip_packet(shared.legs[leg.peer], slot)
        return known
    # end_event does nothing unless an event is under way, so what is left of an older one does no harm here
    if signed32(timestamp - leg.event_timestamp) > leg.event_duration:
        end_event(shared, scratch, slot, now)
    if start == end:
        return True
    if leg.buffered:
        if leg.tapped and leg.wire_codec == leg.codec:
            push_received(shared, slot, now, timestamp, codec, ssrc, scratch.packet, start, end)
        status = take_in(shared, scratch, slot, codec, start, end, sequence, timestamp, ssrc, now)
        if status == STORED:
            play_what_came(shared, scratch, slot, now)
        return status != INVALID
    scratch.raw_bytes = 0
    if codec not in (PCMU, PCMA):
        end = unwrap(shared, scratch, slot, codec, start, end)
        codec = PCMU
    if leg.tapped:
        push_received(shared, slot, now, timestamp, codec, ssrc, scratch.packet, start, end)
    if leg.peer >= 0 and not leg.muted:
        left = relay(shared, scratch, leg.peer, now, slot, codec, ssrc, sequence, timestamp, start, end)
        if left and leg.bridge_pending:
            leg.bridge_pending = 0
            emit(shared, scratch, v.FIRST_BRIDGED, slot, now, 0, 0)
    return True
