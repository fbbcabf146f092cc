"""Two user agent pools over real connections: register, log in, ring, talk, end; on each transport and IP version."""

import asyncio
import secrets
import ssl
from dataclasses import dataclass, field

import pytest
import uvloop
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed, CallOffered
from softswitch.sip.hop import Hop
from softswitch.transports.driver import Driver
from softswitch.transports.stack import TransportStack, open_transports
from softswitch.transports.tls import Certificates
from softswitch.ua.accounts import AccountFailed, AccountRegistered, CarrierAccount, PhoneAccount
from softswitch.ua.phones import PhoneExpired, PhoneRegistered
from softswitch.ua.pool import UserAgentPool
from tests.transports.certificates import Authority
from tests.transports.ends import eventually

SDP = b"v=0\r\n"


@dataclass
class End:
    """A pool on a transport stack of its own; `saw` waits for an event."""

    driver: Driver
    certificates: Certificates
    events: asyncio.Queue[object] = field(default_factory=asyncio.Queue)
    stack: TransportStack = field(init=False)
    pool: UserAgentPool = field(init=False)

    async def open(
        self, hop: Hop, accounts: tuple[CarrierAccount, ...] = (), phones: tuple[PhoneAccount, ...] = ()
    ) -> None:
        self.stack = await open_transports(
            [hop],
            receive=lambda data, source: self.driver.receive_datagram(self.pool, data, source),
            on_unreachable=self._unreachable,
            on_closed=self._closed,
            certificates=self.certificates,
        )
        self.pool = UserAgentPool(
            listens=self.stack.listens, realm="test", accounts=accounts, phones=phones,
            gate=lambda number: None, new_token=lambda: secrets.token_hex(8),
        )  # fmt: skip
        self.driver.add(self.pool, on_event=self.events.put_nowait, send=self.stack.send)

    async def saw(self, kind: type) -> object:
        while True:
            event = await asyncio.wait_for(self.events.get(), 120)
            if isinstance(event, kind):
                return event

    def _unreachable(self, hop: Hop) -> None:
        with self.driver.mutating(self.pool) as now:
            self.pool.receive_transport_error(hop, now)

    def _closed(self, flow: Hop) -> None:
        with self.driver.mutating(self.pool) as now:
            self.pool.receive_flow_closed(flow, now)


def account_at(hop: Hop, **settings: object) -> CarrierAccount:
    return CarrierAccount(
        "switch", hop.host, hop.port, transport=hop.transport, username="user", password="secret", **settings
    )  # type: ignore[arg-type]


async def shift(listens: Hop, certificates: Certificates) -> int:
    """A phone works; returns faults. It can be reached over the connection that it opened, and over that alone."""
    driver = Driver()
    switch, phone = End(driver, certificates), End(driver, certificates)
    await switch.open(listens, phones=(PhoneAccount("agent", "user", "secret"),))
    await phone.open(listens, accounts=(account_at(switch.stack.listens[0], register=True),))
    with driver.mutating(phone.pool) as now:
        phone.pool.start(now)
    await phone.saw(AccountRegistered)
    await switch.saw(PhoneRegistered)

    with driver.mutating(phone.pool) as now:
        phone.pool.place_call("mine", "switch", "login", SDP, now)
    offered = await switch.saw(CallOffered)
    assert isinstance(offered, CallOffered)
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
        phone.pool.hang_up(rung.leg_id, now)
    await switch.saw(CallEnded)
    if listens.transport != "UDP":
        assert len(switch.stack.connections) == len(phone.stack.connections) == 1
        phone.stack.close()
        await switch.saw(PhoneExpired)
        assert not switch.pool.is_registered("agent", driver.now)
    driver.close()
    switch.stack.close()
    phone.stack.close()
    return driver.faults


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
def test_a_phone_works_a_short_shift(transport: str, host: str, certificates: Certificates) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(shift(Hop(host, 0, transport), certificates)) == 0


async def browser_shift(transport: str, certificates: Certificates, trust: ssl.SSLContext) -> int:
    """The same with a phone in a browser, whose Contact names nothing that could be reached (RFC 7118 §5)."""
    driver = Driver()
    switch, phone = End(driver, certificates), End(driver, certificates)
    await switch.open(Hop("127.0.0.1", 0, transport), phones=(PhoneAccount("agent", "user", "secret"),))
    server = switch.stack.listens[0]
    url = f"{transport.lower()}://127.0.0.1:{server.port}"
    async with connect(url, subprotocols=[Subprotocol("sip")], ssl=trust if transport == "WSS" else None) as socket:
        spoken: asyncio.Queue[bytes] = asyncio.Queue()
        phone.pool = UserAgentPool(
            listens=[Hop("df7jal23ls0d.invalid", 80, transport)], realm="test", phones=[],
            accounts=[account_at(server, register=True)],
            gate=lambda number: None, new_token=lambda: secrets.token_hex(8),
        )  # fmt: skip
        driver.add(phone.pool, on_event=phone.events.put_nowait, send=lambda each: spoken.put_nowait(each.data))

        async def speak() -> None:
            while True:
                await socket.send((await spoken.get()).decode())

        async def listen() -> None:
            async for data in socket:
                driver.receive_datagram(phone.pool, data.encode() if isinstance(data, str) else data, server)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(speak()), group.create_task(listen())]
            with driver.mutating(phone.pool) as now:
                phone.pool.start(now)
            await switch.saw(PhoneRegistered)
            with driver.mutating(switch.pool) as now:
                switch.pool.ring_phone("theirs", "agent", SDP, now, call_ref="ref-1")
            rung = await phone.saw(CallOffered)
            assert isinstance(rung, CallOffered)
            with driver.mutating(phone.pool) as now:
                phone.pool.answer(rung.leg_id, SDP, now)
            await switch.saw(CallAnswered)
            with driver.mutating(switch.pool) as now:
                switch.pool.hang_up("theirs", now)
            await phone.saw(CallEnded)
            for task in tasks:
                task.cancel()
    await switch.saw(PhoneExpired)
    driver.close()
    switch.stack.close()
    return driver.faults


@pytest.mark.parametrize("transport", ["WS", "WSS"])
def test_a_phone_in_a_browser_is_rung_over_the_socket_that_it_opened(
    transport: str, certificates: Certificates, authority: Authority
) -> None:
    trust = ssl.create_default_context(cafile=str(authority.path))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(browser_shift(transport, certificates, trust)) == 0


@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
def test_a_carrier_that_is_not_there_fails_calls_and_registrations_at_once(
    transport: str, certificates: Certificates
) -> None:
    async def call() -> None:
        driver = Driver()
        switch = End(driver, certificates)
        gone = Hop("127.0.0.1", 9, transport)
        await switch.open(Hop("127.0.0.1", 0, transport), accounts=(account_at(gone),))
        with driver.mutating(switch.pool) as now:
            switch.pool.start(now)
            switch.pool.place_call("leg", "switch", "login", SDP, now)
        async with asyncio.timeout(3):
            await switch.saw(CallFailed)
        await eventually(lambda: switch.pool.is_idle, "nothing is left")
        assert driver.faults == 0
        driver.close()
        switch.stack.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(call())


def test_a_registration_over_tls_to_somebody_else_fails_without_a_byte_of_it(certificates: Certificates) -> None:
    async def register() -> None:
        driver = Driver()
        switch, phone = End(driver, certificates), End(driver, certificates)
        await switch.open(Hop("127.0.0.3", 0, "TLS"), phones=(PhoneAccount("agent", "user", "secret"),))
        await phone.open(Hop("127.0.0.1", 0, "TLS"), accounts=(account_at(switch.stack.listens[0], register=True),))
        with driver.mutating(phone.pool) as now:
            phone.pool.start(now)
        await phone.saw(AccountFailed)
        assert switch.events.empty()
        driver.close()
        switch.stack.close()
        phone.stack.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(register())
