"""A server's side of digest: what a hostile client tries."""

import hmac
import itertools

import pytest

from softswitch.sip import digest
from softswitch.sip.authenticator import Authentication, Authenticator, Nonces, NonceUse
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


@pytest.mark.parametrize(
    ("target", "is_same"),
    [
        ("sip:999@switch.example", False),
        ("sip:100@elsewhere.example", False),
        ("sip:100@switch.example;transport=tcp", True),
        ("sip:100@switch.example;user=phone", True),
    ],
)
def test_credentials_for_another_target_do_not_count(target: str, is_same: bool) -> None:
    authenticator = Authenticator("switch", {"a": "pw"}.get, make_nonces())
    phone = ClientDigest("a", "pw", lambda: "cnonce")
    request = register("sip:100@switch.example")
    phone.receive_challenge(
        authenticator.challenge(request, authenticator.check(request, 1.0), 1.0, to_tag="x"), request
    )
    phone.authorise(request)
    request.uri = Uri.parse(target)
    assert (authenticator.check(request, 1.0).username == "a") is is_same


def try_password(
    authenticator: Authenticator, user: str, password: str, now: float, source: str, proof: bool = True
) -> Authentication:
    """One REGISTER with credentials, after the challenge that it needs."""
    phone = ClientDigest(user, password, lambda: "cnonce")
    request = register()
    asked = authenticator.challenge(request, Authentication(None), now, to_tag="x", source=source)
    assert phone.receive_challenge(asked, request)
    phone.authorise(request)
    return authenticator.check(request, now, source=source if proof else "203.0.113.99")


def test_guesses_at_one_user_end_after_five_and_the_wait_grows() -> None:
    authenticator = Authenticator("switch", {"a": "pw"}.get, make_nonces())
    for _ in range(5):
        assert try_password(authenticator, "a", "wrong", 0.0, "192.0.2.66").username is None
    assert try_password(authenticator, "a", "pw", 29.0, "192.0.2.66").username is None
    for _ in range(5):
        try_password(authenticator, "a", "wrong", 30.0, "192.0.2.66")
    assert try_password(authenticator, "a", "pw", 30.0 + 59.0, "192.0.2.66").username is None
    assert try_password(authenticator, "a", "pw", 30.0 + 61.0, "192.0.2.66").username == "a"


def test_whoever_guesses_at_a_user_does_not_shut_out_the_users_own_phone() -> None:
    authenticator = Authenticator("switch", {"a": "pw"}.get, make_nonces())
    for n in range(200):
        try_password(authenticator, "a", f"guess{n}", 0.0, f"192.0.2.{n % 50}")
    assert try_password(authenticator, "a", "pw", 0.0, "198.51.100.7").username == "a"


def test_a_source_that_tries_many_users_is_refused_but_for_phones_known_there() -> None:
    authenticator = Authenticator("switch", {"a": "pw", "b": "pw"}.get, make_nonces())
    assert try_password(authenticator, "a", "pw", 0.0, "192.0.2.66").username == "a"
    for n in range(20):
        try_password(authenticator, f"user{n}", "guess", 1.0, "192.0.2.66")
    assert try_password(authenticator, "b", "pw", 2.0, "192.0.2.66").username is None
    assert try_password(authenticator, "a", "pw", 2.0, "192.0.2.66").username == "a"
    assert try_password(authenticator, "b", "pw", 2.0, "192.0.2.67").username == "b"


def test_nobody_is_struck_for_what_another_sends_in_the_name_of_his_address() -> None:
    authenticator = Authenticator("switch", {"a": "pw"}.get, make_nonces())
    for _ in range(100):
        found = try_password(authenticator, "a", "wrong", 0.0, "192.0.2.66", proof=False)
        assert (found.username, found.stale) == (None, True)  # another's nonce: no password is looked at
    assert try_password(authenticator, "a", "pw", 0.0, "203.0.113.99").username == "a"


def test_a_nonce_of_nobody_is_no_oracle_for_passwords() -> None:
    """Stale is said whether the password is right or not, so guessing needs a nonce of ours, which counts."""
    authenticator = Authenticator("switch", {"a": "pw"}.get, make_nonces())
    answers = {try_password(authenticator, "a", word, 0.0, "192.0.2.66", proof=False) for word in ("pw", "wrong")}
    assert answers == {Authentication(None, stale=True)}


@pytest.mark.parametrize("state", ["asked", "locked", "foreign"])
def test_known_and_unknown_users_cost_the_same_hashes_and_get_the_same_answer(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work is counted, not time: every hash and every constant-time comparison that a request leads to."""
    work: list[str] = []
    md5, compare = digest._HASHES["MD5"], hmac.compare_digest
    monkeypatch.setitem(digest._HASHES, "MD5", lambda data: (work.append("md5"), md5(data))[1])
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: (work.append("compare"), compare(a, b))[1])
    seen = []
    for user in ("known", "nobody"):
        authenticator = Authenticator("switch", {"known": "pw"}.get, make_nonces(), algorithms=("MD5",))
        for _ in range(5 if state == "locked" else 0):
            try_password(authenticator, user, "wrong", 0.0, "192.0.2.66")
        work.clear()
        found = try_password(authenticator, user, "wrong", 1.0, "192.0.2.66", proof=state != "foreign")
        seen.append((found, [*work]))
    assert seen[0] == seen[1]
