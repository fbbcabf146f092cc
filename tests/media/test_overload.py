"""What happens to calls when the media process has no time: the newest audio passes, and what is missing is told of."""

import os
import signal
import struct

import numpy as np
import pytest
from numba import njit

from softswitch.amd.state import new_states
from softswitch.amd.verdict import Cause, Verdict
from softswitch.media import vocabulary as v
from softswitch.media import worker
from softswitch.media.events import DigitPressed, RecordingClosed, VerdictReached
from softswitch.media.layout import MESSAGE, WORKER_EVENTS, create_block, map_block
from softswitch.media.rings import pop
from softswitch.media.timeline import RECORDING, new_timelines
from tests.media.conftest import next_packet

EVENTS = 101
STALL = range(25, 55)
"""Packets that come while the process stands still: 0.6 s."""
SPOKEN = 90


def press(end, key, ended):
    """A packet of a key pressed, of which the sender begins a new talk spurt (RFC 4733)."""
    end.send(struct.pack(">BBH", key, ended << 7 | 10, 800), payload_type=EVENTS)
    end.timestamp -= 4


@pytest.mark.parametrize("jitter_buffer", ["never", "always"])
def test_a_process_that_stood_still_relays_what_is_new_and_tells_what_recordings_lack(run, tmp_path, jitter_buffer):
    async def scenario(studio):
        caller, agent = studio.bridged()
        studio.plane.start_recording(caller.leg, tmp_path / "call.ssr")
        studio.plane.start_amd(caller.leg)
        pid, due = studio.plane.pid, await next_packet(0.0)
        try:
            for number in range(SPOKEN):
                if number == STALL.start:
                    os.kill(pid, signal.SIGSTOP)
                    press(caller, 5, True)
                if number == STALL.stop:
                    os.kill(pid, signal.SIGCONT)
                caller.send(bytes([0x80 | number]) * 160)
                due = await next_packet(due)
        finally:
            os.kill(pid, signal.SIGCONT)
        digit = await studio.events.wait(DigitPressed, caller.leg)
        assert digit.digit == "5", "a key is no audio, and is never too old"
        studio.plane.stop_recording(caller.leg)
        closed = await studio.events.wait(RecordingClosed, caller.leg)
        overload = studio.plane.overload()
        assert 15 <= overload.packets_shed <= len(STALL)
        assert closed.frames_lost == overload.frames_missed >= overload.packets_shed
        found = [packet.payload[80] & 0x7F for packet in agent.packets]
        passed = {number for number in found if number < SPOKEN}
        assert not passed & set(STALL[:15]), "what is that old is heard by nobody"
        if jitter_buffer == "never":
            assert passed >= {*range(STALL.start), *range(STALL.stop, SPOKEN)}, "and nothing else is lost"
        else:
            assert passed >= set(range(STALL.stop + 5, SPOKEN - 10)), "nor waits for what is missing"
        verdict = await studio.events.wait(VerdictReached, caller.leg)
        assert (verdict.verdict, verdict.cause) == (Verdict.NOTSURE, Cause.OVERLOADED)

    run(scenario, in_thread=False, jitter_buffer=jitter_buffer)


@njit
def shed(shared, times, states, desk):
    worker.shed_detections(shared, times, states, desk, 0)


@njit
def note_missed(shared, times, states, desk, slot):
    worker.note_missed(shared, times, states, desk, slot, 0)


class Floor:
    """Timelines with detection under way, from the oldest to the newest."""

    def __init__(self, calls):
        self.shared = map_block(create_block(calls, 0, 0), calls, 0, 0).shared
        self.times, self.states, self.desk = new_timelines(calls), new_states(calls), worker.new_desk(0)
        self.times.roster[0], self.times.roster[1:] = calls, np.arange(calls)
        self.times.lines["amd"] = 1

    def verdicts(self):
        """Slot, verdict and cause of each that was told."""
        out, found = np.zeros(1, MESSAGE), []
        while pop(self.shared, WORKER_EVENTS, out):
            if out[0]["kind"] == v.VERDICT_REACHED:
                found.append((int(out[0]["leg"]), Verdict(int(out[0]["a"])), Cause(int(out[0]["b"]))))
        return found


def test_a_worker_that_is_behind_gives_up_a_quarter_of_the_detections_the_newest():
    floor = Floor(8)
    shed(floor.shared, floor.times, floor.states, floor.desk)
    assert floor.verdicts() == [(slot, Verdict.NOTSURE, Cause.OVERLOADED) for slot in (7, 6)]
    assert floor.times.lines["amd"].tolist() == [1] * 6 + [0] * 2
    for _ in range(10):
        shed(floor.shared, floor.times, floor.states, floor.desk)
    assert not floor.times.lines["amd"].any()
    assert floor.shared.header["verdicts_shed"] == 8


def test_what_a_paused_recording_would_lack_it_does_not_lack():
    floor = Floor(2)
    floor.times.lines["amd"] = 0
    floor.times.lines["recording"] = RECORDING
    floor.times.lines[1]["paused"] = 1
    floor.shared.legs["received_missed"], floor.shared.legs["sent_missed"] = 3, 4
    for slot in (0, 1, 0, 1):
        note_missed(floor.shared, floor.times, floor.states, floor.desk, slot)
    assert floor.times.lines["frames_lost"].tolist() == [7, 0]
    assert floor.verdicts() == []
