"""Inputs that once broke well-known servers, to the switch on real sockets: answered as a sound server does, again and
again, in a thousand variations, and without a byte of memory for it.
"""

import asyncio
import random
import re
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

import pytest
import uvloop

from softswitch.sip.hop import Hop
from softswitch.transports.connections import Limits
from tests.torture.ground import answers_in, forget_addresses, status_of
from tests.torture.real import RealSwitch, Sender, own_address
from tests.torture.vectors import everything, malformed, names, needs_vectors

pytestmark = needs_vectors

T = TypeVar("T")

SILENCE: tuple[int, ...] = ()
EXPECTED = {
    # What `manifest.json` says, in statuses; the carrier's address sends them. Its answer to us is SILENCE's.
    "auth-missing-realm.dat": (400, 401),
    "digest-leak-407-to-bye.dat": SILENCE,  # here as it stands; tests/calls has a 407 to our BYE
    "from-display-ctrl.dat": (400,),
    "header-ctrl-before-colon.dat": (400,),
    "identity-no-semicolon.dat": (200,),  # Identity of an incoming call is not looked at
    "message-unauth-spoof.dat": (401, 403, 405),
    "multipart-bad-boundary.dat": (400, 415, 488),
    "nul-in-packet.dat": (400,),
    "sdp-bandwidth-bad.dat": (200, 488),
    "sdp-no-lf-end.dat": (200, 488),
    "sdp-nul-in-attr.dat": (200, 488),
    "stir-iat-future-etc.dat": SILENCE,
    "subscribe-many-accept.dat": (401, 403, 405, 406, 489),
    "t38-zero-port.dat": (488,),
    "tcp-crlf-flood.dat": SILENCE,
    "tcp-no-crlfcrlf-64k.dat": SILENCE,  # cut off by its first 64 kB; by TCP there is a test of its own
    "uri-srv-dot.dat": (400, 404, 503),
    "via-colons-74.dat": SILENCE,
    # Not for a SIP port, and nothing to it; tests/media (test_sources, test_dtmf) has them on a media port.
    "dtmf-short-event.dat": SILENCE,
    "rtp-bleed-probe.dat": SILENCE,
    "rtp-hdrext-overrun.dat": SILENCE,
    "rtp-padding-255.dat": SILENCE,
}
TIMES = 800
FLAT_BLOCKS = 1440
"""Blocks of memory that may stay behind 14,400 datagrams: one for ten of them. Pages would tell of other tests too."""

_NUMBER = re.compile(rb"[0-9]+")
_OWN = re.compile(rb"(branch=z9hG4bK|Call-ID: |tag=)")


def on_ground(play: Callable[[RealSwitch, Sender], Awaitable[T]]) -> T:
    """Run with a switch on real sockets and a sender at the carrier's address."""

    async def run() -> T:
        host = own_address()
        switch = RealSwitch(Hop(host, 5060))
        await switch.open()
        sender = Sender(switch, host)
        try:
            return await play(switch, sender)
        finally:
            sender.close()
            switch.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


def sendable(name: str) -> bytes:
    """As one datagram: at most what UDP carries."""
    return malformed(name)[:65_000]


def test_no_malformed_input_is_left_out() -> None:
    assert {*names("malformed")} == {*EXPECTED}
    assert len(EXPECTED) == 22


@pytest.mark.parametrize("name", EXPECTED)
def test_each_is_answered_as_its_manifest_says(name: str) -> None:
    async def play(switch: RealSwitch, sender: Sender) -> tuple[list[bytes], int]:
        return await sender.ask(sendable(name)), switch.driver.faults

    heard, faults = on_ground(play)
    assert faults == 0
    assert [status in EXPECTED[name] for status in map(status_of, answers_in(heard))] == [True] * bool(EXPECTED[name])
    for data in heard:
        head = data.partition(b"\r\n\r\n")[0]
        assert not any(code < 0x20 and code not in b"\t\r\n" for code in head), "a control character is sent on"


def renewed(data: bytes, number: int) -> bytes:
    """The same as another request: with a branch, a Call-ID and tags of its own."""
    return _OWN.sub(lambda found: found[0] + f"{number}-".encode(), data)


def test_each_eight_hundred_times_leaves_memory_flat() -> None:
    """Each is another request to the switch, so that nothing is absorbed as a copy; calls that it takes are ended."""
    inputs = [sendable(name) for name in EXPECTED if len(malformed(name)) < 8192]
    numbers = count()

    async def send_each(switch: RealSwitch, sender: Sender, times: int) -> None:
        for _ in range(times // 20):
            await sender.ask(*(renewed(data, next(numbers)) for data in inputs for _ in range(20)))
            switch.renew()  # the transactions of calls and refusals would live on for half a minute

    async def play(switch: RealSwitch, sender: Sender) -> tuple[int, int]:
        await send_each(switch, sender, 400)
        forget_addresses()
        before = sys.getallocatedblocks()
        await send_each(switch, sender, TIMES)
        forget_addresses()
        return sys.getallocatedblocks() - before, switch.driver.faults

    grown, faults = on_ground(play)
    assert faults == 0
    assert grown < FLAT_BLOCKS


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A variation: bytes and lines changed, cut, doubled, and put where they do not belong."""
    piece = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(piece) + 1)
        match rng.randrange(6):
            case 0:
                piece[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del piece[at : at + rng.randint(1, 40)]
            case 2:
                piece[at:at] = rng.choice([b"\r\n", b"\0", b'"', b"<", b">", b",", b";", b"\r\n ", b"%", b"\xff", b":"])
            case 3:
                piece[at:at] = piece[at : at + rng.randint(1, 200)]
            case 4:
                lines = bytes(piece).split(b"\r\n")
                rng.shuffle(lines)
                piece = bytearray(b"\r\n".join(lines))
            case 5:
                odd = rng.choice([b"0", b"-1", b"4294967296", b"9" * 40])
                piece = bytearray(_NUMBER.sub(odd, bytes(piece), count=rng.randint(1, 3)))
    return bytes(piece[:60_000])


def test_variations_of_all_of_them_do_no_harm() -> None:
    seeds = [data for data in everything() if len(data) < 8192]
    rng = random.Random(4475)

    async def play(switch: RealSwitch, sender: Sender) -> int:
        for _ in range(200):
            await sender.ask(*(mutated(rng.choice(seeds), rng) for _ in range(50)))
            switch.renew()
        for _ in range(100):
            await sender.ask_by_tcp(mutated(rng.choice(seeds), rng), patience_s=0.02)
        await sender.ask()
        return switch.driver.faults

    assert on_ground(play) == 0


def test_a_head_without_end_is_cut_off_by_tcp() -> None:
    async def play(switch: RealSwitch, sender: Sender) -> bool:
        _, closed = await sender.ask_by_tcp(malformed("tcp-no-crlfcrlf-64k.dat") * 2, patience_s=10.0)
        await sender.ask()
        return closed

    assert on_ground(play)


def test_a_flood_of_keep_alives_by_tcp_is_answered_by_few_bytes_and_little_work() -> None:
    async def play(switch: RealSwitch, sender: Sender) -> tuple[list[bytes], bool]:
        return await sender.ask_by_tcp(malformed("tcp-crlf-flood.dat"), patience_s=10.0)

    messages, _ = on_ground(play)
    assert messages == []


def test_a_connection_that_brings_nothing_whole_is_closed_in_time() -> None:
    """tests/transports shows each limit; here, that there are some for whoever brings half a message."""
    assert 0 < Limits().message_s <= 60
    assert 0 < Limits().first_message_s <= 60
