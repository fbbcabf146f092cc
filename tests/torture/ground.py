"""The switch on the testing ground: a pool as the switch runs it, and somebody above it who answers what it offers."""

import gc
import secrets
from collections.abc import Callable, Sequence
from functools import _lru_cache_wrapper

from softswitch.calls.events import CallOffered
from softswitch.errors import PeerError
from softswitch.sdp.negotiate import make_answer
from softswitch.sip.hop import Hop
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.pool import UserAgentPool

PASSWORD = "open sesame"
PHONES = ("user", "watson", "j.user", "100", "200")


def make_pool(listens: Sequence[Hop], carrier: Hop, phones: Sequence[str] = PHONES) -> UserAgentPool:
    """The switch: one carrier, and phones for the users whom the RFCs' REGISTERs name."""
    return UserAgentPool(
        listens=listens,
        realm="switch.example",
        accounts=[CarrierAccount("carrier", carrier.host, carrier.port, channels=100)],
        phones=[PhoneAccount(f"agent-{name}", name, PASSWORD) for name in phones],
        gate=lambda number: None,
        new_token=lambda: secrets.token_hex(8),
    )


class Callee:
    """Answers what the pool offers, as offer and answer allow, and hangs up nothing by itself."""

    def __init__(self, pool: UserAgentPool, now: Callable[[], float]) -> None:
        self.offered: list[CallOffered] = []
        self._pool = pool
        self._now = now

    def receive_event(self, event: object) -> None:
        if not isinstance(event, CallOffered):
            return
        self.offered.append(event)
        try:
            answer, _ = make_answer(event.offer, "192.0.2.1", 4000, session_id=1)
        except PeerError as error:
            self._pool.reject(event.leg_id, error.status, self._now())
        else:
            self._pool.answer(event.leg_id, answer, self._now())


def answers_in(datagrams: Sequence[bytes]) -> list[bytes]:
    """The final answers among what came back; a copy counts once.

    They stay bytes: who is refused for a broken To gets that To back.
    """
    return list({data: None for data in datagrams if data.startswith(b"SIP/2.0 ") and status_of(data) >= 200})


def status_of(answer: bytes) -> int:
    return int(answer[8:11])


def options(call_id: str) -> bytes:
    """A sound request: whoever answers it is alive."""
    return (
        "OPTIONS sip:switch SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.250;branch=z9hG4bK{call_id};rport\r\n"
        "Max-Forwards: 70\r\n"
        "From: <sip:tester@192.0.2.250>;tag=alive\r\n"
        "To: <sip:switch>\r\n"
        f"Call-ID: {call_id}\r\n"
        "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def forget_addresses() -> None:
    """Empty what is remembered on purpose, the last few thousand addresses within bounds, and collect the rest.

    Asked for its type, not `isinstance`: that would follow a weak proxy to what may be gone.
    """
    for remembered in [each for each in gc.get_objects() if type(each) is _lru_cache_wrapper]:
        if remembered.__module__.startswith("softswitch."):
            remembered.cache_clear()
    gc.collect()
