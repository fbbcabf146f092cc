"""Over which carrier accounts a number may go, and in which order: the longest prefix, then the price, then chance."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from softswitch.sip.locating import Chance, draw


@dataclass(frozen=True, slots=True)
class Route:
    """One account for the numbers that begin so."""

    account: str
    prefix: str = ""
    """E.164 with the plus sign; empty: every number."""
    priority: int = 0
    """Lower comes first, whatever it costs."""
    cost: float = 0.0
    """What a call costs, in whatever money or unit the site counts in."""
    weight: int = 1
    """Its share of the calls among routes alike; 0: only where none of those can take the call."""


class RouteTable:
    """All the routes of a site."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_prefix: dict[str, list[Route]] = {}
        for route in routes:
            self._by_prefix.setdefault(route.prefix, []).append(route)
        for alike in self._by_prefix.values():
            alike.sort(key=lambda route: (route.priority, route.cost))
        self._lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)

    def accounts_for(self, number: str, is_usable: Callable[[str], bool], chance: Chance) -> list[str]:
        """The accounts to try for this number, best first; empty where no usable one has a route.

        A longer prefix comes before a shorter one even where that is cheaper. Each account is named once.
        """
        accounts: dict[str, None] = {}
        for length in self._lengths:
            routes = self._by_prefix.get(number[:length], ()) if len(number) >= length else ()
            usable = [route for route in routes if route.account not in accounts and is_usable(route.account)]
            while usable:
                first = usable[0]
                alike = [each for each in usable if (each.priority, each.cost) == (first.priority, first.cost)]
                chosen = _drawn(alike, chance)
                accounts[chosen.account] = None
                usable = [route for route in usable if route.account != chosen.account]
        return list(accounts)


def _drawn(alike: list[Route], chance: Chance) -> Route:
    if len(alike) == 1:
        return alike[0]
    weighty = [route for route in alike if route.weight > 0]
    if not weighty:
        return alike[chance(len(alike))]
    return weighty[draw([route.weight for route in weighty], chance)]
