"""A site on a virtual wire: the switch's pool, a carrier's and an agent's phone, each of them a `UserAgentPool`."""

from collections.abc import Callable
from itertools import count

import pytest

from softswitch.calls.events import CallEvent, CallOffered
from softswitch.sip.hop import Hop
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.testing.clock import Clock
from softswitch.testing.wire import Wire
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.defence import Limits
from softswitch.ua.pool import UserAgentPool

SWITCH = Hop("192.0.2.1", 5060)
CARRIER = Hop("192.0.2.2", 5060)
PHONE = Hop("192.0.2.3", 5062)
STRANGER = Hop("192.0.2.66", 5060)
OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = OFFER.replace(b"4000", b"5000")
NUMBER = "+447700900123"


def tokens(prefix: str) -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers):07x}"


class Site:
    """Three pools on one wire. `carrier_does` and `phone_does` say what happens to calls that are offered there."""

    def __init__(
        self, limits: Limits | None = None, account: dict[str, str] | None = None, **wire_settings: float | int
    ) -> None:
        self.clock = Clock()
        self.wire = Wire(self.clock, **wire_settings)  # type: ignore[arg-type]
        self.never_dial: set[str] = set()
        self.asked: list[str] = []
        self.switch = UserAgentPool(
            listens=[SWITCH],
            realm="switch.example",
            accounts=[
                CarrierAccount("carrier", CARRIER[0], caller_id="+441632960000", calls_per_second=1000, **account or {})
            ],  # type: ignore[arg-type]
            phones=[PhoneAccount("agent-1", "phone1", "secret1"), PhoneAccount("agent-2", "phone2", "secret2")],
            gate=self._gate,
            new_token=tokens("s"),
            limits=limits,
        )
        self.carrier = UserAgentPool(
            listens=[CARRIER],
            realm="carrier.example",
            accounts=[CarrierAccount("switch", SWITCH[0], channels=1000, calls_per_second=1000)],
            phones=[],
            gate=lambda number: None,
            new_token=tokens("c"),
        )
        self.phone = UserAgentPool(
            listens=[PHONE],
            realm="phone.example",
            accounts=[CarrierAccount("switch", SWITCH[0], username="phone1", password="secret1", register=True)],
            phones=[],
            gate=lambda number: None,
            new_token=tokens("p"),
        )
        self.carrier_does: Callable[[CallOffered], None] = lambda offered: None
        self.phone_does: Callable[[CallOffered], None] = lambda offered: None
        self.switch_does: Callable[[CallOffered], None] = lambda offered: None
        self.wire.attach(SWITCH, self.switch, self._offered("switch_does"))
        self.wire.attach(CARRIER, self.carrier, self._offered("carrier_does"))
        self.wire.attach(PHONE, self.phone, self._offered("phone_does"))

    @property
    def now(self) -> float:
        return self.clock.now

    def run(self, seconds: float) -> None:
        """Let what was said take its course for so long."""
        self.wire.settle()
        self.clock.advance(seconds)

    def wind_down(self) -> None:
        """Let every timer of a finished scenario pass."""
        for pool in (self.switch, self.carrier, self.phone):
            pool.stop(self.now)
        self.run(200.0)

    def call(self, leg_id: str = "out", number: str = NUMBER, seconds: float = 0.1) -> None:
        """The switch places a call over the carrier."""
        self.switch.place_call(leg_id, "carrier", number, OFFER, self.now)
        self.run(seconds)

    def events(self, leg_id: str = "out") -> list[CallEvent]:
        """What the switch heard of a leg."""
        return [e for e in self.wire.events(SWITCH) if isinstance(e, CallEvent) and e.leg_id == leg_id]

    def offered(self, address: tuple[str, int] = CARRIER) -> list[CallOffered]:
        return [e for e in self.wire.events(address) if isinstance(e, CallOffered)]

    def events_at(self, address: tuple[str, int]) -> list[CallEvent]:
        """What one end heard of its calls, but for their being offered."""
        return [e for e in self.wire.events(address) if isinstance(e, CallEvent) and not isinstance(e, CallOffered)]

    def messages(self, source: Hop | None = None, destination: Hop | None = None) -> list[Request | Response]:
        """What went over the wire, lost or not."""
        return [
            parse(transit.data)
            for transit in self.wire.transits
            if source in (None, transit.source) and destination in (None, transit.destination)
        ]

    def requests(self, method: str, source: tuple[str, int] | None = None) -> list[Request]:
        return [m for m in self.messages(source) if isinstance(m, Request) and m.method == method]

    def statuses(self, source: tuple[str, int], method: str) -> list[int]:
        return [m.status for m in self.messages(source) if isinstance(m, Response) and m.cseq.method == method]

    def carrier_answers(self, after: float = 0.0, sdp: bytes = ANSWER) -> None:
        self.carrier_does = lambda offered: self.clock.call_at(
            self.now + after, lambda: (self.carrier.answer(offered.leg_id, sdp, self.now), self.wire.settle())
        )

    def inject(self, data: bytes, source: Hop = STRANGER) -> list[Response]:
        """Send the switch a datagram from somewhere; what it answers there."""
        before = len(self.wire.transits)
        self.wire.inject(data, source, SWITCH)
        self.run(0.1)
        answers = [t for t in self.wire.transits[before:] if t.source == SWITCH and t.destination == source]
        return [m for m in (parse(t.data) for t in answers) if isinstance(m, Response)]

    def _gate(self, number: str) -> str | None:
        self.asked.append(number)
        return "on the never-dial list" if number in self.never_dial else None

    def _offered(self, what_it_does: str) -> Callable[[object], None]:
        def handle(event: object) -> None:
            if isinstance(event, CallOffered):
                getattr(self, what_it_does)(event)

        return handle


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def lossy_site() -> Callable[[int], Site]:
    return lambda seed: Site(loss=0.15, duplicate=0.1, reorder=0.2, delay=0.03, seed=seed)


@pytest.fixture
def defended_site() -> Callable[..., Site]:
    """Made with the limits that its switch sets strangers."""
    return Site


@pytest.fixture
def registered(site: Site) -> Site:
    """The same, with the agent's phone registered."""
    site.phone.start(site.now)
    site.run(1.0)
    return site
