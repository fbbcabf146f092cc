"""Audio and keys of SIPp through the whole switch, to and from an agent on baresip."""

import asyncio
import re
import shutil
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from softswitch.media.events import DigitPressed, MediaEvent
from softswitch.switch import Switch
from softswitch.testing.companding import Pcm, encode
from softswitch.testing.speaker import Speaker
from tests.interop.peers import Baresip, Sipp, eventually, heard_in, speech, write_ulaw
from tests.interop.site import DID, address_of, shift_on_baresip, write_site
from tests.interop.wiretap import Wiretap
from tests.ports import free_port

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "dtmf"
KEYS = "0123456789*#"
CALLER = "+442079460500"
AGENT_HZ, CALLER_HZ = 2150, 2700


@pytest.fixture(autouse=True)
def _peers(require_peer: Callable[[str], None]) -> None:
    require_peer("sipp")
    require_peer("baresip")


@asynccontextmanager
async def desk_with_an_agent(folder: Path, trunk_port: int) -> AsyncIterator[tuple[Switch, Baresip]]:
    """A switch whose only agent waits for calls on a baresip that speaks with a marker tone."""
    site = write_site(folder / "site", trunk_port=trunk_port, numbers=[])
    async with shift_on_baresip(folder, site, AGENT_HZ) as (switch, phone):
        switch.desk.supervisor_arrived("supervisor")
        yield switch, phone


def write_capture(path: Path, pcm: Pcm) -> None:
    """A pcap file of G.711 A-law in RTP over UDP, 20 ms a packet: what SIPp's play_pcap_audio sends."""
    records = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)]
    for index in range(len(pcm) // 160):
        rtp = struct.pack(">BBHII", 0x80, 8, index & 0xFFFF, 160 * index, 0x5EED) + encode(
            pcm[160 * index : 160 * index + 160], "PCMA"
        )
        udp = struct.pack(">HHHH", 6000, 6000, 8 + len(rtp), 0) + rtp
        ip = struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(udp), index & 0xFFFF, 0, 64, 17, 0, 0x7F000001, 0x7F000001)
        frame = bytes(12) + b"\x08\x00" + ip + udp
        records.append(struct.pack("<IIII", index // 50, index % 50 * 20_000, len(frame), len(frame)) + frame)
    path.write_bytes(b"".join(records))


def assert_they_hear_each_other(scenario: str, folder: Path) -> None:
    """Call in by a SIPp scenario: the agent hears the caller's marker, and the agent's arrives where SIPp listens."""

    async def shift() -> None:
        port, both = free_port(), (AGENT_HZ, CALLER_HZ)
        async with Wiretap() as wire, desk_with_an_agent(folder, port) as (switch, phone):
            caller = Sipp(scenario, folder, remote=address_of(switch), port=port, called=DID, caller=CALLER)
            async with caller as sipp:
                await eventually(lambda: heard_in(phone.heard(), both) == {CALLER_HZ}, "the agent hears", 120)
                result = await sipp.succeeded()
            offered = re.search(r"^m=audio (\d+) ", result.messages, re.MULTILINE)
            assert offered is not None, "the INVITE comes first"
            assert heard_in(wire.heard_at(int(offered[1])), both) == {AGENT_HZ}

    asyncio.run(shift())


def test_a_streaming_caller_and_the_agent_hear_each_other(tmp_path: Path) -> None:
    write_ulaw(tmp_path / "says.ulaw", CALLER_HZ)
    assert_they_hear_each_other("caller_talks", tmp_path)


def test_a_caller_who_plays_a_capture_and_the_agent_hear_each_other(tmp_path: Path) -> None:
    write_capture(tmp_path / "says.pcap", speech(Speaker(marker_hz=CALLER_HZ), 4.0))
    assert_they_hear_each_other("caller_plays_a_capture", tmp_path)


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not on this machine")
def test_keys_that_a_phone_was_captured_pressing_reach_the_switch_one_by_one(tmp_path: Path) -> None:
    async def shift() -> None:
        for capture in CAPTURES.glob("dtmf_2833_*.pcap"):
            shutil.copy(capture, tmp_path)
        port = free_port()
        digits: list[DigitPressed] = []
        async with desk_with_an_agent(tmp_path, port) as (switch, _):
            receive = switch.site.lines.receive_media_event

            def overhear(event: MediaEvent) -> None:
                if isinstance(event, DigitPressed):
                    digits.append(event)
                receive(event)

            switch.site.lines.receive_media_event = overhear  # type: ignore[method-assign]
            caller = Sipp(
                "caller_dials_captured_keys", tmp_path, remote=address_of(switch), port=port, called=DID, caller=CALLER
            )
            async with caller as sipp:
                await sipp.succeeded()
        assert "".join(event.digit for event in digits) == KEYS
        assert len({event.leg for event in digits}) == 1

    asyncio.run(shift())
