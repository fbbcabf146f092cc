"""What a line does to a voice, for augmentation: colour, bands, companding, coding noise, tempo, backgrounds."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

Floats = npt.NDArray[np.floating[Any]]
FFT_MULTIPLE = 8192
FULL_SCALE = 32768.0


def gain(db: Any) -> Any:
    return 10.0 ** (db / 20.0)


def rms(pcm: Floats) -> float:
    return float(np.sqrt(np.mean(pcm**2) + 1.0))


def _filtered(pcm: Floats, response: Any) -> Floats:
    """response: what to multiply the spectrum with, a function of the frequencies in Hz."""
    size = -(-len(pcm) // FFT_MULTIPLE) * FFT_MULTIPLE
    spectrum = np.fft.rfft(pcm, size)
    return np.fft.irfft(spectrum * response(np.linspace(0, 4000, len(spectrum))), size)[: len(pcm)]


def coloured(pcm: Floats, rng: np.random.Generator, strength_db: float) -> Floats:
    """A random smooth equaliser of eight knots."""
    knots = rng.normal(0, strength_db, 8)
    return _filtered(pcm, lambda hz: gain(np.interp(hz, np.linspace(0, 4000, 8), knots)))


def band_limited(pcm: Floats, low_hz: float, high_hz: float) -> Floats:
    return _filtered(pcm, lambda hz: 1 / (1 + np.exp(-(hz - low_hz) / 20)) / (1 + np.exp((hz - high_hz) / 30)))


def mu_law(pcm: Floats) -> Floats:
    value = np.clip(pcm.astype(np.float32) / FULL_SCALE, -1, 1)
    coded = np.round(np.sign(value) * np.log1p(255 * np.abs(value)) / np.log(256) * 127) / 127
    return np.sign(coded) * (256 ** np.abs(coded) - 1) / 255 * FULL_SCALE


def a_law(pcm: Floats) -> Floats:
    curve = 87.6
    value = np.clip(pcm.astype(np.float32) / FULL_SCALE, -1, 1)
    size, steep = np.abs(value), 1 + np.log(curve)
    coded = np.where(size < 1 / curve, curve * size / steep, (1 + np.log(np.maximum(curve * size, 1))) / steep)
    coded = np.round(coded * 127) / 127
    plain = np.where(coded < 1 / steep, coded * steep / curve, np.exp(coded * steep - 1) / curve)
    return np.sign(value) * plain * FULL_SCALE


def transcoded(pcm: Floats, codec: str) -> Floats:
    """Through a codec and back.  codec: "GSM610" or "OPUS", as libsndfile names them."""
    file = io.BytesIO()
    container = "WAV" if codec == "GSM610" else "OGG"
    soundfile.write(file, np.clip(pcm, -32768, 32767) / FULL_SCALE, 8000, format=container, subtype=codec)
    file.seek(0)
    decoded = soundfile.read(file)[0] * FULL_SCALE
    return np.pad(decoded, (0, max(len(pcm) - len(decoded), 0)))[: len(pcm)]


def faster(pcm: Floats, rate: float) -> Floats:
    """Played at `rate` times the speed, the pitch with it."""
    count = int(len(pcm) / rate)
    return np.interp(np.arange(count) * rate, np.arange(len(pcm)), pcm)


def activity(pcm: Floats, blocks: int) -> npt.NDArray[np.bool_]:
    """Where a clean clip has a voice, per 10 ms: 8 dB over its quietest tenth and within 32 dB of its loudest."""
    cut = pcm[: len(pcm) // 80 * 80].reshape(-1, 80)
    level = np.convolve(10 * np.log10(np.mean(cut**2, 1) + 1), np.ones(3) / 3, "same")
    active = level > max(np.percentile(level, 10) + 8, np.percentile(level, 97) - 32)
    out = np.zeros(blocks, bool)
    out[: min(blocks, len(active))] = active[:blocks]
    return out


def made_noise(samples: int, rng: np.random.Generator) -> Floats:
    """Noise of a random colour: steady, swelling, or in bursts."""
    out = coloured(rng.normal(0, 1, samples), rng, 12)
    kind = rng.integers(0, 3)
    if kind == 1:
        knots = rng.integers(3, 12)
        swell = np.interp(np.arange(samples), np.linspace(0, samples, knots), rng.normal(0, 5, knots))
        return out * gain(swell)
    if kind == 2:
        shape = np.full(samples, 0.15)
        for _ in range(rng.integers(3, 25)):
            start, length = rng.integers(0, samples), rng.integers(80, 3000)
            burst = rng.uniform(0.3, 2) * np.exp(-np.arange(length) / (length / 3))
            shape[start : start + length] += burst[: samples - start]
        return out * shape
    return out


def comfort_noise(samples: int, rng: np.random.Generator) -> Floats:
    """Noise of rms about 1 as a decoder makes it in the pauses of discontinuous transmission: of one colour, its level
    told anew every 160 to 480 ms."""
    every = int(rng.integers(1, 4)) * 1280
    told = rng.normal(0, rng.uniform(0.2, 2), samples // every + 2)
    noise = coloured(rng.normal(0, 1, samples), rng, 6)
    return noise / rms(noise * 100) * 100 * gain(np.interp(np.arange(samples), np.arange(len(told)) * every, told))


def with_lost_packets(pcm: Floats, rng: np.random.Generator) -> Floats:
    """Up to 3 % of the 20 ms packets silent, or the one before once more.  pcm: a multiple of 160 samples."""
    share, held = rng.uniform(0, 0.03), rng.random() < 0.5
    packets = pcm.reshape(-1, 160).copy()
    for index in np.flatnonzero(rng.random(len(packets)) < share):
        packets[index] = packets[index - 1] if held and index else 0
    return packets.reshape(-1)


def beep(rng: np.random.Generator) -> Floats:
    """One or two tones of 380 to 2,000 Hz and 100 to 1,300 ms, about as loud as a voice of rms 2,000."""
    length = int(rng.uniform(100, 1300) * 8)
    time = np.arange(length) / 8000
    wave = np.sin(2 * np.pi * rng.uniform(380, 2000) * time)
    if rng.random() < 0.25:
        wave = (wave + np.sin(2 * np.pi * rng.uniform(380, 2000) * time)) / 1.5
    wave *= 2828 * gain(rng.uniform(-8, 6))
    wave[:40] *= np.linspace(0, 1, 40)
    wave[-40:] *= np.linspace(1, 0, 40)
    return wave
