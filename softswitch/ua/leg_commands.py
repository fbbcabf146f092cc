"""What those above say about a call that is there: ring, answer, refuse, hang up, propose other media, transfer."""

from softswitch.calls.incoming import IncomingLeg
from softswitch.calls.line import Phase
from softswitch.ua.dispatch import Dispatch
from softswitch.ua.legs import LegBook
from softswitch.ua.tries import Tries


class LegCommands:
    """The part of `UserAgentPool` that takes commands about legs.

    Commands about a leg that is over, or that never was, do nothing: its end may have crossed them.
    """

    _legs: LegBook
    _tries: Tries
    _dispatch: Dispatch

    def ring(self, leg_id: str, now: float, sdp: bytes = b"") -> None:
        """Let a caller hear that it rings; with `sdp` it hears our early media."""
        leg = self._legs.get(leg_id)
        if isinstance(leg, IncomingLeg):
            leg.ring(now, sdp)
            self._legs.settle(leg)

    def answer(self, leg_id: str, sdp: bytes, now: float) -> None:
        """Accept an offered call."""
        leg = self._legs.get(leg_id)
        if isinstance(leg, IncomingLeg):
            leg.answer(sdp, now)
            self._legs.settle(leg)
            replaced = self._legs.get(leg.replaces) if leg.replaces else None
            if replaced is not None:
                replaced.give_way(now)
                self._legs.settle(replaced)

    def reject(self, leg_id: str, status: int, now: float) -> None:
        """Refuse an offered call."""
        leg = self._legs.get(leg_id)
        if isinstance(leg, IncomingLeg):
            leg.reject(status, now)
            self._legs.settle(leg)

    def hang_up(self, leg_id: str, now: float) -> None:
        """CANCEL, BYE or refusal, as fits; saying it twice does nothing more."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            self._tries.give_up(leg_id)
            leg.hang_up(now)
            self._legs.settle(leg)
            self._dispatch.pump(now)

    def reoffer(self, leg_id: str, sdp: bytes, now: float) -> None:
        """Propose other media in an answered call; `ReofferAnswered` or `ReofferRefused` follows."""
        leg = self._legs.get(leg_id)
        if leg is not None and leg.phase is not Phase.OVER:
            leg.reoffer(sdp, now)
            self._legs.settle(leg)

    def answer_reoffer(self, leg_id: str, sdp: bytes | None, now: float) -> None:
        """Answer `MediaReoffered`; None refuses it and leaves the media as they are."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.answer_reoffer(sdp, now)
            self._legs.settle(leg)

    def answer_transfer(self, leg_id: str, status: int, now: float) -> None:
        """Accept what `TransferAsked` asks (202), or refuse it (a status from 300 on). Accepting dials nobody."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.answer_transfer(status, now)
            self._legs.settle(leg)

    def report_transfer(self, leg_id: str, status: int, now: float) -> None:
        """Tell who asked for a transfer how far it has come: the status of the new call."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.report_transfer(status, now)
            self._legs.settle(leg)
