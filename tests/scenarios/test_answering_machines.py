"""Answering machines through the whole switch: the message they are left, what is kept of them, who judges it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import uvloop

from softswitch.dialler.detection import Truth
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.clips import VOICES, read_clip
from tests.auditor import listen
from tests.interop.site import CAMPAIGN
from tests.scenarios.conftest import PATIENCE_S, Floor, floor

A = "+442079460101"
RATE_HZ = 8000
PIECE = 4000
"""Half a second of the message, to be found in a recording."""
MESSAGE = (
    f'no-agent = -> we-called = "{VOICES / "prompt-closing.wav"}"\\nno-agent =\n'
    'wrap_up_s = 1 -> wrap_up_s = 1\\nvoicemail_message = "we-called"\\nvoicemail_allowed = true'
)

Sound = npt.NDArray[np.float64]


def place_of(piece: Sound, sound: Sound) -> tuple[int, float]:
    """Where a piece lies in a sound, and how alike they are there, 0-1."""
    size = 1 << int(np.ceil(np.log2(sound.size + piece.size)))
    products = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(piece, size)), size)[: sound.size]
    power = np.convolve(sound**2, np.ones(piece.size))[piece.size - 1 :]
    likeness = products[: power.size] / np.sqrt(np.maximum(power * (piece**2).sum(), 1.0))
    place = int(np.argmax(likeness))
    return place, float(likeness[place])


def end_of_beep(sound: Sound, frequency_hz: float = 1000.0) -> int:
    """Sample after the last 20 ms that are one tone."""
    windows = sound[: sound.size // 160 * 160].reshape(-1, 160)
    tone = np.exp(-2j * np.pi * frequency_hz * np.arange(160) / RATE_HZ)
    share = 2 * np.abs(windows @ tone) ** 2 / 160 / np.maximum((windows**2).sum(axis=1), 1.0)
    beeping = np.flatnonzero((share > 0.9) & (np.abs(windows).max(axis=1) > 500))
    assert beeping.size >= 15, "there is no beep of 300 ms in what the callee sent"
    return int(beeping[-1] + 1) * 160


async def one_machine(site: Floor) -> None:
    await site.log_in("1001")
    await site.start()


@pytest.mark.parametrize("greeting", ["machine-greeting-3", "machine-greeting-1"], ids=["2 s", "7 s"])
def test_a_machine_is_left_the_whole_message_after_its_beep_and_the_agent_is_free_meanwhile(
    tmp_path: Path, greeting: str
) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.MACHINE, ring_s=0.3, clip=greeting, seed=2)}
        async with floor(tmp_path, plan, changes=MESSAGE) as site:
            await one_machine(site)
            await site.until(lambda: site.calls("voicemail"), "the message is being left")
            assert site.state("1001") == "ready"
            (attempt,) = await site.ended()
            assert (attempt.disposition, attempt.amd_verdict, attempt.amdstatus) == ("voicemail", "MACHINE", "MACHINE")
            assert attempt.amd_acted and attempt.amd_freed and not attempt.abandoned
            assert attempt.answered_at < attempt.voicemail_at < attempt.ended_at
            assert site.campaign().live_today == 0
            locked = await site.switch.site.store.locked_numbers(attempt.ended_at)
            assert 23.9 < (locked[A] - attempt.ended_at).total_seconds() / 3600 < 24.1
            path = tmp_path / "data" / "recordings" / attempt.recording
        samples = listen(path).samples.astype(np.float64)
        ours, theirs = samples[:, 0], samples[:, 1]
        message = read_clip("prompt-closing").astype(np.float64)
        voiced = int(np.flatnonzero(np.abs(message) > 1000)[0])
        begun, likeness = place_of(message[voiced : voiced + PIECE], ours)
        begun -= voiced
        assert likeness > 0.9, "the message is on the recording"
        assert begun >= end_of_beep(theirs) - 800, "it waited for the beep"
        tail = int(np.flatnonzero(np.abs(message) > 1000)[-1]) - PIECE
        ended, likeness = place_of(message[tail : tail + PIECE], ours)
        assert likeness > 0.9
        assert abs(ended - begun - tail) <= 160, "all of it was left, without a gap"

    uvloop.run(scenario())


def test_what_ended_a_call_is_kept_and_a_reviewers_ear_counts(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.MACHINE, ring_s=0.3, clip="machine-greeting-3", seed=2)}
        async with floor(tmp_path, plan) as site:
            await one_machine(site)
            (attempt,) = await site.ended()
            assert (attempt.disposition, attempt.amd_point) == ("machine", "careful")
            kept = await site.switch.site.store.verdicts_of(attempt.call_ref)
            assert [verdict.acted for verdict in kept][-1]
            assert (kept[-1].verdict, kept[-1].cause) == (attempt.amd_verdict, attempt.amd_cause)
            assert all(0 < verdict.probability <= 1 and len(verdict.features) == 16 for verdict in kept)
            assert attempt.amd_corrections == len(kept) - 1

            path = tmp_path / "data" / "recordings" / attempt.recording
            await site.until(lambda: path.is_file() and listen(path).is_finished, "the recording is closed")
            assert listen(path).samples.shape[0] >= (attempt.amd_audio_ms - 100) * 8, "what was judged can be heard"
            await site.switch.site.records.drain(PATIENCE_S)
            (review,) = await site.switch.desk.reviews(CAMPAIGN, 10)
            assert (review.call_ref, review.recording) == (attempt.call_ref, attempt.recording)
            path.rename(path.with_suffix(".gone"))
            assert await site.switch.desk.reviews(CAMPAIGN, 10) == [], "what cannot be heard cannot be judged"
            before = site.campaign()
            assert before.false_positives_reviewed == 0
            await site.switch.desk.review(attempt.call_ref, Truth.PERSON, "otto")
            assert await site.switch.desk.reviews(CAMPAIGN, 10) == []
            after = site.campaign()
            assert (after.false_positives_reviewed, after.false_positive_share) == (1, before.false_positive_share)
            log = (tmp_path / "data" / "audit.log").read_text()
            assert "review verdict" in log and attempt.call_ref in log and "otto" in log

    uvloop.run(scenario())
