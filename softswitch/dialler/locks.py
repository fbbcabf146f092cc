"""Which numbers are being dialled, and which may not be dialled before a time, whatever lead or campaign has them."""

from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta

from softswitch.dialler.suppression import as_it_is

TIDIED_EVERY = timedelta(days=1)
LEAST_KEPT = timedelta(days=3)  # Ofcom: 72 h; longer where a campaign asks for it


class NumberLocks:
    """One for the site, shared by its diallers: a number rings on one campaign at a time."""

    def __init__(self, digest: Callable[[str], Hashable] = as_it_is) -> None:
        """digest: the store's keyed hash of a number, for locks outlive the calls and the process."""
        self._digest = digest
        self._dialling: set[Hashable] = set()
        self._until: dict[Hashable, datetime] = {}
        self._rested: dict[Hashable, dict[bool, datetime]] = {}
        """When the last abandoned call (True), and the last that a verdict ended, of a number was over."""
        self._longest = LEAST_KEPT
        self._tidied_at = datetime.min.replace(tzinfo=UTC)

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

    def rest(self, number: str, since: datetime, *, abandoned: bool) -> None:
        """A call to the number is over that was abandoned, or else ended by a verdict: each campaign leaves the number
        alone for as long as its own rules say, whichever campaign's call it was."""
        self.rest_hash(self._digest(number), since, abandoned=abandoned)

    def rest_hash(self, hashed: Hashable, since: datetime, *, abandoned: bool) -> None:
        """The same for a number that only its hash is known of."""
        if since >= self._tidied_at + TIDIED_EVERY:
            kept = since - self._longest
            self._rested = {each: ends for each, ends in self._rested.items() if max(ends.values()) > kept}
            self._tidied_at = since
        ends = self._rested.setdefault(hashed, {})
        ends[abandoned] = max(since, ends.get(abandoned, since))

    def locked_until(
        self, number: str, wall: datetime, *, abandoned_lock_s: float = 0.0, machine_lock_s: float = 0.0
    ) -> datetime | None:
        """None where the number may be dialled at `wall` by a campaign whose locks last so long."""
        hashed = self._digest(number)
        until = self._until.get(hashed)
        if until is not None and until <= wall:
            del self._until[hashed]
        rested = self._rested.get(hashed, {})
        self._longest = max(self._longest, timedelta(seconds=max(abandoned_lock_s, machine_lock_s)))
        lasts_s = {True: abandoned_lock_s, False: machine_lock_s}
        ends = [since + timedelta(seconds=lasts_s[abandoned]) for abandoned, since in rested.items()]
        later = [end for end in (*ends, *([until] if until is not None else ())) if end > wall]
        return max(later, default=None)

    def standing(self, wall: datetime) -> dict[Hashable, datetime]:
        """All locks in force, by hash, for the record."""
        return {hashed: until for hashed, until in self._until.items() if until > wall}
