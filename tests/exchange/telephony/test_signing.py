"""Keys and certificates of files, and nothing from anywhere else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from softswitch.errors import UsageError
from softswitch.exchange.telephony.signing import IdentitySigner, IdentityVerifier, es256_sign
from softswitch.sip.headers import Headers
from softswitch.sip.identity import Attestation
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri

X5U = "https://cert.example.org/shaken/a.pem"


def write_pair(folder: Path, *, days: int = 1, key=None) -> tuple[Path, Path]:
    """A key and its certificate; the certificate stands where its address has it."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SHAKEN")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    key_file, file = folder / "key.pem", folder / "certificates/cert.example.org/shaken/a.pem"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return key_file, file


def signed(key_file: Path, x5u: str = X5U) -> Request:
    request = Request("INVITE", Uri.parse("sip:+442079460958@b"), Headers([("From", "<sip:+442079460123@a>;tag=1")]))
    IdentitySigner(es256_sign(key_file), x5u, Attestation.A, lambda: "id")(request, "+442079460123")
    return request


def test_what_is_signed_with_a_key_is_verified_with_its_certificate(tmp_path: Path) -> None:
    key_file, file = write_pair(tmp_path)
    es256_sign(key_file, file)
    verify = IdentityVerifier(tmp_path / "certificates")
    assert verify(signed(key_file), False) == "TN-Validation-Passed"


def test_a_certificate_that_expired_or_is_not_there_verifies_nothing(tmp_path: Path) -> None:
    key_file, file = write_pair(tmp_path, days=-1)
    verify = IdentityVerifier(tmp_path / "certificates")
    assert verify(signed(key_file), False) == "No-TN-Validation"
    with pytest.raises(UsageError, match="expired"):
        es256_sign(key_file, file)
    assert verify(signed(key_file, "https://cert.example.org/other.pem"), False) == "No-TN-Validation"


def test_an_address_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    _, file = write_pair(tmp_path)
    (tmp_path / "a.pem").write_bytes(file.read_bytes())
    verifier = IdentityVerifier(tmp_path / "certificates")
    for x5u in ("https://cert.example.org/../../a.pem", "https://../a.pem", "file:///a.pem", "https:///../a.pem",
                "https://cert.example.org/%2e%2e/a.pem", "https://[", "https://cert.example.org/\x00"):  # fmt: skip
        assert verifier.certificate(x5u) is None
    assert verifier.certificate(X5U) is not None


def test_a_renewed_certificate_counts_at_once(tmp_path: Path) -> None:
    import os

    write_pair(tmp_path)
    verify = IdentityVerifier(tmp_path / "certificates")  # asked anew for each call
    old = verify(signed(tmp_path / "key.pem"), False)
    _, file = write_pair(tmp_path)
    os.utime(file, (1, 1))
    assert (old, verify(signed(tmp_path / "key.pem"), False)) == ("TN-Validation-Passed",) * 2


def test_keys_that_do_not_fit_are_refused_in_plain_words(tmp_path: Path) -> None:
    _, file = write_pair(tmp_path)
    (tmp_path / "other").mkdir()
    other, _ = write_pair(tmp_path / "other")
    with pytest.raises(UsageError, match="not that of the key"):
        es256_sign(other, file)
    write_pair(tmp_path, key=rsa.generate_private_key(65537, 2048))
    with pytest.raises(UsageError, match="P-256"):
        es256_sign(tmp_path / "key.pem")
    with pytest.raises(UsageError, match="cannot be read"):
        es256_sign(tmp_path / "nothing")
    with pytest.raises(UsageError, match="stir_x5u"):
        signed(other, "http://x/y")
