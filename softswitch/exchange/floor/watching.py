"""The watch over conversations: five times a second, how loud both ends of each agent's call are, and what follows."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from softswitch.config.supervision import SupervisionSettings
from softswitch.errors import UsageError
from softswitch.safeguards.alerts import AlertKind, Alerts, Moment, Raised
from softswitch.safeguards.conversation import Conversation
from softswitch.safeguards.supervision_views import AlertView, ConversationView, alert_view, conversation_view
from softswitch.store.journal import Entry, Kind
from softswitch.survey.interview import Alert, AlertRaised
from softswitch.survey.questionnaire import Purpose

if TYPE_CHECKING:
    from softswitch.exchange.running.premises import Site

log = structlog.get_logger(__name__)

LOOK_S = 0.2
VOICE_DBOV = -36.0
"""Ten below usual speech (-26 dBov, ITU-T P.56), and well over a room in which nobody speaks."""
AGENT, SUPERVISOR = "agent", "supervisor"
OFF_SCRIPT = {Alert.TOO_FAST: AlertKind.TOO_FAST, Alert.TOO_LONG: AlertKind.TOO_LONG}
TOLD = {
    Purpose.WHO_CALLS: "who calls",
    Purpose.RECORDING_NOTICE: "that the call is recorded",
    Purpose.CONSENT: "asked for consent",
}


class Watching:
    """Has the face of a machine, so that the site's driver makes it look."""

    def __init__(self, site: "Site", settings: SupervisionSettings, wall: Callable[[], datetime]) -> None:
        self._site = site
        self._wall = wall
        self._speech_dbov = settings.speech_dbov
        self._alerts = Alerts(settings.thresholds())
        self._by_agent: dict[str, Conversation] = {}
        self._ended_at: dict[str, float] = {}
        """By call, when its script had ended."""
        self._look_at = 0.0
        self._tested: dict[tuple[str, str], int] = {}
        """By role and name, of agents and supervisors who must test their sound: the leg of the own line."""
        self._voices: dict[tuple[str, str], float] = {}
        self._heard: dict[tuple[str, str], int] = {}
        """Of those, whose voice was loud enough: the leg on which it was."""

    def voice_dbov(self, agent: str) -> float | None:
        """How loud an agent is on the own idle line, who must test the headset; None for everybody else."""
        return self._voices.get((AGENT, agent))

    def supervisor_voice_dbov(self, supervisor: str) -> float | None:
        """The same of a supervisor on the own phone or headset, until its test is passed."""
        return self._voices.get((SUPERVISOR, supervisor))

    def heard_on(self, supervisor: str) -> int | None:
        """The leg on which the voice of a supervisor who tests the sound was loud enough."""
        return self._heard.get((SUPERVISOR, supervisor))

    # what supervisors see and say

    def conversations(self, now: float) -> tuple[ConversationView, ...]:
        """One for each agent who can hear a callee now."""
        surveys, supervision = self._site.surveys, self._site.supervision
        return tuple(
            conversation_view(agent, each, surveys.of_agent(agent), supervision.holder_of(agent), now)
            for agent, each in self._by_agent.items()
        )

    def alerts(self, now: float) -> tuple[AlertView, ...]:
        """The newest first."""
        return tuple(alert_view(raised, now) for raised in self._alerts.all())

    def see(self, number: int, by: str) -> Raised:
        """KeyError for an alert that is not there."""
        return self._alerts.see(number, by)

    def recognised(self, agent: str, by: str) -> str:
        """The callee knows the agent: agent or supervisor say so; of which call. UsageError where there is none."""
        call_ref = self._site.board.call_of(agent)
        if not call_ref:
            raise UsageError(f"agent {agent} is in no call")
        self.report(AlertKind.RECOGNISED, agent, call_ref, f"told by {by}")
        return call_ref

    def report(self, kind: AlertKind, agent: str, call_ref: str, told: str, *, node: str = "", about: str = "") -> None:
        """Something that somebody else has found out about a call."""
        self._alerts.report(kind, agent, call_ref, told, self._site.driver.now, node=node, about=about)
        self._site.driver.settle(self)

    def receive_interview(self, event: AlertRaised) -> None:
        told = f"{event.alert.value}, {event.seconds:.1f} s at the node"
        self.report(OFF_SCRIPT[event.alert], event.agent, event.call_ref, told, node=event.node)

    # the face of every machine

    def next_timer(self) -> float:
        return self._look_at

    def handle_timer(self, now: float) -> None:
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        legs: dict[str, int] = {}
        for settings in self._site.settings.agents:
            agent, talk = settings.id, self._site.agents.talk_of(settings.id)
            if talk.partner is None:
                continue
            known = self._by_agent.get(agent)
            if known is None or known.call_ref != talk.call_ref:
                self._forget(agent)
                self._by_agent[agent] = Conversation(talk.call_ref, now, speech_dbov=self._speech_dbov)
            legs[agent] = talk.partner.media
        for agent in self._by_agent.keys() - legs.keys():
            self._forget(agent)
        self._choose_tested()
        levels = self._site.plane.levels.look([*legs.values(), *self._tested.values()])
        self._voices = {who: levels[leg].received for who, leg in self._tested.items() if leg in levels}
        self._heard = {who: leg for who, leg in self._heard.items() if self._tested.get(who) == leg}
        self._heard |= {who: self._tested[who] for who, level in self._voices.items() if level >= VOICE_DBOV}
        for agent, leg in legs.items():
            if leg in levels:
                self._by_agent[agent].receive_levels(levels[leg].sent, levels[leg].received, now)
            self._alerts.receive(self._moment(agent, now), now)

    def _choose_tested(self) -> None:
        site = self._site
        due = {
            (AGENT, settings.id): talk.line.media
            for settings in site.settings.agents
            if site.headset_tests.is_due(settings.id)
            and (talk := site.agents.talk_of(settings.id)).line is not None
            and talk.partner is None
        }
        due |= {(SUPERVISOR, name): leg for name, leg in site.supervisors.untested().items()}
        for who, leg in self._tested.items():
            if who not in due and self._leg_of(*who) == leg:
                site.plane.measure(leg, False)
        for leg in due.values():
            site.plane.measure(leg, True)
        self._tested = due

    def _leg_of(self, role: str, name: str) -> int | None:
        site = self._site
        line = site.agents.talk_of(name).line if role == AGENT else site.supervisors.line_of(name)
        return None if line is None or line.closed else line.media

    def next_event(self) -> Raised | None:
        return self._alerts.next_event()

    def carry_out(self, raised: Raised) -> None:
        """An alert goes into the journal beside what else happened in the call."""
        log.warning("alert", agent=raised.agent, call=raised.call_ref, alert=raised.kind.value, node=raised.node)
        content = {"alert": raised.kind.value, "node": raised.node, "told": raised.told}
        self._site.records.record(
            Entry(Kind.ALERT, self._wall(), call_ref=raised.call_ref, agent=raised.agent, content=content)
        )

    def _moment(self, agent: str, now: float) -> Moment:
        conversation, interview = self._by_agent[agent], self._site.surveys.of_agent(agent)
        untold: tuple[str, ...] = ()
        node, silent, ended_s = "", False, None
        if interview is not None and interview.call_ref == conversation.call_ref:
            if interview.ending is not None:
                ended_s = now - self._ended_at.setdefault(interview.call_ref, now)
            else:
                node, silent = interview.node.id, interview.node.silent
                untold = tuple(TOLD[each] for each in interview.untold)
        return Moment(
            call_ref=conversation.call_ref,
            agent=agent,
            in_call_s=now - conversation.begun_at,
            silence_s=conversation.silence_s(now),
            overlap_s=conversation.overlap_s(now),
            agent_talk_s=conversation.agent_talk_s,
            node=node,
            is_silent=silent,
            untold=untold,
            ended_s=ended_s,
        )

    def _forget(self, agent: str) -> None:
        over = self._by_agent.pop(agent, None)
        if over is not None:
            self._alerts.receive_over(over.call_ref)
            self._ended_at.pop(over.call_ref, None)
