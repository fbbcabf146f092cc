"""The REGISTERs among the torture messages, from a phone that knows its password: what they bind."""

import re

import pytest

from softswitch.sip.digest import ClientDigest
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.values import NameAddr
from tests.torture.ground import PASSWORD
from tests.torture.vectors import needs_vectors, torture, wire
from tests.torture.virtual import VirtualSwitch

pytestmark = needs_vectors


def register(data: bytes, username: str) -> Response:
    """The last answer to a REGISTER that is sent again with credentials, as it stands but for them and CSeq."""
    switch = VirtualSwitch()
    challenge = parse(switch.receive(data)[0])
    request = parse(data)
    assert isinstance(request, Request)
    assert isinstance(challenge, Response)
    assert challenge.status == 401
    digest = ClientDigest(username, PASSWORD, lambda: "cnonce")
    assert digest.receive_challenge(challenge, request)
    digest.authorise(request)
    line = f"\r\nAuthorization: {request.headers.get('Authorization')}".encode()
    start, rest = data.split(b"\r\n", 1)
    rest = re.sub(rb"(CSeq: )([0-9]+)", lambda cseq: cseq[1] + str(int(cseq[2]) + 1).encode(), rest, count=1)
    answer = parse(switch.receive(start + line + b"\r\n" + rest.replace(b"Authorization: NoOne", b"X-Gone: NoOne"))[0])
    assert isinstance(answer, Response)
    assert switch.callee.offered == []
    return answer


@pytest.mark.parametrize(
    ("name", "username", "uri", "params"),
    [
        ("cparam01", "watson", "sip:+19725552222@gw1.example.net", {"unknownparam"}),
        ("cparam02", "watson", "sip:+19725552222@gw1.example.net;unknownparam", set()),
        ("regescrt", "user", "sip:user@example.com?Route=%3Csip:sip.example.com%3E", set()),
        ("dblreq", "j.user", "sip:j.user@host.example.com", set()),
    ],
)
def test_a_binding_is_what_the_brackets_say(name: str, username: str, uri: str, params: set[str]) -> None:
    answer = register(torture(name), username)
    assert answer.status == 200
    (bound,) = answer.contacts
    assert str(bound.uri) == uri
    assert {*bound.params} == {*params, "expires"}


def test_who_offers_a_scheme_that_nobody_knows_may_still_register() -> None:
    answer = register(torture("regaut01"), "j.user")
    assert (answer.status, answer.contacts) == (200, ())


def test_an_address_of_record_of_another_scheme_is_refused() -> None:
    assert register(torture("unksm2"), "user").status == 400


@pytest.mark.parametrize("name", ["ipv6-good", "port-ambiguous", "port-unambiguous"])
def test_an_ipv6_contact_is_bound(name: str) -> None:
    answer = register(wire(name), "user")
    assert answer.status == 200
    assert answer.contacts[0].uri.host == "[2001:db8::1]"


def test_contacts_that_differ_in_escaped_nulls_alone_are_two() -> None:
    data = torture("escnull").replace(b"sip:null-%00-null@", b"sip:user@")  # no user of ours is called so
    bound = register(data, "user").contacts
    assert [str(contact.uri) for contact in bound] == ["sip:%00@host5.example.com", "sip:%00%00@host5.example.com"]
    assert all(isinstance(contact, NameAddr) for contact in bound)
