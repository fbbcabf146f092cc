"""The measuring kernels against NumPy's own transform."""

import numpy as np
import numpy.typing as npt
import pytest

from softswitch.amd import features

Waves = npt.NDArray[np.float64]


def power_of(wave: Waves) -> npt.NDArray[np.float32]:
    power = np.empty(features.HALF, np.float32)
    features.spectrum(np.round(wave).astype(np.int16), power)
    return power


def measured(wave: Waves) -> tuple[float, float, npt.NDArray[np.float32]]:
    """Level in dBov, tonality, and the bands' mean squares of one window twice."""
    bands = np.zeros(features.BANDS, np.float32)
    features.add_bands(power_of(wave), bands)
    total, tonal = features.add_bands(power_of(wave), bands)
    return features.level_of(total), 2.0 * tonal, bands


def sine(hz: float, amplitude: float = 8192.0) -> Waves:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(features.WINDOW) / features.RATE_HZ)


@pytest.mark.parametrize("seed", range(5))
def test_the_powers_are_those_of_numpy_s_transform(seed: int) -> None:
    wave = np.round(np.random.default_rng(seed).normal(0, 3000, features.WINDOW))
    expected = np.abs(np.fft.rfft(wave * features.HANN)[: features.HALF]) ** 2
    np.testing.assert_allclose(power_of(wave), expected, rtol=1e-4, atol=1e-6 * expected.max())


@pytest.mark.parametrize("index", [0, 2, 3, 63, 64, 65, 125, 126])
def test_each_bin_stands_where_it_belongs(index: int) -> None:
    wave = 8000.0 * np.cos(2 * np.pi * index * np.arange(features.WINDOW) / features.WINDOW)
    assert int(np.argmax(power_of(wave))) == index


@pytest.mark.parametrize("hz", [300.0, 440.0, 1004.0, 1633.0, 2100.0])
def test_a_tone_has_its_level_its_band_and_is_tonal(hz: float) -> None:
    level, tonal, bands = measured(sine(hz))
    assert level == pytest.approx(-15.05, abs=0.2)  # a quarter of full scale: -12.04 dB, and 3.01 for a sine
    assert 0.45 < tonal <= 0.67
    lowest = features.BAND_EDGES[int(np.argmax(bands))] * features.BIN_HZ
    assert lowest - 40 <= hz <= lowest + 260


def test_decibels_are_those_of_the_logarithm() -> None:
    powers = np.exp(np.random.default_rng(2).uniform(-60, 60, 5000)).astype(np.float32)
    told = np.array([features.decibels(power) for power in powers])
    np.testing.assert_allclose(told, 10 * np.log10(powers.astype(float)), atol=4e-5)
    assert features.decibels(np.float32(1.0)) == 0.0


def test_noise_is_not_tonal_and_the_bands_add_up_to_the_level() -> None:
    level, tonal, bands = measured(np.random.default_rng(1).normal(0, 2000, features.WINDOW))
    assert tonal < 0.15
    assert 10 * np.log10(bands.sum()) == pytest.approx(level, abs=1e-3)


def test_digital_silence_has_the_lowest_level() -> None:
    assert measured(np.zeros(features.WINDOW))[0] == features.FLOOR_DBOV


def test_the_loudest_signal_neither_overflows_nor_loses_the_scale() -> None:
    square = np.where(np.arange(features.WINDOW) % 16 < 8, 32767.0, -32768.0)  # 500 Hz
    level, _, bands = measured(square)
    assert np.all(np.isfinite(bands))
    assert level == pytest.approx(-0.5, abs=0.5)  # but for the harmonics above 2,450 Hz


def test_what_lies_above_the_speech_band_does_not_count() -> None:
    assert measured(sine(2600))[0] < -55
