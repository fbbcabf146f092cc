"""The server that `bench/signalling.py` measures: the switch's own UA pool and bridge on UDP, with nobody's media.

Every call from `--caller` goes on to `--callee`; SDP passes as it is. Commands on standard input: "status" prints one
JSON object, the end of input ends it. Only for benchmarks: it has no never-dial list, no recording and no supervisor.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
from pathlib import Path

import uvloop

from softswitch.calls.bridge import Bridge, BridgeState
from softswitch.calls.events import CallEvent, CallOffered
from softswitch.sip.hop import Hop
from softswitch.transports.collector import collect_rarely
from softswitch.transports.driver import Driver
from softswitch.transports.tokens import Tokens
from softswitch.transports.udp import open_udp
from softswitch.ua.accounts import CarrierAccount
from softswitch.ua.pool import PoolEvent, UserAgentPool

PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class Transit:
    """Bridges each call that is offered to a call of its own. It is also every bridge's desk: SDP passes unread."""

    def __init__(self, pool: UserAgentPool, driver: Driver) -> None:
        self._pool = pool
        self._driver = driver
        self._bridges: dict[str, Bridge] = {}
        self._answers: dict[str, bytes] = {}
        self.served = 0

    def __len__(self) -> int:
        return len(self._bridges)

    def receive_event(self, event: PoolEvent) -> None:
        now = self._driver.now
        if isinstance(event, CallOffered):
            called = f"{event.leg_id}-out"
            bridge = Bridge(event.leg_id, called, event.offer, calls=self._pool, desk=self)
            self._bridges[event.leg_id] = self._bridges[called] = bridge
            self.served += 1
            self._pool.place_call(called, "callee", event.called, event.offer, now, caller_id=event.caller)
        elif isinstance(event, CallEvent):
            bridge = self._bridges.get(event.leg_id)
            if bridge is not None:
                bridge.receive_event(event, now)
                if bridge.state is BridgeState.OVER:
                    for leg_id in (bridge.caller, bridge.called):
                        self._bridges.pop(leg_id, None)
                        self._answers.pop(leg_id, None)

    def take_answer(self, leg_id: str, answer: bytes) -> None:
        self._answers[self._bridges[leg_id].caller] = answer

    def answer_offer(self, leg_id: str, offer: bytes) -> bytes:
        return self._answers.get(leg_id, offer)


def resident_kb() -> int:
    """Memory that this process holds now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KB


async def serve(listen: tuple[str, int], caller: str, callee: tuple[str, int]) -> None:
    driver = Driver()
    transport = await open_udp(listen, lambda data, source: driver.receive_datagram(pool, data, source))
    pool = UserAgentPool(
        listens=[Hop(*transport.address)],
        realm="bench",
        accounts=[
            CarrierAccount("caller", caller, channels=100_000, calls_per_second=0),
            CarrierAccount("callee", callee[0], callee[1], channels=100_000, calls_per_second=0),
        ],
        phones=[],
        gate=lambda number: None,
        new_token=Tokens(),
        keepalive_s=0,
    )
    transit = Transit(pool, driver)
    driver.add(pool, on_event=transit.receive_event, send=transport.send)
    collect_rarely()
    print(json.dumps({"port": transport.address[1]}), flush=True)
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    while line := await stdin.readline():
        if line.strip() == b"status":
            state = {"calls": len(transit) // 2, "served": transit.served, "idle": pool.is_idle}
            print(json.dumps({"resident_kb": resident_kb(), **state, "faults": driver.faults}), flush=True)
    transport.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--caller", default="127.0.0.2", help="address from which calls are taken")
    parser.add_argument("--callee", default="127.0.0.3:5060", help="where they go")
    arguments = parser.parse_args()
    host, port = arguments.listen.rsplit(":", 1)
    callee_host, callee_port = arguments.callee.rsplit(":", 1)
    uvloop.run(serve((host, int(port)), arguments.caller, (callee_host, int(callee_port))))


if __name__ == "__main__":
    main()
