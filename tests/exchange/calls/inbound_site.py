"""Inbound calls with their lines and agents, on a virtual clock; SIP and media are played by the two below."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from softswitch.calls.events import CallOffered, Origin
from softswitch.config import Connect
from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.errors import UsageError
from softswitch.exchange.calls.inbound import InboundCalls
from softswitch.exchange.calls.queues import Queue
from softswitch.exchange.floor.agents import AgentLines
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.events import LegStatistics, PlayingEnded
from softswitch.sdp.negotiate import make_offer

US, THEIRS = "198.51.100.1", "192.0.2.9"
NOTICE, MUSIC = "notice", "music"
QUEUE = Queue("+442079460100", (), "nobody", MUSIC, NOTICE)


class Plane:
    """Where media would go; it plays what it knows."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.unknown = ""
        self.playing: dict[int, str] = {}
        self.opened: list[int] = []
        self._next = 6

    def open_leg(self) -> int:
        self._next += 1
        self.opened.append(self._next)
        return self._next

    def port_of(self, leg: int) -> int:
        return 20_000 + 2 * leg

    def statistics(self, leg: int) -> LegStatistics:
        return LegStatistics(0, 0, 0, 0)

    def play(self, leg: int, clip: str, *, loop: bool = False) -> None:
        if clip == self.unknown:
            raise UsageError("no such clip")
        self.told.append(("play", leg, clip, loop))
        self.playing[leg] = clip

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
        self.placed: list[tuple[str, str, str]] = []

    def answer(self, leg_id: str, sdp: bytes, now: float) -> None:
        self.answered.append(leg_id)

    def place_call(self, leg_id: str, account: str, number: str, offer: bytes, now: float, **more: object) -> None:
        self.placed.append((leg_id, account, number))

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
        self.trunks = ["first", "second"]
        self.refused: list[tuple[str, int]] = []
        self.refs = count(1)
        self.wall = datetime(2026, 11, 22, 12, tzinfo=UTC)
        self.now = 100.0
        self.lines = Lines(self.pool, self.plane, US, lambda: self.now, lambda event: None)  # type: ignore[arg-type]
        self.agents = AgentLines(
            self.lines, dict.fromkeys(("1001", "1002"), Connect.NAILED_UP), lambda: "agent-leg",
            on_arrived=lambda agent, now: None, on_gone=lambda agent, now: None, silence_s=0,
        )  # fmt: skip
        self.calls = InboundCalls(
            self.lines, self.agents, self.board, Records(), Path("recordings"),  # type: ignore[arg-type]
            new_ref=lambda: f"c-{next(self.refs)}", wall=lambda: self.wall,
            ring=lambda leg_id, now: self.rung.append(leg_id),
            reject=lambda leg_id, status, now: self.refused.append((leg_id, status)),
            choose_trunks=lambda trunk, number: [trunk] if trunk else list(self.trunks),
        )  # fmt: skip

    def offered(self, leg_id: str, origin: Origin, source: str) -> CallOffered:
        return CallOffered(leg_id, origin, source, "", "", make_offer(THEIRS, 4000, session_id=1))

    def seat(self, agent: str = "1001", leg_id: str = "agent-leg") -> None:
        """The agent is there and ready."""
        self.agents.receive_log_in_call(self.offered(leg_id, Origin.PHONE, agent), self.now)
        self.board.receive_state(agent, AgentState.READY, self.now)
        self.plane.told.clear()

    def call(self, leg_id: str = "caller", queue: Queue | None = None) -> int:
        """Somebody calls; the media leg, 0 where the call is not answered."""
        before = set(self.plane.opened)
        self.calls.receive_call(self.offered(leg_id, Origin.TRUNK, "carrier"), queue or self.queue, self.now)
        return max(set(self.plane.opened) - before, default=0)

    def hear(self, leg: int) -> None:
        """What plays on the leg has ended."""
        self.lines.receive_media_event(PlayingEnded(leg, self.now, self.plane.playing[leg]))


def played(site: Site, leg: int) -> list[tuple[object, ...]]:
    return [each[2:] for each in site.plane.told if each[:2] == ("play", leg)]
