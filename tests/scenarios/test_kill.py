"""kill -9 at random moments of a shift, again and again; then the carrier's own record is held against the store.

Twice here; `SOFTSWITCH_KILLS=30` does it thirty times, over some minutes.
"""

import asyncio
import os
import signal
from itertools import pairwise
from pathlib import Path

import numpy as np
import uvloop

from softswitch.config import load, store_url
from softswitch.dialler.attempt import DialAttempt
from softswitch.store.database import Store
from softswitch.store.recovery import RETRY_AFTER
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.trunk import TrunkCall
from tests.interop.site import CAMPAIGN
from tests.recount import tell
from tests.scenarios.scene import Scene, scene

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


def heard_somebody(call: TrunkCall) -> bool:
    """Whether a callee heard an agent, or for less than a second something that the ear cannot tell in that time."""
    if call.conversation is None or call.conversation.end is None:
        return False
    return bool(call.conversation.ear.heard) or 0 < call.conversation.end.counts.received < 50


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
            calls = [(call.number, call.answered, heard_somebody(call)) for call in site.trunk.calls]
        store = await Store.open(store_url(load(tmp_path / "site.toml")))
        numbers = await store.numbers_of(CAMPAIGN)
        attempts = await store.attempts(CAMPAIGN, limit=10_000)
        states = [lead.state.value async for lead in store.all_leads(CAMPAIGN)]
        told = tell([entry async for entry in store.journal()])
        await store.release_leads()  # what the last stop left open, the next start closes
        attempts = await store.attempts(CAMPAIGN, limit=10_000)
        await store.close()

        assert len(states) == len(plan) == len(set(numbers.values())), "no lead is lost"
        made: dict[str, list[DialAttempt]] = {}
        for each in sorted(attempts, key=lambda each: each.committed_at):
            if each.invited_at is not None:
                made.setdefault(numbers[each.lead_ref], []).append(each)
        for first, then in (pair for theirs in made.values() for pair in pairwise(theirs)):
            assert first.ended_at is not None
            assert then.committed_at - first.ended_at >= RETRY_AFTER, "none is dialled twice before its time"
        assert {each.call_ref for each in attempts} == told.keys(), "the journal knows them all"
        of_number: dict[str, list[tuple[bool, bool]]] = {}
        for number, answered, agent in calls:
            of_number.setdefault(number, []).append((answered, agent))
        for number, rung in of_number.items():
            theirs = made.get(number, [])
            # A commitment whose INVITE never left is counted as a dial: nobody can tell.
            assert len(rung) <= len(theirs), "no INVITE that was not committed"
            missed = sum(answered and not agent for answered, agent in rung)
            assert missed <= sum(each.abandoned for each in theirs), (theirs, "answered, heard nobody, not counted")
        print(
            f"{KILLS} kills, {len(calls)} calls, {sum(answered for _, answered, _ in calls)} answered, "
            f"{sum(answered and not agent for _, answered, agent in calls)} heard nobody, "
            f"{sum(each.abandoned for each in attempts)} counted as abandoned"
        )

    uvloop.run(scenario())
