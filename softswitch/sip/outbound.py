"""Flows that a phone opens and keeps: how a registrar tells them apart, and what keeps them open (RFC 5626).

A phone behind NAT cannot be called back except on the flow that it opened, so a binding stands for the flow, not for
the Contact: the same instance of a phone (`+sip.instance`) with the same `reg-id` replaces its older one.
"""

import struct
from ipaddress import ip_address
from typing import Final, NamedTuple

from softswitch.errors import PeerError
from softswitch.sip.hop import Hop
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri
from softswitch.sip.values import NameAddr

OUTBOUND: Final = "outbound"
"""The option tag."""
FLOW_TIMER_S: Final = {"UDP": 25, "TCP": 120, "TLS": 120, "WS": 120, "WSS": 120}
"""How often a phone is to keep its flow alive. NATs forget UDP after 30 s, connections later (§3.5, §4.4.1)."""
_MOST_REG_ID: Final = 2**31 - 1  # §4.2
_COOKIE: Final = 0x2112A442  # RFC 5389 §6
_BINDING_REQUEST, _BINDING_SUCCESS, _XOR_MAPPED_ADDRESS = 0x0001, 0x0101, 0x0020  # RFC 5389 §6, §15.2


class Flow(NamedTuple):
    """Which of a phone's flows: what a binding goes by instead of its Contact's URI (§6)."""

    instance: str
    reg_id: int = 0
    """0: the phone names its instance alone."""


def flow_of(contact: NameAddr, request: Request) -> Flow | None:
    """The flow that a Contact of a REGISTER stands for; None where the Contact's URI is all there is.

    A reg-id without an instance, out of range, or from a phone that does not say it supports outbound is ignored (§6).
    """
    instance = contact.params.get("+sip.instance")
    if not instance:
        return None
    text = contact.params.get("reg-id") or ""
    is_number = text.isascii() and text.isdecimal() and len(text) <= 10
    reg_id = int(text) if is_number and _supports_outbound(request) else 0
    return Flow(instance, reg_id if reg_id <= _MOST_REG_ID else 0)


def uses_outbound(request: Request) -> bool:
    """Whether a REGISTER opens or refreshes a flow. Raises PeerError(439) where a proxy on the way cannot keep one,
    PeerError(400) where it names several at once (§6)."""
    flows = [flow for contact in request.contacts if (flow := flow_of(contact, request)) is not None and flow.reg_id]
    if not flows:
        return False
    if len(request.contacts) > 1:
        raise PeerError("a REGISTER names several contacts and a flow", 400)
    if len(request.vias) > 1 and not _first_proxy_keeps_flows(request):
        raise PeerError("the first hop lacks outbound support", 439)
    return True


def binding_response(data: bytes, source: Hop) -> bytes | None:
    """The answer to a STUN Binding request, by which a phone keeps a UDP flow open and learns whether its address has
    changed (§3.5.2, §8; RFC 5389 §7.3.1); None where the datagram is anything else."""
    if len(data) < 20 or data[0] or len(data) > 548:
        return None
    kind, length, cookie = struct.unpack_from("!HHI", data)
    if kind != _BINDING_REQUEST or cookie != _COOKIE or length != len(data) - 20 or length % 4:
        return None
    port = source.port ^ (_COOKIE >> 16)
    mask = data[4:20]
    address = bytes(a ^ b for a, b in zip(_packed(source.host), mask, strict=False))
    value = struct.pack("!BBH", 0, 1 if len(address) == 4 else 2, port) + address
    attribute = struct.pack("!HH", _XOR_MAPPED_ADDRESS, len(value)) + value
    return struct.pack("!HH", _BINDING_SUCCESS, len(attribute)) + mask + attribute


def _packed(host: str) -> bytes:
    return ip_address(host.partition("%")[0]).packed


def _supports_outbound(request: Request) -> bool:
    return request.headers.has("Supported", OUTBOUND)


def _first_proxy_keeps_flows(request: Request) -> bool:
    """Each proxy puts its Path on top, so the first one's is the last (§5.1)."""
    paths = request.headers.get_all("Path")
    try:
        return bool(paths) and "ob" in _path_uri(paths[-1]).params
    except PeerError:
        return False


def _path_uri(text: str) -> Uri:
    return NameAddr.parse(text).uri
