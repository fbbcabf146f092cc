"""Which numbers are being dialled, and which may not be dialled before a time, whatever lead or campaign has them."""

from datetime import datetime


class NumberLocks:
    """One for the site, shared by its diallers: a number rings on one campaign at a time."""

    def __init__(self) -> None:
        self._dialling: set[str] = set()
        self._until: dict[str, datetime] = {}

    def claim(self, number: str) -> bool:
        """Take the number for one attempt; False when another attempt has it."""
        if number in self._dialling:
            return False
        self._dialling.add(number)
        return True

    def release(self, number: str) -> None:
        self._dialling.discard(number)

    def lock(self, number: str, until: datetime) -> None:
        """No attempt before `until`; a longer lock that stands is kept."""
        standing = self._until.get(number)
        if standing is None or until > standing:
            self._until[number] = until

    def locked_until(self, number: str, wall: datetime) -> datetime | None:
        until = self._until.get(number)
        if until is not None and until <= wall:
            del self._until[number]
            return None
        return until

    def standing(self, wall: datetime) -> dict[str, datetime]:
        """All locks in force, for the record."""
        return {number: until for number, until in self._until.items() if until > wall}
