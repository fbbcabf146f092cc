"""How the plane's kernels are compiled, and when what the cache holds is out of date.

Numba keys its cache on the file that a kernel stands in, not on those it calls; a kernel whose callee has changed
would go on with the old code, or fail to load. So the sources as a whole leave a stamp, and another stamp empties the
cache.
"""

import ctypes
import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import njit

import softswitch.amd
import softswitch.codecs
import softswitch.media

inner: Callable[[Any], Any] = njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True, no_cpython_wrapper=True)
"""For kernels that only kernels call: without a face towards Python they compile in half the time."""

kernel: Callable[[Any], Any] = njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
"""For kernels that Python calls."""

i64: Any = np.int64
"""Widen a number in a kernel, so that each kernel has one signature; a type checker sees through it."""

PR_SET_PDEATHSIG = 1  # prctl(2)
STAMP = "softswitch-kernels.stamp"


def fingerprint() -> str:
    """Names what compiled kernels depend on: numba's version and every source that may hold a kernel."""
    digest = hashlib.sha256(numba.__version__.encode())
    for package in (softswitch.codecs, softswitch.amd, softswitch.media):
        for folder in package.__path__:
            for source in sorted(Path(folder).glob("*.py")):
                digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def discard_stale_kernels(*folders: Path) -> None:
    """Empty the given cache folders of indices made from other sources. Call it before the first kernel runs."""
    stamp = fingerprint()
    for folder in folders:
        mark = folder / STAMP
        try:
            if mark.read_text() == stamp:
                continue
        except OSError:
            pass  # there is none yet
        for index in folder.glob("*.nbi"):
            index.unlink(missing_ok=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            mark.write_text(stamp)
        except OSError:
            continue  # numba cannot write there either


def is_cached(each: Any) -> bool:
    """Whether some version of a kernel lies in the cache."""
    name = each.py_func.__module__.rsplit(".", 1)[1] + "." + each.py_func.__qualname__
    return any(any(folder.glob(f"{name}-*.nbi")) for folder in cache_folders(each))


def fork_compilation(stages: list[tuple[Any, tuple[Any, ...]]]) -> int:
    """Fork a child that compiles kernels into the cache and ends; its process id, to be waited for."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for each, signature in stages:
            each.compile(signature)
        status = 0
    finally:
        os._exit(status)  # the parent's exit handlers are not this process's


def cache_folders(*kernels: Any) -> tuple[Path, ...]:
    """Where numba keeps the given kernels: NUMBA_CACHE_DIR, or beside the sources, or in the user's cache."""
    return tuple({Path(each.stats.cache_path) for each in kernels if each.stats.cache_path})
