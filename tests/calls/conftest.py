"""One pool and a peer that a test plays by hand, message by message: for all that a well-behaved peer would not do."""

from collections.abc import Iterable
from itertools import count

import pytest

from softswitch.calls.events import CallEvent, CallOffered
from softswitch.sip.hop import Hop
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.parser import parse
from softswitch.testing.clock import Clock
from softswitch.ua.accounts import CarrierAccount
from softswitch.ua.pool import UserAgentPool

HERE = Hop("192.0.2.1", 5060)
PEER = Hop("192.0.2.9", 5060)
OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = OFFER.replace(b"4000", b"5000")


class Bench:
    """The pool under test on a virtual clock, and what it has sent since the test last looked."""

    def __init__(self, *, keepalive_s: float = 30.0, **settings: object) -> None:
        numbers = count(1)
        self.clock = Clock()
        self.gate_says: str | None = None
        self.asked: list[str] = []
        self.pool = UserAgentPool(
            listens=[HERE],
            realm="here",
            accounts=[CarrierAccount("peer", PEER[0], username="us", password="ours", calls_per_second=1000)],
            phones=[],
            gate=self._gate,
            new_token=lambda: f"tok{next(numbers):06d}",
            keepalive_s=keepalive_s,
            **settings,  # type: ignore[arg-type]
        )
        self.clock.attach(self.pool)
        self.events: list[CallEvent] = []
        self._branches = count(1)
        self._cseq = 100

    # Our side

    def place(self, number: str = "+447700900123", *, offer: bytes = OFFER) -> Request:
        """Place a call; returns its INVITE."""
        self.pool.place_call("leg", "peer", number, offer, self.clock.now)
        (invite,) = self.sent()
        assert isinstance(invite, Request)
        return invite

    def answered(self, tag: str = "b", headers: Iterable[tuple[str, object]] = ()) -> Request:
        """A call that we placed and the peer answered, ACK seen; returns its INVITE."""
        invite = self.place()
        self.reply(invite, 200, tag=tag, sdp=ANSWER, headers=headers)
        self.sent()
        return invite

    def hang_up(self) -> None:
        self.pool.hang_up("leg", self.clock.now)
        self._drain()

    def sent(self) -> list[Request | Response]:
        """What was sent since the last look."""
        self._drain()
        return [parse(datagram.data) for datagram in self.pool.data_to_send()]

    def sent_request(self, method: str) -> Request:
        """The one message sent since the last look, which must be this request."""
        (message,) = self.sent()
        assert isinstance(message, Request), message
        assert message.method == method
        return message

    def sent_status(self) -> int:
        (message,) = self.sent()
        assert isinstance(message, Response), message
        return message.status

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self._drain()

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    # The peer's side

    def reply(
        self,
        request: Request,
        status: int,
        *,
        tag: str = "b",
        sdp: bytes = b"",
        headers: Iterable[tuple[str, object]] = (),
    ) -> None:
        contact = [("Contact", f"<sip:peer@{PEER[0]}>")] if status < 300 else []
        response = response_to(
            request, status, to_tag=tag, headers=[*contact, *headers], body=sdp,
            content_type="application/sdp" if sdp else None,
        )  # fmt: skip
        self.deliver(bytes(response))

    def request(
        self,
        method: str,
        invite: Request,
        *,
        tag: str = "b",
        body: bytes = b"",
        cseq: int | None = None,
        branch: str | None = None,
        contact: str = f"<sip:peer@{PEER[0]}>",
        headers: Iterable[tuple[str, object]] = (),
    ) -> Request:
        """A request of the peer's inside the dialog that our `invite` opened."""
        self._cseq += 1
        request = Request(method, invite.contacts[0].uri, body=body)
        for name, value in (
            ("Via", f"SIP/2.0/UDP {PEER[0]};branch={branch or f'z9hG4bK-peer{next(self._branches)}'}"),
            ("From", invite.to.with_tag(tag)),
            ("To", invite.from_),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{self._cseq if cseq is None else cseq} {method}"),
            ("Contact", contact),
            *headers,
        ):
            request.headers.add(name, value)
        if body and "Content-Type" not in request.headers:
            request.headers.set("Content-Type", "application/sdp")
        self.deliver(bytes(request))
        return request

    def invite(
        self,
        *,
        body: bytes = OFFER,
        branch: str = "z9hG4bK-in",
        drop: str = "",
        headers: Iterable[tuple[str, object]] = (),
    ) -> Request:
        """A call of the peer's to us, as it is offered; `drop` leaves a header out."""
        request = Request("INVITE", parse_uri("sip:us@192.0.2.1"), body=body)
        for name, value in (
            ("Via", f"SIP/2.0/UDP {PEER[0]};branch={branch}"),
            ("Max-Forwards", 70),
            ("From", "<sip:+441632960999@192.0.2.9>;tag=b"),
            ("To", "<sip:us@192.0.2.1>"),
            ("Call-ID", "incoming"),
            ("CSeq", "1 INVITE"),
            ("Contact", f"<sip:peer@{PEER[0]}>"),
        ):
            if name != drop:
                request.headers.add(name, value)
        for name, value in headers:
            request.headers.add(name, value)
        if body and "Content-Type" not in request.headers:
            request.headers.set("Content-Type", "application/sdp")
        self.deliver(bytes(request))
        return request

    def back(
        self,
        method: str,
        invite: Request,
        to_tag: str,
        *,
        cseq: int = 1,
        body: bytes = b"",
        headers: Iterable[tuple[str, object]] = (),
    ) -> Request:
        """A request of the caller's inside the dialog that its own `invite` opened; CANCEL and ACK take its number."""
        branch = invite.via.branch if method == "CANCEL" else f"z9hG4bK-peer{next(self._branches)}"
        request = Request(method, invite.uri if method == "CANCEL" else parse_uri("sip:us@192.0.2.1"), body=body)
        for name, value in (
            ("Via", f"SIP/2.0/UDP {PEER[0]};branch={branch}"),
            ("From", invite.from_),
            ("To", invite.to if method == "CANCEL" else invite.to.with_tag(to_tag)),
            ("Call-ID", invite.call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", f"<sip:peer@{PEER[0]}>"),
            *headers,
        ):
            request.headers.add(name, value)
        if body and "Content-Type" not in request.headers:
            request.headers.set("Content-Type", "application/sdp")
        self.deliver(bytes(request))
        return request

    def offered(self) -> CallOffered:
        self._drain()
        (event,) = [event for event in self.events if isinstance(event, CallOffered)]
        return event

    def deliver(self, data: bytes) -> None:
        self.pool.receive_datagram(data, PEER, self.clock.now)
        self._drain()

    def assert_nothing_is_left(self) -> None:
        self.wait(300.0)
        assert self.pool.is_idle
        assert self.pool.next_timer() is None

    def _drain(self) -> None:
        while (event := self.pool.next_event()) is not None:
            assert isinstance(event, CallEvent)
            self.events.append(event)

    def _gate(self, number: str) -> str | None:
        self.asked.append(number)
        return self.gate_says


def parse_uri(text: str):
    from softswitch.sip.uri import Uri

    return Uri.parse(text)


@pytest.fixture
def bench_with() -> type[Bench]:
    """Makes a bench with other settings of the pool."""
    return Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
