"""Digest: the RFCs' own figures, then what a hostile client tries."""

import itertools
import json
from pathlib import Path

import pytest

from softswitch.errors import PeerError
from softswitch.sip.digest import (
    Authenticator,
    Challenge,
    ClientDigest,
    Credentials,
    Nonces,
    NonceUse,
    answer,
    response_hash,
    verify,
)
from softswitch.sip.message import Request, response_to
from softswitch.sip.uri import Uri

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "digest" / "vectors.json"
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


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors lie beside a checkout only")
@pytest.mark.parametrize("name", ["rfc2617_3.5", "rfc7616_3.9.1_md5", "rfc7616_3.9.1_sha256"])
def test_the_rfcs_own_examples_come_out(name: str) -> None:
    vector = json.loads(VECTORS.read_text())[name]
    credentials = Credentials(
        vector["username"], vector["realm"], vector["nonce"], vector["uri"], vector["response"],
        vector["algorithm"], vector["qop"], vector["cnonce"], int(vector["nc"], 16),
    )  # fmt: skip
    assert response_hash(credentials, vector["password"], vector["method"]) == vector["response"]
    assert verify(credentials, vector["password"], vector["method"])
    assert not verify(credentials, vector["password"] + "x", vector["method"])


def test_the_form_without_qop_is_rfc_2069s() -> None:
    # RFC 2069 §2.4 as corrected by its erratum 749
    credentials = Credentials(
        "Mufasa", "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "/dir/index.html",
        "1949323746fe6a43ef61f9606e7febea",
    )  # fmt: skip
    assert verify(credentials, "CircleOfLife", "GET")


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
@pytest.mark.parametrize("qop", [(), ("auth",), ("auth-int",), ("auth", "auth-int")])
def test_what_the_client_answers_the_server_believes(algorithm: str, qop: tuple[str, ...]) -> None:
    challenge = Challenge.parse(str(Challenge('a "realm"', "n", algorithm, qop, "o")))
    assert challenge == Challenge('a "realm"', "n", algorithm, qop, "o")
    credentials = Credentials.parse(answer(challenge, "user", "pw", "INVITE", "sip:x@y", "c", 3, b"body"))
    assert credentials is not None
    assert verify(credentials, "pw", "INVITE", b"body")
    assert not verify(credentials, "pw", "BYE", b"body")
    assert verify(credentials, "pw", "INVITE", b"other") == (qop != ("auth-int",))


@pytest.mark.parametrize(
    "text",
    [
        "Digest",
        'Digest username="a"',
        'Digest username="a", realm="r", nonce="n", uri="u", response="x", qop=auth',
        'Digest username="a", realm="r", nonce="n", uri="u", response="x", qop=auth, nc=zzzzzzzz, cnonce="c"',
        'Digest username="a", username="b", realm="r", nonce="n", uri="u", response="x"',
        'Digest username="a, realm="r"',
    ],
)
def test_incomplete_credentials_are_a_bad_request(text: str) -> None:
    with pytest.raises(PeerError) as refused:
        Credentials.parse(text)
    assert refused.value.status == 400


def test_another_scheme_counts_as_no_credentials() -> None:
    assert Credentials.parse("NoOneKnowsThisScheme opaque-data=here") is None


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


def test_a_challenge_for_a_foreign_realm_is_never_answered() -> None:
    phone = ClientDigest("a", "pw", lambda: "cnonce", realm="trunk")
    request = register()
    leak = response_to(request, 407, headers=[("Proxy-Authenticate", 'Digest realm="evil", nonce="x"')])
    assert not phone.receive_challenge(leak, request)
    phone.authorise(request)
    assert "Proxy-Authorization" not in request.headers


def test_a_server_that_finds_every_nonce_stale_is_not_asked_for_ever() -> None:
    phone = ClientDigest("a", "pw", lambda: "cnonce")
    request = register()
    stale = response_to(request, 401, headers=[("WWW-Authenticate", 'Digest realm="r", nonce="x", stale=true')])
    tries = 0
    while phone.receive_challenge(stale, request):
        phone.authorise(request)
        tries += 1
        assert tries < 10


@pytest.mark.parametrize("text", ["Basic realm=x", 'Digest realm="r", nonce="n", algorithm=SHA-1', 'Digest nonce="n"'])
def test_a_challenge_that_cannot_be_answered_is_not_parsed(text: str) -> None:
    with pytest.raises(PeerError):
        Challenge.parse(text)
