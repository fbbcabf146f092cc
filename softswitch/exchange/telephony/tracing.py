"""Tracing: what passes between the switch and its peers is kept for a while, and shown to those who may see it."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from softswitch.safeguards.message_masking import MessageMask, without_secrets
from softswitch.safeguards.trace_view import StepView, TraceView
from softswitch.sip.glimpse import glimpse
from softswitch.sip.hop import Hop, OwnHops
from softswitch.sip.layer import Datagram
from softswitch.sip.message_ring import CallNames, Part, Traced, TraceRing, call_id_of
from softswitch.sip.pcap import file_header, packet
from softswitch.sip.uri import host_of

Seen = Callable[[float, bool, Hop, bytes], None]
"""Told of one message: time of the driver's clock, whether it was received, the other end, its bytes."""

LEGS_REMEMBERED_PER_MESSAGE = 0.25  # a call of fewer messages than four is rare, and its trace is short


class Tracing:
    """The switch's memory of its messages. Nothing is parsed or masked before somebody asks."""

    def __init__(self, messages: int, octets: int, own: Callable[[], OwnHops], clock: Callable[[], float]) -> None:
        """own: where we listen; asked late, because the sockets are opened first."""
        self.ring = TraceRing(messages, octets)
        self.names = CallNames(max(100, int(messages * LEGS_REMEMBERED_PER_MESSAGE)))
        self.masked = MessageMask(secrets.token_bytes(32))
        self.own = own
        self._clock = clock
        self._seen: list[Seen] = [self.ring.note]

    def add(self, seen: Seen) -> None:
        """Tell somebody else of each message too."""
        self._seen.append(seen)

    def receiving(self, receive: Callable[[bytes, Hop], None]) -> Callable[[bytes, Hop], None]:
        """`receive`, with a look at what comes in."""
        clock, note, others = self._clock, self.ring.note, self._seen

        def traced(data: bytes, source: Hop) -> None:
            if len(others) == 1:
                note(clock(), True, source, data)
            else:
                self._tell(True, source, data)
            receive(data, source)

        return traced

    def sending(self, send: Callable[[Datagram], None]) -> Callable[[Datagram], None]:
        """`send`, with a look at what goes out."""
        clock, note, others = self._clock, self.ring.note, self._seen

        def traced(datagram: Datagram) -> None:
            if len(others) == 1:
                note(clock(), False, datagram.destination, datagram.data)
            else:
                self._tell(False, datagram.destination, datagram.data)
            send(datagram)

        return traced

    def view(self, call: str, *, whole: bool) -> TraceView:
        """A call's messages. Raises KeyError where none of them is remembered.

        call: its reference, the id of one of its legs, or a Call-ID.
        """
        found = self._messages(call)
        own = self.own().main
        first = found[0][0].at
        epoch = self.epoch()
        show = without_secrets if whole else self.masked
        steps = []
        copies: set[tuple[bool, Hop, bytes]] = set()
        for traced, part in found:
            data = show(traced.data)
            seen = glimpse(data)
            key = (traced.is_received, traced.peer, traced.data)
            steps.append(
                StepView(
                    after_s=round(traced.at - first, 6),
                    at=datetime.fromtimestamp(epoch + traced.at, UTC).isoformat(timespec="microseconds"),
                    side="agent" if part.who else "carrier",
                    peer=_address(traced.peer),
                    transport=traced.peer.transport,
                    sent=not traced.is_received,
                    label=seen.label,
                    cseq=seen.cseq,
                    sdp=seen.sdp,
                    is_copy=key in copies,
                    message=data.decode("utf-8", "replace"),
                )
            )
            copies.add(key)
        return TraceView(call, whole, _address(own), tuple(steps))

    def capture(self, call: str, *, whole: bool) -> bytes:
        """The same messages as a pcap file. Raises KeyError where none of them is remembered."""
        epoch = self.epoch()
        own = self.own()
        show = without_secrets if whole else self.masked
        records = [file_header()]
        for traced, _ in self._messages(call):
            ends = [own.facing(traced.peer).address, traced.peer.address]
            if traced.is_received:
                ends.reverse()
            records.append(packet(epoch + traced.at, ends[0], ends[1], show(traced.data)))
        return b"".join(records)

    def _messages(self, call: str) -> list[tuple[Traced, Part]]:
        parts = self.names.parts_of(call) or [Part(call, "", 0.0, None)]
        found = [
            (traced, part)
            for part in parts
            for traced in self.ring.messages_of(part.call_id)
            if part.since <= traced.at and (part.until is None or traced.at <= part.until)
        ]
        if not found:
            raise KeyError(call)
        return sorted(found, key=lambda each: each[0].at)

    def _tell(self, is_received: bool, peer: Hop, data: bytes) -> None:
        now = self._clock()
        for seen in self._seen:
            seen(now, is_received, peer, data)

    def epoch(self) -> float:
        """What the driver's clock lacks of the time of day."""
        return datetime.now(UTC).timestamp() - self._clock()

    def correlation_of(self, data: bytes) -> str:
        """What the messages of one call have in common, for a capture server."""
        return self.names.correlation(call_id_of(data).decode("utf-8", "surrogateescape"))


def _address(hop: Hop) -> str:
    return f"{host_of(hop.host)}:{hop.port}"
