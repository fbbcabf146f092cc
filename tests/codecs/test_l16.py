"""L16 against NumPy's own byte order."""

import numpy as np
from softswitch.codecs import l16

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)


def test_every_sample_goes_out_in_network_order_and_comes_back():
    payload = np.zeros(131072, np.uint8)
    assert l16.encode(EVERY_SAMPLE, payload) == 131072
    assert payload.tobytes() == EVERY_SAMPLE.astype(">i2").tobytes()
    out = np.zeros(65536, np.int16)
    assert l16.decode(payload, out) == 65536
    assert np.array_equal(out, EVERY_SAMPLE)


def test_an_odd_last_byte_is_left_out():
    out = np.full(3, 7, np.int16)
    assert l16.decode(np.array([0x01, 0x02, 0xFF, 0xFE, 0x99], np.uint8), out) == 2
    assert out.tolist() == [0x0102, -2, 7]
    assert l16.decode(np.zeros(0, np.uint8), out) == 0
