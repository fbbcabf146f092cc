"""A carrier that takes one call in two seconds: what waits for its turn has not left, and what allowed it may end."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from softswitch.testing.callee import CalleePlan, Kind
from tests.interop.site import CAMPAIGN, DID
from tests.scenarios.conftest import Floor, floor

NUMBERS = ("+442079460001", "+442079460002")
SLOW = f'caller_id = "{DID}" -> caller_id = "{DID}"\\ncalls_per_second = 0.5'
TWO_TURNS_S = 4.5


async def stopped(site: Floor) -> None:
    await site.switch.desk.stop_campaign(CAMPAIGN)


async def paused(site: Floor) -> None:
    await site.switch.desk.pause_campaign(CAMPAIGN)


async def killed(site: Floor) -> None:
    await site.switch.desk.kill_switch("supervisor")


@pytest.mark.parametrize("end", [stopped, paused, killed])
def test_a_call_that_waits_for_its_turn_on_the_carrier_is_not_placed_once_the_campaign_may_place_none(
    tmp_path: Path, on_loop: Callable[[Awaitable[None]], None], end: Callable[[Floor], Awaitable[None]]
) -> None:
    async def scenario() -> None:
        plan = {number: CalleePlan(Kind.BUSY, ring_s=1.0) for number in NUMBERS}
        async with floor(tmp_path, plan, agents=("1001", "1002"), changes=SLOW) as site:
            await site.log_in("1001", "1002")
            await site.start()
            await site.until(lambda: site.invites() == 1 and len(site.calls()) == 2, "one call waits for its turn")
            await end(site)
            await asyncio.sleep(TWO_TURNS_S)
            assert site.invites() == 1
            assert site.campaign().attempts_today == 1
            assert not site.calls()
            calls = await site.ended(2)
            assert sorted(one.disposition for one in calls if one.invited_at is None) == ["blocked"]
            assert sorted([lead.attempts async for lead in await site.switch.desk.leads_of(CAMPAIGN)]) == [0, 1]

    on_loop(scenario())
