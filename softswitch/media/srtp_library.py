"""libsrtp's functions, callable from nopython code, and the layout of what they take.

The `pylibsrtp` wheel holds the library (with OpenSSL inside) and, by cffi, the layout of its policy. Each process that
imports this module tells LLVM the functions' addresses, so that kernels which name them load from the cache. The layout
is part of the kernels' types: a wheel with another one makes numba compile anew.
"""

import ctypes
from typing import Any

import numpy as np
from llvmlite import binding
from numba import types
from pylibsrtp import _binding  # importing the package has started the library

from softswitch.errors import SoftswitchError
from softswitch.media.layout import SRTP_KEY_BYTES

ffi, lib = _binding.ffi, _binding.lib
KEY_BYTES = SRTP_KEY_BYTES
TRAILER_BYTES = 4 + 16
"""The most that protecting adds: a tag, and with RTCP the index (RFC 3711 §3.4, RFC 7714 §9.2)."""
REPLAY_WINDOW = 1024
"""Packets. RFC 3711 §3.3.2 asks for 64 at least; a burst that the network has held back may be longer."""

ANY_INBOUND = int(lib.ssrc_any_inbound)
SPECIFIC = int(lib.ssrc_specific)

# srtp_err_status_t of libsrtp 2 (include/srtp.h)
OK = 0
BAD_PARAMETER = 2
AUTH_FAIL = 7
REPLAY_FAIL = 9
REPLAY_OLD = 10

_address, _i32, _u32 = types.uintp, types.int32, types.uint32
_SIGNATURES = {
    "srtp_create": (_address, _address),
    "srtp_dealloc": (_address,),
    "srtp_add_stream": (_address, _address),
    "srtp_crypto_policy_set_from_profile_for_rtp": (_address, _i32),
    "srtp_crypto_policy_set_from_profile_for_rtcp": (_address, _i32),
    "srtp_protect": (_address, _address, _address),
    "srtp_unprotect": (_address, _address, _address),
    "srtp_protect_rtcp": (_address, _address, _address),
    "srtp_unprotect_rtcp": (_address, _address, _address),
    "srtp_set_stream_roc": (_address, _u32, _u32),
    "srtp_get_stream_roc": (_address, _u32, _address),
}


def _register() -> dict[str, Any]:
    """Tell LLVM where the functions are; each as numba calls it. All return srtp_err_status_t.

    They are asked of the loaded extension, because cffi knows only those that pylibsrtp itself calls.
    """
    library = ctypes.CDLL(_binding.__file__)
    functions = {}
    for name, parameters in _SIGNATURES.items():
        try:
            pointer = ctypes.cast(getattr(library, name), ctypes.c_void_p).value
        except AttributeError:
            raise SoftswitchError(f"the installed pylibsrtp does not give out {name}; install its wheel") from None
        binding.add_symbol(name, pointer)
        functions[name] = types.ExternalFunction(name, _i32(*parameters))
    return functions


def _policy_fields() -> dict[str, tuple[Any, int]]:
    """The fields of srtp_policy_t that we set, as this wheel lays them out: dtype and offset.

    The first begins where the structure begins. The cipher policies of RTP and RTCP inside it are the library's own
    matter: only their addresses are wanted. What lies between stays zero.
    """
    if ffi.sizeof("unsigned long") != 8 or ffi.sizeof("unsigned char *") != 8:
        raise SoftswitchError("SRTP needs a 64-bit system")
    ssrc = ffi.offsetof("srtp_policy_t", "ssrc")
    if ssrc + ffi.offsetof("srtp_ssrc_t", "type") != 0:
        raise SoftswitchError("the installed pylibsrtp holds a libsrtp that is not of version 2")
    return {
        "ssrc_type": (("i4", (1,)), ssrc + ffi.offsetof("srtp_ssrc_t", "type")),
        "ssrc": ("u4", ssrc + ffi.offsetof("srtp_ssrc_t", "value")),
        "rtp_policy": (("u1", (ffi.sizeof("srtp_crypto_policy_t"),)), ffi.offsetof("srtp_policy_t", "rtp")),
        "rtcp_policy": (("u1", (ffi.sizeof("srtp_crypto_policy_t"),)), ffi.offsetof("srtp_policy_t", "rtcp")),
        "key_address": ("u8", ffi.offsetof("srtp_policy_t", "key")),
        "window_size": ("u8", ffi.offsetof("srtp_policy_t", "window_size")),
        "allow_repeat": ("i4", ffi.offsetof("srtp_policy_t", "allow_repeat_tx")),
    }


def _cipher() -> np.dtype[Any]:
    fields = _policy_fields()
    offset = int(ffi.sizeof("srtp_policy_t"))
    for name, form in (
        ("handle", ("u8", (1,))),
        ("length", ("i4", (1,))),
        ("rollover", ("u4", (1,))),
        ("key", ("u1", (KEY_BYTES,))),
    ):
        fields[name] = (form, offset)
        offset += np.dtype(form).itemsize
    return np.dtype(
        {
            "names": list(fields),
            "formats": [form for form, _ in fields.values()],
            "offsets": [place for _, place in fields.values()],
            "itemsize": offset,
        }
    )


FUNCTIONS = _register()
CIPHER = _cipher()
"""What libsrtp's calls take besides the packet: its policy, then what they fill in, then room for a key. Scratch: it
holds a key only while a session is made of it."""
