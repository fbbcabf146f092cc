"""Attempts before their answer: committed, placed, ringing, cut off or failed.

Nothing is placed that is not committed, and nothing that rings is cut off before the minimum ring.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.books import Books
from softswitch.dialler.call import Call, CallState
from softswitch.dialler.callbacks import CALLED, is_callback
from softswitch.dialler.events import (
    CallbackClosed,
    CancelCall,
    CommitAttempt,
    PlaceCall,
    PreviewEnded,
    PreviewOffered,
)
from softswitch.dialler.lead import Lead
from softswitch.dialler.presented import caller_id_for
from softswitch.dialler.shift import NOBODY, Shift
from softswitch.dialler.supply import Supply

PREVIEW_UNANSWERED = "preview"
"""Pause code of an agent who was shown a lead and said nothing."""


class PlacedCalls:
    """What one campaign does with its attempts until they are answered."""

    def __init__(self, shift: Shift, books: Books, supply: Supply, new_ref: Callable[[], str]) -> None:
        self._shift = shift
        self._books = books
        self._supply = supply
        self._new_ref = new_ref
        self._campaign = shift.campaign

    def dial(self, now: float, *, guaranteed: bool) -> bool:
        """Begin one attempt at the lead that comes next, with an agent reserved for it if `guaranteed`."""
        lead = self._supply.take(now)
        return lead is not None and self.begin(lead, now, self._shift.agents_to_dial_for(now) if guaranteed else None)

    def call_back(self, now: float) -> bool:
        """Begin the callback that is due, with its own agent or, after the grace, anybody who is ready."""
        lead = self._supply.take_callback(now, lambda agent: self._shift.board.ready(self._among(agent)) > 0)
        if lead is None:
            return False
        own = self._among(lead.callback_agent)
        return self.begin(lead, now, own if self._shift.board.ready(own) else self._campaign.agents)

    def preview(self, now: float) -> bool:
        """Show the lead that comes next to an agent; nothing is committed before the agent wants it called."""
        lead = self._supply.take(now)
        return lead is not None and self.begin(lead, now, self._shift.agents_to_dial_for(now), shown_first=True)

    def accepted(self, call: Call, now: float) -> None:
        """The agent wants the lead called; its clocks begin now."""
        call.state, call.timer, call.begun_at = CallState.COMMITTING, None, now
        call.attempt = replace(call.attempt, committed_at=self._shift.wall(now))
        self._shift.emit(CommitAttempt(call.attempt, call.lead.number))

    def skipped(self, call: Call, reason: str, now: float) -> None:
        """The agent does not: the lead is tried again as by the rule for `skipped`."""
        agent = call.agent
        lead = self._books.withdraw(call, now, committed=False)
        self._shift.emit(PreviewEnded(call.attempt.call_ref, lead.lead_ref, agent, reason))
        self._books.set_aside(lead, now)

    def end_preview(self, call: Call, reason: str, now: float) -> None:
        """Nobody looks at it any more, or nobody may: the lead is as it was."""
        agent = call.agent
        self._supply.put_back(self._books.withdraw(call, now, committed=False), now)
        self._shift.emit(PreviewEnded(call.attempt.call_ref, call.lead.lead_ref, agent, reason))

    def look_at_previews(self, now: float, *, may_place: bool) -> None:
        """Those whose agent is gone, or that may not be dialled any longer, end."""
        for call in [one for one in self._shift.calls.values() if one.state is CallState.PREVIEW]:
            if not call.agent or not may_place:
                self.end_preview(call, "withdrawn", now)

    def _among(self, agent: str) -> tuple[str, ...]:
        """Who may take a callback that this agent, or (empty) nobody in particular, has promised."""
        if not agent:
            return self._campaign.agents
        return (agent,) if not self._campaign.agents or agent in self._campaign.agents else (NOBODY,)

    def begin(self, lead: Lead, now: float, among: Collection[str] | None, *, shown_first: bool = False) -> bool:
        """Begin an attempt at a lead whose number is claimed.

        among: one of these agents, or (empty) of all, is reserved for it, or it is not begun; None: nobody is.
        shown_first: the agent decides whether it is committed.
        """
        attempt = DialAttempt(
            call_ref=self._new_ref(),
            lead_ref=lead.lead_ref,
            campaign=self._campaign.name,
            trunk=self._campaign.trunk,
            committed_at=self._shift.wall(now),
            caller_id=caller_id_for(self._campaign, lead.number),
            time_zone=lead.time_zone,
            guaranteed=among is not None,
            number_rank=lead.turn,
        )
        call = Call(attempt, lead, now, guaranteed=among is not None)
        if among is not None:
            agent = self._shift.board.reserve_longest_waiting(now, attempt.call_ref, self._campaign.name, among)
            if agent is None:
                self._shift.locks.release(lead.number)
                self._supply.put_back(lead, now)
                return False
            call.agent = agent
        self._shift.add_call(call)
        if shown_first:
            call.state, call.timer = CallState.PREVIEW, now + self._campaign.preview_s
            self._shift.emit(PreviewOffered(attempt.call_ref, call.agent))
        else:
            self._shift.emit(CommitAttempt(attempt, lead.number))
        return True

    def committed(self, call: Call, now: float, *, may_dial: bool) -> None:
        """The store has it: place the call, unless what allowed it has changed meanwhile."""
        stale = now - call.begun_at > self._shift.margins.commit_stale_s
        if stale or not self.may_leave(call, now, may_dial=may_dial):
            self.take_back(call, now)
            return
        call.state, call.placed_at = CallState.PLACED, now
        call.timer = now + self._shift.margins.no_ringing_timeout_s
        self._shift.emit(PlaceCall(call.attempt.call_ref, call.lead.number))

    def may_leave(self, call: Call, now: float, *, may_dial: bool) -> bool:
        """Whether all that allows the call still does."""
        return may_dial and not call.unwanted and self._supply.may_ring(call.lead, now)

    def take_back(self, call: Call, now: float) -> None:
        """Nothing of it has left us, and nothing will: its lead is as it was."""
        call.placed_at = None
        self._supply.put_back(self._books.withdraw(call, now, committed=True), now)

    def invited(self, call: Call, now: float) -> None:
        if call.attempt.invited_at is None:
            self._shift.ledger.record_attempt(call.attempt.committed_at)
            self._books.note(call, silently=True, invited_at=self._shift.wall(now))
            if is_callback(call.lead):
                called = CallbackClosed(call.lead.lead_ref, CALLED, self._shift.wall(now), call.attempt.call_ref)
                self._shift.emit(called)

    def ringing(self, call: Call, now: float, *, alerted: bool) -> None:
        self.invited(call, now)
        call.state, call.ringing_at, call.alerted = CallState.RINGING, now, alerted
        self._books.note(call, ringing_at=self._shift.wall(now))
        self._arm(call)

    def unwanted(self, call: Call, now: float) -> None:
        """The call shall not be: not placed if it has not been, else cut off as soon as the minimum ring is over."""
        call.unwanted = True
        if call.state is CallState.PREVIEW:
            self.end_preview(call, "withdrawn", now)
        elif call.state is CallState.RINGING:
            self._arm(call)
            if call.timer is not None and call.timer <= now:
                self.handle_timer(call, now)

    def take_up(self, call: Call, now: float) -> None:
        """The process that placed the call is gone. What has not rung is cut off at once, the rest as by `unwanted`."""
        if call.state is CallState.RINGING:
            self.unwanted(call, now)
        else:  # CANCEL is said again where it was said
            call.state = CallState.PLACED
            call.unwanted = True
            self.handle_timer(call, now)

    def handle_timer(self, call: Call, now: float) -> None:
        if call.state is CallState.PREVIEW:  # whoever says nothing is not there
            agent = call.agent
            self.end_preview(call, "no answer", now)
            self._shift.board.receive_state(agent, AgentState.PAUSED, now, PREVIEW_UNANSWERED)
            return
        if call.state is CallState.CANCELLING:  # its end was never told
            self.failed(call, Outcome.CANCELLED, 487, now)
            return
        call.state, call.timer = CallState.CANCELLING, now + self._shift.margins.ending_limit_s
        self._shift.emit(CancelCall(call.attempt.call_ref))

    def failed(self, call: Call, outcome: Outcome, status: int, now: float) -> None:
        if outcome is not Outcome.BLOCKED:
            self.invited(call, now)
        ours = call.state is CallState.CANCELLING and outcome is Outcome.CANCELLED
        if ours and not call.unwanted:  # 487 answers our own CANCEL: it says that nobody answered
            outcome = Outcome.NO_ANSWER if call.ringing_at is not None else Outcome.FAILED
        self._books.close(call, outcome, status, now)

    def _arm(self, call: Call) -> None:
        assert call.ringing_at is not None
        campaign = self._campaign
        ring_s = campaign.minimum_ring_s if call.unwanted else max(campaign.ring_timeout_s, campaign.minimum_ring_s)
        call.timer = call.ringing_at + ring_s
