"""What the parser reads in the torture messages, and what it refuses; `test_reactions` has what the switch does."""

import pytest

from softswitch.errors import PeerError
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.parser import MalformedRequest, parse
from softswitch.sip.uri import Uri
from tests.torture.vectors import malformed, names, needs_vectors, torture, wire

pytestmark = needs_vectors


def request(data: bytes) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


# Refused with an answer, or, where a response or what cannot be answered is concerned, dropped.
REFUSED = {
    "badinv01": 400, "clerr": 400, "ncl": 400, "scalar02": 400, "quotbal": 400, "ltgtruri": 400, "lwsruri": 400,
    "lwsstart": 400, "trws": 400, "escruri": 400, "regbadct": 400, "badaspec": 400, "baddn": 400, "badvers": 505,
    "mismatch01": 400, "mismatch02": 400, "unkscm": 416, "novelsc": 416, "multi01": 400, "mcl01": 400, "insuf": 400,
}  # fmt: skip
DROPPED = {"scalarlg", "bigcode", "test"}
ACCEPTED = sorted({*names("rfc4475")} - {*REFUSED} - DROPPED)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_valid_message_is_read_and_survives_being_written(name: str) -> None:
    message = parse(torture(name))
    assert parse(bytes(message)) == message


@pytest.mark.parametrize(("name", "status"), REFUSED.items())
def test_a_wrong_request_is_refused_with_an_answer(name: str, status: int) -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse(torture(name))
    assert refused.value.status == status
    answer = bytes(response_to(refused.value.request, status, to_tag="ours"))
    assert answer.startswith(f"SIP/2.0 {status} ".encode())
    assert (b";tag=ours\r\n" in answer) == (name not in ("lwsruri", "insuf"))  # has a tag already; has no To at all


@pytest.mark.parametrize("name", sorted(DROPPED))
def test_what_nobody_can_be_answered_for_is_dropped(name: str) -> None:
    with pytest.raises(PeerError) as refused:
        parse(torture(name))
    assert not isinstance(refused.value, MalformedRequest)


def test_the_short_tortuous_invite_says_what_the_rfc_says() -> None:
    invite = request(torture("wsinv"))
    assert [str(invite.to.uri), invite.to.tag] == ["sip:vivekg@chair-dnrc.example.com", "1918181833n"]
    assert (invite.from_.display, invite.from_.tag) == ('J Rosenberg \\"', "98asjd8")
    assert (invite.max_forwards, invite.cseq.number, invite.cseq.method) == (68, 9, "INVITE")
    assert [via.transport for via in invite.vias] == ["UDP", "TCP", "UDP"]
    assert [via.branch for via in invite.vias] == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]
    assert invite.headers.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
    assert invite.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert invite.headers.get("Subject") == ""
    assert (invite.contacts[0].display, invite.contacts[0].params["q"]) == ('Quoted string ""', "0.33")
    assert "lr" in invite.routes[0].uri.params
    assert len(invite.body) == 150


def test_the_widest_range_of_characters_is_kept() -> None:
    message = request(torture("intmeth"))
    assert message.method.startswith("!interesting-Method")
    assert message.uri.host == "example.com"
    assert message.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert message.to.display == "BEL: NUL: DEL:"  # the escaped control characters do not reach a log
    assert message.from_.display == "token1~` token2'+_ token3*%!.-"
    assert message.headers.get("extensionHeader-!.%*+_`'~") == "\N{ZERO WIDTH NO-BREAK SPACE}大停電"


def test_escapes_are_data_and_nothing_else() -> None:
    invite = request(torture("esc01"))
    assert invite.uri.decoded_user == "sips:user@example.com"
    assert invite.uri.host == "example.net"
    assert invite.to.uri == Uri.parse("sip:user@example.com")
    assert invite.contacts[0].uri.params == {"lr": None, "name": "value%2541"}
    null = request(torture("escnull"))
    assert [contact.uri.decoded_user for contact in null.contacts] == ["\0", "\0\0"]
    assert null.contacts[0].uri != null.contacts[1].uri


def test_a_percent_sign_in_a_token_is_no_escape() -> None:
    message = request(torture("esc02"))
    assert message.method == "RE%47IST%45R"
    assert [contact.uri.user for contact in message.contacts] == ["alias1", "alias3"]
    assert message.from_.display == "%Z%45"


def test_bytes_behind_the_message_are_never_looked_at() -> None:
    message = request(torture("dblreq"))
    assert (message.method, message.body) == ("REGISTER", b"")
    assert b"INVITE" not in bytes(message)


def test_a_semicolon_in_the_user_part_begins_no_parameter() -> None:
    uri = request(torture("semiuri")).uri
    assert (uri.decoded_user, dict(uri.params)) == ("user;par=u@example.net", {})


def test_parameters_belong_to_the_header_or_to_the_uri_as_the_brackets_say() -> None:
    header, uri = (request(torture(name)).contacts[0] for name in ("cparam01", "cparam02"))
    assert (dict(header.uri.params), dict(header.params)) == ({}, {"unknownparam": None})
    assert (dict(uri.uri.params), dict(uri.params)) == ({"unknownparam": None}, {})
    assert request(torture("regescrt")).contacts[0].uri.headers == "Route=%3Csip:sip.example.com%3E"


def test_a_reason_phrase_may_be_in_any_script_or_empty() -> None:
    unusual, empty = parse(torture("unreason")), parse(torture("noreason"))
    assert isinstance(unusual, Response)
    assert isinstance(empty, Response)
    assert unusual.reason == "= 2**3 * 5**2 но сто девяносто девять - простое"
    assert (empty.status, empty.reason) == (100, "")


def test_an_rfc_2543_invite_has_neither_branch_nor_tag_and_its_body_runs_to_the_end() -> None:
    invite = request(torture("inv2543"))
    assert (invite.via.branch, invite.from_.tag, invite.max_forwards) == (None, None, None)
    assert invite.body.endswith(b"m=audio 49217 RTP/AVP 0\r\n")


def test_other_schemes_in_addresses_are_left_to_those_who_use_them() -> None:
    message = request(torture("unksm2"))
    assert (message.to.uri.scheme, message.from_.uri.scheme) == ("isbn", "http")
    assert message.contacts[0].uri.scheme == "name"


@pytest.mark.parametrize("name", [name for name in names("rfc5118") if name != "ipv6-bad"])
def test_ipv6_addresses_are_read_and_survive_being_written(name: str) -> None:
    message = parse(wire(name))
    assert parse(bytes(message)) == message


def test_an_ipv6_address_without_brackets_is_refused() -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse(wire("ipv6-bad"))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("name", "host", "port"),
    [
        ("port-ambiguous", "[2001:db8::10:5070]", None),
        ("port-unambiguous", "[2001:db8::10]", 5070),
        ("ipv6-bug-abnf-3-colons", "[2001:db8:::192.0.2.1]", None),
    ],
)
def test_a_port_stands_outside_the_brackets(name: str, host: str, port: int | None) -> None:
    uri = request(wire(name)).uri
    assert (uri.host, uri.port) == (host, port)


@pytest.mark.parametrize("name", ["via-received-param-with-delim", "via-received-param-no-delim"])
def test_the_received_address_is_taken_with_or_without_brackets(name: str) -> None:
    assert parse(wire(name)).via.received == "2001:db8::9:255"


@pytest.mark.parametrize("name", names("malformed"))
def test_what_broke_others_is_read_or_refused(name: str) -> None:
    data = malformed(name)
    try:
        message = parse(data)
    except MalformedRequest as refused:
        assert bytes(response_to(refused.request, refused.status, to_tag="x"))
    except PeerError:
        pass
    else:
        assert parse(bytes(message)) == message


@pytest.mark.parametrize("name", ["from-display-ctrl.dat", "header-ctrl-before-colon.dat", "nul-in-packet.dat"])
def test_control_characters_are_refused_and_not_sent_back(name: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse(malformed(name))
    answer = bytes(response_to(refused.value.request, 400, to_tag="x"))
    assert not any(code < 32 and code not in b"\r\n" for code in answer)
