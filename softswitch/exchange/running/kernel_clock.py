"""What the kernel knows of its own clock: adjtimex(2), asked without changing anything."""

import ctypes

from softswitch.safeguards.conditions import KernelClock

_STA_UNSYNC = 0x0040  # <linux/timex.h>; set by the kernel itself when nobody has disciplined the clock for long
_STA_NANO = 0x2000
_TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """struct timex: its beginning, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def read_kernel_clock() -> KernelClock | None:
    """None where the kernel does not say (another system than Linux, or a sandbox that forbids the question)."""
    try:
        ask = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    timex = _Timex()
    state = int(ask(ctypes.byref(timex)))
    if state < 0:
        return None
    offset_ms = timex.offset / (1e6 if timex.status & _STA_NANO else 1e3)
    return KernelClock(state != _TIME_ERROR and not timex.status & _STA_UNSYNC, offset_ms)
