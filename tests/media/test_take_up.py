"""A signalling process dies or goes; the media process goes on, and the next one takes it up."""

import asyncio
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from softswitch.errors import UsageError
from softswitch.media.control import MediaPlane
from softswitch.media.events import DigitPressed, PlayingEnded, RecordingClosed
from tests.auditor import AUDITOR, listen

SWITCH = """
import asyncio, json, sys
from pathlib import Path
from softswitch.media.control import MediaPlane
from softswitch.media.events import MediaFormat

async def main(folder, first_port, ends, recording, linger_s, key):
    plane = await MediaPlane.start(address="127.0.0.1", first_port=first_port, last_port=first_port + 199, clips={},
                                   on_event=lambda event: None, folder=Path(folder), linger_s=linger_s,
                                   recording_key=bytes.fromhex(key))
    plane.claim(())
    legs = []
    for codec, port in ends:
        leg = plane.open_leg()
        plane.connect(leg, ("127.0.0.1", port), MediaFormat(codec, {"PCMU": 0, "PCMA": 8}[codec], 101))
        plane.note(leg, f"older note of {port}".encode())
        plane.note(leg, f"note of {port}".encode())
        legs.append(leg)
    plane.bridge(*legs)
    plane.start_recording(legs[0], Path(recording))
    plane.note_site(b"shift 7")
    spare = plane.open_leg()
    print(json.dumps({"legs": legs, "ports": [plane.port_of(leg) for leg in legs], "pid": plane.pid, "spare": spare}),
          flush=True)
    await asyncio.sleep(60)

asyncio.run(main(**json.loads(sys.argv[1])))
"""


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False


class DoomedSwitch:
    """A signalling process of its own, with two legs bridged and recorded; to be killed."""

    def __init__(self, folder, first_port, ends, recording, linger_s=30.0):
        told = {
            "folder": str(folder),
            "first_port": first_port,
            "ends": [(end.codec, end.socket.getsockname()[1]) for end in ends],
            "recording": str(recording),
            "linger_s": linger_s,
            "key": AUDITOR.public.hex(),
        }
        self.process = subprocess.Popen([sys.executable, "-c", SWITCH, json.dumps(told)], stdout=subprocess.PIPE)
        state = json.loads(self.process.stdout.readline())
        self.legs, self.pid, self.spare = state["legs"], state["pid"], state["spare"]
        for end, leg, port in zip(ends, self.legs, state["ports"], strict=True):
            end.leg, end.port = leg, port

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def start(folder, first_port, events, **changes):
    settings = {"first_port": first_port, "last_port": first_port + 199, "clips": {}, "linger_s": 30.0} | changes
    settings.setdefault("recording_key", AUDITOR.public)
    return MediaPlane.start(address="127.0.0.1", on_event=events.append, folder=folder, **settings)


def test_a_killed_switch_loses_no_packet_and_the_next_one_has_its_legs(tmp_path, stage):
    async def scenario():
        folder, port, events = tmp_path / "media", stage.ports(), stage.events()
        a, b = stage.far_end("PCMU", 0xAAAA5555), stage.far_end("PCMA", 0xBBBB6666)
        doomed = await asyncio.to_thread(DoomedSwitch, folder, port, (a, b), tmp_path / "call.ssr")
        assert folder.stat().st_mode & 0o777 == 0o700
        stage.listen(a, b)
        talking = asyncio.gather(a.say(stage.tone(600, 5000)), b.say(stage.tone(1300, 5000)))
        await asyncio.sleep(0.5)
        doomed.kill()
        plane = await start(folder, port, events)
        assert plane.is_taken_up
        assert plane.pid == doomed.pid
        kept = plane.kept()
        notes = [f"note of {end.socket.getsockname()[1]}".encode() for end in (a, b)]
        assert kept == {a.leg: notes[0], b.leg: notes[1], doomed.spare: b""}
        assert plane.kept_site() == b"shift 7"
        assert [plane.port_of(end.leg) for end in (a, b)] == [a.port, b.port]
        await talking
        await asyncio.sleep(0.05)
        assert (len(a.packets), len(b.packets)) == (250, 250)
        for end in (a, b):
            assert len({packet.ssrc for packet in end.packets}) == 1
            assert np.all(np.diff([packet.sequence for packet in end.packets]) % 65536 == 1)

        plane.claim([a.leg, b.leg])
        assert set(plane.kept()) == {a.leg, b.leg}
        plane.mute(b.leg, True)
        await asyncio.sleep(0.05)
        count = len(a.packets)
        await b.say(stage.tone(1300, 200))
        assert len(a.packets) == count
        plane.play(b.leg, "tone:beep")
        await events.wait(PlayingEnded, b.leg)
        other = stage.far_end("PCMU", 0xCCCC7777).open(plane)
        assert other.leg not in kept
        plane.bridge(a.leg, other.leg)
        a.timestamp += 2 * 8000  # it was silent meanwhile
        await asyncio.gather(a.say(stage.tone(600, 200)), other.say(stage.tone(900, 200)))
        assert len(other.packets) >= 10
        plane.stop_recording(a.leg)
        closed = await events.wait(RecordingClosed, a.leg)
        assert closed.path == tmp_path / "call.ssr"
        assert closed.frames_lost == 0
        assert closed.duration_s > 5.4
        for end in (a, b, other):
            plane.close_leg(end.leg)
        await stage.until(lambda: not list(plane._legs))
        await plane.stop()
        assert not is_running(doomed.pid)

    stage.run(scenario)


def test_what_happened_while_nobody_signalled_is_told_once_the_legs_are_claimed(tmp_path, stage):
    async def scenario():
        folder, port, before, after = tmp_path / "media", stage.ports(), stage.events(), stage.events()
        plane = await start(folder, port, before)
        a = stage.far_end().open(plane)
        plane.play(a.leg, "tone:beep")
        plane.leave()
        begun = a.timestamp
        for duration in range(160, 961, 160):
            a.timestamp = begun
            a.send(struct.pack(">BBH", 4, 0x8A if duration == 960 else 0x0A, duration), payload_type=101)
        await asyncio.sleep(0.6)
        assert before.of(PlayingEnded) == []
        plane = await start(folder, port, after)
        await asyncio.sleep(0.05)
        assert after == []
        plane.claim(plane.kept())
        await after.wait(PlayingEnded, a.leg)
        assert [event.digit for event in after.of(DigitPressed, a.leg)] == ["4"]
        await plane.stop()

    stage.run(scenario)


def test_slots_go_on_in_turn_over_many_take_ups_and_none_is_lost(tmp_path, stage):
    async def scenario():
        folder, port = tmp_path / "media", stage.ports()
        used = []
        for _ in range(5):
            plane = await start(folder, port, stage.events(), last_port=port + 79)
            plane.claim(())
            legs = [plane.open_leg() for _ in range(20)]
            used.append({plane.port_of(leg) for leg in legs})
            for leg in legs[:10]:
                plane.close_leg(leg)
            plane.leave()  # at once: some ports are still open, some are being bound
        plane = await start(folder, port, stage.events(), last_port=port + 79)
        assert len(plane.kept()) == 10
        plane.claim(())
        await stage.until(lambda: not list(plane._legs))
        legs = [plane.open_leg() for _ in range(40)]
        assert len({plane.port_of(leg) for leg in legs}) == 40
        assert len(set(legs)) == 40
        with pytest.raises(UsageError, match="in use"):
            plane.open_leg()
        assert used[0] != used[1]
        await plane.stop()

    stage.run(scenario)


def test_a_living_switch_keeps_its_media_process(tmp_path, stage):
    async def scenario():
        folder, port, events = tmp_path / "media", stage.ports(), stage.events()
        plane = await start(folder, port, events)
        a = stage.far_end().open(plane)
        with pytest.raises(UsageError, match=str(os.getpid())):
            await start(folder, port, stage.events())
        with pytest.raises(UsageError, match="another switch"):
            await start(folder, port, stage.events(), last_port=port + 99)
        plane.play(a.leg, "tone:beep")
        await events.wait(PlayingEnded, a.leg)
        await plane.stop()

    stage.run(scenario)


def test_other_settings_begin_another_media_process(tmp_path, stage):
    async def scenario():
        folder, port = tmp_path / "media", stage.ports()
        plane = await start(folder, port, stage.events())
        plane.note(plane.open_leg(), b"gone with its process")
        plane.note_site(b"this too")
        pid = plane.pid
        plane.leave()
        plane = await start(folder, port, stage.events(), last_port=port + 99)
        assert not plane.is_taken_up
        assert plane.pid != pid
        assert not is_running(pid)
        assert (plane.kept(), plane.kept_site()) == ({}, b"")
        await plane.stop()

    stage.run(scenario)


def test_a_media_process_that_does_not_answer_is_replaced(tmp_path, stage, monkeypatch):
    async def scenario():
        folder, port = tmp_path / "media", stage.ports()
        monkeypatch.setattr("softswitch.media.launcher.ANSWER_S", 0.3)
        plane = await start(folder, port, stage.events())
        guardian = plane._process.process.pid
        plane.leave()
        os.kill(guardian, signal.SIGSTOP)
        plane = await start(folder, port, stage.events())
        assert not plane.is_taken_up
        assert not is_running(guardian)
        plane.open_leg()
        await plane.stop()

    stage.run(scenario)


def test_calls_of_a_switch_that_nobody_follows_end_in_order(tmp_path, stage):
    async def scenario():
        folder, port = tmp_path / "media", stage.ports()
        a, b = stage.far_end(), stage.far_end("PCMA")
        doomed = await asyncio.to_thread(DoomedSwitch, folder, port, (a, b), tmp_path / "call.ssr", 1.5)
        stage.listen(a, b)
        talking = asyncio.gather(a.say(stage.tone(600, 4000)), b.say(stage.tone(1300, 4000)), return_exceptions=True)
        await asyncio.sleep(0.5)
        doomed.kill()
        killed = time.monotonic()
        await stage.until(lambda: not is_running(doomed.pid))
        assert time.monotonic() - killed > 1.4
        assert len(b.packets) > 80
        await talking
        assert not (folder / "socket").exists()
        assert folder.exists()
        plane = await start(folder, port, stage.events())
        assert not plane.is_taken_up
        assert plane.kept() == {}
        await plane.stop()
        sound = listen(tmp_path / "call.ssr")
        assert sound.is_finished
        assert len(sound.samples) > 1.9 * 8000

    stage.run(scenario)
