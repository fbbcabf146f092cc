"""Supervision: which supervisor listens to which agent, whispers or barges in, from call to call.

A supervisor has one line, a phone or a browser headset, and keeps it while changing agents and modes. What the plane
is to do is made anew from what is wanted, whenever a line, an agent or a call has changed: whoever comes, goes or is
replaced, nobody is heard by one who should not. Every change is noted in the audit log.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import structlog

from softswitch.errors import SoftswitchError, UsageError
from softswitch.exchange.floor.agents import AgentLines
from softswitch.exchange.floor.seat import Talk
from softswitch.exchange.floor.supervisors import SupervisorLines
from softswitch.exchange.telephony.lines import Lines
from softswitch.safeguards.supervision_views import SupervisionView

log = structlog.get_logger(__name__)

LEAVE = "leave"
"""In the audit log: the end of a supervision."""


class Mode(StrEnum):
    """How a supervisor takes part in a conversation."""

    LISTEN = "listen"
    """Hear the agent and whoever the agent talks to."""
    WHISPER = "whisper"
    """And be heard by the agent alone."""
    BARGE = "barge"
    """And be heard by both, for this call; then it is listening again."""
    TAKE_OVER = "take_over"
    """Talk to the callee in the agent's stead, who hears and says nothing more in this call."""


OF_ONE_CALL = (Mode.BARGE, Mode.TAKE_OVER)
"""The next callee is never spoken to by itself."""


class Note(Protocol):
    """Puts a change that nobody has asked for into the audit log."""

    def __call__(self, supervisor: str, action: str, *, subject: str, reason: str) -> None: ...


@dataclass(slots=True)
class _Session:
    """What one supervisor wants, and what the plane does of it."""

    supervisor: str
    agent: str
    mode: Mode
    since: float
    call_ref: str = ""
    """The agent's call; empty between calls."""
    own: int = -1
    """The supervisor's media leg, once the plane was told of it."""
    heard: int = -1
    """The agent's."""
    addressed: set[int] = field(default_factory=set)
    """The legs that hear the supervisor."""
    taken: int = -1
    """The callee's leg, once it is joined to the supervisor's."""


class Supervision:
    """Every supervisor at work."""

    def __init__(
        self,
        lines: Lines,
        supervisors: SupervisorLines,
        agents: AgentLines,
        *,
        is_in: Callable[[str], bool],
        note: Note,
        end_call: Callable[[str, float], None],
    ) -> None:
        """is_in: whether an agent is logged in.  end_call: by its reference."""
        self._lines = lines
        self._supervisors = supervisors
        self._agents = agents
        self._is_in = is_in
        self._note = note
        self._end_call = end_call
        self._sessions: dict[str, _Session] = {}
        self._ended: dict[str, SupervisionView] = {}
        """The last one of each supervisor who is at work no more, with the reason."""
        supervisors.watcher = self
        agents.on_moved = self.agent_moved

    # What supervisors ask for

    def subject(self, agent: str) -> str:
        """What the audit log says of whom it is about, at this moment."""
        return subject_of(agent, self._agents.call_of(agent))

    def check(self, supervisor: str, agent: str, mode: Mode) -> None:
        """Raises UsageError, with what to do, where `begin` would; KeyError for an unknown agent."""
        in_call = bool(self._agents.talk_of(agent).call_ref)
        if not self._is_in(agent):
            raise UsageError(f"agent {agent} is not logged in")
        if mode in OF_ONE_CALL and not in_call:
            doing = "barging in" if mode is Mode.BARGE else "taking over"
            raise UsageError(f"agent {agent} is in no call; {doing} is for the call of the moment")
        holder, own = self.holder_of(agent), self._sessions.get(supervisor)
        if mode is Mode.TAKE_OVER and holder not in ("", supervisor):
            raise UsageError(f"{holder} has taken this call over already")
        if own is not None and own.taken >= 0 and own.agent != agent:
            raise UsageError(f"you talk to the callee of agent {own.agent}: end that call, or give it back, first")
        self._supervisors.check(supervisor)

    def begin(self, supervisor: str, agent: str, mode: Mode, now: float) -> None:
        """Listen to an agent, or change mode or agent. The supervisor's phone is rung where it is not up yet.

        The one who asks has noted it in the audit log. Raises what `check` raises.
        """
        self.check(supervisor, agent, mode)
        self._supervisors.reach(supervisor, now)
        old = self._sessions.get(supervisor)
        if old is not None and old.agent != agent:
            self._silence(old)
            self._note(supervisor, LEAVE, subject=subject_of(old.agent, old.call_ref), reason=f"on to agent {agent}")
            old = None
        if old is None:
            old = self._sessions[supervisor] = _Session(supervisor, agent, mode, now)
        old.mode, old.since, old.call_ref = mode, now, self._agents.talk_of(agent).call_ref
        self._ended.pop(supervisor, None)
        self._carry_out(old)
        self._supervisors.changed(supervisor)

    def leave(self, supervisor: str, now: float) -> None:
        """End it: the phone is hung up, a headset stays. Nothing happens where there is nothing to end. A call that was
        taken over ends with it: whoever was taken from an agent is not given back unasked."""
        self._end(supervisor, "", now)

    def agent_of(self, supervisor: str) -> str:
        """Whom the supervisor is busy with; empty: nobody."""
        session = self._sessions.get(supervisor)
        return "" if session is None else session.agent

    def holder_of(self, agent: str) -> str:
        """The supervisor who has taken the agent's call over; empty: nobody."""
        held = (each.supervisor for each in self._sessions.values() if each.agent == agent and each.taken >= 0)
        return next(held, "")

    def views(self, now: float) -> tuple[SupervisionView, ...]:
        """Who is at work, and how it ended for those who were."""
        at_work = [
            self._view(session, "on" if session.own >= 0 else "ringing", now) for session in self._sessions.values()
        ]
        return (*at_work, *self._ended.values())

    # What happens by itself

    def agent_moved(self, agent: str, now: float) -> None:
        """The agent's line or call is another: whoever listens follows."""
        for session in list(self._sessions.values()):
            if session.agent == agent:
                self._follow(session)

    def agent_gone(self, agent: str, now: float) -> None:
        for session in list(self._sessions.values()):
            if session.agent == agent:
                self.stop(session.supervisor, f"agent {agent} has logged off", now)

    def supervisor_moved(self, supervisor: str, now: float) -> None:
        """The supervisor's line is up, or another."""
        session = self._sessions.get(supervisor)
        if session is not None:
            self._carry_out(session)

    def supervisor_gone(self, supervisor: str, reason: str, now: float) -> None:
        self.stop(supervisor, reason, now)

    def stop(self, supervisor: str, reason: str, now: float, *, noted: bool = True) -> None:
        """End it for a reason that is not the supervisor's wish."""
        session = self._sessions.get(supervisor)
        if session is None:
            return
        if noted:
            self._note(supervisor, LEAVE, subject=subject_of(session.agent, session.call_ref), reason=reason)
        self._end(supervisor, reason, now)

    # What the process after this one takes up

    def snapshot(self, supervisor: str) -> dict[str, Any] | None:
        session = self._sessions.get(supervisor)
        if session is None:
            return None
        return {"agent": session.agent, "mode": str(session.mode), "call_ref": session.call_ref}

    def take_up(self, supervisor: str, note: Mapping[str, Any] | None, now: float) -> None:
        """What a supervisor was doing; carried out once agents and calls are there too. KeyError, ValueError where the
        note cannot be used."""
        if note is not None:
            session = _Session(supervisor, note["agent"], Mode(note["mode"]), now, note["call_ref"])
            self._agents.talk_of(session.agent)
            self._sessions[supervisor] = session

    def all_taken_up(self, now: float) -> None:
        for session in list(self._sessions.values()):
            if self._is_in(session.agent):
                self._follow(session)
            else:
                self.stop(session.supervisor, f"agent {session.agent} has logged off", now)
        self._supervisors.release_idle(self._sessions.keys(), now)

    def _follow(self, session: _Session) -> None:
        call_ref = self._agents.talk_of(session.agent).call_ref
        if call_ref != session.call_ref:
            fell_back = session.mode in OF_ONE_CALL
            session.call_ref = call_ref
            if fell_back:
                session.mode = Mode.LISTEN
            if call_ref or fell_back:
                reason = "the agent's next call" if call_ref else "the call is over"
                subject = subject_of(session.agent, call_ref)
                self._note(session.supervisor, str(session.mode), subject=subject, reason=reason)
            self._supervisors.changed(session.supervisor)
        self._carry_out(session)

    def _carry_out(self, session: _Session) -> None:
        """Have the plane do what is wanted now, and nothing else."""
        line = self._supervisors.line_of(session.supervisor)
        own = -1 if line is None or line.closed else line.media
        if own != session.own:
            self._silence(session)
        if own < 0:
            return
        talk = self._agents.talk_of(session.agent)
        session.own = own
        try:
            self._take(session, talk)
            heard, addressed = _wanted(session.mode, talk, bool(self.holder_of(session.agent)))
            plane = self._lines.plane.supervision
            for leg in session.addressed - addressed:
                session.addressed.discard(leg)
                plane.stop_speaking(own, leg)
            if heard != session.heard:
                plane.stop_listening(own)
                session.heard = -1
                if heard >= 0:
                    plane.listen(own, heard)
                    session.heard = heard
            for leg in addressed - session.addressed:
                plane.speak(own, leg)
                session.addressed.add(leg)
        except SoftswitchError as error:
            log.warning("a supervisor cannot be joined", supervisor=session.supervisor, reason=str(error))

    def _take(self, session: _Session, talk: Talk) -> None:
        """Join the callee to the supervisor, or give the callee back to the agent; others who listen follow."""
        wanted = talk.partner.media if session.mode is Mode.TAKE_OVER and talk.partner is not None else -1
        if wanted == session.taken:
            return
        before, session.taken = session.taken, wanted
        if wanted >= 0:
            self._agents.part(session.agent)
            self._lines.plane.bridge(wanted, session.own)
        else:
            self._unbridge(session.own)
            if talk.partner is not None and talk.partner.media == before:
                self._agents.rejoin(session.agent)
        for other in self._sessions.values():
            if other is not session and other.agent == session.agent:
                self._carry_out(other)

    def _unbridge(self, leg: int) -> None:
        with suppress(UsageError):  # one that is closed is in no bridge
            self._lines.plane.unbridge(leg)

    def _silence(self, session: _Session) -> None:
        """The supervisor hears and says nothing; legs that are closed have been forgotten by the plane itself."""
        if session.own < 0:
            return
        plane = self._lines.plane.supervision
        if session.taken >= 0:
            self._unbridge(session.own)
            session.taken = -1
        for leg in session.addressed:
            plane.stop_speaking(session.own, leg)
        plane.stop_listening(session.own)
        session.own = session.heard = -1
        session.addressed.clear()

    def _end(self, supervisor: str, reason: str, now: float) -> None:
        session = self._sessions.pop(supervisor, None)
        if session is None:
            return
        taken = session.call_ref if session.taken >= 0 else ""
        self._silence(session)
        if taken:
            self._end_call(taken, now)
        if reason:
            self._ended[supervisor] = self._view(session, "ended", now, reason)
        self._supervisors.release(supervisor, now)
        self._supervisors.changed(supervisor)

    def _view(self, session: _Session, state: str, now: float, reason: str = "") -> SupervisionView:
        return SupervisionView(
            session.supervisor, session.agent, str(session.mode), state, session.call_ref, now - session.since, reason
        )


def subject_of(agent: str, call_ref: str) -> str:
    return f"agent {agent}, call {call_ref}" if call_ref else f"agent {agent}, between calls"


def _wanted(mode: Mode, talk: Talk, is_taken: bool) -> tuple[int, set[int]]:
    """The leg to listen to, or -1, and the legs to speak to.  is_taken: the callee talks to a supervisor."""
    agents = talk.line or talk.partner  # without a line for a moment: the callee is heard
    if agents is None or mode is Mode.TAKE_OVER:
        return -1, set()
    addressed = {talk.line.media} if mode is not Mode.LISTEN and talk.line is not None else set()
    if mode is Mode.BARGE and talk.partner is not None:
        addressed.add(talk.partner.media)
    heard = talk.partner if is_taken and talk.partner is not None else agents
    return heard.media, addressed
