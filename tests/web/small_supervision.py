"""What the wallboard asks of the small site: who listens to whom, alerts, supervisors' headsets."""

from dataclasses import replace

from small_interviews import SmallInterviews

from softswitch.dialler.agents import AgentState
from softswitch.errors import UsageError
from softswitch.safeguards.supervision_views import AlertView, SupervisionView, SupervisorAudioView


class SmallSupervision(SmallInterviews):
    def __init__(self, agents: tuple[str, ...]) -> None:
        super().__init__(agents)
        self.watching: dict[str, SupervisionView] = {}
        self.muted: set[str] = set()
        self.asks_reason = False
        self.reasons: list[str] = []
        self.tested: set[str] = set()
        self.supervisor_phones: set[str] = set()
        self.alerts: list[AlertView] = []

    def supervision(self) -> tuple[SupervisionView, ...]:
        return tuple(self.watching.values())

    async def supervise(self, agent: str, mode: str, by: str, reason: str = "") -> None:
        if self.asks_reason and not any(map(str.isalnum, reason)):
            raise UsageError("say why: the reason is noted in the audit log")
        if self._known(agent) is AgentState.OFFLINE:
            raise UsageError(f"agent {agent} is not logged in")
        call_ref = next((call.call_ref for call in self.live.values() if call.agent == agent), "")
        if mode in ("barge", "take_over") and not call_ref:
            raise UsageError(f"agent {agent} is in no call; barging in is for the call of the moment")
        self.reasons.append(reason)
        self.watching[by] = SupervisionView(by, agent, mode, "on", call_ref, 0.0)

    async def end_supervision(self, by: str) -> None:
        self.watching.pop(by, None)

    async def see_alert(self, number: int, by: str) -> None:
        found = next((n for n, each in enumerate(self.alerts) if each.number == number), None)
        if found is None:
            raise KeyError(number)
        self.alerts[found] = replace(self.alerts[found], seen_by=by)

    async def report_recognised(self, agent: str, by: str) -> None:
        if self._known(agent) is not AgentState.IN_CALL:
            raise UsageError(f"agent {agent} is in no call")
        self.raise_alert("callee recognised the agent", agent, f"told by {by}")

    def raise_alert(self, kind: str, agent: str, told: str, call_ref: str = "c1", node: str = "") -> None:
        self.alerts.insert(0, AlertView(len(self.alerts) + 1, kind, agent, call_ref, node, told, 0.0, ""))

    async def mute_agent(self, agent: str, muted: bool, by: str) -> None:
        if self._known(agent) is not AgentState.IN_CALL:
            raise UsageError(f"agent {agent} is in no call")
        self.muted = (self.muted | {agent}) if muted else (self.muted - {agent})

    async def seat_supervisor_headset(self, name: str, offer: bytes) -> bytes:
        return self._seat(name, offer)

    async def end_supervisor_headset(self, name: str) -> None:
        self.headsets.pop(name, None)

    def supervisor_audio(self, name: str) -> SupervisorAudioView:
        up, tested = name in self.headsets, name in self.tested
        voice = None if tested else self.voices.get(name)
        heard = up and not tested and self.voices.get(name, -24.0) >= -36.0
        return SupervisorAudioView(name in self.supervisor_phones, up, tested, up and tested, voice, heard)

    async def play_supervisor_tone(self, name: str) -> None:
        if name not in self.headsets and name not in self.supervisor_phones:
            raise UsageError("you have neither headset nor phone")
        self.headsets.setdefault(name, b"")
        self.tones.append(name)

    async def pass_supervisor_test(self, name: str) -> None:
        if not self.supervisor_audio(name).is_heard:
            raise UsageError("we do not hear you yet")
        self.tested.add(name)

    def supervisor_arrived(self, name: str) -> None:
        assert name not in self.present
        self.present.append(name)

    def supervisor_left(self, name: str) -> None:
        self.present.remove(name)
