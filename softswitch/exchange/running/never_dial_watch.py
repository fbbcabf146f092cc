"""The never-dial list of a running site: taken from the store at the start, and anew whenever one is imported."""

import asyncio
from datetime import UTC, datetime

import structlog

from softswitch.config import Settings
from softswitch.exchange.running.conditions import SiteConditions
from softswitch.exchange.running.premises import Site
from softswitch.exchange.running.store_watch import StoreWatch
from softswitch.safeguards.gate import Gate
from softswitch.safeguards.never_dial import NeverDialList
from softswitch.store.database import Store
from softswitch.store.never_dial_file import read_numbers

log = structlog.get_logger(__name__)


async def take_up_never_dial(store: Store, settings: Settings) -> tuple[NeverDialList | None, datetime | None]:
    """The list, and when it was made; None where there is none: then nothing is dialled, and the wallboard says why.

    A file that the site names and that is newer than the store's list is imported first. Raises UsageError for one that
    leaves somebody out.
    """
    path, imported_at = settings.safeguards.never_dial, await store.never_dial_imported_at()
    if path is not None and await asyncio.to_thread(path.is_file):
        written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if imported_at is None or written_at > imported_at:
            numbers = await asyncio.to_thread(read_numbers, path, settings.site.country)
            count = await store.replace_never_dial(numbers, written_at)
            log.info("never-dial list imported", file=path.name, numbers=count)
    found = await store.never_dial()
    if found is None:
        log.error("no never-dial list, nothing will be dialled", **({"file": str(path)} if path else {}))
        return None, None
    return found


class NeverDialWatch(StoreWatch):
    """Looks into the store each second; `softswitch never-dial import` may have put another list there."""

    WHAT = "never-dial lists"

    def __init__(self, site: Site, gate: Gate, conditions: SiteConditions) -> None:
        super().__init__()
        self._site = site
        self._gate = gate
        self._conditions = conditions

    async def look(self) -> None:
        """Take over a newer list; whoever is on it and is being rung is left in peace, after the minimum ring."""
        if await self._site.store.never_dial_imported_at() == self._conditions.never_dial_at:
            return
        found = await self._site.store.never_dial()
        self._gate.never_dial, self._conditions.never_dial_at = found or (None, None)
        log.info("never-dial list taken over", numbers=0 if found is None else len(found[0]))
        with self._site.mutating() as now:
            for calls in self._site.campaigns.values() if found else ():
                for number in calls.numbers:
                    if found is not None and found[0].contains(number):
                        calls.dialler.receive_suppressed(number, now)
