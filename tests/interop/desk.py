"""Our user agent pool on a real port, with a lab voice on every call: the SIP half of the switch, without a dialler."""

import asyncio
from types import TracebackType
from typing import Any, Self, TypeVar

from softswitch.calls.events import CallAnswered, CallEnded, CallEvent, CallFailed, CallOffered, MediaReoffered
from softswitch.sip.hop import Hop
from softswitch.testing.journal import Journal
from softswitch.testing.marker import AGENT_MARKERS_HZ, CALLEE_MARKERS_HZ, MarkerEar
from softswitch.testing.speaker import Speaker
from softswitch.testing.station import Conversation, Station
from softswitch.transports.tls import Certificates
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from tests.interop.peers import PATIENCE_S, eventually

MARKER_HZ = 2250
"""What the desk hums; other than every peer in these tests."""
UDP = Hop("127.0.0.1", 0)
E = TypeVar("E")


class Desk:
    """Calls, is called, and answers, with audio of its own.

    numbers: what it answers to; other calls are rejected with 404. ring_s: how long it rings first.
    listens: where, and by which transport; by TLS it takes certificates.
    """

    def __init__(
        self,
        *,
        accounts: tuple[CarrierAccount, ...] = (),
        phones: tuple[PhoneAccount, ...] = (),
        numbers: tuple[str, ...] = ("login",),
        ring_s: float = 0.1,
        listens: Hop = UDP,
        certificates: Certificates | None = None,
    ) -> None:
        self.events: list[Any] = []
        self.conversations: dict[str, Conversation] = {}
        self._accounts, self._phones, self._numbers, self._ring_s = accounts, phones, numbers, ring_s
        self._listens, self._certificates = listens, certificates
        self._station = Station(self._receive_event)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._station.start(
            self._listens,
            certificates=self._certificates,
            accounts=self._accounts,
            phones=self._phones,
            realm="desk",
            user_agent="softswitch",
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._station.stop()
        for conversation in self.conversations.values():
            conversation.close()
        faults = self._station.driver.faults
        self._station.close()
        assert error is not None or faults == 0, "a machine raised; see the log"

    @property
    def address(self) -> tuple[str, int]:
        return self._station.address

    async def call(self, account: str, number: str = "+442079460001") -> str:
        """Place a call over a carrier; returns the leg's id."""
        leg_id = f"leg-{len(self.conversations) + 1}"
        conversation = await self._open(leg_id)
        with self._station.mutating() as now:
            self._station.pool.place_call(leg_id, account, number, conversation.offer(), now, caller_id="+442079460999")
        return leg_id

    async def ring(self, agent: str) -> str:
        """Ring a phone; returns the leg's id."""
        leg_id = f"leg-{len(self.conversations) + 1}"
        conversation = await self._open(leg_id)
        with self._station.mutating() as now:
            self._station.pool.ring_phone(leg_id, agent, conversation.offer(), now, call_ref="c-1")
        return leg_id

    def hang_up(self, leg_id: str) -> None:
        with self._station.mutating() as now:
            self._station.pool.hang_up(leg_id, now)

    def seen(self, kind: type[E], leg_id: str = "") -> list[E]:
        return [e for e in self.events if isinstance(e, kind) and (not leg_id or getattr(e, "leg_id", "") == leg_id)]

    async def happened(self, kind: type[E], leg_id: str = "", patience_s: float = PATIENCE_S) -> E:
        """Wait for an event of this kind, of this leg."""
        what = f"{kind.__name__} {leg_id}; there were {self.events}"
        await eventually(lambda: bool(self.seen(kind, leg_id)), what, patience_s)
        return self.seen(kind, leg_id)[0]

    async def hears(self, marker_hz: int, leg_id: str = "") -> None:
        """Wait until a marker tone is heard."""

        def heard() -> set[int]:
            calls = [self.conversations[leg_id]] if leg_id else self.conversations.values()
            return {frequency for call in calls for frequency in call.ear.heard}

        await eventually(lambda: marker_hz in heard(), f"hears {marker_hz} Hz")

    def _receive_event(self, event: object) -> None:
        self.events.append(event)
        match event:
            case CallOffered():
                task = asyncio.get_running_loop().create_task(self._answer(event))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case CallAnswered():
                self.conversations[event.leg_id].receive_answer(event.sdp)
            case MediaReoffered():
                answer = self.conversations[event.leg_id].answer(event.offer)
                with self._station.mutating() as now:
                    self._station.pool.answer_reoffer(event.leg_id, answer, now)
            case CallEnded() | CallFailed():
                if conversation := self.conversations.get(event.leg_id):
                    conversation.close()

    async def _answer(self, event: CallOffered) -> None:
        pool = self._station.pool
        if event.called not in self._numbers:
            with self._station.mutating() as now:
                pool.reject(event.leg_id, 404, now)
            return
        with self._station.mutating() as now:
            pool.ring(event.leg_id, now)
        await asyncio.sleep(self._ring_s)
        conversation = await self._open(event.leg_id)
        answer = conversation.answer(event.offer)
        with self._station.mutating() as now:
            pool.answer(event.leg_id, answer, now)

    async def _open(self, leg_id: str) -> Conversation:
        ear = MarkerEar((*CALLEE_MARKERS_HZ, *AGENT_MARKERS_HZ))
        self.conversations[leg_id] = Conversation(Journal(), Speaker(marker_hz=MARKER_HZ), ear, leg=leg_id)
        await self.conversations[leg_id].open("127.0.0.1")
        return self.conversations[leg_id]


def is_over(desk: Desk, leg_id: str) -> bool:
    return any(isinstance(e, CallEvent) and isinstance(e, CallEnded | CallFailed) for e in desk.seen(CallEvent, leg_id))
