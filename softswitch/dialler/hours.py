"""Calling hours in the callee's own time zone.

Local wall-clock hours are turned into instants day by day, so that a night on which the clocks change is neither an
hour early nor an hour late. A number that may be in several zones has all of them in its `time_zone`, parted by `|`,
and is rung while every one of them allows it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from softswitch.dialler.campaign import Campaign

HORIZON_DAYS = 400  # a year of holidays and some more; beyond it there is no opening worth waiting for
SEARCH_ROUNDS = 60
"""Openings of several zones are compared so often: a month, where each opens once a day. Then they have no hour in
common."""
BETWEEN_ZONES = "|"


@dataclass(frozen=True, slots=True)
class CallingHours:
    """When a number may be rung, on the clock of whoever has it."""

    opens: time
    closes: time
    """First moment at which nobody may be rung any more."""
    weekdays: frozenset[int] = frozenset(range(7))
    """Monday is 0."""
    holidays: frozenset[date] = frozenset()

    @classmethod
    def of(cls, campaign: Campaign) -> "CallingHours":
        return cls(campaign.opens, campaign.closes, campaign.weekdays, campaign.holidays)

    def is_open(self, time_zone: str, wall: datetime, for_s: float = 0.0) -> bool:
        """Whether the callee may be rung at `wall` (aware) and still be ringing `for_s` seconds later.

        An unknown zone is closed: nobody is rung at an hour that we cannot tell.
        """
        zones = _zones(time_zone)
        return bool(zones) and all(self._is_open_in(zone, wall, for_s) for zone in zones)

    def next_opening(self, time_zone: str, wall: datetime, for_s: float = 0.0) -> datetime | None:
        """The first instant (UTC), not before `wall`, at which `is_open` holds; None if there is none."""
        zones = _zones(time_zone)
        if not zones:
            return None
        moment = wall.astimezone(UTC)
        for _ in range(SEARCH_ROUNDS):
            latest = moment
            for zone in zones:
                opening = self._next_opening_in(zone, moment, for_s)
                if opening is None:
                    return None
                latest = max(latest, opening)
            if latest == moment:
                return moment
            moment = latest
        return None

    def closing(self, time_zone: str, wall: datetime) -> datetime | None:
        """When (UTC) the calling hours of this day of the callee's end; None where they are over, or there are none."""
        windows = [self._window(zone, wall) for zone in _zones(time_zone)]
        ends = [window[1] for window in windows if window is not None and wall < window[1]]
        return min(ends) if ends and len(ends) == len(windows) else None

    def opening_in_another_part(
        self, tried: datetime, due: datetime, time_zone: str, day_parts: Sequence[time]
    ) -> datetime:
        """A moment (UTC), not before `due`, from which on the callee is first rung in another part of the day than at
        `tried`; `due` where all calling hours lie in one part."""
        moment = due
        for _ in range(len(day_parts) + 2):
            moment = in_another_part(tried, moment, time_zone, day_parts)
            opening = self.next_opening(time_zone, moment)
            if opening is None or in_another_part(tried, opening, time_zone, day_parts) == opening:
                return moment
            moment = opening
        return due

    def _is_open_in(self, zone: ZoneInfo, wall: datetime, for_s: float) -> bool:
        window = self._window(zone, wall)
        return window is not None and window[0] <= wall and wall + timedelta(seconds=for_s) < window[1]

    def _next_opening_in(self, zone: ZoneInfo, wall: datetime, for_s: float) -> datetime | None:
        if self._is_open_in(zone, wall, for_s):
            return wall
        day = wall.astimezone(zone).date()
        for _ in range(HORIZON_DAYS):
            if self._is_calling_day(day):
                opening = datetime.combine(day, self.opens, zone).astimezone(UTC)
                if opening >= wall and self._is_open_in(zone, opening, for_s):
                    return opening
            day += timedelta(days=1)
        return None

    def _window(self, zone: ZoneInfo, wall: datetime) -> tuple[datetime, datetime] | None:
        day = wall.astimezone(zone).date()
        if not self._is_calling_day(day):
            return None
        # In UTC: aware datetimes of one zone compare by their wall clocks, which a clock change makes wrong.
        opens = datetime.combine(day, self.opens, zone).astimezone(UTC)
        return opens, datetime.combine(day, self.closes, zone).astimezone(UTC)

    def _is_calling_day(self, day: date) -> bool:
        return day.weekday() in self.weekdays and day not in self.holidays


def in_another_part(tried: datetime, due: datetime, time_zone: str, day_parts: Sequence[time]) -> datetime:
    """The first moment (UTC), not before `due`, in another part of the callee's day than the attempt at `tried`.

    day_parts: ascending, in the callee's time; what lies behind the last goes on until midnight. Without any, or in an
    unknown zone, it is `due`.
    """
    zones = _zones(time_zone)
    if not zones or not day_parts:
        return due
    zone = zones[0]
    local = due.astimezone(zone)
    part = bisect_right(day_parts, local.time())
    if part != bisect_right(day_parts, tried.astimezone(zone).time()):
        return due
    if part < len(day_parts):
        return datetime.combine(local.date(), day_parts[part], zone).astimezone(UTC)
    return datetime.combine(local.date() + timedelta(days=1), time.min, zone).astimezone(UTC)


def first_zone(time_zone: str) -> ZoneInfo:
    """Whose clock a callee who may be in several zones is spoken of by. KeyError, ValueError or OSError for none."""
    return ZoneInfo(time_zone.partition(BETWEEN_ZONES)[0])


@lru_cache(maxsize=4096)
def _zones(names: str) -> tuple[ZoneInfo, ...]:
    """Empty where one of them is unknown."""
    try:
        return tuple(ZoneInfo(name) for name in names.split(BETWEEN_ZONES))
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; a folder's name gives an OSError
        return ()
