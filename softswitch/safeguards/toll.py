"""The toll guard: where calls may go and how many, so that whoever gets hold of the switch cannot run up a bill.

International revenue share fraud dials expensive numbers at night, all at once, from a system that was broken into.
Four bounds stand against it, directly in front of the wire: destinations that are never dialled, destinations that may
be, calls at once, and calls a day. All fail closed. A pure machine but for what it is given to ask.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

from softswitch.safeguards.never_dial import FORBIDDEN_PREFIXES

FRAUD_PREFIXES: Final = (
    *FORBIDDEN_PREFIXES,
    "+800",  # ITU-T E.164: international freephone and shared cost, billed to whoever owns them
    "+808",
    "+878",  # personal numbers
    "+888",  # humanitarian networks, long since misused
    "+991",
)
"""Never dialled, whatever a site allows: premium rate, satellite, international networks."""
MUST_BE_NAMED: Final = (
    *(f"+1{area}" for area in (
        "242", "246", "264", "268", "284", "345", "441", "473", "649", "664", "658", "721", "758", "767", "784", "809",
        "829", "849", "868", "869", "876",
    )),
    "+447624", "+447781", "+447797", "+4455", "+4484", "+4487",
)  # fmt: skip
"""Ranges inside a country code that cost more than the country: Caribbean islands in +1; the mobiles of Man,
Guernsey and Jersey and service numbers in +44. An allowed prefix lets them through only where it names the
range itself."""
NO_TIME: Final = timedelta(0)
AGAIN_WITHIN: Final = timedelta(seconds=10)
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")


@dataclass(frozen=True, slots=True)
class TollLimits:
    """What a site allows."""

    destinations: tuple[str, ...] = ()
    """Prefixes in E.164 that may be dialled; empty: what `is_domestic` says."""
    refused: tuple[str, ...] = ()
    """Prefixes that may not, beside those that never may."""
    calls_at_once: int = 1000
    calls_a_day: int = 50_000
    calls_a_day_to: Mapping[str, int] = field(default_factory=dict)
    """By prefix: most calls a day that go there; a call counts under each prefix that it begins with."""


class TollGuard:
    """`guard(number)` gives a reason why a call may not go there, or None and counts it.

    is_domestic: whether a number is an ordinary one of the site's own country; for sites that name no destinations.
    calls_up: calls that are up or being placed on all trunks together, with the one that is asked for.
    clock: the time where the site is; days are counted by it.
    """

    def __init__(
        self,
        limits: TollLimits,
        *,
        is_domestic: Callable[[str], bool],
        calls_up: Callable[[], int],
        clock: Callable[[], datetime],
    ) -> None:
        self._limits = limits
        self._is_domestic = is_domestic
        self._calls_up = calls_up
        self._clock = clock
        self._day: date | None = None
        self._counts: dict[str, int] = {}
        self._passed: dict[str, datetime] = {}
        self._refused_prefixes = (*FRAUD_PREFIXES, *limits.refused)

    def allow_at_once(self, calls: int) -> None:
        """Another number of calls at a time, as trunks come and go."""
        self._limits = replace(self._limits, calls_at_once=calls)

    def __call__(self, number: str) -> str | None:
        """A reason in plain words that holds no part of the number. Every INVITE asks, also one sent anew to answer a
        challenge: the second within seconds for the same number is taken for that and not counted again."""
        reason = self.refusal(number)
        if reason is None:
            self._count(number)
        return reason

    def refusal(self, number: str) -> str | None:
        """The same, without counting."""
        if not number.startswith("+") or number.startswith(self._refused_prefixes):
            return "the destination is never dialled (premium, satellite, or refused by the site)"
        if not self._is_allowed(number):
            return "the destination is not among those that the site dials"
        if self._calls_up() > self._limits.calls_at_once:
            return "as many calls are up as the site allows at once"
        self._turn_day()
        for prefix, most in self._caps():
            if number.startswith(prefix) and self._counts.get(prefix, 0) >= most and not self._is_again(number):
                return _spent(prefix)
        return None

    @property
    def alarm(self) -> str:
        """What keeps dialling shut for today, for the wallboard; empty while nothing does. A spent prefix of several is
        an alarm too, but calls go on elsewhere: see `spent`."""
        self._turn_day()
        return _spent("") if self._counts.get("", 0) >= self._limits.calls_a_day else ""

    @property
    def spent(self) -> tuple[str, ...]:
        """Prefixes whose calls of today are used up."""
        self._turn_day()
        return tuple(prefix for prefix, most in self._caps() if prefix and self._counts.get(prefix, 0) >= most)

    @property
    def calls_today(self) -> int:
        self._turn_day()
        return self._counts.get("", 0)

    def restore(self, calls: int, calls_to: Mapping[str, int] | None = None) -> None:
        """What was dialled earlier today, after a restart; by prefix where that is known. Never lowers a count."""
        self._turn_day()
        for prefix, count in {"": calls, **(calls_to or {})}.items():
            self._counts[prefix] = max(count, self._counts.get(prefix, 0))

    def _is_allowed(self, number: str) -> bool:
        named = [prefix for prefix in self._limits.destinations if number.startswith(prefix)]
        if not self._limits.destinations:
            return self._is_domestic(number)
        for dear in MUST_BE_NAMED:
            if number.startswith(dear):
                return any(prefix.startswith(dear) for prefix in named)
        return bool(named)

    def _caps(self) -> list[tuple[str, int]]:
        return [("", self._limits.calls_a_day), *self._limits.calls_a_day_to.items()]

    def _count(self, number: str) -> None:
        now = self._clock()
        for earlier, at in list(self._passed.items()):
            if NO_TIME <= now - at < AGAIN_WITHIN:
                break  # they stand in the order of their time
            del self._passed[earlier]
        if self._passed.pop(number, None) is not None:
            return  # what comes within seconds of this is a new call again
        self._passed[number] = now
        for prefix, _ in self._caps():
            if number.startswith(prefix):
                self._counts[prefix] = self._counts.get(prefix, 0) + 1

    def _is_again(self, number: str) -> bool:
        at = self._passed.get(number)
        return at is not None and NO_TIME <= self._clock() - at < AGAIN_WITHIN

    def _turn_day(self) -> None:
        """A clock that is set back begins no new day: what was dialled stays dialled."""
        today = self._clock().date()
        if self._day is None or today > self._day:
            self._day, self._counts = today, {}


def prefix_problem(prefix: str) -> str | None:
    """What is wrong with a destination that a site names, or None."""
    if not _PREFIX.fullmatch(prefix):
        return 'is no beginning of a number in E.164 form, such as "+44" or "+3531"'
    if prefix.startswith(FRAUD_PREFIXES):
        return "is never dialled (premium rate, satellite, international networks)"
    return None


def _spent(prefix: str) -> str:
    return f"the site's calls to {prefix} for today are spent" if prefix else "the site's calls for today are spent"
