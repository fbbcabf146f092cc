"""The lab trunk: a carrier with real SIP and RTP, whose numbers answer as a plan says.

As a program it is a process of its own: `python -m softswitch.testing.trunk --plan plan.json --log trunk.jsonl`. It
prints its address as a line of JSON, and ends with its parent: at SIGTERM, or when its stdin is closed.
"""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed, CallOffered, MediaReoffered
from softswitch.errors import PeerError, UsageError
from softswitch.sip.hop import Address, Hop
from softswitch.sip.message import Request
from softswitch.sip.parser import parse
from softswitch.testing.callee import Callee, CalleePlan, Kind
from softswitch.testing.journal import Journal
from softswitch.testing.lifetime import announce, parent_gone
from softswitch.testing.marker import AGENT_MARKERS_HZ, MarkerEar
from softswitch.testing.plan import read_plan
from softswitch.testing.station import Conversation, Station
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.phones import PhoneExpired, PhoneRegistered

UNKNOWN_NUMBER = CalleePlan(Kind.INVALID, ring_s=0.1)
SWITCH = "switch"


@dataclass(slots=True)
class TrunkCall:
    """One call as the carrier sees it."""

    leg_id: str
    number: str
    plan: CalleePlan
    call_id: str = ""
    """The SIP Call-ID of an INVITE that came in."""
    conversation: Conversation | None = None
    answered: bool = False
    ended: bool = False
    task: asyncio.Task[None] | None = None


class Trunk:
    """A carrier for tests and demos.

        trunk = await Trunk.start({"+442079460001": CalleePlan(Kind.PERSON)})
        ...  # point a switch at trunk.address
        await trunk.stop()

    plan: number to behaviour; a number that it lacks is answered with 404.
    username, password: what the switch has to authenticate with, by digest, for REGISTER and every INVITE; without
    them any INVITE from `switch`'s host is taken.
    switch: where calls to the switch's own numbers are sent; needed for `call` alone, which needs no credentials.
    """

    def __init__(self, plan: Mapping[str, CalleePlan], journal: Journal | None = None) -> None:
        self.plan = dict(plan)
        self.journal = journal or Journal()
        self.calls: list[TrunkCall] = []
        self._by_leg: dict[str, TrunkCall] = {}
        self._station = Station(self._receive_event, self._receive_datagram)
        self._call_id = ""
        self._invited: set[str] = set()
        self._dialled = 0
        self._registers = False

    @classmethod
    async def start(
        cls,
        plan: Mapping[str, CalleePlan],
        *,
        journal: Journal | None = None,
        address: Address = ("127.0.0.1", 0),
        switch: Address = ("127.0.0.1", 5060),
        username: str = "",
        password: str = "",
        realm: str = "lab-carrier",
    ) -> Self:
        trunk = cls(plan, journal)
        # With credentials the switch is to this carrier what a phone is to a switch: it registers and is challenged.
        phones = [PhoneAccount(SWITCH, username, password)] if username else []
        accounts = [] if username else [CarrierAccount(SWITCH, *switch, channels=10_000, calls_per_second=0)]
        await trunk._station.start(address, accounts=accounts, phones=phones, realm=realm, user_agent="lab-trunk")
        trunk._registers = bool(username)
        trunk.journal.write("listening", port=trunk.address[1])
        return trunk

    @property
    def address(self) -> Address:
        return self._station.address

    async def stop(self) -> None:
        """Hang up what still talks, and close."""
        await self._station.stop()
        self.cut_off()

    def cut_off(self) -> None:
        """Vanish without a word, as a carrier does whose line is dug up."""
        for call in list(self._by_leg.values()):
            self._end(call, "cut-off")
        self._station.close()

    async def call(self, number: str, plan: CalleePlan, *, caller: str = "+442079460999") -> TrunkCall:
        """Call one of the switch's own numbers; `plan` says what the caller says and for how long."""
        if self._registers:
            raise UsageError("a lab trunk with credentials takes calls only: start one without to call the switch")
        self._dialled += 1
        call = TrunkCall(f"inbound-{self._dialled}", number, plan)
        conversation = await self._open(call)
        self.journal.write("dialled", number=number, leg=call.leg_id)
        with self._station.mutating() as now:
            self._station.pool.place_call(call.leg_id, SWITCH, number, conversation.offer(), now, caller_id=caller)
        return call

    def hang_up(self, call: TrunkCall) -> None:
        with self._station.mutating() as now:
            self._station.pool.hang_up(call.leg_id, now)

    def _receive_datagram(self, data: bytes, source: Hop) -> None:
        """Log each INVITE as it stands on the wire, before any machine of ours has judged it."""
        if not data.startswith(b"INVITE "):
            return
        try:
            request = parse(data)
        except PeerError:
            self.journal.write("malformed_invite", source=source)
            return
        assert isinstance(request, Request)
        self._call_id = request.call_id
        if request.call_id not in self._invited:
            self._invited.add(request.call_id)
            self.journal.write("invite", number=request.uri.user, call_id=request.call_id, source=source)

    def _receive_event(self, event: object) -> None:
        match event:
            case CallOffered():
                self._receive_call(event)
            case CallAnswered():
                if call := self._by_leg.get(event.leg_id):
                    self._connect(call, event.sdp)
            case MediaReoffered():
                if call := self._by_leg.get(event.leg_id):
                    self._reoffered(call, event.offer)
            case CallFailed():
                if call := self._by_leg.get(event.leg_id):
                    self._end(call, "failed", status=event.status)
            case CallEnded():
                if call := self._by_leg.get(event.leg_id):
                    self._end(call, "switch" if event.by_peer else "callee", cause=event.cause)
            case PhoneRegistered():
                self.journal.write("registered")
            case PhoneExpired():
                self.journal.write("registration_expired")

    def _receive_call(self, event: CallOffered) -> None:
        # Events are drained within the datagram that caused them, so the last INVITE seen is this call's.
        call = TrunkCall(event.leg_id, event.called, self.plan.get(event.called, UNKNOWN_NUMBER), self._call_id)
        self.calls.append(call)
        self._by_leg[call.leg_id] = call
        call.task = asyncio.get_running_loop().create_task(self._serve(call, event.offer))

    async def _serve(self, call: TrunkCall, offer: bytes) -> None:
        """One incoming call from its INVITE to its end, as the plan says."""
        plan, pool = call.plan, self._station.pool
        if plan.kind is not Kind.INVALID:
            with self._station.mutating() as now:
                pool.ring(call.leg_id, now)
        if plan.kind is Kind.NO_ANSWER:
            return
        await asyncio.sleep(plan.ring_s)
        if plan.refusal is not None:
            self.journal.write("refused", **self._names(call), status=plan.refusal)
            with self._station.mutating() as now:
                pool.reject(call.leg_id, plan.refusal, now)
            return
        conversation = await self._open(call)
        try:
            answer = conversation.answer(offer)
        except PeerError as error:
            self.journal.write("refused", **self._names(call), status=error.status)
            with self._station.mutating() as now:
                pool.reject(call.leg_id, error.status, now)
            return
        with self._station.mutating() as now:
            pool.answer(call.leg_id, answer, now)
        self._answered(call)
        await self._talk(call)

    async def _open(self, call: TrunkCall) -> Conversation:
        callee = Callee(call.plan)
        call.conversation = Conversation(self.journal, callee.speaker, MarkerEar(AGENT_MARKERS_HZ), **self._names(call))
        self._by_leg[call.leg_id] = call
        await call.conversation.open(self.address[0])
        return call.conversation

    def _answered(self, call: TrunkCall) -> None:
        call.answered = True
        self.journal.write("answered", **self._names(call), kind=call.plan.kind, truth=call.plan.truth)

    def _connect(self, call: TrunkCall, sdp: bytes) -> None:
        """A call of ours was answered."""
        assert call.conversation
        try:
            call.conversation.receive_answer(sdp)
        except PeerError:
            self.hang_up(call)
            return
        self._answered(call)
        call.task = asyncio.get_running_loop().create_task(self._talk(call))

    async def _talk(self, call: TrunkCall) -> None:
        patience = Callee(call.plan).hangs_up_after_s
        if patience is not None:
            await asyncio.sleep(patience)
            self.hang_up(call)

    def _reoffered(self, call: TrunkCall, offer: bytes) -> None:
        answer = None
        if call.conversation and call.conversation.end:
            try:
                answer = call.conversation.answer(offer)
            except PeerError:
                self.journal.write("reoffer_refused", **self._names(call))
        with self._station.mutating() as now:
            self._station.pool.answer_reoffer(call.leg_id, answer, now)

    def _end(self, call: TrunkCall, by: str, **fields: object) -> None:
        self._by_leg.pop(call.leg_id, None)
        call.ended = True
        if call.task:
            call.task.cancel()
        figures = call.conversation.close() if call.conversation else {}
        self.journal.write("ended", **self._names(call), by=by, **fields, **figures)

    @staticmethod
    def _names(call: TrunkCall) -> dict[str, str]:
        return {"number": call.number, "leg": call.leg_id, "call_id": call.call_id}


async def run(arguments: argparse.Namespace) -> None:
    with Journal(arguments.log) as journal:
        trunk = await Trunk.start(
            read_plan(arguments.plan),
            journal=journal,
            address=(arguments.address, arguments.port),
            username=arguments.username,
            password=arguments.password_file.read_text().strip() if arguments.password_file else "",
        )
        announce(address=trunk.address[0], port=trunk.address[1])
        await parent_gone()
        await trunk.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m softswitch.testing.trunk", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--plan", type=Path, required=True, help="JSON: number to behaviour")
    parser.add_argument("--log", type=Path, help="what it saw, as JSON lines")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; the one taken is printed")
    parser.add_argument("--username", default="", help="ask the switch for registration and credentials")
    parser.add_argument("--password-file", type=Path)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
