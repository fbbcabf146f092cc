"""Resamplers: flat where speech is, silent where it would fold, seamless between frames."""

import numpy as np
import pytest
from softswitch.codecs import resample as r

from softswitch.errors import UsageError


def sine(frequency_hz, rate_hz, seconds=1.0, amplitude=10000.0):
    return np.round(amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(
        np.int16
    )


def live(kernel, samples, frame, ratio):
    state = r.new_resampler()
    frames = []
    for start in range(0, samples.size, frame):
        piece = samples[start : start + frame]
        out = np.zeros(int(piece.size * ratio), np.int16)
        assert kernel(state, piece, out) == out.size
        frames.append(out)
    return np.concatenate(frames)


def halved(samples, frame=320):
    return live(r.halve, samples, frame, 0.5)


def doubled(samples, frame=160):
    return live(r.double, samples, frame, 2)


def decibels(samples, amplitude=10000.0):
    power = np.mean(samples.astype(float) ** 2)
    return 10 * np.log10(max(power, 1e-9) / (amplitude**2 / 2))


def strength(samples, frequency_hz, rate_hz, amplitude=10000.0):
    """The level of one frequency below a sine of that amplitude."""
    window = np.hanning(samples.size)
    bins = np.exp(-2j * np.pi * frequency_hz * np.arange(samples.size) / rate_hz)
    return 20 * np.log10(max(2 * abs(np.sum(samples * window * bins)) / window.sum(), 1e-9) / amplitude)


@pytest.mark.parametrize("frequency_hz", [100, 300, 1000, 2000, 3000, 3400])
def test_the_telephone_band_passes_unchanged_both_ways(frequency_hz):
    assert decibels(halved(sine(frequency_hz, 16000))[800:]) == pytest.approx(0.0, abs=0.1)
    assert decibels(doubled(sine(frequency_hz, 8000))[1600:]) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("frequency_hz", [4000, 4100, 4600, 5000, 6000, 7000, 7900])
def test_nothing_above_four_kilohertz_folds_into_speech(frequency_hz):
    assert decibels(halved(sine(frequency_hz, 16000, amplitude=30000))[800:], 30000) < -55


@pytest.mark.parametrize("frequency_hz", [300, 1000, 2500, 3400])
def test_doubling_leaves_no_mirror_image(frequency_hz):
    out = doubled(sine(frequency_hz, 8000, amplitude=30000))[1600:]
    assert strength(out, 8000 - frequency_hz, 16000, 30000) < -58


@pytest.mark.parametrize("size", [2, 6, 80, 160, 480])
def test_frames_join_as_if_they_were_one(size):
    wide = np.random.default_rng(1).integers(-20000, 20000, 9600).astype(np.int16)
    assert np.array_equal(halved(wide, size), halved(wide, 9600))
    narrow = wide[:4800]
    assert np.array_equal(doubled(narrow, size // 2), doubled(narrow, 4800))


def test_the_kernels_equal_convolution_in_numpy():
    samples = np.random.default_rng(2).integers(-20000, 20000, 3200).astype(np.int16)
    expected = np.convolve(samples.astype(float), r.HALVING)[:3200:2]
    assert np.max(np.abs(halved(samples) - expected)) <= 0.51
    spread = np.zeros(6400)
    spread[::2] = samples
    expected = np.convolve(spread, 2 * r.HALVING)[:6400]
    assert np.max(np.abs(doubled(samples) - expected)) <= 0.51


def test_there_and_back_is_the_same_audio_six_milliseconds_late():
    rng = np.random.default_rng(3)
    times = np.arange(8000) / 8000
    samples = sum(1500 * np.sin(2 * np.pi * f * times + rng.uniform(0, 6)) for f in (220, 440, 1370, 2210, 3150))
    samples = np.round(samples).astype(np.int16)
    back = halved(doubled(samples))
    error = back[r.DELAY_WIDE_SAMPLES + 400 :].astype(float) - samples[400 : 8000 - r.DELAY_WIDE_SAMPLES]
    assert 10 * np.log10(np.mean(samples.astype(float) ** 2) / np.mean(error**2)) > 40


def test_full_scale_is_clipped_and_does_not_wrap():
    square = np.where(np.arange(1600) // 40 % 2, 32767, -32768).astype(np.int16)
    out = doubled(square)
    assert out.max() == 32767
    assert out.min() == -32768
    assert np.all(np.abs(np.diff(out.astype(int))) < 40000)


def test_a_reset_forgets_what_came_before():
    state = r.new_resampler()
    out = np.zeros(160, np.int16)
    r.halve(state, sine(500, 16000, 0.02), out)
    r.reset(state)
    r.halve(state, np.zeros(320, np.int16), out)
    assert not out.any()


RATES = [8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000]


@pytest.mark.parametrize("to_hz", [8000, 16000])
@pytest.mark.parametrize("from_hz", RATES)
def test_a_prompt_keeps_its_pitch_level_timing_and_length(from_hz, to_hz):
    seconds = 0.5
    limit = 0.45 * min(from_hz, to_hz)
    for frequency_hz in (250.0, 1000.0, limit):
        out = r.resample(sine(frequency_hz, from_hz, seconds), from_hz, to_hz)
        size = int(from_hz * seconds)
        assert out.size == -(-size * to_hz // from_hz)
        middle = slice(out.size // 4, 3 * out.size // 4)
        expected = 10000 * np.sin(2 * np.pi * frequency_hz * np.arange(out.size) / to_hz)
        error = out[middle] - expected[middle]
        assert 10 * np.log10(5e7 / np.mean(error**2)) > 50, frequency_hz


@pytest.mark.parametrize("from_hz", [11025, 16000, 22050, 44100, 48000, 192000])
def test_a_prompt_holds_nothing_that_its_new_rate_cannot_carry(from_hz):
    for frequency_hz in (4040, 4400, 5300, 0.35 * from_hz, 0.48 * from_hz):
        if 4040 <= frequency_hz < from_hz / 2:
            out = r.resample(sine(frequency_hz, from_hz, 0.5, 30000), from_hz, 8000)
            assert decibels(out[400:-400], 30000) < -75


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16000), (11025, 16000), (8000, 48000)])
def test_a_raised_rate_shows_no_images(from_hz, to_hz):
    out = r.resample(sine(3000, from_hz, 0.5, 30000), from_hz, to_hz)[800:-800]
    for image in (from_hz - 3000, from_hz + 3000):
        if image < to_hz / 2:
            assert strength(out, image, to_hz, 30000) < -75


def test_floats_and_equal_rates_are_taken():
    samples = sine(400, 8000, 0.1)
    assert np.array_equal(r.resample(samples, 8000, 8000), samples)
    assert np.array_equal(r.resample(samples.astype(np.float32), 8000, 16000), r.resample(samples, 8000, 16000))
    assert r.resample(np.zeros(0, np.int16), 44100, 8000).size == 0


def test_what_cannot_be_resampled_is_refused():
    with pytest.raises(UsageError, match="192000"):
        r.resample(np.zeros(10, np.int16), 384000, 8000)
    with pytest.raises(UsageError, match="one channel"):
        r.resample(np.zeros((10, 2), np.int16), 44100, 8000)
    with pytest.raises(UsageError, match="one channel"):
        r.resample(np.zeros(10, np.uint8), 44100, 8000)
