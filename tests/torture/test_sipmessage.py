"""sipmessage as a second opinion: what it and we read from every valid message is the same.

It is stricter than RFC 3261 here and there and laxer elsewhere. Where the two differ, the difference is named below
with its reason, and still has to be just that difference.
"""

from collections.abc import Mapping

import pytest
import sipmessage

from softswitch.sip.message import Request
from softswitch.sip.parser import parse
from softswitch.sip.uri import Uri
from softswitch.sip.values import NameAddr
from tests.torture.reactions import RFC_4475, RFC_5118
from tests.torture.test_reading import DROPPED, REFUSED
from tests.torture.vectors import needs_vectors, torture, wire

pytestmark = needs_vectors

VALID = sorted({*RFC_4475} - {*REFUSED} - DROPPED) + sorted({*RFC_5118} - {"ipv6-bad"})

REFUSED_THERE = frozenset({"all"})
PECULIAR = {
    # It knows no folded lines (RFC 3261 §7.3.1): without a colon it gives up, with one it reads a header of its own.
    "wsinv": REFUSED_THERE,
    "semiuri": REFUSED_THERE,
    "esc01": {"contacts"},
    # It keeps the blank between a header's name and its colon as part of the name (§7.3.1 allows the blank).
    "longreq": {"via"},
    # It unescapes tokens and display names; "%" stands for itself there (RFC 4475 §3.1.1.3, §3.1.1.5). And we take the
    # control characters, which a quoted-pair may hold, out of display names, which reach logs and pages.
    "intmeth": {"via", "to"},
    # Its URIs have no headers (§19.1.1), no schemes but sip, sips and tel (§19.1.6), and no IPv4 tail in an IPv6 host.
    "regescrt": REFUSED_THERE,
    "unksm2": REFUSED_THERE,
    "ipv6-correct-abnf-2-colons": REFUSED_THERE,
    # It does not read an IPv6 address without brackets in a parameter, which RFC 5118 §4.5 shows.
    "via-received-param-no-delim": REFUSED_THERE,
}


def data_of(name: str) -> bytes:
    return torture(name) if name in RFC_4475 else wire(name)


def ours(name: str) -> dict[str, object]:
    message = parse(data_of(name))
    start = (message.method, uri_of(message.uri)) if isinstance(message, Request) else (message.status, message.reason)
    return {
        "start": start,
        "via": [(via.transport, via.host, via.port, dict(via.params)) for via in message.vias],
        "from": address_of(message.from_),
        "to": address_of(message.to),
        "call-id": message.call_id,
        "cseq": (message.cseq.number, message.cseq.method),
        "contacts": [address_of(contact) for contact in message.contacts],
        "routes": [address_of(route) for route in (*message.routes, *message.record_routes)],
        "max-forwards": message.max_forwards,
    }


def theirs(name: str) -> dict[str, object]:
    message = sipmessage.Message.parse(data_of(name))
    is_request = isinstance(message, sipmessage.Request)
    return {
        "start": (message.method, their_uri(message.uri)) if is_request else (message.code, message.phrase),
        "via": [(via.transport, via.host, via.port, their_params(via.parameters)) for via in message.via],
        "from": their_address(message.from_address),
        "to": their_address(message.to_address),
        "call-id": message.call_id,
        "cseq": (message.cseq.sequence, message.cseq.method),
        "contacts": [their_address(contact) for contact in message.contact],
        "routes": [their_address(route) for route in (*message.route, *message.record_route)],
        "max-forwards": message.max_forwards,
    }


def uri_of(uri: Uri) -> tuple[object, ...]:
    return (uri.scheme, uri.decoded_user or None, uri.password, uri.host, uri.port, dict(uri.params))


def their_uri(uri: sipmessage.URI) -> tuple[object, ...]:
    return (uri.scheme, uri.user, uri.password, uri.host, uri.port, their_params(uri.parameters))


def their_params(params: Mapping[str, str | None]) -> dict[str, str | None]:
    """Names of parameters mean the same in any case (§7.3.1); we keep them in lower case."""
    return {name.lower(): value for name, value in params.items()}


def address_of(address: NameAddr) -> tuple[object, ...]:
    return (uri_of(address.uri), address.display, dict(address.params))


def their_address(address: sipmessage.Address) -> tuple[object, ...]:
    return (their_uri(address.uri), address.name, their_params(address.parameters))


@pytest.mark.parametrize("name", [name for name in VALID if name not in PECULIAR])
def test_both_read_the_same(name: str) -> None:
    assert ours(name) == theirs(name)


@pytest.mark.parametrize("name", PECULIAR)
def test_where_both_differ_they_differ_in_nothing_else(name: str) -> None:
    """Should a later version of it read like us, the row goes."""
    read = ours(name)
    try:
        other = theirs(name)
    except ValueError:
        assert PECULIAR[name] is REFUSED_THERE
    else:
        assert {key for key in read if read[key] != other[key]} == PECULIAR[name]
