"""What the parts of one campaign's dialler share: the campaign, its calls, its ledger, the clock and the way out."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np

from softswitch.dialler.abandonment import AbandonmentLedger
from softswitch.dialler.agents import AgentBoard
from softswitch.dialler.blending import Allotment, Blend
from softswitch.dialler.call import Call
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.events import CampaignEvent
from softswitch.dialler.locks import NumberLocks
from softswitch.dialler.rules import UNITED_KINGDOM, Margins, RuleSet
from softswitch.dialler.suppression import SuppressionList
from softswitch.errors import UsageError

NOBODY = ""
"""An agent's name that nobody has: an empty list of agents would mean all."""


@dataclass(slots=True)
class Shift:
    """The shared part of one campaign's dialler; each part of it holds the same one."""

    campaign: Campaign
    margins: Margins
    board: AgentBoard
    locks: NumberLocks
    suppression: SuppressionList
    ledger: AbandonmentLedger
    rng: np.random.Generator
    blend: Blend | None = None
    """Who shares the agents out; None: they are this campaign's alone."""
    rules: RuleSet = UNITED_KINGDOM
    calls: dict[str, Call] = field(default_factory=dict)
    """Attempts that are not over, by `call_ref`; they come and go by `add_call` and `remove_call`."""
    unreported: dict[str, Call] = field(default_factory=dict)
    """Those of them that the last figure of free channels does not take into account."""
    moved: dict[str, Call] = field(default_factory=dict)
    """Calls of which something has changed since the pacing looked at them, those that are over among them."""
    events: deque[CampaignEvent] = field(default_factory=deque)
    _anchor: tuple[datetime, float] | None = None
    _positions: Iterator[int] = field(default_factory=count)

    def add_call(self, call: Call) -> None:
        """A new attempt, or one that another process began."""
        call.moved, call.position = self.moved, next(self._positions)
        call_ref = call.attempt.call_ref
        self.calls[call_ref] = self.moved[call_ref] = call
        if not call.in_channel_report:
            self.unreported[call_ref] = call

    def remove_call(self, call_ref: str) -> None:
        """An attempt that is over."""
        del self.calls[call_ref]
        self.unreported.pop(call_ref, None)

    def report_channels(self) -> None:
        """A new figure of free channels is here: calls whose INVITE has been told of are counted in it as taken."""
        for call_ref, call in tuple(self.unreported.items()):
            if call.attempt.invited_at is not None:
                call.in_channel_report = True
                del self.unreported[call_ref]

    def allotment(self, now: float) -> Allotment | None:
        """Whom this campaign may count on; None: everybody who works for it."""
        return None if self.blend is None else self.blend.allotment(self.campaign.name, now)

    def agents_to_dial_for(self, now: float) -> tuple[str, ...]:
        """Who may be reserved before an answer; empty: all."""
        allotted = self.allotment(now)
        return self.campaign.agents if allotted is None else (*allotted.ready, NOBODY)

    def set_wall(self, wall: datetime, now: float) -> None:
        if wall.tzinfo is None:
            raise UsageError("the wall clock needs a time zone: give an aware datetime")
        self._anchor = (wall.astimezone(UTC), now)

    @property
    def knows_wall(self) -> bool:
        return self._anchor is not None

    def wall(self, now: float) -> datetime:
        """The wall clock (UTC) at the monotonic time `now`."""
        if self._anchor is None:
            raise UsageError("the dialler does not know the time of day: call set_wall first")
        wall, at = self._anchor
        return wall + timedelta(seconds=now - at)

    def emit(self, event: CampaignEvent) -> None:
        self.events.append(event)
