"""Who may send us what, and what everybody else is told."""

from itertools import count

import pytest

from softswitch.calls.events import CallOffered
from softswitch.sip.digest import ClientDigest
from softswitch.sip.hop import Hop
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.ua.phones import PhoneRegistered

SWITCH = Hop("192.0.2.1", 5060)
CARRIER = Hop("192.0.2.2", 5060)
PHONE = Hop("192.0.2.3", 5062)
STRANGER = Hop("192.0.2.66", 5060)
OFFER = b"v=0\r\n"
BRANCHES = count(1)


def message(
    method: str,
    *,
    user: str = "login",
    sender: str = "phone1",
    cseq: int = 1,
    to_tag: str = "",
    extra: str = "",
    body: bytes = b"",
    content_type: str = "application/sdp",
) -> bytes:
    """A request outside any dialog; each has a branch of its own."""
    tag = f";tag={to_tag}" if to_tag else ""
    lines = [
        f"{method} sip:{user}@192.0.2.1 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.66;branch=z9hG4bK-{next(BRANCHES)};rport",
        "Max-Forwards: 70",
        f"From: <sip:{sender}@192.0.2.1>;tag=x",
        f"To: <sip:{sender if method == 'REGISTER' else user}@192.0.2.1>{tag}",
        f"Call-ID: {method}-{user}",
        f"CSeq: {cseq} {method}",
        "Contact: <sip:me@192.0.2.66>",
        *([extra] if extra else []),
        *([f"Content-Type: {content_type}"] if body else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def authorised(site, method: str, *, user: str = "login", sender: str = "phone1", secret: str = "secret1", **more):
    """The answer to a request that is sent again with credentials after its challenge."""
    (challenge,) = site.inject(message(method, user=user, sender=sender, **more))
    assert challenge.status == 401
    request = parse(message(method, user=user, sender=sender, cseq=2, **more))
    assert isinstance(request, Request)
    digest = ClientDigest(sender, secret, lambda: "cnonce")
    assert digest.receive_challenge(challenge, request)
    digest.authorise(request)
    return site.inject(bytes(request))


def test_anybody_may_ask_what_we_can_do(site) -> None:
    (response,) = site.inject(message("OPTIONS"))
    assert response.status == 200
    assert "INVITE" in response.headers.get_all("Allow")
    assert response.to.tag


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("MESSAGE", 405),
        ("PUBLISH", 405),
        ("FROBNICATE", 405),
        ("SUBSCRIBE", 489),
        ("REFER", 403),
        ("INFO", 481),
        ("UPDATE", 481),
        ("NOTIFY", 481),
        ("PRACK", 481),
    ],
)
def test_what_agents_must_not_send_is_refused_as_its_rfc_says(site, method: str, status: int) -> None:
    (response,) = site.inject(message(method), PHONE)
    assert response.status == status
    if status == 405:
        ours = ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "PRACK", "UPDATE"]
        assert response.headers.get_all("Allow") == ours
    if status == 489:
        assert response.headers.get_all("Allow-Events") == ["refer"]


def test_an_extension_that_is_demanded_is_refused_by_name(site) -> None:
    (response,) = site.inject(message("INVITE", extra="Require: 100rel, precondition, timer", body=OFFER), CARRIER)
    assert response.status == 420
    assert response.headers.get_all("Unsupported") == ["precondition"]


def test_a_bye_for_no_call_is_answered_481(site) -> None:
    assert [r.status for r in site.inject(message("BYE"))] == [481]
    assert [r.status for r in site.inject(message("INVITE", to_tag="gone", body=OFFER), CARRIER)] == [481]


def test_a_stranger_is_challenged_whatever_name_it_uses_and_offers_nothing(site) -> None:
    for number, name in enumerate(("phone1", "nobody", "%2B447700900123")):
        (response,) = site.inject(message("INVITE", sender=name, cseq=number + 1, body=OFFER))
        assert response.status == 401
    assert site.offered(SWITCH) == []


def test_a_phone_with_its_password_is_known_by_its_agent(site) -> None:
    authorised(site, "INVITE", body=OFFER)
    (offered,) = site.offered(SWITCH)
    assert (offered.origin, offered.source, offered.called) == ("phone", "agent-1", "login")


def test_a_phone_cannot_pass_for_another_agent_by_what_it_writes_in_from(site) -> None:
    (challenge,) = site.inject(message("INVITE", sender="phone2", body=OFFER))
    request = parse(message("INVITE", sender="phone2", cseq=2, body=OFFER))
    assert isinstance(request, Request)
    digest = ClientDigest("phone1", "secret1", lambda: "cnonce")
    assert digest.receive_challenge(challenge, request)
    digest.authorise(request)
    site.inject(bytes(request))
    (offered,) = site.offered(SWITCH)
    assert offered.source == "agent-1"


def test_a_wrong_password_is_challenged_again_and_offers_nothing(site) -> None:
    (response,) = authorised(site, "INVITE", secret="guess", body=OFFER)
    assert response.status == 401
    assert site.offered(SWITCH) == []


def test_a_phone_registers_with_its_password_and_for_itself_only(site) -> None:
    (response,) = authorised(site, "REGISTER", user="192.0.2.1")
    assert response.status == 200
    assert PhoneRegistered("agent-1") in site.wire.events(SWITCH)
    (response,) = authorised(site, "REGISTER", user="x", sender="phone2", secret="guess")
    assert response.status == 401


def test_a_phone_behind_a_proxy_may_demand_what_its_registrar_knows(site) -> None:
    (response,) = authorised(site, "REGISTER", user="192.0.2.1", extra="Require: path\r\nPath: <sip:edge.example;lr>")
    assert response.status == 200
    (response,) = site.inject(message("REGISTER", user="192.0.2.1", extra="Require: path, gruu"))
    assert (response.status, response.headers.get("Unsupported")) == (420, "gruu")


def test_a_carrier_is_known_by_its_address_whatever_its_port(site) -> None:
    elsewhere = CARRIER._replace(port=33000)
    site.inject(message("INVITE", user="+441632960000", sender="+447700900111", body=OFFER), elsewhere)
    (offered,) = site.offered(SWITCH)
    assert (offered.origin, offered.source) == ("trunk", "carrier")


def test_a_phone_on_the_carriers_host_is_asked_for_its_password(site) -> None:
    (response,) = site.inject(message("INVITE", sender="phone1", body=OFFER), CARRIER._replace(port=33000))
    assert response.status == 401


def test_a_body_that_is_no_sdp_is_refused(site) -> None:
    (response,) = site.inject(message("INVITE", body=b"hello", content_type="text/plain"), CARRIER)
    assert response.status == 415
    assert response.headers.get("Accept") == "application/sdp, multipart/mixed"


def test_a_full_carrier_brings_no_more_calls(site) -> None:
    for number in range(31):
        answers = site.inject(message("INVITE", user=f"+44163296{number:04d}", sender="c", body=OFFER), CARRIER)
    assert [answer.status for answer in answers if answer.status >= 200] == [503]
    assert site.switch.calls_on("carrier") == 30
    assert site.switch.channels_free("carrier") == 0


def test_while_stopping_no_call_is_taken(site) -> None:
    site.switch.stop(site.now)
    assert [r.status for r in site.inject(message("INVITE", body=OFFER), CARRIER)] == [503]


@pytest.mark.parametrize("seed", range(20))
def test_requests_with_bytes_changed_at_random_never_raise(site, seed: int) -> None:
    import numpy as np

    rng = np.random.default_rng(seed)
    for method in ("INVITE", "REGISTER", "OPTIONS", "ACK", "CANCEL", "BYE"):
        data = bytearray(message(method, body=OFFER))
        for _ in range(int(rng.integers(1, 12))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        site.switch.receive_datagram(bytes(data), CARRIER if rng.random() < 0.5 else STRANGER, site.now)
        site.switch.receive_datagram(bytes(data[: int(rng.integers(len(data)))]), STRANGER, site.now)
    assert all(isinstance(e, CallOffered) for e in site.offered(SWITCH))
    site.switch.stop(site.now)
    site.run(300.0)
    assert site.switch.is_idle


def test_responses_are_messages_that_we_can_read_ourselves(site) -> None:
    for method in ("OPTIONS", "REFER", "BYE", "INVITE"):
        assert all(isinstance(answer, Response) for answer in site.inject(message(method)))
