"""Where those whom we do not trust come in: past the defence. Who asks for its own address only is told at once."""

from collections import deque
from typing import Any

from softswitch.sip.hop import Hop
from softswitch.sip.layer import Datagram, TransactionLayer
from softswitch.sip.outbound import binding_response
from softswitch.ua.defence import Defence
from softswitch.ua.dispatch import Dispatch


class FrontDoor:
    """The datagrams of strangers. What it answers itself goes to `answers`, who was banned to `events`."""

    def __init__(
        self,
        defence: Defence,
        layer: TransactionLayer,
        dispatch: Dispatch,
        *,
        answers: list[Datagram],
        events: deque[Any],
    ) -> None:
        self.defence = defence
        self._layer = layer
        self._dispatch = dispatch
        self._answers = answers
        self._events = events

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        defence = self.defence
        if defence.admits(data, source, now):
            answer = binding_response(data, source) if data[:1] == b"\0" else None
            if answer is not None:
                self._answers.append(Datagram(answer, source))
                return
            malformed = self._layer.counters.malformed
            self._layer.receive_datagram(data, source, now)
            if self._layer.counters.malformed != malformed:
                defence.receive_malformed(source, now)
            self._dispatch.pump(now)
        while (banned := defence.next_event()) is not None:
            self._events.append(banned)
