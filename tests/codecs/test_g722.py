"""G.722 against the ITU's conformance sequences, band by band, and its speech through the mirror filters."""

from pathlib import Path

import numpy as np
import pytest
from softswitch.codecs import g722

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "g722"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="the ITU's vectors are not on this machine")


def words(name):
    """The 16-bit words of a sequence; bit 0 asks for a reset of the state."""
    return np.fromfile(VECTORS / name, ">u2").astype(np.int64)


def speech(name):
    return np.fromfile(VECTORS / "speech" / name, "<i2").astype(np.int16)


@needs_vectors
@pytest.mark.parametrize(("source", "codes"), [("bt1c1.xmt", "bt2r1.cod"), ("bt1c2.xmt", "bt2r2.cod")])
def test_both_band_encoders_give_the_itus_codes(source, codes):
    state = g722.new_encoder()
    expected = words(codes)
    given = words(source)
    assert given.size == expected.size > 700
    for word, code in zip(given, expected, strict=True):
        if word & 1:
            g722.reset_encoder(state)
            continue
        sample = int(np.uint16(word).view(np.int16)) >> 1
        low = g722.encode_low(state["low"], sample)
        high = g722.encode_high(state["high"], sample)
        assert high << 6 | low == code >> 8


DECODED = [
    (codes, f"bt3l{n}.rc{mode}", f"bt3h{n}.rc0", mode)
    for n, codes in ((1, "bt2r1.cod"), (2, "bt2r2.cod"), (3, "bt1d3.cod"))
    for mode in (1, 2, 3)
]


@needs_vectors
@pytest.mark.parametrize(("codes", "low", "high", "mode"), DECODED)
def test_both_band_decoders_give_the_itus_samples_in_every_mode(codes, low, high, mode):
    state = g722.new_decoder()
    for code, lower, higher in zip(words(codes), words(low), words(high), strict=True):
        if code & 1:
            g722.reset_decoder(state)
            assert lower & higher & 1
            continue
        assert g722.decode_low(state["low"], code >> 8 & 63, mode) == int(np.uint16(lower).view(np.int16)) >> 1
        assert g722.decode_high(state["high"], code >> 14) == int(np.uint16(higher).view(np.int16)) >> 1


@needs_vectors
def test_the_itus_speech_is_coded_bit_by_bit():
    samples = speech("inpsp.bin")
    out = np.zeros(samples.size // 2, np.uint8)
    assert g722.encode(g722.new_encoder(), samples, out) == out.size
    assert np.array_equal(out, np.fromfile(VECTORS / "speech" / "codspw.cod", "<u2").astype(np.uint8))


@needs_vectors
@pytest.mark.parametrize("mode", [1, 2, 3])
def test_the_itus_speech_is_decoded_bit_by_bit_in_every_mode(mode):
    payload = np.fromfile(VECTORS / "speech" / "codspw.cod", "<u2").astype(np.uint8)
    out = np.zeros(2 * payload.size, np.int16)
    assert g722.decode(g722.new_decoder(), payload, out, mode) == out.size
    assert np.array_equal(out, speech(f"outsp{mode}.bin"))


def sine(frequency_hz, samples=16000, amplitude=8000.0):
    return np.round(amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / 16000)).astype(np.int16)


def through(samples, mode=1):
    encoder, decoder = g722.new_encoder(), g722.new_decoder()
    coded, out = np.zeros(160, np.uint8), np.zeros(320, np.int16)
    frames = []
    for start in range(0, samples.size - 319, 320):
        assert g722.encode(encoder, samples[start : start + 320], coded) == 160
        assert g722.decode(decoder, coded, out, mode) == 320
        frames.append(out.copy())
    return np.concatenate(frames)


def test_audio_comes_back_late_by_the_mirror_filters_22_samples():
    """Two filters of 24 taps, less what a pair of samples shares."""
    samples = (sine(310, amplitude=5000) // 2 + sine(1370, amplitude=3000) + sine(5430, amplitude=800)).astype(np.int16)
    out = through(samples).astype(float)
    sent = samples[1000:15000].astype(float)
    errors = [np.mean((out[1000 + lag : 15000 + lag] - sent) ** 2) for lag in range(40)]
    assert errors.index(min(errors)) == 22


@pytest.mark.parametrize(("frequency_hz", "least_db"), [(300, 30.0), (1000, 30.0), (3000, 25.0), (6000, 15.0)])
def test_a_sine_comes_back_clean(frequency_hz, least_db):
    samples = sine(frequency_hz)
    error = through(samples)[1022:15022].astype(float) - samples[1000:15000]
    assert 10 * np.log10(8000.0**2 / 2 / np.mean(error**2)) > least_db


def test_fewer_bits_are_noisier():
    samples = sine(700)
    errors = []
    for mode in (1, 2, 3):
        out = through(samples, mode).astype(float)
        errors.append(np.mean((out[1022:15022] - samples[1000:15000]) ** 2))
    assert errors[0] < errors[1] < errors[2]


def test_frames_join_as_if_coded_at_once():
    samples = np.random.default_rng(5).integers(-9000, 9000, 3200).astype(np.int16)
    whole, framed = np.zeros(1600, np.uint8), np.zeros(1600, np.uint8)
    g722.encode(g722.new_encoder(), samples, whole)
    state = g722.new_encoder()
    for start in range(0, 3200, 320):
        g722.encode(state, samples[start : start + 320], framed[start // 2 : start // 2 + 160])
    assert np.array_equal(whole, framed)


def test_full_scale_is_clipped_and_never_wraps():
    square = np.where(np.arange(16000) // 40 % 2, 32767, -32768).astype(np.int16)
    out = through(square).astype(float)[1000:]
    assert out.max() > 30000
    assert out.min() < -30000
    steps = np.abs(np.diff(np.sign(out[np.abs(out) > 20000])))
    assert np.count_nonzero(steps) == pytest.approx(15000 / 40, abs=4)  # no sample of the wrong sign inside a plateau


def test_any_bytes_decode_to_something():
    payload = np.random.default_rng(7).integers(0, 256, 16000).astype(np.uint8)
    for mode in (1, 2, 3):
        out = np.zeros(32000, np.int16)
        assert g722.decode(g722.new_decoder(), payload, out, mode) == 32000
        assert np.unique(out).size > 1000


def test_an_odd_last_sample_and_an_empty_payload_are_left_out():
    out = np.zeros(4, np.uint8)
    assert g722.encode(g722.new_encoder(), np.zeros(5, np.int16), out) == 2
    assert g722.decode(g722.new_decoder(), np.zeros(0, np.uint8), np.zeros(0, np.int16), 1) == 0


def test_a_reset_forgets_everything():
    state = g722.new_encoder()
    out = np.zeros(160, np.uint8)
    g722.encode(state, sine(440, 320), out)
    g722.reset_encoder(state)
    assert state == g722.new_encoder()
