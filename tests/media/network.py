"""A network that exists on paper: packets with a time of arrival, and a receiver that pulls every 20 ms."""

import itertools
from dataclasses import dataclass

import numba
import numpy as np
from softswitch.codecs.registry import CodecCode

from softswitch.media import jitter

MS = 1_000_000
FRAME_NS = 20 * MS
PCMU = int(CodecCode.PCMU)


@dataclass(order=True)
class Sent:
    arrives: int
    sequence: int
    timestamp: int
    payload: bytes
    marker: int = 0
    ssrc: int = 7
    codec: int = PCMU


def chunk(number, loud=True):
    """10 ms of µ-law that tell their number; loud, or the faintest there is with the number at the front."""
    mark = bytes([1 + (number >> 12 & 63), 1 + (number >> 6 & 63), 1 + (number & 63), 0])
    return mark * 20 if loud else mark + b"\xff" * 76


def talk(frames, *, chunks=2, skew_ppm=0, sequence=65000, timestamp=2**32 - 9999, ssrc=7, loud=True, silences=()):
    """A sender's packets, as they leave (ns), each of `chunks` x 10 ms; silences: (first, count) packets not sent."""
    packets = []
    at = 0.0
    step = chunks * 10 * MS / (1 + skew_ppm * 1e-6)
    number = 0
    silent = {i for first, count in silences for i in range(first, first + count)}
    for i in range(frames):
        if i not in silent:
            payload = b"".join(chunk(number + k, loud) for k in range(chunks))
            marker = int(i == 0 or i - 1 in silent)
            packets.append(Sent(int(at), sequence & 0xFFFF, timestamp & 0xFFFFFFFF, payload, marker, ssrc))
            sequence += 1
        number += chunks
        timestamp += 80 * chunks
        at += step
    return packets


class Receiver:
    """A buffer with its clock; it notes what came out and checks, at each step, what must always hold."""

    def __init__(self, **options):
        self.buffers = jitter.new_buffers(1, **options)
        self.buffer = self.buffers[0]
        self.out = np.zeros(640, np.uint8)
        self.kinds, self.chunks, self.delays, self.statuses = [], [], [], []
        self.pulled_at = []
        self.skipped_ns = 0

    def count(self, name):
        return int(self.buffer[name])

    def put(self, sent, now=None):
        packet = np.frombuffer(bytes(12) + sent.payload, np.uint8)
        now = sent.arrives if now is None else now
        status = jitter.put(
            self.buffer,
            packet,
            12,
            packet.size,
            sent.sequence,
            sent.timestamp,
            sent.ssrc,
            sent.codec,
            8000,
            sent.marker,
            now,
        )
        self.statuses.append(status)
        self.check()
        return status

    def get(self, now):
        kind = jitter.get(self.buffer, now, self.out)
        self.kinds.append(kind)
        self.pulled_at.append(now)
        self.skipped_ns += self.count("frame_skipped_ns")
        if kind == jitter.FRAME:
            self.delays.append(self.count("delay_ns") / MS)
            data = self.out[: self.count("frame_length")]
            self.chunks += numbers_in(data)
        self.check()
        return kind

    @property
    def heard(self):
        """What the pulls gave from the first frame to the last."""
        last = len(self.kinds) - self.kinds[::-1].index(jitter.FRAME)
        return self.kinds[self.kinds.index(jitter.FRAME) : last]

    def check(self):
        b = self.buffer
        count = int(b["count"])
        assert 0 <= count <= b["capacity"]
        slots = b["order"][:count]
        assert int(b["used"]) & (2**64 - 1) == sum(1 << int(slot) for slot in slots)
        assert int(b["held_ns"]) == sum(int(b["pieces"]["length_ns"][slot]) for slot in slots)
        keys = [int(b["pieces"]["key"][slot]) for slot in slots]
        assert keys == sorted(set(keys))

    def run(self, packets, *, until=None, wobble=None, begin=0, sure_from=0):
        """Let the packets come in while pulling every 20 ms.  wobble: how late each pull is, ns, cyclic.

        sure_from: the pull from which what comes out must be chunks, cut anywhere.
        """
        packets = sorted(packets)
        end = packets[-1].arrives + 400 * MS if until is None else until
        pulls = np.arange(begin, end + 1, FRAME_NS)
        if wobble is not None:
            pulls += np.resize(np.asarray(wobble, np.int64), pulls.size)
        widest = max(len(p.payload) for p in packets)
        payloads = np.zeros((len(packets), max(widest, 1)), np.uint8)
        for row, p in zip(payloads, packets, strict=True):
            row[: len(p.payload)] = np.frombuffer(p.payload, np.uint8)
        fields = np.array(
            [(p.arrives, p.sequence, p.timestamp, p.ssrc, p.codec, p.marker, len(p.payload)) for p in packets],
            np.int64,
        )
        statuses = np.zeros(len(packets), np.int64)
        results = np.zeros((pulls.size, 4), np.int64)
        frames = np.zeros((pulls.size, 640), np.uint8)
        taken, sound = play(self.buffers, fields, payloads, pulls, statuses, results, frames)
        assert sound
        self.statuses += statuses[:taken].tolist()
        self.kinds += results[:, 0].tolist()
        self.pulled_at += pulls.tolist()
        self.skipped_ns += int(results[:, 3].sum())
        heard = (results[:, 0] == jitter.FRAME) & (np.arange(pulls.size) >= sure_from)
        self.delays += (results[heard, 1] / MS).tolist()
        audio = [data[:length] for data, length in zip(frames[heard], results[heard, 2], strict=True)]
        if sure_from:
            self.chunks += numbers_along(np.concatenate(audio).tobytes() if audio else b"")
        else:
            for data in audio:
                self.chunks += numbers_in(data)
        self.check()
        return self


def numbers_in(data):
    """The numbers of the chunks in a payload."""
    assert 0 < data.size <= 160 and data.size % 80 == 0
    return [(int(a) - 1) << 12 | (int(b) - 1) << 6 | (int(c) - 1) for a, b, c in data.reshape(-1, 80)[:, :3]]


def numbers_along(audio):
    """The numbers of loud chunks in audio that may begin within one."""
    phase = next(p for p in range(4) if not any(audio[p + 3 :: 4]))
    marks = [audio[i : i + 3] for i in range(phase, len(audio) - 3, 4)]
    runs = [(mark, len(list(run))) for mark, run in itertools.groupby(marks)]
    # a frame left out may join two halves of a mark
    return [(a - 1) << 12 | (b - 1) << 6 | (c - 1) for (a, b, c), length in runs if length > 1]


@numba.njit
def play(buffers, fields, payloads, pulls, statuses, results, frames):
    """The loop of a receiver, for a call from Python takes longer than what it does.

    fields: (n, 7) arrival, sequence, timestamp, ssrc, codec, marker, size.  results: (pulls, 4) kind, delay, length,
    audio skipped.  Returns how many packets were put, and whether the buffer kept its bounds throughout.
    """
    buffer = buffers[0]
    out = np.zeros(640, np.uint8)
    n = 0
    sound = True
    for i in range(pulls.size):
        now = pulls[i]
        while n < len(fields) and fields[n, 0] <= now:
            at, sequence, timestamp, ssrc, codec, marker, size = fields[n]
            statuses[n] = jitter.put(buffer, payloads[n], 0, size, sequence, timestamp, ssrc, codec, 8000, marker, at)
            n += 1
            sound &= 0 <= buffer.count <= buffer.capacity
        results[i, 0] = jitter.get(buffer, now, out)
        results[i, 1] = buffer.delay_ns
        results[i, 2] = buffer.frame_length
        results[i, 3] = buffer.frame_skipped_ns
        if results[i, 0] == 1:
            frames[i, : buffer.frame_length] = out[: buffer.frame_length]
        held = 0
        for k in range(buffer.count):
            held += buffer.pieces[buffer.order[k]].length_ns
            sound &= k == 0 or buffer.pieces[buffer.order[k - 1]].key < buffer.pieces[buffer.order[k]].key
        sound &= held == buffer.held_ns
    return n, sound
