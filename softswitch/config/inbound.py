"""What a site's TOML file may say of calls to its own numbers."""

from datetime import date, time
from typing import Annotated

from pydantic import Field

from softswitch.config.fields import E164, WEEKDAYS, Name, OptionalE164, Section, Weekday
from softswitch.dialler.hours import CallingHours


class WaitSettings(Section):
    """[[inbound.waits]]"""

    up_to_s: Annotated[float, Field(gt=0)]
    """Said while the expected wait is at most so long; the last one also for all above it."""
    prompt: str
    """Name of a prompt."""


class InboundSettings(Section):
    """[[inbound]]: calls to a number of ours."""

    did: E164
    """Number as the carrier sends it."""
    agents: tuple[str, ...] = ()
    """Agent ids that take its calls; empty: all."""
    skills: tuple[Name, ...] = ()
    """Only agents who have all of them take its calls."""
    service_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Of its callers who are to be answered within `answer_within_s`, such as 0.8: campaigns leave it as many agents
    as that needs. 0: they leave it those whom its callers wait for."""
    answer_within_s: Annotated[float, Field(ge=0, le=600)] = 20.0
    """From the greeting's end."""
    priority: Annotated[int, Field(ge=0, le=100)] = 0
    """Its callers are served before those of numbers with a lower one."""
    greeting: str = ""
    """Name of a prompt that the caller hears whole, first of all."""
    recording_notice: str = ""
    """Name of a prompt: that the call is recorded; the caller hears all of it next, before music and agents."""
    caller_hears: str = "ringing"
    """While waiting: "ringing", or the name of a prompt, which is repeated."""
    positions: tuple[str, ...] = ()
    """Names of prompts: "you are next", "one caller is before you", and so on; places beyond are not told."""
    waits: tuple[WaitSettings, ...] = ()
    """Prompts that tell the expected wait, shortest first."""
    announce_every_s: Annotated[float, Field(ge=5, le=600)] = 30.0
    """How often place and wait are told."""
    patience_s: Annotated[float, Field(ge=1, le=3600)] = 20.0
    """How long a caller waits after the greeting, before the overflow or `prompt_no_agent`."""
    capacity: Annotated[int, Field(ge=0)] = 0
    """Callers that may wait at once; one more is not let in. 0: any number."""
    callback_campaign: str = ""
    """Name of the campaign under which callers who press `callback_digit` are called back, with its hours and its
    caller id, once their place in the queue is reached; empty: nobody is."""
    callback_digit: Annotated[str, Field(pattern=r"^[0-9*#]$")] = "1"
    """Key that asks for it while waiting."""
    prompt_callback: str = ""
    """Name of a prompt that says so, after place and wait."""
    prompt_callback_kept: str = ""
    """Name of a prompt: that the call will come; then the caller is rung off."""
    prompt_no_agent: str = ""
    """Name of a prompt played when no agent is free; empty: the call is refused as busy."""
    overflow_number: OptionalE164 = ""
    """Who takes callers that nobody here serves in time; the call goes on being recorded."""
    overflow_trunk: str = ""
    """Name of the trunk to that number; empty: any that is healthy."""
    overflow_after_s: Annotated[float, Field(ge=0, le=3600)] | None = None
    """After so long the overflow takes the caller; left out: after `patience_s`."""
    opens: time | None = None
    """Site's local time; left out, with `closes`: always open."""
    closes: time | None = None
    """First moment at which nobody is let in any more."""
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    """Days on which it is open: mon, tue, ..."""
    holidays: tuple[date, ...] = ()
    """Days on which it is not."""
    prompt_closed: str = ""
    """Name of a prompt for callers outside the hours; empty: they are refused."""

    @property
    def hours(self) -> CallingHours | None:
        """None: always open."""
        if self.opens is None and self.closes is None and self.weekdays == WEEKDAYS and not self.holidays:
            return None
        days = frozenset(WEEKDAYS.index(day) for day in self.weekdays)
        return CallingHours(self.opens or time.min, self.closes or time.max, days, frozenset(self.holidays))
