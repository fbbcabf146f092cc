from itertools import product

import numpy as np
import pytest

from softswitch.testing.companding import decode, encode

EVERY_CODE = bytes(range(256))
EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_every_code_survives_a_round_trip_but_the_two_zeros_of_mu_law_are_one(codec: str) -> None:
    again = np.frombuffer(encode(decode(EVERY_CODE, codec), codec), dtype=np.uint8)
    assert np.array_equal(decode(again.tobytes(), codec), decode(EVERY_CODE, codec))


@pytest.mark.parametrize(
    ("codec", "code", "value"),
    [("PCMU", 0x00, -32124), ("PCMU", 0x80, 32124), ("PCMU", 0xFF, 0), ("PCMA", 0x2A, -32256), ("PCMA", 0xD5, 8)],
)
def test_the_ends_of_the_tables_are_those_of_the_recommendation(codec: str, code: int, value: int) -> None:
    assert decode(bytes([code]), codec)[0] == value


@pytest.mark.parametrize(("codec", "sample"), list(product(["PCMU", "PCMA"], [-30000, -1200, -9, 0, 7, 500, 20000])))
def test_each_sample_goes_to_the_nearest_value(codec: str, sample: int) -> None:
    got = int(decode(encode(np.array([sample], dtype=np.int16), codec), codec)[0])
    nearest = int(np.min(np.abs(decode(EVERY_CODE, codec).astype(int) - sample)))
    assert abs(got - sample) == nearest


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_louder_in_is_never_quieter_out(codec: str) -> None:
    assert np.all(np.diff(decode(encode(EVERY_SAMPLE, codec), codec).astype(int)) >= 0)
