"""Messages out of a stream, whatever pieces it comes in."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.framing import StreamFramer
from softswitch.sip.message import Response
from softswitch.sip.parser import parse

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "malformed"
HEAD = (
    b"OPTIONS sip:switch@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.7:40000;branch=z9hG4bK7;rport\r\n"
    b"From: <sip:phone@192.0.2.7>;tag=1\r\nTo: <sip:switch@192.0.2.1>\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\n"
)


def message(body: bytes = b"", length: bytes = b"Content-Length: %d") -> bytes:
    return HEAD + length % len(body) + b"\r\n\r\n" + body


def fed(data: bytes, size: int) -> tuple[StreamFramer, list[bytes]]:
    framer, messages = StreamFramer(), []
    for start in range(0, len(data), size):
        messages += framer.receive(data[start : start + size])
    return framer, messages


LENGTHS = [b"Content-Length: %d", b"l:%d", b"CONTENT-LENGTH \t:  %d  ", b"L:\r\n %d"]
messages_of_any_form = st.builds(message, st.binary(max_size=80), st.sampled_from(LENGTHS))
gaps = st.sampled_from([b"", b"\r\n", b"\r\n\r\n", b"\r\n\r\n\r\n"])


@given(st.lists(st.tuples(gaps, messages_of_any_form), max_size=5), gaps, st.data())
def test_any_cutting_of_a_stream_gives_the_same_messages(
    parts: list[tuple[bytes, bytes]], tail: bytes, data: st.DataObject
) -> None:
    stream = b"".join(gap + whole for gap, whole in parts) + tail
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    framer, received = StreamFramer(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += framer.receive(stream[start:end])
    assert received == [whole for _, whole in parts]
    assert framer.error is None
    assert framer.is_between_messages


@given(st.binary(max_size=300), st.integers(1, 20))
def test_any_cutting_of_garbage_gives_the_same_end(garbage: bytes, size: int) -> None:
    stream = message(b"x") + garbage + b"\r\n\r\n"
    (one, whole), (other, pieces) = fed(stream, len(stream)), fed(stream, size)
    assert whole == pieces
    assert str(one.error) == str(other.error)


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_double_line_break_is_a_keep_alive_and_a_single_one_is_none(size: int) -> None:
    framer, messages = fed(b"\r\n", size)
    assert not framer.take_ping()
    framer, messages = fed(message() + b"\r\n\r\n", size)
    assert messages == [message()]
    assert framer.take_ping()
    assert not framer.take_ping()


def test_a_message_without_content_length_ends_the_stream_with_an_answer() -> None:
    framer = StreamFramer()
    assert framer.receive(message() + HEAD + b"\r\n" + message()) == [message()]
    assert framer.error is not None
    assert framer.error.status == 400
    answer = parse(framer.error.answer)
    assert isinstance(answer, Response)
    assert (answer.status, answer.call_id) == (400, "c1")
    assert framer.receive(message()) == []


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 3\r\nl: 5",
        b"Content-Length: 3\r\nContent-Length: 3",
        b"l: -1",
        b"l: 1 1",
        b"l:",
        b"l: 99999999999",
    ],
)
def test_a_length_that_can_be_read_two_ways_ends_the_stream(lines: bytes) -> None:
    framer = StreamFramer()
    assert framer.receive(HEAD + lines + b"\r\n\r\nabcde") == []
    assert framer.error is not None
    assert framer.error.status == 400


def test_a_continuation_line_is_no_content_length() -> None:
    framer = StreamFramer()
    assert framer.receive(HEAD + b"Subject: a\r\n l: 7\r\nl: 1\r\n\r\nx") == [
        HEAD + b"Subject: a\r\n l: 7\r\nl: 1\r\n\r\nx"
    ]


def test_a_message_that_announces_more_than_65535_bytes_is_refused_before_it_comes() -> None:
    framer = StreamFramer()
    assert framer.receive(HEAD + b"l: 65536\r\n\r\n") == []
    assert framer.error is not None
    assert framer.error.status == 513
    assert framer.error.answer.startswith(b"SIP/2.0 513 ")


@pytest.mark.parametrize("size", [1, 100, 70_000])
def test_headers_without_end_are_cut_off_at_64_kib(size: int) -> None:
    data = (VECTORS / "tcp-no-crlfcrlf-64k.dat").read_bytes()
    framer, messages = fed(data + b"x" * 1000, size)
    assert messages == []
    assert framer.error is not None
    assert framer.error.answer == b""


@pytest.mark.parametrize("size", [1, 80_000])
def test_a_flood_of_keep_alives_costs_next_to_nothing(size: int) -> None:
    framer, messages = fed((VECTORS / "tcp-crlf-flood.dat").read_bytes(), size)
    assert messages == []
    assert framer.error is None
    assert framer.is_between_messages
    assert framer.take_ping()


def test_time_is_linear_in_the_bytes_even_one_by_one() -> None:
    def cost(body: int) -> float:
        whole = message(b"x" * body)
        began = time.process_time()
        assert fed(whole, 1)[1] == [whole]
        return time.process_time() - began

    cost(1000)
    assert cost(60_000) < 40 * max(cost(6_000), 0.001)  # ten times the bytes; quadratic would be a hundred times
