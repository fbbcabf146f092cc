"""Dialled calls of one campaign: what the dialler decides is done here, and what came of it is told to the dialler."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from softswitch.amd.state import FEATURES
from softswitch.amd.verdict import OperatingPoint
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentChanged
from softswitch.dialler.campaign import AmdMode
from softswitch.dialler.detection import completed_greeting_s
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.events import (
    AttemptChanged,
    CallbacksWanted,
    CampaignChanged,
    CancelCall,
    CommitAttempt,
    ConnectAgent,
    DiallerEvent,
    HangUp,
    LeadsWanted,
    Listen,
    MuteAgent,
    NumberSuppressed,
    PlaceCall,
    PlayMessage,
    PreviewOffered,
)
from softswitch.dialler.hours import CallingHours
from softswitch.errors import SoftswitchError, UsageError
from softswitch.exchange.calls.bookkeeping import Bookkeeping
from softswitch.exchange.calls.dialled_numbers import DialledNumbers
from softswitch.exchange.calls.lead_supply import LeadSupply
from softswitch.exchange.calls.records import Records
from softswitch.exchange.floor.agents import AgentLines
from softswitch.exchange.telephony.line import Line
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.events import (
    BeepHeard,
    FirstPacketBridged,
    FirstPacketPlayed,
    GreetingEnded,
    LegFailed,
    MediaEvent,
    PlayingEnded,
    SpeechStarted,
    VerdictReached,
)
from softswitch.recordings.names import file_name
from softswitch.transports.driver import Driver

log = structlog.get_logger(__name__)

ROLE = "dialled"
"""Of a callee's line, in its note."""
SILENCE = "tone:silence"
"""Sent while only the callee's side is listened to: some networks end a call in which one side sends nothing."""


class DialledCalls:
    """Carries one dialler's events out on SIP, media and store; owner of the campaign's trunk lines."""

    def __init__(
        self,
        dialler: Dialler,
        *,
        lines: Lines,
        agents: AgentLines,
        records: Records,
        driver: Driver,
        recordings: Path,
        choose_trunks: Callable[[str], list[str]],
        turn: Callable[[str, float], float],
        settle: Callable[[], None],
        on_agent: Callable[[AgentChanged], None],
        on_suppressed: Callable[[str], None],
    ) -> None:
        self.dialler = dialler
        self.campaign = dialler.campaign.name
        self._lines = lines
        self._agents = agents
        self._driver = driver
        self._recordings = recordings
        self._choose_trunks = choose_trunks
        self._turn = turn
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        """Calls that wait for their turn on the carrier."""
        self._settle = settle
        self._on_agent = on_agent
        self._on_suppressed = on_suppressed
        self._calls: dict[str, Line] = {}
        self.numbers = DialledNumbers(CallingHours.of(dialler.campaign))
        self._books = Bookkeeping(self.campaign, records)
        self._supply = LeadSupply(dialler, records, self.mutating)
        driver.add(dialler, on_event=self.receive_dialler_event)

    @contextmanager
    def mutating(self) -> Iterator[float]:
        """Mutate the dialler; all that shares its board, and the pool, are drained and re-armed afterwards."""
        try:
            yield self._driver.now
        finally:
            self._settle()

    def count_leads(self) -> None:
        """After an import, and at the start."""
        self._supply.count()

    async def close(self) -> None:
        """Wait for what is still being written."""
        for timer in self._waiting.values():
            timer.cancel()
        await self._supply.close()
        self._driver.remove(self.dialler)

    # What the dialler decides.

    def receive_dialler_event(self, event: DiallerEvent) -> None:
        now = self._driver.now
        self._note(event)
        match event:
            case LeadsWanted():
                self._supply.want_leads(event.count)
            case PreviewOffered():
                pass  # the agent's page asks for the call that the agent has
            case CallbacksWanted():
                self._supply.want_callbacks(event.until)
            case CommitAttempt():
                self._supply.commit(event.attempt)
            case PlaceCall():
                self._place(event.call_ref, event.number, now)
            case CancelCall() | HangUp():
                self._hang_up(event.call_ref, now)
            case ConnectAgent():
                self._connect(event.call_ref, event.agent, now)
            case MuteAgent():
                self._agents.mute(event.agent)
            case PlayMessage():
                self._play(event.call_ref, event.clip, now)
            case Listen():
                self._play(event.call_ref, SILENCE, now, loop=True)
            case AgentChanged():
                self._on_agent(event)
            case NumberSuppressed():
                self._books.keep(event)
                self._on_suppressed(event.number)
            case _:
                self._books.keep(event)
        self._settle()

    def _note(self, event: DiallerEvent) -> None:
        """Have noted what the event tells of."""
        notes = self._lines.notes
        if notes is None:
            return
        match event:
            case PlaceCall() | CancelCall() | HangUp() | ConnectAgent() | PlayMessage() | Listen():
                notes.line_changed(event.call_ref)
            case AttemptChanged():
                notes.line_changed(event.attempt.call_ref)
            case CampaignChanged():
                notes.site_changed(*self.site_note())

    def _place(self, call_ref: str, number: str, now: float) -> None:
        trunks = self._choose_trunks(number)
        wait_s = self._turn(trunks[0], now) if trunks else 0.0
        if wait_s > 0:
            self._waiting[call_ref] = self._loop.call_later(wait_s, self._place_in_turn, call_ref, number)
            return
        if not self.dialler.receive_turn(call_ref, now):
            return
        attempt = self.dialler.attempt(call_ref)
        self.numbers.add(call_ref, number, attempt.time_zone)
        try:
            if not trunks:
                raise UsageError("no trunk that takes this number is healthy and has a channel free")
            line = self._calls[call_ref] = self._lines.dial(call_ref, trunks, number, attempt.caller_id, self, now)
        except SoftswitchError as error:
            log.warning("call not placed", call=call_ref, reason=str(error))
            self.numbers.discard(call_ref)
            self.dialler.receive_failed(call_ref, Outcome.FAILED, 503, now)
            return
        if line.closed:
            return
        self.dialler.receive_trunk(call_ref, line.account, now)
        self.dialler.receive_invited(call_ref, now)

    def _place_in_turn(self, call_ref: str, number: str) -> None:
        """The carrier takes so many calls a second; this one has waited."""
        del self._waiting[call_ref]
        with self.mutating() as now:
            self._place(call_ref, number, now)

    def _hang_up(self, call_ref: str, now: float) -> None:
        line = self._calls.get(call_ref)
        waiting = self._waiting.pop(call_ref, None)
        if line is not None:
            self._lines.hang_up(line, now)
        elif waiting is not None:
            waiting.cancel()
            self.dialler.receive_not_placed(call_ref, now)

    def _connect(self, call_ref: str, agent: str, now: float) -> None:
        line = self._calls.get(call_ref)
        if line is not None:
            notice = self.dialler.campaign.recording_notice
            on_heard = partial(self._agent_heard, call_ref, agent)
            self._agents.connect(agent, line, call_ref, now, notice=notice, on_heard=on_heard)

    def _agent_heard(self, call_ref: str, agent: str, at: float) -> None:
        with self.mutating() as now:
            self.dialler.receive_agent_heard(call_ref, at, now, agent)

    def _play(self, call_ref: str, clip: str, now: float, *, loop: bool = False) -> None:
        line = self._calls.get(call_ref)
        if line is None:
            return
        self._lines.plane.unbridge(line.media)
        try:
            self._lines.plane.play(line.media, clip, loop=loop)
        except SoftswitchError as error:
            log.error("message cannot be played", call=call_ref, reason=str(error))
            self.dialler.receive_media_failed(call_ref, now)

    # What became of it.

    def line_ringing(self, line: Line, now: float) -> None:
        with self.mutating():
            self.dialler.receive_trunk(line.leg_id, line.account, now)
            self.dialler.receive_ringing(line.leg_id, now, alerted=line.alerted)

    def line_answered(self, line: Line, now: float) -> None:
        self.dialler.receive_trunk(line.leg_id, line.account, now)
        name = file_name(line.leg_id)
        try:
            self._lines.plane.start_recording(line.media, self._recordings / name)
            if self.dialler.campaign.amd is not AmdMode.OFF:
                self._lines.plane.start_amd(line.media, OperatingPoint[self.dialler.campaign.point.name])
        except SoftswitchError as error:
            log.error("no recording, no call", call=line.leg_id, reason=str(error))
            with self.mutating():
                self.dialler.receive_answered(line.leg_id, now)
                self.dialler.receive_media_failed(line.leg_id, now)
                self._hang_up(line.leg_id, now)
            return
        with self.mutating():
            self.dialler.receive_answered(line.leg_id, now)
            self.dialler.receive_recording(line.leg_id, name, now)

    def line_failed(self, line: Line, outcome: Outcome, status: int, now: float) -> None:
        self._calls.pop(line.leg_id, None)
        self.numbers.discard(line.leg_id)
        with self.mutating():
            self.dialler.receive_trunk(line.leg_id, line.account, now)
            self.dialler.receive_failed(line.leg_id, outcome, status, now)

    def line_ended(self, line: Line, by_peer: bool, now: float) -> None:
        self._calls.pop(line.leg_id, None)
        self.numbers.discard(line.leg_id)
        with self.mutating():
            self.dialler.receive_sound(line.leg_id, line.sound, now)
            self.dialler.receive_ended(line.leg_id, by_peer, now)

    def line_media(self, line: Line, event: MediaEvent) -> None:
        call_ref = line.leg_id
        self._lines.changed(line)
        with self.mutating() as now:
            match event:
                case FirstPacketBridged():
                    self.dialler.receive_callee_heard(call_ref, event.at)
                    if self._agents.may_be_silent or line.is_held:  # then this is all that can be known
                        self.dialler.receive_agent_heard(call_ref, event.at, now)
                case FirstPacketPlayed():
                    self.dialler.receive_message_started(call_ref, event.at, now, event.clip)
                case PlayingEnded():
                    self.dialler.receive_message_ended(call_ref, now, event.clip)
                case SpeechStarted():
                    self.dialler.receive_speech_started(call_ref, event.at, now)
                case VerdictReached():
                    self._receive_verdict(call_ref, event, now)
                case BeepHeard():
                    self.dialler.receive_beep(call_ref, now)
                case GreetingEnded():
                    self.dialler.receive_greeting_ended(call_ref, now)
                case LegFailed():
                    self.dialler.receive_media_failed(call_ref, now)
                case _:
                    pass

    def _receive_verdict(self, call_ref: str, event: VerdictReached, now: float) -> None:
        """Tell the dialler, and keep it with all that it was founded on, whatever comes of it."""
        features = dict(zip(FEATURES, event.features, strict=False))
        acted = self.dialler.receive_verdict(
            call_ref, event.verdict, event.cause, event.audio_ms, now,
            probability=event.probability, greeting_s=completed_greeting_s(features),
        )  # fmt: skip
        self._books.keep_verdict(self.dialler.attempt(call_ref), event, features, acted=acted)

    # What the process after this one takes up.

    def line_note(self, line: Line) -> dict[str, Any] | None:
        call = self.dialler.snapshot(line.leg_id)
        return None if call is None else {"role": ROLE, "campaign": self.campaign, "call": call}

    def site_note(self) -> tuple[str, Callable[[], str]]:
        """The campaign's part of the site's note: its name, and what to ask for it."""
        return f"campaign {self.campaign}", lambda: self.dialler.wanted

    def take_up(self, line: Line, note: Mapping[str, Any], now: float) -> None:
        """Go on with a call of another process. Raises UsageError where it cannot be used."""
        call_ref, lead = line.leg_id, note["call"]["lead"]
        self._calls[call_ref] = line
        self.numbers.add(call_ref, lead["number"], lead["time_zone"])
        try:
            self.dialler.take_up(note["call"], now)
        except UsageError:
            del self._calls[call_ref]
            self.numbers.discard(call_ref)
            raise
        self._lines.join(call_ref, call_ref, "", now)

    def recording_failed(self, call_ref: str) -> None:
        """No recording, no call: the call is ended, whoever is in it."""
        if call_ref in self._calls:
            with self.mutating() as now:
                self.dialler.receive_media_failed(call_ref, now)
                self._hang_up(call_ref, now)

    def __contains__(self, call_ref: str) -> bool:
        return call_ref in self._calls
