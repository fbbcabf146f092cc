"""The pattern of the usual message: it may say nothing, and what it says is what the long way says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.errors import PeerError
from softswitch.sip import parser
from softswitch.sip.message import Request
from softswitch.sip.usual import read_usual

HEAD = "\r\n".join(
    [
        "INVITE sip:+442079460000@192.0.2.1:5060;user=phone SIP/2.0",
        "Via: SIP/2.0/UDP sbc.example:5080;branch=z9hG4bKa1;rport",
        'From: "A Caller" <sip:+441614960000@sbc.example>;tag=x1',
        "To: <sip:+442079460000@192.0.2.1>",
        "Call-ID: 7@sbc.example",
        "CSeq: 3 INVITE",
        "Contact: <sip:sbc.example:5080;transport=udp>",
        "Max-Forwards: 66",
        "Supported: timer",
        "Content-Type: application/sdp",
        "Content-Length: 3",
    ]
)


def long_way(head: str, body: bytes) -> object:
    """What the parser makes of it without the pattern."""
    usual, parser.read_usual = parser.read_usual, lambda head, body: None
    try:
        return parser.parse(f"{head}\r\n\r\n".encode("utf-8", "surrogateescape") + body)
    except PeerError as error:
        return error.status
    finally:
        parser.read_usual = usual


def test_the_usual_message_is_cut_at_once() -> None:
    invite = read_usual(HEAD, b"v=0 and more")
    assert isinstance(invite, Request)
    assert (invite.branch, invite.from_tag, invite.to_tag, invite.cseq.number) == ("z9hG4bKa1", "x1", None, 3)
    assert (invite.via.host, invite.via.port, invite.via.params) == (
        "sbc.example",
        5080,
        {"branch": "z9hG4bKa1", "rport": None},
    )
    assert (str(invite.uri), invite.body) == ("sip:+442079460000@192.0.2.1:5060;user=phone", b"v=0")
    assert invite.headers.get_all("Supported") == ["timer"]
    assert invite == long_way(HEAD, b"v=0 and more")


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("Via: SIP/2.0/UDP sbc.example:5080;branch=z9hG4bKa1;rport", "Via: SIP/2.0/UDP sbc.example;branch=a;branch=b"),
        ("Contact: <sip:sbc.example:5080;transport=udp>", "Contact: <sip:sbc.example;lr;lr>"),
        ("Contact: <sip:sbc.example:5080;transport=udp>", "Contact: <sip:sbc.example:65536>"),
        ("Call-ID: 7@sbc.example", "Call-ID: 7@sbc.example\r\nCall-ID: 8"),
        ("Call-ID: 7@sbc.example", "Call-ID: 7@sbc.example\r\ni: 8"),
        ("CSeq: 3 INVITE", "CSeq: 3 BYE"),
        ("Content-Length: 3", "Content-Length: 300"),
        ("Supported: timer", "Supported: ti\x00mer"),
        ("Supported: timer", "Supported timer"),
        ("Max-Forwards: 66", "Max-Forwards: 256"),
        ("To: <sip:+442079460000@192.0.2.1>", "To: <sip:a@b..example>"),
    ],
)
def test_what_is_wrong_is_left_to_the_long_way_which_refuses_it(line: str, instead: str) -> None:
    head = HEAD.replace(line, instead)
    assert head != HEAD
    assert read_usual(head, b"v=0") is None
    assert isinstance(long_way(head, b"v=0"), int)


@given(st.data())
def test_damage_anywhere_is_never_read_in_another_way(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(HEAD)))
    end = data.draw(st.integers(start, min(len(HEAD), start + 12)))
    patch = data.draw(st.text(alphabet=' ;:<>@,"\r\n\tabcVF=%[]()5', max_size=8) | st.sampled_from(HEAD.split("\r\n")))
    head = HEAD[:start] + patch + HEAD[end:]
    usual = read_usual(head, b"v=0")
    if usual is not None:
        assert usual == long_way(head, b"v=0")
        for name in ("via", "from_", "to", "contacts", "routes", "record_routes", "max_forwards", "content_type"):
            assert getattr(usual, name) == getattr(parser.parse(bytes(usual)), name)
