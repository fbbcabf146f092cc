"""A shift on a virtual clock: a dialler, its source of leads, and what a trunk and a media plane would report."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from softswitch.amd.verdict import Cause, Verdict
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.campaign import AmdMode, Campaign, Policy
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.events import AttemptEnded, CommitAttempt, DiallerEvent, LeadChanged, LeadsWanted, PlaceCall
from softswitch.dialler.lead import Lead, LeadState

NOON = datetime(2026, 6, 10, 11, 0, tzinfo=UTC)
"""A Wednesday, 12:00 in London."""
CAMPAIGN = Campaign(
    "survey",
    caller_id="+441234567890",
    information_message="who-called",
    policy=Policy.PROGRESSIVE,
    amd=AmdMode.OFF,
)


def lead(index: int, **changes: object) -> Lead:
    made = Lead(f"lead{index}", "survey", f"+4420794600{index:02d}", "Europe/London", LeadState.QUEUED)
    return replace(made, **changes)


@dataclass
class Desk:
    """Drives one dialler by hand. `events` holds everything told so far; leads are given when they are asked for."""

    dialler: Dialler
    source: list[Lead] = field(default_factory=list)
    now: float = 1000.0
    events: list[DiallerEvent] = field(default_factory=list)
    commits_at_once: bool = True

    def settle(self) -> list[DiallerEvent]:
        """Drain; what was told, in order. Leads wanted and commitments are answered on the way."""
        told = []
        while (event := self.dialler.next_event()) is not None:
            told.append(event)
            match event:
                case LeadsWanted():
                    given, self.source = self.source[: event.count], self.source[event.count :]
                    self.dialler.add_leads(given, self.now)
                case CommitAttempt() if self.commits_at_once:
                    self.dialler.receive_attempt_committed(event.attempt.call_ref, self.now)
                case PlaceCall():
                    self.dialler.receive_invited(event.call_ref, self.now)
        self.events += told
        return told

    def pass_time(self, seconds: float) -> list[DiallerEvent]:
        """To `seconds` later, stopping at every timer on the way."""
        until = self.now + seconds
        told = self.settle()
        while (timer := self.dialler.next_timer()) is not None and timer <= until:
            self.now = max(self.now, timer)
            self.dialler.handle_timer(self.now)
            told += self.settle()
        self.now = until
        return told

    def agent(self, name: str, state: AgentState = AgentState.READY) -> list[DiallerEvent]:
        self.dialler.receive_agent(name, state, self.now)
        return self.settle()

    def dial(self) -> str:
        """The call reference of the one call that has been placed last."""
        return self.of(PlaceCall)[-1].call_ref

    def ring(self, call_ref: str) -> list[DiallerEvent]:
        self.dialler.receive_ringing(call_ref, self.now)
        return self.settle()

    def answer(self, call_ref: str) -> list[DiallerEvent]:
        self.dialler.receive_answered(call_ref, self.now)
        return self.settle()

    def hear(self, call_ref: str) -> list[DiallerEvent]:
        self.dialler.receive_agent_heard(call_ref, self.now, self.now)
        return self.settle()

    def end(self, call_ref: str, *, by_callee: bool = True) -> list[DiallerEvent]:
        self.dialler.receive_ended(call_ref, by_callee, self.now)
        return self.settle()

    def fail(self, call_ref: str, outcome: Outcome, status: int = 486) -> list[DiallerEvent]:
        self.dialler.receive_failed(call_ref, outcome, status, self.now)
        return self.settle()

    def machine(self, call_ref: str, cause: Cause = Cause.LONG_GREETING) -> list[DiallerEvent]:
        self.dialler.receive_verdict(call_ref, Verdict.MACHINE, cause, 1500, self.now)
        return self.settle()

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def last_lead(self) -> Lead:
        return self.of(LeadChanged)[-1].lead

    def last_attempt(self) -> DialAttempt:
        return self.of(AttemptEnded)[-1].attempt

    @property
    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.now - 1000.0)
