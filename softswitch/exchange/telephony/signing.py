"""ES256 with keys and certificates from files, for signed identities (RFC 8224). Nothing is fetched from anywhere."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from softswitch.config import TrunkSettings
from softswitch.errors import UsageError
from softswitch.sip.identity import Attestation, Sign, Verify, caller_of, origin_url, sign_request, verify_identity
from softswitch.sip.message import Request
from softswitch.ua.accounts import CarrierAccount

_ECDSA = ec.ECDSA(SHA256())
_HALF = 32
MOST_CERTIFICATES = 500


def with_identity(account: CarrierAccount, trunk: TrunkSettings) -> CarrierAccount:
    """The account with what signs and verifies for it. Raises UsageError where its key cannot be used."""
    sign = verify = None
    if trunk.stir_key is not None:
        own_id = trunk.stir_origin_id.lower()
        sign = IdentitySigner(
            es256_sign(trunk.stir_key, trunk.stir_certificate),
            trunk.stir_x5u,
            trunk.attestation,
            lambda: own_id or str(uuid4()),
        )
    if trunk.stir_authorities is not None:
        verify = IdentityVerifier(trunk.stir_authorities)
    return replace(account, sign=sign, verify=verify)


class IdentitySigner:
    """Signs the INVITEs of one carrier account."""

    def __init__(self, sign: Sign, x5u: str, attestation: Attestation, new_origin_id: Callable[[], str]) -> None:
        """new_origin_id: a UUID; the same each time where all calls come into the network at one place."""
        self._sign = sign
        self._x5u = origin_url(x5u)
        self._attestation = attestation
        self._new_origin_id = new_origin_id
        self.unsigned = 0
        """Requests whose numbers have no international form."""

    def __call__(self, request: Request, caller: str) -> None:
        now = datetime.now(UTC)
        signed = sign_request(
            request,
            caller=caller,
            called=request.uri.decoded_user,
            iat=int(now.timestamp()),
            date=format_datetime(now, usegmt=True),
            attestation=self._attestation,
            origin_id=self._new_origin_id(),
            x5u=self._x5u,
            sign=self._sign,
        )
        self.unsigned += not signed


class IdentityVerifier:
    """Verifies the INVITEs that come in, with the certificates of a folder.

    The certificate of `https://cert.example.org/shaken/a.pem` is the file `cert.example.org/shaken/a.pem` there:
    whoever keeps the folder says whom to trust.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._known: dict[str, tuple[float, x509.Certificate]] = {}

    def __call__(self, request: Request, trusted: bool) -> str:
        """A verstat."""
        values = request.headers.get_all("Identity")
        verdict = verify_identity(
            values[0] if values else None,
            caller=caller_of(request, trusted=trusted),
            called=request.uri.decoded_user,
            now_s=datetime.now(UTC).timestamp(),
            certificate=self.certificate,
        )
        return str(verdict.verstat)

    def certificate(self, x5u: str) -> Verify | None:
        """None where the folder has no certificate for this address, or none that is valid today."""
        try:
            parts = urlsplit(x5u)
            path = (self._folder / (parts.hostname or "") / parts.path.lstrip("/")).resolve()
            if parts.scheme != "https" or not path.is_relative_to(self._folder) or not path.is_file():
                return None
            changed = path.stat().st_mtime
            known = self._known.get(x5u)
            if known is None or known[0] != changed:
                if len(self._known) >= MOST_CERTIFICATES:
                    self._known.clear()
                known = self._known[x5u] = changed, x509.load_pem_x509_certificate(path.read_bytes())
            certificate = known[1]
            key = certificate.public_key()
        except (OSError, ValueError, UnsupportedAlgorithm):
            return None
        valid = certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc
        return es256_verify(key) if valid and _is_p256(key) and isinstance(key, ec.EllipticCurvePublicKey) else None


def es256_sign(key_file: Path, certificate_file: Path | None = None) -> Sign:
    """Raises UsageError where the files hold no P-256 key, or a certificate of another one."""
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"the key {key_file} cannot be read: {type(error).__name__}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not _is_p256(key.public_key()):
        raise UsageError(f"the key {key_file} is no P-256 key: ES256 needs one (RFC 8225 §8)")
    if certificate_file is not None:
        try:
            certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        except (OSError, ValueError) as error:
            raise UsageError(f"the certificate {certificate_file} cannot be read: {type(error).__name__}") from error
        if certificate.public_key() != key.public_key():
            raise UsageError(f"the certificate {certificate_file} is not that of the key {key_file}")
        if certificate.not_valid_after_utc < datetime.now(UTC):
            raise UsageError(f"the certificate {certificate_file} has expired")
    private = key

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(data, _ECDSA))
        return r.to_bytes(_HALF) + s.to_bytes(_HALF)

    return sign


def es256_verify(key: ec.EllipticCurvePublicKey) -> Verify:
    def verify(data: bytes, signature: bytes) -> bool:
        if len(signature) != 2 * _HALF:
            return False
        r, s = int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:])
        try:
            key.verify(encode_dss_signature(r, s), data, _ECDSA)
        except (InvalidSignature, ValueError):
            return False
        return True

    return verify


def _is_p256(key: object) -> bool:
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
