"""SRTP in the relay's loop: RFC 3711, and RFC 7714 for AES-GCM, by libsrtp's own functions.

A session holds one direction of one leg: outbound for the one SSRC that we send, inbound for whatever SSRC proves to
know the key. It is an address in this process; what must outlive the process is plain: profile, master key with its
salt, SSRC and rollover counter, from which `new_session` and `resume_stream` make it anew. Nothing here raises: a
session is 0 and a length is negative where libsrtp refuses.
"""

from typing import Any

from numba import types

from softswitch.media.kernels import i64, kernel
from softswitch.media.srtp_library import (
    ANY_INBOUND,
    BAD_PARAMETER,
    FUNCTIONS,
    OK,
    REPLAY_FAIL,
    REPLAY_OLD,
    REPLAY_WINDOW,
    SPECIFIC,
)
from softswitch.sdp import crypto

# Protection profiles by their DTLS-SRTP numbers (RFC 5764 §4.1.2, RFC 7714 §14.2), which are libsrtp's own
PLAIN = 0
AES_CM_128_HMAC_SHA1_80 = 1
AES_CM_128_HMAC_SHA1_32 = 2
AEAD_AES_128_GCM = 7
AEAD_AES_256_GCM = 8

PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": AES_CM_128_HMAC_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": AES_CM_128_HMAC_SHA1_32,
    "AEAD_AES_128_GCM": AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": AEAD_AES_256_GCM,
}
"""By the names that SDP has for them."""
KEYING_BYTES = {PROFILES[suite]: size for suite, size in crypto.KEYING_BYTES.items()}
"""Profile to the length of a master key with its salt behind it."""

_create = FUNCTIONS["srtp_create"]
_dealloc = FUNCTIONS["srtp_dealloc"]
_add_stream = FUNCTIONS["srtp_add_stream"]
_rtp_policy = FUNCTIONS["srtp_crypto_policy_set_from_profile_for_rtp"]
_rtcp_policy = FUNCTIONS["srtp_crypto_policy_set_from_profile_for_rtcp"]
_protect = FUNCTIONS["srtp_protect"]
_unprotect = FUNCTIONS["srtp_unprotect"]
_protect_rtcp = FUNCTIONS["srtp_protect_rtcp"]
_unprotect_rtcp = FUNCTIONS["srtp_unprotect_rtcp"]
_set_roc = FUNCTIONS["srtp_set_stream_roc"]
_get_roc = FUNCTIONS["srtp_get_stream_roc"]
_address, _i32, _u32 = types.uintp, types.int32, types.uint32


@kernel
def write_policy(cipher: Any, key: Any, profile: int, ssrc_type: int, ssrc: int) -> int:
    """Describe a stream in the scratch; OK, or libsrtp's reason against the profile. Forget the key afterwards."""
    if profile not in (AES_CM_128_HMAC_SHA1_80, AES_CM_128_HMAC_SHA1_32, AEAD_AES_128_GCM, AEAD_AES_256_GCM):
        return BAD_PARAMETER  # libsrtp knows more, among them those that encrypt nothing
    status = i64(_rtp_policy(_address(cipher.rtp_policy.ctypes.data), _i32(profile)))
    if status == OK:
        status = i64(_rtcp_policy(_address(cipher.rtcp_policy.ctypes.data), _i32(profile)))
    for i in range(cipher.key.size):
        cipher.key[i] = key[i]
    cipher.ssrc_type[0] = ssrc_type
    cipher.ssrc = ssrc
    cipher.key_address = cipher.key.ctypes.data
    cipher.window_size = REPLAY_WINDOW
    cipher.allow_repeat = 0
    return status


@kernel
def forget_key(cipher: Any) -> None:
    for i in range(cipher.key.size):
        cipher.key[i] = 0
    cipher.key_address = 0


@kernel
def new_session(cipher: Any, key: Any, profile: int, ssrc: int) -> int:
    """Make one direction's session; its handle, or 0 when libsrtp refuses.

    cipher: CIPHER, scratch.  key: (KEY_BYTES,) uint8, the master key with its salt behind it.  profile: one of the
    above.  ssrc: the one that we send, or -1 to receive whichever comes (RFC 4568 §6.4: none is signalled).
    """
    status = write_policy(cipher, key, profile, SPECIFIC if ssrc >= 0 else ANY_INBOUND, max(ssrc, 0))
    cipher.handle[0] = 0
    if status == OK:
        status = i64(_create(_address(cipher.handle.ctypes.data), _address(cipher.ssrc_type.ctypes.data)))
    forget_key(cipher)
    return i64(cipher.handle[0]) if status == OK else 0


@kernel
def resume_stream(cipher: Any, session: int, key: Any, profile: int, ssrc: int, rollover: int) -> bool:
    """Let a session made anew go on with an SSRC whose sequence numbers have wrapped `rollover` times.

    For an outbound session it is the SSRC that the session was made with; for an inbound one, the last that was heard.
    What was already received under this rollover counter is no longer known: the caller refuses older sequences.
    """
    if i64(_get_roc(_address(session), _u32(ssrc), _address(cipher.rollover.ctypes.data))) != OK:
        status = write_policy(cipher, key, profile, SPECIFIC, ssrc)
        if status == OK:
            status = i64(_add_stream(_address(session), _address(cipher.ssrc_type.ctypes.data)))
        forget_key(cipher)
        if status != OK:
            return False
    return i64(_set_roc(_address(session), _u32(ssrc), _u32(rollover))) == OK


@kernel
def rollover_of(cipher: Any, session: int, ssrc: int) -> int:
    """How often the SSRC's sequence numbers have wrapped in this session; -1 when the session has not met the SSRC."""
    if i64(_get_roc(_address(session), _u32(ssrc), _address(cipher.rollover.ctypes.data))) != OK:
        return -1
    return i64(cipher.rollover[0])


@kernel
def free_session(session: int) -> None:
    """Give back a session, with its keys overwritten; harmless for 0."""
    if session != 0:
        _dealloc(_address(session))


@kernel
def protect(cipher: Any, session: int, packet: int, length: int) -> int:
    """Encrypt and authenticate an RTP packet in place; its new length, or minus libsrtp's reason.

    packet: address of `length` bytes with room for TRAILER_BYTES behind them, on a multiple of 4.
    """
    cipher.length[0] = length
    status = i64(_protect(_address(session), _address(packet), _address(cipher.length.ctypes.data)))
    return i64(cipher.length[0]) if status == OK else -status


@kernel
def unprotect(cipher: Any, session: int, packet: int, length: int) -> int:
    """Authenticate and decrypt an SRTP packet in place; its new length, or minus libsrtp's reason.

    -AUTH_FAIL: not by whom holds the key, and what stands in `packet` is no longer what came.  -REPLAY_FAIL,
    -REPLAY_OLD: seen before, or too old to tell.
    """
    cipher.length[0] = length
    status = i64(_unprotect(_address(session), _address(packet), _address(cipher.length.ctypes.data)))
    return i64(cipher.length[0]) if status == OK else -status


@kernel
def protect_control(cipher: Any, session: int, packet: int, length: int) -> int:
    """As `protect`, for a compound RTCP packet (RFC 3711 §3.4); SRTCP counts its own packets."""
    cipher.length[0] = length
    status = i64(_protect_rtcp(_address(session), _address(packet), _address(cipher.length.ctypes.data)))
    return i64(cipher.length[0]) if status == OK else -status


@kernel
def unprotect_control(cipher: Any, session: int, packet: int, length: int) -> int:
    """As `unprotect`, for RTCP."""
    cipher.length[0] = length
    status = i64(_unprotect_rtcp(_address(session), _address(packet), _address(cipher.length.ctypes.data)))
    return i64(cipher.length[0]) if status == OK else -status


@kernel
def is_replay(length: int) -> bool:
    """Whether `unprotect` found a packet that it has seen: a copy made by the network, or an attacker's."""
    return length in (-REPLAY_FAIL, -REPLAY_OLD)
