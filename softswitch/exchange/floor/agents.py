"""Agents' lines: nailed up for a shift, or rung for each call."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from softswitch.calls.events import CallOffered
from softswitch.calls.outcome import Outcome
from softswitch.config import Connect
from softswitch.errors import UsageError
from softswitch.exchange.floor.seat import Seat, Talk
from softswitch.exchange.floor.seat_sound import SeatSound
from softswitch.exchange.telephony.headsets import Headsets
from softswitch.exchange.telephony.line import Line
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.events import FirstPacketBridged, FirstPacketReceived, MediaEvent

log = structlog.get_logger(__name__)

ROLE = "agent"
"""Of an agent's line, in its note."""
LOG_IN = "login"
"""What stands for a call reference while a phone is rung for its shift."""
AWAY_S = 10.0
"""For so long a callee waits for an agent whose browser loads its page anew, or is opened again: from when it was last
heard."""


class AgentLines:
    """Owner of every agent's line. Reports agents who come and go; connects them to calls."""

    def __init__(
        self,
        lines: Lines,
        agents: dict[str, Connect],
        new_leg_id: Callable[[], str],
        headsets: Headsets | None = None,
        *,
        on_arrived: Callable[[str, float], None],
        on_gone: Callable[[str, float], None],
        silence_s: float,
    ) -> None:
        """silence_s: a phone that has sent audio and sends none for so long has vanished; 0: it may be silent."""
        self._lines = lines
        self._headsets = headsets
        self._sound = SeatSound(lines)
        self._silence_s = silence_s
        self._seats = {agent: Seat(agent, connect) for agent, connect in agents.items()}
        self._by_leg: dict[str, Seat] = {}
        self._new_leg_id = new_leg_id
        self._on_arrived = on_arrived
        self._on_gone = on_gone
        self.on_moved: Callable[[str, float], None] = lambda agent, now: None
        """Told when an agent's line, or whom it talks to, may be another."""

    def __contains__(self, agent: str) -> bool:
        return agent in self._seats

    def is_in(self, agent: str) -> bool:
        seat = self._seats[agent]
        return seat.up or seat.connect is Connect.RING_PER_CALL

    def is_away(self, agent: str) -> bool:
        """Whether a callee waits for the agent's headset, whose page is being loaded anew. KeyError where unknown."""
        return self._seats[agent].is_away

    def unheard_because(self, agent: str) -> str:
        """Why the callee does not hear the agent who is in a call: "taken over", "muted", or empty. KeyError where
        unknown."""
        return self._seats[agent].unheard_because

    @property
    def may_be_silent(self) -> bool:
        """Whether phones may send nothing while nobody speaks."""
        return not self._silence_s

    def call_of(self, agent: str) -> str:
        """The call that the agent is in, or that the agent's phone is rung for; else empty. KeyError where unknown."""
        seat = self._seats[agent]
        return "" if seat.partner is None else seat.call_ref

    def talk_of(self, agent: str) -> Talk:
        """Raises KeyError for an unknown agent."""
        return self._seats[agent].talk

    def log_in(self, agent: str, now: float) -> None:
        """Ring the agent's phone for its shift-long call; with ring-per-call there is nothing to ring yet.

        Raises UsageError where the phone is not registered, KeyError for an unknown agent.
        """
        seat = self._seats[agent]
        if seat.connect is Connect.RING_PER_CALL:
            self._on_arrived(agent, now)
        elif seat.line is None:
            self._ring(seat, LOG_IN, now)

    def receive_log_in_call(self, event: CallOffered, now: float) -> None:
        """The agent's phone dialled the log-in number. A second log-in call replaces the first."""
        seat = self._seats[event.source]
        self._vacate(seat, now)
        line = self._lines.accept(event, self, now)
        if line is None:
            return
        if seat.connect is Connect.RING_PER_CALL:
            self._lines.hang_up(line, now)
            self._on_arrived(seat.agent, now)
        else:
            self._seat(seat, line, up=True)
            self._begin(seat, line, now)

    def receive_headset(self, agent: str, offer: bytes, now: float) -> bytes:
        """The agent's browser offers to be the headset of this shift; our answer. It takes the place of a phone that is
        logged in, or of another tab. The agent arrives once it is heard; in a call it goes on with the call.

        Raises PeerError where the offer cannot be, UsageError without a free media port, KeyError for an unknown agent.
        """
        seat = self._seats[agent]
        if self._headsets is None:
            raise UsageError("this site has no browser headsets")
        line, answer = self._headsets.open(self._new_leg_id(), offer, self)
        self._vacate(seat, now)
        self._seat(seat, line, up=False)
        return answer

    def end_headset(self, agent: str, now: float) -> None:
        """End the agent's headset; a phone is left alone. KeyError for an unknown agent."""
        line = self._seats[agent].line
        if line is not None and line.headset is not None:
            self._lines.hang_up(line, now)

    def log_out(self, agent: str, now: float) -> None:
        seat = self._seats[agent]
        if seat.line is not None:
            self._lines.hang_up(seat.line, now)
        if seat.connect is Connect.RING_PER_CALL:
            self._on_gone(agent, now)

    def connect(
        self,
        agent: str,
        other: Line,
        call_ref: str,
        now: float,
        *,
        notice: str = "",
        on_heard: Callable[[float], None] | None = None,
    ) -> None:
        """Join the agent to `other`; a phone that must be rung first is rung, and joined when it answers.

        notice: a clip that `other` hears over the agent's first words.  on_heard: told when the agent's first packet
        has left for `other`, monotonic.
        """
        seat = self._seats[agent]
        seat.partner, seat.call_ref, seat.notice, seat.muted = other, call_ref, notice, False
        seat.on_heard, seat.parted = on_heard, False
        if seat.up and seat.line is not None:
            self._lines.join(call_ref, seat.line.leg_id, agent, now)
            self._join(seat, now)
            return
        try:
            self._ring(seat, call_ref, now)
        except UsageError as error:
            log.warning("agent cannot be rung", agent=agent, call=call_ref, reason=str(error))
            seat.partner = None
            self._on_gone(agent, now)

    def release(self, agent: str, now: float) -> None:
        """The call is over for this agent; a nailed-up line stays."""
        seat = self._seats[agent]
        if seat.partner is not None and seat.line is not None:
            if seat.is_nailed_up:
                self._lines.part(seat.call_ref, seat.line.leg_id, now)
            self._sound.part(seat)
            self._sound.mute(seat, False)
            self._lines.changed(seat.line)
        if seat.partner is not None:
            seat.partner, seat.muted = None, False
            self.on_moved(agent, now)
        if not seat.is_nailed_up and seat.line is not None:
            self._lines.hang_up(seat.line, now)

    def part(self, agent: str) -> None:
        """Part the agent from the callee, who is somebody else's for now: the call goes on, and the line stays."""
        seat = self._seats[agent]
        seat.parted = True
        self._sound.part(seat)

    def rejoin(self, agent: str) -> None:
        """Undo `part`: the two hear each other again, unless the agent is muted."""
        seat = self._seats[agent]
        seat.parted = False
        self._sound.rejoin(seat)

    def mute(self, agent: str, muted: bool = True) -> None:
        """The kill switch: what the agent says goes nowhere from here on, until the call is over or the mute undone."""
        seat = self._seats[agent]
        seat.muted = muted and seat.partner is not None
        self._sound.mute(seat, muted)
        if seat.line is not None:
            self._lines.changed(seat.line)

    def muted(self) -> tuple[str, ...]:
        """The agents who are in calls and not heard."""
        return tuple(seat.agent for seat in self._seats.values() if seat.muted)

    def look(self, now: float) -> None:
        """End the line of a phone that fell silent: a pulled cable says no BYE, and the callee hears nobody."""
        for seat in self._seats.values():
            if seat.away_until and now > seat.away_until:
                log.warning("agent's browser has not come back", agent=seat.agent)
                self._lose(seat, now)
            if seat.line is None or not seat.up or not self._silence_s:
                continue
            silent_s = seat.silent_s(self._lines.plane.statistics(seat.line.media).packets_received, now)
            if silent_s > self._silence_s:
                log.warning("agent's phone has vanished", agent=seat.agent, silent_s=round(silent_s, 1))
                if seat.may_come_back:  # a tab that was killed is waited for as one that says goodbye
                    seat.away_until = seat.heard_at + AWAY_S
                    self._vacate(seat, now)
                else:
                    self._lose(seat, now)

    # What the lines report.

    def line_ringing(self, line: Line, now: float) -> None:
        pass

    def line_answered(self, line: Line, now: float) -> None:
        seat = self._by_leg[line.leg_id]
        seat.up = True
        self._lines.changed(line)
        if seat.is_nailed_up:
            self._begin(seat, line, now)
        elif seat.partner is not None:
            self._join(seat, now)
        else:
            self._lines.hang_up(line, now)

    def line_failed(self, line: Line, outcome: Outcome, status: int, now: float) -> None:
        seat = self._forget(line)
        if seat is not None:
            log.warning("agent's phone did not answer", agent=seat.agent, outcome=outcome, status=status)
            self._on_gone(seat.agent, now)

    def line_ended(self, line: Line, by_peer: bool, now: float) -> None:
        seat = self._by_leg.get(line.leg_id)
        if by_peer and seat is not None and seat.may_come_back:
            self._keep(seat, now)
            return
        seat = self._forget(line)
        if seat is not None and (by_peer or seat.connect is Connect.NAILED_UP or line.headset is not None):
            self._on_gone(seat.agent, now)

    def line_media(self, line: Line, event: MediaEvent) -> None:
        """An agent has arrived once the phone is heard: no callee is connected to a phone that is still starting."""
        seat = self._by_leg.get(line.leg_id)
        if isinstance(event, FirstPacketReceived) and seat is not None and seat.is_nailed_up:
            self._arrive(seat, self._lines.now)
        elif isinstance(event, FirstPacketBridged) and seat is not None and seat.partner is not None and seat.on_heard:
            seat.on_heard(event.at)

    # What the process after this one takes up.

    def line_note(self, line: Line) -> dict[str, Any] | None:
        seat = self._by_leg.get(line.leg_id)
        if seat is None:
            return None
        partner = "" if seat.partner is None else seat.partner.leg_id
        talk = {"partner": partner, "call_ref": seat.call_ref, "muted": seat.muted}
        return {"role": ROLE, "agent": seat.agent, "up": seat.up, **talk}

    def take_up(self, line: Line, note: Mapping[str, Any], line_of: Callable[[str], Line | None], now: float) -> None:
        """Go on with an agent's line of another process. One that was still being rung is not waited for.

        line_of: the lines that were taken up, by their legs. Raises KeyError for an agent who is unknown now.
        """
        seat = self._seats[note["agent"]]
        self._seat(seat, line, up=bool(note["up"]))
        if not seat.up:
            self._lines.hang_up(line, now)
            return
        partner = line_of(note["partner"])
        if partner is not None:
            seat.partner, seat.call_ref, seat.muted = partner, note["call_ref"], note["muted"]
            self._lines.join(seat.call_ref, line.leg_id, seat.agent, now)
        elif note["partner"]:
            self._sound.part(seat)
            if not seat.is_nailed_up:
                self._lines.hang_up(line, now)

    def is_reachable(self, agent: str) -> bool:
        """Whether an agent who was in before can still be: a nailed-up one needs a line that is up."""
        return agent in self._seats and self.is_in(agent)

    def _arrive(self, seat: Seat, now: float) -> None:
        """Whose place was kept has not been gone."""
        if seat.away_until:
            seat.away_until = 0.0
        else:
            self._on_arrived(seat.agent, now)

    def _begin(self, seat: Seat, line: Line, now: float) -> None:
        """A line that stays is up: it goes on with the call that its place was kept for."""
        self._sound.idle(line)
        if seat.away_until and seat.partner is not None:
            self._lines.join(seat.call_ref, line.leg_id, seat.agent, now)
            self._sound.go_on(seat)
        self.on_moved(seat.agent, now)
        if not self._silence_s:  # where phones may be silent, there is nothing to wait for
            self._arrive(seat, now)

    def _keep(self, seat: Seat, now: float) -> None:
        """The headset is gone in a call, and the page may bring another."""
        assert seat.line is not None
        self._by_leg.pop(seat.line.leg_id, None)
        self._sound.wait(seat)
        self._lines.part(seat.call_ref, seat.line.leg_id, now)
        seat.line, seat.up, seat.notice, seat.away_until = None, False, "", seat.away_until or now + AWAY_S
        self.on_moved(seat.agent, now)

    def _lose(self, seat: Seat, now: float) -> None:
        """The agent is gone without a word."""
        if seat.line is not None:
            self._lines.plane.unbridge(seat.line.media)
            self._lines.hang_up(seat.line, now)
            self._forget(seat.line)
        seat.partner, seat.muted, seat.away_until = None, False, 0.0
        self._on_gone(seat.agent, now)

    def _ring(self, seat: Seat, call_ref: str, now: float) -> None:
        leg_id = self._new_leg_id()
        if call_ref != LOG_IN:
            self._lines.join(call_ref, leg_id, seat.agent, now)
        line = self._lines.ring_phone(leg_id, seat.agent, call_ref, self, now)
        self._seat(seat, line, up=False)

    def _vacate(self, seat: Seat, now: float) -> None:
        """Take the seat's line from it, for another one: the agent is gone until that is up."""
        if seat.line is not None:
            old = seat.line
            if seat.may_come_back:
                self._keep(seat, now)
                self._lines.hang_up(old, now)
                return
            seat.line, seat.up = None, False
            self._by_leg.pop(old.leg_id, None)
            self._lines.hang_up(old, now)
            self.on_moved(seat.agent, now)
            self._on_gone(seat.agent, now)

    def _seat(self, seat: Seat, line: Line, *, up: bool) -> None:
        seat.line, seat.up, seat.packets = line, up, 0
        self._by_leg[line.leg_id] = seat

    def _join(self, seat: Seat, now: float) -> None:
        self._sound.join(seat)
        self.on_moved(seat.agent, now)

    def _forget(self, line: Line) -> Seat | None:
        seat = self._by_leg.pop(line.leg_id, None)
        if seat is not None and seat.line is line:
            seat.line, seat.up, seat.partner, seat.muted, seat.away_until = None, False, None, False, 0.0
            self.on_moved(seat.agent, self._lines.now)
        return seat
