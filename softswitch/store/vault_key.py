"""The vault's master key: a file that only the switch's user may read, or a systemd credential.

Whoever has the key and the store can read every lead; whoever lacks one of the two reads nobody. So the key belongs on
another disk than the store, or into a credential that the machine's TPM guards (systemd-creds(1)).
"""

import os
import secrets
import stat
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from softswitch.durable import sync_folder, write_new
from softswitch.errors import UsageError

KEY_BYTES = 32
KEYGEN = "softswitch vault keygen"
CREDENTIAL = "softswitch-vault-key"
"""Name of the systemd credential: LoadCredentialEncrypted=softswitch-vault-key:..."""
BESIDE_THE_STORE = "vault.key"
"""Where the key of a new store lies that nobody gave a place."""
_HEAD = (
    "# The key to a softswitch site's telephone numbers and names. Whoever has it and the store can read them all:\n"
    "# keep a copy away from the site, for without it no lead can ever be dialled again.\n"
)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """Thirty-two random bytes, and where they came from."""

    secret: bytes = field(repr=False)
    path: Path

    @property
    def key_id(self) -> str:
        """Which key it is, for people and for the store: 16 hexadecimal digits that say nothing of the key."""
        return blake2b(b"softswitch vault key id", key=self.secret, digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a store's master key is, or is to be."""

    path: Path
    chosen: bool = True
    """Somebody named the place; a key that nobody chose a place for is made with its store."""

    def read(self) -> MasterKey:
        """Raises UsageError where there is none, or where others may read it."""
        return read_key(self.path)

    def read_or_make(self) -> MasterKey:
        """For a store that has no vault yet. Raises UsageError where a chosen place has no key."""
        if self.chosen or self.path.exists():
            return read_key(self.path)
        try:
            return write_key(self.path, secrets.token_bytes(KEY_BYTES))
        except FileExistsError:  # somebody else opened the same new store at this moment
            return read_key(self.path)


def credential_path() -> Path | None:
    """The systemd credential with the key, where the service was given one (systemd.exec(5))."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    path = Path(folder) / CREDENTIAL
    return path if folder and path.is_file() else None


def read_key(path: Path) -> MasterKey:
    """The key in a file: 64 hexadecimal digits on one line beside comments, or 32 bytes. UsageError says what to do."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(4096)
    except FileNotFoundError:
        raise UsageError(
            f"the vault's key {path} is missing: put its copy back, or, for a new site, make one with `{KEYGEN} {path}`"
        ) from None
    except OSError as error:
        raise UsageError(f"the vault's key {path} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"the vault's key {path} is no file")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"the vault's key {path} can be reached by others on this machine: chmod 600 {path}")
    if status.st_uid not in (os.geteuid(), 0):
        raise UsageError(f"the vault's key {path} belongs to another user, who could put another in its place")
    secret = _decoded(content)
    if secret is None:
        raise UsageError(f"{path} holds no vault key, which is 64 hexadecimal digits; `{KEYGEN}` makes one")
    return MasterKey(secret, path)


def make_key(path: Path) -> MasterKey:
    """A new key in a new file. Raises UsageError where there is a file already."""
    try:
        return write_key(path, secrets.token_bytes(KEY_BYTES))
    except FileExistsError:
        raise UsageError(f"{path} exists, and keys are never written over: name another file") from None


def write_key(path: Path, secret: bytes) -> MasterKey:
    """Durable on return, and never seen half-written. FileExistsError where there is a file; UsageError else."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(part, _HEAD + secret.hex() + "\n")
        try:
            os.link(part, path)
        finally:
            part.unlink()
        sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise UsageError(f"the vault's key {path} cannot be written: {error.strerror}") from error
    return MasterKey(secret, path)


def coming(path: Path) -> Path:
    """Where a new key stands until its store has taken it."""
    return path.with_name(f"{path.name}.new")


def replace(new_path: Path, path: Path) -> None:
    """The new key takes the old one's name; the old one's bytes are overwritten, as far as the disk lets anybody."""
    with path.open("r+b") as old:
        size = os.fstat(old.fileno()).st_size
        new_path.replace(path)
        old.write(bytes(size))
        old.flush()
        os.fsync(old.fileno())
    sync_folder(path.parent)


def _decoded(content: bytes) -> bytes | None:
    if len(content) == KEY_BYTES:
        return content
    lines = [line.strip() for line in content.splitlines() if line.strip() and not line.startswith(b"#")]
    try:
        secret = bytes.fromhex(lines[0].decode("ascii")) if len(lines) == 1 else b""
    except ValueError:
        return None
    return secret if len(secret) == KEY_BYTES else None
