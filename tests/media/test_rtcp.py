"""RTCP on bare bytes: built, read back, and thrown away when it is not sound."""

import base64
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.media import reception, rtcp

MALFORMED = Path(__file__).resolve().parents[2] / "../shared/vectors/malformed"
S = 1_000_000_000
WALL = 1_700_000_000 * S


def new_control(ssrc=0x1234, now=0, wall=WALL):
    control = np.zeros(1, rtcp.CONTROL)[0]
    rtcp.open_control(control, ssrc, now, wall)
    return control


def new_reception(packets=(), ssrc=0x5678):
    record = np.zeros(1, reception.RECEPTION)[0]
    for sequence in packets:
        reception.count_packet(record, ssrc, sequence, sequence * 160, sequence * 20_000_000, 8000)
    return record


def write(control, record, now=0, timestamp=0, packets=0, octets=0, goodbye=0):
    packet = np.full(256, 0xEE, np.uint8)
    length = rtcp.write_compound(packet, control, record, now, timestamp, packets, octets, goodbye)
    assert length <= rtcp.LONGEST_COMPOUND and (packet[length:] == 0xEE).all()
    return packet[:length].tobytes()


def read(control, data, now=0, reduced=0):
    return rtcp.read_compound(np.frombuffer(data + b"\0", np.uint8), len(data), control, now, reduced)


def test_what_is_sent_is_a_sender_report_a_name_and_when_leaving_a_goodbye():
    control, record = new_control(), new_reception([1, 2, 4])
    data = write(control, record, now=S // 2, timestamp=0xFFFFFFFF, packets=5, octets=800, goodbye=1)
    assert data[:2] == bytes([0x81, 200])
    words, ssrc, seconds, fraction, timestamp, packets, octets = struct.unpack_from(">HIIIIII", data, 2)
    assert (words, ssrc, timestamp, packets, octets) == (12, 0x1234, 0xFFFFFFFF, 5, 800)
    assert (seconds, fraction) == (1_700_000_000 + 2_208_988_800, 1 << 31)
    source, lost, highest, _, last, delay = struct.unpack_from(">IIIIII", data, 28)
    assert (source, lost, highest, last, delay) == (0x5678, (64 << 24) | 1, 4, 0, 0)
    assert data[52:54] == bytes([0x81, 202])
    assert data[60:62] == bytes([1, 16])
    assert data[-8:] == bytes([0x81, 203, 0, 1]) + (0x1234).to_bytes(4, "big")


def test_who_has_sent_nothing_since_the_last_report_sends_a_receiver_report():
    control, record = new_control(), new_reception()
    assert write(control, record, packets=3)[1] == 200
    silent = write(control, record, packets=3)
    assert silent[:4] == bytes([0x80, 201, 0, 1])
    assert write(control, record, packets=4)[1] == 200


def test_names_are_96_random_bits_that_differ_from_leg_to_leg():
    names = {bytes(new_control()["cname"]) for _ in range(200)}
    assert len(names) == 200
    assert all(len(base64.b64decode(name, validate=True)) == 12 for name in names)
    assert len(set(b"".join(names))) == 64


def test_the_round_trip_is_found_from_the_far_ends_echo_of_our_report():
    ours, theirs = new_control(1), new_control(2, wall=WALL + 12345 * S)
    to_us, to_them = new_reception([1], ssrc=2), new_reception([1], ssrc=1)
    sent = write(ours, to_us, now=10 * S, packets=1)
    assert read(theirs, sent, now=10 * S + 40_000_000) & rtcp.HAS_SENDER_REPORT
    answer = write(theirs, to_them, now=13 * S, packets=1)
    assert read(ours, answer, now=13 * S + 25_000_000) == rtcp.HAS_SENDER_REPORT | rtcp.HAS_REPORT
    assert int(ours["round_trip_ns"]) == pytest.approx(65_000_000, abs=40_000)
    assert int(theirs["round_trip_ns"]) == -1


def test_the_report_about_a_new_source_answers_no_sender_report_of_the_one_before():
    control, record = new_control(), new_reception([1], ssrc=2)
    body = struct.pack(">IIIIII", 2, 0xAABBCCDD, 0x11223344, 0, 9, 1440)
    read(control, bytes([0x80, 200, 0, 6]) + body, now=S)
    answer = struct.unpack_from(">II", write(control, record, now=3 * S), 24)
    reception.count_packet(record, 3, 500, 0, 0, 8000)
    assert (answer, struct.unpack_from(">II", write(control, record, now=4 * S), 24)) == ((0xCCDD1122, 2 << 16), (0, 0))


@pytest.mark.parametrize(("last", "delay"), [(0, 5), (12345, 0), (0xFFFFFFFF, 0xFFFFFFFF)])
def test_echoes_that_make_no_sense_give_no_round_trip(last, delay):
    control = new_control()
    block = struct.pack(">IIIIII", 0x1234, 0, 0, 0, last, delay)
    assert read(control, bytes([0x81, 201, 0, 7]) + bytes(4) + block) == rtcp.HAS_REPORT
    assert int(control["round_trip_ns"]) <= 60 * S


def test_a_report_about_us_is_read_and_those_about_others_are_not():
    control = new_control()
    others = struct.pack(">IIIIII", 0x9999, 0xFF000001, 1, 2, 3, 4)
    block = struct.pack(">IIIIII", 0x1234, (51 << 24) | 0xFFFFFE, 0x10007, 33, 0, 0)
    assert read(control, bytes([0x82, 201, 0, 13]) + bytes(4) + others + block) == rtcp.HAS_REPORT
    fields = ("fraction_lost", "cumulative_lost", "highest", "interarrival_jitter")
    assert [int(control[name]) for name in fields] == [51, -2, 0x10007, 33]
    assert read(control, bytes([0x81, 201, 0, 7]) + bytes(4) + others) == 0


def test_a_sender_report_gives_the_times_that_belong_together():
    control = new_control()
    body = struct.pack(">IIIIII", 77, 0xAABBCCDD, 0x11223344, 0x55667788, 9, 1440)
    assert read(control, bytes([0x80, 200, 0, 6]) + body, now=5) == rtcp.HAS_SENDER_REPORT
    assert int(control["sender_report"]) == 0xCCDD1122
    assert int(control["sender_timestamp"]) == 0x55667788
    assert (int(control["sender_packets"]), int(control["sender_octets"])) == (9, 1440)


EMPTY_REPORT = bytes([0x80, 201, 0, 1]) + bytes(4)


@pytest.mark.parametrize(
    ("data", "whole", "reduced"),
    [
        (EMPTY_REPORT, True, True),
        (EMPTY_REPORT + bytes([0x81, 203, 0, 1]) + bytes(4), True, True),
        (bytes([0x80, 203, 0, 0]), False, True),
        (bytes([0x81, 205, 0, 2]) + bytes(8), False, True),
        (EMPTY_REPORT + bytes([0x80, 204, 0, 2]) + bytes(8), True, True),
        (EMPTY_REPORT + bytes([0xA0, 203, 0, 1, 0, 0, 0, 4]), True, True),
        (EMPTY_REPORT + bytes([0xA0, 203, 0, 1, 0, 0, 0, 8]), False, False),
        (EMPTY_REPORT + bytes([0xA0, 203, 0, 1, 0, 0, 0, 0]), False, False),
        (EMPTY_REPORT + bytes([0xA0, 203, 0, 1, 0, 0, 0, 3]), False, False),
        (bytes([0xA0, 201, 0, 2]) + bytes(4) + bytes([0, 0, 0, 4]) + EMPTY_REPORT, False, False),
        (EMPTY_REPORT + b"\0\0\0", False, False),
        (EMPTY_REPORT[:4], False, False),
        (bytes([0x81, 201, 0, 1]) + bytes(4), False, False),
        (bytes([0x40, 201, 0, 1]) + bytes(4), False, False),
        (bytes([0x80, 201, 0xFF, 0xFF]) + bytes(4), False, False),
        (EMPTY_REPORT + bytes([0x80, 100, 0, 1]) + bytes(4), False, False),
        (b"", False, False),
    ],
)
def test_a_datagram_is_taken_whole_or_not_at_all(data, whole, reduced):
    for allowed, sound in ((0, whole), (1, reduced)):
        control = new_control()
        before = control.copy()
        result = read(control, data, reduced=allowed)
        assert (result != rtcp.MALFORMED) == sound
        if not sound:
            assert int(control["malformed"]) == 1
            before["malformed"] = 1
            assert control.tobytes() == before.tobytes(), "nothing of it was used"


def test_a_goodbye_is_reported():
    control = new_control()
    assert read(control, EMPTY_REPORT + bytes([0x81, 203, 0, 1]) + bytes(4)) == rtcp.HAS_GOODBYE
    assert control["goodbye"] == 1


looks_real = st.builds(
    lambda parts: b"".join(
        bytes([first, kind]) + (len(body) // 4 + off & 0xFFFF).to_bytes(2, "big") + body
        for first, kind, off, body in parts
    ),
    st.lists(
        st.tuples(
            st.integers(0x80, 0xBF),
            st.integers(190, 225),
            st.sampled_from([0, 0, 0, 0, 1, -1, 500]),
            st.binary(max_size=120),
        ),
        max_size=4,
    ),
)


@settings(deadline=None, max_examples=500)
@given(st.one_of(st.binary(max_size=200), looks_real), st.integers(0, 1))
def test_no_bytes_are_read_beyond_the_datagram_and_none_make_it_fail(data, reduced):
    results = []
    for filler in (0x00, 0xFF):
        control = new_control()
        control["cname"], control["random"], control["next_at_ns"] = 0, 1, 0
        packet = np.full(len(data) + 4096, filler, np.uint8)
        packet[: len(data)] = np.frombuffer(data, np.uint8)
        rtcp.read_compound(packet, len(data), control, S, reduced)
        results.append(control.tobytes())
    assert results[0] == results[1]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 65535), max_size=20),
    st.integers(0, 2**40),
    st.integers(0, 2**32),
    st.integers(0, 2**31),
    st.integers(0, 1),
    st.integers(0, 2**62),
)
def test_whatever_is_written_is_valid_and_every_cut_of_it_is_not(sequences, timestamp, octets, packets, goodbye, now):
    data = write(new_control(), new_reception(sequences), now, timestamp, packets, octets, goodbye)
    whole = np.frombuffer(data, np.uint8)
    assert rtcp.is_valid(whole, len(data), 0)
    boundaries = set()
    offset = 0
    while offset < len(data):
        offset += 4 * (struct.unpack_from(">H", data, offset + 2)[0] + 1)
        boundaries.add(offset)
    for length in range(len(data)):
        assert rtcp.is_valid(whole, length, 0) == (length in boundaries)


def test_reports_go_out_every_five_seconds_in_the_mean_and_never_in_step():
    control = new_control()
    times = [now for now in range(0, 3000 * S, S // 10) if rtcp.is_report_due(control, now)]
    gaps = np.diff(times) / S
    assert 1.0 <= times[0] / S <= 4.0, "the first comes sooner"
    assert gaps.min() >= 2.0 and gaps.max() <= 7.5
    assert 4.3 <= gaps.mean() <= 5.7
    assert gaps.std() > 0.5
    other = new_control()
    assert times[:5] != [now for now in range(0, 30 * S, S // 10) if rtcp.is_report_due(other, now)][:5]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (bytes([0, 1]) + bytes(18), rtcp.STUN),
        (bytes([3]) + bytes(19), rtcp.STUN),
        (bytes(19), rtcp.OTHER),
        (bytes([4]) + bytes(30), rtcp.OTHER),
        (bytes([16]) + bytes(30), rtcp.OTHER),
        (bytes([20]) + bytes(12), rtcp.DTLS),
        (bytes([22, 254, 253]) + bytes(30), rtcp.DTLS),
        (bytes([63]) + bytes(12), rtcp.DTLS),
        (bytes([64]) + bytes(30), rtcp.OTHER),
        (bytes([128, 0]) + bytes(10), rtcp.RTP),
        (bytes([191, 0x80 | 63]) + bytes(10), rtcp.RTP),
        (bytes([128, 191]) + bytes(10), rtcp.RTP),
        (bytes([128, 192]) + bytes(10), rtcp.RTCP),
        (bytes([128, 223]) + bytes(2), rtcp.RTCP),
        (bytes([128, 224]) + bytes(10), rtcp.RTP),
        (bytes([128, 0]) + bytes(9), rtcp.OTHER),
        (bytes([192, 0]) + bytes(10), rtcp.OTHER),
        (b"", rtcp.OTHER),
    ],
)
def test_datagrams_on_one_port_are_told_apart_by_their_first_bytes(data, kind):
    assert rtcp.kind_of(np.frombuffer(data + b"\xff\xff", np.uint8), len(data)) == kind


@pytest.mark.parametrize("path", sorted(MALFORMED.glob("rtp-*.dat")), ids=lambda path: path.stem)
def test_malformed_rtp_is_no_rtcp(path):
    control = new_control()
    for reduced in (0, 1):
        assert read(control, path.read_bytes(), reduced=reduced) == rtcp.MALFORMED


def test_losses_of_an_interval_and_of_all_time_are_counted_as_in_the_appendix():
    record = new_reception([65530, 65531, 65533, 65535, 0, 1])
    reception.close_interval(record)
    assert (int(record["fraction_lost"]), int(record["cumulative_lost"])) == ((2 << 8) // 8, 2)
    for sequence in (2, 3, 3, 3):
        reception.count_packet(record, 0x5678, sequence, 0, 0, 8000)
    reception.close_interval(record)
    assert (int(record["fraction_lost"]), int(record["cumulative_lost"])) == (0, 0), "copies make up for losses"
    assert int(record["highest"]) == 65539
    reception.close_interval(record)
    assert int(record["fraction_lost"]) == 0


def test_one_stray_number_is_dropped_and_two_in_a_row_begin_anew():
    record = new_reception(range(100, 110))
    assert reception.count_packet(record, 0x5678, 30000, 0, 0, 8000) == 0
    assert reception.count_packet(record, 0x5678, 110, 0, 0, 8000) == 1
    assert reception.count_packet(record, 0x5678, 40000, 0, 0, 8000) == 0
    assert reception.count_packet(record, 0x5678, 40001, 0, 0, 8000) == 1
    assert (int(record["first"]), int(record["received"])) == (40001, 1)
