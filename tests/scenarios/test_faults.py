"""What goes wrong in a shift: each gets a clear answer, nothing stored is lost, and the switch stays up."""

import asyncio
import os
import shutil
import signal
import socket
from pathlib import Path

import pytest
import uvloop

from softswitch.config import load
from softswitch.errors import SoftswitchError, UsageError
from softswitch.exchange.calls import records
from softswitch.store.errors import StoreFailed
from softswitch.store.journal import Kind as Entered
from softswitch.switch import Switch
from softswitch.testing.callee import CalleePlan, Kind
from tests.auditor import listen
from tests.interop.site import address_of, write_site
from tests.scenarios.conftest import Floor, floor

A, B = "+442079460101", "+442079460102"
MALFORMED = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "malformed"


async def answers_options(site: Floor) -> bytes:
    """Ask OPTIONS like any phone in the building; the first line of what comes back."""
    host, port = address_of(site.switch)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(60)
        phone.bind(("127.0.0.1", 0))
        own = phone.getsockname()[1]
        request = (
            f"OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bKo{own};rport\r\n"
            f"From: <sip:me@127.0.0.1>;tag=1\r\nTo: <sip:{host}>\r\nCall-ID: o{own}\r\nCSeq: 1 OPTIONS\r\n"
            "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        phone.sendto(request.encode(), (host, port))
        data = await asyncio.to_thread(phone.recv, 4096)
    return data.split(b"\r\n")[0]


def test_a_phone_that_vanishes_in_a_call_leaves_the_callee_to_the_next_agent(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=12.0, marker_hz=3100, seed=7)}
        async with floor(tmp_path, plan, agents=("1001", "1002"), changes="port = 0 -> port = 0") as site:
            await site.log_in("1001")
            await site.start()
            await site.until(lambda: site.state("1001") == "in call", "the first agent talks")
            await site.log_in("1002")
            site.phones["1001"].vanish()
            await site.until(lambda: site.state("1001") == "offline", "the phone is missed")
            (attempt,) = await site.ended()
            assert attempt.disposition == "connected"
            assert 3100 in site.phones["1002"].heard
            assert await answers_options(site) == b"SIP/2.0 200 OK"

    uvloop.run(scenario())


def test_a_call_goes_on_when_the_media_process_dies(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=8.0, marker_hz=2700, seed=8)}
        async with floor(tmp_path, plan) as site:
            await site.log_in("1001")
            await site.start()
            await site.until(lambda: site.calls("in call"), "they talk")
            await asyncio.sleep(1.5)
            site.phones["1001"].heard.clear()
            os.kill(site.switch.site.plane.pid, signal.SIGKILL)
            await site.until(lambda: site.switch.desk.wallboard().media_deaths, "the wallboard shows it")
            assert not site.interlock("media")
            (attempt,) = await site.ended()
            assert attempt.disposition == "connected"
            assert 2700 in site.phones["1001"].heard
            await site.until(lambda: site.state("1001") == "ready", "the agent is free")
            assert site.switch.site.driver.faults == 0
        parts = (tmp_path / "data" / "recordings").glob(f"{Path(attempt.recording).stem}*.ssr")
        before, after = sorted((listen(path) for path in parts), key=lambda sound: sound.header.part)
        assert not before.is_finished
        assert after.is_finished
        talked_s = (attempt.ended_at - attempt.answered_at).total_seconds()
        assert talked_s - 2.5 < (len(before.samples) + len(after.samples)) / 8000 < talked_s + 0.5

    uvloop.run(scenario())


def test_a_media_process_that_dies_again_and_again_ends_its_calls_and_another_takes_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {n: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=20.0, seed=8) for n in (A, B)}
        async with floor(tmp_path, plan) as site:
            await site.log_in("1001")
            await site.start()
            await site.until(lambda: site.calls("in call"), "they talk")
            await asyncio.sleep(1.5)
            plane = site.switch.site.plane
            while not site.interlock("media"):
                pid = plane.pid
                os.kill(pid, signal.SIGKILL)
                await site.until(lambda pid=pid: plane.pid != pid or site.interlock("media"), "that was seen")
            assert "died" in site.interlock("media"), "the wallboard says why nothing is dialled"
            (first,) = await site.ended()
            assert first.answered_at is not None
            await site.until(lambda: not site.interlock("media"), "a new media process is up")
            await site.until(lambda: site.state("1001") == "offline", "the agent's line has ended")
            await site.phones["1001"].stop()
            await site.log_in("1001")
            await site.until(lambda: site.calls("in call"), "the next callee is talked to")
            for call_ref in site.calls():
                await site.switch.desk.hang_up(call_ref)
            attempts = await site.ended(2)
        cut_off = listen(tmp_path / "data" / "recordings" / attempts[0].recording)
        assert len(cut_off.samples) > 4000  # what was said until then can be heard
        assert not cut_off.is_finished
        assert all(attempt.ended_at for attempt in attempts)

    uvloop.run(scenario())


def test_without_a_recording_there_is_no_call_and_nothing_more_is_dialled(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {n: CalleePlan(Kind.PERSON, ring_s=0.5, talk_s=20.0, seed=9) for n in (A, B)}
        async with floor(tmp_path, plan) as site:
            await site.log_in("1001")
            await site.start()
            await site.until(lambda: site.calls("ringing"), "the callee's telephone rings")
            # A file in the recordings folder's place fails for any user, root included, as a full disk would.
            folder = tmp_path / "data" / "recordings"
            shutil.rmtree(folder)  # the ledger is there from the start
            folder.write_text("no folder")
            (attempt,) = await site.ended()
            assert attempt.answered_at is not None
            await site.until(lambda: site.interlock("recorder"), "the recorder's interlock is open")
            assert "record" in site.interlock("recorder")
            assert site.invites() == 1
            folder.unlink()
            folder.mkdir()
            await site.until(lambda: not site.interlock("recorder"), "the interlock closes by itself")
            await site.until(lambda: site.invites() == 2, "dialling goes on")

    uvloop.run(scenario())


def test_a_plane_that_refuses_to_record_ends_the_call_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=20.0, seed=9)}
        async with floor(tmp_path, plan) as site:

            def refuse(*_: object) -> None:
                raise SoftswitchError("the media process no longer takes commands")

            monkeypatch.setattr(site.switch.site.plane, "start_recording", refuse)
            await site.log_in("1001")
            await site.start()
            (attempt,) = await site.ended()
            assert attempt.answered_at is not None
            assert attempt.bridged_at is None
            assert (attempt.ended_at - attempt.answered_at).total_seconds() < 2
            await site.until(lambda: site.state("1001") == "ready", "the agent is free")
            assert site.switch.site.driver.faults == 0

    uvloop.run(scenario())


def test_an_opt_out_is_confirmed_once_it_is_durable_and_holds_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with floor(tmp_path, {A: CalleePlan(Kind.PERSON, ring_s=0.2, talk_s=60.0)}) as site:
            store, suppression = site.switch.site.store, site.switch.site.suppression

            async def refuse(*_: object, **__: object) -> None:
                raise StoreFailed("the disk is full")

            await site.log_in("1001")
            await site.start()
            await site.until(lambda: site.calls("in call"), "the agent talks")
            with monkeypatch.context() as broken:
                broken.setattr(store, "suppress", refuse)
                broken.setattr(records, "RETRY_S", (0.05,))
                broken.setattr(records, "WRITTEN_S", 0.3)
                with pytest.raises(StoreFailed, match="not called again from now on"):
                    await site.switch.desk.opt_out("1001")
                assert suppression.contains(A)
                assert not await store.suppressed("")
            await site.switch.desk.opt_out("1001")
            assert store.digest(A) in set(await store.suppressed(""))

    uvloop.run(scenario())


def test_no_invite_leaves_while_the_store_cannot_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with floor(tmp_path, {A: CalleePlan(Kind.BUSY, ring_s=0.2)}) as site:
            store = site.switch.site.store

            async def refuse(*_: object) -> None:
                raise StoreFailed("the disk is full")

            with monkeypatch.context() as broken:
                broken.setattr(store, "commit_attempt", refuse)
                broken.setattr(store, "check", refuse)
                broken.setattr(records, "RETRY_S", (0.1,))
                await site.log_in("1001")
                await site.start()
                await site.until(lambda: "disk is full" in site.interlock("store"), "the wallboard says what is wrong")
                assert site.invites() == 0
            await site.until(lambda: not site.interlock("store"), "the store writes again")
            (attempt,) = await site.ended()
            assert attempt.outcome == "busy"
            assert site.invites() == 1

    uvloop.run(scenario())


def test_nothing_is_dialled_without_a_supervisor_or_a_never_dial_list(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.BUSY, ring_s=0.2)}
        async with floor(tmp_path / "a", plan) as site:
            await site.log_in("1001")
            await site.switch.desk.start_campaign("survey")
            await asyncio.sleep(1.0)
            assert site.campaign().state == "held"
            assert "supervisor" in site.interlock("supervisor")
            assert site.invites() == 0
            site.switch.desk.supervisor_arrived("supervisor")
            await site.until(lambda: site.invites() == 1, "a call is placed as soon as somebody watches")
        for name, change in (("b", "# none"), ("c", 'never_dial = "mislaid.csv"')):
            async with floor(tmp_path / name, plan, changes=f'never_dial = "never-dial.csv" -> {change}') as site:
                await site.log_in("1001")
                with pytest.raises(UsageError, match="no never-dial list is loaded"):
                    await site.start()
                await asyncio.sleep(0.7)
                assert site.interlock("never-dial list")
                assert site.invites() == 0
                await site.switch.site.store.replace_never_dial(["+442079460998"])
                await site.until(lambda: not site.interlock("never-dial list"), "an imported list is taken over")
                await site.start()
                await site.until(lambda: site.invites() == 1, "and it dials")

    uvloop.run(scenario())


def test_a_busy_sip_or_web_port_is_said_and_nothing_is_left_running(tmp_path: Path) -> None:
    async def scenario(kind: socket.SocketKind, section: str) -> None:
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            if kind is socket.SOCK_STREAM:
                taken.listen()
            port = taken.getsockname()[1]
            path = write_site(tmp_path / section, trunk_port=5999, numbers=[A])
            path.write_text(path.read_text().replace(f"[{section}]\nport = 0", f"[{section}]\nport = {port}"))
            switch = Switch(load(path))
            with pytest.raises(UsageError, match=str(port)):
                await switch.start()
            assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
            assert not switch.is_running

    uvloop.run(scenario(socket.SOCK_DGRAM, "sip"))
    uvloop.run(scenario(socket.SOCK_STREAM, "web"))


@pytest.mark.skipif(not MALFORMED.is_dir(), reason="the shared vectors lie beside a checkout only")
def test_malformed_datagrams_leave_the_switch_up_and_its_calls_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=8.0, marker_hz=2800, seed=11)}
        async with floor(tmp_path, plan) as site:
            await site.log_in("1001")
            await site.start()
            await site.until(lambda: site.calls("in call"), "they talk")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
                for path in sorted(MALFORMED.rglob("*")):
                    if path.is_file() and path.stat().st_size < 60_000:
                        attacker.sendto(path.read_bytes(), address_of(site.switch))
                attacker.sendto(os.urandom(1400), address_of(site.switch))
            assert await answers_options(site) == b"SIP/2.0 200 OK"
            assert site.switch.site.driver.faults == 0
            (attempt,) = await site.ended()
            assert attempt.disposition == "connected"

    uvloop.run(scenario())


def test_a_phone_that_vanished_just_before_a_call_takes_no_callee(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=5.0, seed=7)}
        async with floor(tmp_path, plan, agents=("1001", "1002")) as site:
            await site.log_in("1001", "1002")
            site.phones["1001"].vanish()
            await site.start()
            (attempt,) = await site.ended()
            assert (attempt.agent, attempt.abandoned) == ("1002", False)
            assert (attempt.bridged_at - attempt.answered_at).total_seconds() < 2.0
            told = await site.switch.site.store.latest(Entered.AGENT, "1001")
            assert "in call" not in {entry.content["state"] for entry in told}

    uvloop.run(scenario())


def test_a_switch_that_is_stopped_lets_telephones_ring_out_and_serves_whoever_answers(tmp_path: Path) -> None:
    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.PERSON, ring_s=3.0, talk_s=9.0, seed=7)}
        async with floor(tmp_path, plan) as site:
            await site.log_in("1001")
            await site.start()
            await site.until(lambda: site.calls("ringing"), "the callee's telephone rings")
            await site.switch.stop()
            journal = site.trunk.journal
            assert journal.of("answered") and journal.of("first_rtp"), "the callee hears somebody"

    uvloop.run(scenario())
