"""The numbers that one campaign has placed calls to: the only ones that may be rung for it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from softswitch.dialler.hours import CallingHours

NOBODY_DIALS = "no dial attempt was committed for this number"


class DialledNumbers:
    """Those of calls that are placed and not over; iterated, without repetition."""

    def __init__(self, hours: CallingHours) -> None:
        self._hours = hours
        self._by_call: dict[str, tuple[str, str]] = {}
        """Number and time zone."""

    def __iter__(self) -> Iterator[str]:
        return iter({number for number, _ in self._by_call.values()})

    def add(self, call_ref: str, number: str, time_zone: str) -> None:
        self._by_call[call_ref] = (number, time_zone)

    def discard(self, call_ref: str) -> None:
        self._by_call.pop(call_ref, None)

    def may_ring(self, number: str) -> str | None:
        """For the gate: a reason, or None where the campaign has placed a call to the number within its hours."""
        zone = next((zone for dialled, zone in self._by_call.values() if dialled == number), None)
        if zone is None:
            return NOBODY_DIALS
        return None if self._hours.is_open(zone, datetime.now(UTC)) else "outside the callee's calling hours"
