"""bench/relay.py itself: a small load is measured, and its packets are known again whatever has become of them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from softswitch.testing.companding import decode, encode
from tests.ports import lend_ports

BENCH = Path(__file__).resolve().parents[2] / "bench"
KEYS = {
    "calls", "us_per_packet", "loss", "latency_us_p50", "latency_us_p99", "latency_us_p999", "jitter_us_p99", "cpu_pct",
    "kb_per_call", "packets_per_s",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _beside_the_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


@pytest.mark.timeout(420)  # a first start compiles
def test_a_small_load_goes_through_without_loss_and_every_figure_is_there() -> None:
    load = ["--calls", "4", "--seconds", "1", "--transcode", "--first-port", str(lend_ports())]
    command = [sys.executable, str(BENCH / "relay.py"), *load, "--json", "-"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=400, check=True)
    figures = json.loads(run.stdout)
    assert figures.keys() >= KEYS
    assert (figures["calls"], figures["loss"], figures["foreign_packets"]) == (4, 0, 0)
    assert 0 < figures["packets_sent"] <= 1.1 * 4 * 100, "a generator that was held up sends fewer"
    assert 0 < figures["latency_us_p50"] <= figures["latency_us_p99"] <= figures["latency_us_p999"]


def test_a_packet_is_known_again_after_transcoding_and_an_altered_one_is_not() -> None:
    from generator import PACKET_BYTES, read_mark, write_mark

    for leg, number in ((0, 0), (1, 65_535), (1999, 500), (7, 65_536 + 3)):
        packet = np.zeros(PACKET_BYTES, np.uint8)
        write_mark(packet, leg, number)
        law = packet[12:]
        other = np.frombuffer(encode(decode(law.tobytes(), "PCMU"), "PCMA"), np.uint8)
        assert read_mark(law) == read_mark(other) == leg << 16 | number & 0xFFFF
        altered = law.copy()
        altered[3] ^= 0x80
        assert read_mark(altered) == -1


def test_a_command_in_rtpengines_protocol_reads_back_as_it_was() -> None:
    from rtpengine import bdecode, bencode

    command = {"command": "offer", "replace": ["origin"], "codec": {"mask": ["PCMU"]}, "TOS": 184, "sdp": "v=0\r\n"}
    assert bdecode(bencode(command)) == command
    assert bencode({"b": 1, "a": ["x", -2]}) == b"d1:al1:xi-2ee1:bi1ee"
    with pytest.raises(ValueError, match="follows"):
        bdecode(b"i1eX")


def test_an_answer_takes_up_the_key_line_of_the_right_suite() -> None:
    from rtpengine import media_key, media_port, session_description

    sdp = session_description(4000, 8, key="S2V5", tag="7")
    other = sdp.replace("a=crypto:7", "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:bm8=\r\na=crypto:7")
    assert (media_key(other), media_port(other)) == (("7", "S2V5"), 4000)
