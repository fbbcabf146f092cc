"""What a supervisor asks of a running site beside the wallboard's figures: listening, speaking, muting, alerts.

Each method is by the name of the supervisor's web account.
"""

from softswitch.errors import UsageError
from softswitch.exchange.desks.agent import AgentDesk
from softswitch.exchange.floor.supervision import LEAVE, Mode, subject_of
from softswitch.exchange.running.premises import Site
from softswitch.safeguards.supervision_views import SupervisionView, SupervisorAudioView

ASKED_FOR = "asked for"
"""In the audit log, where nobody had to say why."""


class SupervisorDesk(AgentDesk):
    """Part of what fulfils `softswitch.web.control.SwitchControl`. KeyError for an agent whom nobody knows."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._audit = site.audit

    async def mute_agent(self, agent: str, muted: bool, by: str) -> None:
        """At once, and noted then: it shows nobody anything."""
        self._known(agent)
        call_ref = self._site.agents.call_of(agent)
        if not call_ref:
            raise UsageError(f"agent {agent} is in no call")
        self._site.agents.mute(agent, muted)
        await self._audit.note(by, "mute" if muted else "unmute", subject=subject_of(agent, call_ref), reason="")

    def supervision(self) -> tuple[SupervisionView, ...]:
        return self._site.supervision.views(self._site.driver.now)

    async def supervise(self, agent: str, mode: str, by: str, reason: str = "") -> None:
        """Noted first: nobody is listened to in secret from the auditor. UsageError without a reason where the site
        asks for one."""
        self._known(agent)
        supervision = self._site.supervision
        supervision.check(by, agent, Mode(mode))
        said = any(character.isalnum() for character in reason)
        if self._site.settings.supervision.reason and not said:
            raise UsageError("say why: the reason is noted in the audit log")
        await self._audit.note(by, mode, subject=supervision.subject(agent), reason=reason if said else ASKED_FOR)
        with self._site.mutating() as now:
            supervision.begin(by, agent, Mode(mode), now)

    async def end_supervision(self, by: str) -> None:
        """At once, and noted then. A call that was taken over ends with it."""
        supervision = self._site.supervision
        agent = supervision.agent_of(by)
        if agent:
            subject = supervision.subject(agent)
            with self._site.mutating() as now:
                supervision.leave(by, now)
            await self._audit.note(by, LEAVE, subject=subject, reason=ASKED_FOR)

    async def see_alert(self, number: int, by: str) -> None:
        """A supervisor has looked at it. KeyError for an alert that is not there (any more)."""
        self._site.watching.see(number, by)

    async def report_recognised(self, agent: str, by: str) -> None:
        """The callee knows the agent: agent or supervisor say so. UsageError where the agent has no call."""
        self._known(agent)
        self._site.watching.recognised(agent, by)

    async def seat_supervisor_headset(self, name: str, offer: bytes) -> bytes:
        with self._site.mutating() as now:
            return self._site.supervisors.receive_headset(name, offer, now)

    async def end_supervisor_headset(self, name: str) -> None:
        with self._site.mutating() as now:
            self._site.supervisors.leave(name, now)

    def supervisor_audio(self, name: str) -> SupervisorAudioView:
        lines, now = self._site.supervisors, self._site.driver.now
        return SupervisorAudioView(
            has_phone=lines.has_phone(name),
            is_line_up=lines.line_of(name) is not None,
            is_tested=lines.is_tested(name),
            can_listen=lines.can_listen(name, now),
            voice_dbov=self._site.watching.supervisor_voice_dbov(name),
            is_heard=self._site.watching.heard_on(name) is not None,
        )

    async def play_supervisor_tone(self, name: str) -> None:
        """For the test of headset or phone; a phone is rung for it. UsageError where there is neither."""
        with self._site.mutating() as now:
            self._site.supervisors.play_tone(name, now)

    async def pass_supervisor_test(self, name: str) -> None:
        """The supervisor has heard the tone, and is heard: from now on the supervisor counts. A phone that was rung for
        it alone is hung up."""
        self._site.supervisors.pass_test(name, self._site.watching.heard_on(name))
        if not self._site.supervision.agent_of(name):
            with self._site.mutating() as now:
                self._site.supervisors.release(name, now)
        self._site.health.look()

    def supervisor_arrived(self, name: str) -> None:
        self._site.health.supervisor_arrived(name)

    def supervisor_left(self, name: str) -> None:
        self._site.supervisors.forget_test(name)
        self._site.health.supervisor_left(name)
