"""SRTP: the RFCs' vectors, a twin made of `cryptography`, pylibsrtp as the other end, and what must be refused."""

import json
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pylibsrtp
import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from softswitch.media import srtp
from softswitch.media.srtp_library import AUTH_FAIL, CIPHER, KEY_BYTES, REPLAY_FAIL, REPLAY_OLD, TRAILER_BYTES

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "srtp"
with_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="../shared/vectors is not here")

CM_80, CM_32 = srtp.AES_CM_128_HMAC_SHA1_80, srtp.AES_CM_128_HMAC_SHA1_32
GCM_128, GCM_256 = srtp.AEAD_AES_128_GCM, srtp.AEAD_AES_256_GCM
PROFILES = [CM_80, CM_32, GCM_128, GCM_256]
SSRC = 0xCAFEBABE


def key_of(profile, seed=0):
    return bytes((7 * i + 31 * seed + 1) & 0xFF for i in range(srtp.KEYING_BYTES[profile]))


def rtp(sequence, payload=b"\xab" * 160, ssrc=SSRC, timestamp=0xDECAFBAD):
    return struct.pack(">BBHII", 0x80, 0x0F, sequence & 0xFFFF, timestamp, ssrc) + payload


class Channel:
    """One direction, as the relay's loop would keep it."""

    def __init__(self, profile, key, ssrc=-1):
        self.cipher = np.zeros(1, CIPHER)[0]
        self.buffer = np.zeros(2048, np.uint8)
        self.profile = profile
        self.key = np.zeros(KEY_BYTES, np.uint8)
        self.key[: len(key)] = list(key)
        self.session = srtp.new_session(self.cipher, self.key, profile, ssrc)
        assert self.session > 0

    def _run(self, function, packet):
        self.buffer[: len(packet)] = np.frombuffer(packet, np.uint8)
        length = function(self.cipher, self.session, self.buffer.ctypes.data, len(packet))
        return self.buffer[:length].tobytes() if length >= 0 else -length

    def protect(self, packet):
        return self._run(srtp.protect, packet)

    def unprotect(self, packet):
        return self._run(srtp.unprotect, packet)

    def protect_control(self, packet):
        return self._run(srtp.protect_control, packet)

    def unprotect_control(self, packet):
        return self._run(srtp.unprotect_control, packet)

    def rollover(self, ssrc=SSRC):
        return srtp.rollover_of(self.cipher, self.session, ssrc)

    def resume(self, rollover, ssrc=SSRC):
        return srtp.resume_stream(self.cipher, self.session, self.key, self.profile, ssrc, rollover)


def ends(profile, seed=0):
    key = key_of(profile, seed)
    return Channel(profile, key, SSRC), Channel(profile, key)


# A twin: key derivation and packets in plain Python (RFC 3711 §4, RFC 7714 §8 and §9)


def derived(master_key, master_salt, label, size):
    """RFC 3711 §4.3 with a key derivation rate of 0; a 96-bit salt is filled up behind (RFC 7714 §11)."""
    salt = int.from_bytes(master_salt.ljust(14, b"\0"), "big") ^ label << 48
    counter = (salt << 16).to_bytes(16, "big")
    return Cipher(algorithms.AES(master_key), modes.CTR(counter)).encryptor().update(bytes(size))


def twin_protect(profile, key, packet, rollover=0):
    """An SRTP packet without extension and CSRC."""
    sequence, ssrc = struct.unpack_from(">H4xI", packet, 2)
    index = rollover << 16 | sequence
    if profile in (CM_80, CM_32):
        master, salt = key[:16], key[16:]
        cipher_key, auth_key = derived(master, salt, 0, 16), derived(master, salt, 1, 20)
        session_salt = int.from_bytes(derived(master, salt, 2, 14), "big")
        counter = (session_salt << 16 ^ ssrc << 64 ^ index << 16).to_bytes(16, "big")
        body = Cipher(algorithms.AES(cipher_key), modes.CTR(counter)).encryptor().update(packet[12:])
        tag = hmac.HMAC(auth_key, hashes.SHA1())
        tag.update(packet[:12] + body + struct.pack(">I", rollover))
        return packet[:12] + body + tag.finalize()[: 10 if profile == CM_80 else 4]
    size = len(key) - 12
    cipher_key, session_salt = derived(key[:size], key[size:], 0, size), derived(key[:size], key[size:], 2, 12)
    return gcm_protect(cipher_key, session_salt, packet, rollover)


def gcm_protect(cipher_key, session_salt, packet, rollover=0):
    sequence, ssrc = struct.unpack_from(">H4xI", packet, 2)
    mask = struct.pack(">HIIH", 0, ssrc, rollover, sequence)
    nonce = bytes(a ^ b for a, b in zip(mask, session_salt, strict=True))
    return packet[:12] + AESGCM(cipher_key).encrypt(nonce, packet[12:], packet[:12])


def gcm_protect_control(cipher_key, session_salt, packet, index, encrypted=True):
    word = struct.pack(">I", int(encrypted) << 31 | index)
    mask = struct.pack(">HIHI", 0, struct.unpack_from(">I", packet, 4)[0], 0, index)
    nonce = bytes(a ^ b for a, b in zip(mask, session_salt, strict=True))
    if encrypted:
        return packet[:8] + AESGCM(cipher_key).encrypt(nonce, packet[8:], packet[:8] + word) + word
    return packet + AESGCM(cipher_key).encrypt(nonce, b"", packet + word) + word


@with_vectors
def test_the_twin_derives_keys_as_rfc_3711_appendix_b3_does():
    b3 = json.loads((VECTORS / "rfc3711.json").read_text())["B.3"]
    master, salt = bytes.fromhex(b3["master_key"]), bytes.fromhex(b3["master_salt"])
    assert derived(master, salt, 0, 16).hex() == b3["cipher_key"]
    assert derived(master, salt, 2, 14).hex() == b3["cipher_salt"]
    assert derived(master, salt, 1, 94).hex() == b3["auth_key_94"]


@with_vectors
def test_the_twin_makes_the_keystream_of_rfc_3711_appendix_b2():
    b2 = json.loads((VECTORS / "rfc3711.json").read_text())["B.2"]
    start = int(b2["offset"], 16)
    for block, expected in b2["blocks"].items():
        counter = (start + int(block)).to_bytes(16, "big")
        cipher = Cipher(algorithms.AES(bytes.fromhex(b2["session_key"])), modes.CTR(counter))
        assert cipher.encryptor().update(bytes(16)).hex() == expected


def packets_after(text, heading):
    """The hexadecimal blocks that follow a line of an RFC."""
    pattern = re.escape(heading) + r"\n\n?((?: +[0-9a-f]{2,8}(?: [0-9a-f]{2,8})*\n)+)"
    return [bytes.fromhex("".join(block.split())) for block in re.findall(pattern, text)]


@with_vectors
def test_the_twin_makes_every_rtp_packet_of_rfc_7714():
    text = (VECTORS / "rfc7714" / "rtp-vectors.txt").read_text()
    salt = bytes.fromhex("51756964207072 6f2071756f".replace(" ", ""))
    plain = packets_after(text, "Encrypting the following packet:")
    sealed = packets_after(text, "Encrypted and tagged packet:")
    assert len(plain) == len(sealed) == 2
    for size, packet, expected in zip((16, 32), plain, sealed, strict=True):
        assert gcm_protect(bytes(range(size)), salt, packet) == expected


@with_vectors
def test_the_twin_makes_every_rtcp_packet_of_rfc_7714():
    text = (VECTORS / "rfc7714" / "rtcp-vectors.txt").read_text()
    salt = b"Quid pro quo"
    (plain,) = packets_after(text, "Encrypting the following packet:")
    (sealed,) = packets_after(text, "Encrypted and tagged packet:")
    assert gcm_protect_control(bytes(range(16)), salt, plain, 0x5D4) == sealed
    (sealed,) = packets_after(text, "Decrypting the following packet:")
    (plain,) = packets_after(text, "Verified and decrypted packet:")
    assert gcm_protect_control(bytes(range(32)), salt, plain, 0x5D4) == sealed
    (plain,) = packets_after(text, "Tagging the following packet:")
    (tagged,) = packets_after(text, "Tagged packet:")
    assert gcm_protect_control(bytes(range(16)), salt, plain, 0x5D4, encrypted=False) == tagged


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("size", [0, 1, 33, 160, 1200])
def test_packets_are_the_twins_byte_for_byte(profile, size):
    sender, receiver = ends(profile)
    for sequence in (17, 18, 400):
        packet = rtp(sequence, bytes(i & 0xFF for i in range(size)))
        sealed = sender.protect(packet)
        assert sealed == twin_protect(profile, key_of(profile), packet)
        assert len(sealed) <= len(packet) + TRAILER_BYTES
        assert receiver.unprotect(sealed) == packet


@pytest.mark.parametrize("profile", [GCM_128, GCM_256])
def test_control_packets_are_the_twins_byte_for_byte(profile):
    sender, receiver = ends(profile)
    key = key_of(profile)
    size = len(key) - 12
    cipher_key, salt = derived(key[:size], key[size:], 3, size), derived(key[:size], key[size:], 5, 12)
    packet = bytes.fromhex("81c8000bcafebabe") + b"\xab" * 40
    for index in (1, 2):
        sealed = sender.protect_control(packet)
        assert sealed == gcm_protect_control(cipher_key, salt, packet, index)
        assert receiver.unprotect_control(sealed) == packet


@with_vectors
@pytest.mark.parametrize(
    ("function", "profile", "key", "prefix"),
    [
        ("srtp_validate", CM_80, "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6", "srtp"),
        ("srtp_validate_gcm", GCM_128, "000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaab", "rtp"),
    ],
)
def test_libsrtps_own_vectors_hold_both_ways(function, profile, key, prefix):
    vectors = json.loads((VECTORS / "libsrtp-vectors.json").read_text())["vectors"]
    arrays = next(vector["arrays"] for vector in vectors if vector["function"] == function)
    plain, sealed, plain_control, sealed_control = (
        bytes.fromhex(arrays[name])
        for name in (f"{prefix}_plaintext_ref", "srtp_ciphertext", "rtcp_plaintext_ref", "srtcp_ciphertext")
    )
    sender, receiver = Channel(profile, bytes.fromhex(key), SSRC), Channel(profile, bytes.fromhex(key))
    assert sender.protect(plain) == sealed
    assert receiver.unprotect(sealed) == plain
    assert sender.protect_control(plain_control) == sealed_control
    assert receiver.unprotect_control(sealed_control) == plain_control


@pytest.mark.parametrize("profile", PROFILES)
def test_pylibsrtp_understands_us_and_we_it(profile):
    key = key_of(profile, 3)

    def policy(kind):
        return pylibsrtp.Policy(key=key, ssrc_type=kind, srtp_profile=profile)

    there = pylibsrtp.Session(policy(pylibsrtp.Policy.SSRC_ANY_INBOUND))
    back = pylibsrtp.Session(policy(pylibsrtp.Policy.SSRC_ANY_OUTBOUND))
    sender, receiver = Channel(profile, key, SSRC), Channel(profile, key)
    control = bytes.fromhex("80c90001cafebabe")
    for sequence in (65534, 65535, 0, 1):
        packet = rtp(sequence)
        assert there.unprotect(sender.protect(packet)) == packet
        assert receiver.unprotect(back.protect(packet)) == packet
        assert there.unprotect_rtcp(sender.protect_control(control)) == control
        assert receiver.unprotect_control(back.protect_rtcp(control)) == control


@pytest.mark.parametrize("profile", PROFILES)
def test_a_replayed_packet_is_refused_and_the_next_is_not(profile):
    sender, receiver = ends(profile)
    first, second = sender.protect(rtp(1)), sender.protect(rtp(2))
    assert receiver.unprotect(first) == rtp(1)
    assert receiver.unprotect(first) == REPLAY_FAIL
    assert srtp.is_replay(-REPLAY_FAIL) and srtp.is_replay(-REPLAY_OLD) and not srtp.is_replay(-AUTH_FAIL)
    assert receiver.unprotect(second) == rtp(2)
    late = [sender.protect(rtp(sequence)) for sequence in range(3, 2003)]
    assert receiver.unprotect(late[-1]) == rtp(2002)
    assert receiver.unprotect(late[0]) == REPLAY_OLD
    assert receiver.unprotect(late[-900]) == rtp(2003 - 900)
    control = sender.protect_control(bytes.fromhex("80c90001cafebabe"))
    assert isinstance(receiver.unprotect_control(control), bytes)
    assert receiver.unprotect_control(control) == REPLAY_FAIL


@pytest.mark.parametrize("profile", PROFILES)
def test_no_changed_byte_passes(profile):
    sender, receiver = ends(profile)
    packet = rtp(7, bytes(range(40)))
    sealed = sender.protect(packet)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 0x10
        assert isinstance(receiver.unprotect(bytes(changed)), int), f"byte {place} changed, and nobody saw"
    control = sender.protect_control(bytes.fromhex("80c90001cafebabe") + bytes(16))
    for place in range(len(control)):
        changed = bytearray(control)
        changed[place] ^= 0x10
        assert isinstance(receiver.unprotect_control(bytes(changed)), int)
    assert receiver.unprotect(sealed) == packet  # what was refused has not used up the sequence number


@pytest.mark.parametrize("profile", PROFILES)
def test_another_key_another_profile_and_plain_rtp_are_refused(profile):
    sender, _ = ends(profile)
    sealed = sender.protect(rtp(7))
    assert Channel(profile, key_of(profile, 1)).unprotect(sealed) == AUTH_FAIL
    other = PROFILES[(PROFILES.index(profile) + 1) % len(PROFILES)]
    assert Channel(other, key_of(other)).unprotect(sealed) == AUTH_FAIL
    assert isinstance(Channel(profile, key_of(profile)).unprotect(rtp(7)), int)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_rollover_counter_goes_on_where_sequence_numbers_wrap(profile):
    sender, receiver = ends(profile)
    for index in range(65530, 65530 + 12):
        sealed = sender.protect(rtp(index))
        assert sealed == twin_protect(profile, key_of(profile), rtp(index), index >> 16)
        if index != 65536:  # that one is lost on the way
            assert receiver.unprotect(sealed) == rtp(index)
    assert sender.rollover() == receiver.rollover() == 1
    assert receiver.rollover(SSRC + 1) == -1


@pytest.mark.parametrize("profile", PROFILES)
def test_sessions_made_anew_go_on_with_their_rollover_counters(profile):
    sender, receiver = ends(profile)
    assert sender.resume(3) and receiver.resume(3)
    packet = rtp(40000)
    sealed = sender.protect(packet)
    assert sealed == twin_protect(profile, key_of(profile), packet, 3)
    assert receiver.unprotect(sealed) == packet
    assert (sender.rollover(), receiver.rollover()) == (3, 3)
    assert receiver.unprotect(sealed) == REPLAY_FAIL
    for sequence in (65000, 65535, 0):
        assert receiver.unprotect(sender.protect(rtp(sequence))) == rtp(sequence)
    assert receiver.rollover() == 4
    _, unaware = ends(profile)
    assert unaware.unprotect(sealed) == AUTH_FAIL


@pytest.mark.parametrize("profile", PROFILES)
def test_a_sender_may_change_its_ssrc(profile):
    key = key_of(profile)
    receiver = Channel(profile, key)
    for ssrc in (SSRC, 0, 0xFFFFFFFF):
        packet = rtp(9, ssrc=ssrc)
        assert receiver.unprotect(twin_protect(profile, key, packet)) == packet
        assert receiver.rollover(ssrc) == 0
    assert receiver.unprotect(twin_protect(profile, key, rtp(9))) == REPLAY_FAIL


@pytest.mark.parametrize("profile", PROFILES)
def test_an_outbound_session_seals_for_its_own_ssrc_alone(profile):
    sender, _ = ends(profile)
    assert isinstance(sender.protect(rtp(1, ssrc=SSRC + 1)), int)


def test_a_profile_that_is_none_makes_no_session():
    cipher, key = np.zeros(1, CIPHER)[0], np.arange(KEY_BYTES, dtype=np.uint8)
    for profile in (srtp.PLAIN, 5, 6, 99):  # 5 and 6 encrypt nothing
        assert srtp.new_session(cipher, key, profile, -1) == 0
    srtp.free_session(0)


def test_no_key_is_left_in_the_scratch():
    channel = Channel(GCM_256, key_of(GCM_256), SSRC)
    channel.resume(1)
    assert not channel.cipher["key"].any() and not channel.cipher["key_address"]


@pytest.mark.parametrize("profile", PROFILES)
def test_no_datagram_whatever_does_harm(profile):
    chance = np.random.default_rng(5)
    _, receiver = ends(profile)
    for size in [*range(64), *chance.integers(64, 1500, 400)]:
        datagram = bytearray(chance.integers(0, 256, size, np.uint8).tobytes())
        for first in (0x80, 0x9F, 0xB0, 0x00):
            if datagram:
                datagram[0] = first
            assert isinstance(receiver.unprotect(bytes(datagram)), int)
            assert isinstance(receiver.unprotect_control(bytes(datagram)), int)


def test_a_process_that_finds_its_kernels_in_the_cache_still_finds_libsrtp():
    program = (
        "import numpy as np; from softswitch.media import srtp; from softswitch.media.srtp_library import *;"
        "c = np.zeros(1, CIPHER)[0]; s = srtp.new_session(c, np.zeros(KEY_BYTES, np.uint8), 1, 7);"
        "assert s; srtp.free_session(s); print(sum(srtp.new_session.stats.cache_hits.values()))"
    )
    srtp.new_session(np.zeros(1, CIPHER)[0], np.zeros(KEY_BYTES, np.uint8), srtp.PLAIN, 7)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "1"
