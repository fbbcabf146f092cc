"""That a call is recorded is said first: whole, from the first sample, as the recording itself shows."""

import asyncio
from pathlib import Path

import numpy as np
import uvloop

from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.clips import VOICES, read_clip
from softswitch.testing.trunk import Trunk
from tests.auditor import listen
from tests.interop.site import DID, address_of
from tests.scenarios.conftest import Floor, floor

A = "+442079460101"
CLIP = "prompt-no-agent"
NOTICE = f'[prompts] -> [prompts]\\nnotice = "{VOICES / CLIP}.wav"'


PIECE = 4000
"""Half a second."""
LONGEST_STANDSTILL = 10 * 8000
"""Of this machine, in samples: a clip goes on where it was, so that its later pieces come later by as much."""


def places_of(clip: np.ndarray, heard: np.ndarray, *, louder_than: float = 100.0) -> list[int]:
    """Where each half second of a clip is heard, from the clip's own place on: one place for all, but for standstills.

    louder_than: what is fainter is not looked for.  Raises AssertionError for a piece that is not there.
    """
    clip, heard = clip.astype(float), heard.astype(float)
    places: list[int] = []
    for start in range(0, len(clip) - PIECE, PIECE):
        piece = clip[start : start + PIECE]
        power = np.dot(piece, piece)
        if power > PIECE * louder_than**2:
            begin = start + (places[-1] if places else 0)
            where = heard[max(0, begin - 80) : begin + PIECE + LONGEST_STANDSTILL]
            assert len(where) >= PIECE, f"it ends before what is said at {start / 8000} s"
            matched = np.correlate(where, piece) / power
            at = int(matched.argmax())
            assert 0.3 < matched[at] < 1.5, f"what is said at {start / 8000} s is not heard, or not at its loudness"
            places.append(max(0, begin - 80) + at - start)
    return places


async def recording_of(site: Floor, folder: Path, campaign: str) -> np.ndarray:
    """What the other end of the one call heard."""
    await site.switch.site.records.drain(60)
    (record,) = await site.switch.site.store.attempts(campaign)
    path = folder / "data" / "recordings" / record.recording
    await site.until(lambda: path.is_file() and len(listen(path).samples), "it is recorded")
    return listen(path).samples[:, 0]


def test_a_caller_hears_all_of_the_notice_before_an_agent_is_connected(tmp_path: Path) -> None:
    async def scenario() -> None:
        changes = f'{NOTICE}\nprompt_no_agent -> recording_notice = "notice"\\nprompt_no_agent'
        clip = read_clip(CLIP)
        async with floor(tmp_path, {A: CalleePlan(Kind.BUSY)}, changes=changes) as site:
            site.switch.desk.supervisor_arrived("supervisor")
            await site.log_in("1001")
            caller = await Trunk.start({}, switch=address_of(site.switch))
            talk_s = len(clip) / 8000 + 4.0
            call = await caller.call(DID, CalleePlan(Kind.PERSON, talk_s=talk_s, marker_hz=2700, seed=4))
            loop = asyncio.get_running_loop()
            await site.until(lambda: call.answered, "the call is answered at once")
            answered = loop.time()
            await site.until(lambda: site.state("1001") == "in call", "the agent is in the call")
            assert loop.time() - answered > len(clip) / 8000 - 0.5
            await site.until(lambda: call.ended, "the caller hangs up")
            await site.until(lambda: site.state("1001") == "wrap-up", "the agent wraps up")
            heard = await recording_of(site, tmp_path, "inbound-" + DID.removeprefix("+"))
            await caller.stop()
        at = places_of(clip, heard)[0]
        assert np.abs(heard[:at].astype(int)).max(initial=0) < 200, "nothing is heard before it"

    uvloop.run(scenario())


def test_a_callee_hears_the_notice_over_the_agents_first_words(tmp_path: Path) -> None:
    async def scenario() -> None:
        changes = f'{NOTICE}\npolicy -> recording_notice = "notice"\\npolicy'
        clip = read_clip(CLIP)
        plan = {A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=len(clip) / 8000 + 4.0, seed=3)}
        async with floor(tmp_path, plan, changes=changes) as site:
            await site.log_in("1001")
            await site.start()
            (attempt,) = await site.ended()
            assert attempt.disposition == "connected"
        heard = listen(tmp_path / "data" / "recordings" / attempt.recording).samples[:, 0]
        assert places_of(clip, heard, louder_than=1000.0)  # the agent speaks too

    uvloop.run(scenario())
