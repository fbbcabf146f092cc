"""What others have suppressed while the switch runs."""

from datetime import UTC, datetime, timedelta

from softswitch.dialler.campaign import Purpose
from softswitch.exchange.running.premises import Site
from softswitch.exchange.running.store_watch import StoreWatch

OVERLAP = timedelta(seconds=10)
"""Looked back each time: a transaction is seen when it is committed, which is after its moment."""


class SuppressionWatch(StoreWatch):
    """Looks into the store, and tells suppression list and diallers."""

    WHAT = "suppressions"

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site
        self._looked_at = datetime.now(UTC)
        self._known: set[tuple[bytes, str]] = set()

    async def look(self) -> None:
        """Take over what is new. Raises SoftswitchError where the store cannot be read."""
        began = datetime.now(UTC)
        found = set(await self._site.store.suppressed_since(self._looked_at - OVERLAP))
        screened_at = await self._site.store.screened_at()
        self._looked_at = began
        new, self._known = found - self._known, found
        with self._site.mutating() as now:
            for calls in self._site.campaigns.values():
                if screened_at is not None and calls.dialler.campaign.purpose is Purpose.MARKETING:
                    calls.dialler.receive_screening(screened_at, now)
            for digest, scope in new:
                self._site.suppression.add_hashes([digest], scope)
            for name, calls in self._site.campaigns.items() if new else ():
                for number in calls.numbers:
                    digest = self._site.store.digest(number)
                    if (digest, "") in new:
                        calls.dialler.receive_suppressed(number, now)
                    elif (digest, name) in new:
                        calls.dialler.receive_suppressed(number, now, everywhere=False)
