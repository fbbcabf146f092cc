"""A switch with carrier accounts whose servers are scripted: each says to a request what its test wants."""

from collections.abc import Callable
from itertools import count
from typing import Any

from softswitch.calls.events import CallEvent
from softswitch.sip.hop import Hop
from softswitch.sip.layer import Datagram
from softswitch.sip.locating import Server
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.parser import parse
from softswitch.testing.clock import Clock
from softswitch.testing.wire import Wire
from softswitch.ua.accounts import CarrierAccount
from softswitch.ua.pool import UserAgentPool

SWITCH = Hop("192.0.2.1", 5060)
FIRST, SECOND, THIRD = (Hop(f"192.0.2.{n}", 5060) for n in (11, 12, 13))
OTHER = Hop("192.0.2.21", 5060)
NUMBER = "+447700900123"
OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


class Scripted:
    """A carrier's server. `on[method]` is called with each request that is no copy; `respond` may come at any time."""

    def __init__(self, clock: Clock, hop: Hop) -> None:
        self.clock = clock
        self.hop = hop
        self.on: dict[str, Callable[[Request], Any]] = {"BYE": self.accept, "CANCEL": self.accept}
        self.requests: list[Request] = []
        self.copies = 0
        self.wire: Wire
        self._outbox: list[Datagram] = []
        self._seen: set[tuple[str, str]] = set()

    def accept(self, request: Request) -> None:
        self.respond(request, 200)

    def says(self, *statuses: int, after: float = 0.0, headers: tuple[tuple[str, object], ...] = ()) -> None:
        """Answer INVITEs so."""

        def answer(request: Request) -> None:
            for status in statuses:
                self.clock.call_at(self.clock.now + after, lambda status=status: self.respond(request, status, headers))

        self.on["INVITE"] = answer

    def respond(self, request: Request, status: int, headers: tuple[tuple[str, object], ...] = ()) -> None:
        more = [*headers]
        body = b""
        if request.method == "INVITE" and 100 < status < 300:
            more.append(("Contact", f"<sip:{self.hop.host}:{self.hop.port}>"))
            body = OFFER if status == 200 else b""
        tag = None if status == 100 else f"t{self.hop.host[-2:]}"
        response = response_to(
            request, status, to_tag=tag, headers=more, body=body, content_type="application/sdp" if body else None
        )
        self._outbox.append(Datagram(bytes(response), SWITCH))
        self.wire.settle()

    def of(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]

    # The face of an endpoint

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        message = parse(data)
        if not isinstance(message, Request):
            return
        key = (message.method, str(message.headers.lines("Via")[0]))
        if key in self._seen:
            self.copies += 1
            return
        self._seen.add(key)
        self.requests.append(message)
        if message.method in self.on:
            self.on[message.method](message)

    def handle_timer(self, now: float) -> None: ...

    def next_timer(self) -> float | None:
        return None

    def data_to_send(self) -> list[Datagram]:
        datagrams, self._outbox = self._outbox, []
        return datagrams

    def next_event(self) -> None:
        return None


class Carriers:
    """The account "carrier" has the servers FIRST, SECOND, THIRD in this order; the account "other" has OTHER."""

    def __init__(self, servers: int = 3, **settings: Any) -> None:
        numbers = count(1)
        self.clock = Clock()
        self.wire = Wire(self.clock)
        self.asked: list[str] = []
        self.refused: set[str] = set()
        account = {"channels": 2, "calls_per_second": 100.0, "caller_id": "+441632960000", **settings}
        self.switch = UserAgentPool(
            listens=[SWITCH],
            realm="switch.example",
            accounts=[
                CarrierAccount("carrier", "carrier.example", **account),
                CarrierAccount("other", OTHER.host, channels=1, caller_id="+441632960999"),
            ],
            phones=[],
            gate=self._gate,
            new_token=lambda: f"s{next(numbers):07x}",
        )
        self.hops = (FIRST, SECOND, THIRD)[:servers]
        self.servers = [Scripted(self.clock, hop) for hop in (*self.hops, OTHER)]
        self.wire.attach(SWITCH, self.switch)
        for server in self.servers:
            server.wire = self.wire
            self.wire.attach(server.hop, server)
        self.set_targets(*self.hops)

    def set_targets(self, *hops: Hop) -> None:
        self.switch.set_targets("carrier", [Server((hop,), priority) for priority, hop in enumerate(hops)], self.now)

    @property
    def now(self) -> float:
        return self.clock.now

    def run(self, seconds: float) -> None:
        self.wire.settle()
        self.clock.advance(seconds)

    def call(self, leg_id: str = "out", seconds: float = 1.0, otherwise: tuple[str, ...] = ()) -> None:
        self.switch.place_call(leg_id, "carrier", NUMBER, OFFER, self.now, otherwise=otherwise)
        self.run(seconds)

    def hang_up(self, leg_id: str = "out", seconds: float = 1.0) -> None:
        self.switch.hang_up(leg_id, self.now)
        self.run(seconds)

    def events(self, leg_id: str = "out") -> list[CallEvent]:
        return [each for each in self.wire.events(SWITCH) if isinstance(each, CallEvent) and each.leg_id == leg_id]

    def news(self) -> list[Any]:
        """Events of accounts."""
        return [each for each in self.wire.events(SWITCH) if not isinstance(each, CallEvent)]

    def invited(self) -> list[int]:
        """How many INVITEs each server has had, copies not counted."""
        return [len(server.of("INVITE")) for server in self.servers]

    def is_clean(self) -> bool:
        """Whether nothing is left once every timer has passed."""
        self.run(300.0)
        channels = self.switch.calls_on("carrier") + self.switch.calls_on("other")
        return self.switch.is_idle and channels == 0

    def responses_to(self, hop: Hop) -> list[Response]:
        found = [parse(each.data) for each in self.wire.transits if each.source == hop]
        return [each for each in found if isinstance(each, Response)]

    def _gate(self, number: str) -> str | None:
        self.asked.append(number)
        return "on the never-dial list" if number in self.refused else None
