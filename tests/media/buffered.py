"""What tests of buffered legs send and how they judge what comes out: a steady tone over a rough network."""

import asyncio
import time
from itertools import pairwise

import numpy as np
from softswitch.codecs import g711, g722
from softswitch.codecs.tones import goertzel_power

from tests.media.conftest import NO_CATCH_UP_S, End, contiguous

HZ = 450.0
AMPLITUDE = 4600.0
POWER = AMPLITUDE**2 / 2
COMFORT_NOISE_TYPE = 13
ALWAYS = {"jitter_buffer": "always"}


def sine(frames, hz=HZ, rate_hz=8000):
    count = frames * rate_hz // 50
    return np.round(AMPLITUDE * np.sin(2 * np.pi * hz * np.arange(count) / rate_hz)).astype(np.int16)


def payloads_of(samples, codec="PCMU"):
    if codec == "G722":
        encoder, out = g722.new_encoder(), np.zeros(samples.size // 2, np.uint8)
        g722.encode(encoder, samples, out)
        return [out[at : at + 160].tobytes() for at in range(0, out.size, 160)]
    return [g711.encode(codec, samples[at : at + 160]).tobytes() for at in range(0, samples.size, 160)]


class Wideband(End):
    """An end that speaks G.722."""

    def __init__(self):
        super().__init__("PCMU", 0xD0D0)
        self.codec, self.payload_type = "G722", 9

    def heard(self):
        """At 16 kHz, each packet where it belongs among those that came."""
        decoder, parts = g722.new_decoder(), []
        for packet in self.packets:
            payload, out = np.frombuffer(packet.payload, np.uint8).copy(), np.zeros(320, np.int16)
            g722.decode(decoder, payload, out, 1)
            parts.append(out)
        return np.concatenate(parts)


def wideband(studio):
    end = Wideband()
    studio.ends.append(end)
    return end.open(studio.plane)


async def send_over(end, payloads, *, jitter_ms=0.0, loss=0.0, copies=0.0, seed=1, silent=lambda index: False):
    """Send a payload each 20 ms over a network that delays each for up to `jitter_ms`, loses and doubles some; those
    that were lost. What is `silent` is not sent at all, as by a sender that detects silence."""
    rng = np.random.default_rng(seed)
    sequence, timestamp = end.sequence, end.timestamp
    schedule, lost, marker = [], [], True
    for index, payload in enumerate(payloads):
        if silent(index):
            marker = True
            continue
        at = 0.02 * index + rng.uniform(0.0, jitter_ms / 1e3)
        sent = (sequence, timestamp + 160 * index, payload, marker)
        sequence, marker = sequence + 1, False
        if 2 < index < len(payloads) - 3 and rng.random() < loss:
            lost.append(index)
            continue
        schedule.append((at, *sent))
        if rng.random() < copies:
            schedule.append((at + 0.004, *sent))
    started = time.monotonic()
    for at, number, stamp, payload, mark in sorted(schedule):
        await asyncio.sleep(max(0.0, started + at - time.monotonic()))
        started += max(0.0, time.monotonic() - started - at - NO_CATCH_UP_S)
        end.sequence, end.timestamp = number, stamp
        end.send(payload, marker=mark)
    end.sequence, end.timestamp = sequence, timestamp + 160 * len(payloads)
    return lost


def is_one_stream(packets):
    """No hole, no packet twice, and a timeline that leaps only where a new spurt of talk is marked."""
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(packets) if not b.marker]
    return contiguous(packets) and set(steps) <= {160} and {len(packet.payload) for packet in packets} == {160}


def usual_power(samples, hz=HZ, rate_hz=8000.0):
    """Of a tone in most fifths of a second: where this machine stood still, one or two have less."""
    size = int(rate_hz) // 5
    windows = [np.ascontiguousarray(samples[at : at + size]) for at in range(0, samples.size - size + 1, size)]
    return float(np.median([goertzel_power(window, hz, rate_hz) for window in windows]))


def roughest(samples):
    """The greatest change of slope from sample to sample: a click is far beyond what the tone itself has."""
    return int(np.abs(np.diff(samples.astype(np.int64), 2)).max())


SMOOTH = AMPLITUDE * (2 * np.pi * HZ / 8000) ** 2
"""The greatest second difference of the tone."""
CODE_STEP = 256
"""Of µ-law at this amplitude: two roundings may add up to as much again."""
