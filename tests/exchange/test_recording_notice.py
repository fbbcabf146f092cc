"""Callers are told first that they are recorded: all of it, before music and before any agent."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from softswitch.calls.events import CallEnded, CallOffered, Origin
from softswitch.config import Connect
from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.errors import UsageError
from softswitch.exchange.agents import ARRIVAL_TONE, AgentLines
from softswitch.exchange.inbound import PATIENCE_S, RINGING, RINGING_TONE, InboundCalls, Queue
from softswitch.exchange.lines import Line, Lines
from softswitch.media.events import FirstPacketReceived, LegStatistics, PlayingEnded
from softswitch.sdp.negotiate import make_offer

US, THEIRS = "198.51.100.1", "192.0.2.9"
NOTICE, MUSIC = "notice", "music"
QUEUE = Queue("+442079460100", (), "nobody", MUSIC, NOTICE)


class Plane:
    """Where media would go; it plays what it knows."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.unknown = ""
        self._next = 6

    def open_leg(self) -> int:
        self._next += 1
        return self._next

    def port_of(self, leg: int) -> int:
        return 20_000 + 2 * leg

    def statistics(self, leg: int) -> LegStatistics:
        return LegStatistics(0, 0, 0, 0)

    def play(self, leg: int, clip: str, *, loop: bool = False) -> None:
        if clip == self.unknown:
            raise UsageError("no such clip")
        self.told.append(("play", leg, clip, loop))

    def bridge(self, first: int, second: int) -> None:
        self.told.append(("bridge", first, second))

    def stop_playing(self, leg: int) -> None:
        self.told.append(("stop playing", leg))

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *what, **more: None


class Pool:
    def __init__(self) -> None:
        self.answered: list[str] = []
        self.hung_up: list[str] = []

    def answer(self, leg_id: str, sdp: bytes, now: float) -> None:
        self.answered.append(leg_id)

    def hang_up(self, leg_id: str, now: float) -> None:
        self.hung_up.append(leg_id)

    def leg_snapshot(self, leg_id: str) -> dict[str, object]:
        return {"leg_id": leg_id}

    def take_up_leg(self, snapshot: dict[str, str], now: float) -> str:
        return snapshot["leg_id"]

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *what, **more: None


class Records:
    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *what, **more: None


class Site:
    def __init__(self, queue: Queue = QUEUE) -> None:
        self.plane, self.pool, self.board = Plane(), Pool(), AgentBoard()
        self.queue = queue
        self.rung: list[str] = []
        self.now = 100.0
        self.lines = Lines(self.pool, self.plane, US, lambda: self.now, lambda event: None)  # type: ignore[arg-type]
        self.agents = AgentLines(
            self.lines, {"1001": Connect.NAILED_UP}, lambda: "agent-leg",
            on_arrived=lambda agent, now: None, on_gone=lambda agent, now: None, silence_s=0,
        )  # fmt: skip
        self.calls = InboundCalls(
            self.lines, self.agents, self.board, Records(), Path("recordings"),  # type: ignore[arg-type]
            new_ref=lambda: "c-1", wall=lambda: datetime(2026, 11, 22, tzinfo=UTC),
            ring=lambda leg_id, now: self.rung.append(leg_id), reject=lambda leg_id, status, now: None,
        )  # fmt: skip

    def offered(self, leg_id: str, origin: Origin, source: str) -> CallOffered:
        return CallOffered(leg_id, origin, source, "", "", make_offer(THEIRS, 4000, session_id=1))

    def seat(self) -> None:
        """The agent is there and ready."""
        self.agents.receive_log_in_call(self.offered("agent-leg", Origin.PHONE, "1001"), self.now)
        self.board.receive_state("1001", AgentState.READY, self.now)
        self.plane.told.clear()

    def call(self) -> int:
        """Somebody calls; the media leg."""
        self.calls.receive_call(self.offered("caller", Origin.TRUNK, "carrier"), self.queue, self.now)
        line = self.calls.call_of("c-1")
        return 0 if line is None else line.media

    def hear(self, leg: int) -> None:
        """What plays on the leg has ended."""
        self.lines.receive_media_event(PlayingEnded(leg, self.now, NOTICE))


def played(site: Site, leg: int) -> list[tuple[object, ...]]:
    return [each[2:] for each in site.plane.told if each[:2] == ("play", leg)]


@pytest.mark.parametrize(("hears", "then"), [(MUSIC, MUSIC), (RINGING, RINGING_TONE)])
def test_a_caller_hears_the_notice_and_then_waits_as_ever(hears: str, then: str) -> None:
    site = Site(replace(QUEUE, caller_hears=hears))
    leg = site.call()
    assert site.pool.answered == ["caller"] and site.rung == []
    assert played(site, leg) == [(NOTICE, False)]
    site.hear(leg)
    assert played(site, leg) == [(NOTICE, False), (then, True)]


def test_an_agent_who_is_free_is_connected_when_the_notice_is_over_and_not_before() -> None:
    site = Site()
    site.seat()
    leg = site.call()
    site.calls.serve(site.now)
    site.lines.receive_media_event(FirstPacketReceived(leg, site.now))
    assert site.board.state_of("1001") is AgentState.READY
    assert site.plane.told == [("play", leg, NOTICE, False)]
    site.hear(leg)
    assert site.board.state_of("1001") is AgentState.RESERVED
    assert ("bridge", leg, 7) in site.plane.told
    assert site.plane.told[-1] == ("play", 7, ARRIVAL_TONE, False)
    music = site.plane.told.index(("play", leg, MUSIC, True))
    assert ("stop playing", leg) in site.plane.told[music:]


def test_patience_begins_when_the_notice_ends() -> None:
    site = Site()
    leg = site.call()
    site.now += 2 * PATIENCE_S
    site.calls.handle_timer(site.now)
    assert played(site, leg) == [(NOTICE, False)]
    site.hear(leg)
    site.calls.handle_timer(site.now + PATIENCE_S - 1)
    assert played(site, leg)[-1] == (MUSIC, True)
    site.calls.handle_timer(site.now + PATIENCE_S)
    assert played(site, leg)[-1] == ("nobody", False)


def test_a_caller_who_cannot_be_told_is_not_talked_to() -> None:
    site = Site()
    site.plane.unknown = NOTICE
    site.seat()
    site.call()
    assert site.pool.hung_up == ["caller"]
    assert site.board.state_of("1001") is AgentState.READY


def test_a_caller_who_hangs_up_in_the_notice_is_forgotten() -> None:
    site = Site()
    site.seat()
    site.call()
    site.lines.receive_call_event(CallEnded("caller", True, "bye"), site.now)
    assert len(site.calls) == 0
    assert site.board.state_of("1001") is AgentState.READY


def test_a_caller_without_a_notice_is_served_at_once() -> None:
    site = Site(replace(QUEUE, recording_notice=""))
    site.seat()
    leg = site.call()
    assert ("bridge", leg, 7) in site.plane.told


def test_the_next_process_gives_the_notice_anew_from_its_first_word() -> None:
    site = Site()
    leg = site.call()
    line = site.calls.call_of("c-1")
    assert line is not None
    note = site.calls.line_note(line)
    other = Site()
    assert other.plane.open_leg() == leg
    taken = Line("caller", other.calls, leg, b"")
    other.lines.add(taken)
    other.seat()
    assert note is not None
    other.calls.take_up(taken, note, [QUEUE], other.now)
    assert played(other, leg) == [(NOTICE, False)]
    other.calls.serve(other.now)
    assert other.board.state_of("1001") is AgentState.READY
    other.hear(leg)
    assert other.board.state_of("1001") is AgentState.RESERVED


def test_a_callee_hears_the_notice_over_the_agents_first_words() -> None:
    site = Site()
    site.seat()
    callee = Line("callee", site.calls, 40, b"")
    site.agents.connect("1001", callee, "c-2", site.now, notice=NOTICE)
    assert site.plane.told == [("bridge", 40, 7), ("play", 7, ARRIVAL_TONE, False), ("play", 40, NOTICE, False)]
    site.plane.told.clear()
    site.agents.release("1001", site.now)
    site.agents.connect("1001", callee, "c-3", site.now)
    assert ("play", 40, NOTICE, False) not in site.plane.told
