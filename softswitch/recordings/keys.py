"""The auditor's key pair (X25519): the public key is the site's, the private key is never needed there."""

import base64
import binascii
import stat
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from nacl import bindings
from nacl.exceptions import CryptoError

from softswitch.durable import write_new
from softswitch.errors import UsageError

KEY_BYTES = 32
FINGERPRINT_BYTES = 16
KEYGEN = "softswitch recordings keygen"
_PRIVATE_HEAD = (
    "# The private key to a softswitch site's recordings. Whoever has it can listen to every call:\n"
    "# keep it away from the site, and keep a copy, for without it no recording can ever be heard again.\n"
)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """X25519, (32,) bytes each; never shown whole."""

    public: bytes
    private: bytes

    def __repr__(self) -> str:
        return f"KeyPair({fingerprint(self.public).hex()})"


def new_key_pair() -> KeyPair:
    public, private = bindings.crypto_box_keypair()
    return KeyPair(public, private)


def fingerprint(public_key: bytes) -> bytes:
    """Which key a recording was sealed to: the first 16 bytes of the key's BLAKE2b-256."""
    return blake2b(public_key, digest_size=KEY_BYTES).digest()[:FINGERPRINT_BYTES]


def parse_public_key(text: str) -> bytes:
    """A public key from 64 hexadecimal digits or from base64. Raises UsageError for anything else."""
    key = _decoded(text.strip())
    if key is None:
        raise UsageError(f"is no public key, which is 64 hexadecimal digits or 44 of base64; `{KEYGEN}` makes one")
    try:
        bindings.crypto_box_seal(b"", key)
    except CryptoError:
        raise UsageError("is no X25519 public key that anything can be sealed to (a point of low order)") from None
    return key


def read_public_key(text: str, folder: Path) -> bytes:
    """A public key that is given as it is, or as the name of a file with it. Raises UsageError for anything else."""
    if _decoded(text.strip()) is not None:
        return parse_public_key(text)
    path = folder / Path(text).expanduser()
    try:
        return parse_public_key(_only_line(path.read_text(encoding="ascii")))
    except (OSError, ValueError):
        raise UsageError(
            f"is neither a public key (64 hexadecimal digits, or base64) nor a file that can be read ({path})"
        ) from None


def write_private_key(path: Path, pair: KeyPair) -> None:
    """Write the private key into a new file for its owner alone. Raises UsageError where there is a file already."""
    try:
        write_new(path, _PRIVATE_HEAD + pair.private.hex() + "\n")
    except FileExistsError:
        raise UsageError(f"{path} exists, and keys are never written over: name another file") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def read_private_key(path: Path) -> KeyPair:
    """The key pair of a private key's file. Raises UsageError where others may read it, or where it is none."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise UsageError(f"the private key {path} cannot be read: {getattr(error, 'strerror', 'no text')}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"the private key {path} can be read by others on this machine: chmod 600 {path}")
    private = _decoded(_only_line(text))
    if private is None:
        raise UsageError(f"{path} holds no private key; `{KEYGEN}` makes one")
    return KeyPair(bindings.crypto_scalarmult_base(private), private)


def _only_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return lines[0] if len(lines) == 1 else ""


def _decoded(text: str) -> bytes | None:
    try:
        key = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return key if len(key) == KEY_BYTES else None
