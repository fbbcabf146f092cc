"""Promises of one campaign: what it can be told of callbacks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from softswitch.dialler.attempt import Disposition
from softswitch.dialler.callbacks import CANCELLED, LONGEST_AHEAD, Callback, is_callback, moment_of, promised
from softswitch.dialler.events import CallbackClosed, CallbackMade
from softswitch.dialler.hours import first_zone
from softswitch.dialler.lead import Lead, LeadState
from softswitch.dialler.running import RunningCampaign
from softswitch.errors import UsageError


class PromisingCampaign(RunningCampaign):
    """A campaign that runs, and the callbacks that it is told of; `choosing` and `dialling` add the rest."""

    def add_callbacks(self, leads: Sequence[Lead], now: float) -> None:
        """The answer to `CallbacksWanted`."""
        for lead in leads:
            self._supply.add_one(lead, now, keep=self._wanted in ("running", "paused"))
        self._settle(now)

    def receive_callback(self, call_ref: str, when: datetime, agent: str | None, now: float) -> datetime:
        """The callee of a call, during it or in its wrap-up, is promised another; the moment of it (UTC).

        when: aware, or what the callee's clock shows.  agent: who alone makes it, as long as the grace allows; None:
        anybody. Said again, the last word stands; another disposition takes it back. Raises UsageError with what to
        do where it cannot be promised: outside the campaign's days, or the hours in which the callee may be rung;
        past, or too far ahead.
        """
        call = self._shift.calls.get(call_ref) or self._books.recent.get(call_ref)
        if call is None or not call.served or call.machine:
            raise UsageError("nobody was spoken to in this call, or it is too long ago")
        if self._books.was_tried_again(call):
            raise UsageError("the callee has been called again since")
        due = self._promised_moment(call.lead, when, agent, now)
        self._books.dispose(call, Disposition.CALLBACK, now, due, agent or "")
        self._go_on(now)
        return due

    def promise_callback(self, lead: Lead, when: datetime, agent: str | None, by: str, now: float) -> datetime:
        """The same for a lead that is in no call, by somebody at a desk. lead: as the store has it now."""
        if any(call.lead.lead_ref == lead.lead_ref for call in self._shift.calls.values()):
            raise UsageError("the callee is being called just now: try again after the call")
        known = self._supply.find(lead.lead_ref)
        if known is None and lead.state in (LeadState.QUEUED, LeadState.DIALLING):
            raise UsageError("the lead is on its way to be dialled: try again in a moment")
        if lead.state is LeadState.SUPPRESSED or self._shift.suppression.contains(lead.number, self.campaign.name):
            raise UsageError("the callee has asked not to be called")
        due = self._promised_moment(lead, when, agent, now)
        self._supply.remove(lead.lead_ref)
        wall = self._shift.wall(now)
        self._shift.emit(CallbackMade(Callback(lead.lead_ref, self.campaign.name, due, agent or "", by, wall)))
        self._books.save_lead(promised(lead, due, agent or ""), lead)
        self._go_on(now)
        return due

    def cancel_callback(self, lead: Lead, now: float) -> None:
        """Take a promise back; the lead may be tried like any other. Raises UsageError where there is none to take."""
        if not is_callback(lead) or lead.state not in (LeadState.CALLBACK, LeadState.QUEUED):
            raise UsageError("there is no callback to take back")
        if self._supply.remove(lead.lead_ref) is None and lead.state is LeadState.QUEUED:
            raise UsageError("the callee is being called just now")
        self._shift.emit(CallbackClosed(lead.lead_ref, CANCELLED, self._shift.wall(now)))
        self._books.save_lead(
            replace(lead, state=LeadState.WAITING, last_outcome="", not_before=None, callback_agent="")
        )
        self._settle(now)

    def _go_on(self, now: float) -> None:
        """A campaign that was finished has something left to do."""
        if self._wanted == "finished":
            self._wanted = "running"
            self._supply.ask_anew()
        self._settle(now)

    def _promised_moment(self, lead: Lead, when: datetime, agent: str | None, now: float) -> datetime:
        if agent and self.campaign.agents and agent not in self.campaign.agents:
            raise UsageError(f"agent {agent} does not work for campaign {self.campaign.name}")
        due, wall = moment_of(when, lead.time_zone), self._shift.wall(now)
        if due < wall:
            raise UsageError("that moment is past where the callee is")
        if due > wall + LONGEST_AHEAD:
            raise UsageError(f"that is more than {LONGEST_AHEAD.days} days ahead")
        campaign, day = self.campaign, self._shift.ledger.day_of(due)
        if campaign.ends_on is not None and day > campaign.ends_on:
            raise UsageError(f"the campaign ends on {campaign.ends_on:%d %B %Y}: nobody is called after it")
        if campaign.starts_on is not None and day < campaign.starts_on:
            raise UsageError(f"the campaign begins on {campaign.starts_on:%d %B %Y}: nobody is called before it")
        opening = self._supply.next_opening(lead, due)
        if opening != due:
            text = "the callee may not be called then"
            if opening is not None:
                text += f"; the next moment is {opening.astimezone(first_zone(lead.time_zone)):%A %d %B %H:%M} there"
            raise UsageError(text)
        return due
