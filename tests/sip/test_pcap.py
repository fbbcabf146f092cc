"""Captures of one call, read by tshark where it is installed."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from softswitch.sip.pcap import file_header, packet

OPTIONS = (
    b"OPTIONS sip:a@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n"
    b"From: <sip:b@192.0.2.1>;tag=1\r\nTo: <sip:a@192.0.2.2>\r\nCall-ID: c7\r\nCSeq: 1 OPTIONS\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def test_a_record_tells_its_time_and_both_lengths() -> None:
    record = packet(12.5, ("192.0.2.1", 5060), ("192.0.2.2", 5061), b"abc", length=10)
    seconds, micros, kept, on_wire = struct.unpack("=IIII", record[:16])
    assert (seconds, micros, kept, on_wire) == (12, 500_000, 31, 38)
    assert record[16:].endswith(b"abc")


def test_the_headers_checksums_are_right() -> None:
    ip = packet(0.0, ("192.0.2.1", 5060), ("192.0.2.2", 5061), b"abc")[16:36]
    total = sum(struct.unpack("!10H", ip))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed; .ci/peers.sh does it")
def test_tshark_reads_the_messages_of_both_ip_versions(tmp_path: Path) -> None:
    path = tmp_path / "call.pcap"
    path.write_bytes(
        file_header()
        + packet(1_700_000_000.5, ("192.0.2.1", 5060), ("192.0.2.2", 7000), OPTIONS)
        + packet(1_700_000_001.0, ("2001:db8::1", 5061), ("2001:db8::2", 5060), OPTIONS)
    )
    command = ["tshark", "-r", str(path), "-o", "udp.check_checksum:TRUE", "-T", "fields", "-E", "separator=|",
               "-e", "sip.Method", "-e", "sip.Call-ID", "-e", "udp.checksum.status", "-e", "_ws.malformed"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    # The checksum status: 3 is "not present", 1 is "good".
    assert done.stdout.split() == ["OPTIONS|c7|3|", "OPTIONS|c7|1|"]
