"""DTLS-SRTP: two ends agree on keys, and nobody else does."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.media import dtls
from softswitch.media.dtls import (
    HANDSHAKE_S,
    MTU,
    PROFILES,
    Certificate,
    DtlsAssociation,
    DtlsClosed,
    DtlsConnected,
    DtlsEvent,
    DtlsFailed,
    is_dtls,
)
from softswitch.sdp.crypto import KEYING_BYTES
from softswitch.sdp.webrtc import DtlsRole

patient = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=30)

NOW = 100.0
OURS, THEIRS, STRANGERS = Certificate(), Certificate(), Certificate()


class Pair:
    """Two ends and what passes between them."""

    def __init__(self, *, client_expects: Certificate = THEIRS, server_expects: Certificate = OURS) -> None:
        self.client = DtlsAssociation(OURS, DtlsRole.ACTIVE, {client_expects.fingerprint}, NOW)
        self.server = DtlsAssociation(THEIRS, DtlsRole.PASSIVE, {server_expects.fingerprint}, NOW)
        self.sent: list[bytes] = []

    def talk(self) -> None:
        """Carry datagrams to and fro until both are silent."""
        while True:
            to_server, to_client = self.client.data_to_send(), self.server.data_to_send()
            if not to_server and not to_client:
                return
            self.sent += to_server + to_client
            for data in to_server:
                self.server.receive_datagram(data, NOW)
            for data in to_client:
                self.client.receive_datagram(data, NOW)


def only_event(end: DtlsAssociation) -> DtlsEvent:
    event = end.next_event()
    assert event is not None
    assert end.next_event() is None
    return event


def test_both_ends_draw_the_same_keys_the_other_way_round() -> None:
    pair = Pair()
    pair.talk()
    client, server = only_event(pair.client), only_event(pair.server)
    assert isinstance(client, DtlsConnected)
    assert isinstance(server, DtlsConnected)
    assert client.keys.suite == server.keys.suite == "AEAD_AES_128_GCM"
    assert (client.keys.sending, client.keys.receiving) == (server.keys.receiving, server.keys.sending)
    assert client.keys.sending != client.keys.receiving


def test_keys_have_the_lengths_of_their_profiles() -> None:
    for profile in PROFILES:
        assert profile.key_bytes + profile.salt_bytes == KEYING_BYTES[profile.suite]


def pair_with(profile: bytes) -> Pair:
    """Where the other end knows this way to protect RTP alone."""
    old = Certificate()
    old.context.set_tlsext_use_srtp(profile)
    pair = Pair(client_expects=old)
    pair.server = DtlsAssociation(old, DtlsRole.PASSIVE, {OURS.fingerprint}, NOW)
    return pair


def test_an_older_browser_gets_the_profile_that_everybody_has() -> None:
    pair = pair_with(b"SRTP_AES128_CM_SHA1_80")
    pair.talk()
    client, server = only_event(pair.client), only_event(pair.server)
    assert isinstance(client, DtlsConnected)
    assert isinstance(server, DtlsConnected)
    assert client.keys.suite == "AES_CM_128_HMAC_SHA1_80"
    assert (client.keys.sending, client.keys.receiving) == (server.keys.receiving, server.keys.sending)


def test_without_a_profile_in_common_there_are_no_keys() -> None:
    pair = pair_with(b"SRTP_AES128_CM_SHA1_32")
    pair.talk()
    assert only_event(pair.client) == DtlsFailed("no SRTP profile in common")


def test_no_key_shows_in_a_trace() -> None:
    pair = Pair()
    pair.talk()
    event = only_event(pair.client)
    assert isinstance(event, DtlsConnected)
    assert repr(event.keys.sending) not in repr(event)
    assert repr(event.keys.receiving) not in repr(event)


def test_a_server_that_is_somebody_else_gets_no_keys() -> None:
    pair = Pair(client_expects=STRANGERS)
    pair.talk()
    assert isinstance(only_event(pair.client), DtlsFailed)
    assert isinstance(only_event(pair.server), DtlsFailed)  # by our alert


def test_a_client_that_is_somebody_else_gets_no_keys() -> None:
    pair = Pair(server_expects=STRANGERS)
    pair.talk()
    assert isinstance(only_event(pair.server), DtlsFailed)
    events = [pair.client.next_event(), pair.client.next_event()]
    assert not any(isinstance(event, DtlsConnected) for event in events)


def test_a_goodbye_is_heard_at_the_other_end() -> None:
    pair = Pair()
    pair.talk()
    only_event(pair.server)
    pair.client.close(NOW)
    pair.talk()
    assert isinstance(only_event(pair.server), DtlsClosed)
    pair.client.close(NOW)
    assert pair.client.data_to_send() == []


def test_no_datagram_is_longer_than_passes_everywhere() -> None:
    pair = Pair()
    pair.talk()
    assert pair.sent
    assert max(map(len, pair.sent)) <= MTU
    assert all(is_dtls(data) for data in pair.sent)


def test_a_handshake_that_nobody_answers_fails_in_time() -> None:
    end = DtlsAssociation(OURS, DtlsRole.ACTIVE, {THEIRS.fingerprint}, NOW)
    assert end.data_to_send()
    timer = end.next_timer()
    assert timer is not None
    assert NOW < timer <= NOW + 1.1  # RFC 6347 §4.2.4.1
    end.handle_timer(NOW + HANDSHAKE_S)
    assert isinstance(only_event(end), DtlsFailed)
    assert end.next_timer() is None


def test_who_waits_for_a_hello_waits_in_bounds() -> None:
    end = DtlsAssociation(OURS, DtlsRole.PASSIVE, {THEIRS.fingerprint}, NOW)
    assert end.next_timer() == NOW + HANDSHAKE_S
    end.handle_timer(NOW + HANDSHAKE_S)
    assert isinstance(only_event(end), DtlsFailed)


def test_copies_of_datagrams_do_no_harm() -> None:
    pair = Pair()
    flights: list[bytes] = []
    while True:
        to_server, to_client = pair.client.data_to_send(), pair.server.data_to_send()
        if not to_server and not to_client:
            break
        flights += to_server
        for data in to_server * 2:
            pair.server.receive_datagram(data, NOW)
        for data in to_client * 2:
            pair.client.receive_datagram(data, NOW)
        assert len(flights) < 50
    assert isinstance(only_event(pair.client), DtlsConnected)
    assert isinstance(only_event(pair.server), DtlsConnected)


@pytest.mark.parametrize(
    "noise",
    [
        b"",
        b"\x16",
        b"\x16\xfe\xfd" + bytes(10),
        b"\x16\xfe\xfd" + bytes(8) + b"\xff\xff",
        b"\x17\x03\x03\x00\x05hello",
        b"\x80\x00" + bytes(170),
        b"\x16\xfe\xfd" + bytes(8) + b"\x00\x04\x01\x02\x03",
    ],
)
def test_what_is_not_made_of_whole_records_is_dropped(noise: bytes) -> None:
    pair = Pair()
    for end in (pair.client, pair.server):
        end.receive_datagram(noise, NOW)
    pair.talk()
    assert isinstance(only_event(pair.client), DtlsConnected)
    assert isinstance(only_event(pair.server), DtlsConnected)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_handshake_ends_in_the_same_keys_or_in_none(seed: int) -> None:
    chance = np.random.default_rng(seed)
    pair = Pair()
    for _ in range(12):
        to_server, to_client = pair.client.data_to_send(), pair.server.data_to_send()
        for end, datagrams in ((pair.server, to_server), (pair.client, to_client)):
            for datagram in datagrams:
                damaged = bytearray(datagram)
                if chance.random() < 0.5:
                    damaged[chance.integers(len(damaged))] ^= int(chance.integers(1, 256))
                end.receive_datagram(bytes(damaged), NOW)
    events = [pair.client.next_event(), pair.server.next_event()]
    keys = [event.keys for event in events if isinstance(event, DtlsConnected)]
    if len(keys) == 2:
        assert (keys[0].sending, keys[0].receiving) == (keys[1].receiving, keys[1].sending)


@patient
@given(st.binary(min_size=1, max_size=300))
def test_noise_after_the_handshake_ends_nothing(noise: bytes) -> None:
    pair = Pair()
    pair.talk()
    only_event(pair.client)
    for first in (b"", b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02"):
        pair.client.receive_datagram(first + noise, NOW)
    pair.client.receive_datagram(b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x00", NOW)  # an alert that nobody signed
    assert pair.client.next_event() is None
    pair.server.close(NOW)
    pair.talk()
    assert isinstance(only_event(pair.client), DtlsClosed)


def test_the_two_kinds_of_first_bytes_are_told_apart() -> None:
    """RFC 7983 §7."""
    assert [byte for byte in range(256) if is_dtls(bytes([byte]))] == list(range(20, 64))
    assert not dtls.is_dtls(b"")
