"""The typed values of headers, from text and to text."""

import pytest

from softswitch.errors import PeerError
from softswitch.sip.uri import Uri
from softswitch.sip.values import MALFORMED_EXPIRES_S, MAX_EXPIRES_S, CSeq, NameAddr, Via, parse_expires


@pytest.mark.parametrize(
    ("text", "display", "uri", "params"),
    [
        ("sip:a@b;tag=1", "", "sip:a@b", {"tag": "1"}),
        ("<sip:a@b;lr>;tag=1", "", "sip:a@b;lr", {"tag": "1"}),
        ('"A \\"B\\" \\\\" <sip:a@b>', 'A "B" \\', "sip:a@b", {}),
        ("A B<sip:a@b> ; x = 1 ;y", "A B", "sip:a@b", {"x": "1", "y": None}),
        ('"<sip:not@this>" <sip:a@b>;p="a;b,c"', "<sip:not@this>", "sip:a@b", {"p": '"a;b,c"'}),
        ("Bell, Alexander <sip:a@b>", "Bell, Alexander", "sip:a@b", {}),
    ],
)
def test_an_address_comes_apart(text: str, display: str, uri: str, params: dict[str, str | None]) -> None:
    address = NameAddr.parse(text)
    assert (address.display, str(address.uri), dict(address.params)) == (display, uri, params)
    assert NameAddr.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "a", '"', '"a', '"a"', '"a" sip:b@c', "<sip:a@b", "sip:a@b?x=y", "sip:a@b,c", "< sip:a@b >",
        'a"b <sip:a@b>', '"a" b <sip:a@b>', "<sip:a@b>x", "<sip:a@b>;", "<sip:a@b>;;x", "<sip:a@b>;x;X",
        '<sip:a@b>;x="', "<sip:a@b>;x=1 2",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        NameAddr.parse(text)


def test_a_tag_is_put_on_replaced_and_taken_away() -> None:
    address = NameAddr(Uri.parse("sip:a@b"), "A", {"x": None})
    assert str(address.with_tag("1").with_tag("2")) == '"A" <sip:a@b>;x;tag=2'
    assert address.with_tag("1").with_tag(None) == address


@pytest.mark.parametrize(
    ("text", "host", "port", "branch"),
    [
        ("SIP/2.0/UDP 192.0.2.1:5060;branch=z", "192.0.2.1", 5060, "z"),
        ("SIP / 2.0 / udp   [2001:db8::1] : 5070 ; branch = z", "[2001:db8::1]", 5070, "z"),
        ("SIP/2.0/UDP phone.example", "phone.example", None, None),
        ("sip/2.0/SCTP a;ttl=1", "a", None, None),
    ],
)
def test_a_via_comes_apart(text: str, host: str, port: int | None, branch: str | None) -> None:
    via = Via.parse(text)
    assert (via.host, via.port, via.branch) == (host, port, branch)
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    "text",
    [
        "", "SIP/2.0/UDP", "SIP/2.0/UDP ", "HTTP/1.1/TCP a", "UDP a", "SIP/2.0/UDP a:0", "SIP/2.0/UDP a:99999",
        "SIP/2.0/UDP a b", "SIP/2.0/UDP user@a", "SIP/2.0/UDP a?x=y", "SIP/2.0/UDP a;branch=1;branch=2",
        "SIP/2.0/UDP a..b", "SIP/2.0/UDP :::::::",
    ],
)  # fmt: skip
def test_what_is_no_via_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        Via.parse(text)


def test_the_source_is_noted_where_it_differs_or_was_asked_for() -> None:
    plain = Via.parse("SIP/2.0/UDP 192.0.2.1;branch=z")
    assert plain.with_source(("192.0.2.1", 5060)) == plain
    assert plain.with_source(("192.0.2.9", 1024)).received == "192.0.2.9"
    asked = Via.parse("SIP/2.0/UDP 192.0.2.1;rport;branch=z").with_source(("192.0.2.1", 1024))
    assert (asked.received, asked.rport) == ("192.0.2.1", 1024)  # RFC 3581 §4 notes both
    forged = Via.parse("SIP/2.0/UDP 192.0.2.1;received=203.0.113.1")
    assert forged.with_source(("192.0.2.1", 5060)).received is None


@pytest.mark.parametrize(
    "text", ["", "1", "INVITE", "1 2 3", "-1 INVITE", "x INVITE", "2147483648 INVITE", "1 IN VITE", "²1 BYE"]
)
def test_what_is_no_cseq_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        CSeq.parse(text)


def test_the_largest_cseq_is_read() -> None:
    assert CSeq.parse(" 2147483647  BYE") == CSeq(2147483647, "BYE")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60", 60), ("0", 0), ("soon", MALFORMED_EXPIRES_S), ("-1", MALFORMED_EXPIRES_S), ("9" * 100, MAX_EXPIRES_S)],
)
def test_a_time_that_cannot_be_read_is_an_hour(text: str, seconds: int) -> None:
    assert parse_expires(text) == seconds


def test_a_remembered_value_is_shared_and_cannot_be_changed() -> None:
    via = Via.parse("SIP/2.0/UDP 192.0.2.1;branch=z")
    assert Via.parse("SIP/2.0/UDP 192.0.2.1;branch=z") is via
    via.with_source(("192.0.2.9", 1024))
    assert (via.received, via.branch) == (None, "z")
    with pytest.raises(TypeError):
        via.params["branch"] = "y"  # type: ignore[index]
