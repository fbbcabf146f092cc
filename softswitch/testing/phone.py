"""A lab phone: registers, dials its log-in call or answers, talks, listens for marker tones, keeps what reaches it."""

import asyncio
from dataclasses import dataclass
from typing import Self

from softswitch.calls.events import (
    CallAnswered,
    CallEnded,
    CallFailed,
    CallOffered,
    CallRinging,
    MediaReoffered,
    ReofferAnswered,
    ReofferRefused,
)
from softswitch.errors import PeerError
from softswitch.sip.hop import Address, Hop
from softswitch.testing.capture import Capture
from softswitch.testing.journal import Journal
from softswitch.testing.marker import AGENT_MARKERS_HZ, CALLEE_MARKERS_HZ, MarkerEar
from softswitch.testing.speaker import agent_speaker
from softswitch.testing.station import Conversation, Station
from softswitch.ua.accounts import AccountFailed, AccountRegistered, CarrierAccount

SERVER = "switch"


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """Who a phone is and how it behaves."""

    agent: str
    username: str
    password: str
    marker_hz: int = AGENT_MARKERS_HZ[0]
    voice: int = 1
    """1 or 2: whose clips the agent speaks."""
    auto_answer: bool = True
    expires_s: int = 60


class Phone:
    """An agent's phone for tests and demos.

    phone = await Phone.start(("127.0.0.1", 5060), PhoneSettings("1001", "1001", "secret"))
    await phone.registered.wait()
    await phone.dial("login")
    ...
    await phone.stop()
    """

    def __init__(self, settings: PhoneSettings, journal: Journal | None = None, capture: Capture | None = None) -> None:
        self.settings = settings
        self.journal = journal or Journal()
        self.registered = asyncio.Event()
        self.registration_failed = asyncio.Event()
        self.talking = asyncio.Event()
        """Set while a call is up."""
        self.heard: set[int] = set()
        """Every marker frequency heard in any call."""
        self.conversations: dict[str, Conversation] = {}
        """The calls that are up or coming up, by leg."""
        self._capture = capture
        self._station = Station(self._receive_event, self._receive_datagram)
        self._dialled = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def start(
        cls,
        server: Address,
        settings: PhoneSettings,
        *,
        journal: Journal | None = None,
        capture: Capture | None = None,
        address: Address = ("127.0.0.1", 0),
    ) -> Self:
        """Open its port and begin to register."""
        phone = cls(settings, journal, capture)
        account = CarrierAccount(
            SERVER,
            *server,
            username=settings.username,
            password=settings.password,
            register=True,
            expires_s=settings.expires_s,
            caller_id=settings.username,
            calls_per_second=0,
        )
        await phone._station.start(address, accounts=[account], realm=settings.agent, user_agent="lab-phone")
        return phone

    @property
    def address(self) -> Address:
        return self._station.address

    async def dial(self, called: str) -> str:
        """Call a number of the switch, such as "login"; returns the leg's id."""
        self._dialled += 1
        leg_id = f"{self.settings.agent}-{self._dialled}"
        conversation = await self._open(leg_id)
        self.journal.write("dialled", called=called, **self._names(leg_id))
        with self._station.mutating() as now:
            self._station.pool.place_call(
                leg_id, SERVER, called, conversation.offer(), now, caller_id=self.settings.username
            )
        return leg_id

    def hang_up(self) -> None:
        """End every call."""
        with self._station.mutating() as now:
            for leg_id in list(self.conversations):
                self._station.pool.hang_up(leg_id, now)

    def propose(self) -> None:
        """Offer its media anew in every call, as a phone does at the end of a hold; the journal says what came back."""
        with self._station.mutating() as now:
            for leg_id, conversation in self.conversations.items():
                self._station.pool.reoffer(leg_id, conversation.offer(), now)

    async def stop(self) -> None:
        """Hang up, unregister, close."""
        await self._station.stop()
        self.vanish()

    def vanish(self) -> None:
        """Go without a word, as a phone does whose cable is pulled."""
        for leg_id in list(self.conversations):
            self._close(leg_id, "vanished")
        self._station.close()

    def _receive_datagram(self, data: bytes, source: Hop) -> None:
        if self._capture:
            self._capture.receive_sip(data, source.address, self.address)

    def _receive_event(self, event: object) -> None:
        match event:
            case AccountRegistered():
                self.registered.set()
                self.journal.write("registered", agent=self.settings.agent)
            case AccountFailed():
                self.registered.clear()
                self.registration_failed.set()
                self.journal.write("registration_failed", agent=self.settings.agent, status=event.status)
            case CallOffered():
                # What a phone shows of a call is what an agent can read.
                self.journal.write("ringing", called=event.called, caller=event.caller, **self._names(event.leg_id))
                self._spawn(event)
            case CallRinging():
                self.journal.write("ringback", status=event.status, **self._names(event.leg_id))
            case CallAnswered():
                self._connect(event)
            case MediaReoffered():
                self._reoffered(event)
            case ReofferAnswered():
                self._receive_new_answer(event)
            case ReofferRefused():
                self.journal.write("offer_refused", status=event.status, **self._names(event.leg_id))
            case CallFailed():
                self._close(event.leg_id, "failed", status=event.status)
            case CallEnded():
                self._close(event.leg_id, "switch" if event.by_peer else "agent", cause=event.cause)

    def _spawn(self, event: CallOffered) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, event: CallOffered) -> None:
        with self._station.mutating() as now:
            self._station.pool.ring(event.leg_id, now)
        if not self.settings.auto_answer:
            return
        conversation = await self._open(event.leg_id)
        try:
            sdp = conversation.answer(event.offer) if event.offer else conversation.offer()
        except PeerError as error:
            with self._station.mutating() as now:
                self._station.pool.reject(event.leg_id, error.status, now)
            return
        with self._station.mutating() as now:
            self._station.pool.answer(event.leg_id, sdp, now)
        self._up(event.leg_id)

    async def _open(self, leg_id: str) -> Conversation:
        settings = self.settings
        speaker = agent_speaker(settings.voice, settings.marker_hz, seed=settings.marker_hz)
        ear = MarkerEar((*CALLEE_MARKERS_HZ, *AGENT_MARKERS_HZ))
        ear.heard = self.heard
        conversation = Conversation(self.journal, speaker, ear, **self._names(leg_id))
        self.conversations[leg_id] = conversation
        await conversation.open(self.address[0], self._receive_rtp)
        return conversation

    def _receive_rtp(self, data: bytes, source: Address) -> None:
        if self._capture:
            self._capture.receive_rtp(data, source, self.address)

    def _take(self, event: CallAnswered | ReofferAnswered) -> bool:
        """Whether the answer to what this phone offered could be taken; the call ends where not."""
        conversation = self.conversations.get(event.leg_id)
        if conversation is None:
            return False
        try:
            conversation.receive_answer(event.sdp)
        except PeerError:
            self.hang_up()
            return False
        return True

    def _connect(self, event: CallAnswered) -> None:
        if self._take(event):
            self._up(event.leg_id)

    def _up(self, leg_id: str) -> None:
        self.talking.set()
        self.journal.write("answered", marker_hz=self.settings.marker_hz, **self._names(leg_id))

    def _reoffered(self, event: MediaReoffered) -> None:
        conversation = self.conversations.get(event.leg_id)
        answer = None
        if conversation and conversation.end:
            try:
                answer = conversation.answer(event.offer)
            except PeerError:
                self.journal.write("reoffer_refused", **self._names(event.leg_id))
        with self._station.mutating() as now:
            self._station.pool.answer_reoffer(event.leg_id, answer, now)

    def _receive_new_answer(self, event: ReofferAnswered) -> None:
        if self._take(event):
            self.journal.write("offer_answered", **self._names(event.leg_id))

    def _close(self, leg_id: str, by: str, **fields: object) -> None:
        conversation = self.conversations.pop(leg_id, None)
        figures = conversation.close() if conversation else {}
        self.journal.write("ended", by=by, **self._names(leg_id), **fields, **figures)
        if not self.conversations:
            self.talking.clear()

    def _names(self, leg_id: str) -> dict[str, str]:
        return {"agent": self.settings.agent, "leg": leg_id}
