"""Which numbers are being dialled, and which may not be dialled before a time, whatever lead or campaign has them."""

from collections.abc import Callable, Hashable
from datetime import datetime

from softswitch.dialler.suppression import as_it_is


class NumberLocks:
    """One for the site, shared by its diallers: a number rings on one campaign at a time."""

    def __init__(self, digest: Callable[[str], Hashable] = as_it_is) -> None:
        """digest: the store's keyed hash of a number, for locks outlive the calls and the process."""
        self._digest = digest
        self._dialling: set[Hashable] = set()
        self._until: dict[Hashable, datetime] = {}

    def claim(self, number: str) -> bool:
        """Take the number for one attempt; False when another attempt has it."""
        hashed = self._digest(number)
        if hashed in self._dialling:
            return False
        self._dialling.add(hashed)
        return True

    def release(self, number: str) -> None:
        self._dialling.discard(self._digest(number))

    def lock(self, number: str, until: datetime) -> None:
        """No attempt before `until`; a longer lock that stands is kept."""
        self.lock_hash(self._digest(number), until)

    def lock_hash(self, hashed: Hashable, until: datetime) -> None:
        """The same for a number that only its hash is known of."""
        standing = self._until.get(hashed)
        if standing is None or until > standing:
            self._until[hashed] = until

    def locked_until(self, number: str, wall: datetime) -> datetime | None:
        hashed = self._digest(number)
        until = self._until.get(hashed)
        if until is not None and until <= wall:
            del self._until[hashed]
            return None
        return until

    def standing(self, wall: datetime) -> dict[Hashable, datetime]:
        """All locks in force, by hash, for the record."""
        return {hashed: until for hashed, until in self._until.items() if until > wall}
