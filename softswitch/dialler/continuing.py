"""What a campaign goes on from: the clock, its day in the store, and the calls that another process began."""

from datetime import datetime
from typing import Any

from softswitch.dialler.abandonment import DayCounts, FalsePositives
from softswitch.dialler.call import BEFORE_ANSWER, CallState
from softswitch.dialler.snapshots import Snapshot, call_from, call_snapshot
from softswitch.dialler.supplied import SuppliedCampaign
from softswitch.errors import UsageError


class ContinuedCampaign(SuppliedCampaign):
    """A campaign that can be told what was before it; `dialling.Dialler` adds what happens from here on."""

    # what is known before the start

    def set_wall(self, wall: datetime, now: float) -> None:
        """The wall clock (aware) at `now`; say it again whenever the clock was set."""
        self._shift.set_wall(wall, now)

    def restore_day(self, counts: DayCounts) -> None:
        """Take up a day's ledger from the store, so that a restart does not make the day's budget new."""
        self._shift.ledger.restore(counts)

    def restore_callbacks_missed(self, count: int, now: float) -> None:
        """The same for callbacks that were due today and not made in time."""
        self._supply.restore_callbacks_missed(count, now)

    def receive_reviews(self, reviewed: int, people: int) -> None:
        """Of how many recordings classed as machines a reviewer could tell, and how many of them were people's."""
        ledger = self._shift.ledger
        ledger.false_positives = FalsePositives(ledger.false_positives.prior, reviewed, people)

    # what the process before left

    def snapshot(self, call_ref: str) -> dict[str, Any] | None:
        """What another process needs to go on with a call; None for one that is over or unknown."""
        call = self._shift.calls.get(call_ref)
        return None if call is None else call_snapshot(call)

    def take_up(self, snapshot: Snapshot, now: float) -> str:
        """Go on with a call of another process; its `call_ref`. Say before what the agents are doing.

        Who talks talks on. Who waits for an agent or a message gets one, or the end, as the clocks of the call say: to
        them the time in between has passed like any other. What rings is cut off, but not before the minimum ring, and
        an answer in that time is served. Raises UsageError where the snapshot cannot be used.
        """
        try:
            call = call_from(snapshot)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"the snapshot of a call cannot be used ({type(error).__name__})") from error
        call_ref = call.attempt.call_ref
        if call.state in (CallState.PREVIEW, CallState.COMMITTING, CallState.ENDED) or call_ref in self._shift.calls:
            raise UsageError("the snapshot of a call is of one that is not up, or is up already")
        self._shift.add_call(call)
        self._shift.locks.claim(call.lead.number)
        self._books.note(call)
        if call.state in BEFORE_ANSWER:
            self._placed.take_up(call, now)
        else:
            self._answered.take_up(call, now)
            self._answered.notice_agents(now)
        self._settle(now)
        return call_ref

    def wrap_up_snapshot(self, agent: str) -> dict[str, Any] | None:
        """The call that an agent of this campaign is wrapping up."""
        call = self._books.wrapping.get(agent)
        return None if call is None else call_snapshot(call)

    def take_up_wrap_up(self, agent: str, snapshot: Snapshot) -> None:
        """What the agent says of the call in the wrap-up shall be heard. Raises UsageError as `take_up`."""
        try:
            call = call_from(snapshot)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"the snapshot of a call cannot be used ({type(error).__name__})") from error
        self._books.take_up_wrap_up(agent, call)
