"""Two campaigns with the same people on their lists, and callers in a burst, for the same two agents."""

import asyncio
from collections import Counter
from itertools import pairwise
from pathlib import Path

import uvloop

from softswitch.demo.lab import daytime_zone
from softswitch.dialler.attempt import DialAttempt
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.trunk import Trunk
from tests.interop.site import CAMPAIGN, DID, address_of
from tests.scenarios.conftest import floor

NUMBERS = [f"+4420794601{n:02d}" for n in range(6)]
AGENTS = ("1001", "1002")
CALLERS = 3
QUEUE = f"inbound-{DID.removeprefix('+')}"
CHANGES = """
[[inbound]] -> [[campaigns]]\\nname = "second"\\ntrunk = "carrier"\\ninformation_message = "information"\\npolicy = "guaranteed_agent"\\namd = "off"\\nwrap_up_s = 1\\nleads = "second.csv"\\n[[inbound]]
prompt_no_agent = "no-agent" -> patience_s = 60.0\\npriority = 5\\nservice_share = 0.8
"""  # noqa: E501


def apart(spans: list[tuple[object, object]]) -> bool:
    """Whether none begins before the one before it has ended."""
    return all(first[1] <= second[0] for first, second in pairwise(sorted(spans)))


def test_agents_serve_both_campaigns_and_a_burst_of_callers_one_call_at_a_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {n: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=2.0, seed=k) for k, n in enumerate(NUMBERS)}
        zone = daytime_zone()
        (tmp_path / "second.csv").write_text("phone_number,time_zone\n" + "".join(f"{n},{zone}\n" for n in NUMBERS))
        async with floor(tmp_path, plan, agents=AGENTS, changes=CHANGES, amd="off") as site:
            await site.log_in(*AGENTS)
            await site.start()
            await site.switch.desk.start_campaign("second")
            await site.until(lambda: len(site.calls("in call")) > 0, "somebody is talked to")
            caller = await Trunk.start({}, switch=address_of(site.switch))
            plans = [CalleePlan(Kind.PERSON, talk_s=6.0, seed=50 + n) for n in range(CALLERS)]
            burst = await asyncio.gather(*(caller.call(DID, each) for each in plans))
            await site.until(lambda: all(call.answered for call in burst), "every caller has an agent")
            await site.until(lambda: all(call.ended for call in burst), "the callers are through")
            for name in (CAMPAIGN, "second"):
                await site.switch.desk.pause_campaign(name)
            await site.until(lambda: not site.calls() and not len(site.switch.site.inbound), "all calls are over")
            await site.switch.site.records.drain(60)
            every = await site.switch.site.store.attempts(limit=1000)
            numbers = await numbers_of(site.switch.site.store)
            await caller.stop()
        judge(every, numbers)

    uvloop.run(scenario())


async def numbers_of(store) -> dict[str, str]:
    return {**await store.numbers_of(CAMPAIGN), **await store.numbers_of("second")}


def judge(every: list[DialAttempt], numbers: dict[str, str]) -> None:
    by_campaign = Counter(attempt.campaign for attempt in every)
    assert by_campaign[CAMPAIGN] and by_campaign["second"] and by_campaign[QUEUE] == CALLERS
    callers = [attempt for attempt in every if attempt.campaign == QUEUE]
    assert {(a.disposition, a.agent in AGENTS) for a in callers} == {("connected", True)}
    dialled = [attempt for attempt in every if attempt.campaign != QUEUE and attempt.invited_at]
    assert not any(attempt.abandoned and attempt.campaign == "second" for attempt in dialled)
    for agent in AGENTS:
        assert apart([(a.bridged_at, a.ended_at) for a in every if a.agent == agent and a.bridged_at])
    for number in NUMBERS:
        theirs = [a for a in dialled if numbers[a.lead_ref] == number]
        assert apart([(a.invited_at, a.ended_at) for a in theirs]), "no number rings on two campaigns at once"
        assert len(theirs) <= 2
