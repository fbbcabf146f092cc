"""The never-dial list: numbers that no call of any origin may reach, kept as keyed hashes.

The list holds victims, witnesses, staff, courts; whoever has the disk must not be able to read it. There are few enough
telephone numbers to hash them all, so an unkeyed hash would be no protection: the key lives with the dialler alone.
"""

import re
from collections.abc import Callable, Iterable
from hashlib import blake2b

from softswitch.errors import UsageError

MINIMUM_KEY_BYTES = 16
DIGEST_BYTES = 16  # 128 bits: no two of the world's 10^10 numbers meet by chance

# Short numbers and E.164 forms that must never be reached, whatever the list says.
EMERGENCY = frozenset({"112", "999", "911", "000", "111", "101", "119", "110", "113", "115", "117", "118"})
FORBIDDEN_PREFIXES = (
    "+449",  # United Kingdom: premium rate
    "+4470",  # personal numbering, premium in effect
    "+44871",  # service charge up to 13p a minute
    "+44872",
    "+44873",
    "+44999",
    "+44112",
    "+1900",  # North America: premium rate
    "+1976",
    "+1911",
    "+979",  # ITU-T E.164: international premium rate
    "+882",  # international networks: satellite, and what fraud is made of
    "+883",
    "+881",
    "+870",
)
RANGE = "*"
"""Ends an entry that stands for every number with the digits before it."""
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LISTED = re.compile(r"\+[1-9][0-9]{6,14}|\+[1-9][0-9]{2,12}\*")
_SHORTEST_RANGE = len("+123")
_REMEMBERED = len("+44207946")
"""Ranges up to here, which many numbers of a list share, are looked up once."""
_MOST_REMEMBERED = 50_000


class NeverDialList:
    """Asked by the gate in front of the wire; what is not a number in E.164 form counts as on the list."""

    def __init__(self, key: bytes, digests: Iterable[bytes], prefixes: Iterable[str] = FORBIDDEN_PREFIXES) -> None:
        """Of digests made earlier with the same key. Raises UsageError for a key too short to protect anything."""
        if len(key) < MINIMUM_KEY_BYTES:
            raise UsageError(f"the never-dial key is too short: give at least {MINIMUM_KEY_BYTES} random bytes")
        self._key = key[:64]  # BLAKE2b takes no more
        self._hash: Callable[[str], bytes] = self._keyed
        self._digests = frozenset(digests)
        self._prefixes = tuple(prefixes)
        self._ranges: dict[str, bool] = {}
        """Whether a range, by its first digits, or a shorter one that holds it, is listed."""

    @classmethod
    def hashed_by(
        cls, digest: Callable[[str], bytes], digests: Iterable[bytes], prefixes: Iterable[str] = FORBIDDEN_PREFIXES
    ) -> "NeverDialList":
        """Of digests that somebody else has made and keeps the key of."""
        made = cls(bytes(MINIMUM_KEY_BYTES), digests, prefixes)
        made._hash = digest
        return made

    @classmethod
    def from_numbers(
        cls, key: bytes, numbers: Iterable[str], prefixes: Iterable[str] = FORBIDDEN_PREFIXES
    ) -> "NeverDialList":
        """Hash these entries and keep nothing else of them: E.164 numbers, and ranges such as `+44207946*` (a court's
        extensions). `prefixes`: forbidden on every list.

        Raises UsageError for an entry that is neither: a list that protects fewer people than it names is worse than
        none, because it looks complete.
        """
        empty = cls(key, (), prefixes)
        digests = []
        for line, number in enumerate(numbers, start=1):
            if not _LISTED.fullmatch(number.strip()):
                raise UsageError(f"never-dial list, entry {line}: not a number in E.164 form, such as +441234567890")
            digests.append(empty.digest(number.strip()))
        return cls(key, digests, prefixes)

    def digest(self, number: str) -> bytes:
        """Keyed BLAKE2b (RFC 7693) of an E.164 number, or of a range with its `*`."""
        return self._hash(number)

    def _keyed(self, number: str) -> bytes:
        return blake2b(number.encode(), key=self._key, digest_size=DIGEST_BYTES).digest()

    def digests(self) -> frozenset[bytes]:
        """For keeping on disk."""
        return self._digests

    def contains(self, number: str) -> bool:
        if number.lstrip("+") in EMERGENCY or not _E164.fullmatch(number) or number.startswith(self._prefixes):
            return True
        if self.digest(number) in self._digests or self._is_in_short_range(number[:-1][:_REMEMBERED]):
            return True
        return any(self.digest(number[:end] + RANGE) in self._digests for end in range(_REMEMBERED + 1, len(number)))

    def _is_in_short_range(self, digits: str) -> bool:
        known = self._ranges.get(digits)
        if known is None:
            ranges = (digits[:end] + RANGE for end in range(_SHORTEST_RANGE, len(digits) + 1))
            if len(self._ranges) >= _MOST_REMEMBERED:
                self._ranges.clear()
            known = self._ranges[digits] = any(self.digest(each) in self._digests for each in ranges)
        return known

    def __len__(self) -> int:
        return len(self._digests)
