"""Prompts in whatever form a site has them."""

import numpy as np
import pytest
import soundfile
from softswitch.codecs.tones import goertzel_power

from softswitch.errors import UsageError
from softswitch.media.sounds import read_sound


def sine(hz, rate_hz, seconds=1.0, level=0.25):
    return level * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_any_rate_becomes_eight_kilohertz(tmp_path, rate_hz, suffix):
    path = tmp_path / f"prompt.{suffix}"
    soundfile.write(path, sine(1000.0, rate_hz), rate_hz)
    samples = read_sound(path)
    assert samples.dtype == np.int16 and abs(samples.size - 8000) <= 1
    assert goertzel_power(samples, 1000.0, 8000.0) == pytest.approx((0.25 * 32768) ** 2 / 2, rel=0.03)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "PCM_U8", "ALAW", "ULAW", "GSM610"])
def test_any_sample_format_is_read(tmp_path, subtype):
    path = tmp_path / "prompt.wav"
    soundfile.write(path, sine(500.0, 8000), 8000, subtype=subtype)
    assert goertzel_power(read_sound(path), 500.0, 8000.0) == pytest.approx((0.25 * 32768) ** 2 / 2, rel=0.1)


def test_a_wave_of_eight_kilohertz_is_taken_bit_by_bit(tmp_path):
    samples = np.random.default_rng(7).integers(-32768, 32767, 4000, np.int16, endpoint=True)
    soundfile.write(tmp_path / "prompt.wav", samples, 8000)
    assert np.array_equal(read_sound(tmp_path / "prompt.wav"), samples)


def test_what_is_beyond_the_telephone_does_not_fold_back(tmp_path):
    soundfile.write(tmp_path / "prompt.flac", sine(5000.0, 44100), 44100)
    assert np.abs(read_sound(tmp_path / "prompt.flac")[200:-200]).max() < 8


def test_two_channels_are_heard_as_one(tmp_path):
    both = np.stack([sine(400.0, 8000), sine(900.0, 8000)], axis=1)
    soundfile.write(tmp_path / "prompt.wav", both, 8000)
    samples = read_sound(tmp_path / "prompt.wav")
    for hz in (400.0, 900.0):
        assert goertzel_power(samples, hz, 8000.0) == pytest.approx((0.125 * 32768) ** 2 / 2, rel=0.03)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all", b"RIFF\x24\0\0\0WAVEfmt \xff\xff\xff\xff"])
def test_what_is_no_sound_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "prompt.wav"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"prompt\.wav"):
        read_sound(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path, value):
    samples = sine(500.0, 8000)
    samples[100] = value
    soundfile.write(tmp_path / "prompt.wav", samples, 8000, subtype="FLOAT")
    with pytest.raises(UsageError, match=r"prompt\.wav holds samples that are no numbers"):
        read_sound(tmp_path / "prompt.wav")


def test_a_file_that_is_not_there_or_is_empty_is_refused(tmp_path):
    with pytest.raises(UsageError, match="missing"):
        read_sound(tmp_path / "missing.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    with pytest.raises(UsageError, match="no sound"):
        read_sound(tmp_path / "empty.wav")
    soundfile.write(tmp_path / "low.wav", sine(100.0, 4000), 4000)
    with pytest.raises(UsageError, match="4000 Hz"):
        read_sound(tmp_path / "low.wav")
