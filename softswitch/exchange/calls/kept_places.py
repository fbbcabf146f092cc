"""Callers who asked to be called back: they have rung off, and keep their place in the queue."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from softswitch.dialler.agents import AgentBoard
from softswitch.dialler.lead import Lead
from softswitch.dialler.waiting import WaitingRoom
from softswitch.exchange.calls.inbound_call import InboundCall
from softswitch.exchange.calls.queues import Queue

OWN_MOMENT = timedelta(minutes=1)
"""So long before its latest moment a callback is the campaign's alone: nobody is called twice."""


class Offers(Protocol):
    """Who calls callers back: `exchange.calls.callback_offers.CallbackOffers`."""

    def take(
        self, campaign: str, queue: str, caller: str, kept: Callable[[Lead], None], refused: Callable[[], None]
    ) -> None: ...
    def due(self, lead: Lead) -> None: ...


class KeptPlaces:
    """Holds the places of callers who were promised a callback; their turn comes as if they had waited on the line."""

    def __init__(
        self,
        room: WaitingRoom,
        board: AgentBoard,
        wall: Callable[[], datetime],
        on_kept: Callable[[InboundCall], None],
    ) -> None:
        self._room = room
        self._board = board
        self._wall = wall
        self._on_kept = on_kept
        self.offers: Offers | None = None
        """None: nobody is called back."""
        self._callers: dict[str, tuple[Queue, Lead]] = {}
        """By the call that is over."""

    def __contains__(self, call_ref: str) -> bool:
        return call_ref in self._callers

    def receive_digit(self, call: InboundCall, digit: str) -> None:
        """A caller who waits may ask to be called back; `on_kept` once the promise is in the store."""
        queue, offers = call.queue, self.offers
        asks = bool(queue.callback_campaign) and digit == queue.callback_digit
        if offers is None or not asks or call.asked or call.agent or not self._room.waits(call.call_ref):
            return
        call.asked = True

        def kept(lead: Lead) -> None:
            if not self._room.keep_place(call.call_ref):
                return  # served, or gone: the callback comes at its latest moment
            self._callers[call.call_ref] = (queue, lead)
            self._on_kept(call)

        def refused() -> None:
            call.asked = False

        offers.take(queue.callback_campaign, queue.campaign, call.offered.caller, kept, refused)

    def call_back(self, call_ref: str) -> None:
        """The place is reached: the caller is called, if somebody is ready for it."""
        queue, lead = self._callers[call_ref]
        too_late = lead.not_before is None or self._wall() >= lead.not_before - OWN_MOMENT
        if not too_late and (self.offers is None or not self._board.ready(queue.agents)):
            return
        del self._callers[call_ref]
        self._room.leave(call_ref)
        if not too_late and self.offers is not None:
            self.offers.due(lead)
