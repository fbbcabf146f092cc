"""RTP headers on bare bytes, against a plain twin."""

import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.media.rtp import payload_bounds, write_header


def twin(packet):
    """RFC 3550 §5.1 in Python, the long way round."""
    if not 12 <= len(packet) <= 1500 or packet[0] >> 6 != 2 or 72 <= packet[1] & 127 <= 76:
        return 0, 0
    rest = packet[12:]
    contributors = 4 * (packet[0] & 15)
    if len(rest) < contributors:
        return 0, 0
    rest = rest[contributors:]
    if packet[0] & 0x10:
        if len(rest) < 4:
            return 0, 0
        words = struct.unpack(">H", rest[2:4])[0]
        if len(rest) < 4 + 4 * words:
            return 0, 0
        rest = rest[4 + 4 * words :]
    start = len(packet) - len(rest)
    end = len(packet)
    if packet[0] & 0x20:
        if not rest or not 0 < rest[-1] <= len(rest):
            return 0, 0
        end -= rest[-1]
    return start, end


packets = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda first, rest: bytes([0x80 | first]) + rest, st.integers(0, 63), st.binary(max_size=120)),
    st.builds(
        lambda flags, words, rest: bytes([0x90 | flags]) + b"\0" * 11 + b"\0\0" + bytes([0, words]) + rest,
        st.sampled_from([0, 0x20]),
        st.integers(0, 6),
        st.binary(max_size=30),
    ),
)


@settings(deadline=None)  # the first example loads the kernel
@given(packets)
def test_any_datagram_is_judged_as_the_twin_judges_it(datagram):
    buffer = np.full(2048, 0xEE, np.uint8)
    buffer[: len(datagram)] = np.frombuffer(datagram, np.uint8)
    assert payload_bounds(buffer, len(datagram)) == twin(datagram)


@settings(deadline=None)  # the first example loads the kernel
@given(st.booleans(), st.integers(0, 127), st.integers(0, 2**17), st.integers(0, 2**40), st.integers(0, 2**32 - 1))
def test_headers_are_written_whole_and_wrap(marker, payload_type, sequence, timestamp, ssrc):
    packet = np.zeros(12, np.uint8)
    write_header(packet, marker, payload_type, sequence, timestamp, ssrc)
    second = marker << 7 | payload_type
    assert packet.tobytes() == struct.pack(">BBHII", 0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
