"""Two user agent pools over real UDP on the loopback: register, log in, ring, talk, end."""

import asyncio
import secrets
from collections.abc import Callable

import uvloop

from softswitch.calls.events import CallAnswered, CallEnded, CallOffered
from softswitch.sip.hop import Hop
from softswitch.transports.driver import Driver
from softswitch.transports.udp import UdpTransport, open_udp
from softswitch.ua.accounts import AccountRegistered, CarrierAccount, PhoneAccount
from softswitch.ua.phones import PhoneRegistered
from softswitch.ua.pool import UserAgentPool

SDP = b"v=0\r\n"


class End:
    """A pool on a socket of its own; `saw` waits for an event."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.events: asyncio.Queue[object] = asyncio.Queue()
        self.pool: UserAgentPool
        self.transport: UdpTransport

    async def open(self, make: Callable[[tuple[str, int]], UserAgentPool]) -> None:
        self.transport = await open_udp(("127.0.0.1", 0), self._receive)
        self.pool = make(self.transport.address)
        self.driver.add(self.pool, on_event=self.events.put_nowait, send=self.transport.send)

    async def saw(self, kind: type) -> object:
        while True:
            event = await asyncio.wait_for(self.events.get(), 20)
            if isinstance(event, kind):
                return event

    def _receive(self, data: bytes, source: tuple[str, int]) -> None:
        self.driver.receive_datagram(self.pool, data, source)


async def shift() -> tuple[int, bool, bool]:
    driver = Driver()
    switch, phone = End(driver), End(driver)
    await switch.open(
        lambda address: UserAgentPool(
            listens=[Hop(*address)], realm="switch", accounts=[], phones=[PhoneAccount("agent", "user", "secret")],
            gate=lambda number: None, new_token=lambda: secrets.token_hex(8),
        )
    )  # fmt: skip
    host, port = switch.transport.address
    account = CarrierAccount("switch", host, port, username="user", password="secret", register=True)
    await phone.open(
        lambda address: UserAgentPool(
            listens=[Hop(*address)], realm="phone", accounts=[account], phones=[],
            gate=lambda number: None, new_token=lambda: secrets.token_hex(8),
        )
    )  # fmt: skip

    with driver.mutating(phone.pool) as now:
        phone.pool.start(now)
    await phone.saw(AccountRegistered)
    await switch.saw(PhoneRegistered)

    with driver.mutating(phone.pool) as now:
        phone.pool.place_call("mine", "switch", "login", SDP, now)
    offered = await switch.saw(CallOffered)
    assert isinstance(offered, CallOffered)
    assert (offered.source, offered.called) == ("agent", "login")
    with driver.mutating(switch.pool) as now:
        switch.pool.answer(offered.leg_id, SDP, now)
    await phone.saw(CallAnswered)
    with driver.mutating(switch.pool) as now:
        switch.pool.hang_up(offered.leg_id, now)
    await phone.saw(CallEnded)

    with driver.mutating(switch.pool) as now:
        switch.pool.ring_phone("theirs", "agent", SDP, now, call_ref="ref-1")
    rung = await phone.saw(CallOffered)
    assert isinstance(rung, CallOffered)
    with driver.mutating(phone.pool) as now:
        phone.pool.answer(rung.leg_id, SDP, now)
    await switch.saw(CallAnswered)

    with driver.mutating(phone.pool) as now:
        phone.pool.stop(now)
    await switch.saw(CallEnded)
    for _ in range(500):
        if phone.pool.is_quiet and switch.pool.is_quiet:
            break
        await asyncio.sleep(0.01)
    quiet = phone.pool.is_quiet and switch.pool.is_quiet
    registered = switch.pool.is_registered("agent", driver.now)
    driver.close()
    switch.transport.close()
    phone.transport.close()
    return driver.faults, quiet, registered


def test_a_phone_works_a_short_shift_over_real_udp() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(shift()) == (0, True, False)
