"""What is heard at an agent's place: between calls, in one, and by a callee whose agent's page is loaded anew."""

import structlog

from softswitch.errors import UsageError
from softswitch.exchange.floor.seat import Seat
from softswitch.exchange.telephony.line import Line
from softswitch.exchange.telephony.lines import Lines

log = structlog.get_logger(__name__)

ARRIVAL_TONE = "tone:arrival"
IDLE_SOUND = "tone:silence"
"""Between calls: a phone that gets no packets for long takes its call for dead, and so does a NAT on the way."""


class SeatSound:
    """Joins seats to their partners in the media plane, and parts them. Seats are only read."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def idle(self, line: Line) -> None:
        if not line.closed:
            self._lines.plane.play(line.media, IDLE_SOUND, loop=True)

    def join(self, seat: Seat) -> None:
        """The call begins, or goes on at another line: the agent hears the tone, and the partner the notice."""
        assert seat.line is not None
        assert seat.partner is not None
        self._lines.changed(seat.line)
        plane = self._lines.plane
        plane.mute(seat.line.media, seat.muted)
        plane.bridge(seat.partner.media, seat.line.media)
        plane.play(seat.line.media, ARRIVAL_TONE)
        if seat.notice:
            try:
                plane.play(seat.partner.media, seat.notice)
            except UsageError as error:
                log.error("notice cannot be played", call=seat.call_ref, reason=str(error))

    def part(self, seat: Seat) -> None:
        """Two who were joined hear each other no more."""
        if seat.line is not None:
            self._lines.plane.unbridge(seat.line.media)
            self.idle(seat.line)

    def rejoin(self, seat: Seat) -> None:
        """Undo `part`, without tone or notice."""
        if seat.line is not None and seat.partner is not None:
            self._lines.plane.mute(seat.line.media, seat.muted)
            self._lines.plane.bridge(seat.partner.media, seat.line.media)

    def mute(self, seat: Seat, muted: bool) -> None:
        """Whether what the agent says goes nowhere."""
        if seat.line is not None:
            self._lines.plane.mute(seat.line.media, muted)

    def wait(self, seat: Seat) -> None:
        """The partner, whose agent's line is gone, waits in silence for another."""
        if seat.partner is not None and not seat.parted:
            self._lines.plane.unbridge(seat.partner.media)
            self._lines.plane.play(seat.partner.media, IDLE_SOUND, loop=True)

    def go_on(self, seat: Seat) -> None:
        """Undo `wait`: the agent has another line."""
        if seat.partner is not None and not seat.parted:
            self._lines.plane.stop_playing(seat.partner.media)
            self.join(seat)
