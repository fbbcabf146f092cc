"""A caller whom no agent can serve is taken by another number, and all of it is on the recording."""

import asyncio
from pathlib import Path

import uvloop

from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.marker import AGENT_MARKERS_HZ
from softswitch.testing.trunk import Trunk
from tests.auditor import listen, markers
from tests.interop.site import DID, address_of
from tests.scenarios.conftest import floor

OTHER_SITE = "+442079460900"
CALLERS_HZ, THEIRS_HZ, *_ = AGENT_MARKERS_HZ  # which a lab trunk listens for


def test_another_number_takes_the_caller_and_both_are_heard_and_recorded(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {OTHER_SITE: CalleePlan(Kind.PERSON, ring_s=0.5, talk_s=20.0, marker_hz=THEIRS_HZ, seed=5)}
        changes = f'prompt_no_agent -> patience_s = 1.0\\noverflow_number = "{OTHER_SITE}"\\nprompt_no_agent'
        async with floor(tmp_path, plan, changes=changes) as site:
            site.switch.desk.supervisor_arrived("supervisor")
            caller = await Trunk.start({}, switch=address_of(site.switch))
            call = await caller.call(DID, CalleePlan(Kind.PERSON, talk_s=5.0, marker_hz=CALLERS_HZ, seed=4))
            await site.until(lambda: site.trunk.calls and site.trunk.calls[0].answered, "the other site answers")
            other = site.trunk.calls[0]
            await site.until(lambda: call.ended and other.ended, "the caller hangs up, and so does the switch")
            assert call.conversation.ear.heard >= {THEIRS_HZ} and other.conversation.ear.heard >= {CALLERS_HZ}
            assert [entry["number"] for entry in site.trunk.journal.of("invite")] == [OTHER_SITE]
            await asyncio.sleep(0)
            await site.switch.site.records.drain(60)
            (record,) = await site.switch.site.store.attempts("inbound-" + DID.removeprefix("+"))
            assert (record.outcome, record.disposition, record.agent) == ("answered", "overflowed", "")
            path = tmp_path / "data" / "recordings" / record.recording
            await site.until(lambda: path.is_file() and listen(path).is_finished, "the recording is closed")
            left, right = markers(path)
            assert THEIRS_HZ in left and CALLERS_HZ in right
            await caller.stop()

    uvloop.run(scenario())
