"""Answers in which nobody speaks, made for training: the network's tones, faxes, music, breath, handling, dead air."""

import math
from dataclasses import dataclass
from typing import Any

import amd_sounds as sounds
import numpy as np
import numpy.typing as npt
from amd_beeps import music

from softswitch.amd.weights import CLASSES

Floats = npt.NDArray[np.floating[Any]]
RATE_HZ = 8000
TONE, FAX, NOTHING = (CLASSES.index(name) for name in ("tone", "fax", "nothing"))
SIGNAL_RMS = 2000.0
CADENCES = (
    (2000, 4000), (1000, 4000), (1000, 3000), (1500, 3500), (800, 3200), (400, 200, 400, 2000), (1250, 250, 1250, 3250),
    (500, 500), (375, 375), (250, 250), (200, 200), (350, 350), (400, 350, 225, 525), (250, 750), (6000, 10),
)  # fmt: skip
"""On and off in ms: ringing, busy, congestion and steady tones of many countries (ITU-T E.180 Supplement 2)."""
PITCHES = (
    (425,), (400, 450), (440, 480), (480, 620), (350, 440), (400,), (450,), (420,), (413, 438), (425, 400), (380, 420),
    (440,), (350, 425), (480,), (950,), (1400,),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signal:
    pcm: Floats
    """As loud as a voice of rms 2,000, where it sounds."""
    label: int


KINDS = {"tone": 0.26, "music": 0.14, "fax": 0.14, "breath": 0.12, "handling": 0.12, "clatter": 0.12, "dead": 0.1}


def signal(samples: int, rng: np.random.Generator, kinds: dict[str, float] = KINDS) -> Signal:
    """One answer without a voice.  kinds: the share of each."""
    kind = rng.choice(list(kinds), p=list(kinds.values()))
    if kind == "tone":
        return Signal(_tone(samples, rng), TONE)
    if kind == "music":
        tune = music(rng, samples)
        return Signal(tune / sounds.rms(tune) * SIGNAL_RMS, TONE)
    if kind == "fax":
        return Signal(_fax(samples, rng), FAX)
    out = rng.normal(0, rng.uniform(0.3, 12), samples)
    if kind == "breath":
        out = out + breaths(samples, rng) * SIGNAL_RMS * sounds.gain(rng.uniform(-25, 0))
    elif kind == "handling":
        out = out + handling(samples, rng) * SIGNAL_RMS * sounds.gain(rng.uniform(-20, 3))
    elif kind == "clatter":
        out = out + clatter(samples, rng) * SIGNAL_RMS * sounds.gain(rng.uniform(-20, 3))
    return Signal(out, NOTHING)


def _tone(samples: int, rng: np.random.Generator) -> Floats:
    steps = np.array(CADENCES[rng.integers(len(CADENCES))]) * rng.uniform(0.85, 1.15)
    pitches = np.array(PITCHES[rng.integers(len(PITCHES))]) * rng.uniform(0.97, 1.03)
    time = np.arange(samples) / RATE_HZ
    wave = sum(np.sin(2 * np.pi * hz * time + rng.uniform(0, 6)) for hz in pitches) * math.sqrt(2 / len(pitches))
    edges = np.cumsum(np.tile(steps, samples // int(steps.sum() * 8) + 2)) * 8
    position = np.searchsorted(edges, np.arange(samples) + rng.integers(0, int(steps.sum() * 8)))
    sounding = np.convolve(position % 2 == 0, np.ones(24) / 24, "same")
    return np.asarray(wave * sounding * SIGNAL_RMS)


def _fax(samples: int, rng: np.random.Generator) -> Floats:
    """A calling tone, an answering tone with or without reversals and hum, or the preamble that follows (T.30, V.8)."""
    time = np.arange(samples) / RATE_HZ
    kind = rng.integers(0, 4)
    start = rng.uniform(0, 1.5)
    if kind == 0:
        on = (time - start) % 3.5 < 0.5
        return np.asarray(np.sin(2 * np.pi * rng.uniform(1062, 1138) * time) * on * 1.4 * SIGNAL_RMS)
    wave = np.sin(2 * np.pi * rng.uniform(2085, 2115) * time)
    if kind >= 2:
        wave = wave * np.where((time - start) / rng.uniform(0.425, 0.475) % 2 < 1, 1, -1)
    if kind == 3:
        wave = wave * (1 + 0.2 * np.sin(2 * np.pi * 15 * time))
    ends = start + rng.uniform(2.6, 4.0)
    shift = np.repeat(rng.integers(0, 2, samples // 27 + 1), 27)[:samples]  # 300 bit/s
    keyed = np.sin(2 * np.pi * np.cumsum(np.where(shift, 1650, 1850)) / RATE_HZ)
    wave = np.where(time < start, 0, np.where(time < ends, wave, np.where(time < ends + 0.075, 0, keyed)))
    return np.asarray(wave * 1.4 * SIGNAL_RMS)


def _placed(samples: int, rng: np.random.Generator, count: int, length_s: tuple[float, float], make: Any) -> Floats:
    out = np.zeros(samples)
    for _ in range(count):
        length = int(rng.uniform(*length_s) * RATE_HZ)
        at = int(rng.integers(0, samples))
        part = make(length) * sounds.gain(rng.normal(0, 4))
        out[at : at + length] += part[: samples - at]
    return out


def breaths(samples: int, rng: np.random.Generator) -> Floats:
    """Air in and out beside the microphone: noise that swells, of one colour a call."""
    low, high = rng.uniform(150, 600), rng.uniform(900, 3000)

    def breath(length: int) -> Floats:
        shape = np.sin(np.pi * np.linspace(0, 1, length) ** rng.uniform(0.6, 1.6)) ** 2
        return sounds.band_limited(rng.normal(0, 1, length), low, high) * shape

    return _placed(samples, rng, int(rng.integers(1, 7)), (0.25, 1.3), breath)


def handling(samples: int, rng: np.random.Generator) -> Floats:
    """Thumps, rustling and clicks of a telephone in a hand."""

    def touch(length: int) -> Floats:
        fade = np.exp(-np.arange(length) / (length * rng.uniform(0.08, 0.5)))
        top = rng.uniform(250, 3400)
        return sounds.band_limited(rng.normal(0, 1, length), rng.uniform(60, 200), top) * fade * rng.uniform(0.5, 3)

    return _placed(samples, rng, int(rng.integers(2, 14)), (0.01, 0.35), touch)


def clatter(samples: int, rng: np.random.Generator) -> Floats:
    """Dishes, keys, a door: blows that ring on at a few pitches."""

    def blow(length: int) -> Floats:
        time = np.arange(length) / RATE_HZ
        ring = sum(
            np.sin(2 * np.pi * hz * time) * np.exp(-time * rng.uniform(8, 60))
            for hz in rng.uniform(300, 3600, rng.integers(2, 6))
        )
        return np.asarray(ring + rng.normal(0, 0.7, length) * np.exp(-time * rng.uniform(30, 150)))

    return _placed(samples, rng, int(rng.integers(2, 16)), (0.05, 0.5), blow)
