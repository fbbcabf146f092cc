"""WAV files: clips read, recordings' headers."""

import io
import struct
import wave

import numpy as np
import pytest
from softswitch.codecs import g711

from softswitch.errors import UsageError
from softswitch.media.clips import built_in_tones, load_clips
from softswitch.media.wav import header, read_mono


def riff(encoding, channels, rate_hz, bits, data, extra=b""):
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", encoding, channels, rate_hz, rate_hz * block, block, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + extra + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


SAMPLES = (np.arange(800) * 40 - 16000).astype(np.int16)


def test_sixteen_bit_clips_are_read_as_they_are(tmp_path):
    path = tmp_path / "clip.wav"
    path.write_bytes(riff(1, 1, 8000, 16, SAMPLES.tobytes(), extra=b"LIST\x03\0\0\0abc\0"))
    assert np.array_equal(read_mono(path), SAMPLES)


@pytest.mark.parametrize(("encoding", "codec"), [(6, "PCMA"), (7, "PCMU")])
def test_g711_clips_are_expanded(tmp_path, encoding, codec):
    path = tmp_path / "clip.wav"
    codes = g711.encode(codec, SAMPLES)
    path.write_bytes(riff(encoding, 1, 8000, 8, codes.tobytes()))
    assert np.array_equal(read_mono(path), g711.decode(codec, codes))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no WAV"),
        (b"ID3 some other music format", "no WAV"),
        (riff(1, 2, 8000, 16, bytes(8)), "2 channel"),
        (riff(1, 1, 44100, 16, bytes(8)), "44100 Hz"),
        (riff(1, 1, 8000, 8, bytes(8)), "8 bits"),
        (riff(1, 1, 8000, 16, bytes(8))[:30], "no sound|no WAV"),
    ],
)
def test_what_cannot_be_played_is_refused_with_what_to_convert(tmp_path, content, reason):
    path = tmp_path / "clip.wav"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        read_mono(path)


def test_a_missing_clip_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"closing\.wav"):
        load_clips({"closing": tmp_path / "closing.wav"})


def test_a_recordings_header_is_read_by_others():
    with wave.open(io.BytesIO(header(16) + bytes(16))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()) == (2, 2, 8000, 4)


def test_built_in_tones_are_soft_enough_for_a_headset():
    for name, samples in built_in_tones().items():
        assert samples.dtype == np.int16
        assert np.abs(samples.astype(int)).max() < 12_000, name
