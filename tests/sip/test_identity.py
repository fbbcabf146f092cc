"""Who calls: asserted, withheld and signed."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from softswitch.errors import PeerError
from softswitch.exchange.telephony.signing import es256_verify
from softswitch.sip.identity import (
    Attestation,
    IdentityStyle,
    Passport,
    SignedIdentity,
    Verstat,
    caller_of,
    canonical_json,
    canonical_number,
    identity_value,
    present,
    sign_request,
    signing_input,
    verify_identity,
)
from softswitch.sip.message import Request
from softswitch.sip.parser import parse
from softswitch.sip.uri import Uri

MALFORMED = Path(__file__).parents[3] / "shared/vectors/malformed"
X5U = "https://cert.example.org/passport.cer"
NOW = 1_790_000_000
ORIGIN_ID = "123e4567-e89b-12d3-a456-426655440000"
KEY = ec.generate_private_key(ec.SECP256R1())


def sign(data: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    r, s = decode_dss_signature(KEY.sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def passport(**changed: object) -> Passport:
    values = {"caller": "442079460123", "called": ("442079460958",), "iat": NOW, "attestation": Attestation.A,
              "origin_id": ORIGIN_ID, "x5u": X5U}  # fmt: skip
    return Passport(**{**values, **changed})  # type: ignore[arg-type]


def verified(value: str | None, *, caller="+442079460123", called="+44 20 7946 0958", now=NOW, key=KEY):
    certificate = es256_verify(key.public_key())
    return verify_identity(
        value, caller=caller, called=called, now_s=now, certificate=lambda x5u: certificate if x5u == X5U else None
    )


def invite(*headers: tuple[str, object]) -> Request:
    return Request(
        "INVITE", Uri.parse("sip:+442079460958@b"), headers_of(("From", "<sip:+442079460123@a>;tag=1"), *headers)
    )


def headers_of(*items: tuple[str, object]):
    from softswitch.sip.headers import Headers

    return Headers(items)


def test_the_example_of_rfc_8225_appendix_a_is_serialised_as_there() -> None:
    header = {"typ": "passport", "alg": "ES256", "x5u": X5U}
    payload = {"orig": {"tn": "12155551212"}, "dest": {"uri": ["sip:alice@example.com"]}, "iat": 1471375418}
    assert canonical_json(payload) == (
        b'{"dest":{"uri":["sip:alice@example.com"]},"iat":1471375418,"orig":{"tn":"12155551212"}}'
    )
    assert signing_input(header, payload).decode() == (
        "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9."
        "eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUx"
        "MjEyIn19"
    )


def test_the_example_of_rfc_8588_is_serialised_as_there() -> None:
    claims = passport(caller="12155551212", called=("12125551213",), iat=1443208345)
    header, payload = claims.signing_input().split(b".")
    parts = [SignedIdentity.parse(identity_value(claims, sign)).passport, claims]
    assert parts[0] == parts[1]
    import base64

    assert base64.urlsafe_b64decode(header + b"==") == (
        b'{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://cert.example.org/passport.cer"}'
    )
    assert base64.urlsafe_b64decode(payload + b"==") == (
        b'{"attest":"A","dest":{"tn":["12125551213"]},"iat":1443208345,"orig":{"tn":"12155551212"},'
        b'"origid":"123e4567-e89b-12d3-a456-426655440000"}'
    )


def test_a_signed_identity_is_verified() -> None:
    verdict = verified(identity_value(passport(), sign))
    assert (verdict.verstat, verdict.attestation, verdict.status) == (Verstat.PASSED, Attestation.A, 0)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"now": NOW + 61}, 403),
        ({"now": NOW - 61}, 403),
        ({"called": "+442079460959"}, 438),
        ({"caller": "+442079460124"}, 438),
        ({"caller": ""}, 438),
        ({"key": ec.generate_private_key(ec.SECP256R1())}, 438),
    ],
)
def test_an_identity_of_another_call_time_or_signer_fails(changed: dict[str, object], status: int) -> None:
    verdict = verified(identity_value(passport(), sign), **changed)
    assert (verdict.verstat, verdict.status) == (Verstat.FAILED, status)


def test_a_caller_without_a_number_is_not_vouched_for_by_a_token_without_one() -> None:
    value = value_of(payload={"orig": {"tn": ""}, "dest": {"tn": [""]}})
    assert verified(value, caller="anonymous", called="reception").verstat is Verstat.FAILED


def test_without_an_identity_or_its_certificate_nothing_is_said() -> None:
    assert verified(None).verstat is Verstat.NONE
    assert verified(identity_value(passport(x5u="https://elsewhere.example/x"), sign)).verstat is Verstat.NONE


@given(st.data())
def test_no_change_of_a_token_goes_unnoticed(data: st.DataObject) -> None:
    value = identity_value(passport(), sign)
    token, _, rest = value.partition(";")
    position = data.draw(st.integers(0, len(token) - 1))
    sign_there = data.draw(st.sampled_from("ABCxyz019-_.=~ \x00"))
    changed = token[:position] + sign_there + token[position + 1 :]
    if changed != token:
        assert verified(f"{changed};{rest}").verstat is not Verstat.PASSED


@given(st.text(max_size=200) | st.text('eyJ.;=<>" {}', max_size=80))
def test_no_text_makes_the_verification_fail_with_an_error(text: str) -> None:
    assert verified(text).verstat is not Verstat.PASSED
    assert verified(f"{text};info=<{X5U}>").verstat is not Verstat.PASSED


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                           lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))  # fmt: skip  # noqa: E501


@given(st.dictionaries(st.sampled_from(["attest", "dest", "iat", "orig", "origid"]), json_values), st.booleans())
def test_claims_of_another_kind_are_refused_though_they_are_signed(changed: dict[str, object], drop: bool) -> None:
    header, payload = (json.loads(part) for part in map(_decoded, passport().signing_input().decode().split(".")))
    claims = {name: value for name, value in {**payload, **changed}.items() if not (drop and name in changed)}
    signed = signing_input(header, claims)
    value = f"{signed.decode()}.{_encoded(sign(signed))};info=<{X5U}>;alg=ES256;ppt=shaken"
    if claims != payload:
        verdict = verified(value)
        assert verdict.verstat is not Verstat.PASSED or claims.keys() == payload.keys()


def _decoded(part: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(part + "==")


def _encoded(data: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def value_of(
    header: dict[str, object] | None = None, payload: dict[str, object] | None = None, params: str = ""
) -> str:
    own_header, own_payload = (json.loads(_decoded(part)) for part in passport().signing_input().decode().split("."))
    signed = signing_input({**own_header, **(header or {})}, {**own_payload, **(payload or {})})
    return f"{signed.decode()}.{_encoded(sign(signed))}{params or f';info=<{X5U}>;alg=ES256;ppt=shaken'}"


@pytest.mark.parametrize(
    ("value", "verstat"),
    [
        (value_of(payload={"iat": NOW + 3600}), Verstat.FAILED),  # from the future
        (value_of(payload={"iat": NOW - 3600}), Verstat.FAILED),  # stale
        (value_of(payload={"iat": str(NOW)}), Verstat.FAILED),
        (value_of(payload={"iat": True}), Verstat.FAILED),
        (value_of(payload={"iat": 10**400}), Verstat.FAILED),
        (value_of(payload={"attest": "D"}), Verstat.FAILED),
        (value_of(payload={"attest": ["A"]}), Verstat.FAILED),
        (value_of(payload={"origid": None}), Verstat.FAILED),
        (value_of(payload={"dest": {"tn": []}}), Verstat.FAILED),
        (value_of(payload={"dest": {"tn": "442079460958"}}), Verstat.FAILED),
        (value_of(payload={"orig": {"tn": ["442079460123"]}}), Verstat.FAILED),
        (value_of(header={"alg": "none"}), Verstat.NONE),
        (value_of(header={"alg": "HS256"}), Verstat.NONE),
        (value_of(header={"ppt": "div"}), Verstat.NONE),
        (value_of(header={"x5u": "https://other.example/a"}), Verstat.FAILED),
        (value_of(params=";alg=ES256;ppt=shaken"), Verstat.FAILED),
        (value_of(params=f";info=<{X5U}>;alg=RS256"), Verstat.NONE),
        (value_of(params=f";info={X5U}"), Verstat.FAILED),
        (value_of(params=f";info=<{X5U}>;info=<{X5U}>"), Verstat.FAILED),
        ("..c2ln;info=<" + X5U + ">;alg=ES256;ppt=shaken", Verstat.FAILED),  # compact form
        ("a" * 9000 + ";info=<x>", Verstat.FAILED),
    ],
)
def test_each_class_of_bad_identity_is_told(value: str, verstat: Verstat) -> None:
    assert verified(value).verstat is verstat


def test_the_malformed_identity_of_the_vectors_is_no_identity() -> None:
    request = parse((MALFORMED / "identity-no-semicolon.dat").read_bytes())
    value = request.headers.get("Identity")
    assert value is not None
    with pytest.raises(PeerError) as refused:
        SignedIdentity.parse(value)
    assert refused.value.status == 438
    assert verified(value).verstat is Verstat.FAILED


def test_a_request_is_signed_for_its_caller_and_callee() -> None:
    request = invite()
    arguments = {"iat": NOW, "date": "Sun, 22 Nov 2026 06:00:00 GMT", "attestation": Attestation.B,
                 "origin_id": ORIGIN_ID, "x5u": X5U, "sign": sign}  # fmt: skip
    assert sign_request(request, caller="+442079460123", called="+442079460958", **arguments)
    assert request.headers.get("Date") == "Sun, 22 Nov 2026 06:00:00 GMT"
    assert verified(request.headers.get("Identity")).attestation is Attestation.B
    assert not sign_request(invite(), caller="anonymous", called="+442079460958", **arguments)


@pytest.mark.parametrize(
    ("text", "number"),
    [("+44 (20) 7946-0123", "442079460123"), ("00442079460123", "442079460123"), ("alice", ""), ("+", ""), ("1+2", ""),
     ("1" * 16, ""), ("*67#", "")],
)  # fmt: skip
def test_a_number_has_one_canonical_form(text: str, number: str) -> None:
    assert canonical_number(text) == number


@pytest.mark.parametrize(
    ("style", "asserted", "preferred"),
    [
        (IdentityStyle.FROM, None, None),
        (IdentityStyle.PAI, "<sip:+442079460123@a>", None),
        (IdentityStyle.PPI, None, "<sip:+442079460123@a>"),
        (IdentityStyle.NONE, None, None),
    ],
)
def test_a_carrier_is_told_the_caller_in_its_own_way(style: IdentityStyle, asserted: str, preferred: str) -> None:
    request = invite()
    present(request, style, Uri.parse("sip:+442079460123@a"))
    assert request.headers.get("P-Asserted-Identity") == asserted
    assert request.headers.get("P-Preferred-Identity") == preferred
    assert "Privacy" not in request.headers
    present(request, style, Uri.parse("sip:+442079460123@a"), withheld=True)
    assert request.headers.get("Privacy") == "id"


def test_an_asserted_identity_counts_only_where_it_is_trusted() -> None:
    request = invite(("P-Asserted-Identity", '"x" <tel:+441632960001>, <sip:+441632960001@c>'))
    assert caller_of(request, trusted=True) == "+441632960001"
    assert caller_of(request, trusted=False) == "+442079460123"


def test_a_withheld_caller_is_nobody() -> None:
    asserted = ("P-Asserted-Identity", "<tel:+441632960001>")
    assert caller_of(invite(asserted, ("Privacy", "critical;id")), trusted=True) == ""
    anonymous = Request("INVITE", Uri.parse("sip:a@b"), headers_of(("From", "<sip:anonymous@Anonymous.Invalid>;tag=1")))
    assert caller_of(anonymous, trusted=False) == ""


def test_an_unreadable_asserted_identity_is_passed_over() -> None:
    request = invite(("P-Asserted-Identity", "<<"), ("P-Asserted-Identity", "<tel:+441632960001>"))
    assert caller_of(request, trusted=True) in ("+441632960001", "+442079460123")
