"""Calls that are tried at one server after another, and over one carrier account after another (RFC 3263 §4.3).

The next one is tried only where the last said nothing about the callee: it did not answer, could not be reached, or
said 503 without having rung. Each try is a leg of its own, with a Call-ID of its own and past the gate once more; for
those above they are one call under one leg id. A try that is left before it has answered is cancelled as soon as it
shows life, and ended where it answers: two callees are never connected.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from softswitch.calls.events import CallEvent, CallFailed
from softswitch.calls.outcome import Outcome
from softswitch.sip.hop import Hop
from softswitch.sip.timers import Deadlines
from softswitch.sip.transaction import State
from softswitch.ua.accounts import Carrier
from softswitch.ua.health import HealthDesk
from softswitch.ua.legs import LegBook
from softswitch.ua.lines import TrunkLine
from softswitch.ua.making import LegMaker, NewCall

_SILENT_OR_DOWN: Final = frozenset({408, 503})
"""With Outcome.FAILED: no answer at all or no way there, which the legs call 408 and 503, or a 503 that was received.
A 408 that was received is the callee's silence, and has another outcome."""


@dataclass(frozen=True, slots=True)
class CallRerouted(CallEvent):
    """The call is now tried over another carrier account."""

    account: str


@dataclass(slots=True)
class _Call:
    """One call, and where it may yet be tried."""

    new: NewCall
    carrier: Carrier
    hops: list[Hop]
    """Servers of this carrier that are left."""
    accounts: list[Carrier]
    """Accounts that are left."""
    line: TrunkLine | None = None
    tries: int = 1

    @property
    def leg_id(self) -> str:
        return self.new.leg_id


class Tries:
    """The calls that have somewhere else to go. `LegBook` shows it the events of their legs."""

    def __init__(
        self,
        maker: LegMaker,
        book: LegBook,
        health: HealthDesk,
        events: deque[Any],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._maker = maker
        self._book = book
        self._health = health
        self._events = events
        self._is_stopping = is_stopping
        self._calls: dict[str, _Call] = {}
        self.failed: deque[tuple[_Call, CallFailed]] = deque()
        """What `proceed` is to see to."""
        self._silences: Deadlines[str] = Deadlines()
        book.withholds = self._withholds

    def place(self, new: NewCall, carriers: Sequence[Carrier], now: float) -> None:
        """Call a number over the first of these accounts that can take the call."""
        refusal = ""
        for position, carrier in enumerate(carriers):
            reason = "shutting down" if self._is_stopping() else carrier.admit(now)
            if reason is None:
                hop, *hops = carrier.targets.order()
                if position:
                    self._events.append(CallRerouted(new.leg_id, carrier.account.name))
                self._start(_Call(new, carrier, hops, list(carriers[position + 1 :])), hop, now)
                return
            refusal = refusal or reason
        self._events.append(CallFailed(new.leg_id, Outcome.FAILED, 503, refusal))

    def give_up(self, leg_id: str) -> None:
        """The call is hung up: it is tried nowhere else."""
        if leg_id in self._calls:
            self._forget(self._calls[leg_id])

    def proceed(self, now: float) -> None:
        """Take each call that has failed somewhere to its next try."""
        while self.failed:
            call, failed = self.failed.popleft()
            hop = None if self._is_stopping() else self._next(call, now)
            if hop is None:
                self._book.release(call.leg_id)
                self._events.append(failed)
            else:
                self._retry(call, hop, now)

    def handle_timer(self, now: float) -> None:
        """Leave servers that have not answered at all."""
        for leg_id in self._silences.due(now):
            call, leg = self._calls.get(leg_id), self._book.get(leg_id)
            if call is None or leg is None or call.line is None or call.line.invite is None:
                continue
            if call.line.invites > 1 or call.line.invite.state is not State.CALLING or self._is_stopping():
                continue  # it is there
            hop = self._next(call, now)
            if hop is not None:
                self._health.receive_trouble(call.line.hop, now)
                self._retry(call, hop, now)
                leg.hang_up(now)
                self._book.settle(leg)

    def next_timer(self) -> float | None:
        return self._silences.next()

    def _start(self, call: _Call, hop: Hop, now: float) -> None:
        leg, line = self._maker.call_number(call.new, call.carrier, hop)
        if call.hops or call.accounts:
            call.line = line
            self._calls[call.leg_id] = call
            self._silences.set(call.leg_id, now + call.carrier.account.failover_after_s)
        leg.start(now)
        self._book.settle(leg)

    def _retry(self, call: _Call, hop: Hop, now: float) -> None:
        self._book.set_aside(call.leg_id, f"{call.leg_id}~{call.tries}")
        self._forget(call)
        call.tries += 1
        self._start(call, hop, now)

    def _next(self, call: _Call, now: float) -> Hop | None:
        """Where to try next; None where nothing is left."""
        while call.hops:
            hop = call.hops.pop(0)
            if call.carrier.targets.may_be_tried(hop) and hop in call.carrier.targets:
                return hop
        while call.accounts:
            carrier = call.accounts.pop(0)
            if carrier.admit(now) is None:
                self._book.release(call.leg_id)
                call.carrier = carrier
                hop, *call.hops = carrier.targets.order()
                self._events.append(CallRerouted(call.leg_id, carrier.account.name))
                return hop
        return None

    def _withholds(self, event: CallEvent) -> bool:
        """Whether this event of a leg stays here, because the call goes on elsewhere."""
        call = self._calls.get(event.leg_id)
        if call is None:
            return False
        elsewhere = (
            isinstance(event, CallFailed) and event.outcome is Outcome.FAILED and event.status in _SILENT_OR_DOWN
        )
        self._forget(call)
        if elsewhere and isinstance(event, CallFailed):
            self.failed.append((call, event))
        return elsewhere

    def _forget(self, call: _Call) -> None:
        self._calls.pop(call.leg_id, None)
        self._silences.set(call.leg_id, None)
