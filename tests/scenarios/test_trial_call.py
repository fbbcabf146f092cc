"""An administrator's test call: recorded, in the store, and past the same gate as every call."""

from pathlib import Path

import pytest

from softswitch.errors import UsageError
from softswitch.exchange.calls.trials import CAMPAIGN
from softswitch.safeguards.site_setup import TestCall
from softswitch.testing.callee import CalleePlan, Kind
from tests.auditor import listen
from tests.scenarios.conftest import Floor, floor

PERSON, BUSY, NEVER = "+442079460001", "+442079460002", "+442079460998"
PLAN = {
    PERSON: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=0.0, seed=3),
    BUSY: CalleePlan(Kind.BUSY, ring_s=0.1),
    NEVER: CalleePlan(Kind.PERSON, ring_s=0.1),
}


def test_a_test_call_is_recorded_and_ends_by_itself_and_what_the_gate_holds_back_never_leaves(
    tmp_path: Path, on_loop
) -> None:
    async def call(site: Floor, number: str) -> TestCall:
        trials = site.switch.site.trials
        placed = await trials.place("carrier", number, "+442079460123")
        await site.until(lambda: trials.last().state in ("ended", "failed"), f"the call to {number[-2:]} is over")
        assert trials.last().call_ref == placed.call_ref
        return trials.last()

    async def story() -> None:
        async with floor(tmp_path, PLAN) as site:
            alone = await call(site, PERSON)
            assert alone.state == "failed"
            assert "supervisor" in alone.reason  # an interlock is open, and its reason is told
            assert site.invites() == 0
            site.switch.desk.supervisor_arrived("sue")
            refused = await call(site, NEVER)
            assert (refused.state, refused.reason) == ("failed", "the number may never be dialled")
            assert site.invites() == 0
            busy = await call(site, BUSY)
            assert (busy.state, busy.reason) == ("failed", "the number is busy")
            assert site.invites() == 1

            trials = site.switch.site.trials
            heard = await trials.place("carrier", PERSON, "")
            with pytest.raises(UsageError, match="under way"):
                await trials.place("carrier", BUSY, "")
            await site.until(lambda: trials.last().state == "answered", "somebody has answered")
            await site.until(lambda: trials.last().state == "ended", "the call has ended by itself")
            assert await site.switch.site.records.drain(10.0)
            attempt = await site.switch.site.store.attempt(heard.call_ref)
            assert attempt is not None
            assert (attempt.campaign, attempt.lead_ref, attempt.outcome) == (CAMPAIGN, "", "answered")
            assert attempt.ended_at is not None
            blocked = await site.switch.site.store.attempt(refused.call_ref)
            assert blocked is not None
            assert (blocked.outcome, blocked.invited_at) == ("blocked", None)
            path = tmp_path / "data" / "recordings" / attempt.recording
            await site.until(path.exists, "the recording is there")

            # The kill switch ends a test call like every other.
            await trials.place("carrier", PERSON, "")
            await site.until(lambda: trials.last().state == "answered", "somebody has answered again")
            await site.switch.desk.kill_switch("sue")
            await site.until(lambda: trials.last().state == "ended", "the kill switch has ended it")
        assert listen(path).samples.any()

    on_loop(story())
