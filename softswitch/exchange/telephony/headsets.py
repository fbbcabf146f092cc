"""Browser headsets as lines: what `Lines` asks of the pool for a SIP leg, it asks here for a browser tab."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from softswitch.exchange.telephony.line import Line, LineOwner
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.dtls import Certificate
from softswitch.media.headset import Headset

log = structlog.get_logger(__name__)

Soon = Callable[[Callable[[], None]], object]


class Headsets:
    """Every browser headset of the site. Its certificate is made anew with each start."""

    def __init__(self, lines: Lines, address: str, *, settle: Callable[[], None], soon: Soon | None = None) -> None:
        """address: where media sockets are bound, and so the one candidate of each answer.

        settle: carry out what owners did when they heard of their headset.  soon: call once, after this turn of the
        loop; the running loop's own where it is left out.
        """
        self._lines = lines
        self._address = address
        self._settle = settle
        self._soon = soon
        self._certificate = Certificate()
        self._by_media: dict[int, Line] = {}
        lines.headsets = self

    def open(self, leg_id: str, offer: bytes, owner: LineOwner) -> tuple[Line, bytes]:
        """A line to the browser that offers, and the answer; `line_answered` follows once the browser is connected.

        Raises PeerError where the offer cannot be, UsageError without a free media port.
        """
        plane = self._lines.plane
        media = plane.open_leg()
        headset = Headset(plane, media, self._certificate, self)
        try:
            answer = headset.answer(offer, self._address)
        except Exception:
            plane.close_leg(media)
            raise
        line = Line(leg_id, owner, media, b"", headset=headset)
        self._by_media[media] = line
        self._lines.add(line)
        return line, answer

    def take_up(self, line: Line, snapshot: dict[str, Any]) -> None:
        """Go on with a browser of another process. UsageError where its snapshot cannot be used."""
        line.headset = Headset(self._lines.plane, line.media, self._certificate, self)
        line.headset.take_up(snapshot)
        self._by_media[line.media] = line

    def hang_up(self, line: Line) -> None:
        """Say goodbye to the browser. As with a phone, the line's owner hears of its end later."""
        assert line.headset is not None
        line.headset.close()
        soon = self._soon or asyncio.get_running_loop().call_soon
        soon(lambda: self._end(line, by_peer=False))

    def hang_up_all(self) -> None:
        for line in list(self._by_media.values()):
            self.hang_up(line)

    def headset_connected(self, headset: Headset) -> None:
        line = self._by_media[headset.leg]
        line.answered = line.agreed = True
        line.owner.line_answered(line, self._lines.now)
        self._lines.changed(line)
        self._settle()

    def headset_moved(self, headset: Headset) -> None:
        self._lines.changed(self._by_media[headset.leg])

    def headset_lost(self, headset: Headset, reason: str) -> None:
        line = self._by_media[headset.leg]
        log.warning("a headset is gone", leg=line.leg_id, reason=reason)
        self._end(line, by_peer=True)

    def _end(self, line: Line, *, by_peer: bool) -> None:
        if self._by_media.pop(line.media, None) is None:
            return
        self._lines.end(line, by_peer, self._lines.now)
        self._settle()
