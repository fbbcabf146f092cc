"""No core dumps and no onlookers: the memory of our processes holds keys, and whom the dialler is about to call."""

import ctypes
import resource
from typing import Final

PR_SET_DUMPABLE: Final = 4  # prctl(2)


def keep_memory_private() -> None:
    """Leave no core dump, and let no other process of the same user look into this one (ptrace(2), proc(5)).

    The limit alone is not enough: where the kernel pipes dumps to a program (core(5)), as distributions have it, it
    does not look at the limit. The flag is lost with exec, so that each of our programs asks for itself.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:  # Linux
        prctl(PR_SET_DUMPABLE, ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))
