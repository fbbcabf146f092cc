"""Opening, connecting and closing legs, inside the relay."""

from typing import Any

from softswitch.media import vocabulary as v
from softswitch.media.buffered_legs import settle_buffering, stop_buffering
from softswitch.media.incoming import is_private, lost_so_far
from softswitch.media.kernels import i64, inner
from softswitch.media.libc import (
    close_descriptor,
    connect_socket,
    disconnect_socket,
    open_datagram_socket,
    watch,
    write_socket_address,
)
from softswitch.media.outgoing import emit
from softswitch.media.playback import stop_playing
from softswitch.media.reporting import say_goodbye
from softswitch.media.secure_legs import release_sessions
from softswitch.media.transcoding import begin_transcoding, inside

RECEIVE_BUFFER = 262_144
"""256 kB: a plane that is held up for a second loses nothing."""
REPORT_BUFFER = 32_768
EXPEDITED_FORWARDING = 0xB8  # DSCP 46, RFC 4594 §4.1
SAMPLES_PER_MS = 8
LEARN_NS = 5_000_000_000
"""The window in which a leg may learn its source; then the SDP's address is all there is."""


@inner
def bind_ports(shared: Any, scratch: Any, slot: int) -> int:
    """Bind the slot's RTP and RTCP ports and watch them; 0, or the errno when either cannot be had."""
    leg = shared.legs[slot]
    header = shared.header
    port = header.first_port + 2 * slot
    write_socket_address(scratch.address, header.host, port)
    rtp = open_datagram_socket(scratch.address, scratch.option, RECEIVE_BUFFER, EXPEDITED_FORWARDING)
    if rtp < 0:
        return -rtp
    write_socket_address(scratch.address, header.host, port + 1)
    rtcp = open_datagram_socket(scratch.address, scratch.option, REPORT_BUFFER, EXPEDITED_FORWARDING)
    if rtcp < 0:
        close_descriptor(rtp)
        return -rtcp
    leg.rtp_descriptor = rtp
    leg.rtcp_descriptor = rtcp
    watch(scratch.poller, rtp, 2 * slot, scratch.registration)
    watch(scratch.poller, rtcp, 2 * slot + 1, scratch.registration)
    return i64(0)


@inner
def open_leg(shared: Any, scratch: Any, slot: int, ssrc: int, timestamp: int, sequence: int, now: int) -> None:
    """Bind the slot's ports; reports LEG_BOUND, or LEG_BUSY when either is taken."""
    leg = shared.legs[slot]
    failure = bind_ports(shared, scratch, slot)
    if failure:
        leg.state = v.BUSY
        emit(shared, scratch, v.LEG_BUSY, slot, now, failure, 0)
        return
    leg.codec = 0
    leg.wire_codec = 0
    leg.peer = -1
    leg.muted = 0
    leg.held = 0
    leg.bridge_pending = 0
    leg.tapped = 0
    leg.buffered = 0
    leg.learned = 0
    leg.heard = 0
    leg.in_lost = 0
    leg.packets_received = 0
    leg.packets_dropped = 0
    leg.control_packets = 0
    leg.browser = 0
    leg.signal_at_ns = 0
    leg.known_signal_at_ns = 0
    leg.packets_unauthentic = 0
    leg.receive_renewed = 0
    leg.out_ssrc = ssrc
    leg.out_timestamp_base = timestamp
    leg.out_epoch_ns = now
    leg.out_end = 0
    leg.out_sequence = sequence
    leg.out_source = v.NOBODY
    leg.relayed_until_ns = 0
    leg.most_samples = 0
    leg.packets_sent = 0
    leg.octets_sent = 0
    leg.send_errors = 0
    leg.passes_keys = 0
    leg.key_code = -1
    leg.fed = 0
    leg.feed_written = 0
    leg.feed_end = 0
    leg.feed_read = 0
    leg.clip = -1
    leg.event_code = -1
    leg.state = v.BOUND
    emit(shared, scratch, v.LEG_BOUND, slot, now, 0, 0)


@inner
def connect_leg(
    shared: Any, scratch: Any, slot: int, host: int, port: int, codec: int, payload_type: int, options: int, now: int
) -> None:
    """Fix the leg's other end and formats; again for a re-INVITE, without a break in what is sent."""
    leg = shared.legs[slot]
    if leg.state not in (v.BOUND, v.LEARNING, v.CONNECTED, v.ROAMING):
        return
    if codec != leg.wire_codec:
        leg.codec = inside(codec)
        leg.wire_codec = codec
        if leg.codec != codec:
            begin_transcoding(shared, slot)
        settle_buffering(shared, scratch, slot, True)
    leg.payload_type = payload_type
    sent, received = options & 0xFF, (options >> 8) & 0xFF
    leg.dtmf_payload_type = -1 if sent == v.NO_EVENTS else sent
    leg.dtmf_receive_type = -1 if received == v.NO_EVENTS else received
    leg.muxed = leg.browser != 0 or (options >> 17) & 1 == 1
    most = ((options >> 50) & 0xFF) * SAMPLES_PER_MS
    if most != leg.most_samples:
        leg.most_samples = most
        leg.out_source = v.NOBODY  # what is cut has numbers of its own
    if leg.state != v.BOUND and leg.named_host == host and leg.named_port == port:
        return  # what was learned of it stands
    latch = (options >> 16) & 1 == 1
    is_known = leg.state != v.BOUND and not is_private(leg.remote_host)
    leg.named_host = host
    leg.named_port = port
    leg.learned = 0
    if not (latch and is_private(host) and is_known):  # else it is where it was until it speaks from elsewhere
        leg.remote_host = host
        leg.remote_port = port
    shared.reports[slot].remote_port = 0
    if leg.browser:
        leg.state = v.ROAMING  # its checks come from elsewhere too, so the socket stays open to all
        return
    if latch:
        if leg.state == v.CONNECTED:
            disconnect_socket(leg.rtp_descriptor, scratch.address)
        leg.state = v.LEARNING
        leg.signals_host = (options >> 18) & 0xFFFFFFFF
        leg.learn_until_ns = now + LEARN_NS
        scratch.watch_until_ns = now + 2 * LEARN_NS
        return
    fix_remote(shared, scratch, slot, now)


@inner
def name_reports(report: Any, host: int, port: int) -> None:
    """Where the other end's SDP wants reports (RFC 3605).  host: 0 for where its RTP is; port: 0 for the next one."""
    if report.named_host != host or report.named_port != port:
        report.remote_port = 0
    report.named_host = host
    report.named_port = port


@inner
def move_leg(leg: Any, host: int, port: int) -> None:
    """A browser's checks come from elsewhere now, and so will its audio."""
    if leg.state == v.ROAMING:
        leg.remote_host = host
        leg.remote_port = port


@inner
def fix_remote(shared: Any, scratch: Any, slot: int, now: int) -> None:
    leg = shared.legs[slot]
    write_socket_address(scratch.address, leg.remote_host, leg.remote_port)
    failure = connect_socket(leg.rtp_descriptor, scratch.address)
    if failure < 0:
        emit(shared, scratch, v.LEG_FAILED, slot, now, -failure, 0)
        return
    leg.state = v.CONNECTED


@inner
def end_learning(shared: Any, scratch: Any, now: int) -> None:
    """Legs whose window is over take the SDP's address as it stands."""
    for slot in range(shared.legs.size):
        if shared.legs[slot].state == v.LEARNING and now > shared.legs[slot].learn_until_ns:
            fix_remote(shared, scratch, slot, now)


@inner
def bridge_legs(shared: Any, first: int, second: int) -> None:
    unbridge_leg(shared, first)
    unbridge_leg(shared, second)
    shared.legs[first].peer = second
    shared.legs[second].peer = first
    shared.legs[first].bridge_pending = 1
    shared.legs[second].bridge_pending = 1


@inner
def unbridge_leg(shared: Any, slot: int) -> None:
    peer = shared.legs[slot].peer
    if peer >= 0:
        for one in (slot, peer):
            shared.legs[one].peer = -1
            shared.legs[one].bridge_pending = 0
            shared.legs[one].out_source = v.NOBODY  # whoever is heard next begins a new talk-spurt


@inner
def mute_leg(shared: Any, slot: int, muted: int) -> None:
    leg = shared.legs[slot]
    leg.muted = muted
    if leg.peer >= 0:
        shared.legs[leg.peer].out_source = v.NOBODY


@inner
def hold_leg(shared: Any, slot: int, held: int) -> None:
    """Send nothing to the leg's other end; what it is sent afterwards begins a new talk-spurt."""
    leg = shared.legs[slot]
    leg.held = held
    leg.out_source = v.NOBODY


@inner
def close_leg(shared: Any, scratch: Any, slot: int, now: int) -> None:
    leg = shared.legs[slot]
    if leg.state in (v.CLOSED, v.BUSY):
        return
    unbridge_leg(shared, slot)
    say_goodbye(shared, scratch, slot, now)
    leg.fed = 0
    leg.key_code = -1
    stop_playing(shared, scratch, slot)
    leg.tapped = 0
    stop_buffering(shared, scratch, slot)
    release_sessions(shared, scratch, slot)
    close_descriptor(leg.rtp_descriptor)
    close_descriptor(leg.rtcp_descriptor)
    shared.header.packets_lost += lost_so_far(leg)
    leg.state = v.CLOSED
    emit(shared, scratch, v.LEG_CLOSED, slot, now, 0, 0)
