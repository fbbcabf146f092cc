"""SDES: keys for SRTP in `a=crypto` lines (RFC 4568; the AES-GCM suites by RFC 7714 §14.1).

A key is worth what protects the signalling: over anything but TLS whoever reads the call's messages can decrypt it.
What would weaken SRTP (no encryption, no authentication) is never agreed to. No key is in a `repr`.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from softswitch.errors import PeerError

KEYING_BYTES: Final = {
    "AEAD_AES_128_GCM": 16 + 12,
    "AEAD_AES_256_GCM": 32 + 12,
    "AES_CM_128_HMAC_SHA1_80": 16 + 14,
    "AES_CM_128_HMAC_SHA1_32": 16 + 14,
}
"""The suites that we know, and how long a master key with its salt is (RFC 4568 §6.2, RFC 7714 §12)."""
OFFERED_SUITES: Final = ("AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_80")
"""In our order. AES-GCM costs half of what HMAC-SHA1 does; the 32-bit tag is taken from others, and not proposed."""

LEAST_LIFETIME: Final = 2**20
"""Packets. A key must last longer than a call does, since we do not renew it within one: this one lasts 5.8 hours."""
MOST_LIFETIME: Final = 2**48  # RFC 3711 §9.2
MOST_MKI_BYTES: Final = 4  # ours; RFC 4568 §6.1 allows 128
MOST_CRYPTO_LINES: Final = 32  # ours
MIN_WINDOW: Final = 64  # RFC 4568 §6.3.6

_LINE = re.compile(
    r"(?P<tag>[0-9]{1,9})[ \t]+(?P<suite>[A-Za-z0-9_]{1,64})[ \t]+(?P<keys>[!-~]{1,1024})"
    r"(?P<parameters>(?:[ \t]+[!-~]+)*)[ \t]*"
)
_KEY = re.compile(
    r"(?P<key>[A-Za-z0-9+/]{1,128}={0,2})"
    r"(?:\|(?P<power>2\^)?(?P<lifetime>[0-9]{1,15}))?"
    r"(?:\|(?P<mki>[0-9]{1,40}):(?P<mki_bytes>[0-9]{1,3}))?"
)
_HARMLESS = re.compile(r"-.+|WSH=[0-9]{1,9}|KDR=0")


@dataclass(frozen=True, slots=True)
class Crypto:
    """One `a=crypto` line: a suite, and the key that its author sends with (RFC 4568 §9)."""

    tag: int
    suite: str
    key: bytes = field(repr=False)
    """Master key with the salt behind it."""
    mki: bytes = b""
    """What the author puts before the tag of each packet; empty where it names no key."""
    lifetime: int | None = None
    """Packets; None: as many as the suite allows."""

    @classmethod
    def parse(cls, value: str) -> "Crypto | None":
        """Read an attribute's value.

        None: a line that we cannot follow and that RFC 4568 §5.1.2 passes over: of another suite, with a parameter
        that we do not do, with several keys. PeerError(488): malformed.
        """
        line = _LINE.fullmatch(value)
        if line is None:
            raise _malformed()
        suite, keys = line["suite"], line["keys"].split(";")
        if suite not in KEYING_BYTES:
            return None
        methods = [key.partition(":") for key in keys]
        if any(not colon or not info for _, colon, info in methods):
            raise _malformed()
        if len(methods) != 1 or methods[0][0].lower() != "inline":
            return None
        found = _KEY.fullmatch(methods[0][2])
        if found is None:
            raise _malformed()
        key = _decoded(found["key"], KEYING_BYTES[suite])
        lifetime = _lifetime_of(found["power"], found["lifetime"])
        mki = _mki_of(found["mki"], found["mki_bytes"])
        if lifetime is not None and lifetime < LEAST_LIFETIME:
            return None
        if len(mki) > MOST_MKI_BYTES or not _agrees_with(line["parameters"].split()):
            return None
        return cls(int(line["tag"]), suite, key, mki, lifetime)

    def __str__(self) -> str:
        """The attribute's value, with the key."""
        text = f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"
        if self.lifetime is not None:
            text += f"|2^{self.lifetime.bit_length() - 1}" if _is_power(self.lifetime) else f"|{self.lifetime}"
        if self.mki:
            text += f"|{int.from_bytes(self.mki, 'big')}:{len(self.mki)}"
        return text


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """What protects one audio stream, both ways; made by SDES here, or by DTLS for a browser."""

    suite: str
    """One of `KEYING_BYTES`."""
    sending: bytes = field(repr=False)
    """Our master key with its salt."""
    receiving: bytes = field(repr=False)
    """The peer's."""
    receiving_mki: bytes = b""
    """What each of the peer's packets carries before its tag."""


class SrtpUse(StrEnum):
    """Whether a call's media are SRTP."""

    OFF = "off"
    """Plain RTP; who asks for SRTP is refused."""
    OPTIONAL = "optional"
    """SRTP with whoever asks for it."""
    REQUIRED = "required"
    """SRTP, or no call."""


class OwnKeys:
    """The keys of one call leg: one a suite, made when first asked for, so that a re-INVITE names them again.

    A key that the stream has left for another suite's is never used again: packets under it would be numbered, and so
    encrypted, as others were (RFC 3711 §9.1).
    """

    def __init__(
        self, random_bytes: Callable[[int], bytes], kept: Mapping[str, bytes] | None = None, in_use: str = ""
    ) -> None:
        """random_bytes: from a source that nobody can foresee, such as `secrets.token_bytes`.  kept, in_use: of another
        process."""
        self._random_bytes = random_bytes
        self._keys = dict(kept or {})
        self.in_use = in_use
        """The suite that the stream is under; empty before there is one."""

    @property
    def kept(self) -> dict[str, bytes]:
        """What another process goes on with: keys, to be kept as such."""
        return dict(self._keys)

    def key_of(self, suite: str) -> bytes:
        if suite not in self._keys:
            self._keys[suite] = self._random_bytes(KEYING_BYTES[suite])
        return self._keys[suite]

    def use(self, suite: str) -> None:
        """The stream is under this suite from now on."""
        if self.in_use != suite:
            self._keys.pop(self.in_use, None)
        self.in_use = suite

    def offer(self) -> list[Crypto]:
        """The lines of an offer, best first."""
        return [Crypto(tag, suite, self.key_of(suite)) for tag, suite in enumerate(OFFERED_SUITES, 1)]

    def answer(self, theirs: Crypto) -> tuple[Crypto, SrtpKeys]:
        """The line that takes up one of the peer's, and what it settles."""
        ours = Crypto(theirs.tag, theirs.suite, self.key_of(theirs.suite))
        return ours, SrtpKeys(theirs.suite, ours.key, theirs.key, theirs.mki)


def first_usable(values: Sequence[str]) -> Crypto | None:
    """The offerer's most preferred line that we can take up (RFC 4568 §5.1.2), or None.

    Lines that are malformed count as unknown, unless two have the same tag: then no answer could name one of them.
    """
    usable = []
    tags: set[int] = set()
    for value in values[:MOST_CRYPTO_LINES]:
        try:
            found = Crypto.parse(value)
        except PeerError:
            continue
        tag = int(value.split()[0])
        if tag in tags:
            return None
        tags.add(tag)
        if found is not None:
            usable.append(found)
    return usable[0] if usable else None


def settle(ours: Iterable[str], theirs: Sequence[str]) -> SrtpKeys:
    """What an answer's only line settles of our offer's (RFC 4568 §5.1.3). PeerError(488) when it misfits.

    An answer that gives our own key back would have both ends encrypt different speech alike, and is refused.
    """
    answer = Crypto.parse(theirs[0]) if len(theirs) == 1 else None
    for value in ours:
        offered = Crypto.parse(value)
        if offered is not None and answer is not None and (offered.tag, offered.suite) == (answer.tag, answer.suite):
            if offered.key == answer.key:
                break
            return SrtpKeys(answer.suite, offered.key, answer.key, answer.mki)
    raise PeerError("an answer takes up no key of the offer", 488)


def _malformed() -> PeerError:
    return PeerError("an a=crypto line is malformed", 488)


def _decoded(text: str, size: int) -> bytes:
    """Base64, also without its padding, as some phones write it."""
    bare = text.rstrip("=")
    try:
        key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _malformed() from None
    if len(key) != size:
        raise _malformed()
    return key


def _lifetime_of(power: str | None, digits: str | None) -> int | None:
    if digits is None:
        return None
    lifetime = int(digits)
    if power:
        lifetime = 2**lifetime if lifetime <= 48 else MOST_LIFETIME + 1
    if not 0 < lifetime <= MOST_LIFETIME:
        raise _malformed()
    return lifetime


def _mki_of(value: str | None, size: str | None) -> bytes:
    if value is None or size is None:
        return b""
    if not 1 <= int(size) <= 128 or int(value) >= 256 ** int(size):
        raise _malformed()
    return int(value).to_bytes(int(size), "big")


def _agrees_with(parameters: Sequence[str]) -> bool:
    """Whether we can do what the session parameters ask (§6.3): hints, and what may be ignored."""
    for parameter in parameters:
        if not _HARMLESS.fullmatch(parameter):
            return False
        if parameter.startswith("WSH=") and int(parameter[4:]) < MIN_WINDOW:
            raise _malformed()
    return True


def _is_power(number: int) -> bool:
    return number & (number - 1) == 0
