"""Secrets of the second factor in the store: encrypted (AES-256-GCM), so that the store's file alone tells nothing.

The key comes from systemd (credential `people-key`), else from `people.key` in the data directory.
"""

import base64
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from softswitch.durable import write_new
from softswitch.errors import UsageError

CREDENTIAL = "people-key"
OWN = "people.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D §8.2


class Sealer:
    """Encrypts and decrypts with the site's key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, name: str) -> str:
        """Bound to the account's name: copied to another account it cannot be opened."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, secret, name.encode())).decode("ascii")

    def open(self, sealed: str, name: str) -> bytes | None:
        """None where it was sealed for another name or with another key."""
        try:
            data = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            return None

    @classmethod
    def new(cls) -> "Sealer":
        """With a key that nobody keeps, for sites that keep nothing."""
        return cls(os.urandom(_KEY_BYTES))

    @classmethod
    def find(cls, data_directory: Path) -> "Sealer":
        """With the site's key, made at the first start. Raises UsageError where it cannot be had."""
        credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
        handed = Path(credentials) / CREDENTIAL
        path = handed if credentials and handed.is_file() else data_directory / OWN
        try:
            if not path.exists():
                write_new(path, os.urandom(_KEY_BYTES).hex() + "\n")
            if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError(f"the key {path} can be read by others on this machine: chmod 600 {path}")
            key = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            raise UsageError(f"the key {path} cannot be read or made: {getattr(error, 'strerror', 'no key')}") from None
        if len(key) != _KEY_BYTES:
            raise UsageError(f"{path} holds no key of {_KEY_BYTES} bytes in hexadecimal")
        return cls(key)
