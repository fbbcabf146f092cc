"""The key that signs the audit log (Ed25519, RFC 8032): a file's, a systemd credential, or the site's own."""

import os
import stat
from pathlib import Path

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from softswitch.durable import write_new
from softswitch.errors import UsageError

CREDENTIAL = "audit-signing-key"
"""Name under which systemd hands it over: LoadCredential=audit-signing-key:/etc/softswitch/audit.key"""
OWN = "audit.key"
"""In the data directory, made at the first start where the site names no key."""
KEYGEN = "softswitch audit keygen"
_BYTES = 32
_HEAD = (
    "# Signs a softswitch site's audit log (Ed25519). Whoever has it can write the log anew: it belongs to the site's\n"
    "# process alone, on another disk than the log. The auditor keeps the public key.\n"
)


class AuditKey:
    """A private key, and what is done with it."""

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(seed)
        self.public: str = self._key.verify_key.encode().hex()

    def __repr__(self) -> str:
        return f"AuditKey({self.public})"

    def sign(self, message: bytes) -> str:
        return self._key.sign(message).signature.hex()

    @classmethod
    def make(cls, path: Path) -> "AuditKey":
        """A new key, written into a new file for its owner alone. Raises UsageError where there is a file already."""
        key = SigningKey.generate()
        try:
            write_new(path, _HEAD + key.encode().hex() + "\n")
        except FileExistsError:
            raise UsageError(f"{path} exists, and keys are never written over: name another file") from None
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from error
        return cls(key.encode())

    @classmethod
    def read(cls, path: Path) -> "AuditKey":
        """Raises UsageError where others may read it, or where it is none."""
        try:
            mode, text = path.stat().st_mode, path.read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise UsageError(
                f"the audit log's key {path} cannot be read: {getattr(error, 'strerror', 'no text')}"
            ) from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UsageError(f"the audit log's key {path} can be read by others on this machine: chmod 600 {path}")
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        seed = _octets(lines[0], _BYTES) if len(lines) == 1 else None
        if seed is None:
            raise UsageError(f"{path} holds no key for an audit log; `{KEYGEN}` makes one")
        return cls(seed)


def find_key(named: Path | None, data_directory: Path) -> AuditKey:
    """The site's key: the one that its file names, else systemd's, else the site's own. Raises UsageError."""
    return known_key(named, data_directory) or AuditKey.make(data_directory / OWN)


def known_key(named: Path | None, data_directory: Path) -> AuditKey | None:
    """The same; None where the site has none yet."""
    if named is not None:
        return AuditKey.read(named)
    credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if credentials and (Path(credentials) / CREDENTIAL).is_file():
        return AuditKey.read(Path(credentials) / CREDENTIAL)
    own = data_directory / OWN
    return AuditKey.read(own) if own.exists() else None


def fits(public: str, signature: str, message: bytes) -> bool:
    """Whether a signature is that of a public key, both in hex."""
    key, signed = _octets(public, _BYTES), _octets(signature, 2 * _BYTES)
    if key is None or signed is None:
        return False
    try:
        VerifyKey(key).verify(message, signed)
    except (BadSignatureError, ValueError):
        return False
    return True


def _octets(text: str, length: int) -> bytes | None:
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return None
    return octets if len(octets) == length else None
