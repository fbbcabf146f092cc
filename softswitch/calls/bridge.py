"""A back-to-back bridge: forwards the neutral events of one leg to the other, and no byte of either side's SIP.

For whoever only passes calls on, such as `bench/b2bua.py`; a site's lines need none, for each leg ends at the site
itself (`softswitch.exchange.telephony.lines`). What one side says in SDP goes to the `Desk`, and what the other side
reads is what the desk says for it.
"""

from enum import Enum, auto
from typing import Protocol

from softswitch.calls.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallFailed,
    CallRinging,
    MediaReoffered,
    ReofferAnswered,
    ReofferRefused,
)
from softswitch.calls.outcome import Outcome
from softswitch.errors import PeerError


class Calls(Protocol):
    """What a bridge says to its legs; `UserAgentPool` has it."""

    def ring(self, leg_id: str, now: float) -> None: ...
    def answer(self, leg_id: str, sdp: bytes, now: float) -> None: ...
    def reject(self, leg_id: str, status: int, now: float) -> None: ...
    def hang_up(self, leg_id: str, now: float) -> None: ...
    def answer_reoffer(self, leg_id: str, sdp: bytes | None, now: float) -> None: ...


class Desk(Protocol):
    """Where the SDP of each leg ends and ours begins. Raises PeerError where an offer or answer does not fit."""

    def answer_offer(self, leg_id: str, offer: bytes) -> bytes:
        """Our answer to this leg's offer; an empty offer asks for ours."""

    def take_answer(self, leg_id: str, answer: bytes) -> None:
        """This leg's answer to our offer."""


class BridgeState(Enum):
    """How far the two legs have come together."""

    RINGING = auto()
    """The called leg has not answered."""
    JOINED = auto()
    OVER = auto()


# What the caller is told when the called leg fails. Its status is not passed on: it speaks of an agent's phone.
_REFUSALS = {
    Outcome.BUSY: 486,
    Outcome.NO_ANSWER: 480,
    Outcome.CANCELLED: 480,
    Outcome.REFUSED: 480,
}


class Bridge:
    """Two legs of one call: `caller` came to us, `called` we placed. Feed it the events of both."""

    def __init__(self, caller: str, called: str, offer: bytes, *, calls: Calls, desk: Desk) -> None:
        """offer: the caller's, from `CallOffered`."""
        self.caller = caller
        self.called = called
        self.state = BridgeState.RINGING
        self._offer = offer
        self._calls = calls
        self._desk = desk

    def receive_event(self, event: CallEvent, now: float) -> None:
        """Forward one event; those of other legs, and those that come after the end, are ignored."""
        if self.state is BridgeState.OVER or event.leg_id not in (self.caller, self.called):
            return
        match event:
            case CallRinging() if event.leg_id == self.called:
                self._calls.ring(self.caller, now)
            case CallAnswered() if event.leg_id == self.called and self.state is BridgeState.RINGING:
                self._join(event.sdp, now)
            case CallAnswered() | ReofferAnswered():
                self._take_answer(event.leg_id, event.sdp, now)
            case MediaReoffered():
                self._answer_reoffer(event.leg_id, event.offer, now)
            case CallFailed():
                self._finish(now, refuse_with=_REFUSALS.get(event.outcome, 480))
            case CallEnded():
                self._finish(now)
            case ReofferRefused() | _:
                pass

    def hang_up(self, now: float) -> None:
        """End both legs."""
        self._finish(now)

    def _join(self, answer: bytes, now: float) -> None:
        try:
            self._desk.take_answer(self.called, answer)
            ours = self._desk.answer_offer(self.caller, self._offer)
        except PeerError as error:
            self._finish(now, refuse_with=error.status)
            return
        self.state = BridgeState.JOINED
        self._calls.answer(self.caller, ours, now)

    def _take_answer(self, leg_id: str, answer: bytes, now: float) -> None:
        """A late answer: of a caller without an offer in its INVITE, or to a re-INVITE of ours."""
        try:
            self._desk.take_answer(leg_id, answer)
        except PeerError:
            self._finish(now)

    def _answer_reoffer(self, leg_id: str, offer: bytes, now: float) -> None:
        """Hold and its like end at our desk: the other leg hears it, and need not agree to anything."""
        try:
            answer = self._desk.answer_offer(leg_id, offer)
        except PeerError:
            self._calls.answer_reoffer(leg_id, None, now)
            return
        self._calls.answer_reoffer(leg_id, answer, now)

    def _finish(self, now: float, refuse_with: int | None = None) -> None:
        joined = self.state is BridgeState.JOINED
        self.state = BridgeState.OVER
        if joined or refuse_with is None:
            self._calls.hang_up(self.caller, now)
        else:
            self._calls.reject(self.caller, refuse_with, now)
        self._calls.hang_up(self.called, now)
