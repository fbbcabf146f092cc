"""The signalling process is killed in mid-call: nobody on the telephone notices, and the next process goes on with it.

Real processes: the switch is the command itself, the carrier and the phones are the lab's, in the test's own process.
"""

import asyncio
from pathlib import Path

import numpy as np
import uvloop

from softswitch.config import load, recordings_directory
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.rtp import PACKET_S
from softswitch.testing.trunk import TrunkCall
from tests.auditor import listen
from tests.interop.site import CAMPAIGN, DID
from tests.scenarios.scene import scene, until

A, B = "+442079460101", "+442079460102"
MARKER_HZ = 3100


def gaps_s(samples: np.ndarray, call: TrunkCall) -> float:
    """For how long the callee's marker is missing, once it has begun, that the callee's end did send.

    An end whose process stood still sends nothing meanwhile, and says the rest later.
    """
    windows = samples[: len(samples) // 800 * 800].reshape(-1, 800).astype(float)
    tone = np.exp(-2j * np.pi * MARKER_HZ * np.arange(800) / 8000)
    present = np.abs(windows @ tone) / 400 > 100
    # A greeting may touch the marker's frequency for a moment before it begins.
    first = next(at for at in range(len(present)) if present[at : at + 5].all())
    assert call.conversation is not None
    assert call.conversation.end is not None
    stood_still_s = max(0.0, len(samples) / 8000 - call.conversation.end.counts.sent * PACKET_S)
    missing = np.count_nonzero(~present[first:-5])
    return float(missing * 0.1 - 3 * stood_still_s)  # a gap takes the tenths at its edges with it


def talks(kind: Kind = Kind.PERSON, **more: object) -> CalleePlan:
    return CalleePlan(kind, ring_s=0.3, talk_s=0.0, marker_hz=MARKER_HZ, **more)  # type: ignore[arg-type]


def test_calls_talk_on_while_the_signalling_process_is_dead_and_end_in_order_under_the_next(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with scene(tmp_path, {A: talks(seed=1), B: talks(seed=2)}, "1001", "1002") as site:
            await until(lambda: site.call(A) and site.call(B), "both are answered")
            first, second = site.call(A), site.call(B)
            assert first is not None
            assert second is not None
            await until(lambda: site.hears_agents(first) and site.hears_agents(second), "both hear an agent")
            await asyncio.sleep(1.0)

            await site.command.kill()
            before = site.counts()
            assert len(before) == 4
            await until(lambda: site.have_heard(60, since=before), "all hear the other end while nobody signals")

            await site.command.run()
            await site.command.ready()
            assert [lost for _, lost in site.counts()] == [lost for _, lost in before]
            assert not first.ended
            assert not second.ended

            site.trunk.hang_up(first)
            (over,) = await site.ended(1)
            assert (over.disposition, over.outcome) == ("connected", "answered")
            assert over.bridged_at is not None
            assert first.ended
            assert not second.ended

            # The other agent's phone proposes its media anew, then its callee is still heard.
            agent = next(agent for agent in site.phones if agent != over.agent)
            phone = site.phones[agent]
            (leg_id,) = phone.conversations
            end = phone.conversations[leg_id].end
            assert end is not None
            phone.propose()
            await until(lambda: phone.journal.of("offer_answered"), "the switch answers the phone's re-INVITE")
            received = end.counts.received
            await until(lambda: end.counts.received > received + 15, "the callee is heard again")

            site.trunk.hang_up(second)
            attempts = await site.ended(2)
            assert {attempt.agent for attempt in attempts} == {"1001", "1002"}
            assert all(phone.conversations for phone in site.phones.values()), "agents' lines are up for their shift"
            folder = recordings_directory(load(site.command.configuration))
            for attempt in attempts:
                assert attempt.answered_at is not None
                assert attempt.ended_at is not None
                path = folder / attempt.recording
                await until(lambda path=path: listen(path).is_finished, "the recording is closed")
                sound = listen(path)
                lasted = (attempt.ended_at - attempt.answered_at).total_seconds()
                assert abs(len(sound.samples) / 8000 - lasted) < 1.0, (len(sound.samples), lasted)
                spoken = first if attempt.agent == over.agent else second
                assert gaps_s(sound.samples[:, 1], spoken) < 0.05 * lasted, "all that the callee said is recorded"

    uvloop.run(scenario())


def test_a_caller_talks_on_and_what_rang_is_cut_off_in_time_and_recorded_as_it_was(tmp_path: Path) -> None:
    async def scenario() -> None:
        rings = CalleePlan(Kind.NO_ANSWER)
        async with scene(tmp_path, {A: rings, B: rings}, "1001", "1002") as site:
            await until(lambda: len(site.trunk.calls) == 2, "both ring")
            invited = [entry["at"] for entry in site.trunk.journal.of("invite")]
            caller = await site.trunk.call(DID, talks(seed=4))
            await until(lambda: caller.answered and site.hears_agents(caller), "the caller hears an agent")

            await site.command.kill()
            await site.command.run()
            await site.command.ready()
            assert site.trunk.calls[0].task is not None
            await until(lambda: all(call.ended for call in site.trunk.calls), "what rang is cancelled")
            cancelled = [entry["at"] for entry in site.trunk.journal.of("ended")]
            assert min(cancelled) - max(invited) > 14.5, "nobody runs to the telephone in vain"
            over = await site.ended(2)
            assert {attempt.outcome for attempt in over} <= {"cancelled", "no-answer"}
            assert all(attempt.answered_at is None and not attempt.abandoned for attempt in over)

            assert caller.conversation is not None
            assert caller.conversation.end is not None
            counts = caller.conversation.end.counts
            received = counts.received
            await until(lambda: counts.received > received + 15, "the caller hears the agent under the next process")
            site.trunk.hang_up(caller)
            served = next(each for each in await site.ended(3) if each.campaign != CAMPAIGN)
            assert (served.outcome, served.disposition) == ("answered", "connected")
            path = recordings_directory(load(site.command.configuration)) / served.recording
            await until(lambda: listen(path).is_finished, "the recording is closed")
            samples = listen(path).samples
            assert gaps_s(samples[:, 1], caller) < 0.05 * len(samples) / 8000

    uvloop.run(scenario())
