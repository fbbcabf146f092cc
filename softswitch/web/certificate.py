"""TLS of the web: the site's own certificate, or one that we make for ourselves and renew in time."""

import ipaddress
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from softswitch.errors import UsageError

CERTIFICATE = "web.pem"
"""In the data directory: certificate and key of the web, self-made."""
KEY = "web.key"
VALID_FOR = timedelta(days=397)  # CA/Browser Forum BR §6.3.2: browsers take no longer ones
RENEWED_BEFORE = timedelta(days=30)


def self_made(folder: Path, address: str, now: datetime | None = None) -> tuple[Path, Path]:
    """Files with certificate and key for this address and host name; made anew shortly before they run out, or where
    the address is another. Raises UsageError where they cannot be written."""
    now = now or datetime.now(UTC)
    certificate, key = folder / CERTIFICATE, folder / KEY
    if not (certificate.is_file() and key.is_file() and _serves(certificate, address, now)):
        pem, private = _make(address, now)
        try:
            _write(key, private)
            _write(certificate, pem)
        except OSError as error:
            raise UsageError(f"web: the certificate cannot be written to {folder}: {error.strerror}") from error
    return certificate, key


def fingerprint(certificate: Path) -> str:
    """SHA-256, as browsers show it: people compare it before they trust a self-made certificate."""
    digest = x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256()).hex().upper()
    return ":".join(digest[start : start + 2] for start in range(0, len(digest), 2))


def _serves(path: Path, address: str, now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    in_time = certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - RENEWED_BEFORE
    return in_time and set(_names(address)) <= set(names)


def _names(address: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.DNSName(_host())]
    given = ipaddress.ip_address(address)
    addresses = {given, ipaddress.ip_address("127.0.0.1")}
    return names + [x509.IPAddress(each) for each in addresses if not each.is_unspecified]


def _host() -> str:
    host = socket.gethostname()
    return host if host.isascii() and host.replace("-", "").replace(".", "").isalnum() else "softswitch"


def _make(address: str, now: datetime) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"softswitch on {_host()}"[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName(_names(address)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
