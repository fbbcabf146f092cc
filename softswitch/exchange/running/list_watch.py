"""Lists that others import, let rest, or give another priority or share while the switch runs."""

import structlog

from softswitch.exchange.running.premises import Site
from softswitch.exchange.running.store_watch import StoreWatch

log = structlog.get_logger(__name__)


class ListWatch(StoreWatch):
    """Looks into the store, and tells the dialler whose lists have changed, and how many leads there are."""

    WHAT = "lists"

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site
        self._known: dict[str, frozenset[tuple[str, int, int]]] = {}

    async def look(self) -> None:
        """Take over what is new. Raises SoftswitchError where the store cannot be read."""
        found = await self._site.store.lists_dialled()
        for name, calls in self._site.campaigns.items():
            theirs, before = found.get(name, frozenset()), self._known.get(name)
            if theirs == before:
                continue
            left, total = await self._site.store.lead_totals(name)
            self._known[name] = theirs
            with self._site.mutating() as now:
                calls.dialler.receive_lead_totals(total, left, now)
                if before is not None:  # else the switch has just begun, and nothing is at hand
                    log.info("lists have changed", campaign=name, dialled=len(theirs))
                    calls.dialler.receive_lists_changed(now)
