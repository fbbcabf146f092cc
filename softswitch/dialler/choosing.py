"""Agents who choose: leads that they are shown first, and leads that they ask for by reference."""

from dataclasses import replace

from softswitch.dialler.agents import AgentState
from softswitch.dialler.call import Call, CallState
from softswitch.dialler.campaign import Policy
from softswitch.dialler.lead import Lead, LeadState
from softswitch.dialler.promising import PromisingCampaign
from softswitch.errors import UsageError


class ChosenCampaign(PromisingCampaign):
    """A campaign of policy PREVIEW or MANUAL can be told these; `dialling.Dialler` adds the rest."""

    def receive_preview_accepted(self, agent: str, call_ref: str, now: float) -> None:
        """Have the lead called that the agent is shown. Raises UsageError where it is not shown, or may not be called
        any longer, in which case the next one is shown."""
        call = self._shown_to(agent, call_ref)
        if not self._may_place(now) or not self._supply.may_ring(call.lead, now):
            self._placed.end_preview(call, "withdrawn", now)
            self._settle(now)
            raise UsageError("this callee may not be called any more now")
        self._placed.accepted(call, now)
        self._settle(now)

    def receive_preview_skipped(self, agent: str, call_ref: str, reason: str, now: float) -> None:
        """Not this one now; the lead is tried again as by the recycle rule for "skipped". UsageError as above."""
        if not reason:
            raise UsageError("say why this lead is skipped")
        self._placed.skipped(self._shown_to(agent, call_ref), reason, now)
        self._settle(now)

    def dial_by_reference(self, agent: str, lead: Lead, now: float) -> str:
        """Call a lead for an agent who is ready and has asked for it; the `call_ref`. lead: as the store has it now.

        The agent gives a reference and learns no number. Raises UsageError with the reason where it may not be.
        """
        if self.campaign.policy is not Policy.MANUAL:
            raise UsageError(f"campaign {self.campaign.name} dials by itself")
        held_because = self._held_because(now) if self._wanted == "running" else f"the campaign is {self._wanted}"
        if held_because:
            raise UsageError(f"nothing is dialled just now: {held_because}")
        if self.campaign.agents and agent not in self.campaign.agents:
            raise UsageError(f"agent {agent} does not work for campaign {self.campaign.name}")
        if self.board.state_of(agent) is not AgentState.READY:
            raise UsageError("be ready first: the call needs an agent")
        if lead.state is LeadState.SUPPRESSED or not self._supply.may_be_rung_today(lead, now):
            raise UsageError("this callee may not be called now")
        if lead.state is LeadState.DONE:
            raise UsageError("this lead is done")
        if self._pace.channels_left(now) <= 0:
            raise UsageError("every channel of the trunk is taken: try again in a moment")
        if not self._shift.locks.claim(lead.number):
            raise UsageError("the callee is being called just now")
        self._supply.remove(lead.lead_ref)
        begun = self._placed.begin(replace(lead, not_before=None), now, (agent,))
        self._settle(now)
        if not begun:
            raise UsageError("be ready first: the call needs an agent")
        return self.board.call_of(agent)

    def is_shown(self, call_ref: str) -> bool:
        """Whether an agent looks at the lead and has not decided."""
        call = self._shift.calls.get(call_ref)
        return call is not None and call.state is CallState.PREVIEW

    def _shown_to(self, agent: str, call_ref: str) -> Call:
        call = self._shift.calls.get(call_ref)
        if call is None or call.state is not CallState.PREVIEW or call.agent != agent:
            raise UsageError("you are not shown this lead, or no longer")
        return call
