"""A server's side of digest: what a hostile client tries."""

import itertools

import pytest

from softswitch.sip.authenticator import Authenticator, Nonces, NonceUse
from softswitch.sip.digest import Challenge, ClientDigest
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri

SECRET = b"a secret of some length"


def tokens() -> "itertools.count[int]":
    return itertools.count(1)


def make_nonces(**settings: float | int) -> Nonces:
    count = tokens()
    return Nonces(SECRET, lambda: f"t{next(count)}", **settings)  # type: ignore[arg-type]


def register(uri: str = "sip:switch.example") -> Request:
    request = Request("REGISTER", Uri.parse(uri))
    for name, value in [
        ("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
        ("From", "<sip:a@switch.example>;tag=1"),
        ("To", "<sip:a@switch.example>"),
        ("Call-ID", "c"),
        ("CSeq", "1 REGISTER"),
    ]:
        request.headers.add(name, value)
    return request


def test_a_nonce_is_good_once_for_each_count_until_it_expires() -> None:
    nonces = make_nonces(lifetime_s=10.0)
    nonce = nonces.issue(100.0)
    assert nonces.use(nonce, 1, 101.0) is NonceUse.FRESH
    assert nonces.use(nonce, 1, 101.0) is NonceUse.STALE
    assert nonces.use(nonce, 2, 101.0) is NonceUse.FRESH
    assert nonces.use(nonce, None, 101.0) is NonceUse.STALE
    assert nonces.use(nonce, 3, 110.0) is NonceUse.STALE


def test_a_nonce_that_we_never_gave_is_foreign() -> None:
    nonces = make_nonces()
    nonce = nonces.issue(100.0)
    assert nonces.use("1-" + nonce, 1, 100.0) is NonceUse.FOREIGN
    assert nonces.use("", 1, 100.0) is NonceUse.FOREIGN
    other = Nonces(b"another secret entirely", lambda: "t1")
    assert other.use(nonce, 1, 100.0) is NonceUse.FOREIGN


def test_a_nonce_that_was_forgotten_for_room_cannot_be_replayed() -> None:
    nonces = make_nonces(max_tracked=8)
    issued = [nonces.issue(float(second)) for second in range(20)]
    for second, nonce in enumerate(issued):
        assert nonces.use(nonce, 1, float(second)) is NonceUse.FRESH
    assert all(nonces.use(nonce, 1, 20.0) is NonceUse.STALE for nonce in issued)


def test_a_phone_that_answers_the_challenge_is_known_and_its_request_cannot_be_replayed() -> None:
    authenticator = Authenticator("switch", {"a": "pw"}.get, make_nonces())
    phone = ClientDigest("a", "pw", lambda: "cnonce")
    request = register()
    first = authenticator.check(request, 1.0)
    assert first.username is None
    challenge = authenticator.challenge(request, first, 1.0, to_tag="x")
    assert challenge.status == 401
    offered = [Challenge.parse(text) for text in challenge.headers.get_all("WWW-Authenticate")]
    assert [offer.algorithm for offer in offered] == ["SHA-256", "MD5"]
    assert phone.receive_challenge(challenge, request)
    phone.authorise(request)
    assert authenticator.check(request, 1.0).username == "a"
    replayed = authenticator.check(request, 1.0)
    assert (replayed.username, replayed.stale) == (None, True)
    assert phone.receive_challenge(authenticator.challenge(request, replayed, 1.0, to_tag="x"), request)


@pytest.mark.parametrize(("username", "password"), [("a", "wrong"), ("nobody", "pw")])
def test_a_wrong_password_and_an_unknown_user_get_the_same_answer_and_no_second_try(
    username: str, password: str
) -> None:
    authenticator = Authenticator("switch", {"a": "pw"}.get, make_nonces())
    phone = ClientDigest(username, password, lambda: "cnonce")
    request = register()
    assert phone.receive_challenge(
        authenticator.challenge(request, authenticator.check(request, 1.0), 1.0, to_tag="x"), request
    )
    phone.authorise(request)
    refused = authenticator.check(request, 1.0)
    assert (refused.username, refused.stale) == (None, False)
    assert not phone.receive_challenge(authenticator.challenge(request, refused, 1.0, to_tag="x"), request)


def test_credentials_for_another_target_do_not_count() -> None:
    authenticator = Authenticator("switch", {"a": "pw"}.get, make_nonces())
    phone = ClientDigest("a", "pw", lambda: "cnonce")
    request = register("sip:100@switch.example")
    phone.receive_challenge(
        authenticator.challenge(request, authenticator.check(request, 1.0), 1.0, to_tag="x"), request
    )
    phone.authorise(request)
    request.uri = Uri.parse("sip:999@switch.example")
    assert authenticator.check(request, 1.0).username is None
