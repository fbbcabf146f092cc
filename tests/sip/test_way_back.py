"""Responses whose connection has gone."""

import pytest

from softswitch.sip.hop import Hop
from softswitch.sip.way_back import way_back

LOST = Hop("192.0.2.7", 40123, "TCP", 9)


def response(sent_by: str) -> bytes:
    return (
        f"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP {sent_by};branch=z9hG4bK1;received=192.0.2.7;rport=40123\r\n"
        "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("sent_by", "lost", "back"),
    [
        ("10.0.0.1:5080", LOST, Hop("192.0.2.7", 5080, "TCP")),
        ("carrier.example", LOST, Hop("192.0.2.7", 5060, "TCP")),
        ("carrier.example", LOST._replace(transport="TLS"), Hop("192.0.2.7", 5061, "TLS")),
        ("[2001:db8::1]:5070", LOST._replace(host="2001:db8::7"), Hop("2001:db8::7", 5070, "TCP")),
        ("x.invalid", LOST._replace(transport="WS"), None),
    ],
)
def test_it_goes_to_the_address_that_asked_at_the_port_where_it_listens(
    sent_by: str, lost: Hop, back: Hop | None
) -> None:
    assert way_back(response(sent_by), lost) == back


def test_a_request_has_no_other_way_than_the_connection_that_its_receiver_opened() -> None:
    assert way_back(response("10.0.0.1").replace(b"SIP/2.0 200 OK", b"BYE sip:a@x SIP/2.0"), LOST) is None


def test_what_is_no_message_goes_nowhere() -> None:
    assert way_back(b"SIP/2.0 200 OK\r\n\r\n", LOST) is None
