"""A registration with a carrier, kept alive (RFC 3261 §10.2): refreshed in time, tried again with growing pauses.

A pure machine beside the transaction layer: send what `next_request` gives, and hand the final response, or its
absence, back. One request is on its way at a time.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from softswitch.errors import PeerError
from softswitch.sip.digest import ClientDigest
from softswitch.sip.headers import Headers
from softswitch.sip.locating import Chance
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri
from softswitch.sip.values import CSeq, NameAddr, parse_expires, read_addresses

MIN_PAUSE_S: Final = 2.0  # ours, before the first new try
MAX_PAUSE_S: Final = 300.0  # ours; RFC 5626 §4.5 lets it grow to 1800, longer than a call centre can wait
MIN_MARGIN_S: Final = 5.0  # ours; a refresh must come through on its second transmission at the least
MAX_RETRY_AFTER_S: Final = 3600.0  # ours; what a server may ask us to wait
MOST_ROUTES: Final = 8  # ours
SLOW_STATUSES: Final = frozenset({403, 404, 405, 410, 604})  # asking again soon will change nothing


class State(Enum):
    IDLE = auto()
    REGISTERING = auto()
    REGISTERED = auto()
    """Refreshes run in this state."""
    WAITING = auto()
    """Failed; a new try is due at `next_timer`."""
    UNREGISTERING = auto()


@dataclass(frozen=True, slots=True)
class Registered:
    """The registrar has us; reported when this begins, and after a failure, but not at each refresh."""

    expires_s: int


@dataclass(frozen=True, slots=True)
class RegistrationFailed:
    """A try failed, or the registration lapsed; the next try is planned."""

    status: int
    """408 where nobody answered; of one that lapsed, what its refresh was refused by."""
    reason: str


@dataclass(frozen=True, slots=True)
class Unregistered:
    """Stopped, whether the registrar took note or not."""


RegistrationEvent: TypeAlias = Registered | RegistrationFailed | Unregistered


class Registration:
    """See the module. After any call, drain `next_request` and `next_event`, then re-arm by `next_timer`.

    registrar: the Request-URI, a domain without a user part.  aor: who we are there (To and From).
    contact: where we want to be reached.  digest: answers challenges; shared with the account's calls.
    chance: shortens pauses, so that not all who lost one registrar come back to it at once.
    """

    def __init__(
        self,
        *,
        registrar: Uri,
        aor: Uri,
        contact: Uri,
        digest: ClientDigest | None,
        new_token: Callable[[], str],
        chance: Chance,
        expires_s: int = 300,
        user_agent: str = "softswitch",
    ) -> None:
        self._registrar = registrar
        self._aor = aor
        self._contact = contact
        self._digest = digest
        self._new_token = new_token
        self._chance = chance
        self._expires_s = expires_s
        self._user_agent = user_agent
        self._call_id = new_token()  # one for all requests, so that the registrar can order them (§10.2)
        self._cseq = 0
        self._pause_s = MIN_PAUSE_S
        self._lapses_at: float | None = None
        self._due_at: float | None = None
        self._pending: Request | None = None
        self._outbox: deque[Request] = deque()
        self._events: deque[RegistrationEvent] = deque()
        self._brief_once = False
        self._reported = False
        self._failed_by = 408
        """The last answer to a refresh that was refused; 408: none was, or nobody has answered."""
        self.state = State.IDLE
        self.service_route: tuple[str, ...] = ()
        """Route values in order, by which the registrar would have our calls go (RFC 3608 §6.1)."""

    @property
    def is_registered(self) -> bool:
        """Whether calls for us will reach us."""
        return self._lapses_at is not None

    def start(self, now: float) -> None:
        """Register, and stay so. Does nothing where it runs already."""
        if self.state is State.IDLE:
            self.state = State.REGISTERING
            self._send(self._expires_s)

    def stop(self, now: float) -> None:
        """Take the registration back; `Unregistered` follows."""
        if self.state in (State.IDLE, State.UNREGISTERING):
            return
        self._due_at = None
        # A REGISTER may be on its way: the registrar may have us without our knowing.
        known = self.is_registered or self._pending is not None
        self.state = State.UNREGISTERING
        self._lapses_at = None
        if not known:
            self._finish()
        elif self._pending is None:
            self._send(0)

    def receive_response(self, response: Response, now: float) -> None:
        """Take the final response to the request last given out; provisional ones are ignored."""
        request = self._pending
        if request is None or response.status < 200 or response.cseq != request.cseq:
            return
        self._pending = None
        if self.state is State.UNREGISTERING:
            self._receive_while_stopping(response, request)
        elif response.status < 300:
            self._receive_success(response, now)
        elif self._can_answer(response, request) or self._lengthen(response):
            self._send(self._expires_s)
        else:
            self._fail(response.status, response.reason, now, response.retry_after)

    def receive_failure(self, now: float) -> None:
        """Nobody answered the request last given out, or it could not be sent."""
        if self._pending is None:
            return
        self._pending = None
        if self.state is State.UNREGISTERING:
            self._finish()
        else:
            self._fail(408, "no answer", now)

    def move_on(self) -> None:
        """Another server is to be asked: a new request follows the one last given out, and its answer alone counts."""
        request, self._pending = self._pending, None
        if request is not None:
            self._send(0 if self.state is State.UNREGISTERING else self._expires_s)

    def move_contact(self, contact: Uri) -> None:
        """Be reached here from now on. The request that was given out last, and is not sent yet, says so too."""
        if contact == self._contact:
            return
        self._contact = contact
        if self._pending is not None:
            self._pending.headers.set("Contact", NameAddr(contact))

    def handle_timer(self, now: float) -> None:
        """Refresh, try again, or find that the registration has lapsed."""
        if self._lapses_at is not None and now >= self._lapses_at:
            self._lapses_at = None
            self._report_failure(self._failed_by, "the registration lapsed")
            if self.state is State.REGISTERED:
                self.state = State.REGISTERING
        if self._due_at is not None and now >= self._due_at:
            self._due_at = None
            if self._pending is None and self.state in (State.REGISTERED, State.WAITING):
                if self.state is State.WAITING:
                    self.state = State.REGISTERED if self.is_registered else State.REGISTERING
                self._send(self._expires_s)

    def next_timer(self) -> float | None:
        """When `handle_timer` is due."""
        return min((at for at in (self._due_at, self._lapses_at) if at is not None), default=None)

    def next_request(self) -> Request | None:
        """The next REGISTER to send to the registrar, without Via; or None."""
        return self._outbox.popleft() if self._outbox else None

    def next_event(self) -> RegistrationEvent | None:
        """The next change, or None."""
        return self._events.popleft() if self._events else None

    def _send(self, expires_s: int) -> None:
        self._cseq += 1
        request = Request(
            "REGISTER",
            self._registrar,
            Headers(
                [
                    ("Max-Forwards", 70),
                    ("From", NameAddr(self._aor).with_tag(self._new_token())),
                    ("To", NameAddr(self._aor)),
                    ("Call-ID", self._call_id),
                    ("CSeq", CSeq(self._cseq, "REGISTER")),
                    ("Contact", NameAddr(self._contact)),
                    ("Expires", expires_s),
                    ("User-Agent", self._user_agent),
                ]
            ),
        )
        if self._digest is not None:
            self._digest.authorise(request)
        self._pending = request
        self._outbox.append(request)

    def _can_answer(self, response: Response, request: Request) -> bool:
        if response.status not in (401, 407) or self._digest is None:
            return False
        return self._digest.receive_challenge(response, request)

    def _receive_success(self, response: Response, now: float) -> None:
        granted = self._granted(response)
        if granted <= 0:
            self._fail(response.status, "the registrar granted no time", now)
            return
        self.state = State.REGISTERED
        self.service_route = _service_route_in(response)
        self._pause_s = MIN_PAUSE_S
        self._brief_once = False
        self._failed_by = 408
        self._lapses_at = now + granted
        self._due_at = now + max(granted / 2, granted - max(MIN_MARGIN_S, granted * 0.1))
        if not self._reported:
            self._reported = True
            self._events.append(Registered(granted))

    def _granted(self, response: Response) -> int:
        """Seconds that the registrar grants to our Contact (§10.2.4); never longer than asked for.

        Where something on the way has written another address into it, the longest of what is bound is taken for ours:
        it has just been granted.
        """
        own = [each for each in response.contacts if each.uri == self._contact] or response.contacts
        times = [parse_expires(text) for each in own if (text := each.params.get("expires")) is not None]
        granted = max(times) if times else response.expires
        return self._expires_s if granted is None else min(granted, self._expires_s)

    def _lengthen(self, response: Response) -> bool:
        """Ask for the time that a 423 demands, once (§10.2.8)."""
        text = response.headers.get("Min-Expires")
        demanded = parse_expires(text) if text is not None else 0
        if response.status != 423 or self._brief_once or demanded <= self._expires_s:
            return False
        self._brief_once = True
        self._expires_s = demanded
        return True

    def _fail(self, status: int, reason: str, now: float, retry_after_s: int | None = None) -> None:
        self.state = State.WAITING
        self._failed_by = status
        pause_s = self._shortened(MAX_PAUSE_S if status in SLOW_STATUSES else self._pause_s)
        self._pause_s = min(self._pause_s * 2, MAX_PAUSE_S)
        if retry_after_s is not None:
            pause_s = max(pause_s, min(retry_after_s, MAX_RETRY_AFTER_S))
        self._due_at = now + pause_s
        self._brief_once = False
        self._report_failure(status, reason)

    def _shortened(self, pause_s: float) -> float:
        """Half to all of it, by chance (RFC 5626 §4.5)."""
        return pause_s * (500 + self._chance(501)) / 1000

    def _report_failure(self, status: int, reason: str) -> None:
        self._reported = False
        self._events.append(RegistrationFailed(status, reason))

    def _receive_while_stopping(self, response: Response, request: Request) -> None:
        if request.expires != 0:
            self._send(0)  # the answer to what was on its way when we were told to stop
        elif self._can_answer(response, request):
            self._send(0)
        else:
            self._finish()

    def _finish(self) -> None:
        self.state = State.IDLE
        self.service_route = ()
        self._reported = False
        self._events.append(Unregistered())


def _service_route_in(response: Response) -> tuple[str, ...]:
    """Empty where it cannot be read, or names anybody but loose routers (RFC 3608 §5)."""
    try:
        routes = read_addresses(response.headers.lines("Service-Route"))
    except PeerError:
        return ()
    if len(routes) > MOST_ROUTES or any("lr" not in each.uri.params for each in routes):
        return ()
    return tuple(str(each) for each in routes)
