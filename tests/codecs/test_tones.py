"""Tones and Goertzel's algorithm against NumPy's own transform."""

import numpy as np
import pytest
from softswitch.codecs import tones

from softswitch.errors import UsageError


def test_goertzel_equals_one_bin_of_the_discrete_fourier_transform():
    rng = np.random.default_rng(1)
    samples = rng.integers(-20000, 20000, 400).astype(np.int16)
    spectrum = np.fft.rfft(samples.astype(float))
    for bin_index in (5, 50, 123):
        expected = 2 * abs(spectrum[bin_index]) ** 2 / 400**2
        assert tones.goertzel_power(samples, bin_index * 20.0, 8000.0) == pytest.approx(expected, rel=1e-6)


def test_a_tone_has_the_level_that_was_asked_for():
    samples = tones.tone((1000.0,), 1000, level_dbov=-20.0, ramp_ms=0)
    power = np.mean(samples.astype(float) ** 2)
    assert 10 * np.log10(power / 32768**2) == pytest.approx(-20.0, abs=0.05)
    assert samples.size == 8000


def test_a_tone_is_told_from_its_neighbours_and_from_noise():
    samples = tones.tone((440.0,), 500)
    assert tones.tone_share(samples, 440.0, 8000.0) > 0.97
    assert tones.tone_share(samples, 600.0, 8000.0) < 0.01
    noise = np.random.default_rng(2).integers(-3000, 3000, 4000).astype(np.int16)
    assert tones.tone_share(noise, 440.0, 8000.0) < 0.05
    assert tones.tone_share(np.zeros(160, np.int16), 440.0, 8000.0) == 0.0


def test_the_ends_of_a_tone_do_not_click():
    samples = tones.tone((400.0, 450.0), 100, level_dbov=-10.0)
    assert abs(int(samples[0])) < 50
    assert abs(int(samples[-1])) < 500


def test_loud_sines_are_clipped_and_do_not_wrap():
    out = tones.tone((1000.0,), 20, level_dbov=-3.02, ramp_ms=0)
    tones.add_sine(out, 1000.0, 30000.0, 0, 8000.0)
    assert out.max() == 32767
    assert out.min() == -32768


def test_a_frequency_that_eight_kilohertz_cannot_hold_is_refused():
    with pytest.raises(UsageError, match="4000"):
        tones.tone((4200.0,), 20)
