"""What a site's TOML file may say of people: who needs what to log in, from where, and when an agent may work."""

import ipaddress
import re
from datetime import date, time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from softswitch.config.fields import WEEKDAYS, Section
from softswitch.safeguards.admission import Clearance, Shift

_SHIFT = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)")


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("must be a network, such as 10.1.0.0/24, with zeros behind its length") from None


def shift_of(text: str) -> Shift:
    """As in "mon-fri 09:00-17:00" or "sat 22:00-06:00". Raises ValueError for anything else."""
    found = _SHIFT.fullmatch(text.strip().lower())
    try:
        if found is None:
            raise ValueError
        first, last = WEEKDAYS.index(found[1]), WEEKDAYS.index(found[2] or found[1])
        begins, ends = time(int(found[3]), int(found[4])), time(int(found[5]), int(found[6]))
    except ValueError:
        raise ValueError('must be days and hours, such as "mon-fri 09:00-17:00" or "sat 22:00-06:00"') from None
    if begins == ends:
        raise ValueError("begins when it ends")
    days = [(first + n) % 7 for n in range((last - first) % 7 + 1)]
    return Shift(frozenset(days), begins, ends)


def _shift(text: str) -> str:
    shift_of(text)
    return text


Network = Annotated[str, AfterValidator(_network)]
ShiftText = Annotated[str, AfterValidator(_shift)]
PauseCode = Annotated[str, Field(max_length=32, pattern=r"^[A-Za-z][A-Za-z -]*$")]
Category = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


class PeopleSettings(Section):
    """[people]"""

    second_factor: Literal["network", "always"] = "network"
    """Who needs a code from an app as well as a password: everybody but agents who does not sit at this machine, or
    everybody but agents. Who has enrolled needs it always."""
    several_roles: bool = False
    """A person may be supervisor, administrator or auditor at once; otherwise such an account cannot log in."""
    pause_codes: Annotated[tuple[PauseCode, ...], Field(min_length=1, max_length=12)] = (
        *("break", "lunch", "toilet", "meeting", "training", "technical"),
    )
    """What an agent says of a pause."""
    roll_checks: tuple[ShiftText, ...] = ()
    """When everybody is counted, such as ["mon-sun 11:45-12:00"]: nothing is dialled for agents who will be away, and
    those who are logged in pause by themselves."""
    agents_networks: tuple[Network, ...] = ()
    """The agents' segment: agents log in from there alone, and nobody else does. Left out: from anywhere."""


class ClearanceSettings(Section):
    """What decides when an agent may work."""

    cleared_from: date | None = None
    """First day on which the agent may work."""
    cleared_until: date | None = None
    """Last day on which the agent may work."""
    roster: tuple[ShiftText, ...] = ()
    """Hours, such as ["mon-fri 09:00-17:00"], in the site's time zone; left out: any."""
    breaks: tuple[ShiftText, ...] = ()
    """Known pauses, such as ["mon-fri 12:30-13:00"]; the agent pauses and comes back by itself."""
    excluded_categories: tuple[Category, ...] = ()
    """Campaigns of these categories are not for this agent."""

    def clearance(self) -> Clearance:
        return Clearance(
            self.cleared_from,
            self.cleared_until,
            tuple(shift_of(text) for text in self.roster),
            frozenset(self.excluded_categories),
        )
