"""Numbers that asked not to be called: for the whole site, or for one campaign.

They are kept as the caller's hash makes them, so that a list of people who want to be left alone names nobody.
"""

from collections.abc import Callable, Hashable, Iterable


def as_it_is(number: str) -> Hashable:
    """For lists that hold nobody's real number."""
    return number


class SuppressionList:
    """Effective at once: every dialler asks it again directly before a call is placed."""

    def __init__(self, site: Iterable[str] = (), digest: Callable[[str], Hashable] = as_it_is) -> None:
        """site: numbers.  digest: the store's keyed hash of a number."""
        self._digest = digest
        self._site: set[Hashable] = {digest(number) for number in site}
        self._campaigns: dict[str, set[Hashable]] = {}

    def add(self, number: str, campaign: str = "") -> None:
        """Suppress an E.164 number for one campaign, or (campaign empty) for all."""
        self.add_hashes([self._digest(number)], campaign)

    def update(self, numbers: Iterable[str], campaign: str = "") -> None:
        for number in numbers:
            self.add(number, campaign)

    def add_hashes(self, hashes: Iterable[Hashable], campaign: str = "") -> None:
        """Suppress numbers that only their hashes are known of."""
        (self._campaigns.setdefault(campaign, set()) if campaign else self._site).update(hashes)

    def contains(self, number: str, campaign: str = "") -> bool:
        """Whether the number is suppressed for the site, or for this campaign."""
        hashed = self._digest(number)
        return hashed in self._site or hashed in self._campaigns.get(campaign, ())

    def __len__(self) -> int:
        return len(self._site) + sum(len(numbers) for numbers in self._campaigns.values())
