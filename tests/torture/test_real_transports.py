"""Every torture message to the switch on real sockets: it reacts as on the virtual network, and stays up."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvloop

from softswitch.sip.hop import Hop
from tests.torture.ground import answers_in, status_of
from tests.torture.reactions import CLOSES_ITS_STREAM, ON_A_STREAM, RFC_4475, RFC_5118, Reaction
from tests.torture.real import RealSwitch, Sender, own_address
from tests.torture.vectors import needs_vectors, torture, wire

pytestmark = needs_vectors
MESSAGES = {**RFC_4475, **RFC_5118}


@dataclass(frozen=True, slots=True)
class Seen:
    statuses: list[int]
    offers: int
    faults: int
    closed: bool = False


async def see_all() -> dict[tuple[str, str], Seen]:
    """What each message leads to by UDP and by TCP. A sound request behind each was answered, or this had failed."""
    host = own_address()
    switch = RealSwitch(Hop(host, 5060))
    await switch.open()
    sender = Sender(switch, host)
    seen: dict[tuple[str, str], Seen] = {}
    try:
        for name in MESSAGES:
            data = torture(name) if name in RFC_4475 else wire(name)
            answers = answers_in(await sender.ask(data))
            seen["UDP", name] = Seen([*map(status_of, answers)], len(switch.callee.offered), switch.driver.faults)
            switch.renew()
            messages, closed = await sender.ask_by_tcp(data)
            await sender.ask()
            statuses = [*map(status_of, answers_in(messages))]
            seen["TCP", name] = Seen(statuses, len(switch.callee.offered), switch.driver.faults, closed)
            switch.renew()
    finally:
        sender.close()
        switch.close()
    return seen


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[tuple[str, str], Seen]]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run(see_all())


def check(reaction: Reaction, seen: Seen) -> None:
    assert seen.faults == 0
    assert bool(seen.statuses) == bool(reaction.statuses)
    assert {*seen.statuses} <= {*reaction.statuses}
    assert seen.offers == reaction.offered


@pytest.mark.parametrize("name", MESSAGES)
def test_the_switch_reacts_by_udp(seen: dict[tuple[str, str], Seen], name: str) -> None:
    check(MESSAGES[name], seen["UDP", name])


@pytest.mark.parametrize("name", MESSAGES)
def test_the_switch_reacts_by_tcp(seen: dict[tuple[str, str], Seen], name: str) -> None:
    check(ON_A_STREAM.get(name, MESSAGES[name]), seen["TCP", name])
    if name in CLOSES_ITS_STREAM:
        assert seen["TCP", name].closed
