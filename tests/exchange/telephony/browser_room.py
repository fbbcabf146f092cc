"""Agents and supervisors on browser headsets, over a plane that only remembers what it is told."""

import asyncio
import time
from collections.abc import Callable

from softswitch.config import Connect
from softswitch.exchange.floor.agents import AgentLines
from softswitch.exchange.floor.supervisors import SupervisorLines
from softswitch.exchange.telephony.headsets import Headsets
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.events import FirstPacketReceived, LegStatistics, MediaFormat
from softswitch.sdp.crypto import SrtpKeys
from tests.media.browser_peer import BrowserPeer

HOME = ("127.0.0.1", 40_000)
US = "198.51.100.1"


class Plane:
    """Where media would go: it remembers what it is told, and carries browsers' datagrams."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.receivers: dict[int, Callable[[bytes, tuple[str, int]], None]] = {}
        self.sent: list[tuple[int, bytes]] = []
        self.open: set[int] = set()
        self._next = 6

    def open_leg(self) -> int:
        self._next += 1
        self.open.add(self._next)
        return self._next

    def port_of(self, leg: int) -> int:
        return 20_000 + 2 * leg

    def attend_browser(self, leg: int, receive: Callable[[bytes, tuple[str, int]], None]) -> None:
        self.receivers[leg] = receive

    def send_datagram(self, leg: int, data: bytes, address: tuple[str, int]) -> None:
        assert leg in self.open
        self.sent.append((leg, data))

    def connect(self, leg: int, remote: tuple[str, int], form: MediaFormat, *, secure: SrtpKeys) -> None:
        assert isinstance(secure, SrtpKeys)
        self.told.append(("connect", leg, remote, form.codec))

    def statistics(self, leg: int) -> LegStatistics:
        return LegStatistics(0, 0, 0, 0)

    def close_leg(self, leg: int) -> None:
        self.open.discard(leg)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *what, **more: self.told.append((name, *what))


class Pool:
    """No SIP here: whatever is said to a phone would be a mistake."""

    def __init__(self) -> None:
        self.hung_up: list[str] = []

    def hang_up(self, leg_id: str, now: float) -> None:
        self.hung_up.append(leg_id)


class Tab:
    """A browser tab of somebody's, on a wire to a leg of the plane."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.peer = BrowserPeer()
        self.leg = 0

    def offer(self) -> bytes:
        return self.peer.offer()

    def receive_answer(self, answer: bytes) -> "Tab":
        self.peer.receive_answer(answer, time.monotonic())
        self.leg = (self.peer.remote[1] - 20_000) // 2
        return self

    def connect(self) -> None:
        self.say(self.peer.check())
        assert self.peer.keys is not None

    def say(self, *datagrams: bytes) -> None:
        waiting = list(datagrams)
        while waiting:
            self.plane.receivers[self.leg](waiting.pop(0), HOME)
            sent, self.plane.sent = self.plane.sent, []
            for leg, data in sent:
                if leg == self.leg:
                    waiting += self.peer.receive_datagram(data, time.monotonic())


class Room:
    def __init__(self, connect: Connect = Connect.NAILED_UP, silence_s: float = 5.0) -> None:
        self.plane, self.pool = Plane(), Pool()
        self.news: list[tuple[str, str]] = []
        self.settled = 0
        self.later: list[Callable[[], None]] = []
        self.lines = Lines(self.pool, self.plane, US, lambda: 100.0, lambda event: None)  # type: ignore[arg-type]
        headsets = Headsets(self.lines, US, settle=self.settle, soon=self.later.append)
        self.agents = AgentLines(
            self.lines, {"1001": connect}, lambda: f"leg-{len(self.plane.open)}-{self.plane._next}", headsets,
            on_arrived=lambda agent, now: self.news.append(("arrived", agent)),
            on_gone=lambda agent, now: self.news.append(("gone", agent)), silence_s=silence_s,
        )  # fmt: skip
        self.supervisors = SupervisorLines(self.lines, headsets, lambda: f"sup-{self.plane._next}")

    def settle(self) -> None:
        self.settled += 1

    def seat(self) -> Tab:
        tab = Tab(self.plane)
        return tab.receive_answer(self.agents.receive_headset("1001", tab.offer(), 100.0))

    def hear(self, tab: Tab) -> None:
        self.lines.receive_media_event(FirstPacketReceived(tab.leg, 100.0))

    def carry_out(self) -> None:
        while self.later:
            self.later.pop(0)()


def on_a_loop(story: Callable[[], None]) -> None:
    async def run() -> None:
        story()

    asyncio.run(run())
