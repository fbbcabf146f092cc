"""The telephones of bench/relay.py: two-leg G.711 calls at 50 packets/s each way, in a process and session of its own.

Each packet says in the signs of its samples which leg sent it and which one it is, so that it is known again after
transcoding between the G.711 laws; what a jitter buffer makes up is nobody's (`FOREIGN`). Each leg has a socket of its
own, as real telephones have, and reads it just before it sends: arrival is the kernel's receive stamp (SO_TIMESTAMPNS),
so when the generator looks is no part of the latency. The stamps' price is about 25 ns in each send of whoever is
measured.
"""

import base64
import contextlib
import ctypes
import json
import mmap
import os
import resource
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import binding
from numba import njit, types
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

FIRST_PORT = 20_000
"""Below Linux's ephemeral ports (32,768); RTP on even ports, RTCP beside it."""
PACKET_NS = 20_000_000
POLL_NS = 250_000
WARM_NS = 3_000_000_000
"""rtpengine settles on a source for three seconds."""
DRAIN_NS = 500_000_000
PACKET_BYTES = 172
MARK_BITS, COPIES, TURN = 40, 4, 7
IN_FLIGHT = 128
"""Packets of one leg whose time of sending is kept; what is later than 2.5 s counts as lost."""
BATCH = 4
"""Packets read at once; a leg that is looked at every 20 ms mostly has one."""
BUCKET_NS = 1_000
BUCKETS = 500_000

SO_TIMESTAMPNS = 35
PR_SET_TIMERSLACK = 29
PRIORITY = 10
"""As the relay's own: telephones keep their time, however busy the switch is. Elsewhere they would share its cores in
turns of several ms, and their lateness would be measured as the switch's."""

SSRC_BASE = 0x5EED0000

# Rows of `histograms`
LATENCY, JITTER, LATENESS = range(3)
# Places in `counts`
STARTED_NS, SENT, RECEIVED, DUPLICATES, FOREIGN, SEND_ERRORS, DELIVERED = range(7)

binding.add_symbol("bench_srtp_protect", int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_protect"))))
binding.add_symbol("bench_srtp_unprotect", int(ffi.cast("uintptr_t", ffi.addressof(lib, "srtp_unprotect"))))

_i32, _u32, _address, _size = types.int32, types.uint32, types.uintp, types.intp
_send = types.ExternalFunction("send", _size(_i32, _address, _address, _i32))
_recvmmsg = types.ExternalFunction("recvmmsg", _i32(_i32, _address, _u32, _i32, _address))
_srtp_protect = types.ExternalFunction("bench_srtp_protect", _i32(_address, _address, _address))
_srtp_unprotect = types.ExternalFunction("bench_srtp_unprotect", _i32(_address, _address, _address))
_clock_gettime = types.ExternalFunction("clock_gettime", _i32(_i32, _address))
_clock_nanosleep = types.ExternalFunction("clock_nanosleep", _i32(_i32, _i32, _address, _address))
MSG_DONTWAIT, MSG_NOSIGNAL = 0x40, 0x4000
CLOCK_REALTIME, CLOCK_MONOTONIC, TIMER_ABSTIME = 0, 1, 1


@njit(cache=True, nogil=True)
def read_clock(clock: int, timespec: Any) -> int:
    _clock_gettime(_i32(clock), _address(timespec.ctypes.data))
    return timespec[0] * 1_000_000_000 + timespec[1]


@njit(cache=True, nogil=True)
def check_of(leg: int, number: int) -> int:
    """Eight bits that chance will not make up."""
    return ((leg * 40503 + number * 30011 + 12345) >> 7) & 0xFF


@njit(cache=True, nogil=True)
def write_mark(packet: Any, leg: int, number: int) -> None:
    """Say in the samples' signs who sends this and which packet it is; four times over, loud enough for both laws.

    Each copy is turned against the one before, so that a concealer's repetition of a pitch period is no mark.
    """
    word = (leg << 24) | ((number & 0xFFFF) << 8) | check_of(leg, number & 0xFFFF)
    for bit in range(MARK_BITS):
        sample = 0x10 | (((word >> bit) & 1) << 7)
        for copy in range(COPIES):
            packet[12 + copy * MARK_BITS + (bit + copy * TURN) % MARK_BITS] = sample


@njit(cache=True, nogil=True)
def write_header(packet: Any, payload_type: int, leg: int, number: int) -> None:
    """RFC 3550 §5.1: no padding, extension or CSRC; each leg its own SSRC."""
    packet[0] = 0x80
    packet[1] = payload_type
    packet[2] = (number >> 8) & 0xFF
    packet[3] = number & 0xFF
    for k in range(4):
        packet[4 + k] = ((160 * number) >> (24 - 8 * k)) & 0xFF
        packet[8 + k] = ((SSRC_BASE + leg) >> (24 - 8 * k)) & 0xFF


@njit(cache=True, nogil=True)
def read_mark(payload: Any) -> int:
    """leg << 16 | number of who sent this; -1 when nobody did, or when the first and the last copy differ."""
    word = np.int64(0)
    last = (COPIES - 1) * MARK_BITS
    for bit in range(MARK_BITS):
        word |= np.int64(payload[bit] >> 7) << bit
        if (payload[bit] ^ payload[last + (bit + (COPIES - 1) * TURN) % MARK_BITS]) >> 7:
            return -1
    leg, number = word >> 24, (word >> 8) & 0xFFFF
    return (leg << 16) | number if word & 0xFF == check_of(leg, number) else -1


@njit(cache=True, nogil=True)
def count_in(histogram: Any, nanoseconds: int) -> None:
    histogram[min(max(nanoseconds, 0) // BUCKET_NS, histogram.size - 1)] += 1


@njit(cache=True, nogil=True)
def receive(
    leg: int, descriptor: int, session: int, messages: Any, buffers: Any, stamps: Any, flows: Any, tally: Any
) -> None:
    """Take in what has come on a leg since it was last looked at.

    messages: (BATCH, 8) int64, struct mmsghdr over `buffers` (BATCH, 2048) uint8 and `stamps` (BATCH, 4) int64, each a
    control message with a timespec.
    """
    sent_at, transit, size = flows
    measured_from, histograms, counts = tally
    while True:
        found = _recvmmsg(
            _i32(descriptor), _address(messages.ctypes.data), _u32(BATCH), _i32(MSG_DONTWAIT), _address(0)
        )
        for i in range(found):
            length = messages[i, 7] & 0xFFFFFFFF
            messages[i, 5] = 8 * stamps.shape[1]
            if session:
                size[0] = length
                failed = _srtp_unprotect(
                    _address(session), _address(buffers[i].ctypes.data), _address(size.ctypes.data)
                )
                length = 0 if failed else np.int64(size[0])
            mark = read_mark(buffers[i, 12:]) if length >= PACKET_BYTES else -1
            if mark < 0 or mark >> 16 != leg ^ 1:
                counts[FOREIGN] += 1
                continue
            counts[DELIVERED] += 1
            place = (mark & 0xFFFF) % IN_FLIGHT
            at = sent_at[leg ^ 1, place]
            sent_at[leg ^ 1, place] = 0
            if at == 0:
                counts[DUPLICATES] += 1
                continue
            taken = stamps[i, 2] * 1_000_000_000 + stamps[i, 3] - at
            if at >= measured_from:
                counts[RECEIVED] += 1
                count_in(histograms[LATENCY], taken)
                count_in(histograms[JITTER], abs(taken - transit[leg]))
            transit[leg] = taken
        if found < BATCH:
            return


@njit(cache=True, nogil=True)
def generate(
    descriptors: Any,
    payload_types: Any,
    sealing: Any,
    opening: Any,
    run_ns: int,
    packet: Any,
    messages: Any,
    buffers: Any,
    stamps: Any,
    sent_at: Any,
    histograms: Any,
    counts: Any,
) -> None:
    """Send on every leg each 20 ms, staggered, and just before take in what its call's other leg has sent.

    sealing, opening: (legs,) int64, libsrtp's sessions, or 0 for a leg in the clear.  sent_at: (legs, IN_FLIGHT) int64,
    wall-clock nanoseconds.  Only packets sent after the warm-up are counted, but for DELIVERED.
    """
    timespec = np.zeros(2, np.int64)
    size = np.zeros(1, np.int32)
    legs = descriptors.size
    number = np.zeros(legs, np.int64)
    due = np.zeros(legs, np.int64)
    start = read_clock(CLOCK_MONOTONIC, timespec)
    for leg in range(legs):
        due[leg] = start + PACKET_NS * leg // legs
    counts[STARTED_NS] = start
    measured_from = read_clock(CLOCK_REALTIME, timespec) + WARM_NS
    flows = (sent_at, np.zeros(legs, np.int64), size)
    tally = (measured_from, histograms, counts)
    leg = 0
    wake_at = start
    while True:
        wake_at += POLL_NS
        timespec[0], timespec[1] = wake_at // 1_000_000_000, wake_at % 1_000_000_000
        _clock_nanosleep(_i32(CLOCK_MONOTONIC), _i32(TIMER_ABSTIME), _address(timespec.ctypes.data), _address(0))
        now = read_clock(CLOCK_MONOTONIC, timespec)
        if now > start + WARM_NS + run_ns + DRAIN_NS:
            return
        sending = now < start + WARM_NS + run_ns
        while due[leg] <= now:
            receive(leg, descriptors[leg], opening[leg], messages, buffers, stamps, flows, tally)
            if sending:
                write_header(packet, payload_types[leg], leg, number[leg])
                write_mark(packet, leg, number[leg])
                at = read_clock(CLOCK_REALTIME, timespec)
                sent_at[leg, number[leg] % IN_FLIGHT] = at
                size[0] = PACKET_BYTES
                if sealing[leg]:
                    _srtp_protect(_address(sealing[leg]), _address(packet.ctypes.data), _address(size.ctypes.data))
                gone = _send(
                    _i32(descriptors[leg]),
                    _address(packet.ctypes.data),
                    _address(size[0]),
                    _i32(MSG_DONTWAIT | MSG_NOSIGNAL),
                )
                if at >= measured_from:
                    counts[SENT] += 1
                    counts[SEND_ERRORS] += 1 if gone < 0 else 0
                    count_in(histograms[LATENESS], now - due[leg])
                number[leg] += 1
            due[leg] += PACKET_NS
            leg = (leg + 1) % legs


def port_of(leg: int) -> int:
    """A leg's RTP port; legs 2n and 2n + 1 are one call."""
    return FIRST_PORT + 2 * leg


@dataclass(frozen=True, slots=True)
class Line:
    """One leg of the generator: where it sends to, and how."""

    destination: int
    """The server's media port."""
    payload_type: int
    sealing_key: str = ""
    """Base64 of what the generator encrypts with, as in a=crypto (RFC 4568 §6.1); empty for RTP in the clear."""
    opening_key: str = ""


class Tally:
    """The generator's counts and histograms, in memory that it shares with who started it."""

    BYTES = 8 * 8 + 3 * BUCKETS * 8

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, self.BYTES)
        self.counts = np.frombuffer(self._memory, np.int64, 8)
        self.histograms = np.frombuffer(self._memory, np.int64, 3 * BUCKETS, 64).reshape(3, BUCKETS)


class Generator:
    """The generator's process as the benchmark sees it; ended by `end`, whatever has happened."""

    def __init__(self, calls: int, seconds: float) -> None:
        descriptor = os.memfd_create("relay-benchmark")
        os.ftruncate(descriptor, Tally.BYTES)
        self.tally = Tally(descriptor)
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(descriptor), str(calls), str(seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True, pass_fds=(descriptor,),
        )  # fmt: skip
        os.close(descriptor)
        self.pid = self._process.pid
        self._hear("READY")

    def begin(self, lines: list[Line]) -> float:
        """Start the load; when its warm-up ends, in monotonic seconds."""
        assert self._process.stdin
        self._process.stdin.write(
            json.dumps([[x.destination, x.payload_type, x.sealing_key, x.opening_key] for x in lines]) + "\n"
        )
        self._process.stdin.flush()
        self._hear("BEGUN")
        while not self.tally.counts[STARTED_NS]:
            time.sleep(0.001)
        return float(self.tally.counts[STARTED_NS] + WARM_NS) / 1e9

    def finish(self) -> None:
        """Wait until what was under way has arrived."""
        self._hear("DONE")

    def end(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.kill()
        self._process.wait(10)
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.stdout.close()

    def _hear(self, word: str) -> None:
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        if line != word:
            raise RuntimeError(f"the generator said {line!r} in place of {word!r}")


def percentile_us(histogram: Any, share: float) -> float:
    """The latency, in microseconds, that this share of a histogram's packets stays below."""
    total = np.cumsum(histogram)
    return float((np.searchsorted(total, share * total[-1]) + 1) * BUCKET_NS / 1000) if total[-1] else 0.0


def _sessions(keys: list[str], direction: int, kept: list[Session]) -> Any:
    """libsrtp's session for each key, 0 where there is none; they live as long as `kept`."""
    addresses = np.zeros(len(keys), np.int64)
    for leg, key in enumerate(keys):
        if key:
            kept.append(Session(Policy(key=base64.b64decode(key), ssrc_type=direction)))
            addresses[leg] = int(ffi.cast("uintptr_t", kept[-1]._srtp[0]))
    return addresses


def _open_sockets(legs: int) -> tuple[list[socket.socket], list[socket.socket]]:
    """Each leg's RTP socket, and the RTCP sockets beside them, which take what comes and are not read."""
    media, control = [], []
    for leg in range(legs):
        for kept, port in ((media, port_of(leg)), (control, port_of(leg) + 1)):
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind(("127.0.0.1", port))
            one.setblocking(False)
            kept.append(one)
        media[leg].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262_144)
        media[leg].setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return media, control


def main(descriptor: int, calls: int, seconds: float) -> None:
    """READY, then one line of JSON on standard input is awaited, then BEGUN and DONE."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1000)
    tally, legs = Tally(descriptor), 2 * calls
    media, control_ports = _open_sockets(legs)
    descriptors = np.array([one.fileno() for one in media], np.int64)
    packet = np.zeros(PACKET_BYTES + 64, np.uint8)
    buffers, stamps = np.zeros((BATCH, 2048), np.uint8), np.zeros((BATCH, 4), np.int64)
    extents, messages = np.zeros((BATCH, 2), np.int64), np.zeros((BATCH, 8), np.int64)
    for i in range(BATCH):
        extents[i] = buffers[i].ctypes.data, buffers.shape[1]
        messages[i] = 0, 0, extents[i].ctypes.data, 1, stamps[i].ctypes.data, 8 * stamps.shape[1], 0, 0
    sent_at = np.zeros((legs, IN_FLIGHT), np.int64)
    payload_types, sealing, opening = np.zeros((3, legs), np.int64)

    def run(run_ns: int) -> None:
        generate(descriptors, payload_types, sealing, opening, run_ns, packet, messages, buffers, stamps, sent_at,
                 tally.histograms, tally.counts)  # fmt: skip

    run(-WARM_NS - DRAIN_NS - 1)  # compiles
    tally.counts[:] = 0
    print("READY", flush=True)
    lines = [Line(*each) for each in json.loads(sys.stdin.readline())]
    for one, line in zip(media, lines, strict=True):
        one.connect(("127.0.0.1", line.destination))
    kept: list[Session] = []
    payload_types[:] = [line.payload_type for line in lines]
    sealing[:] = _sessions([line.sealing_key for line in lines], Policy.SSRC_ANY_OUTBOUND, kept)
    opening[:] = _sessions([line.opening_key for line in lines], Policy.SSRC_ANY_INBOUND, kept)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    print("BEGUN", flush=True)
    run(int(seconds * 1e9))
    print("DONE", flush=True)
    sys.stdin.readline()
    for one in (*media, *control_ports):
        one.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
