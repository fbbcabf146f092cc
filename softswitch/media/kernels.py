"""How the plane's kernels are compiled, and when what the cache holds is out of date.

Numba keys its cache on the file that a kernel stands in, not on those it calls; a kernel whose callee has changed
would go on with the old code, or fail to load. So the sources as a whole leave a stamp, and another stamp empties the
cache.
"""

import ctypes
import hashlib
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np
from numba import njit

import softswitch.amd
import softswitch.codecs
import softswitch.media
from softswitch.codecs.compiling import inner_of

inner: Callable[[Any], Any] = inner_of(_nrt=False)
"""For kernels that only kernels call: without a face towards Python, and translated only with those that call them."""

kernel: Callable[[Any], Any] = njit(cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)
"""For kernels that Python calls."""

i64: Any = np.int64
"""Widen a number in a kernel, so that each kernel has one signature; a type checker sees through it."""

PR_SET_PDEATHSIG = 1  # prctl(2)
STAMP = "softswitch-kernels.stamp"
Packages = tuple[ModuleType, ...]
PLANE: Packages = (softswitch.codecs, softswitch.amd, softswitch.media)
_KERNEL = re.compile(r"^@(?:inner|kernel|njit|intrinsic)\b", re.M)
_IMPORT = re.compile(r"^from (softswitch[\w.]*) import (\([^)]*\)|[^\n]*)", re.M)


def fingerprint(packages: Packages = PLANE) -> str:
    """Names what compiled kernels depend on: numba's version, the sources that hold kernels, and what they import."""
    return _digest(kernel_sources(packages))


def source_version() -> str:
    """Names all of the sources that the two processes share, kernels or not."""
    return _digest(_sources_of(PLANE))


def kernel_sources(packages: Packages = PLANE) -> list[Path]:
    """The sources that hold a kernel, and those that they import, which may hold a constant or a layout of theirs."""
    waiting = [source for source in _sources_of(packages) if _KERNEL.search(source.read_text())]
    found = set(waiting)
    while waiting:
        for source in _imported_by(waiting.pop().read_text()) - found:
            found.add(source)
            waiting.append(source)
    return sorted(found)


def _sources_of(packages: Packages) -> list[Path]:
    return sorted(source for each in packages for folder in each.__path__ for source in Path(folder).glob("*.py"))


def _imported_by(text: str) -> set[Path]:
    """The sources of ours that a module imports at its top level."""
    found = set()
    for module, names in _IMPORT.findall(text):
        _, *parts = module.split(".")
        room = getattr(sys.modules.get(f"softswitch.{''.join(parts[:1])}"), "__path__", None)
        roots, below = (softswitch.__path__, parts) if room is None else (room, parts[1:])  # not always side by side
        for root in roots:
            place = Path(root, *below)
            named = re.findall(r"\w+", names) if place.is_dir() else []
            found |= {place.with_suffix(".py"), *(place / f"{name}.py" for name in named)}
    return {source for source in found if source.is_file()}


def _digest(sources: list[Path]) -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def discard_stale_kernels(*folders: Path, packages: Packages = PLANE) -> None:
    """Empty the given cache folders of indices made from other sources. Call it before the first kernel runs.

    packages: those whose kernels call each other.
    """
    stamp = fingerprint(packages)
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
