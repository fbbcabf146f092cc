"""Reports between a leg and its other end: RTCP on the way out and in (RFC 3550 §6), for every leg that is connected.

They go from the RTCP port to the one above the other end's RTP port, or to where its SDP wants them (RFC 3605), or
share the RTP port where both agreed (RFC 5761). Symmetric as RTP is: an end that sends its reports from another port of
its host is answered there, the first such port until the usual one speaks, and nobody else at that host. A report tells
nothing but numbers and a name drawn by lot.
"""

from typing import Any

from softswitch.media import vocabulary as v
from softswitch.media.kernels import i64, inner
from softswitch.media.libc import host_of, port_of, send_datagram, write_socket_address
from softswitch.media.outgoing import position_at
from softswitch.media.rtcp import begin, is_report_due, read_compound, write_compound
from softswitch.media.scratch import BUFFER_BYTES
from softswitch.media.secure_legs import open_control, seal_control

CLOCK_HZ = 8000
TURNS = 16
"""Legs are looked after in so many turns: each about once a second."""


@inner
def begin_reports(shared: Any, slot: int, ssrc: int, first: int, second: int, now: int) -> None:
    """A leg's reports begin anew.  first, second: 63 random bits each."""
    report = shared.reports[slot]
    report.reception.known = 0
    report.remote_port = 0
    report.named_host = 0
    report.named_port = 0
    begin(report.control, ssrc, shared.header.wall_ns, first, second, now)


@inner
def usual_host(leg: Any, report: Any) -> int:
    """Where the other end's reports should come from, and go to."""
    return i64(leg.remote_host) if leg.muxed or report.named_host == 0 else i64(report.named_host)


@inner
def usual_port(leg: Any, report: Any) -> int:
    if leg.muxed:
        return i64(leg.remote_port)
    return i64(report.named_port) if report.named_port else (leg.remote_port + 1) & 0xFFFF


@inner
def may_report(leg: Any, report: Any, host: int, port: int) -> bool:
    """Whether reports from a source are taken: from one port of the leg's host, or the one that its SDP names."""
    if host == usual_host(leg, report) and (leg.profile or port == usual_port(leg, report)):
        return True
    if report.remote_port and not leg.profile:
        return host == i64(report.remote_host) and port == i64(report.remote_port)
    return host == i64(leg.remote_host) or host == usual_host(leg, report)


@inner
def take_report(shared: Any, scratch: Any, slot: int, length: int, now: int) -> bool:
    """Take in the RTCP datagram in `scratch.packet`; False when it was dropped and must be counted.

    From the leg's host alone, or the one that its SDP names; on a secure leg only what authenticates.
    """
    leg = shared.legs[slot]
    leg.control_packets += 1
    if length > BUFFER_BYTES or leg.state not in (v.CONNECTED, v.ROAMING):
        return False
    report = shared.reports[slot]
    host, port = host_of(scratch.source), port_of(scratch.source)
    if not may_report(leg, report, host, port):
        return False
    if leg.profile:
        length = open_control(shared, scratch, slot, length)
    if length <= 0 or read_compound(scratch.packet, length, report.control, now, 0) < 0:
        return False
    report.remote_host = host
    report.remote_port = port
    return True


@inner
def send_report(shared: Any, scratch: Any, slot: int, now: int, goodbye: int) -> None:
    leg = shared.legs[slot]
    report = shared.reports[slot]
    timestamp = (leg.out_timestamp_base + position_at(leg, now)) & 0xFFFFFFFF
    length = write_compound(
        scratch.out, report.control, report.reception, now, timestamp, leg.packets_sent, leg.octets_sent, goodbye
    )
    if leg.profile:
        length = seal_control(shared, scratch, slot, length)
    if length <= 0:
        return
    if report.remote_port and not leg.muxed:
        write_socket_address(scratch.address, report.remote_host, report.remote_port)
    else:
        write_socket_address(scratch.address, usual_host(leg, report), usual_port(leg, report))
    descriptor = leg.rtp_descriptor if leg.muxed else leg.rtcp_descriptor
    send_datagram(descriptor, scratch.out.ctypes.data, length, scratch.address.ctypes.data)


@inner
def send_due_reports(shared: Any, scratch: Any, turn: int, now: int) -> None:
    """Send the reports that are due on the legs of this turn."""
    for slot in range(turn, shared.legs.size, TURNS):
        leg = shared.legs[slot]
        speaks = leg.state in (v.CONNECTED, v.ROAMING) and (leg.heard or leg.packets_sent > 0)
        if speaks and is_report_due(shared.reports[slot].control, now):
            send_report(shared, scratch, slot, now, 0)


@inner
def say_goodbye(shared: Any, scratch: Any, slot: int, now: int) -> None:
    """BYE, where the other end has heard of us by a report (RFC 3550 §6.3.7)."""
    leg = shared.legs[slot]
    if leg.state in (v.CONNECTED, v.ROAMING) and i64(shared.reports[slot].control.reports_sent) > 0:
        send_report(shared, scratch, slot, now, 1)
