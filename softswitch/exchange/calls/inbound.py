"""Inbound calls: a number of ours, the agents who take its calls, and what the caller hears until one does."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from softswitch.calls.events import CallOffered
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentBoard, CallEnd
from softswitch.dialler.attempt import CallSound, DialAttempt, Disposition
from softswitch.dialler.blending import Blend
from softswitch.dialler.waiting import GiveUp, Hear, Overflow, WaitingRoom
from softswitch.errors import SoftswitchError
from softswitch.exchange.calls.inbound_call import InboundCall
from softswitch.exchange.calls.kept_places import KeptPlaces
from softswitch.exchange.calls.overflow import Overflows
from softswitch.exchange.calls.queues import RINGING_TONE, Queue
from softswitch.exchange.calls.records import Records
from softswitch.exchange.floor.agents import AgentLines
from softswitch.exchange.telephony.line import Line
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.events import DigitPressed, FirstPacketBridged, MediaEvent, PlayingEnded
from softswitch.recordings.names import file_name
from softswitch.safeguards.wallboard import QueueView

log = structlog.get_logger(__name__)

WRAP_UP_S = 15.0
NOT_NOW = 480
"""Temporarily Unavailable: to callers outside the hours of a queue that has no words for them."""
BUSY = 486


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
        choose_trunks: Callable[[str, str], Sequence[str]],
        blend: Blend | None = None,
    ) -> None:
        """choose_trunks: the overflow's trunk, or empty, and number; those that may take the call now, best first."""
        self._lines = lines
        self._agents = agents
        self._board = board
        self._records = records
        self._recordings = recordings
        self._new_ref = new_ref
        self._wall = wall
        self._ring = ring
        self._reject = reject
        self._choose_trunks = choose_trunks
        self._calls: dict[str, InboundCall] = {}
        """By the caller's leg."""
        self._room = WaitingRoom()
        self.kept_places = KeptPlaces(self._room, board, wall, self._place_kept)
        self._blend = blend or Blend(board)
        self._blend.waiting_in = self._room.waiting_in
        self.overflows = Overflows(
            lines,
            new_ref,
            on_taken=self._taken,
            on_failed=self._not_taken,
            on_ended=self._hang_up,
        )

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def waiting(self) -> int:
        """Callers who have no agent yet."""
        return len(self._room)

    def queue_view(self, name: str, now: float) -> QueueView:
        return QueueView(name, self._room.waiting_in(name), self._room.longest_wait_s(name, now))

    def receive_call(self, event: CallOffered, queue: Queue, now: float) -> None:
        call_ref = self._new_ref()
        record = DialAttempt(call_ref, "", queue.campaign, event.source, committed_at=self._wall())
        call = self._calls[event.leg_id] = InboundCall(call_ref, queue, event, record)
        self._lines.join(call_ref, event.leg_id, "", now)
        if event.verstat:
            log.info("caller's number verified", call=call_ref, verstat=event.verstat)
        self._records.open_attempt(record)
        self._blend.receive_caller(queue.campaign, now)
        if not queue.is_open(self._wall()):
            self._turn_away(call, queue.prompt_closed, NOT_NOW, now)
        elif not queue.answers_at_once:
            self._ring(event.leg_id, now)
            self._room.enter(call_ref, queue.plan, now)
        elif self._answer(call, now):
            self._room.enter(call_ref, queue.plan, now)
        self.serve(now)

    def serve(self, now: float) -> None:
        """Carry out what the queues have decided, and give waiting callers to agents who are ready."""
        self._carry_out(now)
        by_ref = {call.call_ref: call for call in self._calls.values()}
        for call_ref in self._room.next_callers():
            if call_ref in self.kept_places:
                self.kept_places.call_back(call_ref)
                continue
            call = by_ref[call_ref]
            agent = self._board.reserve_longest_waiting(
                now, call.call_ref, call.queue.campaign, among=call.queue.agents
            )
            if agent is None:
                continue
            if call.line is None and not self._answer(call, now):
                self._board.release(agent, call.call_ref, now)
                continue
            assert call.line is not None
            call.agent = agent
            self._room.serve(call.call_ref, now)
            call.stop_playing(self._lines.plane)
            self._lines.changed(call.line)
            self._agents.connect(agent, call.line, call.call_ref, now)

    def handle_timer(self, now: float) -> None:
        """Callers hear where they stand; those who have waited too long are given up."""
        self._room.handle_timer(now)
        self._carry_out(now)

    def agent_gone(self, agent: str, now: float) -> None:
        """The agent's phone vanished: the caller waits for another."""
        for call in self._calls.values():
            if call.agent == agent:
                if call.line is not None:
                    self._lines.changed(call.line)
                call.agent = ""
                self._room.take_back(call.call_ref, now)
        self._carry_out(now)

    def call_of(self, call_ref: str) -> Line | None:
        return next((c.line for c in self._calls.values() if c.call_ref == call_ref), None)

    def hang_up(self, call_ref: str, now: float, because: CallEnd | None = None) -> bool:
        """Whether there was such a call.  because: what its agent is told."""
        call = next((each for each in self._calls.values() if each.call_ref == call_ref), None)
        if call is None or call.line is None:
            return False
        call.ends_because = because
        self._lines.hang_up(call.line, now)
        return True

    def kill(self, clip: str, now: float) -> None:
        """The kill switch: agents are out of their calls at once, callers hear the clip, then the calls end."""
        for call in list(self._calls.values()):
            agent, call.agent = call.agent, ""
            if agent:
                self._agents.release(agent, now)
                self._board.receive_call_ended(agent, call.call_ref, now, WRAP_UP_S, CallEnd.STOPPED)
            self.overflows.end(call.call_ref, now)
            self._turn_away(call, clip if call.line is not None else "", 503, now)

    def recording_failed(self, call_ref: str, now: float) -> None:
        """No recording, no call."""
        self.hang_up(call_ref, now, CallEnd.BROKE_OFF)

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
        if call.call_ref not in self.kept_places:
            self._room.leave(call.call_ref)
        if call.talks_since is not None:
            self._blend.receive_handled(call.queue.campaign, now - call.talks_since + WRAP_UP_S)
        if call.agent:
            self._agents.release(call.agent, now)
            because = CallEnd.HUNG_UP if by_peer else call.ends_because
            self._board.receive_call_ended(call.agent, call.call_ref, now, WRAP_UP_S, because)
        self.overflows.end(call.call_ref, now)
        self._save(call, line.sound)

    def line_media(self, line: Line, event: MediaEvent) -> None:
        call = self._calls.get(line.leg_id)
        if call is None:
            return
        self._lines.changed(line)
        now = self._lines.now
        if isinstance(event, FirstPacketBridged) and call.agent and call.talks_since is None:
            self._board.receive_connected(call.agent, call.call_ref, now)
            call.talks_since = now
            call.record = replace(call.record, agent=call.agent, bridged_at=self._wall())
        elif isinstance(event, DigitPressed):
            self.kept_places.receive_digit(call, event.digit)
        elif isinstance(event, PlayingEnded) and event.clip == call.hears:
            call.hears = ""
            if call.turned_away:
                self._lines.hang_up(line, now)
            else:
                self._room.receive_clip_ended(call.call_ref, now)
                self.serve(now)

    def _place_kept(self, call: InboundCall) -> None:
        """The caller will be called back: they hear so, and are rung off."""
        call.record = replace(call.record, disposition=str(Disposition.CALLBACK))
        call.turned_away = True
        now, clip = self._lines.now, call.queue.prompt_callback_kept
        if call.line is not None and not (clip and call.play(self._lines.plane, clip, loop=False)):
            self._lines.hang_up(call.line, now)
        self.serve(now)

    # What the process after this one takes up.

    def line_note(self, line: Line) -> dict[str, Any] | None:
        call = self._calls.get(line.leg_id)
        return None if call is None else call.note(self._room.snapshot(call.call_ref))

    def take_up(self, line: Line, note: Mapping[str, Any], queues: Iterable[Queue], now: float) -> None:
        """Go on with an answered call of another process. Raises KeyError where its number is none of ours now."""
        queue = next((each for each in queues if each.did == note["did"]), None)
        if queue is None:
            raise KeyError(note["did"])
        call = InboundCall.of_note(line, note, queue)
        if note["waits"] is not None:
            self._room.restore(call.call_ref, queue.plan, note["waits"], now)
        self._calls[line.leg_id] = call
        self._records.save_attempt(call.record)
        self._lines.join(call.call_ref, line.leg_id, "", now)
        self._carry_out(now)

    def all_taken_up(self, now: float) -> None:
        """Callers whose agent did not come along wait for another; nobody takes those whose overflow did not."""
        for call in list(self._calls.values()):
            if call.agent and self._board.call_of(call.agent) != call.call_ref:
                self.agent_gone(call.agent, now)
            elif not call.turned_away and call.call_ref not in self._room and call.call_ref not in self.overflows:
                self._nobody_is_there(call, now)

    def receive_withdrawn(self, leg_id: str, now: float) -> None:
        """The caller gave up before we answered."""
        call = self._calls.pop(leg_id, None)
        if call is not None:
            self._room.leave(call.call_ref)
            self._save(call, CallSound())

    def _carry_out(self, now: float) -> None:
        by_ref = {call.call_ref: call for call in self._calls.values()}
        while (event := self._room.next_event()) is not None:
            call = by_ref.get(event.call_ref)
            if call is None:
                continue
            match event:
                case Hear(_, clip, loop):
                    self._let_hear(call, clip, loop, now)
                case Overflow():
                    self._overflow(call, now)
                case GiveUp():
                    self._nobody_is_there(call, now)

    def _let_hear(self, call: InboundCall, clip: str, loop: bool, now: float) -> None:
        if call.line is None:
            return
        if call.play(self._lines.plane, clip, loop=loop) or loop:
            return
        if clip == call.queue.recording_notice:  # a caller who cannot be told that he is recorded is not talked to
            self._room.leave(call.call_ref)
            self._lines.hang_up(call.line, now)
        else:
            self._room.receive_clip_ended(call.call_ref, now)

    def _answer(self, call: InboundCall, now: float) -> bool:
        """Take the call and record it; where that cannot be, it is over."""
        line = self._lines.accept(call.offered, self, now)
        if line is None:
            self.receive_withdrawn(call.offered.leg_id, now)
            return False
        call.line = line
        name = file_name(call.call_ref)
        try:
            self._lines.plane.start_recording(line.media, self._recordings / name)
        except SoftswitchError as error:
            log.error("no recording, no call", call=call.call_ref, reason=str(error))
            self._room.leave(call.call_ref)
            self._lines.hang_up(line, now)
            return False
        call.record = replace(call.record, answered_at=self._wall(), recording=name)
        return True

    def _overflow(self, call: InboundCall, now: float) -> None:
        """Let another number take the caller, who hears it ring."""
        if call.line is None and not self._answer(call, now):
            return
        assert call.line is not None
        queue = call.queue
        call.play(self._lines.plane, RINGING_TONE, loop=True)
        try:
            trunks = self._choose_trunks(queue.overflow_trunk, queue.overflow_number)
            self.overflows.place(call.call_ref, call.line, trunks, queue.overflow_number, now)
        except SoftswitchError as error:
            log.warning("the overflow cannot be called", call=call.call_ref, reason=str(error))
            self._nobody_is_there(call, now)

    def _taken(self, call_ref: str, now: float) -> None:
        for call in [each for each in self._calls.values() if each.call_ref == call_ref]:
            call.record = replace(call.record, disposition=str(Disposition.OVERFLOWED))
            if call.line is not None:
                self._lines.changed(call.line)

    def _hang_up(self, call_ref: str, now: float) -> None:
        self.hang_up(call_ref, now)

    def _not_taken(self, call_ref: str, now: float) -> None:
        for call in [each for each in self._calls.values() if each.call_ref == call_ref]:
            self._nobody_is_there(call, now)

    def _nobody_is_there(self, call: InboundCall, now: float) -> None:
        self._turn_away(call, call.queue.prompt_no_agent, BUSY, now)

    def _turn_away(self, call: InboundCall, clip: str, status: int, now: float) -> None:
        """The caller hears the clip, then the call ends; without one it ends now, or is refused with this status."""
        self._room.leave(call.call_ref)
        call.turned_away = True
        if clip and (call.line is not None or self._answer(call, now)):
            assert call.line is not None
            self._lines.plane.unbridge(call.line.media)
            if not call.play(self._lines.plane, clip, loop=False):
                self._lines.hang_up(call.line, now)
            self._lines.changed(call.line)
        elif call.line is not None:
            self._lines.hang_up(call.line, now)
        elif self._calls.pop(call.offered.leg_id, None) is not None:
            self._reject(call.offered.leg_id, status, now)
            self._save(call, CallSound())

    def _save(self, call: InboundCall, sound: CallSound) -> None:
        self._records.save_attempt(call.ended(sound, self._wall()))
