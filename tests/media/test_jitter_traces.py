"""The traces of PJMEDIA's jitter buffer test, each within its own limits (frames of 20 ms).

A pull is 20 ms; what is put between two pulls arrives at the latter's moment. The numbers that the file calls so are
measured here as: discard: packets or frames left out for whatever reason; lost: pulls answered LOST; empty: pulls
answered EMPTY; delay: frames held at the first pull after a put, on average, in whole frames (delay_min: at the
least); waited: how long a frame waited, on average, which must keep delay's limit too; burst: frames that came between
two pulls, where any did.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from softswitch.codecs.registry import CodecCode

from softswitch.media import jitter

TRACES = Path(__file__).resolve().parents[2] / "../shared/vectors/jitter/pjmedia-Jbtest.dat"
FRAME_NS = 20_000_000
PCMU = int(CodecCode.PCMU)


@dataclass
class Trace:
    title: str
    setting: list[str] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    events: str = ""


def traces():
    found = []
    for line in TRACES.read_text().splitlines():
        text = line.strip()
        if text.startswith("=") and (not found or found[-1].events):
            found.append(Trace(text[1:].strip()))
        elif text.startswith("%"):
            found[-1].setting = text[1:].split()
        elif text.startswith("!"):
            name, limit = re.match(r"!(\w+)\s+(\d+)", text).groups()
            found[-1].limits[name] = int(limit)
        elif re.fullmatch(r"[PGLRJDO ]+", text):
            found[-1].events += text.replace(" ", "")
    return found


ALL = traces()


class Driver:
    """Plays a trace.  keeps_time: whether timestamps go on through pulls without puts, as a sender in DTX has it."""

    def __init__(self, trace, loud, keeps_time=False):
        self.buffer = np.zeros(1, jitter.JITTER)[0]
        mode, *prefetch = trace.setting
        initial, least, most = (int(prefetch[0]),) * 3 if mode == "fixed" else map(int, prefetch)
        jitter.configure(self.buffer, int(mode == "fixed"), initial, least, most, 50)
        self.out = np.zeros(640, np.uint8)
        self.content = 0x10 if loud else 0xFF
        self.keeps_time = keeps_time
        self.sequence, self.timestamp = 1, 2**32 - 1600
        self.clock, self.idle = 0, 0
        self.missing, self.levels, self.kinds, self.heard = [], [], [], []
        self.has_put = False

    def put(self, sequence, timestamp):
        packet = np.full(172, self.content, np.uint8)
        packet[12:16] = np.frombuffer(int(timestamp & 0xFFFFFFFF).to_bytes(4, "big"), np.uint8)
        jitter.put(
            self.buffer, packet, 12, 172, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 7, PCMU, 8000, 0, self.clock
        )
        self.has_put = True

    def step(self, event):
        if event == "G":
            if self.has_put:
                self.levels.append(int(self.buffer["held_ns"]) / FRAME_NS)
            self.has_put = False
            kind = jitter.get(self.buffer, self.clock, self.out)
            self.kinds.append(kind)
            if kind == jitter.FRAME:
                self.heard.append(int.from_bytes(self.out[:4].tobytes(), "big"))
            self.clock += FRAME_NS
            self.idle += 1
        elif event == "P":
            if self.keeps_time and self.idle > 10:
                self.timestamp += 160 * (self.idle - 1)
            self.idle = 0
            self.put(self.sequence, self.timestamp)
            self.sequence, self.timestamp = self.sequence + 1, self.timestamp + 160
        elif event == "L":
            self.missing.append((self.sequence, self.timestamp))
            self.sequence, self.timestamp = self.sequence + 1, self.timestamp + 160
        elif event == "J":
            self.sequence, self.timestamp = self.sequence + 20, self.timestamp + 20 * 160
        elif event == "R":
            self.sequence, self.timestamp = 1, 4711
        elif event == "D":
            self.put(self.sequence - 1, self.timestamp - 160)
        elif event == "O":
            self.put(*self.missing.pop(0))

    def results(self):
        b = self.buffer
        return {
            "discard": int(b["late"] + b["duplicates"] + b["invalid"] + b["overflowed"] + b["dropped"]),
            "lost": int(b["lost"]),
            "empty": int(b["empty"]),
            "delay": int(sum(self.levels) / len(self.levels)),
            "waited": int(b["delay_sum_ns"]) / int(b["played"]) / FRAME_NS,
            "delay_min": min(self.levels),
            "burst": round(int(b["received"]) / int(b["bursts"])),
        }


def test_the_file_holds_fifteen_traces_each_with_limits():
    assert len(ALL) == 15
    assert all(trace.limits and trace.setting and len(trace.events) > 40 for trace in ALL)


@pytest.mark.parametrize("keeps_time", [False, True], ids=["as-numbered", "timestamps-go-on"])
@pytest.mark.parametrize("loud", [True, False], ids=["speech", "silence"])
@pytest.mark.parametrize("trace", ALL, ids=lambda trace: trace.title)
def test_a_trace_is_played_within_its_limits(trace, loud, keeps_time):
    driver = Driver(trace, loud, keeps_time)
    for event in trace.events:
        driver.step(event)
    results = driver.results()
    limits = {**trace.limits, "waited": trace.limits["delay"]} if "delay" in trace.limits else trace.limits
    exceeded = {name: (results[name], limit) for name, limit in limits.items() if results[name] > limit}
    assert not exceeded, results
    assert len(driver.heard) == len(set(driver.heard))
    assert int(driver.buffer["played"]) == driver.kinds.count(jitter.FRAME) == len(driver.heard)
