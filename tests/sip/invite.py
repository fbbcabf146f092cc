"""An INVITE as a phone sends it."""

from softswitch.sip.message import Request
from softswitch.sip.parser import parse

INVITE = (
    b"INVITE sip:100@198.51.100.7 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Agent 7" <sip:agent7@198.51.100.7>;tag=7f3a\r\n'
    b"To: <sip:100@198.51.100.7>\r\n"
    b"Call-ID: 9c1f\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:agent7@203.0.113.9:5060>\r\n"
    b"Content-Length: 4\r\n\r\nv=0\n"
)


def request(data: bytes = INVITE) -> Request:
    """Its bytes, or others, as they are parsed."""
    message = parse(data)
    assert isinstance(message, Request)
    return message
