"""The vault: everything that says who a lead is, encrypted so that destroying one small key makes it unreadable.

Each lead's number and fields are sealed with AES-256-GCM (NIST SP 800-38D) under a data key of its own. The data key
is kept wrapped, by AES-256-GCM too, under the vault's wrapping key, and that one under the master key, which the store
does not hold. Whoever erases a lead overwrites its 60 bytes of wrapped key: what is left of the sealed text, in the
file, in free pages, in the write-ahead log or in a copy of them, is noise from then on.

Numbers are found again by a keyed hash (BLAKE2b, RFC 7693) under the vault's index key. There are few enough telephone
numbers to hash them all, so a hash without a key would hide nobody.
"""

import os
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from softswitch.errors import UsageError

KEY_BYTES = 32
NONCE_BYTES = 12  # SP 800-38D, section 8.2.2: random, 96 bits
TAG_BYTES = 16
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES
SEAL_RANDOM_BYTES = KEY_BYTES + 2 * NONCE_BYTES
DIGEST_BYTES = 16  # 128 bits: no two of the world's 10^10 numbers meet by chance
PADDED_TO = 32
"""Sealed texts have lengths that are multiples of this, so that a length tells little of a name."""
SHREDDED = bytes(WRAPPED_BYTES)
"""What stands in the place of a key that was destroyed."""
_ROOT = b"softswitch vault root 1"
_KEY, _CONTENT = b"key ", b"content "


class VaultLocked(UsageError):
    """Somebody asked for what only the holder of the key may know."""


class VaultDamaged(UsageError):
    """A record of the vault does not open: it was changed, moved to another lead, or belongs to another vault."""


class Erased(UsageError):
    """The lead's key was destroyed."""


class Person(NamedTuple):
    """Who a lead is."""

    number: str
    """E.164; of several, the first."""
    fields: dict[str, str]
    others: tuple[str, ...] = ()
    """The other numbers, in order."""


class SealedPerson(NamedTuple):
    """What the store keeps of a person."""

    digest: bytes
    """(16,) the number's keyed hash."""
    wrapped: bytes
    """(60,) nonce, data key encrypted, tag."""
    sealed: bytes
    """Nonce, number and fields encrypted, tag."""


class Vault:
    """Seals and opens. Holds the wrapping key and the index key, never the master key."""

    def __init__(self, wrapping_key: bytes, index_key: bytes) -> None:
        self._wrapping = AESGCM(wrapping_key)
        self._wrapping_key = wrapping_key
        self._index_key = index_key
        self._keyed = blake2b(key=index_key, digest_size=DIGEST_BYTES)
        self._never_dial = blake2b(key=index_key, digest_size=DIGEST_BYTES, person=b"never-dial")

    @property
    def keys(self) -> "RootKeys":
        """For a process of ours that seals in this one's place, and for nobody else."""
        return RootKeys(self._wrapping_key, self._index_key)

    def __repr__(self) -> str:
        return "Vault()"

    def digest(self, number: str) -> bytes:
        """(16,) keyed hash of an E.164 number: the same for the same number, and nobody else's."""
        keyed = self._keyed.copy()
        keyed.update(number.encode())
        return keyed.digest()

    def never_dial_digest(self, number: str) -> bytes:
        """(16,) the same for the never-dial list, and another hash: nothing tells which leads are on it."""
        keyed = self._never_dial.copy()
        keyed.update(number.encode())
        return keyed.digest()

    def fingerprint(self, file_digest: bytes) -> str:
        """32 hexadecimal digits by which the same file is known again: a list may be as short as one number."""
        return blake2b(file_digest, key=self._index_key, digest_size=16, person=b"list").hexdigest()

    def note_key(self) -> bytes:
        """(32,) for what is kept in memory of calls that are up; it says nothing of the index key."""
        return blake2b(key=self._index_key, digest_size=KEY_BYTES, person=b"notes").digest()

    def seal(self, lead_ref: str, person: Person, random: bytes = b"") -> SealedPerson:
        """A person under a data key that nobody else has, bound to the lead's name.

        random: (SEAL_RANDOM_BYTES,) fresh from the system and used for nothing else, where somebody has drawn much of
        it at once.
        """
        random = random or os.urandom(SEAL_RANDOM_BYTES)
        data_key, nonce, wrap_nonce = random[:32], random[32:44], random[44:56]
        name = lead_ref.encode()
        return SealedPerson(
            self.digest(person.number),
            wrap_nonce + self._wrapping.encrypt(wrap_nonce, data_key, _KEY + name),
            nonce + AESGCM(data_key).encrypt(nonce, _packed(person), _CONTENT + name),
        )

    def open(self, lead_ref: str, wrapped: bytes, sealed: bytes) -> Person:
        """The person again. Raises Erased where its key was destroyed, VaultDamaged where it is not as sealed."""
        data_key = self._unwrapped(lead_ref, wrapped)
        try:
            text = AESGCM(data_key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _CONTENT + lead_ref.encode())
            return _unpacked(text)
        except (InvalidTag, ValueError):
            raise VaultDamaged(f"the vault's record of lead {lead_ref} is damaged, or another lead's") from None

    def rewrapped(self, lead_ref: str, wrapped: bytes, new: "Vault") -> bytes:
        """The same data key under another vault's wrapping key; a destroyed key stays destroyed."""
        if wrapped == SHREDDED:
            return SHREDDED
        nonce = os.urandom(NONCE_BYTES)
        data_key = self._unwrapped(lead_ref, wrapped)
        return nonce + new._wrapping.encrypt(nonce, data_key, _KEY + lead_ref.encode())

    def _unwrapped(self, lead_ref: str, wrapped: bytes) -> bytes:
        if wrapped == SHREDDED:
            raise Erased(f"lead {lead_ref} was erased")
        try:
            return self._wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _KEY + lead_ref.encode())
        except (InvalidTag, ValueError):
            raise VaultDamaged(f"the vault's key of lead {lead_ref} is damaged, or another lead's") from None


class LockedVault(Vault):
    """In the place of a vault whose key is not there: everything that needs it fails with the reason."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    @property
    def keys(self) -> "RootKeys":
        raise VaultLocked(self._reason)

    def digest(self, number: str) -> bytes:
        raise VaultLocked(self._reason)

    def never_dial_digest(self, number: str) -> bytes:
        raise VaultLocked(self._reason)

    def fingerprint(self, file_digest: bytes) -> str:
        raise VaultLocked(self._reason)

    def note_key(self) -> bytes:
        raise VaultLocked(self._reason)

    def seal(self, lead_ref: str, person: Person, random: bytes = b"") -> SealedPerson:
        raise VaultLocked(self._reason)

    def open(self, lead_ref: str, wrapped: bytes, sealed: bytes) -> Person:
        raise VaultLocked(self._reason)

    def rewrapped(self, lead_ref: str, wrapped: bytes, new: Vault) -> bytes:
        raise VaultLocked(self._reason)


@dataclass(frozen=True, slots=True)
class RootKeys:
    """What the master key guards: the key that wraps every lead's, and the key of the keyed hashes."""

    wrapping: bytes = field(repr=False)
    index: bytes = field(repr=False)

    @classmethod
    def new(cls, index: bytes | None = None) -> "RootKeys":
        """Random ones. index: kept where hashes must stay what they are, of numbers that nobody knows any more."""
        return cls(os.urandom(KEY_BYTES), index or os.urandom(KEY_BYTES))

    @classmethod
    def unwrapped(cls, master: bytes, wrapped: bytes) -> "RootKeys | None":
        """None where this is not the master key that wrapped them."""
        try:
            keys = AESGCM(master).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _ROOT)
        except (InvalidTag, ValueError):
            return None
        return cls(keys[:KEY_BYTES], keys[KEY_BYTES:])

    def wrapped(self, master: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(master).encrypt(nonce, self.wrapping + self.index, _ROOT)

    def vault(self) -> Vault:
        return Vault(self.wrapping, self.index)


def _packed(person: Person) -> bytes:
    """Numbers with spaces between, then names and values of the fields that hold something; zero bytes between them
    and behind."""
    parts = [" ".join((person.number, *person.others))]
    for name, value in person.fields.items():
        if value:
            parts.append(name)
            parts.append(value)
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    if text.count(b"\0") != len(parts) - 1 or "" in parts:
        raise UsageError("a field of a lead holds a zero byte, or has no name")
    return text + bytes(-len(text) % PADDED_TO)


def _unpacked(text: bytes) -> Person:
    number, *rest = text.rstrip(b"\0").decode("utf-8", "surrogatepass").split("\0")
    first, *others = number.split(" ")
    return Person(first, dict(zip(rest[::2], rest[1::2], strict=True)), tuple(others))
