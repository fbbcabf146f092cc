"""Who calls: asserted identities and privacy (RFC 3325, 3323), and signed ones (STIR/SHAKEN: RFC 8224, 8225, 8588).

Nothing here knows a key: who signs or verifies passes in a function that does it over bytes.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias, TypeGuard

from softswitch.errors import PeerError, UsageError
from softswitch.sip.grammar import parse_params
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri
from softswitch.sip.values import NameAddr

Sign: TypeAlias = Callable[[bytes], bytes]
"""Bytes to their ES256 signature: 64 octets, r and s (RFC 7518 §3.4)."""
Verify: TypeAlias = Callable[[bytes, bytes], bool]
"""Bytes and a signature over them to whether it is right."""

ANONYMOUS: Final = NameAddr(Uri("sip", "anonymous", "anonymous.invalid"), "Anonymous")  # RFC 3323 §4.1.1.3
FRESH_S: Final = 60  # RFC 8224 §5.2.1
MAX_IDENTITY_LENGTH: Final = 8192  # ours; a SHAKEN header has about 600
MAX_DESTINATIONS: Final = 50  # ours
_LATEST: Final = 2**40
_LONGEST_ORIGIN_ID: Final = 128
_ALGORITHM: Final = "ES256"
_SHAKEN: Final = "shaken"
_SEPARATORS: Final = re.compile(r"[-.() ]+")
_NUMBER: Final = re.compile(r"(?:\+|00)?([0-9]{3,15})")
_ANGLED = re.compile(r"<([^<>\x00-\x20]{1,1024})>")


class IdentityStyle(StrEnum):
    """How a carrier wants to be told the caller id."""

    FROM = "from"
    """In From alone."""
    PAI = "pai"
    """Also in P-Asserted-Identity: the carrier trusts what we assert (RFC 3325 §9.1)."""
    PPI = "ppi"
    """Also in P-Preferred-Identity: the carrier checks which of our identities it asserts (§9.2)."""
    NONE = "none"
    """Not at all: From names the account, and the carrier presents the account's own number."""


class Attestation(StrEnum):
    """How well the signer knows the caller (RFC 8588 §4)."""

    A = "A"
    """Full: who calls is known, and may present this number."""
    B = "B"
    """Partial: who calls is known."""
    C = "C"
    """Gateway: neither."""


class Verstat(StrEnum):
    """What a verification came to (ATIS-1000074 §5.3.1; 3GPP TS 24.229 §7.2A.20)."""

    PASSED = "TN-Validation-Passed"
    FAILED = "TN-Validation-Failed"
    NONE = "No-TN-Validation"


# Asserted identities


def present(request: Request, style: IdentityStyle, caller: Uri, *, withheld: bool = False) -> None:
    """Write into a request to a carrier who calls. From is its maker's."""
    if style is IdentityStyle.PAI:
        request.headers.set("P-Asserted-Identity", NameAddr(caller))
    elif style is IdentityStyle.PPI:
        request.headers.set("P-Preferred-Identity", NameAddr(caller))
    if withheld:
        request.headers.set("Privacy", "id")  # RFC 3325 §9.3


def caller_of(request: Request, *, trusted: bool) -> str:
    """The user part that names the caller; empty where it is withheld.

    trusted: the request comes from our trust domain, so that P-Asserted-Identity is believed (RFC 3325 §5). From
    anybody else it is only what somebody says.
    """
    privacy = {value.strip(" \t").lower() for value in (request.headers.get("Privacy") or "").split(";")}
    if privacy & {"id", "user", "full"}:  # "id": whoever may see it, those who answer may not (RFC 3325 §9.3)
        return ""
    if trusted:
        for value in request.headers.get_all("P-Asserted-Identity"):
            try:
                uri = NameAddr.parse(value).uri
            except PeerError:
                continue
            if uri.scheme in ("sip", "sips", "tel"):
                return uri.number
    uri = request.from_.uri
    return "" if uri.host.lower() == ANONYMOUS.uri.host else uri.number


# Signed identities


def canonical_number(text: str) -> str:
    """A telephone number as PASSporTs spell it (RFC 8224 §8.3), digits from the country's code; empty: it is none."""
    found = _NUMBER.fullmatch(_SEPARATORS.sub("", text))
    return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Passport:
    """What a SHAKEN token claims: who calls whom, when, and how well the signer knows it."""

    caller: str
    """Canonical number."""
    called: tuple[str, ...]
    iat: int
    """Seconds since the epoch."""
    attestation: Attestation
    origin_id: str
    """UUID of whence the call came into the network (RFC 8588 §5)."""
    x5u: str
    """Where the signer's certificate is to be had."""

    def signing_input(self) -> bytes:
        """Header and payload as they are signed: canonical JSON (RFC 8225 §9), base64url, joined by a dot."""
        header = {"alg": _ALGORITHM, "ppt": _SHAKEN, "typ": "passport", "x5u": self.x5u}
        payload = {
            "attest": str(self.attestation),
            "dest": {"tn": list(self.called)},
            "iat": self.iat,
            "orig": {"tn": self.caller},
            "origid": self.origin_id,
        }
        return signing_input(header, payload)


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no blanks (RFC 8225 §9.1)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signing_input(header: Mapping[str, Any], payload: Mapping[str, Any]) -> bytes:
    return b".".join((_encoded(canonical_json(header)), _encoded(canonical_json(payload))))


def identity_value(passport: Passport, sign: Sign) -> str:
    """The value of an Identity header (RFC 8224 §4)."""
    signed = passport.signing_input()
    token = b".".join((signed, _encoded(sign(signed)))).decode("ascii")
    return f"{token};info=<{passport.x5u}>;alg={_ALGORITHM};ppt={_SHAKEN}"


def sign_request(
    request: Request,
    *,
    caller: str,
    called: str,
    iat: int,
    date: str,
    attestation: Attestation,
    origin_id: str,
    x5u: str,
    sign: Sign,
) -> bool:
    """Put Date and Identity on a request; False where a number has no canonical form, and so cannot be signed for.

    iat, date: the same moment, as seconds since the epoch and as SIP spells it (RFC 3261 §20.17).
    """
    numbers = canonical_number(caller), canonical_number(called)
    if not all(numbers):
        return False
    passport = Passport(numbers[0], (numbers[1],), iat, attestation, origin_id, x5u)
    request.headers.set("Date", date)
    request.headers.set("Identity", identity_value(passport, sign))
    return True


@dataclass(frozen=True, slots=True)
class SignedIdentity:
    """An Identity header that has the form of one; whether it is true is `verify_identity`'s to say."""

    signed: bytes
    """What the signature is over."""
    signature: bytes
    passport: Passport

    @classmethod
    def parse(cls, value: str) -> "SignedIdentity":
        """Raises PeerError(438) for whatever is no full-form SHAKEN identity, 437 for what we cannot verify."""
        if len(value) > MAX_IDENTITY_LENGTH or not value.isascii():
            raise PeerError("an identity is too long", 438)
        token, semicolon, params_text = value.strip(" \t").partition(";")
        if not semicolon:
            raise PeerError("an identity lacks its parameters", 438)
        try:
            params = parse_params(semicolon + params_text)
        except PeerError as error:
            raise PeerError("an identity's parameters are malformed", 438) from error
        info = _ANGLED.fullmatch(params.get("info") or "")
        if info is None:
            raise PeerError("an identity does not say where its certificate is", 436)
        if (params.get("alg") or _ALGORITHM).strip('"') != _ALGORITHM:
            raise PeerError("an identity is signed in a way that is not known here", 437)
        pieces = token.strip(" \t").split(".")
        if len(pieces) != 3 or not all(pieces):
            raise PeerError("an identity is no token in full form", 438)
        header, payload = _object(pieces[0]), _object(pieces[1])
        if header.get("alg") != _ALGORITHM or header.get("typ") != "passport":
            raise PeerError("an identity is signed in a way that is not known here", 437)
        if header.get("ppt") != _SHAKEN or (params.get("ppt") or _SHAKEN).strip('"') != _SHAKEN:
            raise PeerError("an identity is of a kind that is not known here", 437)
        if header.get("x5u") != info[1]:
            raise PeerError("an identity names two certificates", 438)
        signature = _decoded(pieces[2])
        if len(signature) != 64:
            raise PeerError("an identity's signature is of a wrong length", 438)
        return cls(f"{pieces[0]}.{pieces[1]}".encode(), signature, _claims(payload, info[1]))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification came to."""

    verstat: Verstat
    attestation: Attestation | None = None
    """Where it passed."""
    status: int = 0
    """What RFC 8224 §6.2.2 would answer with; 0 where nothing is wrong."""


def verify_identity(
    value: str | None, *, caller: str, called: str, now_s: float, certificate: Callable[[str], Verify | None]
) -> Verdict:
    """Whether an Identity header's value is fresh, true, and about this call (RFC 8224 §6.2). Never raises.

    now_s: seconds since the epoch.  certificate: for an x5u what verifies with its certificate; None: not to be had.
    """
    if value is None:
        return Verdict(Verstat.NONE, status=428)
    try:
        identity = SignedIdentity.parse(value)
    except PeerError as error:
        return Verdict(Verstat.NONE if error.status == 437 else Verstat.FAILED, status=error.status)
    claims = identity.passport
    if abs(now_s - claims.iat) > FRESH_S:
        return Verdict(Verstat.FAILED, status=403)
    if claims.caller != canonical_number(caller) or canonical_number(called) not in claims.called:
        return Verdict(Verstat.FAILED, status=438)
    verify = certificate(claims.x5u)
    if verify is None:
        return Verdict(Verstat.NONE, status=436)
    if not verify(identity.signed, identity.signature):
        return Verdict(Verstat.FAILED, status=438)
    return Verdict(Verstat.PASSED, claims.attestation)


def _claims(payload: dict[str, Any], x5u: str) -> Passport:
    """Raises PeerError(438) where a claim is missing or of another kind."""
    caller, dest, iat = _member(payload, "orig").get("tn"), _member(payload, "dest").get("tn"), payload.get("iat")
    attest, origin_id = payload.get("attest"), payload.get("origid")
    if (
        not _is_number(caller)
        or not isinstance(dest, list)
        or not 0 < len(dest) <= MAX_DESTINATIONS
        or not all(_is_number(each) for each in dest)
        or type(iat) is not int
        or not 0 < iat < _LATEST
        or attest not in tuple(Attestation)
        or not isinstance(origin_id, str)
        or len(origin_id) > _LONGEST_ORIGIN_ID
    ):
        raise PeerError("an identity's claims are malformed", 438)
    return Passport(caller, tuple(dest), iat, Attestation(attest), origin_id, x5u)


def _is_number(value: object) -> TypeGuard[str]:
    """Whether a claim is a number in its canonical form."""
    return isinstance(value, str) and value != "" and canonical_number(value) == value


def _member(payload: dict[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, dict) else {}


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(_decoded(text))
    except (ValueError, RecursionError) as error:
        raise PeerError("an identity holds no JSON", 438) from error
    if not isinstance(value, dict):
        raise PeerError("an identity holds no JSON object", 438)
    return value


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _decoded(text: str) -> bytes:
    """base64url without padding (RFC 7515 §2)."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise PeerError("an identity is not base64url", 438) from error
    if _encoded(data) != text.encode():  # bits that nobody signed
        raise PeerError("an identity is not base64url", 438)
    return data


def origin_url(text: str) -> str:
    """An x5u as it may stand in a header. Raises UsageError."""
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?/[\x21\x23-\x3b\x3d\x3f-\x7e]*", text):
        raise UsageError("stir_x5u must be the https address of the certificate")
    return text
