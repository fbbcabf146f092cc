"""The measuring kernel against NumPy's own transform."""

import numpy as np
import numpy.typing as npt
import pytest

from softswitch.amd import features


def measured(samples: npt.NDArray[np.float64]) -> tuple[float, float, float, float, float]:
    scratch = np.empty((2, features.WINDOW))
    return tuple(features.measure(samples.astype(np.float32), scratch[0], scratch[1]))


def test_the_transform_is_the_one_that_numpy_makes() -> None:
    window = np.random.default_rng(5).normal(0, 3000, features.WINDOW).astype(np.float32)
    real, imaginary = np.empty(features.WINDOW), np.empty(features.WINDOW)
    features.transform(window, real, imaginary)
    expected = np.fft.rfft(window * features.HANN)[: features.HALF]
    np.testing.assert_allclose((real + 1j * imaginary)[: features.HALF], expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("frequency", [300.0, 440.0, 1004.0, 1633.0, 2100.0])
def test_a_tone_is_read_at_its_frequency_and_level(frequency: float) -> None:
    time = np.arange(features.WINDOW) / 8000
    level, hz, share, _, second_share = measured(8192.0 * np.sin(2 * np.pi * frequency * time))
    assert level == pytest.approx(-15.05, abs=0.2)  # a quarter of full scale: -12.04 dB, and 3.01 for a sine
    assert hz == pytest.approx(frequency, abs=3)
    assert share > 0.98
    assert second_share < 0.02


def test_both_lines_of_a_pair_are_read() -> None:
    time = np.arange(features.WINDOW) / 8000
    wave = 6000.0 * np.sin(2 * np.pi * 770 * time) + 6000.0 * np.sin(2 * np.pi * 1336 * time)
    _, first, first_share, second, second_share = measured(wave)
    assert sorted((first, second)) == pytest.approx([770, 1336], abs=4)
    assert first_share + second_share > 0.97


def test_digital_silence_has_the_lowest_level_and_no_lines() -> None:
    assert measured(np.zeros(features.WINDOW)) == (features.FLOOR_DBOV, 0.0, 0.0, 0.0, 0.0)


def test_what_lies_above_the_speech_band_does_not_count() -> None:
    time = np.arange(features.WINDOW) / 8000
    level, *_ = measured(8192.0 * np.sin(2 * np.pi * 2600 * time))
    assert level < -55
