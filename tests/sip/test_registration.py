"""A registration kept alive, against answers written by hand and then against our own registrar."""

import itertools
from collections.abc import Callable

import pytest

from softswitch.sip.authenticator import Authenticator, Nonces
from softswitch.sip.digest import ClientDigest
from softswitch.sip.hop import Hop
from softswitch.sip.locating import Chance
from softswitch.sip.message import Request, response_to
from softswitch.sip.parser import parse
from softswitch.sip.registrar import Registrar
from softswitch.sip.registration import (
    MAX_PAUSE_S,
    MIN_PAUSE_S,
    Registered,
    Registration,
    RegistrationFailed,
    State,
    Unregistered,
)
from softswitch.sip.uri import Uri


def tokens() -> Callable[[], str]:
    count = itertools.count(1)
    return lambda: f"token{next(count)}"


def longest(below: int) -> int:
    return below - 1


def make(expires_s: int = 300, password: str = "pw", chance: Chance = longest) -> Registration:
    token = tokens()
    return Registration(
        registrar=Uri.parse("sip:carrier.example"),
        aor=Uri.parse("sip:site@carrier.example"),
        contact=Uri.parse("sip:site@192.0.2.1:5060"),
        digest=ClientDigest("site", password, token),
        new_token=token,
        chance=chance,
        expires_s=expires_s,
    )


def sent(registration: Registration) -> Request:
    request = registration.next_request()
    assert request is not None
    assert registration.next_request() is None
    request.headers.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport")
    again = parse(bytes(request))
    assert isinstance(again, Request)
    return again


def reply(registration: Registration, status: int, now: float, **headers: object) -> Request:
    request = sent(registration)
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    registration.receive_response(response_to(request, status, headers=lines), now)
    return request


def registered(expires: int = 300) -> Registration:
    registration = make()
    registration.start(0.0)
    reply(registration, 200, 0.0, Contact=f"<sip:site@192.0.2.1:5060>;expires={expires}")
    assert registration.next_event() == Registered(expires)
    return registration


def test_a_registration_is_asked_for_reported_and_refreshed_in_time() -> None:
    registration = make()
    registration.start(0.0)
    registration.start(0.0)
    first = reply(registration, 200, 0.0, Contact="<sip:site@192.0.2.1:5060>;expires=300")
    assert (str(first.uri), first.expires) == ("sip:carrier.example", 300)
    assert registration.next_event() == Registered(300)
    due = registration.next_timer()
    assert due is not None
    assert 150.0 <= due <= 295.0
    registration.handle_timer(due - 0.1)
    assert registration.next_request() is None
    registration.handle_timer(due)
    second = reply(registration, 200, due, Contact="<sip:site@192.0.2.1:5060>;expires=300")
    assert (second.call_id, second.cseq.number) == (first.call_id, first.cseq.number + 1)
    assert registration.next_event() is None


def test_the_time_granted_counts_not_the_time_asked_for() -> None:
    due = registered(expires=60).next_timer()
    assert due is not None
    assert due < 60.0


def test_another_contact_of_the_same_user_does_not_decide_our_time() -> None:
    registration = make()
    registration.start(0.0)
    reply(registration, 200, 0.0, Contact="<sip:site@192.0.2.99>;expires=10, <sip:site@192.0.2.1:5060>;expires=200")
    assert registration.next_event() == Registered(200)


@pytest.mark.parametrize("another", ["", ", <sip:old@192.0.2.99>;expires=3"])
def test_a_contact_that_was_rewritten_on_the_way_still_tells_our_time(another: str) -> None:
    registration = make()
    registration.start(0.0)
    reply(registration, 200, 0.0, Contact=f"<sip:site@203.0.113.7:40123>;expires=60{another}")
    assert registration.next_event() == Registered(60)
    due = registration.next_timer()
    assert due is not None
    assert due < 60.0


def test_pauses_grow_with_each_failure_up_to_a_limit_and_begin_anew_after_success() -> None:
    registration = make()
    registration.start(0.0)
    now, pauses = 0.0, []
    for _ in range(12):
        reply(registration, 503, now)
        due = registration.next_timer()
        assert due is not None
        assert registration.next_event() == RegistrationFailed(503, "Service Unavailable")
        pauses.append(due - now)
        now = due
        registration.handle_timer(now)
    assert pauses[:3] == [MIN_PAUSE_S, 2 * MIN_PAUSE_S, 4 * MIN_PAUSE_S]
    assert pauses == sorted(pauses)
    assert pauses[-1] == MAX_PAUSE_S
    reply(registration, 200, now)
    assert registration.next_event() == Registered(300)
    due = registration.next_timer()
    assert due is not None
    registration.handle_timer(due)
    reply(registration, 503, due)
    again = registration.next_timer()
    assert again is not None
    assert again - due == MIN_PAUSE_S


@pytest.mark.parametrize(("drawn", "share"), [(0, 0.5), (250, 0.75), (500, 1.0)])
def test_chance_takes_up_to_half_of_a_pause(drawn: int, share: float) -> None:
    registration = make(chance=lambda below: drawn)
    registration.start(0.0)
    reply(registration, 500, 0.0)
    assert registration.next_timer() == share * MIN_PAUSE_S
    registration.handle_timer(share * MIN_PAUSE_S)
    reply(registration, 403, 10.0)
    assert registration.next_timer() == 10.0 + share * MAX_PAUSE_S


def test_a_contact_that_moves_is_said_in_the_request_that_has_not_left_yet_and_counts_from_then_on() -> None:
    registration = make()
    registration.start(0.0)
    request = registration.next_request()
    assert request is not None
    registration.move_contact(Uri.parse("sip:site@192.0.2.1:5061;transport=tls"))
    assert request.headers.get_all("Contact") == ["<sip:site@192.0.2.1:5061;transport=tls>"]
    request.headers.prepend("Via", "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK1")
    contacts = "<sip:site@192.0.2.1:5060>;expires=10, <sip:site@192.0.2.1:5061;transport=tls>;expires=200"
    registration.receive_response(response_to(request, 200, headers=[("Contact", contacts)]), 0.0)
    assert registration.next_event() == Registered(200)


def test_a_server_that_asks_for_patience_gets_it() -> None:
    registration = make()
    registration.start(0.0)
    reply(registration, 503, 0.0, Retry_After="120 (maintenance)")
    assert registration.next_timer() == 120.0


def test_a_refusal_for_good_is_not_asked_again_soon() -> None:
    registration = make()
    registration.start(0.0)
    reply(registration, 403, 0.0)
    assert registration.next_timer() == MAX_PAUSE_S


def test_silence_counts_as_408() -> None:
    registration = make()
    registration.start(0.0)
    sent(registration)
    registration.receive_failure(32.0)
    assert registration.next_event() == RegistrationFailed(408, "no answer")
    assert registration.next_timer() == 32.0 + MIN_PAUSE_S


def test_a_failed_refresh_is_tried_again_before_the_registration_lapses() -> None:
    registration = registered()
    due = registration.next_timer()
    assert due is not None
    registration.handle_timer(due)
    reply(registration, 500, due)
    assert registration.next_event() == RegistrationFailed(500, "Server Internal Error")
    assert registration.is_registered
    registration.handle_timer(due + MIN_PAUSE_S)
    reply(registration, 200, due + MIN_PAUSE_S)
    assert registration.next_event() == Registered(300)


def test_a_registration_that_lapses_is_reported() -> None:
    registration = registered()
    due = registration.next_timer()
    assert due is not None
    registration.handle_timer(due)
    sent(registration)
    registration.handle_timer(300.0)
    assert not registration.is_registered
    assert registration.next_event() == RegistrationFailed(408, "the registration lapsed")


def test_a_registration_that_lapses_after_its_refresh_was_refused_tells_by_what() -> None:
    registration = registered()
    due = registration.next_timer()
    assert due is not None
    registration.handle_timer(due)
    reply(registration, 403, due)
    registration.handle_timer(300.0)
    assert not registration.is_registered
    assert registration.next_event() == RegistrationFailed(403, "Forbidden")
    assert registration.next_event() == RegistrationFailed(403, "the registration lapsed")


def test_too_brief_a_wish_is_lengthened_once() -> None:
    registration = make(expires_s=60)
    registration.start(0.0)
    reply(registration, 423, 0.0, Min_Expires=600)
    assert reply(registration, 423, 0.0, Min_Expires=1200).expires == 600
    assert isinstance(registration.next_event(), RegistrationFailed)


def test_stopping_takes_the_registration_back() -> None:
    registration = registered()
    registration.stop(10.0)
    registration.stop(10.0)
    assert reply(registration, 200, 10.0).expires == 0
    assert registration.next_event() == Unregistered()
    assert registration.next_timer() is None
    registration.start(20.0)
    assert sent(registration).expires == 300


def test_stopping_while_a_request_is_on_its_way_takes_back_what_it_may_have_made() -> None:
    registration = make()
    registration.start(0.0)
    request = sent(registration)
    registration.stop(0.1)
    assert registration.next_request() is None
    registration.receive_response(response_to(request, 200), 0.2)
    assert reply(registration, 200, 0.3).expires == 0
    assert registration.next_event() == Unregistered()


def test_stopping_ends_even_when_nobody_answers() -> None:
    registration = registered()
    registration.stop(10.0)
    sent(registration)
    registration.receive_failure(42.0)
    assert registration.next_event() == Unregistered()
    assert registration.state is State.IDLE


def test_a_stray_response_changes_nothing() -> None:
    registration = make()
    registration.start(0.0)
    request = sent(registration)
    stray = response_to(request, 200)
    stray.headers.set("CSeq", "99 REGISTER")
    registration.receive_response(stray, 0.0)
    registration.receive_response(response_to(request, 100), 0.0)
    assert registration.state is State.REGISTERING
    assert registration.next_event() is None


@pytest.mark.parametrize(("password", "succeeds"), [("pw", True), ("wrong", False)])
def test_our_registrar_takes_our_client_with_the_right_password_only(password: str, succeeds: bool) -> None:
    token = tokens()
    authenticator = Authenticator("carrier", {"site": "pw"}.get, Nonces(b"0123456789abcdef", token, lifetime_s=1000.0))
    registrar = Registrar(authenticator, token)
    registration = make(password=password)
    registration.start(0.0)
    now, requests = 0.0, 0
    while now < 2000.0:
        request = registration.next_request()
        while request is not None:
            requests += 1
            request.headers.prepend("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{requests};rport")
            received = parse(bytes(request))
            assert isinstance(received, Request)
            response = parse(bytes(registrar.receive_register(received, Hop("192.0.2.1", 5060), now)))
            registration.receive_response(response, now)  # type: ignore[arg-type]
            request = registration.next_request()
        due = registration.next_timer()
        assert due is not None
        now = due
        registration.handle_timer(now)
        registrar.handle_timer(now)
        if succeeds:
            assert len(registrar.bindings("site", now)) == 1
    assert isinstance(registration.next_event(), Registered if succeeds else RegistrationFailed)
    assert registration.is_registered == succeeds
    assert requests < 40
