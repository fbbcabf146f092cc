"""What happens next in a simulated day: a binary heap of events by their time, the earlier told first among equals."""

import numpy as np
from numba import njit

HEAP = np.dtype([("at", "f8"), ("serial", "i8"), ("what", "i8"), ("who", "i8"), ("tag", "i8")], align=True)
"""at: seconds.  serial: order of entry.  what: a kind of event.  who: its agent's or call's row.  tag: of which
call."""


@njit(cache=True, nogil=True)
def _earlier(heap: np.ndarray, one: int, other: int) -> bool:
    a, b = heap[one], heap[other]
    return a.at < b.at or (a.at == b.at and a.serial < b.serial)


@njit(cache=True, nogil=True)
def _swap(heap: np.ndarray, one: int, other: int) -> None:
    a, b = heap[one], heap[other]
    at, serial, what, who, tag = a.at, a.serial, a.what, a.who, a.tag
    a.at, a.serial, a.what, a.who, a.tag = b.at, b.serial, b.what, b.who, b.tag
    b.at, b.serial, b.what, b.who, b.tag = at, serial, what, who, tag


@njit(cache=True, nogil=True)
def push(heap: np.ndarray, size: np.ndarray, at: float, what: int, who: int, tag: int) -> None:
    """size: (2,) int64, entries and serial."""
    index = size[0]
    entry = heap[index]
    entry.at, entry.serial, entry.what, entry.who, entry.tag = at, size[1], what, who, tag
    size[0] += 1
    size[1] += 1
    while index > 0:
        parent = (index - 1) // 2
        if not _earlier(heap, index, parent):
            break
        _swap(heap, index, parent)
        index = parent


@njit(cache=True, nogil=True)
def pop(heap: np.ndarray, size: np.ndarray) -> None:
    """Remove the first entry; read it before."""
    size[0] -= 1
    _swap(heap, 0, size[0])
    index = 0
    while True:
        child = 2 * index + 1
        if child >= size[0]:
            return
        if child + 1 < size[0] and _earlier(heap, child + 1, child):
            child += 1
        if not _earlier(heap, child, index):
            return
        _swap(heap, index, child)
        index = child
