"""When agents are known to be away: breaks, roll checks of the whole house, the end of their hours. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from softswitch.safeguards.admission import Shift

BREAK = "break"
ROLL_CHECK = "roll check"
OFF_DUTY = "off duty"
FORESEEN = timedelta(minutes=10)
"""Further ahead nobody needs to know: a call that is placed now has long been answered by then."""
_A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Absences:
    """Of one agent; hours are the site's."""

    breaks: tuple[Shift, ...] = ()
    roll_checks: tuple[Shift, ...] = ()
    roster: tuple[Shift, ...] = ()
    """Hours on duty; empty: any."""

    def code_at(self, moment: datetime) -> str:
        """Why the agent is away at a moment in the site's time zone; empty: is not."""
        if any(each.covers(moment) for each in self.roll_checks):
            return ROLL_CHECK
        if any(each.covers(moment) for each in self.breaks):
            return BREAK
        return OFF_DUTY if self.roster and not any(each.covers(moment) for each in self.roster) else ""

    def on_duty(self, moment: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """From when until when the agent is at work between two moments, UTC and ascending. moment: with the site's
        zone, at most a day before `until`."""
        begin, end = moment.astimezone(UTC), until.astimezone(UTC)
        edges = {begin, end}
        for shift in (*self.breaks, *self.roll_checks, *self.roster):
            for day in (moment.date(), moment.date() + timedelta(days=1)):
                for clock in (shift.begins, shift.ends):
                    edge = datetime.combine(day, clock, moment.tzinfo).astimezone(UTC)
                    if begin < edge < end:
                        edges.add(edge)
        return [part for part in pairwise(sorted(edges)) if not self.code_at(part[0].astimezone(moment.tzinfo))]

    def next_after(self, moment: datetime) -> datetime | None:
        """The first minute in which the agent is away, within `FORESEEN`; None if there is none. moment: with the
        site's zone; minutes are counted in UTC, so that a clock change moves none of them."""
        if not (self.breaks or self.roll_checks or self.roster):
            return None
        minute = moment.astimezone(UTC).replace(second=0, microsecond=0)
        for step in range(1, int(FORESEEN / _A_MINUTE) + 1):
            coming = minute + step * _A_MINUTE
            if self.code_at(coming.astimezone(moment.tzinfo)):
                return coming
        return None
