"""Canaries: marked numbers, names and addresses, and the search for them in whatever bytes have left a place.

A mark is found as text and digit by digit in any grouping, forwards and backwards, split over neighbouring fields, as
an unsalted digest, and all of that again inside percent-, quoted-printable, base 64 and hexadecimal encodings and the
escapes of JSON and HTML, one within another. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import md5, sha1, sha256
from typing import Final

import numpy as np
import phonenumbers
from phonenumbers import PhoneNumberFormat

from softswitch.errors import UsageError
from softswitch.testing.decodings import decodings

LEAST_WORD: Final = 6
"""Shorter words turn up by themselves."""
DIGEST_PREFIX: Final = 8
"""So many bytes of a digest betray it, whatever it was cut to."""
MOST_FIELDS: Final = 6
MOST_BETWEEN_FIELDS: Final = 48
"""Bytes that may stand between the parts of a number that is split over fields."""
_GAP = rb"(?:[ \t\r\n\0().,/_\-+*'\"\[\]{}|]|\xc2\xa0|\xe2\x80[\x90-\x95]){0,4}+"
FEWEST_DIGITS: Final = 7
_GROUPED = re.compile(rb"\d(?:" + _GAP + rb"\d){%d,}+" % (FEWEST_DIGITS - 1))
_FIELD = re.compile(rb"(?<![0-9A-Za-z])\d{2,15}(?![0-9A-Za-z])")
_FORMATS = (
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.RFC3966,
)
_AROUND: Final = 40


@dataclass(frozen=True, slots=True)
class Canary:
    """One lead's marks."""

    number: str
    """E.164."""
    words: tuple[str, ...] = ()
    """Names, addresses: each a word that is found nowhere else."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One mark in some bytes."""

    canary: Canary
    what: str
    """"digits", "digits reversed", "word ...", "sha256 of ..."."""
    within: str
    """The encodings around it, outermost first; empty where there is none."""
    excerpt: bytes
    """Of the decoded bytes around it."""

    def __str__(self) -> str:
        return f"{self.canary.number}: {self.what}{f' in {self.within}' if self.within else ''}: {self.excerpt!r}"


class Canaries:
    """The search for some marks. Making it takes some milliseconds for each hundred of them; looking, about a second
    for each ten megabytes."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        """Raises UsageError for a number that is none, and for words that would be found by chance."""
        self._numbers: dict[bytes, tuple[Canary, str]] = {}
        self._prefixes: dict[bytes, frozenset[bytes]] = {}
        needles: dict[bytes, tuple[Canary, str]] = {}
        for canary in canaries:
            parsed = _parsed(canary.number)
            national, country = str(parsed.national_number).encode(), str(parsed.country_code).encode()
            if len(national) < FEWEST_DIGITS:
                raise UsageError(f"the number {canary.number} is too short: it would be found by chance")
            prefixes = frozenset({b"", b"0", country, b"00" + country, country + b"0", b"011" + country})
            for digits, what in ((national, "digits"), (national[::-1], "digits reversed")):
                self._numbers[digits] = canary, what
            self._prefixes[national] = prefixes
            self._prefixes[national[::-1]] = frozenset(each[::-1] for each in prefixes)
            for text in spellings(canary.number):
                needles |= _digests(canary, text)
            for word in canary.words:
                if len(word) < LEAST_WORD:
                    raise UsageError(f"the mark {word!r} is too short: it would be found by chance")
                for form in (word, word.lower(), word.upper()):
                    needles |= _digests(canary, form)
                plain = word.lower().encode()
                needles[plain] = canary, f"word {word}"
                needles[plain[::-1]] = canary, f"word {word} reversed"
        self._lengths = sorted({len(digits) for digits in self._numbers})
        self._needles = _Needles(needles)

    def sightings(self, data: bytes) -> list[Sighting]:
        """Each mark once for each way in which it is in there."""
        found: dict[tuple[str, str, str], Sighting] = {}
        for within, plain in decodings(data):
            for canary, what, at in self._look(plain):
                excerpt = plain[max(0, at - _AROUND) : at + _AROUND]
                found.setdefault((canary.number, what, within), Sighting(canary, what, within, excerpt))
        return list(found.values())

    def _look(self, data: bytes) -> Iterator[tuple[Canary, str, int]]:
        yield from self._needles.find(data)
        lowered = data.lower()
        if lowered != data:
            yield from self._needles.find(lowered)
        yield from self._grouped(data)
        yield from self._split(data)

    def _grouped(self, data: bytes) -> Iterator[tuple[Canary, str, int]]:
        """Numbers whose digits stand together, but for what people write between groups."""
        for run in _GROUPED.finditer(data):
            digits = bytes(octet for octet in run[0] if 0x30 <= octet <= 0x39)
            for length in self._lengths:
                for at in range(len(digits) - length + 1):
                    if known := self._numbers.get(digits[at : at + length]):
                        yield *known, run.start()

    def _split(self, data: bytes) -> Iterator[tuple[Canary, str, int]]:
        """Numbers whose parts are neighbouring fields: whole runs of digits, a little way from one another."""
        fields = [(each.start(), each.end(), each[0]) for each in _FIELD.finditer(data)]
        for first, (start, end, joined) in enumerate(fields):
            for begins, ends, digits in fields[first + 1 : first + MOST_FIELDS]:
                if begins - end > MOST_BETWEEN_FIELDS or len(joined) > 15:
                    break
                joined, end = joined + digits, ends  # noqa: PLW2901
                yield from ((*known, start) for known in self._whole(joined))

    def _whole(self, digits: bytes) -> Iterator[tuple[Canary, str]]:
        """Whether these digits are a number and its prefix, and nothing else."""
        for length in self._lengths:
            for own, rest in ((digits[-length:], digits[:-length]), (digits[:length], digits[length:])):
                known = self._numbers.get(own)
                if known is not None and rest in self._prefixes[own]:
                    yield known[0], f"{known[1]} split over fields"


class _Needles:
    """Many short byte strings, looked for at once: a table of their first three bytes says where to look closer."""

    def __init__(self, needles: Mapping[bytes, tuple[Canary, str]]) -> None:
        self._table = np.zeros(1 << 24, np.bool_)
        self._starting: dict[bytes, list[tuple[bytes, Canary, str]]] = {}
        for needle, (canary, what) in needles.items():
            self._table[int.from_bytes(needle[:3], "big")] = True
            self._starting.setdefault(needle[:3], []).append((needle, canary, what))

    def find(self, data: bytes) -> Iterator[tuple[Canary, str, int]]:
        if len(data) < 3:
            return
        octets = np.frombuffer(data, np.uint8).astype(np.uint32)
        keys = octets[:-2] << 16 | octets[1:-1] << 8 | octets[2:]
        for at in np.flatnonzero(self._table[keys]).tolist():
            for needle, canary, what in self._starting.get(data[at : at + 3], ()):
                if data.startswith(needle, at):
                    yield canary, what, at


def spellings(number: str) -> list[str]:
    """How people and programs write a number of E.164 that they hash or store."""
    parsed = _parsed(number)
    bare, national = number.removeprefix("+"), str(parsed.national_number)
    formatted = [phonenumbers.format_number(parsed, form) for form in _FORMATS]
    spaced = [text.replace(" ", sign) for text in formatted[1:3] for sign in ("-", ".", "")]
    texts = [*formatted, *spaced, bare, f"00{bare}", f"0{national}", national, f"tel:{number}", f"sip:{number}"]
    return list(dict.fromkeys([*texts, *(f"{text}\n" for text in (number, bare, f"0{national}"))]))


def _parsed(number: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        raise UsageError(f"{number} is no number in E.164 form") from None


def _digests(canary: Canary, text: str) -> dict[bytes, tuple[Canary, str]]:
    plain = text.encode()
    return {
        algorithm(plain, usedforsecurity=False).digest()[:DIGEST_PREFIX]: (canary, f"{name} of {text!r}")
        for name, algorithm in (("md5", md5), ("sha1", sha1), ("sha256", sha256))
    }
