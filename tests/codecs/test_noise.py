"""Comfort noise: level, spectrum and payloads, against Levinson's recursion and a direct-form filter in NumPy."""

import numpy as np
import pytest
from softswitch.codecs import noise


def payload(level, *codes):
    return np.array([level, *codes], np.uint8)


def generated(description, frames=100, seed=1, size=160):
    state = noise.new_comfort_noise(seed)
    assert noise.receive(state, description) == 1
    out = np.zeros(size, np.int16)
    pieces = []
    for _ in range(frames):
        noise.generate(state, out)
        pieces.append(out.copy())
    return np.concatenate(pieces)


def dbov(samples):
    return 10 * np.log10(np.mean(samples.astype(float) ** 2) / 32768.0**2)


def reflections(codes):
    return 258 * (np.array(codes, float) - 127) / 32768


def direct_form(ks):
    """The all-pole filter's denominator from its reflection coefficients."""
    a = np.array([1.0])
    for k in ks:
        a = np.append(a, 0.0) + k * np.append(a, 0.0)[::-1]
    return a


def levinson(r, order):
    """Reflection coefficients by solving for each order's predictor."""
    ks = []
    for m in range(1, order + 1):
        matrix = np.array([[r[abs(i - j)] for j in range(m)] for i in range(m)])
        ks.append(np.linalg.solve(matrix, -r[1 : m + 1])[-1])
    return np.array(ks)


RED = (40, 160, 110)  # a falling spectrum, like a fan's
SPEECH_LIKE = (12, 200, 90, 150, 110, 140, 120, 130, 127, 127)


@pytest.mark.parametrize("codes", [(), RED, SPEECH_LIKE, (250,), (5, 245)])
@pytest.mark.parametrize("level", [20, 30, 45, 60, 70, 80])
def test_the_level_is_what_the_payload_says_within_a_decibel(level, codes):
    assert dbov(generated(payload(level, *codes), 400)) == pytest.approx(-level, abs=1.0)


def test_white_noise_is_flat():
    samples = generated(payload(30), 500).astype(float)
    spectrum = np.mean(np.abs(np.fft.rfft(samples.reshape(-1, 160), axis=1)) ** 2, axis=0)[1:-1]
    assert 10 * np.log10(spectrum.max() / spectrum.min()) < 2.5
    assert abs(np.mean(samples)) < 0.05 * np.std(samples)


@pytest.mark.parametrize("codes", [RED, SPEECH_LIKE])
def test_the_spectrum_is_that_of_the_model(codes):
    samples = generated(payload(30, *codes), 1000).astype(float)
    windows = samples.reshape(-1, 160) * np.hanning(160)
    measured = 10 * np.log10(np.mean(np.abs(np.fft.rfft(windows, axis=1)) ** 2, axis=0))
    model = -20 * np.log10(np.abs(np.fft.rfft(direct_form(reflections(codes)), 160)))
    difference = (measured - model)[3:-3]
    assert np.max(np.abs(difference - np.mean(difference))) < 2.0


def test_the_lattice_equals_a_direct_form_filter():
    white = generated(payload(10), 10).astype(float)
    ks = reflections(RED)
    a = direct_form(ks)
    gain = np.sqrt(np.prod(1 - ks**2))
    expected = np.zeros(white.size)
    for n in range(white.size):
        expected[n] = gain * white[n] - sum(a[i] * expected[n - i] for i in range(1, len(a)) if n >= i)
    shaped = generated(payload(10, *RED), 10).astype(float)
    assert np.max(np.abs(shaped - expected)) < 4  # the white noise was rounded before it was filtered here


def test_the_same_seed_gives_the_same_noise_and_another_gives_another():
    assert np.array_equal(generated(payload(30), seed=5), generated(payload(30), seed=5))
    one, other = generated(payload(30), seed=5).astype(float), generated(payload(30), seed=6).astype(float)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05


def test_a_new_level_is_reached_without_a_jump():
    state = noise.new_comfort_noise()
    noise.receive(state, payload(30))
    out = np.zeros(160, np.int16)
    noise.generate(state, out)
    noise.receive(state, payload(60))
    noise.generate(state, out)
    assert np.std(out[:40]) > 3 * np.std(out[-40:])
    noise.generate(state, out)
    assert dbov(out) == pytest.approx(-60, abs=1.5)


def test_nothing_received_and_the_lowest_level_are_digital_silence():
    state = noise.new_comfort_noise()
    out = np.full(160, 5, np.int16)
    noise.generate(state, out)
    assert not out.any()
    assert not generated(payload(127, *RED)).any()


def test_an_empty_payload_changes_nothing_and_a_long_one_is_cut():
    state = noise.new_comfort_noise()
    noise.receive(state, payload(33, *RED))
    assert noise.receive(state, payload(0)[:0]) == 0
    assert (state["level_dbov"], state["order"]) == (-33, 3)
    assert noise.receive(state, payload(0x80 | 40, *range(100, 130))) == 1
    assert (state["level_dbov"], state["order"]) == (-40, 12)


def test_any_payload_makes_bounded_noise():
    rng = np.random.default_rng(8)
    for _ in range(50):
        samples = generated(rng.integers(0, 256, rng.integers(1, 20)).astype(np.uint8), 20)
        assert samples.size == 3200
    loud = generated(payload(0, 0, 255, 0, 255), 50).astype(float)
    assert np.isfinite(loud).all()


@pytest.mark.parametrize("order", [0, 1, 4, 10, 12])
def test_a_description_is_levels_and_levinsons_coefficients(order):
    rng = np.random.default_rng(9)
    samples = np.convolve(rng.normal(0, 300, 1000), [1, 1.6, 0.9, 0.3], "same").astype(np.int16)
    out = np.zeros(13, np.uint8)
    assert noise.describe(noise.new_comfort_noise(), samples, order, out) == 1 + order
    assert -int(out[0]) == round(dbov(samples))
    window = 1 - np.cos(2 * np.pi * (np.arange(1000) + 0.5) / 1000)
    x = samples * window
    r = np.array([x[lag:] @ x[: x.size - lag] for lag in range(order + 1)])
    r[0] *= 1.0001
    expected = levinson(r, order) * 32768 / 258 + 127
    assert np.max(np.abs(out[1 : 1 + order] - expected), initial=0) <= 0.51


def test_noise_described_and_made_again_keeps_level_and_colour():
    source = generated(payload(42, *RED), 50)
    out = np.zeros(11, np.uint8)
    noise.describe(noise.new_comfort_noise(), source, 10, out)
    again = generated(out, 200)
    assert dbov(again) == pytest.approx(-42, abs=1.0)

    def slope(x):
        power = np.abs(np.fft.rfft(x[: x.size // 160 * 160].reshape(-1, 160).astype(float), axis=1)) ** 2
        return 10 * np.log10(power[:, 1:20].mean() / power[:, 60:80].mean())

    assert slope(again) == pytest.approx(slope(source), abs=1.5)


def test_silence_and_an_empty_frame_are_described_as_the_quietest_level():
    out = np.zeros(11, np.uint8)
    for size in (0, 160):
        assert noise.describe(noise.new_comfort_noise(), np.zeros(size, np.int16), 10, out) == 11
        assert out[0] == 127
        assert np.all(out[1:] == 127)


def test_a_pure_tone_is_described_by_a_stable_model():
    tone = np.round(8000 * np.sin(2 * np.pi * 1000 * np.arange(160) / 8000)).astype(np.int16)
    out = np.zeros(11, np.uint8)
    noise.describe(noise.new_comfort_noise(), tone, 10, out)
    assert dbov(generated(out, 200)) == pytest.approx(dbov(tone), abs=2.0)
