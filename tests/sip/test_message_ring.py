"""The ring of the last messages, and which of them belong to a call."""

import pytest

from softswitch.errors import UsageError
from softswitch.sip.hop import Hop
from softswitch.sip.message_ring import CallNames, TraceRing, call_id_of

PEER = Hop("192.0.2.2", 5060)


def message(call_id: str, padding: int = 0) -> bytes:
    return f"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: {call_id}\r\nSubject: {'x' * padding}\r\n\r\n".encode()


def test_a_call_s_messages_come_out_in_the_order_of_the_wire() -> None:
    ring = TraceRing(10, 10_000)
    for at in range(6):
        ring.note(float(at), at % 2 == 0, PEER, message("one" if at % 3 else "two"))
    assert [(found.at, found.is_received) for found in ring.messages_of("one")] == [
        (1.0, False), (2.0, True), (4.0, True), (5.0, False)]  # fmt: skip


def test_the_oldest_messages_go_when_the_slots_are_full() -> None:
    ring = TraceRing(4, 10_000)
    for at in range(11):
        ring.note(float(at), True, PEER, message("a"))
    assert [found.at for found in ring.messages_of("a")] == [7.0, 8.0, 9.0, 10.0]
    assert len(ring) == 4


@pytest.mark.parametrize("padding", [0, 40, 199, 500])
def test_the_bytes_kept_never_exceed_their_bound(padding: int) -> None:
    ring = TraceRing(50, 1_000)
    for at in range(200):
        ring.note(float(at), True, PEER, message("a", padding if at % 7 else 0))
        assert ring.octets <= 1_000
        kept = ring.messages_of("a")
        assert sum(len(found.data) for found in kept) == ring.octets
        assert [found.at for found in kept] == [float(at - n) for n in reversed(range(len(kept)))]


def test_another_header_that_quotes_a_call_id_does_not_belong_to_the_call() -> None:
    ring = TraceRing(4, 10_000)
    ring.note(0.0, True, PEER, b"INVITE sip:a@b SIP/2.0\r\nReplaces: one\r\ni: two\r\n\r\n")
    assert ring.messages_of("one") == []
    assert len(ring.messages_of("two")) == 1


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(UsageError):
        TraceRing(0, 1)


def test_a_call_id_is_found_in_any_spelling() -> None:
    for line in ("Call-ID: x@y", "CALL-ID :x@y ", "i:x@y", "call-id:\tx@y"):
        assert call_id_of(f"BYE sip:a SIP/2.0\r\n{line}\r\n\r\n".encode()) == b"x@y"
    assert call_id_of(b"rubbish") == b""


def test_a_dialled_call_has_its_callee_s_leg_and_its_agent_s() -> None:
    names = CallNames(10)
    names.receive_leg("agent-leg", "A")
    names.receive_leg("ref", "C")
    names.receive_joined("ref", "agent-leg", "201", 5.0)
    names.receive_parted("ref", "agent-leg", 9.0)
    names.receive_leg_over("ref")
    parts = names.parts_of("ref")
    assert [(part.call_id, part.who, part.since, part.until) for part in parts] == [
        ("C", "", 0.0, None), ("A", "201", 5.0, 9.0)]  # fmt: skip
    assert names.parts_of("C") == parts


def test_an_inbound_call_is_found_by_its_reference_its_leg_and_its_call_id() -> None:
    names = CallNames(10)
    names.receive_leg("leg", "C")
    names.receive_joined("ref", "leg", "", 0.0)
    assert names.parts_of("ref") == names.parts_of("leg") == names.parts_of("C") != []
    assert names.correlation("C") == "ref"
    assert names.correlation("stray") == "stray"


def test_what_is_remembered_of_calls_that_are_over_is_bounded() -> None:
    names = CallNames(5)
    names.receive_leg("shift", "S")
    for n in range(100):
        names.receive_leg(f"leg{n}", f"id{n}")
        names.receive_joined(f"ref{n}", f"leg{n}", "", n)
        names.receive_joined(f"ref{n}", "shift", "201", n)
        names.receive_parted(f"ref{n}", "shift", n)
        names.receive_leg_over(f"leg{n}")
    assert names.parts_of("ref3") == []
    assert {part.call_id for part in names.parts_of("ref99")} == {"id99", "S"}
    assert len(names._past) == len(names._calls) == 5
    assert len(names._leg_of) <= 6 and len(names._call_of) <= 6
