"""libsodium's functions that seal a recording, callable from nopython code.

The `PyNaCl` wheel holds the library and, by cffi, the functions' addresses. Each process that imports this module tells
LLVM those addresses, so that kernels which name them load from the cache.
"""

from typing import Any

from llvmlite import binding
from nacl._sodium import ffi, lib  # importing it has started the library
from numba import types

_address, _i32, _u64, _u8 = types.uintp, types.int32, types.uint64, types.uint8
_SIGNATURES = {
    # state, out, length of out, text, its length, what is authenticated beside it, its length, tag
    "crypto_secretstream_xchacha20poly1305_push": (_address,) * 4 + (_u64, _address, _u64, _u8),
    # state, content, its length
    "crypto_generichash_blake2b_update": (_address, _address, _u64),
}


def _register() -> dict[str, Any]:
    """Tell LLVM where the functions are; each as numba calls it. All return 0 where they succeed."""
    functions = {}
    for name, parameters in _SIGNATURES.items():
        binding.add_symbol(name, int(ffi.cast("uintptr_t", ffi.addressof(lib, name))))
        functions[name] = types.ExternalFunction(name, _i32(*parameters))
    return functions


FUNCTIONS = _register()
