"""Whose datagrams are whose, on the signalling side: legs with a browser at the other end."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from softswitch.errors import UsageError
from softswitch.media.addresses import host_number, host_text
from softswitch.media.layout import DATAGRAM, DATAGRAM_BYTES, FROM_BROWSERS, TO_BROWSERS, Shared
from softswitch.media.leg_book import handle_of
from softswitch.media.signals import pop_datagram, push_datagram

Receive: TypeAlias = Callable[[bytes, tuple[str, int]], None]
"""Told a datagram that is no RTP, and where it came from."""


class BrowserLegs:
    """Sends browsers' datagrams by their legs, and finds out who listens to what came."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._receivers: dict[int, Receive] = {}
        self._datagram = np.zeros(1, DATAGRAM)
        self._octets = np.zeros(DATAGRAM_BYTES, np.uint8)

    def add(self, handle: int, receive: Receive) -> None:
        self._receivers[handle] = receive

    def remove(self, handle: int) -> None:
        self._receivers.pop(handle, None)

    def clear(self) -> None:
        self._receivers.clear()

    def send(self, slot: int, generation: int, data: bytes, address: tuple[str, int]) -> bool:
        """Send a datagram from the leg's port within one of the relay's ticks; False when too many wait, as the
        network too loses some."""
        if len(data) > DATAGRAM_BYTES:
            raise UsageError(f"a datagram is at most {DATAGRAM_BYTES} octets long")
        self._octets[: len(data)] = np.frombuffer(data, np.uint8)
        host, port = host_number(address[0]), address[1]
        return bool(push_datagram(self._shared, TO_BROWSERS, slot, generation, host, port, self._octets, len(data)))

    def next_datagram(self) -> tuple[Receive, bytes, tuple[str, int]] | None:
        """The oldest that has come in for a leg that somebody listens to, with who does."""
        while pop_datagram(self._shared, FROM_BROWSERS, self._datagram):
            row: Any = self._datagram[0]
            receive = self._receivers.get(handle_of(int(row["leg"]), int(row["generation"])))
            if receive is not None:
                data = row["octets"][: int(row["size"])].tobytes()
                return receive, data, (host_text(int(row["host"])), int(row["port"]))
        return None
