"""SRTP on a leg: its sessions, and packets opened and sealed in the relay's buffers.

A leg with a profile has no plain RTP: what does not authenticate is dropped before anything is believed of it, and what
cannot be sealed is not sent, also where a session could not be made.
"""

from typing import Any

from softswitch.media import srtp
from softswitch.media.kernels import i64, inner
from softswitch.media.libc import copy_octets
from softswitch.media.rtp import HEADER_BYTES, read16, read32, signed16
from softswitch.media.scratch import BUFFER_BYTES
from softswitch.media.srtp_library import AUTH_FAIL, REPLAY_WINDOW, TRAILER_BYTES

SENDING, RECEIVING, BEFORE = 0, 1, 2
"""A slot's sessions. BEFORE: of the key that a re-INVITE has replaced, until the new one is first heard."""
MOST_SOURCES = 64
"""SSRCs on one leg: each costs memory, and nobody honest has so many."""
REFUSED = -1
EMPTY_REPORT_BYTES = 8
FIRST_CONTROL, LAST_CONTROL = 192, 223  # RTCP's packet types on a port that is RTP's too (RFC 5761 §4)

CM_80, CM_32 = srtp.AES_CM_128_HMAC_SHA1_80, srtp.AES_CM_128_HMAC_SHA1_32


@inner
def is_same_key(one: Any, other: Any) -> bool:
    same = True
    for i in range(one.size):
        if one[i] != other[i]:
            same = False
    return same


@inner
def copy_key(source: Any, target: Any) -> None:
    for i in range(source.size):
        target[i] = source[i]


@inner
def write_empty_report(packet: Any, ssrc: int) -> None:
    """A receiver report about nobody (RFC 3550 §6.4.2)."""
    packet[0], packet[1], packet[2], packet[3] = 0x80, 201, 0, 1
    for i in range(4):
        packet[4 + i] = (ssrc >> (24 - 8 * i)) & 0xFF


@inner
def forget(scratch: Any, slot: int, which: int) -> None:
    srtp.free_session(scratch.sessions[slot, which])
    scratch.sessions[slot, which] = 0


@inner
def secure_leg(
    shared: Any, scratch: Any, slot: int, profile: int, name_bytes: int, name: int, sent: int, received: int
) -> bool:
    """Take up the keys offered for a leg, or plain RTP (profile 0); False when libsrtp refuses them.

    What stays the same keeps its session, and with it its place in the stream. sent: how often our sequence numbers
    have wrapped; received: SSRC and rollover counter of who was heard, or -1: both 0 and -1 but for a leg that was
    secured in another process.
    """
    leg = shared.legs[slot]
    same = leg.profile == profile
    if not same or not is_same_key(leg.receive_key, leg.offered_receive_key):
        forget(scratch, slot, BEFORE)
        if same:
            scratch.sessions[slot, BEFORE] = scratch.sessions[slot, RECEIVING]
            scratch.sessions[slot, RECEIVING] = 0
        else:
            forget(scratch, slot, RECEIVING)
            leg.receive_rollover = 0
        copy_key(leg.offered_receive_key, leg.receive_key)
        leg.receive_renewed = same
        leg.receive_sources = 0
        leg.receive_floor = -1
        make_receiving(scratch, leg, slot, profile, received)
    if not same or not is_same_key(leg.send_key, leg.offered_send_key):
        forget(scratch, slot, SENDING)
        copy_key(leg.offered_send_key, leg.send_key)
        leg.send_rollover = sent
        make_sending(scratch, leg, slot, profile, sent)
    leg.profile = profile
    leg.key_name_bytes = name_bytes
    leg.key_name = name
    return profile == srtp.PLAIN or (scratch.sessions[slot, SENDING] != 0 and scratch.sessions[slot, RECEIVING] != 0)


@inner
def make_sending(scratch: Any, leg: Any, slot: int, profile: int, rollover: int) -> None:
    if profile == srtp.PLAIN:
        return
    cipher = scratch.cipher[0]
    session = srtp.new_session(cipher, leg.send_key, profile, leg.out_ssrc)
    scratch.sessions[slot, SENDING] = session
    if session != 0 and rollover > 0:
        goes_on = srtp.resume_stream(cipher, session, leg.send_key, profile, leg.out_ssrc, rollover)
        if not goes_on:
            forget(scratch, slot, SENDING)


@inner
def skip_control(scratch: Any, leg: Any, slot: int, count: int) -> None:
    """Let a session made anew seal as many reports, for nobody, as the one before it has: SRTCP numbers them itself,
    and under one key none may be numbered as another was (RFC 3711 §9.1). libsrtp knows no other way."""
    session = scratch.sessions[slot, SENDING]
    if session == 0:
        return
    for _ in range(count):
        write_empty_report(scratch.out, leg.out_ssrc)
        srtp.protect_control(scratch.cipher[0], session, scratch.out.ctypes.data, EMPTY_REPORT_BYTES)


@inner
def make_receiving(scratch: Any, leg: Any, slot: int, profile: int, received: int) -> None:
    if profile == srtp.PLAIN:
        return
    cipher = scratch.cipher[0]
    session = srtp.new_session(cipher, leg.receive_key, profile, -1)
    if session != 0 and received >= 0:
        ssrc, rollover = received & 0xFFFFFFFF, received >> 32
        srtp.resume_stream(cipher, session, leg.receive_key, profile, ssrc, rollover)
        leg.receive_sources = 1
        leg.receive_rollover = rollover
        leg.receive_floor = leg.in_highest & 0xFFFF
    scratch.sessions[slot, RECEIVING] = session


@inner
def release_sessions(shared: Any, scratch: Any, slot: int) -> None:
    """Free a closed leg's sessions and overwrite its keys."""
    leg = shared.legs[slot]
    for which in range(3):
        forget(scratch, slot, which)
    leg.profile = srtp.PLAIN
    for i in range(leg.send_key.size):
        leg.send_key[i] = 0
        leg.receive_key[i] = 0
        leg.offered_send_key[i] = 0
        leg.offered_receive_key[i] = 0


@inner
def without_key_name(leg: Any, packet: Any, length: int, tag_bytes: int) -> int:
    """Take the MKI out of a packet (RFC 3711 §3.1), which stands before the tag; the new length, or REFUSED."""
    size = leg.key_name_bytes
    at = length - tag_bytes - size
    if at < 0:
        return REFUSED
    name = i64(0)
    for i in range(at, at + size):
        name = name << 8 | i64(packet[i])
    if name != leg.key_name and not leg.receive_renewed:  # what is under way still names the key of before
        return REFUSED
    for i in range(at, at + tag_bytes):
        packet[i] = packet[i + size]
    return length - size


@inner
def is_one_too_many(scratch: Any, leg: Any, session: int) -> bool:
    """Whether a packet is of an SSRC that the leg has no room for."""
    if leg.receive_sources < MOST_SOURCES:
        return False
    return srtp.rollover_of(scratch.cipher[0], session, read32(scratch.packet, 8)) < 0


@inner
def try_session(scratch: Any, leg: Any, slot: int, which: int, length: int) -> int:
    """Open the packet received with one of the leg's sessions; its length, or minus libsrtp's reason."""
    session = scratch.sessions[slot, which]
    if session == 0 or is_one_too_many(scratch, leg, session):
        return -AUTH_FAIL
    return srtp.unprotect(scratch.cipher[0], session, scratch.packet.ctypes.data, length)


@inner
def try_rolled_over(scratch: Any, leg: Any, slot: int, length: int) -> int:
    """Open the packet received with the new key, as that of a sender whose rollover counter goes on under it (RFC 3711
    §3.3.1); others begin anew (as RFC 4568 §7.1.4 has it where the address changes). As `try_session`."""
    if not leg.receive_renewed or length < HEADER_BYTES:
        return -AUTH_FAIL
    ssrc, sequence = read32(scratch.packet, 8), read16(scratch.packet, 2)
    highest = leg.in_highest & 0xFFFF
    rollover = ((leg.receive_rollover << 16) + highest + signed16(sequence - highest)) >> 16
    session = scratch.sessions[slot, RECEIVING]
    if session == 0 or ssrc != leg.in_ssrc or rollover <= 0:
        return -AUTH_FAIL
    cipher = scratch.cipher[0]
    if not srtp.resume_stream(cipher, session, leg.receive_key, leg.profile, ssrc, rollover):
        return -AUTH_FAIL
    opened = srtp.unprotect(cipher, session, scratch.packet.ctypes.data, length)
    if opened < 0:
        srtp.resume_stream(cipher, session, leg.receive_key, leg.profile, ssrc, 0)
    return opened


@inner
def take_renewed(scratch: Any, leg: Any, slot: int) -> None:
    """The packet just opened is the first under a new key: the one before it is worth nothing from now on."""
    forget(scratch, slot, BEFORE)
    leg.receive_renewed = 0
    note_rollover(scratch, leg, slot, RECEIVING)


@inner
def open_packet(shared: Any, scratch: Any, slot: int, length: int) -> int:
    """Authenticate and decrypt the datagram in `scratch.packet`; the RTP packet's length, or negative: to be dropped.

    What the key does not vouch for is counted. Copies of what was heard already are dropped without it: networks make
    them too.
    """
    leg = shared.legs[slot]
    if leg.key_name_bytes > 0 and length <= BUFFER_BYTES:
        tag_bytes = 10 if leg.profile == CM_80 else 4 if leg.profile == CM_32 else 0
        length = without_key_name(leg, scratch.packet, length, tag_bytes)
    if length < 0 or length > BUFFER_BYTES:
        leg.packets_unauthentic += 1
        return REFUSED
    before = scratch.sessions[slot, BEFORE]
    if before != 0:  # a refused packet is no longer what came
        copy_octets(scratch.out, 0, scratch.packet, 0, length)
    which = RECEIVING
    opened = try_session(scratch, leg, slot, RECEIVING, length)
    if opened >= 0:
        if before != 0:
            take_renewed(scratch, leg, slot)
    elif before != 0:
        copy_octets(scratch.packet, 0, scratch.out, 0, length)
        opened = try_rolled_over(scratch, leg, slot, length)
        if opened >= 0:
            take_renewed(scratch, leg, slot)
        else:
            copy_octets(scratch.packet, 0, scratch.out, 0, length)
            opened = try_session(scratch, leg, slot, BEFORE, length)
            which = BEFORE
    if opened < 0:
        if not srtp.is_replay(opened):
            leg.packets_unauthentic += 1
        return REFUSED
    return opened if is_new(scratch, leg, slot, which) else REFUSED


@inner
def note_rollover(scratch: Any, leg: Any, slot: int, which: int) -> None:
    """Of the sender of the packet just opened."""
    session = scratch.sessions[slot, which]
    leg.receive_rollover = max(srtp.rollover_of(scratch.cipher[0], session, read32(scratch.packet, 8)), 0)


@inner
def is_new(scratch: Any, leg: Any, slot: int, which: int) -> bool:
    """Note where the sender is; False for what was heard before the session was made anew."""
    ssrc, sequence = read32(scratch.packet, 8), read16(scratch.packet, 2)
    if leg.receive_sources == 0 or ssrc != leg.in_ssrc:
        leg.receive_sources += 1
    if leg.receive_floor >= 0 and ssrc == leg.in_ssrc:
        step = signed16(sequence - leg.receive_floor)
        if step <= 0:
            return False
        if step > REPLAY_WINDOW:
            leg.receive_floor = -1
    if ssrc != leg.in_ssrc or sequence < leg.in_highest & 0xFFFF:  # only then can it have changed
        note_rollover(scratch, leg, slot, which)
    return True


@inner
def seal_packet(shared: Any, scratch: Any, slot: int, length: int) -> int:
    """Encrypt and authenticate the RTP packet in `scratch.out`; its length, or negative: not to be sent.

    A sequence number that was used is refused, because it would be encrypted with the same keystream.
    """
    leg = shared.legs[slot]
    session = scratch.sessions[slot, SENDING]
    if session == 0 or length + TRAILER_BYTES > BUFFER_BYTES:
        return -AUTH_FAIL
    sealed = srtp.protect(scratch.cipher[0], session, scratch.out.ctypes.data, length)
    if read16(scratch.out, 2) < leg.out_sequence:
        leg.send_rollover = max(srtp.rollover_of(scratch.cipher[0], session, leg.out_ssrc), 0)
    return sealed


@inner
def is_control(packet: Any, length: int) -> bool:
    """Whether a packet on a port that both share is RTCP, by its type (RFC 5761 §4)."""
    return length >= 8 and FIRST_CONTROL <= packet[1] <= LAST_CONTROL


@inner
def open_control(shared: Any, scratch: Any, slot: int, length: int) -> int:
    """As `open_packet`, for the RTCP packet in `scratch.packet`."""
    leg = shared.legs[slot]
    if leg.key_name_bytes > 0 and length <= BUFFER_BYTES:
        is_cm = leg.profile in (CM_80, CM_32)  # both have 80-bit tags on RTCP (RFC 5764 §4.1.2)
        length = without_key_name(leg, scratch.packet, length, 10 if is_cm else 0)
    session = scratch.sessions[slot, RECEIVING]
    opened = REFUSED
    if session != 0 and 0 <= length <= BUFFER_BYTES:
        opened = srtp.unprotect_control(scratch.cipher[0], session, scratch.packet.ctypes.data, length)
    if opened < 0 and not srtp.is_replay(opened):
        leg.packets_unauthentic += 1
    return opened


@inner
def seal_control(shared: Any, scratch: Any, slot: int, length: int) -> int:
    """As `seal_packet`, for the RTCP packet in `scratch.out`."""
    session = scratch.sessions[slot, SENDING]
    if session == 0 or length + TRAILER_BYTES > BUFFER_BYTES:
        return -AUTH_FAIL
    return srtp.protect_control(scratch.cipher[0], session, scratch.out.ctypes.data, length)
