"""Inbound calls: a number of ours, the agents who take its calls, and what the caller hears until one does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from softswitch.calls.events import CallOffered, Origin
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentBoard
from softswitch.dialler.attempt import CallSound, DialAttempt, Disposition
from softswitch.dialler.snapshots import attempt_from, attempt_snapshot
from softswitch.errors import SoftswitchError
from softswitch.exchange.agents import AgentLines
from softswitch.exchange.lines import Line, Lines
from softswitch.exchange.records import Records
from softswitch.media.events import FirstPacketBridged, MediaEvent, PlayingEnded
from softswitch.recordings.names import file_name

log = structlog.get_logger(__name__)

ROLE = "inbound"
"""Of a caller's line, in its note."""
RINGING = "ringing"
RINGING_TONE = "tone:ringback"
"""For callers who hear a notice first: their call is answered, and only we can ring then."""
PATIENCE_S = 20.0  # how long a caller waits for an agent before the prompt says that nobody is there
WRAP_UP_S = 15.0


@dataclass(frozen=True, slots=True)
class Queue:
    """One inbound number, as the site configures it."""

    did: str
    agents: tuple[str, ...]
    """Empty: all."""
    prompt_no_agent: str
    """Clip; empty: the call is refused as busy."""
    caller_hears: str
    """RINGING, or a clip that is played in a loop once the call is answered."""
    recording_notice: str = ""
    """Clip that the caller hears whole before anything else; the call is then answered at once. Empty: none."""

    @property
    def campaign(self) -> str:
        """Under which its calls are recorded and its agents are shown."""
        return f"inbound-{self.did.removeprefix('+')}"


@dataclass(slots=True)
class _Call:
    call_ref: str
    queue: Queue
    offered: CallOffered
    record: DialAttempt
    gives_up_at: float
    line: Line | None = None
    agent: str = ""
    turned_away: bool = False
    hears_notice: bool = False
    """Until it is over, no agent is asked for."""


class InboundCalls:
    """Owner of inbound lines. The same agents serve dialled calls: the agent board keeps them apart."""

    def __init__(
        self,
        lines: Lines,
        agents: AgentLines,
        board: AgentBoard,
        records: Records,
        recordings: Path,
        *,
        new_ref: Callable[[], str],
        wall: Callable[[], datetime],
        ring: Callable[[str, float], None],
        reject: Callable[[str, int, float], None],
    ) -> None:
        self._lines = lines
        self._agents = agents
        self._board = board
        self._records = records
        self._recordings = recordings
        self._new_ref = new_ref
        self._wall = wall
        self._ring = ring
        self._reject = reject
        self._calls: dict[str, _Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def receive_call(self, event: CallOffered, queue: Queue, now: float) -> None:
        call_ref = self._new_ref()
        record = DialAttempt(call_ref, "", queue.campaign, event.source, committed_at=self._wall())
        call = _Call(call_ref, queue, event, record, gives_up_at=now + PATIENCE_S)
        self._calls[event.leg_id] = call
        self._lines.join(call_ref, event.leg_id, "", now)
        if event.verstat:
            log.info("caller's number verified", call=call_ref, verstat=event.verstat)
        self._records.open_attempt(record)
        if queue.recording_notice:
            if self._answer(call, now):
                self._give_notice(call, now)
            else:
                call.turned_away = True
        elif queue.caller_hears == RINGING:
            self._ring(event.leg_id, now)
        elif self._answer(call, now):
            self._play(call, queue.caller_hears, loop=True)
        self.serve(now)

    def serve(self, now: float) -> None:
        """Give waiting callers, first come first served, to agents who are ready."""
        for call in list(self._calls.values()):
            if call.agent or call.turned_away or call.hears_notice:
                continue
            agent = self._board.reserve_longest_waiting(
                now, call.call_ref, call.queue.campaign, among=call.queue.agents
            )
            if agent is None:
                continue
            call.agent = agent
            if call.line is None and not self._answer(call, now):
                self._board.release(agent, call.call_ref, now)
                call.agent, call.turned_away = "", True
                continue
            assert call.line is not None
            self._lines.plane.stop_playing(call.line.media)
            self._lines.changed(call.line)
            self._agents.connect(agent, call.line, call.call_ref, now)

    def handle_timer(self, now: float) -> None:
        """Callers who have waited too long hear that nobody is there."""
        for call in list(self._calls.values()):
            waits = not call.agent and not call.turned_away and not call.hears_notice
            if waits and now >= call.gives_up_at:
                self._turn_away(call, now)

    def agent_gone(self, agent: str, now: float) -> None:
        """The agent's phone vanished: the caller waits for another."""
        for call in self._calls.values():
            if call.agent == agent:
                if call.line is not None:
                    self._lines.changed(call.line)
                call.agent = ""
                call.gives_up_at = now + PATIENCE_S

    def call_of(self, call_ref: str) -> Line | None:
        return next((c.line for c in self._calls.values() if c.call_ref == call_ref), None)

    def hang_up(self, call_ref: str, now: float) -> bool:
        line = self.call_of(call_ref)
        if line is not None:
            self._lines.hang_up(line, now)
        return line is not None

    def kill(self, clip: str, now: float) -> None:
        """The kill switch: agents are out of their calls at once, callers hear the clip, then the calls end."""
        for call in list(self._calls.values()):
            agent, call.agent, call.turned_away, call.hears_notice = call.agent, "", True, False
            if agent:
                self._agents.release(agent, now)
                self._board.receive_call_ended(agent, call.call_ref, now, WRAP_UP_S)
            if call.line is None:
                self._reject(call.offered.leg_id, 503, now)
            elif clip:
                self._play(call, clip, loop=False)
            else:
                self._lines.hang_up(call.line, now)

    def recording_failed(self, call_ref: str, now: float) -> None:
        """No recording, no call."""
        self.hang_up(call_ref, now)

    # What the lines report.

    def line_ringing(self, line: Line, now: float) -> None:
        pass

    def line_answered(self, line: Line, now: float) -> None:
        pass

    def line_failed(self, line: Line, outcome: Outcome, status: int, now: float) -> None:
        self.line_ended(line, True, now)

    def line_ended(self, line: Line, by_peer: bool, now: float) -> None:
        call = self._calls.pop(line.leg_id, None)
        if call is None:
            return
        if call.agent:
            self._agents.release(call.agent, now)
            self._board.receive_call_ended(call.agent, call.call_ref, now, WRAP_UP_S)
        self._save(call, line.sound)

    def line_media(self, line: Line, event: MediaEvent) -> None:
        call = self._calls.get(line.leg_id)
        if call is None:
            return
        self._lines.changed(line)
        if isinstance(event, FirstPacketBridged) and call.agent:
            self._board.receive_connected(call.agent, call.call_ref, self._lines.now)
            call.record = replace(call.record, agent=call.agent, bridged_at=self._wall())
        elif isinstance(event, PlayingEnded) and call.turned_away:
            self._lines.hang_up(line, self._lines.now)
        elif isinstance(event, PlayingEnded) and call.hears_notice:
            self._notice_given(call, self._lines.now)

    # What the process after this one takes up.

    def line_note(self, line: Line) -> dict[str, Any] | None:
        call = self._calls.get(line.leg_id)
        if call is None:
            return None
        return {
            "role": ROLE,
            "did": call.queue.did,
            "call_ref": call.call_ref,
            "record": attempt_snapshot(call.record),
            "gives_up_at": call.gives_up_at,
            "agent": call.agent,
            "turned_away": call.turned_away,
            "hears_notice": call.hears_notice,
            "source": call.offered.source,
        }

    def take_up(self, line: Line, note: Mapping[str, Any], queues: Iterable[Queue], now: float) -> None:
        """Go on with an answered call of another process. Raises KeyError where its number is none of ours now."""
        queue = next((each for each in queues if each.did == note["did"]), None)
        if queue is None:
            raise KeyError(note["did"])
        offered = CallOffered(line.leg_id, Origin.TRUNK, note["source"], queue.did, "", b"")
        self._calls[line.leg_id] = _Call(
            note["call_ref"],
            queue,
            offered,
            attempt_from(note["record"]),
            gives_up_at=note["gives_up_at"],
            line=line,
            agent=note["agent"],
            turned_away=note["turned_away"],
        )
        self._records.save_attempt(self._calls[line.leg_id].record)
        self._lines.join(note["call_ref"], line.leg_id, "", now)
        if note["hears_notice"]:  # once more from its first word: its end may have been told to nobody
            self._give_notice(self._calls[line.leg_id], now)

    def agents_taken_up(self, now: float) -> None:
        """Callers whose agent did not come along wait for another."""
        for call in self._calls.values():
            if call.agent and self._board.call_of(call.agent) != call.call_ref:
                self.agent_gone(call.agent, now)

    def receive_withdrawn(self, leg_id: str, now: float) -> None:
        """The caller gave up before we answered."""
        call = self._calls.pop(leg_id, None)
        if call is not None:
            self._save(call, CallSound())

    def _answer(self, call: _Call, now: float) -> bool:
        line = self._lines.accept(call.offered, self, now)
        if line is None:
            self._calls.pop(call.offered.leg_id, None)
            self._save(call, CallSound())
            return False
        call.line = line
        name = file_name(call.call_ref)
        try:
            self._lines.plane.start_recording(line.media, self._recordings / name)
        except SoftswitchError as error:
            log.error("no recording, no call", call=call.call_ref, reason=str(error))
            self._lines.hang_up(line, now)
            return False
        call.record = replace(call.record, answered_at=self._wall(), recording=name)
        return True

    def _give_notice(self, call: _Call, now: float) -> None:
        """That the call is recorded; a caller who cannot be told so is not talked to."""
        assert call.line is not None
        call.hears_notice = self._play(call, call.queue.recording_notice, loop=False)
        if not call.hears_notice:
            call.turned_away = True
            self._lines.hang_up(call.line, now)

    def _notice_given(self, call: _Call, now: float) -> None:
        call.hears_notice, call.gives_up_at = False, now + PATIENCE_S
        self._play(call, RINGING_TONE if call.queue.caller_hears == RINGING else call.queue.caller_hears, loop=True)
        self.serve(now)

    def _turn_away(self, call: _Call, now: float) -> None:
        call.turned_away = True
        if call.line is not None:
            self._lines.changed(call.line)
        if not call.queue.prompt_no_agent:
            if call.line is None:
                self._calls.pop(call.offered.leg_id, None)
                self._reject(call.offered.leg_id, 486, now)
                self._save(call, CallSound())
            else:
                self._lines.hang_up(call.line, now)
        elif call.line is not None or self._answer(call, now):
            self._play(call, call.queue.prompt_no_agent, loop=False)

    def _play(self, call: _Call, clip: str, *, loop: bool) -> bool:
        """Whether it is played."""
        assert call.line is not None
        try:
            self._lines.plane.play(call.line.media, clip, loop=loop)
        except SoftswitchError as error:
            log.error("prompt cannot be played", call=call.call_ref, reason=str(error))
            return False
        return True

    def _save(self, call: _Call, sound: CallSound) -> None:
        connected = call.record.bridged_at is not None
        disposition = Disposition.CONNECTED if connected else Disposition.NO_ANSWER
        outcome = Outcome.ANSWERED if call.record.answered_at is not None else Outcome.NO_ANSWER
        self._records.save_attempt(
            replace(
                call.record,
                ended_at=self._wall(),
                outcome=str(outcome),
                disposition=str(disposition),
                **asdict(sound),
            )
        )
