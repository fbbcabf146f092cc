"""WAV headers and the sounds that are built in; what sites bring is in `test_sounds.py`."""

import io
import wave

import numpy as np
import pytest

from softswitch.errors import UsageError
from softswitch.media.clips import built_in_tones, load_clips
from softswitch.media.wav import header


def test_a_missing_clip_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"closing\.wav"):
        load_clips({"closing": tmp_path / "closing.wav"})


def test_a_header_is_read_by_others():
    with wave.open(io.BytesIO(header(16) + bytes(16))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()) == (2, 2, 8000, 4)


def test_built_in_tones_are_soft_enough_for_a_headset():
    for name, samples in built_in_tones().items():
        assert samples.dtype == np.int16
        assert np.abs(samples.astype(int)).max() < 12_000, name
