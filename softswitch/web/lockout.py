"""Growing back-off after failed log-ins, per account and per source address. Pure: `now` is monotonic seconds."""

from dataclasses import dataclass

FREE_FAILURES = 4
"""A person may mistype this often before anything waits."""
FIRST_WAIT_S = 2.0
ACCOUNT_WAIT_LIMIT_S = 120.0
"""Short enough that nobody can shut the administrator out for a shift by typing nonsense under that name."""
SOURCE_WAIT_LIMIT_S = 900.0
FORGOTTEN_AFTER_S = 3600.0
MAXIMUM_KEYS = 10_000
"""Names come from whoever knocks, so the table is bounded; the entry untouched for longest goes first."""


@dataclass(slots=True)
class _Record:
    failures: int
    last: float
    locked_until: float


class Lockout:
    """Counts failures under names that need not exist: an unknown account locks exactly as a known one does."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], _Record] = {}

    def wait_s(self, account: str, source: str, now: float) -> float:
        """Seconds until a log-in may be tried; 0 when at once. While this is above 0 no password is looked at."""
        until = max(
            (record.locked_until for key in _keys(account, source) if (record := self._records.get(key))), default=now
        )
        return max(0.0, until - now)

    def receive_attempt(self, account: str, source: str, now: float) -> None:
        """Count a log-in as failed before its password is looked at, so that many at once cannot all slip through."""
        for key, limit_s in zip(_keys(account, source), (ACCOUNT_WAIT_LIMIT_S, SOURCE_WAIT_LIMIT_S), strict=True):
            record = self._records.pop(key, None)
            if record is None or now - record.last > FORGOTTEN_AFTER_S:
                record = _Record(0, now, now)
            record.failures += 1
            record.last = now
            extra = record.failures - FREE_FAILURES
            if extra > 0:
                record.locked_until = now + min(limit_s, FIRST_WAIT_S * 2.0 ** min(extra - 1, 16))
            self._records[key] = record  # popped and set again: a dict keeps the order of touching
        while len(self._records) > MAXIMUM_KEYS:
            del self._records[next(iter(self._records))]

    def receive_success(self, account: str, source: str) -> None:
        """Forget the account's failures and this attempt of the source.

        The source keeps its earlier ones, or one good account would open all others to its guesses.
        """
        account_key, source_key = _keys(account, source)
        self._records.pop(account_key, None)
        record = self._records.get(source_key)
        if record is not None:
            record.failures -= 1
            record.locked_until = record.last


def _keys(account: str, source: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("account", account), ("source", source)
