"""The power spectrum against NumPy's own transform."""

import numpy as np
import pytest
from softswitch.codecs import spectrum


def powers(samples):
    power = np.zeros(257)
    spectrum.power_spectrum(samples.astype(float), np.zeros(256), np.zeros(256), power)
    return power


def test_the_spectrum_equals_numpys():
    samples = np.random.default_rng(1).normal(0, 5000, 512)
    assert powers(samples) == pytest.approx(np.abs(np.fft.rfft(samples * spectrum.HANN)) ** 2)


@pytest.mark.parametrize("frequency_hz", [350.0, 400.0, 441.3, 1100.0, 2100.0, 3333.3])
def test_a_peak_tells_its_frequency_and_its_lobe_its_power(frequency_hz):
    power = powers(3000 * np.sin(2 * np.pi * frequency_hz * np.arange(512) / 8000 + 1))
    k = int(np.argmax(power))
    assert spectrum.peak_hz(power, k) == pytest.approx(frequency_hz, abs=0.5)
    assert power[k - 2 : k + 3].sum() / spectrum.LOBE == pytest.approx(3000**2 / 2, rel=0.01)
