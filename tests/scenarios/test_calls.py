"""Calls through the whole switch: who is connected to whom, what is heard, what is kept."""

import asyncio
from itertools import pairwise
from pathlib import Path

import uvloop

from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.marker import AGENT_MARKERS_HZ
from softswitch.testing.trunk import Trunk
from tests.auditor import markers
from tests.interop.site import CAMPAIGN, DID, address_of
from tests.scenarios.conftest import floor

A, B = "+442079460101", "+442079460102"


def test_a_person_talks_with_the_agent_and_both_are_on_the_recording(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=4.0, marker_hz=2900, seed=3)}
        async with floor(tmp_path, plan) as site:
            await site.log_in("1001")
            await site.start()
            (attempt,) = await site.ended()
            assert (attempt.outcome, attempt.disposition, attempt.agent) == ("answered", "connected", "1001")
            assert attempt.committed_at <= attempt.invited_at <= attempt.answered_at <= attempt.bridged_at
            assert attempt.packets_lost == 0
            assert 2900 in site.phones["1001"].heard
            assert AGENT_MARKERS_HZ[0] in site.trunk.calls[0].conversation.ear.heard
        left, right = markers(tmp_path / "data" / "recordings" / attempt.recording)
        assert AGENT_MARKERS_HZ[0] in left
        assert right == {2900}

    uvloop.run(scenario())


def test_machines_are_hung_up_on_and_the_agent_is_ready_without_a_wrap_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {
            f"+44207946030{n}": CalleePlan(Kind.MACHINE, ring_s=0.3, clip=f"machine-greeting-{n}", seed=n)
            for n in (1, 2, 4)
        }
        async with floor(tmp_path, plan) as site:
            await site.log_in("1001")
            await site.start()
            attempts = await site.ended(3)
            found = [attempt for attempt in attempts if attempt.amd_verdict == "MACHINE"]
            assert len(found) >= 2  # the detector's own recall is measured elsewhere
            assert {attempt.disposition for attempt in found} == {"machine"}
            assert site.campaign().live_today <= 3 - len(found)
            (agent,) = site.switch.desk.wallboard().agents
            assert agent.wrap_up_s <= 1.5 * (3 - len(found))

    uvloop.run(scenario())


def test_before_agent_connects_people_and_no_machine_that_was_told_in_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {
            A: CalleePlan(Kind.MACHINE, ring_s=0.3, clip="machine-greeting-2", marker_hz=2600, seed=1),
            B: CalleePlan(Kind.PERSON, ring_s=0.3, clip="human-hello-1", talk_s=6.0, marker_hz=3000, seed=2),
        }
        async with floor(tmp_path, plan, amd="before_agent") as site:
            await site.log_in("1001")
            await site.start()
            attempts = await site.ended(2)
            numbers = await site.switch.site.store.numbers_of(CAMPAIGN)
            machine, person = (next(a for a in attempts if numbers[a.lead_ref] == n) for n in (A, B))
            assert person.agent == "1001"
            assert 3000 in site.phones["1001"].heard
            # The two-second rule ends all doubt: a machine that has not said enough by then reaches the agent.
            assert machine.bridged_at is None or machine.amd_verdict != "MACHINE" or machine.amd_audio_ms > 1500
            assert (person.bridged_at - person.answered_at).total_seconds() <= 2.1

    uvloop.run(scenario())


def test_an_answered_call_without_an_agent_hears_the_message_and_its_number_is_locked(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.PERSON, ring_s=2.0, talk_s=5.0, seed=5)}
        async with floor(tmp_path, plan) as site:
            await site.log_in("1001")
            await site.start()
            await site.until(lambda: site.calls("ringing"), "the callee's telephone rings")
            await site.switch.desk.pause_agent("1001", "break")
            (attempt,) = await site.ended()
            assert attempt.abandoned
            assert attempt.disposition == "abandoned"
            assert not attempt.silent
            assert (attempt.message_at - attempt.answered_at).total_seconds() <= 2.0
            assert site.campaign().abandoned_today == 1
            assert site.trunk.calls[0].conversation.end.counts.received > 50
            locked = await site.switch.site.store.locked_numbers(attempt.ended_at)
            hours = (locked[A] - attempt.answered_at).total_seconds() / 3600
            assert 71.9 < hours < 72.1

    uvloop.run(scenario())


def test_calls_wait_their_turn_on_a_carrier_that_takes_one_a_second(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {f"+44207946020{n}": CalleePlan(Kind.BUSY, ring_s=0.1) for n in range(4)}
        changes = 'name = "carrier" -> name = "carrier"\\ncalls_per_second = 1'
        async with floor(tmp_path, plan, agents=("1001", "1002"), changes=changes) as site:
            await site.log_in("1001", "1002")
            await site.start()
            attempts = await site.ended(4)
            assert {attempt.outcome for attempt in attempts} == {"busy"}
            at = [entry["at"] for entry in site.trunk.journal.of("invite")]
            assert all(later - earlier > 0.9 for earlier, later in pairwise(at))

    uvloop.run(scenario())


def test_an_inbound_call_goes_to_the_agent_who_is_free(tmp_path: Path) -> None:
    async def scenario() -> None:
        # The number on the list is never dialled here: the campaign is not started.
        async with floor(tmp_path, {A: CalleePlan(Kind.BUSY)}) as site:
            await site.log_in("1001")
            caller = await Trunk.start({}, switch=address_of(site.switch))
            refused = await caller.call(DID, CalleePlan(Kind.PERSON, talk_s=3.0))
            await site.until(lambda: refused.ended, "nobody watches, so the call is refused")
            site.switch.desk.supervisor_arrived("supervisor")
            call = await caller.call(DID, CalleePlan(Kind.PERSON, talk_s=3.0, marker_hz=2700, seed=4))
            await site.until(lambda: site.state("1001") == "in call", "the agent is in the call")
            await site.until(lambda: call.ended, "the caller hangs up")
            await site.until(lambda: site.state("1001") == "wrap-up", "the agent wraps up")
            assert 2700 in site.phones["1001"].heard
            (record,) = await site.switch.site.store.attempts("inbound-" + DID.removeprefix("+"))
            await site.switch.site.records.drain(60)
            record = await site.switch.site.store.attempt(record.call_ref)
            assert (record.agent, record.disposition) == ("1001", "connected")
            await caller.stop()

    uvloop.run(scenario())


def test_the_kill_switch_mutes_the_agent_plays_the_closing_message_and_keeps_the_recording(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=30.0, marker_hz=3200, seed=6), B: CalleePlan(Kind.PERSON)}
        async with floor(tmp_path, plan) as site:
            await site.log_in("1001")
            await site.start()
            await site.until(lambda: site.calls("in call"), "they talk")
            await asyncio.sleep(2.5)
            await site.switch.desk.kill_switch("supervisor")
            (attempt,) = await site.ended()
            assert attempt.message_at is not None
            assert site.campaign().state == "stopped"
            assert site.invites() == 1
        left, _ = markers(tmp_path / "data" / "recordings" / attempt.recording)
        assert AGENT_MARKERS_HZ[0] in left

    uvloop.run(scenario())
