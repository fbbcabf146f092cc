"""Two agents or more, one campaign, calls that are placed by hand and callbacks that are promised."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import DialAttempt, Disposition
from softswitch.dialler.callbacks import moment_of
from softswitch.dialler.lead import Lead, LeadState
from softswitch.errors import UsageError
from softswitch.safeguards.campaign_views import CallbackView
from softswitch.safeguards.visibility import AgentCallView


@dataclass
class _Call:
    call_ref: str
    agent: str
    state: str
    began_s: float


class SmallFloor:
    """Time is told by `tick`."""

    def __init__(self, agents: tuple[str, ...] = ("101", "102")) -> None:
        self.now = 0.0
        self.states = dict.fromkeys(agents, AgentState.OFFLINE)
        self.since = dict.fromkeys(agents, 0.0)
        self.codes: dict[str, str] = {}
        self.noted: dict[str, str] = {}
        """What came of agents' calls, as their pages are told."""
        self.ends: dict[str, str] = {}
        """Why agents' last calls ended."""
        self.unheard: dict[str, str] = {}
        """Agents whom their callees do not hear, and why."""
        self.voices: dict[str, float] = {}
        """How loud agents are on their phones, dBov."""
        self.campaign = "transport-2026"
        self.campaign_state = "stopped"
        self.campaign_held = ""
        self.campaign_idle = ""
        self.present: list[str] = []
        """Supervisors."""
        self.killed_by: list[str] = []
        self.dispositions: list[tuple[str, str, Disposition]] = []
        self.promises: dict[str, CallbackView] = {}
        self.live: dict[str, _Call] = {}
        self.attempts: list[DialAttempt] = []

    def tick(self, seconds: float) -> None:
        self.now += seconds

    def place_call(self, call_ref: str, agent: str = "", state: str = "ringing") -> None:
        self.live[call_ref] = _Call(call_ref, agent, state, self.now)
        at = datetime(2026, 11, 20, 10, tzinfo=UTC) + timedelta(seconds=len(self.attempts))
        self.attempts.append(DialAttempt(call_ref, f"lead-{call_ref}", self.campaign, "carrier", at, agent=agent))
        if agent:
            self._set(agent, AgentState.IN_CALL)

    def agent_call(self, agent: str) -> AgentCallView | None:
        self._known(agent)
        call = next((call for call in self.live.values() if call.agent == agent), None)
        return AgentCallView(call.call_ref, self.campaign, {"salutation": "Ms"}) if call else None

    async def calls_of(self, campaign: str, limit: int, offset: int) -> list[DialAttempt]:
        newest_first = [attempt for attempt in reversed(self.attempts) if attempt.campaign == campaign]
        return newest_first[offset : offset + limit]

    async def leads_of(self, campaign: str) -> AsyncIterator[Lead]:
        self._known_campaign(campaign)
        leads = [Lead(f"lead-{n}", campaign, "", "Europe/London", LeadState.NEW, attempts=n) for n in range(1200)]

        async def read() -> AsyncIterator[Lead]:
            for lead in leads:
                yield lead

        return read()

    async def start_campaign(self, name: str) -> None:
        self._known_campaign(name)
        if not self.present:
            raise UsageError("No supervisor watches; open the wallboard first.")
        self.campaign_state = "running"

    async def pause_campaign(self, name: str) -> None:
        self._known_campaign(name)
        self.campaign_state = "paused"

    async def stop_campaign(self, name: str) -> None:
        self._known_campaign(name)
        self.campaign_state = "stopped"

    async def log_in_agent(self, agent: str) -> None:
        self._set(agent, AgentState.PAUSED)

    async def log_out_agent(self, agent: str) -> None:
        self._set(agent, AgentState.OFFLINE)

    async def ready_agent(self, agent: str) -> None:
        if self._known(agent) is AgentState.OFFLINE:
            raise UsageError(f"Agent {agent} is not logged in; log in first.")
        self._set(agent, AgentState.READY)

    async def pause_agent(self, agent: str, code: str) -> None:
        if self._known(agent) is AgentState.OFFLINE:
            raise UsageError(f"Agent {agent} is not logged in; log in first.")
        self.codes[agent] = code
        self._set(agent, AgentState.PAUSED)

    async def dispose(self, agent: str, call_ref: str, disposition: Disposition) -> None:
        self._known(agent)
        if call_ref not in {attempt.call_ref for attempt in self.attempts if attempt.agent == agent}:
            raise UsageError("That call is not this agent's.")
        self.attempts = [
            replace(attempt, disposition=disposition) if attempt.call_ref == call_ref else attempt
            for attempt in self.attempts
        ]
        self.dispositions.append((agent, call_ref, disposition))

    async def accept_preview(self, agent: str, call_ref: str) -> None:
        self._shown(agent, call_ref).state = "dialling"

    async def skip_preview(self, agent: str, call_ref: str, reason: str) -> None:
        self._shown(agent, call_ref)
        del self.live[call_ref]

    async def dial_reference(self, agent: str, campaign: str, lead_ref: str) -> str:
        self._known_campaign(campaign)
        if self._known(agent) is not AgentState.READY:
            raise UsageError("be ready first: the call needs an agent")
        self.place_call(f"of-{lead_ref}", agent, "dialling")
        return f"of-{lead_ref}"

    def _shown(self, agent: str, call_ref: str) -> _Call:
        self._known(agent)
        call = self.live.get(call_ref)
        if call is None or (call.agent, call.state) != (agent, "preview"):
            raise UsageError("you are not shown this lead, or no longer")
        return call

    async def promise_callback(self, campaign: str, lead_ref: str, when: datetime, agent: str, by: str) -> datetime:
        self._known_campaign(campaign)
        return self._promise(lead_ref, when, agent, by)

    async def cancel_callback(self, campaign: str, lead_ref: str) -> None:
        self._known_campaign(campaign)
        if self.promises.pop(lead_ref, None) is None:
            raise UsageError("There is no callback to take back.")

    async def callbacks(self, campaign: str, came_to: str, limit: int) -> list[CallbackView]:
        self._known_campaign(campaign)
        return list(self.promises.values())[:limit] if came_to == "open" else []

    def _promise(self, lead_ref: str, when: datetime, agent: str, by: str) -> datetime:
        due = moment_of(when, "Europe/London")
        view = CallbackView(lead_ref, self.campaign, due, agent, by, "", False, None, "")
        self.promises[lead_ref] = view
        return due

    async def hang_up(self, call_ref: str) -> None:
        call = self.live.pop(call_ref)
        if call.agent:
            self._set(call.agent, AgentState.WRAP_UP)

    async def kill_switch(self, by: str) -> None:
        self.killed_by.append(by)
        self.live.clear()
        self.campaign_state = "stopped"

    def _known(self, agent: str) -> AgentState:
        return self.states[agent]

    def _known_campaign(self, name: str) -> None:
        if name != self.campaign:
            raise KeyError(name)

    def _set(self, agent: str, state: AgentState) -> None:
        self._known(agent)
        self.states[agent] = state
        self.since[agent] = self.now
