"""Frame levels against a NumPy twin."""

import numpy as np
import pytest
from softswitch.codecs.energy import FLOOR_DBOV, frame_dbov


def twin(samples):
    power = np.mean(samples.astype(float) ** 2)
    return max(10 * np.log10(power / 32768.0**2), -127.0) if power else -127.0


def test_levels_equal_the_numpy_twin():
    rng = np.random.default_rng(3)
    for scale in (1, 30, 1000, 32767):
        samples = rng.integers(-scale, scale + 1, 160).astype(np.int16)
        assert frame_dbov(samples) == pytest.approx(twin(samples))


def test_a_full_scale_square_wave_is_at_zero_dbov():
    assert frame_dbov(np.full(160, -32768, np.int16)) == pytest.approx(0.0)


def test_digital_silence_and_an_empty_frame_are_at_the_floor():
    assert frame_dbov(np.zeros(160, np.int16)) == FLOOR_DBOV
    assert frame_dbov(np.zeros(0, np.int16)) == FLOOR_DBOV
