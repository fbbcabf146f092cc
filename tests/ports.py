"""Ports lent to tests: below those that the system lends, each to one process at a time, since tests run side by side.

A block is held by a UDP socket on an address of the loopback network that nothing else uses; it is given back when the
process ends, however it ends.
"""

import socket
from collections import deque
from contextlib import ExitStack

FIRST, LAST, STEP = 10_000, 24_000, 200  # from 24,000 on lies the demo
HOLDER = "127.255.255.254"
KEPT = 6
"""So many blocks go round in a process: a late packet of a test that is over finds nobody at its port."""

_singles: deque[int] = deque()
_held: dict[int, deque[int]] = {}
_holders = ExitStack()


def lend_ports(count: int = STEP) -> int:
    """The first of `count` ports, an even one, that no other process is lent and that nobody has open on 127.0.0.1."""
    own = _held.setdefault(count, deque())
    for _ in range(len(own) if len(own) >= KEPT else 0):
        own.rotate(-1)
        if _are_free(own[-1], count):
            return own[-1]
    for first in range(FIRST, LAST, STEP):
        if _hold(first, count):
            own.append(first)
            if _are_free(first, count):
                return first
    raise AssertionError(f"no {count} free ports between {FIRST} and {LAST}")


def free_port() -> int:
    """A port for a program that must be told one, the first of four that no other process is lent.

    One of the system's own lending, given back at once, may be anybody's before that program opens it.
    """
    if not _singles:
        first = next(first for first in range(LAST - STEP, FIRST, -STEP) if _hold(first, STEP))
        _singles.extend(range(first + 4, first + STEP, 4))  # the first is held: who opens it on every address may not
    for _ in range(len(_singles)):
        _singles.rotate(-1)
        if _are_free(_singles[-1], 4) and _are_free(_singles[-1], 1, socket.SOCK_STREAM):
            return _singles[-1]
    raise AssertionError(f"each of {len(_singles)} ports is in use")


def _hold(first: int, count: int) -> bool:
    with ExitStack() as holders:
        for port in range(first, first + count, STEP):
            holder = holders.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                holder.bind((HOLDER, port))
            except OSError:
                return False
        _holders.push(holders.pop_all())
        return True


def _are_free(first: int, count: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> bool:
    for port in range(first, first + count):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
