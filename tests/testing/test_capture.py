import struct
from pathlib import Path

from softswitch.testing.capture import Capture

HERE, THERE = ("127.0.0.1", 5060), ("127.0.0.1", 6060)


def records(path: Path) -> list[tuple[int, bytes]]:
    """(length on the wire, UDP payload kept) of each packet."""
    data = path.read_bytes()[24:]
    found = []
    while data:
        kept, length = struct.unpack_from("=II", data, 8)
        found.append((length, data[16 + 28 : 16 + kept]))
        data = data[16 + kept :]
    return found


def test_sip_is_kept_in_full_and_audio_by_its_header(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "phone.pcap")
    audio = b"\x80\x00" + bytes(10) + b"\xff" * 160
    capture.receive_sip(b"INVITE sip:1001@127.0.0.1 SIP/2.0\r\n\r\n", THERE, HERE)
    capture.receive_rtp(audio, THERE, HERE)
    capture.close()
    sip, rtp = records(tmp_path / "phone.pcap")
    assert sip[1].startswith(b"INVITE")
    assert rtp == (28 + 172, audio[:12])


def test_a_packet_that_is_not_audio_is_kept_in_full(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "phone.pcap")
    event = b"\x80\x65" + bytes(10) + b"\x05\x0a\x03\x20"
    capture.receive_rtp(event, THERE, HERE)
    capture.close()
    assert records(tmp_path / "phone.pcap") == [(28 + 16, event)]


def test_what_comes_after_the_close_is_ignored(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "phone.pcap")
    capture.close()
    capture.receive_sip(b"late", THERE, HERE)
    assert records(tmp_path / "phone.pcap") == []


def test_what_an_audio_packets_header_carries_beside_the_usual_is_kept(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "phone.pcap")
    header = b"\x92\x00" + bytes(10) + b"\0\0\0\1\0\0\0\2" + b"\xbe\xde\0\1\x30ABC"
    capture.receive_rtp(header + b"\xff" * 160, THERE, HERE)
    capture.close()
    assert records(tmp_path / "phone.pcap") == [(28 + len(header) + 160, header)]
