"""One call's messages, from both sides of the switch, in one ladder and one capture."""

import shutil
import subprocess
from pathlib import Path

import pytest

from softswitch.exchange.telephony.tracing import Tracing
from softswitch.sip.hop import Hop, OwnHops
from softswitch.sip.layer import Datagram

NUMBER = "2079460958"
OWN = OwnHops([Hop("127.0.0.1", 5060), Hop("127.0.0.1", 5061, "TLS")])
CARRIER, PHONE = Hop("127.0.0.2", 5060), Hop("127.0.0.3", 40000, "TLS", flow=3)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        self.now += 0.25
        return self.now


def invite(call_id: str, number: str = "call", cseq: str = "1 INVITE") -> bytes:
    return (
        f"INVITE sip:+44{number}@127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\n"
        "Max-Forwards: 70\r\n"
        f"From: <sip:me@127.0.0.1>;tag=1\r\nTo: <sip:+44{number}@127.0.0.2>\r\nCall-ID: {call_id}\r\n"
        f"CSeq: {cseq}\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def ok(call_id: str) -> bytes:
    return invite(call_id).replace(b"INVITE sip:+44call@127.0.0.2 SIP/2.0", b"SIP/2.0 200 OK")


@pytest.fixture
def tracing() -> Tracing:
    tracing = Tracing(100, 100_000, lambda: OWN, Clock())
    passed: list[object] = []
    send, receive = tracing.sending(passed.append), tracing.receiving(lambda data, source: passed.append(data))
    names = tracing.names
    names.receive_leg("agent-leg", "A")
    names.receive_leg("ref", "C")
    send(Datagram(invite("A"), PHONE))  # long before: the agent's log-in
    send(Datagram(invite("C", NUMBER), CARRIER))
    send(Datagram(invite("C", NUMBER), CARRIER))
    receive(ok("C"), CARRIER)
    names.receive_joined("ref", "agent-leg", "201", tracing._clock())
    send(Datagram(invite("A", cseq="2 INVITE"), PHONE))
    receive(ok("A"), PHONE)
    names.receive_parted("ref", "agent-leg", tracing._clock())
    send(Datagram(invite("A", cseq="3 INVITE"), PHONE))
    assert len(passed) == 7
    return tracing


def test_both_sides_of_a_call_stand_in_one_ladder(tracing: Tracing) -> None:
    steps = tracing.view("ref", whole=False).steps
    assert [(step.side, step.sent, step.label, step.is_copy) for step in steps] == [
        ("carrier", True, "INVITE", False), ("carrier", True, "INVITE", True), ("carrier", False, "200 OK", False),
        ("agent", True, "INVITE", False), ("agent", False, "200 OK", False)]  # fmt: skip
    assert steps[0].after_s == 0.0 and steps[1].after_s == 0.25
    assert steps[3].peer == "127.0.0.3:40000" and steps[3].transport == "TLS"


def test_numbers_are_masked_unless_the_whole_is_asked_for(tracing: Tracing) -> None:
    assert NUMBER not in repr(tracing.view("ref", whole=False))
    assert NUMBER.encode() not in tracing.capture("ref", whole=False)
    assert NUMBER in repr(tracing.view("ref", whole=True))
    assert NUMBER.encode() in tracing.capture("ref", whole=True)


def test_a_call_is_found_by_its_call_id_too(tracing: Tracing) -> None:
    assert len(tracing.view("C", whole=False).steps) == 5


def test_an_unknown_call_is_a_key_error(tracing: Tracing) -> None:
    for ask in (tracing.view, tracing.capture):
        with pytest.raises(KeyError):
            ask("nothing", whole=False)


def test_others_are_told_of_each_message(tracing: Tracing) -> None:
    told: list[tuple[float, bool, Hop, bytes]] = []
    tracing.add(lambda *seen: told.append(seen))
    tracing.sending(lambda datagram: None)(Datagram(invite("C"), CARRIER))
    tracing.receiving(lambda data, source: None)(ok("C"), CARRIER)
    assert [(is_received, peer) for _, is_received, peer, _ in told] == [(False, CARRIER), (True, CARRIER)]
    assert tracing.correlation_of(told[0][3]) == "ref"


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed; .ci/peers.sh does it")
def test_tshark_reads_a_masked_capture_without_complaint(tracing: Tracing, tmp_path: Path) -> None:
    (tmp_path / "call.pcap").write_bytes(tracing.capture("ref", whole=False))
    command = ["tshark", "-r", str(tmp_path / "call.pcap"), "-T", "fields", "-E", "separator=|", "-e", "sip.r-uri.user",
               "-e", "sip.Status-Code", "-e", "sip.Call-ID", "-e", "_ws.malformed"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=True)
    assert done.stdout.split() == [
        "xxxxxx58||C|", "xxxxxx58||C|", "|200|C|", "+44call||A|", "|200|A|"]  # fmt: skip
