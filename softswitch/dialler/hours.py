"""Calling hours in the callee's own time zone.

Local wall-clock hours are turned into instants day by day, so that a night on which the clocks change is neither an
hour early nor an hour late.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from softswitch.dialler.campaign import Campaign

HORIZON_DAYS = 400  # a year of holidays and some more; beyond it there is no opening worth waiting for


@dataclass(frozen=True, slots=True)
class CallingHours:
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
        window = self._window(time_zone, wall)
        return window is not None and window[0] <= wall and wall + timedelta(seconds=for_s) < window[1]

    def next_opening(self, time_zone: str, wall: datetime, for_s: float = 0.0) -> datetime | None:
        """The first instant (UTC), not before `wall`, at which `is_open` holds; None if there is none."""
        zone = _zone(time_zone)
        if zone is None:
            return None
        if self.is_open(time_zone, wall, for_s):
            return wall.astimezone(UTC)
        day = wall.astimezone(zone).date()
        for _ in range(HORIZON_DAYS):
            if self._is_calling_day(day):
                opening = datetime.combine(day, self.opens, zone).astimezone(UTC)
                if opening >= wall and self.is_open(time_zone, opening, for_s):
                    return opening
            day += timedelta(days=1)
        return None

    def closing(self, time_zone: str, wall: datetime) -> datetime | None:
        """When (UTC) the calling hours of this day of the callee's end; None where they are over, or there are none."""
        window = self._window(time_zone, wall)
        return window[1] if window is not None and wall < window[1] else None

    def _window(self, time_zone: str, wall: datetime) -> tuple[datetime, datetime] | None:
        zone = _zone(time_zone)
        if zone is None:
            return None
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
    zone = _zone(time_zone)
    if zone is None or not day_parts:
        return due
    local = due.astimezone(zone)
    part = bisect_right(day_parts, local.time())
    if part != bisect_right(day_parts, tried.astimezone(zone).time()):
        return due
    if part < len(day_parts):
        return datetime.combine(local.date(), day_parts[part], zone).astimezone(UTC)
    return datetime.combine(local.date() + timedelta(days=1), time.min, zone).astimezone(UTC)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; a folder's name gives an OSError
        return None
