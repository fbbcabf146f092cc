"""G.711 against the ITU's own sweep and against NumPy twins."""

from pathlib import Path

import numpy as np
import pytest
from softswitch.codecs import g711

from softswitch.errors import UsageError

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "g711"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="the ITU's vectors are not on this machine")
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_CODE = np.arange(256).astype(np.uint8)


def ulaw_codes(samples):
    """NumPy twin of encode_ulaw, from the decision table instead of bit tricks."""
    magnitude = np.minimum(np.where(samples < 0, ~samples.astype(np.int32), samples) >> 2, 8158) + 33
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    code = ((7 - segment) << 4) | (15 - ((magnitude >> (segment + 1)) & 15))
    return np.where(samples < 0, code, code | 0x80).astype(np.uint8)


def alaw_codes(samples):
    """NumPy twin of encode_alaw."""
    magnitude = np.where(samples < 0, ~samples.astype(np.int32), samples) >> 4
    exponent = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 3, 0)
    coded = np.where(exponent > 0, (magnitude >> np.maximum(exponent - 1, 0)) - 16 + (exponent << 4), magnitude)
    return (np.where(samples < 0, coded, coded | 0x80) ^ 0x55).astype(np.uint8)


def words(name):
    return np.fromfile(VECTORS / name, "<i2")


@needs_vectors
@pytest.mark.parametrize(("codec", "suffix"), [("PCMU", "u"), ("PCMA", "a")])
def test_all_65536_inputs_are_coded_and_expanded_as_the_itu_reference_does(codec, suffix):
    source = words("sweep.src")
    assert np.unique(source).size == 65536
    codes = g711.encode(codec, source)
    assert np.array_equal(codes, words(f"sweep-r.{suffix}").astype(np.uint8))
    assert np.array_equal(g711.decode(codec, codes), words(f"sweep-r.{suffix}-{suffix}"))


@pytest.mark.parametrize(("codec", "twin"), [("PCMU", ulaw_codes), ("PCMA", alaw_codes)])
def test_encoding_equals_its_numpy_twin_on_every_sample(codec, twin):
    assert np.array_equal(g711.encode(codec, EVERY_SAMPLE), twin(EVERY_SAMPLE))


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_every_code_survives_expansion_and_compression(codec):
    again = g711.encode(codec, g711.decode(codec, EVERY_CODE))
    different = EVERY_CODE[again != EVERY_CODE]
    assert different.tolist() == ([0x7F] if codec == "PCMU" else [])  # µ-law's -0 becomes +0


@pytest.mark.parametrize(("codec", "code"), [("PCMU", g711.ULAW_SILENCE), ("PCMA", g711.ALAW_SILENCE)])
def test_silence_is_the_code_of_zero(codec, code):
    assert g711.encode(codec, np.zeros(3, np.int16)).tolist() == [code] * 3


def test_transcoding_tables_stay_within_half_a_step_of_the_source():
    for table, there, back in (
        (g711.ULAW_TO_ALAW, g711.ULAW_TO_LINEAR, g711.ALAW_TO_LINEAR),
        (g711.ALAW_TO_ULAW, g711.ALAW_TO_LINEAR, g711.ULAW_TO_LINEAR),
    ):
        source = there.astype(int)
        error = np.abs(back[table].astype(int) - source)
        assert np.all(error <= np.maximum(16, np.abs(source) // 24))


def test_a_read_only_payload_is_decoded():
    assert g711.decode("PCMU", b"\xff\x80\x00").tolist() == [0, 32124, -32124]


def test_the_wrapper_refuses_what_it_cannot_code():
    with pytest.raises(UsageError):
        g711.encode("PCMU", np.zeros(4, np.float64))
    with pytest.raises(UsageError):
        g711.encode("G729", np.zeros(4, np.int16))
    with pytest.raises(UsageError):
        g711.decode("PCMA", np.zeros((2, 2), np.uint8))
