"""The health of the carriers' servers: OPTIONS to each, and for how long one that failed is passed over."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from softswitch.sip.hop import Hop
from softswitch.sip.layer import Transaction, TransactionLayer
from softswitch.sip.locating import Chance, Server
from softswitch.sip.message import Request, Response
from softswitch.sip.timers import Deadlines
from softswitch.sip.uri import Uri
from softswitch.sip.values import NameAddr
from softswitch.ua.accounts import AccountFailed, AccountReachable, Carrier

SLOW_S: Final = 30.0  # ours; how long a server that failed a request comes after the others
MAX_RETRY_AFTER_S: Final = 600.0  # ours; one 503 must not keep a site from dialling for the rest of a shift
MISSES: Final = 2  # ours; OPTIONS in a row without an answer make a server silent: one may be lost with all its copies
ANSWER_S: Final = 4.0  # ours; OPTIONS over UDP are sent four times within it

HealthEvent: TypeAlias = AccountFailed | AccountReachable


@dataclass(frozen=True, slots=True)
class _Lift:
    """A pause is over. As all keys here: of one carrier, for one server."""

    account: str
    hop: Hop


@dataclass(frozen=True, slots=True)
class _Probe:
    account: str
    hop: Hop


@dataclass(frozen=True, slots=True)
class _Miss:
    account: str
    hop: Hop


class HealthDesk:
    """Marks servers in each carrier's `targets`, lifts the marks in time, and reports when an account stops or begins
    to be reachable.
    """

    def __init__(
        self,
        carriers: Mapping[str, Carrier],
        layer: TransactionLayer,
        *,
        new_token: Callable[[], str],
        user_agent: str,
        chance: Chance,
    ) -> None:
        self._carriers = carriers
        self._layer = layer
        self._new_token = new_token
        self._user_agent = user_agent
        self._chance = chance
        self._running = False
        self._deadlines: Deadlines[_Lift | _Probe | _Miss] = Deadlines()
        self._open: dict[Transaction, tuple[Carrier, Hop]] = {}
        self._waiting: set[_Miss] = set()
        self._misses: dict[tuple[str, Hop], int] = {}
        self._unreachable: set[str] = set()
        self._events: deque[HealthEvent] = deque()

    def start(self, now: float) -> None:
        """Begin to ask."""
        self._running = True
        for carrier in self._carriers.values():
            self._plan(carrier, now)

    def stop(self) -> None:
        """Ask no more."""
        self._running = False
        for carrier in self._carriers.values():
            for hop in carrier.targets.hops:
                self._deadlines.set(_Probe(carrier.account.name, hop), None)

    def set_targets(self, carrier: Carrier, servers: Iterable[Server], now: float) -> None:
        """DNS has said where the carrier is."""
        name, before = carrier.account.name, carrier.targets.hops
        carrier.targets.replace(servers)
        for hop in before:
            if hop not in carrier.targets:
                for key in (_Lift(name, hop), _Probe(name, hop)):
                    self._deadlines.set(key, None)
                self._disarm(_Miss(name, hop))
                self._misses.pop((name, hop), None)
        if self._running:
            self._plan(carrier, now, known=before)
        self._report(carrier, 503, "its servers are marked as down")

    def add(self, carrier: Carrier, now: float) -> None:
        """A carrier that is new."""
        if self._running:
            self._plan(carrier, now)

    def remove(self, carrier: Carrier) -> None:
        """A carrier that is used no more: nothing is asked of it, and answers that come yet are nobody's."""
        name = carrier.account.name
        for hop in carrier.targets.hops:
            for key in (_Lift(name, hop), _Probe(name, hop)):
                self._deadlines.set(key, None)
            self._disarm(_Miss(name, hop))
            self._misses.pop((name, hop), None)
        self._open = {sent: asked for sent, asked in self._open.items() if asked[0] is not carrier}
        self._unreachable.discard(name)

    # What requests came to

    def receive_busy(self, hop: Hop, response: Response, now: float) -> None:
        """A server said 503. Without a Retry-After that is a mere failure (RFC 3261 §21.5.4)."""
        pause_s = min(response.retry_after or 0, MAX_RETRY_AFTER_S)
        for carrier in self._at(hop):
            name = carrier.account.name
            if pause_s > 0:
                carrier.targets.mark_shut(hop)
                self._deadlines.set(_Lift(name, hop), now + pause_s)
                self._report(carrier, 503, f"asks to be left alone for {pause_s:g} s")
            else:
                self._mark_slow(carrier, hop, now)

    def receive_trouble(self, hop: Hop, now: float) -> None:
        """A server did not answer a request, or could not be reached."""
        for carrier in self._at(hop):
            self._mark_slow(carrier, hop, now)

    def receive_response(self, transaction: Transaction, response: Response, now: float) -> bool:
        """A response to an OPTIONS of ours; False for any other."""
        found = self._open.get(transaction)
        if found is None:
            return False
        if response.status < 200:
            return True
        del self._open[transaction]
        carrier, hop = found
        self._disarm(_Miss(carrier.account.name, hop))
        if response.status == 503:
            self._miss(carrier, hop)
        else:  # whatever it thinks of OPTIONS, it is there
            self._misses.pop((carrier.account.name, hop), None)
            carrier.targets.mark_answering(hop)
            self._report(carrier)
        return True

    def receive_failure(self, transaction: Transaction, now: float) -> bool:
        """An OPTIONS of ours that got no answer; False for any other request."""
        found = self._open.pop(transaction, None)
        if found is None:
            return False
        key = _Miss(found[0].account.name, found[1])
        if key in self._waiting:
            self._disarm(key)
            self._miss(*found)
        return True

    # Time

    def handle_timer(self, now: float) -> None:
        for key in self._deadlines.due(now):
            carrier = self._carriers[key.account]
            if isinstance(key, _Probe):
                self._probe(carrier, key.hop, now)
            elif isinstance(key, _Miss):
                self._waiting.discard(key)
                self._miss(carrier, key.hop)
            else:
                carrier.targets.lift(key.hop)
                self._report(carrier)

    def next_timer(self) -> float | None:
        return self._deadlines.next()

    def next_event(self) -> HealthEvent | None:
        return self._events.popleft() if self._events else None

    # OPTIONS

    def _plan(self, carrier: Carrier, now: float, known: Iterable[Hop] = ()) -> None:
        """Spread the first round, so that a hundred servers are not asked at once."""
        pause_s = carrier.account.options_s
        for hop in carrier.targets.hops if pause_s > 0 else ():
            if hop not in known:
                self._deadlines.set(_Probe(carrier.account.name, hop), now + self._chance(1000) / 1000 * pause_s)

    def _probe(self, carrier: Carrier, hop: Hop, now: float) -> None:
        account = carrier.account
        self._deadlines.set(_Probe(account.name, hop), now + account.options_s)
        miss = _Miss(account.name, hop)
        if miss in self._waiting:
            return
        own = self._layer.own
        request = Request("OPTIONS", account.uri(""))
        for name, value in (
            ("Max-Forwards", 70),
            ("From", NameAddr(_without_user(own.contact("", hop))).with_tag(self._new_token())),
            ("To", NameAddr(account.uri(""))),
            ("Call-ID", self._new_token()),
            ("CSeq", "1 OPTIONS"),
            ("Contact", NameAddr(own.contact(account.username or "softswitch", hop))),
            ("Accept", "application/sdp"),
            ("User-Agent", self._user_agent),
        ):
            request.headers.add(name, value)
        self._open[self._layer.send_request(request, hop, now)] = (carrier, hop)
        self._waiting.add(miss)
        self._deadlines.set(miss, now + ANSWER_S)

    def _miss(self, carrier: Carrier, hop: Hop) -> None:
        key = (carrier.account.name, hop)
        self._misses[key] = self._misses.get(key, 0) + 1
        if self._misses[key] >= MISSES:
            carrier.targets.mark_silent(hop)
            self._report(carrier, 408, "no server answers OPTIONS")

    def _disarm(self, miss: _Miss) -> None:
        self._waiting.discard(miss)
        self._deadlines.set(miss, None)

    # Marks

    def _at(self, hop: Hop) -> list[Carrier]:
        return [carrier for carrier in self._carriers.values() if hop in carrier.targets]

    def _mark_slow(self, carrier: Carrier, hop: Hop, now: float) -> None:
        if carrier.targets.may_be_tried(hop):
            carrier.targets.mark_slow(hop)
            self._deadlines.set(_Lift(carrier.account.name, hop), now + SLOW_S)

    def _report(self, carrier: Carrier, status: int = 0, reason: str = "") -> None:
        """Say so where the account has become unreachable, or reachable again."""
        name = carrier.account.name
        if not carrier.targets.hops or carrier.targets.are_usable:
            if name in self._unreachable:
                self._unreachable.discard(name)
                self._events.append(AccountReachable(name))
        elif name not in self._unreachable:
            self._unreachable.add(name)
            self._events.append(AccountFailed(name, status, reason))


def _without_user(uri: Uri) -> Uri:
    return Uri(uri.scheme, "", uri.host, uri.port)
