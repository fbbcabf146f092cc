"""The site of bench/pages.py: a whole switch in one process, and in another its carrier, callers and agents' phones.

Of so many calls each agent has one after another, of some seconds, dialled by a campaign with a script; the others are
callers who wait in a queue that nobody serves, with music. All are recorded. The lab's people speak and hear no more
than packets of noise: what they cost is no part of the answer, and their process is nice.
"""

import argparse
import asyncio
import json
import logging
import os
import socket
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import softswitch.configs
import uvloop

from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.companding import Pcm
from softswitch.testing.lifetime import announce, parent_gone
from softswitch.testing.marker import MarkerEar
from softswitch.testing.phone import Phone, PhoneSettings
from softswitch.testing.plan import make_leads
from softswitch.testing.rtp import FRAME
from softswitch.testing.speaker import Speaker
from softswitch.testing.station import Conversation
from softswitch.testing.trunk import Trunk, TrunkCall

PASSWORD = "270418"
"""Everybody's, and PIN."""
DID = "+442079460999"
LEADS = 3000
LAG_STEP_S = 0.005
CALLS_A_SECOND = 20
PLACING_S = 0.05


def agents_named(count: int) -> list[str]:
    return [str(1001 + n) for n in range(count)]


def supervisors_named(count: int) -> list[str]:
    return [f"sue{n}" for n in range(count)]


# The switch's process


def write_site(folder: Path, agents: int, calls: int, trunk: tuple[str, int], sip_port: int, talk_s: float) -> Path:
    """Its TOML file with the lists beside it."""
    from softswitch.demo.lab import daytime_zone, write_lead_list
    from softswitch.demo.shift import VOICES
    from softswitch.recordings.keys import new_key_pair

    write_lead_list(make_leads(LEADS), folder / "leads.csv")
    (folder / "never-dial.csv").write_text("number\n+442079460998\n")
    script = Path(next(iter(softswitch.configs.__path__))) / "script-travel.toml"
    staff = "".join(
        f'[[agents]]\nid = "{name}"\nphone_username = "{name}"\nphone_password = "phone-secret-{name}"\n'
        f'pin = "{PASSWORD}"\n'
        for name in [*agents_named(agents), "9999"]
    )
    dialling = json.dumps(agents_named(agents))
    text = f"""[site]
name = "Meadow Research (load)"
time_zone = "{daytime_zone()}"
data_directory = "data"
[sip]
port = {sip_port}
[media]
first_port = 16000
last_port = {16001 + 4 * (calls + agents + 300)}
[web]
port = 0
[recordings]
minimum_free_mb = 1
auditor_public_key = "{new_key_pair().public.hex()}"
[safeguards]
never_dial = "never-dial.csv"
supervisor_ratio = 60
[prompts]
information = "{VOICES / "prompt-information-message.wav"}"
[[trunks]]
name = "carrier"
host = "{trunk[0]}"
port = {trunk[1]}
caller_id = "{DID}"
channels = {calls + 100}
calls_per_second = {CALLS_A_SECOND}
{staff}[[campaigns]]
name = "survey"
trunk = "carrier"
information_message = "information"
policy = "progressive"
amd = "parallel"
wrap_up_s = 1
maximum_attempts = 100
leads = "leads.csv"
script = "{script}"
visible_fields = ["city"]
agents = {dialling}
[[inbound]]
did = "{DID}"
agents = ["9999"]
caller_hears = "information"
patience_s = 3600
"""
    (folder / "site.toml").write_text(text)
    return folder / "site.toml"


async def run_switch(folder: Path) -> None:
    """Start it, tell where it is; "begin" and "end" on stdin frame what is measured."""
    from softswitch.config import load
    from softswitch.logs import write_logs_to
    from softswitch.switch import Switch
    from softswitch.transports.collector import collect_rarely
    from softswitch.transports.threads import hand_over_quickly
    from softswitch.web.passwords import Passwords

    write_logs_to(folder / "switch.log", logging.INFO)
    switch = Switch(load(folder / "site.toml"))
    await switch.start()
    passwords = Passwords()
    hashed = await passwords.hash(PASSWORD)
    passwords.close()
    for name in supervisors_named(int(os.environ["SUPERVISORS"])):
        await switch.site.store.add_account(name, hashed, "supervisor")
    announce(web=switch.web_url)
    collect_rarely()
    hand_over_quickly()
    lags: list[float] = []
    events: list[tuple[float, str, str]] = []
    board, go = switch.site.board, switch.site.board._go

    def note(one: Any, state: Any, *rest: Any, **more: Any) -> None:
        events.append((time.monotonic(), one.name, state.value.upper()))
        go(one, state, *rest, **more)

    board._go = note

    async def look() -> None:
        while True:
            due = time.monotonic() + LAG_STEP_S
            await asyncio.sleep(LAG_STEP_S)
            lags.append(time.monotonic() - due)

    looking = asyncio.create_task(look())
    loop = asyncio.get_running_loop()
    while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        board = switch.desk.wallboard()
        states = [each.state for each in board.agents]
        now = {
            "calls": board.trunks[0].calls,
            "waiting": sum(queue.waiting for queue in board.queues),
            "in_call": states.count("in call"),
            "at_work": len(states) - states.count("offline"),
            "packets_in": board.media_packets_in,
            "lost": board.media_packets_lost,
            "held": [each.reason for each in board.interlocks if not each.closed],
        }
        if line == "dial":
            await switch.desk.start_campaign("survey")
        elif line == "begin":
            lags.clear()
            began, cpu = time.monotonic(), time.process_time()
        elif line == "end":
            now["events"] = events
            now["loop_lag_ms"] = percentiles(np.array(lags) * 1e3)
            now["cpu_share"] = round((time.process_time() - cpu) / (time.monotonic() - began), 3)
        announce(**now)
    looking.cancel()
    await switch.stop()


def percentiles(values: Any) -> dict[str, float]:
    if not len(values):
        return {"count": 0}
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    told = {"p50": p50, "p95": p95, "p99": p99, "max": values.max()}
    return {"count": len(values), **{name: round(float(value), 2) for name, value in told.items()}}


# The lab's process

_RNG = np.random.default_rng(1)
_LOUD = [_RNG.normal(0, 1600, FRAME).astype(np.int16) for _ in range(50)]
_SOFT = [_RNG.normal(0, 10, FRAME).astype(np.int16) for _ in range(50)]


class Murmur(Speaker):
    """Two seconds of noise, two of near silence, and again."""

    def __init__(self, offset: int) -> None:
        self._frames = cycle(frame for n in range(4) for frame in (_LOUD if (n + offset) % 4 < 2 else _SOFT))

    def next_frame(self) -> Pcm:
        return next(self._frames)


class DeafEar(MarkerEar):
    def __init__(self) -> None:
        self.heard = set()

    def receive(self, pcm: Pcm) -> list[tuple[int, bool]]:
        return []


class PlainTrunk(Trunk):
    async def _open(self, call: TrunkCall) -> Conversation:
        call.conversation = Conversation(self.journal, Murmur(0), DeafEar(), **self._names(call))
        self._by_leg[call.leg_id] = call
        await call.conversation.open(self.address[0])
        assert call.conversation.end is not None
        call.conversation.end._heard = None
        return call.conversation


class PlainPhone(Phone):
    async def _open(self, leg_id: str) -> Conversation:
        conversation = self.conversations[leg_id] = Conversation(
            self.journal, Murmur(2), DeafEar(), **self._names(leg_id)
        )
        await conversation.open(self.address[0])
        assert conversation.end is not None
        conversation.end._heard = None
        return conversation


async def run_lab(sip_port: int, agents: int, waiting: int, talk_s: float) -> None:
    """The carrier is there at once; at the first line on stdin the phones log in and the callers call."""
    os.nice(10)
    switch = ("127.0.0.1", sip_port)
    plan = {
        lead.phone_number: CalleePlan(Kind.PERSON, ring_s=0.5, talk_s=talk_s * (0.75 + 0.5 * (n % 11) / 10))
        for n, lead in enumerate(make_leads(LEADS))
    }
    trunk = await PlainTrunk.start(plan, switch=switch)
    announce(address=trunk.address)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    phones = []
    for name in agents_named(agents):
        phone = await PlainPhone.start(switch, PhoneSettings(name, name, f"phone-secret-{name}", expires_s=300))
        phones.append(phone)
        await phone.registered.wait()
        await phone.dial("login")
    for _ in range(waiting):
        await trunk.call(DID, CalleePlan(Kind.PERSON, talk_s=0.0))
        await asyncio.sleep(PLACING_S)
    announce(phones=len(phones), callers=waiting)
    await parent_gone()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("part", choices=("switch", "lab"))
    options.add_argument("--folder", type=Path)
    options.add_argument("--sip-port", type=int)
    options.add_argument("--agents", type=int)
    options.add_argument("--waiting", type=int)
    options.add_argument("--talk-s", type=float)
    given = options.parse_args()
    if given.part == "switch":
        uvloop.run(run_switch(given.folder))
    else:
        uvloop.run(run_lab(given.sip_port, given.agents, given.waiting, given.talk_s))


if __name__ == "__main__":
    main()
