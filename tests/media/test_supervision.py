"""Supervisors hear agent and callee, speak to one or both, and disturb neither."""

import asyncio
import time
from itertools import pairwise

import numpy as np
import pytest
from softswitch.codecs import g711
from softswitch.codecs.tones import goertzel_power, tone

from softswitch.errors import UsageError
from tests.media.conftest import contiguous

AGENT_HZ, CALLEE_HZ, SUPERVISOR_HZ = 500.0, 800.0, 1300.0
HEARD = 2000.0**2 / 4
"""A tone at -20 dBov has an amplitude of about 4,600."""


def level(samples, hz):
    return goertzel_power(np.ascontiguousarray(samples), hz, 8000.0)


WINDOW = 1600
"""200 ms."""


def hears(end, hz, since=0):
    """Whether a tone is in any of the windows that have come since a sample. Which one, is the machine's to say."""
    heard = end.heard()[since:]
    return any(level(heard[at : at + WINDOW], hz) > HEARD for at in range(0, heard.size - WINDOW + 1, WINDOW))


def hears_now(end, hz):
    """Whether it is in the last window."""
    heard = end.heard()
    return heard.size >= WINDOW and level(heard[-WINDOW:], hz) > HEARD


def spurts(end):
    """What an end has heard, in pieces without a gap: a mark in the stream (RFC 3551 §4.1) says that it was not there
    in time, and only this machine can have been the cause, for every end speaks all the time."""
    first = end.packets[0].timestamp
    marks = [packet for packet in end.packets if packet.marker]
    for mark in marks[1:]:
        at = end.packets.index(mark)
        came = [packet.at for packet in end.packets[max(at - 25, 0) : at + 1]]
        assert max(np.diff(came)) > 0.04, "nothing was late, and yet the stream begins anew"
    heard = end.heard()
    edges = sorted({mark.timestamp - first for mark in marks} | {heard.size})
    return [heard[start + 400 : stop - 400] for start, stop in pairwise(edges) if stop - start > 1000]


def hum(hz, seconds=3.0):
    return tone((hz,), int(1000 * seconds), -20.0)


def three(studio, codecs=("PCMU", "PCMA", "PCMU")):
    """An agent and a callee in a call, and a supervisor."""
    agent, callee, supervisor = (studio.end(codec, ssrc) for ssrc, codec in enumerate(codecs, 1))
    studio.plane.bridge(agent.leg, callee.leg)
    return agent, callee, supervisor


async def all_talk(*ends_and_tones):
    await asyncio.gather(*(end.say(hum(hz)) for end, hz in ends_and_tones))


def test_a_supervisor_hears_both_ends_and_is_heard_by_none(run):
    async def scenario(studio):
        agent, callee, supervisor = three(studio)
        studio.plane.supervision.listen(supervisor.leg, agent.leg)
        await all_talk((agent, AGENT_HZ), (callee, CALLEE_HZ), (supervisor, SUPERVISOR_HZ))
        assert hears(supervisor, AGENT_HZ) and hears(supervisor, CALLEE_HZ)
        assert not hears(supervisor, SUPERVISOR_HZ)
        assert hears(agent, CALLEE_HZ) and not hears(agent, SUPERVISOR_HZ) and not hears(agent, AGENT_HZ)
        assert hears(callee, AGENT_HZ) and not hears(callee, SUPERVISOR_HZ) and not hears(callee, CALLEE_HZ)
        assert contiguous(supervisor.packets)

    run(scenario)


def test_whispering_reaches_the_agent_alone(run):
    async def scenario(studio):
        agent, callee, supervisor = three(studio)
        studio.plane.supervision.listen(supervisor.leg, agent.leg)
        studio.plane.supervision.speak(supervisor.leg, agent.leg)
        await all_talk((agent, AGENT_HZ), (callee, CALLEE_HZ), (supervisor, SUPERVISOR_HZ))
        assert hears(agent, SUPERVISOR_HZ) and hears(agent, CALLEE_HZ)
        assert hears(callee, AGENT_HZ) and not hears(callee, SUPERVISOR_HZ)
        assert hears(supervisor, AGENT_HZ) and hears(supervisor, CALLEE_HZ) and not hears(supervisor, SUPERVISOR_HZ)

    run(scenario)


def test_barging_in_is_heard_by_all(run):
    async def scenario(studio):
        agent, callee, supervisor = three(studio)
        for leg in (agent.leg, callee.leg):
            studio.plane.supervision.speak(supervisor.leg, leg)
        studio.plane.supervision.listen(supervisor.leg, agent.leg)
        await all_talk((agent, AGENT_HZ), (callee, CALLEE_HZ), (supervisor, SUPERVISOR_HZ))
        assert hears(agent, SUPERVISOR_HZ) and hears(callee, SUPERVISOR_HZ)
        assert hears(supervisor, AGENT_HZ) and hears(supervisor, CALLEE_HZ)

    run(scenario)


def test_a_whisper_reaches_an_agent_who_is_in_no_call(run):
    async def scenario(studio):
        agent, supervisor = (studio.end(ssrc=ssrc) for ssrc in (1, 2))
        studio.plane.supervision.speak(supervisor.leg, agent.leg)
        await all_talk((supervisor, SUPERVISOR_HZ))
        assert hears(agent, SUPERVISOR_HZ)
        assert contiguous(agent.packets)

    run(scenario)


def test_who_listens_to_an_agent_hears_the_next_callee_too(run):
    async def scenario(studio):
        agent, supervisor, callee = (studio.end(ssrc=ssrc) for ssrc in (1, 2, 3))
        studio.plane.supervision.listen(supervisor.leg, agent.leg)
        talking = asyncio.gather(agent.say(hum(AGENT_HZ, 4)), callee.say(hum(CALLEE_HZ, 4)))
        await studio.until(lambda: hears(supervisor, AGENT_HZ))
        assert not hears(supervisor, CALLEE_HZ)
        before = supervisor.heard().size
        studio.plane.bridge(agent.leg, callee.leg)
        await talking
        assert hears(supervisor, AGENT_HZ, before) and hears(supervisor, CALLEE_HZ, before)

    run(scenario)


def test_joining_and_leaving_leave_no_gap_and_no_click(run):
    async def scenario(studio):
        agent, callee, supervisor = three(studio, ("PCMU", "PCMU", "PCMU"))
        talking = asyncio.gather(
            agent.say(hum(AGENT_HZ, 6)), callee.say(hum(CALLEE_HZ, 6)), supervisor.say(hum(SUPERVISOR_HZ, 6))
        )
        await asyncio.sleep(1)
        for _ in range(3):
            studio.plane.supervision.listen(supervisor.leg, agent.leg)
            studio.plane.supervision.speak(supervisor.leg, agent.leg)
            await asyncio.sleep(0.7)
            studio.plane.supervision.stop_speaking(supervisor.leg, agent.leg)
            studio.plane.supervision.stop_listening(supervisor.leg)
            await asyncio.sleep(0.7)
        left = agent.heard().size
        await talking
        assert contiguous(agent.packets) and contiguous(callee.packets) and contiguous(supervisor.packets)
        assert hears(agent, CALLEE_HZ, left) and not hears(agent, SUPERVISOR_HZ, left)
        # Three steady tones have a bounded second difference; a click has none.
        for end, loudest_hz in ((agent, SUPERVISOR_HZ), (callee, AGENT_HZ), (supervisor, CALLEE_HZ)):
            steady = 2 * 4600 * (2 * np.pi * loudest_hz / 8000) ** 2
            for spurt in spurts(end):
                bend = np.abs(np.diff(spurt.astype(float), 2)).max()
                assert bend < 1.5 * steady + 600, f"a click of {bend:.0f} where tones bend by {steady:.0f}"

    run(scenario)


def test_a_packet_that_comes_a_little_late_finds_its_place_though_somebody_whispers(run):
    """Silence put in its place would be in the way of all that follows, and each late packet would add to it."""

    async def scenario(studio):
        agent, callee, supervisor = three(studio, ("PCMU", "PCMU", "PCMU"))
        studio.plane.supervision.speak(supervisor.leg, agent.leg)
        talking = asyncio.ensure_future(supervisor.say(hum(SUPERVISOR_HZ, 4)))
        codes, due = g711.encode("PCMU", hum(CALLEE_HZ, 4)).tobytes(), time.monotonic()
        for number in range(200):
            late_s = 0.025 if number % 10 == 9 else 0.0
            await asyncio.sleep(max(0.0, due + late_s - time.monotonic()))
            callee.send(codes[160 * number : 160 * number + 160])
            due += 0.02
        await talking
        ours = [packet for packet in agent.packets if packet.marker]
        assert len(ours) <= 6, "one for each end, and where this machine stood still: not one for each of the twenty"
        assert agent.packets[-1].timestamp - agent.packets[0].timestamp <= 8 * 4300
        assert hears(agent, CALLEE_HZ) and hears(agent, SUPERVISOR_HZ)

    run(scenario)


@pytest.mark.parametrize("who", ["supervisor", "callee"])
def test_whoever_hangs_up_in_mid_word_makes_no_click_in_what_is_mixed(run, who):
    """A supervisor who speaks to an agent, or a callee to whom a supervisor listens."""

    async def scenario(studio):
        agent, callee, supervisor = three(studio, ("PCMU", "PCMU", "PCMU"))
        speaker, hearer = (supervisor, agent) if who == "supervisor" else (callee, supervisor)
        if who == "supervisor":
            studio.plane.supervision.speak(supervisor.leg, agent.leg)
        else:
            studio.plane.supervision.listen(supervisor.leg, agent.leg)
        ends = {end: hum(200.0) if end is speaker else np.zeros(24000, np.int16) for end in (agent, callee, supervisor)}
        talking = asyncio.gather(*(end.say(samples) for end, samples in ends.items()))
        await studio.until(lambda: hears_now(hearer, 200.0))
        studio.plane.close_leg(speaker.leg)
        await talking
        steady = 4634 * 2 * np.pi * 200 / 8000
        assert np.abs(np.diff(hearer.heard().astype(float))).max() < 1.5 * steady

    run(scenario)


def test_a_supervisor_who_left_or_hung_up_is_heard_no_more(run):
    async def scenario(studio):
        agent, callee, supervisor = three(studio)
        studio.plane.supervision.speak(supervisor.leg, agent.leg)
        studio.plane.supervision.speak(supervisor.leg, callee.leg)
        talking = asyncio.gather(
            agent.say(hum(AGENT_HZ, 4)), callee.say(hum(CALLEE_HZ, 4)), supervisor.say(hum(SUPERVISOR_HZ, 4))
        )
        await studio.until(lambda: hears_now(agent, SUPERVISOR_HZ) and hears_now(callee, SUPERVISOR_HZ))
        studio.plane.supervision.stop_speaking(supervisor.leg, agent.leg)
        await studio.until(lambda: not hears_now(agent, SUPERVISOR_HZ))
        left_agent, still = agent.heard().size, callee.heard().size
        await studio.until(lambda: hears(callee, SUPERVISOR_HZ, still))
        studio.plane.close_leg(supervisor.leg)
        await studio.until(lambda: not hears_now(callee, SUPERVISOR_HZ))
        left_callee = callee.heard().size
        await talking
        assert not hears(agent, SUPERVISOR_HZ, left_agent) and not hears(callee, SUPERVISOR_HZ, left_callee)
        assert hears(agent, CALLEE_HZ, left_agent) and hears(callee, AGENT_HZ, left_callee)
        with pytest.raises(UsageError):
            studio.plane.supervision.listen(supervisor.leg, agent.leg)

    run(scenario)


def test_a_muted_agent_is_heard_by_the_supervisor_alone(run):
    async def scenario(studio):
        agent, callee, supervisor = three(studio)
        studio.plane.supervision.listen(supervisor.leg, agent.leg)
        studio.plane.mute(agent.leg, True)
        await all_talk((agent, AGENT_HZ), (callee, CALLEE_HZ))
        assert not callee.packets
        assert hears(supervisor, AGENT_HZ) and hears(agent, CALLEE_HZ)

    run(scenario)
