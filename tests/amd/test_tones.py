"""The tone listener on sounds made here, and on the voices and clips that the project has at hand."""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from softswitch.codecs import g711
from softswitch.codecs.progress import Tone, sound

from softswitch.amd import tone_kinds, tones
from softswitch.amd.commands import read_wav

Samples = npt.NDArray[np.int16]
Waves = npt.NDArray[np.float64]
SHARED = Path(__file__).resolve().parents[3] / "shared"
CORPUS = SHARED / "amd" / "dev"
HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
SCALE = 2.0 / (256 * np.sum(HANN**2) * 32768.0**2)


def heard(pcm: Waves | Samples) -> list[tuple[int, float]]:
    """(name, ms) of all that is told while the samples are listened to."""
    record = np.zeros(1, tones.TONES)[0]
    tones.reset(record)
    padded = np.concatenate([np.zeros(176), pcm]).astype(np.float32)
    at = np.arange(len(pcm) // 80)[:, None] * 80 + np.arange(256)[None]
    transform = np.fft.rfft(padded[at] * HANN, axis=1)[:, :128]
    power = (transform.real**2 + transform.imag**2).astype(np.float32)
    level = 10 * np.log10(power[:, 6:79].sum(axis=1) * SCALE + 1e-9)
    told = []
    for block in range(len(power)):
        name = tones.follow(record, power[block], level[block])
        if name != tone_kinds.NONE:
            told.append((name, 10.0 * (block + 1)))
    return told


def names(pcm: Waves | Samples) -> set[int]:
    return {name for name, _ in heard(pcm)}


def tone(ms: float, *hz: float, dbfs: float = -18.0) -> Waves:
    """Sines that together have a level, relative to a full-scale square wave; 3 ms ramps."""
    time = np.arange(int(ms * 8)) / 8000
    wave = sum(np.sin(2 * np.pi * one * time) for one in hz) * np.sqrt(2 / len(hz)) * 32768 * 10 ** (dbfs / 20)
    ramp = np.minimum(1, np.minimum(np.arange(len(time)), np.arange(len(time))[::-1]) / 24)
    return np.asarray(wave * ramp)


def hiss(ms: float, dbfs: float, seed: int = 1) -> Waves:
    return np.random.default_rng(seed).normal(0, 32768 * 10 ** (dbfs / 20), int(ms * 8))


def on_a_line(*parts: Waves, noise_dbfs: float = -65.0) -> Waves:
    """The parts one after another on a line with a little noise, through mu-law."""
    wave = np.concatenate(parts)
    wave = np.clip(wave + hiss(len(wave) / 8, noise_dbfs), -32768, 32767).astype(np.int16)
    out = np.empty(len(wave), np.int16)
    g711.decode_ulaw(g711.encode("PCMU", wave), out)
    return out.astype(float)


def quiet(ms: float) -> Waves:
    return np.zeros(int(ms * 8))


@settings(max_examples=60, deadline=None)
@given(hz=st.floats(350, 2100), ms=st.integers(60, 1500), dbfs=st.floats(-36, -6))
def test_a_beep_of_any_pitch_length_and_level_is_heard(hz: float, ms: int, dbfs: float) -> None:
    if 380 <= hz <= 475 and ms >= 600:
        return  # before anybody spoke this is ringing; see below
    if 1055 <= hz <= 1145 and 380 <= ms <= 620:
        return  # and this a fax that calls
    told = heard(on_a_line(quiet(700), tone(ms, hz, dbfs=dbfs), quiet(1200)))
    assert [name for name, _ in told] == [tone_kinds.BEEP]
    assert 700 + ms <= told[0][1] <= 700 + ms + 900


@settings(max_examples=40, deadline=None)
@given(hz=st.floats(350, 1350), ratio=st.floats(1.15, 1.55), ms=st.integers(80, 1500), dbfs=st.floats(-34, -6))
def test_a_beep_of_two_pitches_is_heard(hz: float, ratio: float, ms: int, dbfs: float) -> None:
    other = hz * ratio
    row = any(abs(hz / key - 1) < 0.03 for key in (697, 770, 852, 941))
    if (row and any(abs(other / key - 1) < 0.03 for key in (1209, 1336, 1477, 1633))) or hz < 500:
        return  # a telephone's key, or a call-progress tone
    assert tone_kinds.BEEP in names(on_a_line(quiet(700), tone(ms, hz, other, dbfs=dbfs), quiet(1200)))


@pytest.mark.parametrize("snr_db", [30, 20, 15])
@pytest.mark.parametrize("hz", [480.0, 620.0, 1000.0, 1400.0, 2000.0])
def test_a_beep_in_noise_is_heard(hz: float, snr_db: float) -> None:
    call = on_a_line(quiet(1500), tone(300, hz), quiet(1200), noise_dbfs=-18.0 - snr_db)
    assert names(call) == {tone_kinds.BEEP}


def test_a_beep_whose_end_fades_is_heard() -> None:
    wave = tone(400, 1000.0) * 10 ** (-np.arange(3200) / 3200)
    assert names(on_a_line(quiet(800), wave, quiet(800))) == {tone_kinds.BEEP}


def test_a_beep_cut_by_a_lost_packet_is_heard() -> None:
    wave = tone(400, 1000.0)
    wave[1200:1360] = 0
    assert names(on_a_line(quiet(800), wave, quiet(800))) == {tone_kinds.BEEP}


def test_a_tone_that_is_longer_than_any_beep_is_none() -> None:
    assert tone_kinds.BEEP not in names(on_a_line(quiet(500), tone(2600, 1000.0), quiet(800)))


@pytest.mark.parametrize("plan", ["US", "UK"])
@pytest.mark.parametrize(
    ("what", "name"),
    [
        (Tone.RINGBACK, tone_kinds.RINGBACK),
        (Tone.BUSY, tone_kinds.BUSY),
        (Tone.CONGESTION, tone_kinds.BUSY),
        (Tone.DIAL, tone_kinds.DIAL_TONE),
        (Tone.SIT, tone_kinds.SIT),
        (Tone.SIT_INTERCEPT, tone_kinds.SIT),
        (Tone.SIT_VACANT_CODE, tone_kinds.SIT),
        (Tone.FAX_CALLING, tone_kinds.FAX),
        (Tone.FAX_ANSWER, tone_kinds.FAX),
    ],
)
@pytest.mark.parametrize("level_dbm0", [-30.0, -13.0, -3.0])
def test_the_network_s_tones_have_their_names_and_are_no_beeps(
    plan: str, what: Tone, name: int, level_dbm0: float
) -> None:
    call = on_a_line(quiet(600), sound(what, plan, 6500, level_dbm0).astype(float), quiet(300))
    assert names(call) == {name}


@pytest.mark.parametrize("hz", [(425.0,), (400.0, 450.0), (440.0,), (440.0, 480.0), (400.0, 416.0), (413.0, 438.0)])
@pytest.mark.parametrize("on_off_ms", [(1000, 4000), (1500, 3500), (800, 3200), (2000, 4000)])
def test_other_countries_ringing_is_ringing_from_its_first_burst(
    hz: tuple[float, ...], on_off_ms: tuple[int, int]
) -> None:
    on, off = on_off_ms
    told = heard(on_a_line(quiet(400), tone(on, *hz), quiet(off), tone(on, *hz), quiet(1000)))
    assert {name for name, _ in told} == {tone_kinds.RINGBACK}
    assert told[0][1] <= 400 + on + 200


@pytest.mark.parametrize("on_off_ms", [(500, 500), (250, 250), (375, 375), (200, 200), (350, 350)])
def test_europe_s_busy_tone_is_busy_with_its_second_burst(on_off_ms: tuple[int, int]) -> None:
    on, off = on_off_ms
    burst = np.concatenate([tone(on, 425.0), quiet(off)])
    told = heard(on_a_line(quiet(400), *[burst] * 6))
    assert {name for name, _ in told} == {tone_kinds.BUSY}
    assert told[0][1] <= 400 + 2 * on + off + 200


def test_a_dial_tone_of_one_pitch_is_told_when_it_does_not_end() -> None:
    assert names(on_a_line(quiet(300), tone(5000, 425.0))) == {tone_kinds.DIAL_TONE}


@pytest.mark.parametrize("row", [697.0, 770.0, 852.0, 941.0])
@pytest.mark.parametrize("column", [1209.0, 1336.0, 1477.0, 1633.0])
@pytest.mark.parametrize("ms", [80, 250])
def test_a_telephone_s_key_is_a_key(row: float, column: float, ms: int) -> None:
    assert names(on_a_line(quiet(500), tone(ms, row, column), quiet(600))) == {tone_kinds.DTMF}


def test_silence_comfort_noise_and_street_noise_have_no_name() -> None:
    for level in (-90.0, -60.0, -40.0, -25.0, -15.0):
        assert names(hiss(12000, level)) == set()


def test_the_listener_is_put_back_and_says_the_same_again() -> None:
    call = on_a_line(quiet(700), tone(300, 1000.0), quiet(800))
    assert heard(call) == heard(call)


def test_a_beep_is_told_soon_after_it_has_ended() -> None:
    told = heard(on_a_line(quiet(1000), tone(400, 1200.0), quiet(1000)))
    assert told[0][1] - 1400 <= 80


@pytest.mark.skipif(not (SHARED / "voices").is_dir(), reason="the project's voices (../shared/voices) are not here")
def test_no_voice_of_the_demo_holds_a_beep() -> None:
    for path in sorted((SHARED / "voices").glob("*.wav")):
        assert tone_kinds.BEEP not in names(read_wav(path)), path.name


@pytest.mark.skipif(not (CORPUS / "labels.csv").is_file(), reason="the clips (../shared/amd/dev) are not here")
def test_on_the_corpus_beeps_are_found_and_speech_music_and_network_tones_are_none() -> None:
    with (CORPUS / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[::3]
    found: dict[bool, list[bool]] = {True: [], False: []}
    false = clips = 0
    for row in rows:
        told = heard(read_wav(CORPUS / row["file"]))
        beeps = [ms for name, ms in told if name == tone_kinds.BEEP]
        if row["beep_ms_start"]:
            start, end = float(row["beep_ms_start"]), float(row["beep_ms_start"]) + float(row["beep_len_ms"])
            found[row["noise"] == "none"].append(any(start < ms < end + 400 for ms in beeps))
        else:
            clips += 1
            false += bool(beeps)
    assert np.mean(found[True]) >= 0.97
    assert np.mean(found[True] + found[False]) >= 0.88
    assert false <= 0.01 * clips
