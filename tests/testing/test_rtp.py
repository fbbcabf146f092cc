import asyncio
import gc
import struct
import weakref

import numpy as np
import pytest

from softswitch.testing.companding import Pcm
from softswitch.testing.journal import Journal
from softswitch.testing.marker import MarkerEar
from softswitch.testing.rtp import RtpEnd
from softswitch.testing.speaker import Speaker
from softswitch.testing.station import Conversation


def packet(sequence: int, *, payload_type: int = 0, ssrc: int = 7, payload: bytes = b"\xff" * 160) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, ssrc) + payload


def received(*packets: bytes) -> RtpEnd:
    end = RtpEnd()
    for data in packets:
        end.datagram_received(data, ("127.0.0.1", 9))
    return end


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_two_ends_hear_each_others_markers(codec: str) -> None:
    async def talk() -> tuple[MarkerEar, MarkerEar]:
        ears = MarkerEar(), MarkerEar()
        a = await RtpEnd.open(speak=Speaker(marker_hz=2600).next_frame, heard=ears[0].receive)
        b = await RtpEnd.open(speak=Speaker(marker_hz=3300).next_frame, heard=ears[1].receive)
        payload_type = {"PCMU": 0, "PCMA": 8}[codec]
        a.connect(b.address, codec, payload_type)
        b.connect(a.address, codec, payload_type)
        async with asyncio.timeout(20):
            while not (ears[0].heard and ears[1].heard):
                await asyncio.sleep(0.02)
        a.close()
        b.close()
        return ears

    first, second = asyncio.run(talk())
    assert (first.heard, second.heard) == ({3300}, {2600})


def test_a_gap_in_the_numbers_counts_as_lost_across_the_wrap() -> None:
    end = received(packet(65534), packet(65535), packet(1), packet(2))
    assert (end.counts.received, end.counts.lost) == (4, 1)


def test_a_late_packet_is_not_lost_after_all() -> None:
    end = received(packet(1), packet(3), packet(2))
    assert end.counts.lost == 0


def test_a_new_source_starts_its_own_numbers_and_old_losses_stay() -> None:
    end = received(packet(1), packet(3), packet(40_000, ssrc=8), packet(40_001, ssrc=8))
    assert end.counts.lost == 1


@pytest.mark.parametrize(
    "data", [b"", b"\x80", packet(1, payload=b""), b"\x00" + packet(1)[1:], b"\x90" + packet(1)[1:13]]
)
def test_a_malformed_packet_is_counted_and_dropped(data: bytes) -> None:
    end = received(data)
    assert (end.counts.malformed, end.counts.received) == (1, 0)


def test_another_payload_type_is_counted_but_not_heard() -> None:
    heard: list[Pcm] = []
    end = RtpEnd(heard=heard.append)
    end.datagram_received(packet(1, payload_type=101), ("127.0.0.1", 9))
    assert (end.counts.other_payload, heard) == (1, [])


def test_contributing_sources_and_extensions_are_stepped_over() -> None:
    heard: list[Pcm] = []
    end = RtpEnd(heard=heard.append)
    header = bytes([0x91]) + packet(1)[1:12]
    end.datagram_received(header + b"\0" * 4 + b"\0\0\0\1" + b"\0" * 4 + b"\xff" * 160, ("127.0.0.1", 9))
    assert np.array_equal(heard[0], np.zeros(160))


def test_a_conversation_that_is_over_keeps_nothing_of_what_was_said() -> None:
    async def talk() -> tuple[Conversation, weakref.ref[Speaker]]:
        speaker = Speaker()
        conversation = Conversation(Journal(), speaker, MarkerEar())
        await conversation.open("127.0.0.1")
        conversation.close()
        return conversation, weakref.ref(speaker)

    conversation, speaker = asyncio.run(talk())
    gc.collect()
    assert conversation.end is not None
    assert speaker() is None
