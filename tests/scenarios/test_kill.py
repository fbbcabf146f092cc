"""kill -9 at random moments of a shift, again and again; then the carrier's own record is held against the store.

Twice here; `SOFTSWITCH_KILLS=30` does it thirty times, over some minutes.
"""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

import numpy as np
import uvloop

from softswitch.config import load, store_url
from softswitch.store.database import Store
from softswitch.testing.callee import CalleePlan, Kind
from tests.interop.site import CAMPAIGN
from tests.recount import tell
from tests.scenarios.test_survival import Scene, scene

KILLS = int(os.environ.get("SOFTSWITCH_KILLS", "2"))
AGENTS = ("1001", "1002")
KINDS = (Kind.PERSON,) * 6 + (Kind.BUSY, Kind.NO_ANSWER, Kind.FAILURE, Kind.INVALID)
MEDIA_TOO_EVERY = 5


def make_plan(rng: np.random.Generator, count: int) -> dict[str, CalleePlan]:
    return {
        f"+44207946{n:04d}": CalleePlan(
            KINDS[int(rng.integers(len(KINDS)))],
            ring_s=float(rng.uniform(0.2, 2.0)),
            talk_s=float(rng.uniform(4.0, 15.0)),
            seed=n,
        )
        for n in range(100, 100 + count)
    }


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def kill(site: Scene, port: int, media: set[int], *, media_too: bool) -> None:
    process = site.command.process
    assert process is not None
    media.update(children(process.pid))
    await site.command.kill()
    if media_too:
        for pid in media:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)
        media.clear()
    await site.command.run()
    await site.command.ready()
    if media_too:  # the agents' lines are gone: they come back as people do
        await asyncio.gather(*(phone.stop() for phone in site.phones.values()))
        await site.log_in(port, *AGENTS)


def test_however_often_the_switch_is_killed_no_lead_is_lost_none_dialled_twice_and_all_abandoned_are_counted(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(int(os.environ.get("SOFTSWITCH_SEED", "1")))

    async def scenario() -> None:
        plan = make_plan(rng, 20 + 6 * KILLS)
        async with scene(tmp_path, plan, *AGENTS) as site:
            port = load(site.command.configuration).sip.port
            media: set[int] = set()
            for n in range(1, KILLS + 1):
                await asyncio.sleep(float(rng.uniform(0.2, 4.0)))
                await kill(site, port, media, media_too=n % MEDIA_TOO_EVERY == 2)
            await asyncio.sleep(5.0)
            await site.command.stop()
            heard = {call.number: site.hears_agents(call) for call in site.trunk.calls if call.answered}
            rung = Counter(call.number for call in site.trunk.calls)
        store = await Store.open(store_url(load(tmp_path / "site.toml")))
        numbers = await store.numbers_of(CAMPAIGN)
        attempts = await store.attempts(CAMPAIGN, limit=10_000)
        states = [lead.state.value async for lead in store.all_leads(CAMPAIGN)]
        told = tell([entry async for entry in store.journal()])
        await store.release_leads()  # what the last stop left open, the next start closes
        open_at_last = {each.call_ref for each in attempts if each.ended_at is None}
        attempts = await store.attempts(CAMPAIGN, limit=10_000)
        await store.close()

        assert len(states) == len(plan) == len(set(numbers.values())), "no lead is lost"
        assert all(count == 1 for count in rung.values()), "and none is dialled twice"
        made = {numbers[each.lead_ref]: each for each in attempts if each.invited_at is not None}
        assert rung.keys() <= made.keys(), "no INVITE that was not committed"
        assert {each.call_ref for each in attempts} == told.keys(), "the journal knows them all"
        for number, agent in heard.items():
            kept = made[number]
            assert agent or kept.abandoned, (kept, "answered, heard nobody, and is not counted")
        counted = sum(each.abandoned for each in attempts)
        print(
            f"{KILLS} kills, {len(rung)} calls, {len(heard)} answered, {counted} abandoned, "
            f"{sum(not agent for agent in heard.values())} heard nobody, {len(open_at_last)} open at the end"
        )

    uvloop.run(scenario())
