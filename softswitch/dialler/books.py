"""The books of one campaign: what every attempt came to, in its record, its lead and the ledger."""

from collections import OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from softswitch.amd.verdict import Cause, Verdict
from softswitch.calls.outcome import Outcome
from softswitch.dialler import recycle
from softswitch.dialler.agents import CallEnd
from softswitch.dialler.alternatives import without_suppressed
from softswitch.dialler.attempt import NOBODY_MET, Disposition
from softswitch.dialler.call import Call, CallState
from softswitch.dialler.callbacks import CANCELLED, Callback
from softswitch.dialler.campaign import AmdMode
from softswitch.dialler.detection import ENDED_AS, UNTOLD, Finding
from softswitch.dialler.events import (
    AttemptChanged,
    AttemptEnded,
    CallbackClosed,
    CallbackMade,
    LeadChanged,
    NumberLocked,
    NumberSuppressed,
    ReviewOffered,
)
from softswitch.dialler.lead import Lead, LeadState
from softswitch.dialler.shift import Shift

RECENT_CALLS = 2000
"""Ended calls kept for late dispositions, recordings and figures: an hour of a large site."""

_BY_OUTCOME = {
    Outcome.ANSWERED: Disposition.FAILED,  # an end before its answer was reported
    Outcome.BUSY: Disposition.BUSY,
    Outcome.NO_ANSWER: Disposition.NO_ANSWER,
    Outcome.REFUSED: Disposition.REFUSED,
    Outcome.INVALID_NUMBER: Disposition.INVALID_NUMBER,
    Outcome.FAILED: Disposition.FAILED,
    Outcome.CANCELLED: Disposition.CANCELLED,
    Outcome.BLOCKED: Disposition.BLOCKED,
}
_OVER = (LeadState.DONE, LeadState.SUPPRESSED, LeadState.FILTERED)


class Books:
    """Every call is closed here once, and every figure of the ledger is written here."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._leads_after: dict[str, Lead] = {}
        self.recent: OrderedDict[str, Call] = OrderedDict()
        self.wrapping: dict[str, Call] = {}
        """By agent: the call that is being wrapped up."""
        self.waiting: set[str] = set()
        """Leads that went back to be tried later."""
        self.leads_left: int | None = None
        self.leads_total: int | None = None

    # while the call lives

    def note(self, call: Call, *, silently: bool = False, **changes: Any) -> None:
        """Write into the attempt's record; told, unless it can wait for the CDR without a crash losing a count."""
        call.attempt = replace(call.attempt, **changes)
        if not silently:
            self._shift.emit(AttemptChanged(call.attempt))

    def record_served(self, call: Call, *, in_time: bool, now: float) -> None:
        """An agent was heard: in time it is a live call passed to an agent, else an abandoned one all the same."""
        if in_time and not call.abandoned:
            assert call.answered_wall is not None
            call.counted_live = True
            self._shift.ledger.record_live(call.answered_wall)
        else:
            self.record_abandoned(call, now)

    def record_abandoned(self, call: Call, now: float) -> None:
        if call.abandoned:
            return
        assert call.answered_wall is not None
        call.abandoned = True
        self._count_live(call, False)
        self._shift.ledger.record_abandoned(call.answered_wall)
        self._lock(call.lead.number, self._shift.campaign.abandoned_lock_s, now)
        self.note(call, abandoned=True)

    def record_machine(self, call: Call) -> None:
        """A verdict takes the call for nobody's; had it counted as live, it does so no more."""
        if call.machine:
            return
        assert call.answered_wall is not None
        call.machine, call.review_rank = True, float(self._shift.rng.random())
        self._shift.ledger.record_machine(call.answered_wall)
        self._count_live(call, False)

    def record_person_after_all(self, call: Call) -> None:
        """The verdict that took the call for nobody's is corrected before its end."""
        assert call.answered_wall is not None
        call.machine = False
        self._shift.ledger.record_machine(call.answered_wall, -1)
        self._count_live(call, call.served and not call.abandoned)
        self.note(call, amd_acted=False)

    def part_from_agent(self, call: Call, now: float, *, wrap_up: bool, because: CallEnd | None = None) -> None:
        """Free the call's agent: to wrap up where the agent has talked, else ready at once.

        because: what the agent is told of it, where the two had been joined; of a machine that is always said.
        """
        agent, call.agent = call.agent, ""
        if not agent:
            return
        talked = call.state is CallState.IN_CALL and call.heard_at is not None
        wrap_up_s = self._shift.campaign.wrap_up_s if talked and wrap_up else 0.0
        if talked and not call.machine and wrap_up_s > 0:
            self.wrapping[agent] = call
        if call.state not in (CallState.CONNECTING, CallState.IN_CALL):
            because = None
        elif call.machine:
            because = CallEnd.MACHINE
        self._shift.board.receive_call_ended(agent, call.attempt.call_ref, now, wrap_up_s, because)

    def take_up_wrap_up(self, agent: str, call: Call) -> None:
        """A call that ended under another process and is being wrapped up."""
        self.recent[call.attempt.call_ref] = call
        self.wrapping[agent] = call

    # its end

    def close(self, call: Call, outcome: Outcome, status: int, now: float, *, by_callee: bool = False) -> None:
        """The call is over: its CDR, and what becomes of its lead."""
        if call.state is CallState.ENDED:
            return
        answered = call.answered_at is not None
        if by_callee and answered and not call.findings and self._shift.campaign.amd is not AmdMode.OFF:
            self._hung_up_before_any_verdict(call, now)
        disposition = self._came_to(call, by_callee, now) if answered else _BY_OUTCOME[outcome]
        self.part_from_agent(call, now, wrap_up=True, because=CallEnd.HUNG_UP if by_callee else CallEnd.BROKE_OFF)
        silent = (
            disposition is Disposition.ABANDONED
            and not call.message_heard
            and not (by_callee and now < call.deadline(self._shift.campaign.two_second_rule_s))
        )
        call.state, call.timer, call.ended_at = CallState.ENDED, None, now
        wall = self._shift.wall(now)
        counted_on = call.answered_wall if call.answered_wall is not None else call.attempt.committed_at
        call.attempt = replace(
            call.attempt,
            ended_at=wall,
            outcome=Outcome.ANSWERED.value if answered else outcome.value,
            disposition=disposition.value,
            sip_status=200 if answered else status,
            silent=silent,
        )
        ledger = self._shift.ledger
        ledger.record_disposition(counted_on, disposition.value)
        if silent:
            ledger.record_silent(counted_on)
        self._count_meeting(call, disposition)
        if call.machine or disposition is Disposition.MACHINE:
            self._shift.locks.rest(call.lead.number, wall, abandoned=False)
            self._lock(call.lead.number, self._shift.campaign.machine_lock_s, now)
        if call.abandoned:  # the lock counts from the end, as the message may be long
            self._shift.locks.rest(call.lead.number, wall, abandoned=True)
            self._lock(call.lead.number, self._shift.campaign.abandoned_lock_s, now)
        self._shift.remove_call(call.attempt.call_ref)
        self._shift.locks.release(call.lead.number)
        self.recent[call.attempt.call_ref] = call
        if len(self.recent) > RECENT_CALLS:
            forgotten, _ = self.recent.popitem(last=False)
            self._leads_after.pop(forgotten, None)
        self._shift.emit(AttemptEnded(call.attempt))
        if call.machine:
            self._offer_for_review(call)
        if call.callback_at is not None and disposition is not Disposition.CALLBACK:
            self._take_promise_back(call, now)
        self._recycle(call, disposition, wall)

    def withdraw(self, call: Call, now: float, *, committed: bool) -> Lead:
        """The attempt ends before anything left us; its lead is as if it had never been taken."""
        call.state, call.timer = CallState.ENDED, None
        self.part_from_agent(call, now, wrap_up=False)
        self._shift.remove_call(call.attempt.call_ref)
        self._shift.locks.release(call.lead.number)
        if committed:  # else the store has no such attempt
            call.attempt = replace(
                call.attempt,
                ended_at=self._shift.wall(now),
                outcome=Outcome.BLOCKED.value,
                disposition=Disposition.BLOCKED.value,
            )
            self._shift.ledger.record_disposition(call.attempt.committed_at, Disposition.BLOCKED.value)
            self._shift.emit(AttemptEnded(call.attempt))
        return call.lead

    def set_aside(self, lead: Lead, now: float) -> None:
        """An agent has seen the lead and not had it called."""
        shift, disposition = self._shift, Disposition.SKIPPED
        spread = shift.margins.retry_spread
        self.save_lead(recycle.after(lead, disposition, shift.campaign, shift.wall(now), shift.rng, spread=spread))

    # what agents say of it

    def dispose(
        self,
        call: Call,
        disposition: Disposition,
        now: float,
        callback_at: datetime | None = None,
        callback_agent: str = "",
    ) -> None:
        """The agent's word on the call: during it, in the wrap-up or later; the last word stands.

        A call that AMD ended as a machine's stays one, but an opt-out is heard whatever it is said of.
        """
        if disposition is Disposition.CALLBACK:
            self._promise(call, callback_at, callback_agent, now)
        elif call.callback_at is not None:
            self._take_promise_back(call, now)
        call.disposition = disposition
        for number in call.lead.every_number if disposition is Disposition.OPT_OUT else ():
            if not self._shift.suppression.contains(number):  # for one campaign alone is not for all
                self._shift.suppression.add(number)
                self._shift.emit(NumberSuppressed(number, "opt-out"))
        if call.machine:
            return
        if call.state is not CallState.ENDED or not call.served:
            return
        if call.attempt.disposition == disposition.value and disposition is not Disposition.CALLBACK:
            return
        assert call.answered_wall is not None
        self._shift.ledger.record_disposition(call.answered_wall, disposition.value, call.attempt.disposition)
        self._count_meeting(call, disposition)
        self.note(call, disposition=disposition.value)
        if not self.was_tried_again(call):
            self._recycle(call, disposition, self._shift.wall(now))

    def _promise(self, call: Call, callback_at: datetime | None, agent: str, now: float) -> None:
        """The callback is kept at once: a crash before the call's end does not lose it."""
        wall = self._shift.wall(now)
        call.callback_at = callback_at or wall + timedelta(seconds=recycle.CALLBACK_AFTER_S)
        call.callback_agent = agent
        if call.served and not call.machine:
            lead_ref, made_by = call.lead.lead_ref, call.attempt.agent
            made = Callback(lead_ref, call.attempt.campaign, call.callback_at, agent, made_by, wall)
            self._shift.emit(CallbackMade(made))

    def _take_promise_back(self, call: Call, now: float) -> None:
        call.callback_at, call.callback_agent = None, ""
        self._shift.emit(CallbackClosed(call.lead.lead_ref, CANCELLED, self._shift.wall(now)))

    def save_lead(self, lead: Lead, before: Lead | None = None) -> None:
        """Tell of a lead's new state, and keep count of those left; `before` is what was last told after an attempt."""
        if self.leads_left is not None:
            was_over = before is not None and before.state in _OVER
            self.leads_left = max(0, self.leads_left + was_over - (lead.state in _OVER))
        if lead.state in (LeadState.WAITING, LeadState.CALLBACK):
            self.waiting.add(lead.lead_ref)
        else:
            self.waiting.discard(lead.lead_ref)
        self._shift.emit(LeadChanged(lead))

    def _came_to(self, call: Call, by_callee: bool, now: float) -> Disposition:
        if call.machine:
            return Disposition.VOICEMAIL if call.message_left else ENDED_AS.get(call.verdict, Disposition.MACHINE)
        if call.served:
            if call.disposition is not None:
                return call.disposition
            said_nothing = call.verdict is not Verdict.SILENCE or call.speech_at is None
            return UNTOLD.get(call.verdict, Disposition.CONNECTED) if said_nothing else Disposition.CONNECTED
        if not call.abandoned:
            if by_callee and now < call.deadline(self._shift.campaign.two_second_rule_s):
                return Disposition.HUNG_UP
            self.record_abandoned(call, now)
        return Disposition.ABANDONED

    def _count_live(self, call: Call, live: bool) -> None:
        if live is not call.counted_live:
            assert call.answered_wall is not None
            call.counted_live = live
            self._shift.ledger.record_live(call.answered_wall, 1 if live else -1)

    def _count_meeting(self, call: Call, disposition: Disposition) -> None:
        """An agent was on the call in time: with somebody, L, or with nobody, as the agent may say later: M."""
        if not call.served or call.machine or call.abandoned or call.attempt.bridged_at is None:
            return
        met = disposition not in NOBODY_MET
        if met is not call.counted_live:
            assert call.answered_wall is not None
            self._count_live(call, met)
            self._shift.ledger.record_machine_with_agent(call.answered_wall, -1 if met else 1)

    def _hung_up_before_any_verdict(self, call: Call, now: float) -> None:
        assert call.answered_at is not None
        heard_ms = round(1000 * (now - call.answered_at))
        self.note(
            call, silently=True, amd_verdict=Verdict.HANGUP.name, amd_cause=Cause.HUNG_UP.name, amd_audio_ms=heard_ms
        )

    def _offer_for_review(self, call: Call) -> None:
        assert call.answered_wall is not None
        attempt = call.attempt
        finding = Finding(call.verdict, call.cause, attempt.amd_audio_ms, attempt.amd_probability)
        day = self._shift.ledger.day_of(call.answered_wall)
        self._shift.emit(
            ReviewOffered(
                attempt.call_ref, attempt.campaign, day, call.review_rank, finding, attempt.amd_point, attempt.recording
            )
        )

    def _recycle(self, call: Call, disposition: Disposition, wall: datetime) -> None:
        lead = recycle.after(
            call.lead,
            disposition,
            self._shift.campaign,
            wall,
            self._shift.rng,
            sip_status=call.attempt.sip_status,
            abandoned=call.abandoned,
            callback_at=call.callback_at,
            callback_agent=call.callback_agent,
            spread=self._shift.margins.retry_spread,
        )
        lead = without_suppressed(lead, self._is_suppressed, wall)
        call_ref = call.attempt.call_ref
        self.save_lead(lead, self._leads_after.get(call_ref))
        self._leads_after[call_ref] = lead

    def was_tried_again(self, call: Call) -> bool:
        """A later attempt has the lead, or had it: what becomes of it follows from that one."""
        others = (*self._shift.calls.values(), *self.recent.values())
        return any(one.lead.lead_ref == call.lead.lead_ref and one.begun_at > call.begun_at for one in others)

    def _is_suppressed(self, number: str) -> bool:
        return self._shift.suppression.contains(number, self._shift.campaign.name)

    def _lock(self, number: str, for_s: float, now: float) -> None:
        if for_s > 0:
            until = self._shift.wall(now) + timedelta(seconds=for_s)
            self._shift.locks.lock(number, until)
            self._shift.emit(NumberLocked(number, until))
