"""What two thousand calls leave in memory: nothing that could be told from noise."""

import tracemalloc
from collections.abc import Callable
from itertools import count

from softswitch.calls.events import CallAnswered, CallEnded, CallOffered
from softswitch.sip.hop import Hop
from softswitch.ua.accounts import CarrierAccount
from softswitch.ua.pool import UserAgentPool
from tests.torture.ground import forget_addresses

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
CALLS = 2000
BYTES_A_CALL = 100
CALLER, CALLEE = Hop("192.0.2.1", 5060), Hop("192.0.2.2", 5060)


class TwoPools:
    """A caller's and a callee's pool back to back; nothing is kept of what they say."""

    def __init__(self) -> None:
        self.now = 0.0
        self.caller = make_pool(CALLER, CarrierAccount("peer", CALLEE.host, channels=CALLS, calls_per_second=0), "a")
        self.callee = make_pool(CALLEE, CarrierAccount("peer", CALLER.host, channels=CALLS, calls_per_second=0), "b")
        self.ended = 0

    def call(self, leg_id: str) -> None:
        """INVITE, 180, 200, ACK; the caller hangs up."""
        self.caller.place_call(leg_id, "peer", "+447700900123", SDP, self.now)
        self.settle()

    def settle(self) -> None:
        busy = True
        while busy:
            busy = self._carry(self.caller, CALLER, self.callee) | self._carry(self.callee, CALLEE, self.caller)
            busy |= self._hear(self.caller) | self._hear(self.callee)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            due = [at for pool in (self.caller, self.callee) if (at := pool.next_timer()) is not None and at <= until]
            if not due:
                self.now = until
                return
            self.now = max(self.now, min(due))
            for pool in (self.caller, self.callee):
                pool.handle_timer(self.now)
            self.settle()

    def _carry(self, sender: UserAgentPool, source: Hop, receiver: UserAgentPool) -> bool:
        datagrams = sender.data_to_send()
        for datagram in datagrams:
            receiver.receive_datagram(datagram.data, source, self.now)
        return bool(datagrams)

    def _hear(self, pool: UserAgentPool) -> bool:
        event = pool.next_event()
        if isinstance(event, CallOffered):
            pool.ring(event.leg_id, self.now)
            pool.answer(event.leg_id, SDP, self.now)
        elif isinstance(event, CallAnswered):
            pool.hang_up(event.leg_id, self.now)
        elif isinstance(event, CallEnded):
            self.ended += 1
        return event is not None


def make_pool(hop: Hop, account: CarrierAccount, prefix: str) -> UserAgentPool:
    numbers = count(1)
    new_token: Callable[[], str] = lambda: f"{prefix}{next(numbers):012x}"  # noqa: E731
    return UserAgentPool(
        listens=[hop], realm="x", accounts=[account], phones=[], gate=lambda number: None, new_token=new_token
    )  # fmt: skip


def place(pools: TwoPools, calls: int, name: str) -> None:
    for number in range(calls):
        pools.call(f"{name}-{number}")
        pools.run(1.0)
    pools.run(200.0)


def memory() -> int:
    """Bytes in use, without what is remembered on purpose: the last few thousand addresses, within bounds."""
    forget_addresses()
    return tracemalloc.get_traced_memory()[0]


def test_two_thousand_calls_leave_nothing_behind() -> None:
    pools = TwoPools()
    tracemalloc.start()
    try:
        place(pools, 100, "first")
        before = memory()
        place(pools, CALLS, "call")
        after = memory()
    finally:
        tracemalloc.stop()
    assert pools.ended == 2 * (100 + CALLS)
    assert pools.caller.is_idle
    assert pools.callee.is_idle
    assert (after - before) / CALLS < BYTES_A_CALL
