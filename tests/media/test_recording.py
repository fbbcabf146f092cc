"""Recordings: both sides of a leg on one clock, whatever the network does, and a file that is valid at any moment."""

import asyncio
import re
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from softswitch.codecs.tones import tone_share

import softswitch
from softswitch.errors import UsageError
from softswitch.media.events import RecordingClosed, RecordingFailed
from softswitch.recordings.inspection import inspect_folder
from softswitch.recordings.ledger import NAME, entries
from tests.auditor import AUDITOR, listen


def read(path):
    """(left, right) of a finished or unfinished recording."""
    samples = listen(path).samples
    return samples[:, 0].copy(), samples[:, 1].copy()


def share(samples, frequency_hz):
    return tone_share(np.ascontiguousarray(samples), float(frequency_hz), 8000.0)


def sounding(samples):
    """First and last sample at which something is heard."""
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 500)
    return (int(loud[0]), int(loud[-1])) if loud.size else (0, 0)


def test_left_is_what_was_sent_and_right_what_was_received(run, tmp_path):
    async def scenario(studio):
        callee, agent = studio.bridged("PCMA", "PCMU")
        path = tmp_path / "call.ssr"
        studio.plane.start_recording(callee.leg, path)
        started = time.monotonic()
        await asyncio.gather(callee.say(studio.tone(600, 1000)), agent.say(studio.tone(1300, 1000)))
        spoken_s = time.monotonic() - started
        studio.plane.stop_recording(callee.leg)
        closed = await studio.events.wait(RecordingClosed, callee.leg)
        closed_s = time.monotonic() - started
        left, right = read(path)
        assert share(left[1600:7000], 1300) > 0.95
        assert share(right[1600:7000], 600) > 0.95
        assert closed.path == path
        assert closed.duration_s == left.size / 8000
        assert closed.frames_lost == 0
        assert spoken_s - 0.04 < closed.duration_s < closed_s + 0.04
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    run(scenario)


def test_a_played_message_is_recorded_too(run, tmp_path):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_recording(callee.leg, tmp_path / "message.ssr")
        studio.plane.play(callee.leg, "tone:beep")
        await callee.say(studio.tone(600, 600))
        studio.plane.close_leg(callee.leg)
        await studio.events.wait(RecordingClosed, callee.leg)
        left, right = read(tmp_path / "message.ssr")
        assert share(left[400:2800], 1000) > 0.95
        assert not left[4000:].any()
        assert share(right[800:4000], 600) > 0.95

    run(scenario)


def test_both_sides_lie_on_the_clock_of_the_wall(run, tmp_path):
    async def scenario(studio):
        callee, agent = studio.bridged()
        studio.plane.start_recording(callee.leg, tmp_path / "clock.ssr")
        started = time.monotonic()
        await asyncio.sleep(0.3)
        callee_at = time.monotonic() - started
        await callee.say(studio.tone(600, 200))
        await asyncio.sleep(0.2)
        agent_at = time.monotonic() - started
        await agent.say(studio.tone(1300, 200))
        studio.plane.stop_recording(callee.leg)
        await studio.events.wait(RecordingClosed, callee.leg)
        left, right = read(tmp_path / "clock.ssr")
        assert abs(sounding(right)[0] / 8000 - callee_at) < 0.15
        assert abs(sounding(left)[0] / 8000 - agent_at) < 0.15

    run(scenario)


def test_loss_reordering_and_duplicates_leave_each_frame_in_its_place(run, tmp_path):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_recording(callee.leg, tmp_path / "rough.ssr")
        order = [0, 1, 3, 2, 4, 4, 6, 7, 9, 8, 10, 11]  # 5 is lost
        first_sequence, first_timestamp = callee.sequence, callee.timestamp
        for index in order:
            callee.sequence, callee.timestamp = first_sequence + index, first_timestamp + 160 * index
            callee.send(bytes([0x80 | (16 + index)]) * 160)
            await asyncio.sleep(0.02)
        studio.plane.stop_recording(callee.leg)
        await studio.events.wait(RecordingClosed, callee.leg)
        _, right = read(tmp_path / "rough.ssr")
        start = int(np.flatnonzero(right)[0])
        frames = [set(right[start + 160 * index : start + 160 * index + 160].tolist()) for index in range(12)]
        assert all(len(frame) == 1 for frame in frames)
        levels = [frame.pop() for frame in frames]
        assert levels[5] == 0
        levels.pop(5)
        assert levels == sorted(levels, reverse=True)
        assert 0 not in levels

    run(scenario)


def test_a_silence_whose_timestamps_go_on_is_as_long_in_the_file(run, tmp_path):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_recording(callee.leg, tmp_path / "gap.ssr")
        await callee.say(studio.tone(600, 200))
        callee.skip(20)
        await asyncio.sleep(0.4)
        await callee.say(studio.tone(600, 200))
        studio.plane.stop_recording(callee.leg)
        await studio.events.wait(RecordingClosed, callee.leg)
        _, right = read(tmp_path / "gap.ssr")
        first, last = sounding(right)
        assert last - first == pytest.approx(6400, abs=100)
        assert not right[first + 1700 : first + 4700].any()

    run(scenario)


@pytest.mark.parametrize("jump", [0x4000_0000, -8000 * 60])
def test_a_jump_of_the_timestamps_moves_nothing(run, tmp_path, jump):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_recording(callee.leg, tmp_path / "jump.ssr")
        await callee.say(studio.tone(600, 300))
        callee.timestamp += jump
        await callee.say(studio.tone(600, 300))
        studio.plane.stop_recording(callee.leg)
        closed = await studio.events.wait(RecordingClosed, callee.leg)
        _, right = read(tmp_path / "jump.ssr")
        first, last = sounding(right)
        assert last - first == pytest.approx(4800, abs=480)
        assert closed.duration_s < 2.0

    run(scenario)


def test_a_burst_after_a_stall_is_put_where_it_was_spoken(run, tmp_path):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_recording(callee.leg, tmp_path / "burst.ssr")
        await callee.say(studio.tone(600, 200))
        await asyncio.sleep(0.2)
        for index in range(10):  # the network held ten packets back
            callee.send(bytes([0x90 + index]) * 160)
        await callee.say(studio.tone(600, 200))
        studio.plane.stop_recording(callee.leg)
        await studio.events.wait(RecordingClosed, callee.leg)
        _, right = read(tmp_path / "burst.ssr")
        first, last = sounding(right)
        assert last - first == pytest.approx(4800, abs=100)

    run(scenario)


def test_the_file_can_be_read_while_the_call_goes_on(run, tmp_path):
    async def scenario(studio):
        callee = studio.end()
        path = tmp_path / "live.ssr"
        studio.plane.start_recording(callee.leg, path)
        started = time.monotonic()
        speaking = asyncio.create_task(callee.say(studio.tone(600, 2400)))
        await asyncio.sleep(1.8)
        _, right = read(path)
        behind_s = time.monotonic() - started - right.size / 8000
        await speaking
        assert behind_s < 1.5
        assert share(right[800:], 600) > 0.95

    run(scenario)


def test_a_file_that_exists_is_never_written_over_the_call_goes_on_in_its_next_part(run, tmp_path):
    async def scenario(studio):
        callee = studio.end()
        path = tmp_path / "old.ssr"
        path.write_bytes(b"what a process wrote that died")
        (tmp_path / "old.2.ssr").write_bytes(b"")
        studio.plane.start_recording(callee.leg, path)
        await callee.say(studio.tone(600, 200))
        studio.plane.stop_recording(callee.leg)
        closed = await studio.events.wait(RecordingClosed, callee.leg)
        assert (closed.path, closed.part, closed.call_ref) == (tmp_path / "old.3.ssr", 3, "old")
        assert path.read_bytes() == b"what a process wrote that died"
        assert (listen(closed.path).header.call_ref, listen(closed.path).header.part) == ("old", 3)

    run(scenario)


def test_a_folder_that_is_not_there_is_reported_and_the_call_goes_on(run, tmp_path):
    async def scenario(studio):
        callee, agent = studio.bridged()
        studio.plane.start_recording(callee.leg, tmp_path / "missing" / "call.ssr")
        failed = await studio.events.wait(RecordingFailed, callee.leg)
        assert failed.path == tmp_path / "missing" / "call.ssr"
        callee.send(b"\x01" * 160)
        await studio.until(lambda: agent.packets)
        studio.plane.start_recording(callee.leg, tmp_path / "second.ssr")
        await callee.say(studio.tone(600, 200))
        studio.plane.stop_recording(callee.leg)
        await studio.events.wait(RecordingClosed, callee.leg)

    run(scenario)


def test_a_leg_is_recorded_into_one_file_at_a_time(run, tmp_path):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_recording(callee.leg, tmp_path / "one.ssr")
        with pytest.raises(UsageError, match=r"one\.ssr"):
            studio.plane.start_recording(callee.leg, tmp_path / "two.ssr")
        studio.plane.stop_recording(callee.leg)
        await studio.events.wait(RecordingClosed, callee.leg)
        studio.plane.start_recording(callee.leg, tmp_path / "two.ssr")
        await callee.say(studio.tone(600, 100))
        studio.plane.stop_recording(callee.leg)
        closed = await studio.events.wait(RecordingClosed, callee.leg, count=2)
        assert closed.path == tmp_path / "two.ssr"
        assert 0.05 < closed.duration_s < 1.0

    run(scenario)


def test_stopping_the_plane_closes_what_is_recorded(run, tmp_path):
    paths = [tmp_path / f"{index}.ssr" for index in range(3)]

    async def scenario(studio):
        for path in paths:
            studio.plane.start_recording(studio.end().leg, path)
        await asyncio.gather(*(end.say(studio.tone(600, 300)) for end in studio.ends))

    run(scenario)
    for path in paths:
        _, right = read(path)
        first, last = sounding(right)
        assert last - first == pytest.approx(2400, abs=100)


def test_what_is_said_in_a_pause_is_not_in_the_file_and_the_rest_keeps_its_moment(run, tmp_path):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_recording(callee.leg, tmp_path / "card.ssr")
        await callee.say(studio.tone(600, 600))
        studio.plane.pause_recording(callee.leg)
        await callee.say(studio.tone(1900, 600))
        studio.plane.resume_recording(callee.leg)
        await callee.say(studio.tone(600, 600))
        studio.plane.stop_recording(callee.leg)
        closed = await studio.events.wait(RecordingClosed, callee.leg)
        sound = listen(closed.path)
        ((start, end),) = sound.pauses
        assert end - start == pytest.approx(4800, abs=400)
        assert not sound.samples[start:end].any()
        right = np.ascontiguousarray(sound.samples[:, 1])
        assert share(right[800:4400], 600) > 0.95
        assert share(right[end + 400 : end + 4400], 600) > 0.95
        assert closed.duration_s == pytest.approx(len(right) / 8000)
        assert closed.stored_s == pytest.approx(closed.duration_s - (end - start) / 8000)

    run(scenario)


def test_a_recording_may_begin_paused(run, tmp_path):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_recording(callee.leg, tmp_path / "late.ssr", paused=True)
        await callee.say(studio.tone(600, 400))
        studio.plane.stop_recording(callee.leg)
        closed = await studio.events.wait(RecordingClosed, callee.leg)
        assert closed.stored_s == 0.0
        assert closed.duration_s > 0.3
        assert not listen(closed.path).samples.any()
        with pytest.raises(UsageError, match="not recorded"):
            studio.plane.pause_recording(callee.leg)

    run(scenario)


def test_nothing_is_recorded_without_the_auditors_key_or_under_another_name(run, tmp_path):
    async def keyless(studio):
        with pytest.raises(UsageError, match="auditor's public key"):
            studio.plane.start_recording(studio.end().leg, tmp_path / "call.ssr")

    async def misnamed(studio):
        with pytest.raises(UsageError, match="named after its call"):
            studio.plane.start_recording(studio.end().leg, tmp_path / "Mr Smith.ssr")

    run(keyless, recording_key=None)
    run(misnamed)


def test_recordings_are_bound_to_the_ledger_in_the_order_in_which_they_end(run, tmp_path):
    async def scenario(studio):
        ends = [studio.end() for _ in range(4)]
        for number, end in enumerate(ends):
            studio.plane.start_recording(end.leg, tmp_path / f"{number}.ssr")
        await asyncio.gather(*(end.say(studio.tone(600, 200)) for end in ends))
        for end in (ends[2], ends[0], ends[3], ends[1]):
            studio.plane.stop_recording(end.leg)
            await studio.events.wait(RecordingClosed, end.leg)

    run(scenario)
    assert [entry.name for entry in entries(tmp_path / NAME)] == ["2.ssr", "0.ssr", "3.ssr", "1.ssr"]
    assert inspect_folder(tmp_path, AUDITOR).troubles == []


def test_no_part_of_the_switch_pauses_a_recording():
    """Every call is recorded, always: the plane could leave something out, and nobody tells it to."""
    asked = re.compile(r"\b(?:pause_recording|resume_recording)\(|\bstart_recording\([^)]*paused")
    folder = Path(softswitch.__file__).parent
    who = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if asked.search(path.read_text())}
    assert who == {"media/control.py"}
