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


def share_of(clip: np.ndarray, heard: np.ndarray) -> tuple[float, int]:
    """How much of a clip is in what was heard: its gain there (1: as loud as it is), and the sample it begins at."""
    clip, heard = clip.astype(float), heard.astype(float)
    size = 1 << (len(clip) + len(heard)).bit_length()
    matched = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(clip, size)), size)[: len(heard)]
    at = int(matched.argmax())
    return float(matched[at] / np.dot(clip, clip)), at


async def recording_of(site: Floor, folder: Path, campaign: str) -> np.ndarray:
    """What the other end of the one call heard."""
    await site.switch.site.records.drain(60)
    (record,) = await site.switch.site.store.attempts(campaign)
    path = folder / "data" / "recordings" / record.recording
    await site.until(lambda: path.is_file() and len(listen(path).samples), "it is recorded")
    return listen(path).samples[:, 0]


def is_whole(clip: np.ndarray, heard: np.ndarray, at: int, *, louder_than: float = 100.0) -> bool:
    """Whether each half second of it is there, at its own place.  louder_than: what is fainter is not looked for."""
    for start in range(0, len(clip) - 4000, 4000):
        piece = clip[start : start + 4000].astype(float)
        if np.dot(piece, piece) > 4000 * louder_than**2:
            there = heard[at + start : at + start + 4000].astype(float)
            if len(there) < 4000 or not 0.5 < np.dot(piece, there) / np.dot(piece, piece) < 1.5:
                return False
    return True


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
        share, at = share_of(clip, heard)
        assert share > 0.9
        assert at < 4000  # half a second after the answer, and nothing before it
        assert is_whole(clip, heard, at)
        assert np.abs(heard[:at].astype(int)).max(initial=0) < 200

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
        share, at = share_of(clip, heard)
        assert share > 0.8  # the agent speaks too
        assert at < 8 * 2000
        assert is_whole(clip, heard, at, louder_than=1000.0)

    uvloop.run(scenario())
