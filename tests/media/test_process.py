"""The media process: it starts, says what it does, dies without taking the switch along, and leaves nothing behind."""

import asyncio
import os
import resource
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from softswitch.errors import UsageError
from softswitch.media.control import MediaPlane
from softswitch.media.events import PlaneDied, PlaneRecovered, RecordingClosed, RecordingFailed
from tests.auditor import listen
from tests.ports import lend_ports


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False


def guardian_of(plane):
    return int(Path(f"/proc/{plane.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_a_call_passes_through_the_process_and_nothing_of_it_is_left(run, tmp_path):
    seen = {}

    async def scenario(studio):
        a, b = studio.bridged("PCMU", "PCMA")
        seen["pid"], seen["ports"] = studio.plane.pid, (a.port, b.port)
        studio.plane.start_recording(a.leg, tmp_path / "call.ssr")
        await asyncio.gather(a.say(studio.tone(600, 400)), b.say(studio.tone(1300, 400)))
        assert len(a.packets) == len(b.packets) == 20
        received, sent, lost, cpu_s = studio.plane.totals()
        assert (received, sent, lost) == (40, 40, 0)
        assert cpu_s > 0

    run(scenario, in_thread=False)
    assert len(listen(tmp_path / "call.ssr").samples) >= 3000
    assert not is_running(seen["pid"])
    for port in seen["ports"]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", port))


def test_a_process_that_dies_again_and_again_is_given_up_and_recordings_can_be_read(run, tmp_path):
    async def scenario(studio):
        callee = studio.end()
        path = tmp_path / "cut-off.ssr"
        studio.plane.start_recording(callee.leg, path)
        await callee.say(studio.tone(600, 1600))
        guardian = guardian_of(studio.plane)
        for death in range(1, 6):
            os.kill(studio.plane.pid, signal.SIGKILL)
            await studio.events.wait(PlaneRecovered, count=death)
        os.kill(studio.plane.pid, signal.SIGKILL)
        died = await studio.events.wait(PlaneDied)
        assert died.leg == -1
        assert "SIGKILL" in died.reason
        assert len(studio.events.of(PlaneRecovered)) == 5
        samples = listen(path).samples
        assert samples.shape[0] >= 800 * 8  # all but the last second
        assert np.abs(samples[800:, 1]).max() > 500
        studio.plane.play(callee.leg, "tone:beep")
        studio.plane.stop_recording(callee.leg)
        studio.plane.close_leg(callee.leg)
        with pytest.raises(UsageError, match="gone"):
            studio.plane.open_leg()
        await studio.until(lambda: not is_running(guardian))

    run(scenario, in_thread=False)


def test_a_full_disk_ends_the_recording_and_nothing_else(run, tmp_path):
    async def scenario(studio):
        callee, agent = studio.bridged()
        resource.prlimit(studio.plane.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
        path = tmp_path / "full.ssr"
        studio.plane.start_recording(callee.leg, path)
        speaking = asyncio.create_task(callee.say(studio.tone(600, 3000)))
        failed = await studio.events.wait(RecordingFailed, callee.leg)
        assert failed.path == path
        assert failed.reason
        count = len(agent.packets)
        await speaking
        assert len(agent.packets) > count
        assert studio.events.of(RecordingClosed) == []
        assert len(listen(path).samples) > 0

    run(scenario, in_thread=False)


def test_the_process_does_not_outlive_a_switch_that_is_killed(tmp_path):
    first = lend_ports()

    async def start_and_fork():
        plane = await MediaPlane.start(
            address="127.0.0.1", first_port=first, last_port=first + 199, clips={}, on_event=lambda event: None
        )
        (tmp_path / "pid").write_text(str(plane.pid))
        (tmp_path / "folder").write_text(str(plane._process.folder))
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        asyncio.run(start_and_fork())
        os._exit(1)
    os.waitpid(child, 0)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 60
    folder = Path((tmp_path / "folder").read_text())
    while is_running(pid) or folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_progress_is_told_from_the_first_kernel_to_the_last():
    told, first = [], lend_ports()

    async def session():
        plane = await MediaPlane.start(
            address="127.0.0.1",
            first_port=first,
            last_port=first + 199,
            clips={},
            on_event=lambda event: None,
            on_progress=lambda name, fraction: told.append((name, fraction)),
        )
        await plane.stop()

    asyncio.run(session())
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert any("relay" in name for name, _ in told)


def test_settings_that_cannot_work_are_refused_before_anything_runs(tmp_path):
    def start(**changes):
        settings = {"address": "127.0.0.1", "first_port": 10_000, "last_port": 10_099, "clips": {}} | changes
        return asyncio.run(MediaPlane.start(**settings, on_event=lambda event: None))

    with pytest.raises(UsageError, match="even"):
        start(first_port=10_001)
    with pytest.raises(UsageError, match="IPv4"):
        start(address="media.example")
    with pytest.raises(UsageError, match=r"missing\.wav"):
        start(clips={"missing": tmp_path / "missing.wav"})
