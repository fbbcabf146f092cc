"""SRTP legs of the plane, with pylibsrtp at the far end: what is heard, what is refused, and what never leaves."""

import asyncio
import os
import signal
import socket
import struct

import numpy as np
import pylibsrtp
import pytest

from softswitch.errors import UsageError
from softswitch.media import srtp
from softswitch.media import vocabulary as v
from softswitch.media.events import FirstPacketReceived, MediaFormat, PlaneRecovered
from softswitch.media.layout import SENT
from softswitch.sdp.crypto import SrtpKeys
from tests.media.secure_end import CM_80, GCM_128, PATTERN, SUITES, Far, heard_alike, keys, session


@pytest.mark.parametrize("suite", SUITES)
def test_a_secure_leg_and_a_plain_one_hear_each_other(run, suite):
    async def scenario(studio):
        far, near = Far(studio, suite), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        await heard_alike(far.end, near)
        await heard_alike(near, far.end)
        assert far.refused == [] and far.statistics.packets_unauthentic == 0
        assert far.statistics.packets_received == 30

    run(scenario)


def test_legs_of_two_suites_hear_each_others_tones(run):
    async def scenario(studio):
        one, two = Far(studio, CM_80, 1, 1), Far(studio, "AEAD_AES_256_GCM", 2, 2)
        studio.plane.bridge(one.end.leg, two.end.leg)
        tones = [studio.tone(440, 600), studio.tone(1000, 600)]
        await asyncio.gather(one.end.say(tones[0]), two.end.say(tones[1]))
        await studio.until(lambda: len(one.end.packets) >= 28 and len(two.end.packets) >= 28)
        for end, own in ((two.end, 440), (one.end, 1000)):
            heard = end.heard()[1600:3200]
            spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
            assert np.argmax(spectrum) * 8000 / heard.size == pytest.approx(own, abs=6)

    run(scenario)


def test_plain_rtp_to_a_secure_leg_is_counted_and_never_heard(run):
    async def scenario(studio):
        far, near = Far(studio), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        for sequence in range(20):
            far.clear(far.plain(sequence))
        for junk in (
            b"",
            b"x",
            bytes(11),
            bytes(12),
            b"\x80" * 1500,
            b"\x9f\xff" + bytes(20),
            b"\x90\0" + b"\xff" * 30,
        ):
            far.clear(junk)
        await studio.until(lambda: far.statistics.packets_dropped >= 26)
        assert far.statistics.packets_unauthentic >= 23  # datagrams that are no RTP at all do not come so far
        await heard_alike(far.end, near, 5)
        assert len(near.packets) == 5
        assert far.statistics.packets_received == 5

    run(scenario)


def test_nothing_leaves_a_secure_leg_in_the_clear(run):
    async def scenario(studio):
        far, near = Far(studio), studio.end(ssrc=5)
        raw = []
        asyncio.get_running_loop().remove_reader(far.end.socket)
        asyncio.get_running_loop().add_reader(far.end.socket, lambda: raw.append(far.end.socket.recv(4096)))
        studio.plane.bridge(far.end.leg, near.leg)
        for _ in range(10):
            near.send(PATTERN)
        await studio.until(lambda: len(raw) == 10)
        opened = [far.opening.unprotect(datagram) for datagram in raw]
        assert all(packet[12:] == PATTERN for packet in opened)
        assert all(len(datagram) == 172 + 16 and datagram[12:44] not in PATTERN for datagram in raw)

    run(scenario)


def test_a_leg_latches_only_onto_who_holds_the_key(run):
    async def scenario(studio):
        far, near = Far(studio, connect=False), studio.end(ssrc=5)
        plane = studio.plane
        far.end.leg = plane.open_leg()
        far.end.port = plane.port_of(far.end.leg)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.bind(("127.0.0.1", 0))
            plane.connect(
                far.end.leg, elsewhere.getsockname(), MediaFormat("PCMU", 0, 101), latch=True, secure=far.keys
            )
            asyncio.get_running_loop().add_reader(far.end.socket, far.read)
            plane.bridge(far.end.leg, near.leg)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
                other = session(bytes(28), GCM_128, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
                for sequence in range(10):
                    thief.sendto(far.plain(sequence), ("127.0.0.1", far.end.port))
                    thief.sendto(other.protect(far.plain(sequence)), ("127.0.0.1", far.end.port))
                await studio.until(lambda: far.statistics.packets_unauthentic == 20)
                assert far.row["state"] == v.LEARNING and not far.row["heard"] and far.row["in_ssrc"] != 0xBAD
                await heard_alike(far.end, near, 5)
                assert far.row["state"] == v.CONNECTED
                await heard_alike(near, far.end, 5)
                thief.setblocking(False)
                with pytest.raises(BlockingIOError):
                    thief.recv(2048)

    run(scenario)


def test_a_replayed_packet_is_dropped_without_an_alarm(run):
    async def scenario(studio):
        far, near = Far(studio), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        sealed = far.seal(far.plain(1, ssrc=7))
        for _ in range(5):
            far.clear(sealed)
        await studio.until(lambda: far.statistics.packets_dropped == 4)
        assert far.statistics.packets_unauthentic == 0
        await studio.until(lambda: len(near.packets) == 1)

    run(scenario)


def test_a_reinvite_with_the_same_keys_keeps_the_sessions(run):
    async def scenario(studio):
        far, near = Far(studio), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        await heard_alike(far.end, near, 5)
        await heard_alike(near, far.end, 5)
        sealed = far.seal(far.plain(1, ssrc=7))
        far.clear(sealed)
        await studio.until(lambda: far.statistics.packets_received == 6)
        held = studio.plane._engine._scratch["sessions"].copy()
        studio.plane.connect(far.end.leg, far.end.socket.getsockname(), far.end.format, secure=far.keys)
        far.clear(sealed)
        await studio.until(lambda: far.statistics.packets_dropped == 1)
        assert (studio.plane._engine._scratch["sessions"] == held).all()
        await heard_alike(far.end, near, 5)
        await heard_alike(near, far.end, 5)

    run(scenario)


@pytest.mark.parametrize("suite", [CM_80, GCM_128])
def test_new_keys_take_over_without_a_gap(run, suite):
    async def scenario(studio):
        far, near = Far(studio, suite), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        await heard_alike(far.end, near, 5)
        old = far.sealing
        renewed = SrtpKeys(suite, far.keys.sending, keys(suite, 9).receiving)
        studio.plane.connect(far.end.leg, far.end.socket.getsockname(), far.end.format, secure=renewed)
        await heard_alike(far.end, near, 5)  # it goes on with the old key until it has our answer
        await heard_alike(near, far.end, 5)
        far.sealing = session(renewed.receiving, suite, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        await heard_alike(far.end, near, 5)
        assert far.statistics.packets_unauthentic == 0 and far.statistics.packets_dropped == 0
        far.clear(old.protect(far.plain(1, ssrc=7)))
        await studio.until(lambda: far.statistics.packets_unauthentic == 1)  # the old key is worth nothing now
        assert len({packet.ssrc for packet in near.packets}) == 1
        sequences = [packet.sequence for packet in near.packets]
        assert sequences == [(sequences[0] + i) & 0xFFFF for i in range(len(sequences))]

    run(scenario)


@pytest.mark.parametrize("goes_on", [True, False])
@pytest.mark.parametrize("suite", [CM_80, GCM_128])
def test_a_senders_rollover_counter_may_go_on_under_a_new_key_or_begin_anew(run, suite, goes_on):
    """RFC 3711 §3.3.1 wants the one, and many senders do the other: after 22 minutes it makes a difference."""

    async def scenario(studio):
        far, near = Far(studio, suite), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        far.end.sequence = 65526
        await heard_alike(far.end, near, 20)
        renewed = SrtpKeys(suite, far.keys.sending, keys(suite, 9).receiving)
        studio.plane.connect(far.end.leg, far.end.socket.getsockname(), far.end.format, secure=renewed)
        await heard_alike(far.end, near, 5)  # under the old key
        far.sealing = session(renewed.receiving, suite, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        if goes_on:
            for sequence in (65535, 0):
                far.sealing.protect(far.plain(sequence, ssrc=far.end.ssrc))
        await heard_alike(far.end, near, 20)
        assert far.statistics.packets_unauthentic == 0
        assert far.row["receive_rollover"] == int(goes_on)

    run(scenario)


def test_what_is_under_way_still_names_the_key_of_before(run):
    async def scenario(studio):
        far, near = Far(studio, mki=b"\1"), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        far.seal = lambda datagram: far.sealing.protect(datagram) + far.keys.receiving_mki
        await heard_alike(far.end, near, 5)
        renewed = SrtpKeys(GCM_128, far.keys.sending, keys(GCM_128, 9).receiving, b"\2")
        studio.plane.connect(far.end.leg, far.end.socket.getsockname(), far.end.format, secure=renewed)
        await studio.until(lambda: far.row["key_name"] == 2)
        await heard_alike(far.end, near, 5)
        far.rekey(renewed)
        await heard_alike(far.end, near, 5)
        assert far.statistics.packets_unauthentic == 0

    run(scenario)


def test_our_own_new_key_is_used_at_once_on_the_same_stream(run):
    async def scenario(studio):
        far, near = Far(studio), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        await heard_alike(near, far.end, 5)
        far.rekey(keys(CM_80, 4))
        studio.plane.connect(far.end.leg, far.end.socket.getsockname(), far.end.format, secure=far.keys)
        await studio.until(lambda: far.row["profile"] == srtp.AES_CM_128_HMAC_SHA1_80)
        await heard_alike(near, far.end, 5)
        await heard_alike(far.end, near, 5)
        assert len({packet.ssrc for packet in far.end.packets}) == 1

    run(scenario)


def test_both_directions_go_on_when_sequence_numbers_wrap(run):
    async def scenario(studio):
        far, near = Far(studio), studio.end(ssrc=5)
        far.row["out_sequence"] = 65525
        far.end.sequence = 65526
        studio.plane.bridge(far.end.leg, near.leg)
        await heard_alike(far.end, near, 20)
        await heard_alike(near, far.end, 20)
        assert (far.row["receive_rollover"], far.row["send_rollover"]) == (1, 1)

    run(scenario)


def test_a_leg_secured_anew_goes_on_where_another_process_left_it(run):
    """As after the death of a media process: same keys, SSRCs and rollover counters, sessions made anew."""

    async def scenario(studio):
        far, near = Far(studio), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        far.row["out_sequence"] = far.end.sequence = 65530
        await heard_alike(far.end, near, 20)
        await heard_alike(near, far.end, 20)
        later = Far(studio, connect=False, ssrc=far.end.ssrc)
        later.sealing, later.opening, later.end.sequence = far.sealing, far.opening, 14
        later.end.open(studio.plane)
        for name in ("out_ssrc", "out_sequence", "in_ssrc", "in_highest", "heard"):
            later.row[name] = far.row[name]
        later.row["in_highest"] = 65530 + 19
        later.row["offered_send_key"], later.row["offered_receive_key"] = far.row["send_key"], far.row["receive_key"]
        position = far.end.ssrc | int(far.row["receive_rollover"]) << 32
        profile = srtp.AEAD_AES_128_GCM
        studio.plane._order(later.end.leg, v.SECURE, profile, 0, 0, int(far.row["send_rollover"]), position)
        await studio.until(lambda: later.row["profile"] == profile)
        studio.plane.bridge(later.end.leg, near.leg)
        assert later.row["receive_floor"] == 13
        for datagram in far.sent[-2:]:  # heard by the process before: refused, though the key fits
            later.clear(datagram)
        await studio.until(lambda: later.statistics.packets_dropped == 2)
        assert later.statistics.packets_unauthentic == 0
        await heard_alike(later.end, near, 5)
        await heard_alike(near, later.end, 5)
        assert (later.row["receive_rollover"], later.row["send_rollover"]) == (1, 1)

    run(scenario)


@pytest.mark.parametrize("suite", SUITES)
def test_packets_that_name_their_key_are_heard(run, suite):
    async def scenario(studio):
        mki = b"\0\x2a"
        far, near = Far(studio, suite, mki=mki), studio.end(ssrc=5)
        tag = {CM_80: 10, "AES_CM_128_HMAC_SHA1_32": 4}.get(suite, 0)

        def named(datagram, name=mki):
            sealed = far.sealing.protect(datagram)
            return sealed[: len(sealed) - tag] + name + sealed[len(sealed) - tag :]

        far.seal = named
        studio.plane.bridge(far.end.leg, near.leg)
        await heard_alike(far.end, near, 5)
        await heard_alike(near, far.end, 5)
        far.clear(named(far.plain(1, ssrc=7), b"\0\x2b"))
        far.clear(b"\x80")
        await studio.until(lambda: far.statistics.packets_unauthentic == 2)

    run(scenario)


def test_a_clip_is_sealed_and_what_is_tapped_is_clear(run, tmp_path):

    async def scenario(studio):
        far, near = Far(studio), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        studio.plane.start_amd(far.end.leg)
        await studio.until(lambda: far.row["tapped"])
        near.send(PATTERN)
        await studio.until(lambda: len(far.end.packets) == 1)
        slot = studio.plane._leg(far.end.leg).slot
        frame = studio.plane._shared.frames[slot, SENT, 0]
        assert bytes(frame["payload"]) == far.end.packets[0].payload == PATTERN

    run(scenario)


@pytest.mark.parametrize("offset", [1, 0])
def test_control_packets_must_be_authentic_too_on_their_own_port_and_on_a_shared_one(run, offset):
    async def scenario(studio):
        far = Far(studio)
        report = bytes.fromhex("80c90001") + struct.pack(">I", 0xDECAFBAD)
        where = ("127.0.0.1", far.end.port + offset)
        far.end.socket.sendto(far.sealing.protect_rtcp(report), where)
        await studio.until(lambda: far.row["control_packets"] == 1)
        assert far.statistics.packets_unauthentic == 0
        far.end.socket.sendto(report, where)
        await studio.until(lambda: far.row["control_packets"] == 2)
        assert far.statistics.packets_unauthentic == 1

    run(scenario)


def test_closing_frees_the_sessions_and_overwrites_the_keys(run):
    async def scenario(studio):
        far = Far(studio)
        far.end.send(PATTERN)
        await studio.events.wait(FirstPacketReceived, far.end.leg)
        row, scratch = far.row, studio.plane._engine._scratch
        slot = studio.plane._leg(far.end.leg).slot
        assert scratch["sessions"][slot][:2].all()
        studio.plane.close_leg(far.end.leg)
        await studio.until(lambda: row["state"] == v.CLOSED)
        assert not scratch["sessions"][slot].any()
        for name in ("send_key", "receive_key", "offered_send_key", "offered_receive_key"):
            assert not row[name].any()
        assert row["profile"] == 0

    run(scenario)


def test_a_leg_may_be_told_to_go_on_plain_and_only_then_does(run):
    async def scenario(studio):
        far, near = Far(studio), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        await heard_alike(far.end, near, 5)
        studio.plane.connect(far.end.leg, far.end.socket.getsockname(), far.end.format)
        await studio.until(lambda: far.row["profile"] == 0)
        far.end.send_raw = far.clear
        await heard_alike(far.end, near, 5)

    run(scenario)


def test_keys_that_fit_no_suite_are_the_callers_error(run):
    async def scenario(studio):
        end = studio.end(connect=False)
        leg = studio.plane.open_leg()
        for wrong in (
            SrtpKeys("NULL", b"", b""),
            SrtpKeys(CM_80, bytes(30), bytes(29)),
            SrtpKeys(CM_80, bytes(30), bytes(30), bytes(5)),
        ):
            with pytest.raises(UsageError):
                studio.plane.connect(leg, end.socket.getsockname(), end.format, secure=wrong)

    run(scenario)


def test_no_random_datagram_harms_a_secure_leg(run):
    async def scenario(studio):
        far, near = Far(studio), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        chance = np.random.default_rng(3)
        for size in chance.integers(0, 1500, 300):
            far.clear(b"\x80" + chance.integers(0, 256, size, np.uint8).tobytes())
            await asyncio.sleep(0.001)  # a socket's buffer holds no more at once
        for _ in range(3):
            far.clear(b"\x80" + bytes(9000))  # more than the buffer holds
        await studio.until(lambda: far.statistics.packets_unauthentic == 303)
        await heard_alike(far.end, near, 5)
        assert len(near.packets) == 5

    run(scenario)


@pytest.mark.parametrize("suite", SUITES)
def test_a_secure_leg_goes_on_after_a_death_of_the_engine_also_over_a_wrap_that_nobody_heard(run, suite):
    async def scenario(studio):
        far, near = Far(studio, suite), studio.end(ssrc=5)
        studio.plane.bridge(far.end.leg, near.leg)
        far.end.sequence, far.row["out_sequence"] = 65480, 65500
        for death, lost in ((1, 60), (2, 3)):
            await heard_alike(far.end, near, 20)
            await heard_alike(near, far.end, 20)
            os.kill(studio.plane.pid, signal.SIGKILL)
            await studio.events.wait(PlaneRecovered, count=death)
            far.end.skip(lost)
            await heard_alike(far.end, near, 20)
            await heard_alike(near, far.end, 20)
        assert far.refused == []
        assert far.statistics.packets_unauthentic == 0
        far.clear(far.plain())
        await studio.until(lambda: far.statistics.packets_unauthentic == 1)

    run(scenario, in_thread=False)


def test_no_report_is_numbered_as_one_was_before_the_death_of_the_engine(run):
    """SRTCP's own numbers, under the same key (RFC 3711 §9.1)."""

    async def scenario(studio):
        far = Far(studio)
        numbers = []
        control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        control.bind(("127.0.0.1", 0))
        control.setblocking(False)
        loop = asyncio.get_running_loop()
        loop.add_reader(control, lambda: numbers.append(struct.unpack(">I", control.recv(2048)[-4:])[0] & 0x7FFFFFFF))
        where = control.getsockname()
        studio.plane.connect(
            far.end.leg, far.end.socket.getsockname(), far.end.format, secure=far.keys, reports_to=where
        )
        report = studio.plane._shared.reports[studio.plane._leg(far.end.leg).slot]

        async def reported(count):
            while len(numbers) < count:
                report["control"]["next_at_ns"] = report["control"]["last_at_ns"] = 0
                far.end.send(PATTERN)
                await asyncio.sleep(0.05)

        await asyncio.wait_for(reported(3), 60)
        os.kill(studio.plane.pid, signal.SIGKILL)
        await studio.events.wait(PlaneRecovered)
        await asyncio.wait_for(reported(5), 60)
        assert numbers == sorted(set(numbers)), "none twice, and none again"
        loop.remove_reader(control)
        control.close()

    run(scenario, in_thread=False)
