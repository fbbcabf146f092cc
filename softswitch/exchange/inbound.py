"""Inbound calls: a number of ours, the agents who take its calls, and what the caller hears until one does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import structlog

from softswitch.calls.events import CallOffered, Origin
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentBoard
from softswitch.dialler.attempt import CallSound, DialAttempt, Disposition
from softswitch.dialler.blending import Blend
from softswitch.dialler.lead import Lead
from softswitch.dialler.snapshots import attempt_from, attempt_snapshot
from softswitch.dialler.waiting import GiveUp, Hear, Overflow, WaitingRoom
from softswitch.errors import SoftswitchError
from softswitch.exchange.agents import AgentLines
from softswitch.exchange.line import Line
from softswitch.exchange.lines import Lines
from softswitch.exchange.overflow import Overflows
from softswitch.exchange.queues import RINGING_TONE, Queue
from softswitch.exchange.records import Records
from softswitch.media.events import DigitPressed, FirstPacketBridged, MediaEvent, PlayingEnded
from softswitch.recordings.names import file_name
from softswitch.safeguards.wallboard import QueueView

log = structlog.get_logger(__name__)

ROLE = "inbound"
"""Of a caller's line, in its note."""
WRAP_UP_S = 15.0
NOT_NOW = 480
"""Temporarily Unavailable: to callers outside the hours of a queue that has no words for them."""
BUSY = 486
OWN_MOMENT = timedelta(minutes=1)
"""So long before its latest moment a callback is the campaign's alone: nobody is called twice."""


class Offers(Protocol):
    """Who calls callers back: `exchange.callback_offers.CallbackOffers`."""

    def take(
        self, campaign: str, queue: str, caller: str, kept: Callable[[Lead], None], refused: Callable[[], None]
    ) -> None: ...
    def due(self, lead: Lead) -> None: ...


@dataclass(slots=True)
class _Call:
    call_ref: str
    queue: Queue
    offered: CallOffered
    record: DialAttempt
    line: Line | None = None
    agent: str = ""
    talks_since: float | None = None
    asked: bool = False
    """To be called back."""
    hears: str = ""
    """Clip that plays once, to its end."""
    turned_away: bool = False
    """What plays is the last that the caller hears."""


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
        blend: Blend | None = None,
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
        """By the caller's leg."""
        self._room = WaitingRoom()
        self.offers: Offers | None = None
        """Who calls callers back; None: nobody does."""
        self._called_back: dict[str, tuple[Queue, Lead]] = {}
        """Callers who have rung off and keep their place, by call."""
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
        call = self._calls[event.leg_id] = _Call(call_ref, queue, event, record)
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
            if call_ref in self._called_back:
                self._call_back(call_ref)
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
            self._stop_playing(call)
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

    def hang_up(self, call_ref: str, now: float) -> bool:
        line = self.call_of(call_ref)
        if line is not None:
            self._lines.hang_up(line, now)
        return line is not None

    def kill(self, clip: str, now: float) -> None:
        """The kill switch: agents are out of their calls at once, callers hear the clip, then the calls end."""
        for call in list(self._calls.values()):
            agent, call.agent = call.agent, ""
            if agent:
                self._agents.release(agent, now)
                self._board.receive_call_ended(agent, call.call_ref, now, WRAP_UP_S)
            self.overflows.end(call.call_ref, now)
            self._turn_away(call, clip if call.line is not None else "", 503, now)

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
        if call.call_ref not in self._called_back:
            self._room.leave(call.call_ref)
        if call.talks_since is not None:
            self._blend.receive_handled(call.queue.campaign, now - call.talks_since + WRAP_UP_S)
        if call.agent:
            self._agents.release(call.agent, now)
            self._board.receive_call_ended(call.agent, call.call_ref, now, WRAP_UP_S)
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
            self._digit_pressed(call, event.digit)
        elif isinstance(event, PlayingEnded) and event.clip == call.hears:
            call.hears = ""
            if call.turned_away:
                self._lines.hang_up(line, now)
            else:
                self._room.receive_clip_ended(call.call_ref, now)
                self.serve(now)

    def _digit_pressed(self, call: _Call, digit: str) -> None:
        """A caller who waits asks to be called back: once the promise is kept, they hear so and are rung off."""
        queue, offers = call.queue, self.offers
        asks = bool(queue.callback_campaign) and digit == queue.callback_digit
        if offers is None or not asks or call.asked or call.agent or not self._room.waits(call.call_ref):
            return
        call.asked = True

        def kept(lead: Lead) -> None:
            if not self._room.keep_place(call.call_ref):
                return  # served, or gone: the callback comes at its latest moment
            self._called_back[call.call_ref] = (queue, lead)
            call.record = replace(call.record, disposition=str(Disposition.CALLBACK))
            call.turned_away = True
            now = self._lines.now
            if call.line is not None and not self._play_last(call, queue.prompt_callback_kept):
                self._lines.hang_up(call.line, now)
            self.serve(now)

        def refused() -> None:
            call.asked = False

        offers.take(queue.callback_campaign, queue.campaign, call.offered.caller, kept, refused)

    def _play_last(self, call: _Call, clip: str) -> bool:
        return bool(clip) and self._play(call, clip, loop=False)

    def _call_back(self, call_ref: str) -> None:
        """The place of a caller who rang off is reached, if somebody is ready for it."""
        queue, lead = self._called_back[call_ref]
        if lead.not_before is None or self._wall() >= lead.not_before - OWN_MOMENT:
            del self._called_back[call_ref]
            self._room.leave(call_ref)
        elif self.offers is not None and self._board.ready(queue.agents):
            del self._called_back[call_ref]
            self._room.leave(call_ref)
            self.offers.due(lead)

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
            "waits": self._room.snapshot(call.call_ref),
            "agent": call.agent,
            "hears": call.hears,
            "turned_away": call.turned_away,
            "source": call.offered.source,
        }

    def take_up(self, line: Line, note: Mapping[str, Any], queues: Iterable[Queue], now: float) -> None:
        """Go on with an answered call of another process. Raises KeyError where its number is none of ours now."""
        queue = next((each for each in queues if each.did == note["did"]), None)
        if queue is None:
            raise KeyError(note["did"])
        offered = CallOffered(line.leg_id, Origin.TRUNK, note["source"], queue.did, "", b"")
        call = _Call(note["call_ref"], queue, offered, attempt_from(note["record"]), line, note["agent"])
        call.hears, call.turned_away = note["hears"], note["turned_away"]
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

    def _let_hear(self, call: _Call, clip: str, loop: bool, now: float) -> None:
        if call.line is None:
            return
        if self._play(call, clip, loop=loop) or loop:
            return
        if clip == call.queue.recording_notice:  # a caller who cannot be told that he is recorded is not talked to
            self._room.leave(call.call_ref)
            self._lines.hang_up(call.line, now)
        else:
            self._room.receive_clip_ended(call.call_ref, now)

    def _answer(self, call: _Call, now: float) -> bool:
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

    def _overflow(self, call: _Call, now: float) -> None:
        """Let another number take the caller, who hears it ring."""
        if call.line is None and not self._answer(call, now):
            return
        assert call.line is not None
        queue = call.queue
        self._play(call, RINGING_TONE, loop=True)
        try:
            self.overflows.place(call.call_ref, call.line, queue.overflow_trunks, queue.overflow_number, now)
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

    def _nobody_is_there(self, call: _Call, now: float) -> None:
        self._turn_away(call, call.queue.prompt_no_agent, BUSY, now)

    def _turn_away(self, call: _Call, clip: str, status: int, now: float) -> None:
        """The caller hears the clip, then the call ends; without one it ends now, or is refused with this status."""
        self._room.leave(call.call_ref)
        call.turned_away = True
        if clip and (call.line is not None or self._answer(call, now)):
            assert call.line is not None
            self._lines.plane.unbridge(call.line.media)
            if not self._play(call, clip, loop=False):
                self._lines.hang_up(call.line, now)
            self._lines.changed(call.line)
        elif call.line is not None:
            self._lines.hang_up(call.line, now)
        elif self._calls.pop(call.offered.leg_id, None) is not None:
            self._reject(call.offered.leg_id, status, now)
            self._save(call, CallSound())

    def _stop_playing(self, call: _Call) -> None:
        assert call.line is not None
        call.hears = ""
        self._lines.plane.stop_playing(call.line.media)

    def _play(self, call: _Call, clip: str, *, loop: bool) -> bool:
        """Whether it is played."""
        assert call.line is not None
        try:
            self._lines.plane.play(call.line.media, clip, loop=loop)
        except SoftswitchError as error:
            log.error("prompt cannot be played", call=call.call_ref, reason=str(error))
            call.hears = ""
            return False
        call.hears = "" if loop else clip
        return True

    def _save(self, call: _Call, sound: CallSound) -> None:
        connected = call.record.bridged_at is not None
        disposition = Disposition.CONNECTED if connected else call.record.disposition or Disposition.NO_ANSWER
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
