"""Digest: the RFCs' own figures, and what a client answers."""

import json
from pathlib import Path

import pytest

from softswitch.errors import PeerError
from softswitch.sip.digest import Challenge, ClientDigest, Credentials, RealmPin, answer, response_hash, verify
from softswitch.sip.message import Request, response_to
from softswitch.sip.uri import Uri

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "digest" / "vectors.json"


def register() -> Request:
    request = Request("REGISTER", Uri.parse("sip:switch.example"))
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


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256"])
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


def test_a_nonce_that_has_worn_out_is_taken_anew_though_the_server_does_not_call_it_stale() -> None:
    phone = ClientDigest("a", "pw", lambda: "cnonce")

    def asked(nonce: str) -> bool:
        request = register()
        phone.authorise(request)
        challenge = ("WWW-Authenticate", f'Digest realm="r", nonce="{nonce}", qop="auth"')
        return phone.receive_challenge(response_to(request, 401, headers=[challenge]), request)

    assert asked("first")
    phone.authorise(register())  # taken: the server has said 200
    assert asked("second"), "the refresh came too late for the first"
    assert not asked("third"), "a fresh nonce was refused: the password is wrong"


@pytest.mark.parametrize("text", ["Basic realm=x", 'Digest realm="r", nonce="n", algorithm=SHA-1', 'Digest nonce="n"'])
def test_a_challenge_that_cannot_be_answered_is_not_parsed(text: str) -> None:
    with pytest.raises(PeerError):
        Challenge.parse(text)


def test_sha_512_256_is_the_hash_of_fips_180_4() -> None:
    from softswitch.sip import digest

    if "SHA-512-256" not in digest._HASHES:
        pytest.skip("this Python's OpenSSL has no SHA-512/256")
    found = digest._HASHES["SHA-512-256"](b"abc").hexdigest()
    assert found == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"


def test_a_far_end_that_challenges_our_bye_teaches_no_realm() -> None:
    phone = ClientDigest("a", "pw", lambda: "cnonce")
    bye = register()
    bye.method = "BYE"
    bye.headers.set("To", "<sip:b@far.example>;tag=theirs")
    leak = response_to(bye, 407, headers=[("Proxy-Authenticate", 'Digest realm="trunk", nonce="x"')])
    assert not phone.receive_challenge(leak, bye)
    phone.authorise(bye)
    assert "Proxy-Authorization" not in bye.headers


def test_the_realm_that_a_registration_was_asked_by_is_the_only_one_for_the_accounts_calls() -> None:
    pin = RealmPin()
    registration, call = (ClientDigest("a", "pw", lambda: "cnonce", realm=pin) for _ in range(2))
    request = register()
    asked = response_to(request, 401, headers=[("WWW-Authenticate", 'Digest realm="trunk", nonce="x"')])
    assert registration.receive_challenge(asked, request)
    invite = register()
    far_end = response_to(invite, 407, headers=[("Proxy-Authenticate", 'Digest realm="callee", nonce="x"')])
    assert not call.receive_challenge(far_end, invite)
    assert call.receive_challenge(response_to(invite, 401, headers=[*asked.headers.items()][-1:]), invite)


def test_a_proxy_and_the_server_behind_it_are_both_answered() -> None:
    caller = ClientDigest("a", "pw", lambda: "cnonce", realm="trunk")
    first = register()
    server = response_to(first, 401, headers=[("WWW-Authenticate", 'Digest realm="trunk", nonce="s", qop="auth"')])
    assert caller.receive_challenge(server, first)
    second = register()
    caller.authorise(second)
    proxy = response_to(second, 407, headers=[("Proxy-Authenticate", 'Digest realm="trunk", nonce="p", qop="auth"')])
    assert caller.receive_challenge(proxy, second)
    third = register()
    caller.authorise(third)
    said = [Credentials.parse(third.headers.get(name) or "") for name in ("Authorization", "Proxy-Authorization")]
    assert [(each.nonce, each.nc) for each in said if each is not None] == [("s", 2), ("p", 1)]
