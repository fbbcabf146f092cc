"""Numbers that asked not to be called: for the whole site, or for one campaign."""

from collections.abc import Iterable


class SuppressionList:
    """Effective at once: every dialler asks it again directly before a call is placed."""

    def __init__(self, site: Iterable[str] = ()) -> None:
        self._site = set(site)
        self._campaigns: dict[str, set[str]] = {}

    def add(self, number: str, campaign: str = "") -> None:
        """Suppress an E.164 number for one campaign, or (campaign empty) for all."""
        (self._campaigns.setdefault(campaign, set()) if campaign else self._site).add(number)

    def update(self, numbers: Iterable[str], campaign: str = "") -> None:
        for number in numbers:
            self.add(number, campaign)

    def contains(self, number: str, campaign: str = "") -> bool:
        """Whether the number is suppressed for the site, or for this campaign."""
        return number in self._site or number in self._campaigns.get(campaign, ())

    def __len__(self) -> int:
        return len(self._site) + sum(len(numbers) for numbers in self._campaigns.values())
