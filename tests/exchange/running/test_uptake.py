"""An exchange takes up the lines, seats and inbound calls of one that was killed; media are left as they are."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from softswitch.calls.events import CallEnded, CallEvent, CallFailed, CallOffered, Origin
from softswitch.config import Connect, Settings
from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.dialler.attempt import DialAttempt
from softswitch.exchange.calls.inbound import InboundCalls
from softswitch.exchange.calls.queues import Queue
from softswitch.exchange.floor.agents import AgentLines
from softswitch.exchange.running.media_process import MediaProcess
from softswitch.exchange.running.uptake import Left, SiteNotes, Uptake, take_up_places
from softswitch.exchange.telephony.lines import Lines
from softswitch.exchange.telephony.notes import Notes, NoteSeal
from softswitch.media.events import FirstPacketBridged, FirstPacketReceived
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.pool import UserAgentPool
from tests.ua.conftest import CARRIER, OFFER, PHONE, SWITCH, Site, tokens

DID = "+441632960000"
SEAL = NoteSeal(bytes(32))
QUEUE = Queue(DID, (), "", "")
WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)


@dataclass
class Plane:
    """A media process that lives on: what it does, and the notes that it keeps."""

    orders: list[tuple[Any, ...]] = field(default_factory=list)
    notes: dict[int, bytes] = field(default_factory=dict)
    site: bytes = b""
    _handles: Any = field(default_factory=lambda: count(7))

    def open_leg(self) -> int:
        handle = next(self._handles)
        self.notes[handle] = b""
        return handle

    def port_of(self, leg: int) -> int:
        return 20_000 + 2 * leg

    def note(self, leg: int, content: bytes) -> None:
        self.notes[leg] = content

    def note_site(self, content: bytes) -> None:
        self.site = content

    def kept(self) -> dict[int, bytes]:
        return dict(self.notes)

    def kept_site(self) -> bytes:
        return self.site

    def close_leg(self, leg: int) -> None:
        self.notes.pop(leg, None)
        self.orders.append(("close", leg))

    def statistics(self, leg: int) -> Any:
        return SimpleNamespace(packets_lost=0, packets_received=0)

    def __getattr__(self, order: str) -> Callable[..., None]:
        return lambda *what, **more: self.orders.append((order, *what))


class Records:
    def __init__(self) -> None:
        self.saved: list[DialAttempt] = []

    def open_attempt(self, attempt: DialAttempt) -> None:
        self.saved.append(attempt)

    save_attempt = open_attempt


class House:
    """A site's exchange on the virtual wire, without campaigns; `kill` puts another in its place."""

    def __init__(self, site: Site, plane: Plane, *, connect: Connect = Connect.NAILED_UP, keeps: str = "all") -> None:
        self.site, self.plane, self.connect = site, plane, connect
        left = Left.read(plane, SEAL)  # type: ignore[arg-type]
        refs = tokens(f"house{keeps}")
        self.pool = UserAgentPool(
            listens=[SWITCH],
            realm="switch.example",
            accounts=[CarrierAccount("carrier", CARRIER[0], calls_per_second=1000)],
            phones=[PhoneAccount("agent-1", "phone1", "secret1"), PhoneAccount("agent-2", "phone2", "secret2")],
            gate=lambda number: None,
            new_token=tokens(f"t{id(self) % 9973}"),
        )
        self.board, self.records = AgentBoard(), Records()
        self.lines = Lines(self.pool, plane, "192.0.2.1", lambda: site.now, lambda event: None)  # type: ignore[arg-type]
        self.agents = AgentLines(
            self.lines,
            {"agent-1": connect, "agent-2": connect},
            refs,
            on_arrived=lambda agent, now: self.set_agent(agent, AgentState.READY),
            on_gone=lambda agent, now: self.set_agent(agent, AgentState.OFFLINE),
            silence_s=60.0,
        )
        self.inbound = InboundCalls(
            self.lines, self.agents, self.board, self.records, Path("/recordings"),  # type: ignore[arg-type]
            new_ref=refs, wall=lambda: WALL, ring=self.pool.ring, reject=self.pool.reject,
            choose_trunks=lambda trunk, number: ["carrier"],
        )  # fmt: skip
        self.settings = SimpleNamespace(
            agents=[SimpleNamespace(id="agent-1"), SimpleNamespace(id="agent-2")],
            supervisors=[],
            trunks=[SimpleNamespace(name="carrier")],
        )
        self.campaigns: dict[str, Any] = {}
        self.supervisors = object()
        self.supervision = SimpleNamespace(all_taken_up=lambda now: None)
        self.turn: list[Callable[[], None]] = []
        self.notes = Notes(lambda: plane, self.lines.note_of, seal=SEAL, soon=self.turn.append)
        self.site_notes = SiteNotes(self, self.notes)  # type: ignore[arg-type]
        self.going_on = set()
        take_up_places(self.pool, left, site.now)
        self.going_on = Uptake(self, left, [QUEUE]).run(site.now)  # type: ignore[arg-type]
        plane.orders.append(("claim", self.lines.media_legs()))
        self.site_notes.begin(left)
        self.settle()
        site.wire.detach(SWITCH)
        site.wire.attach(SWITCH, self.pool, self._receive)
        site.wire.settle()

    def set_agent(self, agent: str, state: AgentState) -> None:
        self.board.receive_state(agent, state, self.site.now)
        if state is AgentState.OFFLINE:
            self.inbound.agent_gone(agent, self.site.now)
        self.settle()

    def settle(self) -> None:
        while (event := self.board.next_event()) is not None:
            self.site_notes.agent_changed(event.agent)
            if event.state not in (AgentState.RESERVED, AgentState.IN_CALL):
                self.agents.release(event.agent, self.site.now)
            if event.state is AgentState.READY:
                self.inbound.serve(self.site.now)
        turn, self.turn[:] = list(self.turn), []
        for call in turn:
            call()

    def run(self, seconds: float = 1.0) -> None:
        self.site.run(seconds)
        self.settle()
        self.site.wire.settle()

    def hear(self, kind: type, leg: int) -> None:
        """The media process reports of a leg."""
        self.lines.receive_media_event(kind(leg, self.site.now))
        self.settle()
        self.site.wire.settle()

    def _receive(self, event: object) -> None:
        now = self.site.now
        if isinstance(event, CallOffered) and event.origin is Origin.PHONE:
            self.agents.receive_log_in_call(event, now)
        elif isinstance(event, CallOffered):
            self.inbound.receive_call(event, QUEUE, now)
        elif isinstance(event, CallEvent):
            self.lines.receive_call_event(event, now)
            if isinstance(event, CallEnded | CallFailed):
                self.inbound.receive_withdrawn(event.leg_id, now)
        self.settle()

    def media_of(self, agent: str) -> int:
        line = self.agents._seats[agent].line
        assert line is not None
        return line.media


class Shift:
    """Agent 1 is logged in and talks to a caller."""

    def __init__(self) -> None:
        self.site = Site()
        self.plane = Plane()
        self.house = House(self.site, self.plane)
        site = self.site
        site.phone.start(site.now)
        self.house.run()
        site.phone.place_call("shift", "switch", "login", OFFER, site.now)
        self.house.run()
        self.house.hear(FirstPacketReceived, self.house.media_of("agent-1"))

    def call(self) -> str:
        """Its reference, once the two talk."""
        site = self.site
        site.carrier.place_call("caller", "switch", DID, OFFER, site.now)
        self.house.run()
        (call,) = self.house.inbound._calls.values()
        assert call.line is not None
        self.house.hear(FirstPacketBridged, call.line.media)
        return call.call_ref

    def kill(self, **changes: Any) -> House:
        self.house.run(0.0)
        self.plane.orders.clear()
        self.house = House(self.site, self.plane, keeps=f"n{len(self.plane.notes)}", **changes)
        return self.house

    def ended(self, address: Any) -> list[CallEnded]:
        return [event for event in self.site.wire.events(address) if isinstance(event, CallEnded)]


@pytest.fixture
def shift() -> Shift:
    return Shift()


def test_agent_and_caller_talk_on_and_nothing_is_said_to_the_media_process(shift: Shift) -> None:
    call_ref = shift.call()
    legs = set(shift.plane.notes)
    house = shift.kill()
    assert house.going_on == {call_ref}
    assert shift.plane.orders == [("claim", legs)]
    assert house.board.state_of("agent-1") is AgentState.IN_CALL
    assert house.board.call_of("agent-1") == call_ref
    assert len(house.lines) == 2


def test_a_caller_who_hangs_up_later_frees_the_agent_and_is_on_record(shift: Shift) -> None:
    call_ref = shift.call()
    house = shift.kill()
    shift.site.carrier.hang_up("caller", shift.site.now)
    house.run()
    assert house.board.state_of("agent-1") is AgentState.WRAP_UP
    last = house.records.saved[-1]
    assert (last.call_ref, last.agent, last.outcome, last.disposition) == (call_ref, "agent-1", "answered", "connected")
    assert last.recording
    assert len(house.lines) == 1, "the agent's line is for the shift"
    assert ("unbridge", house.media_of("agent-1")) in shift.plane.orders


def test_an_agent_s_phone_that_hangs_up_later_is_missed_and_the_caller_waits_for_another(shift: Shift) -> None:
    shift.call()
    house = shift.kill()
    shift.site.phone.hang_up("shift", shift.site.now)
    house.run()
    assert house.board.state_of("agent-1") is AgentState.OFFLINE
    (call,) = house.inbound._calls.values()
    assert call.agent == ""


def test_an_agent_who_waits_gets_the_next_caller(shift: Shift) -> None:
    house = shift.kill()
    assert house.board.state_of("agent-1") is AgentState.READY
    call_ref = shift.call()
    assert house.board.call_of("agent-1") == call_ref
    assert shift.plane.orders[-1][0] in ("play", "bridge")


def test_a_second_death_is_survived_like_the_first(shift: Shift) -> None:
    call_ref = shift.call()
    shift.kill()
    shift.house.run(40.0)  # probes count CSeq up
    house = shift.kill()
    assert house.going_on == {call_ref}
    shift.site.carrier.hang_up("caller", shift.site.now)
    house.run()
    assert house.records.saved[-1].disposition == "connected"


def test_a_phone_need_not_register_again(shift: Shift) -> None:
    house = shift.kill()
    assert house.pool.is_registered("agent-1", shift.site.now)


def test_an_agent_whose_line_has_no_note_is_offline_and_the_caller_waits(shift: Shift) -> None:
    call_ref = shift.call()
    shift.plane.notes[shift.house.media_of("agent-1")] = b""
    house = shift.kill()
    assert house.going_on == {call_ref}
    assert house.board.state_of("agent-1") is AgentState.OFFLINE
    (call,) = house.inbound._calls.values()
    assert call.agent == ""


def test_an_agent_whose_caller_has_no_note_is_free_and_hears_the_idle_sound(shift: Shift) -> None:
    shift.call()
    (call,) = shift.house.inbound._calls.values()
    assert call.line is not None
    shift.plane.notes[call.line.media] = b"nonsense"
    house = shift.kill()
    assert house.going_on == set()
    assert house.board.state_of("agent-1") is AgentState.READY
    assert ("unbridge", house.media_of("agent-1")) in shift.plane.orders
    claimed = next(order[1] for order in shift.plane.orders if order[0] == "claim")
    assert call.line.media not in claimed, "its media leg is closed"


def test_a_call_to_a_number_that_is_ours_no_more_is_hung_up(shift: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
    shift.call()
    monkeypatch.setitem(globals(), "QUEUE", Queue("+441632960001", (), "", ""))
    house = shift.kill()
    house.run()
    assert house.going_on == set()
    assert [event.by_peer for event in shift.ended(CARRIER)] == [True]
    assert house.board.state_of("agent-1") is AgentState.READY


@pytest.mark.parametrize("role", ["nobody", "agent", "dialled", "inbound"])
def test_a_note_that_makes_no_sense_costs_its_own_call_alone(shift: Shift, role: str) -> None:
    call_ref = shift.call()
    stray = shift.plane.open_leg()
    shift.plane.notes[stray] = SEAL.sealed(
        {"line": {"leg_id": "x"}, "sip": {"leg": 7}, "owner": {"role": role, "agent": 9, "call": {"lead": 1}}}, 8192
    )
    house = shift.kill()
    assert house.going_on == {call_ref}
    assert len(house.lines) == 2


def test_whoever_is_owned_by_nobody_any_more_is_hung_up(shift: Shift) -> None:
    call_ref = shift.call()
    media = shift.house.media_of("agent-1")
    found = shift.house.lines.note_of(shift.house.agents._seats["agent-1"].line.leg_id)  # type: ignore[union-attr]
    assert found is not None
    shift.plane.notes[media] = SEAL.sealed({**found[1], "owner": {"role": "ghost"}}, 8192)
    house = shift.kill()
    house.run()
    assert [event.leg_id for event in shift.ended(PHONE)] == ["shift"]
    assert ("close", media) in shift.plane.orders
    assert house.going_on == {call_ref}


def test_a_phone_that_was_being_rung_is_not_waited_for(shift: Shift) -> None:
    shift.site.phone.hang_up("shift", shift.site.now)
    shift.house.run()
    shift.house.agents.log_in("agent-1", shift.site.now)
    shift.house.settle()
    shift.site.wire.settle()
    shift.site.phone_does = lambda offered: shift.site.phone.ring(offered.leg_id, shift.site.now)
    shift.house.run(0.05)
    house = shift.kill()
    house.run()
    failed = [event for event in shift.site.wire.events(PHONE) if isinstance(event, CallEnded)]
    assert failed[-1].cause == "cancel"
    assert len(house.lines) == 0


def test_a_start_that_comes_to_nothing_leaves_the_calls_that_it_found_to_the_next() -> None:
    class Found:
        is_taken_up = True

        def __init__(self) -> None:
            self.heard: list[str] = []

        async def stop(self) -> None:
            self.heard.append("stop")

        def leave(self) -> None:
            self.heard.append("leave")

    media = MediaProcess(Settings(), lambda event: None)
    media.plane = found = Found()  # type: ignore[assignment]
    asyncio.run(media.stop())
    assert found.heard == ["leave"]
    media.is_ours = True
    asyncio.run(media.stop())
    assert found.heard == ["leave", "stop"]
