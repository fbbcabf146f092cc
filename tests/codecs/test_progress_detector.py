"""Call-progress tones recognized: at any level, in noise, in time; and speech mistaken for none of them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from softswitch.codecs import dtmf, g711
from softswitch.codecs import progress_detector as detector
from softswitch.codecs.progress import EVERYWHERE, PLANS, ZERO_DBM0_DBOV, Cadence, Tone, cadence, sound

from tests.codecs.waves import wave

SHARED = Path(__file__).resolve().parents[3] / "shared"
EVERY_TONE = [(plan, tone) for plan, tones in PLANS.items() for tone in tones if plan == "UK" or tone not in EVERYWHERE]


def heard(samples, frame=160):
    """The tones recognized, each with the time in seconds."""
    state = detector.new_detector()
    found = []
    for start in range(0, samples.size - frame + 1, frame):
        kind = detector.receive_frame(state, samples[start : start + frame])
        if kind:
            found.append((Tone(kind), (start + frame) / 8000))
    return found


def kinds(samples, frame=160):
    return [tone for tone, _ in heard(samples, frame)]


def line(samples, lead_ms=200.0, noise_dbm0=None, seed=1):
    """A tone on a line that was still before and is after."""
    whole = np.concatenate([np.zeros(round(8 * lead_ms)), samples.astype(float), np.zeros(8000)])
    if noise_dbm0 is not None:
        sigma = 32768 * 10 ** ((noise_dbm0 + ZERO_DBM0_DBOV) / 20)
        whole += np.random.default_rng(seed).normal(0, sigma, whole.size)
    return np.clip(np.round(whole), -32768, 32767).astype(np.int16)


def given(tone, plan, level_dbm0=-15.0):
    repeats = cadence(tone, plan).repeats
    return sound(tone, plan, 7000 if repeats else None, level_dbm0)


def bursts(*steps, level_dbm0=-15.0):
    """Steps of ((frequencies), ms), not of any plan."""
    peak = 32768 * np.sqrt(2) * 10 ** ((level_dbm0 + ZERO_DBM0_DBOV) / 20)
    pieces = []
    for frequencies, ms in Cadence(tuple(steps)).steps:
        times = np.arange(8 * ms) / 8000
        each = peak / np.sqrt(max(1, len(frequencies)))
        pieces.append(sum((each * np.sin(2 * np.pi * f * times) for f in frequencies), np.zeros(times.size)))
    return np.concatenate(pieces)


@pytest.mark.parametrize("level_dbm0", [-10.0, -24.0, -36.0])
@pytest.mark.parametrize(("plan", "tone"), EVERY_TONE)
def test_every_tone_is_recognized_at_every_level_wherever_the_frames_fall(plan, tone, level_dbm0):
    for lead in (100.0, 104.9, 111.1, 117.3):
        assert set(kinds(line(given(tone, plan, level_dbm0), lead))) == {tone}


@pytest.mark.parametrize("snr_db", [20.0, 10.0])
@pytest.mark.parametrize(("plan", "tone"), EVERY_TONE)
def test_every_tone_is_recognized_in_noise(plan, tone, snr_db):
    for seed, level_dbm0 in enumerate((-12.0, -33.0)):
        noisy = line(given(tone, plan, level_dbm0), 333.0, level_dbm0 - snr_db, seed)
        assert set(kinds(noisy)) == {tone}


@pytest.mark.parametrize(("plan", "tone"), [(p, t) for p, t in EVERY_TONE if t not in EVERYWHERE])
@pytest.mark.parametrize("factor", [0.92, 1.08])
def test_cadences_may_run_fast_or_slow(plan, tone, factor):
    steps = [(frequencies, round(factor * ms)) for frequencies, ms in cadence(tone, plan).steps]
    samples = np.tile(bursts(*steps), 1 + 7000 // sum(ms for _, ms in steps))
    assert set(kinds(line(samples))) == {tone}


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
@pytest.mark.parametrize(("plan", "tone"), EVERY_TONE)
def test_g711_changes_nothing(plan, tone, codec):
    samples = g711.decode(codec, g711.encode(codec, line(given(tone, plan, -25.0))))
    assert set(kinds(samples)) == {tone}


SOONEST_S = {
    Tone.DIAL: 1.2, Tone.RINGBACK: 1.2, Tone.BUSY: 1.7, Tone.CONGESTION: 2.2, Tone.UNOBTAINABLE: 2.2,
    Tone.FAX_CALLING: 0.9, Tone.FAX_ANSWER: 0.7, Tone.BEEP: 0.8,
}  # fmt: skip


@pytest.mark.parametrize(("plan", "tone"), [(p, t) for p, t in EVERY_TONE if t in SOONEST_S])
def test_a_tone_is_recognized_in_time(plan, tone):
    first, at = heard(line(given(tone, plan), lead_ms=200.0))[0]
    assert first is tone
    assert at - 0.2 < SOONEST_S[tone]


def test_special_information_is_told_as_its_last_tone_ends():
    for tone in (Tone.SIT, Tone.SIT_VACANT_CODE, Tone.SIT_NO_CIRCUIT):
        samples = sound(tone, "US")
        ends = 0.2 + sum(ms for frequencies, ms in cadence(tone, "US").steps if frequencies) / 1000
        assert heard(line(samples, 200.0))[0][1] == pytest.approx(ends + 0.05, abs=0.05)


@pytest.mark.parametrize("factor", [0.986, 0.993, 1.007, 1.014])
@pytest.mark.parametrize("tone", [Tone.SIT_INTERCEPT, Tone.SIT_VACANT_CODE, Tone.SIT_REORDER, Tone.SIT_NO_CIRCUIT])
def test_the_cause_is_told_though_the_tones_are_off_by_up_to_one_and_a_half_percent(tone, factor):
    steps = [(tuple(factor * hz for hz in frequencies), ms) for frequencies, ms in cadence(tone, "US").steps]
    assert kinds(line(bursts(*steps))) == [tone]


def test_a_tone_that_goes_on_is_given_once_and_one_that_comes_again_again():
    ringing = sound(Tone.RINGBACK, "UK", 30000)
    assert kinds(line(ringing)) == [Tone.RINGBACK]
    assert kinds(line(sound(Tone.BUSY, "US", 20000))) == [Tone.BUSY]
    apart = np.concatenate([ringing[:40000], np.zeros(64000), ringing[:40000]])
    assert kinds(line(apart)) == [Tone.RINGBACK, Tone.RINGBACK]
    assert kinds(line(sound(Tone.FAX_CALLING, "UK", 10500))) == [Tone.FAX_CALLING] * 3


def test_one_tone_after_another_is_told():
    samples = np.concatenate([sound(Tone.RINGBACK, "UK", 6000), sound(Tone.BUSY, "UK", 4000)])
    assert kinds(line(samples)) == [Tone.RINGBACK, Tone.BUSY]


def test_europes_and_the_commonwealths_cadences_are_known():
    ring, quiet = ((425.0,), 1000), ((), 4000)
    assert kinds(line(bursts(ring, quiet, ring, quiet))) == [Tone.RINGBACK]
    assert kinds(line(bursts(*[((425.0,), 500), ((), 500)] * 4))) == [Tone.BUSY]
    assert kinds(line(bursts(*[((425.0,), 250), ((), 250)] * 6))) == [Tone.CONGESTION]
    assert kinds(line(bursts(((425.0,), 4000)))) == [Tone.DIAL]
    double = [((413.0, 438.0), 400), ((), 200), ((413.0, 438.0), 400), ((), 2000)]
    assert kinds(line(bursts(*double * 3))) == [Tone.RINGBACK]


@pytest.mark.parametrize("frequency_hz", [480.0, 620.0, 850.0, 1000.0, 1400.0, 2000.0, 2500.0])
@pytest.mark.parametrize("length_ms", [150, 400, 1200])
def test_beeps_of_many_kinds_are_beeps(frequency_hz, length_ms):
    assert kinds(line(bursts(((frequency_hz,), length_ms)))) == [Tone.BEEP]


def test_a_lost_packet_does_not_break_a_tone():
    samples = line(sound(Tone.DIAL, "UK", 3000))
    samples[8000:8160] = 0
    assert kinds(samples) == [Tone.DIAL]
    answer = line(sound(Tone.FAX_ANSWER, "UK"))
    answer[3000:3160] = 0
    assert kinds(answer) == [Tone.FAX_ANSWER]


def test_ansam_with_its_reversals_is_a_fax_answering():
    times = np.arange(24000) / 8000
    phase = np.pi * (np.floor(times / 0.45) % 2)
    samples = 8000 * (1 + 0.2 * np.sin(2 * np.pi * 15 * times)) * np.sin(2 * np.pi * 2100 * times + phase)
    assert set(kinds(line(samples))) == {Tone.FAX_ANSWER}


def test_keys_noise_and_silence_are_no_tones():
    assert kinds(line(dtmf.dial("0123456789*#", 200, 200))) == []
    noise = np.random.default_rng(3).normal(0, 3000, 80000)
    assert kinds(line(noise)) == []
    assert kinds(np.zeros(80000, np.int16)) == []
    assert kinds(line(sound(Tone.BUSY, "UK", 7000, -60.0))) == []


def test_short_frames_hear_the_same():
    samples = line(sound(Tone.BUSY, "US", 5000))
    assert kinds(samples, 80) == kinds(samples, 40) == [Tone.BUSY]


def test_a_reset_forgets_the_line():
    state = detector.new_detector()
    for start in range(0, 24000, 160):
        detector.receive_frame(state, sound(Tone.DIAL, "UK", 3000)[start : start + 160])
    assert state["kind"] == Tone.DIAL
    detector.reset(state)
    assert (state["kind"], state["bursts"], state["on"]) == (0, 0, 0)


@pytest.mark.skipif(not (SHARED / "voices").is_dir(), reason="the voices are not on this machine")
def test_speech_is_no_tone():
    for path in sorted((SHARED / "voices").glob("*.wav")):
        assert kinds(wave(path)) == [], path.name


@pytest.fixture(scope="module")
def clips():
    folder = SHARED / "amd" / "dev"
    if not folder.is_dir():
        pytest.skip("the clips are not on this machine")
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        return [(row, kinds(wave(folder / row["file"]))) for row in csv.DictReader(file)]


def test_people_machines_without_a_beep_and_music_give_no_tone(clips):
    quiet = [
        (row["file"], found)
        for row, found in clips
        if (row["label"] in ("HUMAN", "HUMAN_BUSINESS", "SILENCE") or row["subtype"] in ("music", "announcement"))
        or (row["label"] in ("MACHINE", "IVR") and not row["beep_hz"])
    ]
    assert len(quiet) > 550
    assert [entry for entry in quiet if entry[1]] == []


def test_tones_that_came_through_codecs_and_noise_are_recognized(clips):
    expected = {
        "SIT-IC": Tone.SIT_INTERCEPT, "SIT-VC": Tone.SIT_VACANT_CODE, "SIT-RO": Tone.SIT_REORDER,
        "SIT-NC": Tone.SIT_NO_CIRCUIT, "SIT-ITU": Tone.SIT, "CED": Tone.FAX_ANSWER, "ANSam": Tone.FAX_ANSWER,
        "CNG": Tone.FAX_CALLING, "ringback-uk": Tone.RINGBACK, "ringback-us": Tone.RINGBACK, "uk-busy": Tone.BUSY,
        "us-busy": Tone.BUSY, "eu-busy": Tone.BUSY, "eu-congestion": Tone.CONGESTION,
    }  # fmt: skip
    given_tones = [(row, found) for row, found in clips if row["subtype"] in expected]
    right = [row for row, found in given_tones if expected[row["subtype"]] in found]
    assert len(given_tones) > 80
    assert len(right) >= 0.94 * len(given_tones)


def test_beeps_after_greetings_are_mostly_heard(clips):
    """A third of the clips carry noise louder than 20 dB below speech; and in some the beep ends the clip."""
    clear = [
        found
        for row, found in clips
        if row["beep_hz"]
        and (not row["snr_db"] or float(row["snr_db"]) >= 20)
        and int(row["clip_ms"]) - float(row["beep_ms_start"]) - float(row["beep_len_ms"]) > 1000
    ]
    assert len(clear) > 40
    assert sum(Tone.BEEP in found for found in clear) >= 0.88 * len(clear)
