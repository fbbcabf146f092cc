"""The hopper: leads that may be dialled next, each number in it once."""

import heapq
from collections.abc import Iterator

from softswitch.dialler.attempt import Disposition
from softswitch.dialler.lead import Lead

_Rank = tuple[bool, int, int, int]


class Hopper:
    """By priority of the list and of the lead, then in the order in which they came; callbacks before all."""

    def __init__(self) -> None:
        self._heap: list[tuple[_Rank, Lead]] = []
        self._numbers: set[str] = set()
        self._refs: set[str] = set()
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Lead]:
        return (lead for _, lead in self._heap)

    def add(self, lead: Lead) -> bool:
        """Take the lead in; False where its number or the lead itself is already here."""
        if lead.number in self._numbers or lead.lead_ref in self._refs:
            return False
        self._arrivals += 1
        heapq.heappush(self._heap, (self._rank(lead), lead))
        self._numbers.add(lead.number)
        self._refs.add(lead.lead_ref)
        return True

    def take(self) -> Lead | None:
        """The lead that comes next, or None."""
        if not self._heap:
            return None
        _, lead = heapq.heappop(self._heap)
        self._forget(lead)
        return lead

    def remove(self, number: str) -> Lead | None:
        """Take out the lead that has this number, if one does."""
        if number not in self._numbers:
            return None
        lead = next(lead for lead in self if lead.number == number)
        self._heap = [entry for entry in self._heap if entry[1] is not lead]
        heapq.heapify(self._heap)
        self._forget(lead)
        return lead

    def holds(self, number: str) -> bool:
        return number in self._numbers

    def _forget(self, lead: Lead) -> None:
        self._numbers.discard(lead.number)
        self._refs.discard(lead.lead_ref)

    def _rank(self, lead: Lead) -> _Rank:
        # The arrival number makes every rank different, so that leads themselves are never compared.
        first = lead.last_outcome != Disposition.CALLBACK.value
        return first, -lead.list_priority, -lead.priority, self._arrivals
