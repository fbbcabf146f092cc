"""The jitter buffer by example: what it must do in each of the situations that a telephone network offers."""

from dataclasses import replace

import numpy as np
import pytest
from softswitch.codecs.registry import CodecCode

from softswitch.media import jitter
from softswitch.media.jitter import DUPLICATE, EMPTY, FRAME, INVALID, LATE, LOST, NOISE, RESTARTED, STORED
from tests.media.network import FRAME_NS, MS, Receiver, Sent, chunk, talk


def delayed(packets, by):
    """Packets that take longer.  by: ns, one for each packet or one for all."""
    delays = by if np.iterable(by) else [by] * len(packets)
    return [replace(packet, arrives=packet.arrives + int(late)) for packet, late in zip(packets, delays, strict=True)]


def frames_of(receiver):
    return [kind for kind in receiver.kinds if kind == FRAME]


def test_a_steady_stream_is_played_whole_after_the_first_delay():
    receiver = Receiver().run(delayed(talk(500), 5 * MS))
    assert receiver.chunks == list(range(1000))
    first = receiver.kinds.index(FRAME)
    assert receiver.kinds[:first] == [EMPTY] * first
    assert receiver.kinds[first : first + 500] == [FRAME] * 500
    assert receiver.count("concealed") <= jitter.SPURT_PULLS  # after the last packet


def test_delay_falls_to_the_least_when_there_is_no_jitter():
    receiver = Receiver(initial_ms=120).run(delayed(talk(1000), 5 * MS))
    assert receiver.delays[0] > 100
    assert max(receiver.delays[400:]) <= 40
    assert receiver.chunks == sorted(set(receiver.chunks))


def test_packets_that_overtake_each_other_are_played_in_order():
    packets = talk(300)
    late = [25 * MS if i % 5 == 2 else 0 for i in range(300)]
    receiver = Receiver(initial_ms=40, least_ms=40).run(delayed(packets, late))
    assert receiver.chunks == list(range(600))
    assert receiver.count("late") == receiver.count("lost") == 0


def test_a_lost_packet_is_one_frame_to_conceal_and_the_next_is_in_its_place():
    packets = talk(200)
    gone = {50, 90, 91, 150}
    receiver = Receiver(initial_ms=20).run([packet for i, packet in enumerate(packets) if i not in gone])
    assert receiver.chunks == [c for c in range(400) if c // 2 not in gone]
    assert {i for i, kind in enumerate(receiver.heard) if kind != FRAME} == gone
    assert LOST in receiver.heard
    assert receiver.count("concealed") - jitter.SPURT_PULLS == 4, "after the last packet it conceals, too"
    assert receiver.count("loss_runs") - 1 == 3


def test_a_copy_of_a_packet_is_told_from_a_late_one():
    receiver = Receiver().run(talk(50))
    old = talk(50)[48]
    assert receiver.put(old, now=receiver.pulled_at[-1]) == DUPLICATE
    assert receiver.count("duplicates") == 1 and receiver.count("late") == 0


def test_a_packet_whose_turn_is_over_is_discarded_and_counted():
    packets = talk(100)
    packets[60] = replace(packets[60], arrives=packets[60].arrives + 300 * MS)
    receiver = Receiver().run(packets)
    assert receiver.statuses.count(LATE) == receiver.count("late") == 1
    assert 120 not in receiver.chunks


def test_late_audio_is_waited_for_while_nothing_later_has_come():
    """A stall of the path: what it held up is played, later, and the delay falls again afterwards."""
    packets = talk(600)
    stalled = [max(packet.arrives, 2180 * MS) if 100 <= i < 109 else packet.arrives for i, packet in enumerate(packets)]
    receiver = Receiver().run([replace(p, arrives=a) for p, a in zip(packets, stalled, strict=True)])
    assert receiver.count("late") == receiver.count("lost") == 0
    assert len(receiver.chunks) == 1200 - 2 * receiver.count("dropped")
    assert max(receiver.delays[120:150]) > 100
    assert max(receiver.delays[-250:]) <= 45, "5 s later there is no trace of the burst"


def test_a_burst_of_jitter_raises_the_delay_and_a_calm_second_lowers_it_again():
    rng = np.random.default_rng(1)
    packets = talk(1500)
    late = np.where((np.arange(1500) > 500) & (np.arange(1500) < 800), rng.uniform(0, 90, 1500), 2) * MS
    receiver = Receiver().run(delayed(packets, late))
    assert np.mean(receiver.delays[600:790]) > 40
    assert max(receiver.delays[1050:]) <= 45, "5 s after the burst"
    assert max(receiver.delays) <= 200


@pytest.mark.parametrize("loud", [True, False])
def test_silence_suppression_is_no_loss(loud):
    packets = talk(600, silences=[(100, 40), (300, 150), (500, 3)], loud=loud)
    receiver = Receiver().run(packets)
    assert receiver.count("lost") == 0
    assert receiver.count("late") == 0
    sent = [
        c for c in range(1200) if not any(first <= c // 2 < first + n for first, n in ((100, 40), (300, 150), (500, 3)))
    ]
    missing = len(sent) - len(receiver.chunks)
    assert missing <= 2 * receiver.count("dropped")
    assert receiver.kinds.count(FRAME) >= 400


def test_a_gap_that_is_seen_in_time_is_noise_of_the_same_length():
    packets = talk(100, silences=[(50, 4)])
    receiver = Receiver(least_ms=100, initial_ms=100).run(packets)
    first = receiver.kinds.index(FRAME)
    assert receiver.kinds[first + 50 : first + 54] == [NOISE] * 4
    assert receiver.kinds[first + 54 : first + 100] == [FRAME] * 46


def test_loss_within_a_silence_is_concealed_only_for_as_long_as_it_was():
    packets = talk(100, silences=[(51, 3)])
    del packets[50]
    receiver = Receiver(least_ms=120, initial_ms=120).run(packets)
    first = receiver.kinds.index(FRAME)
    assert receiver.kinds[first + 50 : first + 54] == [LOST, NOISE, NOISE, NOISE]


def test_comfort_noise_is_handed_on_until_talk_begins_again():
    receiver = Receiver(initial_ms=20)
    talking = talk(20)
    last = talking[-1]
    silence = Sent(last.arrives + 20 * MS, last.sequence + 1, last.timestamp + 160, b"\x3f\x22", codec=0)
    again = [
        replace(p, arrives=p.arrives + 1000 * MS, sequence=p.sequence + 21, timestamp=(p.timestamp + 8000) % 2**32)
        for p in talk(20, timestamp=talking[0].timestamp, sequence=talking[0].sequence)
    ]
    receiver.run([*talking, silence, *again], until=1500 * MS)
    first_noise = receiver.kinds.index(NOISE)
    last_noise = len(receiver.kinds) - 1 - receiver.kinds[::-1].index(NOISE)
    assert LOST not in receiver.kinds
    assert last_noise - first_noise + 1 == receiver.kinds.count(NOISE) >= 25, "no hole in the silence"
    assert bytes(receiver.buffer["noise"][:2]) == b"\x3f\x22"
    assert receiver.kinds.count(FRAME) == 40


def test_a_telephone_event_among_the_audio_is_not_lost_audio():
    packets = talk(40)
    event = [replace(p, payload=b"", codec=0, timestamp=packets[20].timestamp) for p in packets[20:26]]
    receiver = Receiver(least_ms=60, initial_ms=80).run([*packets[:20], *event, *packets[26:]])
    assert receiver.count("lost") == 0
    assert receiver.chunks == [c for c in range(80) if not 20 <= c // 2 < 26]


@pytest.mark.parametrize("chunks", [1, 2, 3, 4, 5, 6])
def test_packets_of_10_to_60_ms_are_cut_into_frames_of_20(chunks):
    receiver = Receiver().run(delayed(talk(240 // chunks, chunks=chunks), 3 * MS))
    assert receiver.chunks == list(range(240 // chunks * chunks))
    assert receiver.count("lost") == receiver.count("late") == 0
    first = receiver.kinds.index(FRAME)
    assert receiver.kinds[first : first + 110] == [FRAME] * 110


@pytest.mark.parametrize("chunks", [1, 3, 5])
def test_of_a_frame_that_is_partly_lost_the_other_part_is_played(chunks):
    packets = talk(120, chunks=chunks)
    del packets[60]
    receiver = Receiver(least_ms=80, initial_ms=80).run(packets)
    assert receiver.chunks == [c for c in range(120 * chunks) if c // chunks != 60]


def test_a_packet_longer_than_a_frame_that_is_partly_late_is_played_from_where_it_is_due():
    receiver = Receiver(initial_ms=0, least_ms=0)
    packets = talk(4, chunks=6)
    receiver.put(packets[0], now=0)
    receiver.put(packets[2], now=0)
    for i in range(4):
        receiver.get(i * FRAME_NS)
    assert receiver.kinds == [FRAME, FRAME, FRAME, LOST]
    assert receiver.put(packets[1], now=4 * FRAME_NS) == STORED
    receiver.get(4 * FRAME_NS)
    assert receiver.chunks == [0, 1, 2, 3, 4, 5, 8, 9]


def test_linear_audio_at_16_khz_takes_640_bytes_a_frame():
    buffer = jitter.new_buffers(1, initial_ms=0, least_ms=0)[0]
    packet = np.arange(12 + 1280, dtype=np.int64).astype(np.uint8)
    out = np.zeros(640, np.uint8)
    wide = int(CodecCode.L16_WIDE)
    assert jitter.put(buffer, packet, 12, 12 + 1280, 1, 0, 1, wide, 16000, 0, 0) == STORED
    for i in range(2):
        assert jitter.get(buffer, i * FRAME_NS, out) == FRAME
        assert (buffer["frame_length"], buffer["frame_codec"]) == (640, wide)
        assert out.tobytes() == packet[12 + 640 * i : 12 + 640 * (i + 1)].tobytes()


def test_a_change_of_codec_is_seen_with_the_frame_it_begins_at():
    packets = talk(40)
    packets = packets[:20] + [replace(p, codec=int(CodecCode.PCMA)) for p in packets[20:]]
    receiver = Receiver()
    codecs = []
    for i in range(60):
        for p in [p for p in packets if (i - 1) * FRAME_NS < p.arrives <= i * FRAME_NS]:
            receiver.put(p)
        if receiver.get(i * FRAME_NS) == FRAME:
            codecs.append(receiver.count("frame_codec"))
    assert codecs == [1] * 20 + [2] * 20


def jumped(packets, at, **changes):
    """The same packets with sequence, timestamp or ssrc moved from one of them on."""
    moved = [
        replace(
            p,
            sequence=(p.sequence + changes.get("sequence", 0)) & 0xFFFF,
            timestamp=(p.timestamp + changes.get("timestamp", 0)) & 0xFFFFFFFF,
            ssrc=changes.get("ssrc", p.ssrc),
        )
        for p in packets[at:]
    ]
    return packets[:at] + moved


@pytest.mark.parametrize(
    "changes",
    [
        {"ssrc": 99, "sequence": 31000, "timestamp": 123456789},
        {"ssrc": 99},
        {"sequence": 20000, "timestamp": -(2**30)},
        {"sequence": -20000},
        {"timestamp": 2**31 + 5},
        {"timestamp": 8000 * 3600},
        {"timestamp": -8000 * 3600},
        {"timestamp": 8000 * 2},
        {"timestamp": -8000 * 2},
        {"timestamp": -800},
    ],
    ids=str,
)
def test_no_frame_is_missed_when_the_sender_begins_anew(changes):
    receiver = Receiver().run(delayed(jumped(talk(300), 150, **changes), 3 * MS))
    assert receiver.chunks == list(range(600))
    assert receiver.count("restarts") == 1
    assert receiver.heard.count(EMPTY) <= 2 and LOST not in receiver.heard


def test_a_leap_of_sequence_numbers_and_time_together_is_passed_over():
    packets = talk(300)
    receiver = Receiver().run(jumped(packets, 150, sequence=500, timestamp=500 * 160))
    assert receiver.chunks == list(range(600))


def test_a_restart_just_behind_the_old_numbers_costs_a_tenth_of_a_second():
    packets = talk(300)
    receiver = Receiver().run(jumped(packets, 150, sequence=-60, timestamp=-60 * 160))
    assert len(receiver.chunks) >= 600 - 2 * 6
    assert RESTARTED in receiver.statuses


def test_stragglers_of_the_former_ssrc_do_not_bring_it_back():
    packets = jumped(talk(100), 50, ssrc=99, sequence=5000, timestamp=777777)
    packets[48] = replace(packets[48], arrives=packets[50].arrives + 1 * MS)
    receiver = Receiver().run(packets)
    assert receiver.count("restarts") == 1
    assert receiver.statuses.count(LATE) == 1


def test_a_single_packet_with_an_absurd_timestamp_costs_no_more_than_itself():
    packets = talk(300)
    packets[150] = replace(packets[150], timestamp=(packets[150].timestamp + 8000 * 60) & 0xFFFFFFFF)
    receiver = Receiver().run(packets)
    assert len(receiver.chunks) >= 598
    assert max(receiver.delays) < 150


@pytest.mark.parametrize(
    ("skew", "loud"), [(-500, True), (-500, False), (0, True), (60, True), (500, True), (500, False)]
)
def test_the_skew_of_the_sender_is_measured_and_made_up_for(skew, loud):
    """Ten minutes with jitter of up to 15 ms; 500 ppm are 15 frames in that time."""
    rng = np.random.default_rng(skew + 1000)
    packets = talk(30000, skew_ppm=skew, loud=loud)
    receiver = Receiver().run(delayed(packets, np.sort(rng.uniform(0, 15, (30000, 2)))[:, 0] * MS))
    assert receiver.count("skew_ppb") / 1000 == pytest.approx(skew, abs=12)
    assert receiver.count("lost") == receiver.count("late") == 0
    drift = skew * 1e-6 * 30000
    adjusted = receiver.count("dropped") - (receiver.count("empty") - receiver.kinds.index(FRAME) - 20)
    assert adjusted == pytest.approx(drift, abs=4)
    assert receiver.count("dropped") <= max(drift, 0) + 4, "no frame is cut in vain"
    assert max(receiver.delays) <= 85
    assert np.mean(receiver.delays) < 60


def test_pulls_that_the_relay_makes_unevenly_do_no_harm():
    rng = np.random.default_rng(5)
    wobble = rng.uniform(0, 4, 997) * MS
    receiver = Receiver().run(delayed(talk(3000), 3 * MS), wobble=wobble)
    assert receiver.chunks == list(range(6000))
    assert receiver.count("dropped") == receiver.count("inserted") == 0


def test_the_fixed_delay_stays_as_it_is():
    buffer_frames = 5
    receiver = Receiver()
    jitter.configure(receiver.buffer, 1, buffer_frames, 0, 0, 64)
    rng = np.random.default_rng(3)
    receiver.run(delayed(talk(500), rng.uniform(0, 60, 500) * MS))
    assert receiver.chunks == list(range(1000))
    assert receiver.count("dropped") == 0
    waits = [at - i * 20 for i, at in enumerate(np.array(receiver.pulled_at)[np.array(receiver.kinds) == FRAME] / MS)]
    assert max(waits) == min(waits)


def test_interarrival_jitter_is_that_of_rfc_3550():
    rng = np.random.default_rng(11)
    packets = sorted(delayed(talk(400), rng.uniform(0, 30, 400) * MS))
    receiver = Receiver().run(packets)
    estimate, last = 0, None
    for p in packets:
        transit = p.arrives * 8 // MS - p.timestamp
        if last is not None:
            difference = abs((transit - last + 2**31) % 2**32 - 2**31)
            estimate += difference - ((estimate + 8) >> 4)
        last = transit
    assert receiver.count("jitter_sixteenths") == estimate


def test_what_is_no_audio_packet_is_refused_and_counted():
    buffer = jitter.new_buffers(1)[0]
    packet = np.zeros(5000, np.uint8)
    refused = [
        (12, 12, 1, 8000),  # no payload
        (12, 13, 4, 8000),  # half a sample of L16
        (12, 4000, 1, 8000),  # half a second
        (12, 172, 6, 8000),
        (12, 172, -1, 8000),
        (12, 172, 1, 0),
        (12, 172, 1, 90000),
        (12, 2000, 4, 48000),
        (172, 12, 1, 8000),
    ]
    for start, end, codec, clock in refused:
        assert jitter.put(buffer, packet, start, end, 1, 1, 1, codec, clock, 0, 0) == INVALID
    assert buffer["invalid"] == len(refused) and buffer["count"] == 0


def test_a_pull_before_anything_has_come_is_empty():
    receiver = Receiver()
    assert receiver.get(0) == EMPTY
    assert receiver.count("concealed") == 0


def test_slots_are_used_from_the_lowest_so_that_a_calm_call_touches_little_memory():
    receiver = Receiver().run(delayed(talk(500), 5 * MS))
    touched = np.flatnonzero(receiver.buffer["pieces"]["payload"].any(axis=1))
    assert touched.max() <= 4


def test_numbers_that_chunks_carry_are_read_back():
    assert len(chunk(4711)) == len(chunk(4711, loud=False)) == 80
