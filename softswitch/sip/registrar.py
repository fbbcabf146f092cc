"""The registrar: which user can be reached where, and for how long (RFC 3261 §10.3, RFC 3327, 3581, 5626).

One realm, whose users are named by the user part of To. Every request must be authenticated, and each user may bind
addresses for nobody else; an unknown user, a wrong password and a right one without a nonce all get the same 401.
A pure machine: `now` is passed in, responses are returned, changes come out of `next_event`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from softswitch.errors import PeerError, UsageError
from softswitch.sip.authenticator import Authenticator
from softswitch.sip.hop import DEFAULT_PORT, Hop
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.outbound import FLOW_TIMER_S, OUTBOUND, Flow, flow_of, uses_outbound
from softswitch.sip.snapshots import Snapshot, hop_from, hop_snapshot
from softswitch.sip.sources import source_of
from softswitch.sip.uri import Uri
from softswitch.sip.values import NameAddr, parse_expires

DEFAULT_EXPIRES_S: Final = 3600  # §10.2.1.1: what a registrar grants where nothing was asked for
MIN_EXPIRES_S: Final = 60  # ours; §10.3 step 7 lets the registrar choose, below one hour
MAX_BINDINGS: Final = 10  # ours; a phone that restarts on new ports leaves old bindings behind
EXTENSIONS: Final = frozenset({"path", OUTBOUND})

_SIP_SCHEMES: Final = frozenset({"sip", "sips"})


@dataclass(frozen=True, slots=True)
class Binding:
    """One address at which a user can be reached."""

    contact: NameAddr
    """As the phone gave it; its URI is the Request-URI of what is sent there."""
    destination: Hop
    """Where datagrams go: for a phone behind NAT, where its REGISTER came from."""
    expires_at: float
    q: float
    """0-1; the larger is preferred (§20.10)."""
    call_id: str
    cseq: int
    path: tuple[str, ...] = ()
    """Proxies that stand before the phone, as Route values in order (RFC 3327)."""
    user_agent: str = ""
    flow: Flow | None = None
    """The phone's own name for this way to it (RFC 5626); None: the Contact's URI tells bindings apart."""

    def snapshot(self) -> dict[str, Any]:
        """All of it, in plain values."""
        return {
            "contact": str(self.contact),
            "to": hop_snapshot(self.destination),
            "expires_at": self.expires_at,
            "q": self.q,
            "call_id": self.call_id,
            "cseq": self.cseq,
            "path": list(self.path),
            "user_agent": self.user_agent,
            "flow": None if self.flow is None else list(self.flow),
        }

    @classmethod
    def restored(cls, snapshot: Snapshot) -> "Binding":
        return cls(
            contact=NameAddr.parse(snapshot["contact"]),
            destination=hop_from(snapshot["to"]),
            expires_at=snapshot["expires_at"],
            q=snapshot["q"],
            call_id=snapshot["call_id"],
            cseq=snapshot["cseq"],
            path=tuple(snapshot["path"]),
            user_agent=snapshot["user_agent"],
            flow=None if snapshot["flow"] is None else Flow(*snapshot["flow"]),
        )


@dataclass(frozen=True, slots=True)
class UserRegistered:
    """A user who could not be reached can be now."""

    user: str


@dataclass(frozen=True, slots=True)
class UserExpired:
    """A user's last binding was taken back or ran out."""

    user: str


class Registrar:
    """See the module. After any call, drain `next_event` and re-arm by `next_timer`.

    authenticator: shared with whoever else checks the realm's users.
    max_expires_s: longer wishes are cut to it; keep it short for phones behind NAT, since it keeps their way open.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        new_token: Callable[[], str],
        *,
        default_expires_s: int = DEFAULT_EXPIRES_S,
        min_expires_s: int = MIN_EXPIRES_S,
        max_expires_s: int = DEFAULT_EXPIRES_S,
    ) -> None:
        if not 0 < min_expires_s <= max_expires_s or not min_expires_s <= default_expires_s:
            raise UsageError(
                "give the registrar 0 < min_expires_s <= max_expires_s, and a default not below the minimum"
            )
        self._authenticator = authenticator
        self._new_token = new_token
        self._default_expires_s = default_expires_s
        self._min_expires_s = min_expires_s
        self._max_expires_s = max_expires_s
        self._bindings: dict[str, tuple[Binding, ...]] = {}
        self._next_expiry: float | None = None
        self._events: deque[UserRegistered | UserExpired] = deque()
        self.on_kept: Callable[[str], None] | None = None
        """Told of every user whose bindings have changed, for those who keep snapshots."""

    def receive_register(self, request: Request, source: Hop, now: float) -> Response:
        """The final response to a REGISTER from `source`; the bindings change only where it is a 200 (§10.3)."""
        try:
            return self._register(request, source, now)
        except PeerError as error:
            return response_to(request, error.status, to_tag=self._new_token())

    def bindings(self, user: str, now: float) -> tuple[Binding, ...]:
        """A user's bindings, the preferred first: by q, then the one refreshed last."""
        live = [binding for binding in self._bindings.get(user, ()) if now < binding.expires_at]
        live.reverse()
        live.sort(key=lambda binding: -binding.q)  # stable: what was refreshed last stays in front of its equals
        return tuple(live)

    def drop(self, user: str) -> None:
        """Forget a user's bindings, as when the account is taken away or the phone is known to be gone."""
        self._keep(user, ())

    def drop_flow(self, hop: Hop) -> None:
        """A connection has closed: nobody behind NAT can be reached by it any more (RFC 5626 §5.3, §7)."""
        if not hop.flow:
            return
        for user, bindings in list(self._bindings.items()):
            left = tuple(each for each in bindings if each.destination.flow != hop.flow)
            if len(left) != len(bindings):
                self._keep(user, left)

    def handle_timer(self, now: float) -> None:
        """Let bindings run out."""
        for user, bindings in list(self._bindings.items()):
            live = tuple(binding for binding in bindings if now < binding.expires_at)
            if len(live) != len(bindings):
                self._keep(user, live)

    def next_timer(self) -> float | None:
        """When the next binding runs out."""
        return self._next_expiry

    def next_event(self) -> UserRegistered | UserExpired | None:
        """The next change, or None."""
        return self._events.popleft() if self._events else None

    def _register(self, request: Request, source: Hop, now: float) -> Response:
        unsupported = [tag for tag in request.headers.get_all("Require") if tag.lower() not in EXTENSIONS]
        if unsupported:  # step 2
            return response_to(
                request, 420, to_tag=self._new_token(), headers=[("Unsupported", ", ".join(unsupported))]
            )
        who = source_of(source.host)
        proof = self._authenticator.check(request, now, source=who)  # step 3
        if proof.username is None:
            return self._authenticator.challenge(request, proof, now, to_tag=self._new_token(), source=who)
        to = request.to.uri
        if to.scheme not in _SIP_SCHEMES:
            raise PeerError("To is no SIP address", 400)
        user = proof.username
        if to.decoded_user != user:  # step 4
            raise PeerError("a user registers for another", 403)
        outbound = uses_outbound(request)
        self.handle_timer(now)
        current = self._bindings.get(user, ())
        if request.has_wildcard_contact:  # step 6
            _check_wildcard(request)
            for binding in current:
                _check_order(binding, request)
            kept: tuple[Binding, ...] = ()
        else:
            asked = [self._asked_expiry(contact, request) for contact in request.contacts]
            if any(0 < seconds < self._min_expires_s for seconds in asked):  # step 7
                brief = [("Min-Expires", self._min_expires_s)]
                return response_to(request, 423, to_tag=self._new_token(), headers=brief)
            kept = current
            for contact, seconds in zip(request.contacts, asked, strict=True):
                kept = _updated(kept, contact, seconds, request, source, now)
        if len(kept) > MAX_BINDINGS:
            raise PeerError("a user binds too many addresses", 403)
        self._keep(user, kept)
        response = self._confirm(request, kept, now)
        if outbound:  # RFC 5626 §6
            response.headers.add("Require", OUTBOUND)
            response.headers.add("Flow-Timer", FLOW_TIMER_S[source.transport])
        return response

    def _asked_expiry(self, contact: NameAddr, request: Request) -> int:
        """Seconds asked for: the Contact's own, else the message's, else the default; cut to the longest we grant."""
        if contact.uri.scheme not in _SIP_SCHEMES:
            raise PeerError("a Contact is no SIP address", 400)
        text = contact.params.get("expires")
        seconds = parse_expires(text) if text is not None else request.expires
        return min(self._default_expires_s if seconds is None else seconds, self._max_expires_s)

    def _keep(self, user: str, bindings: tuple[Binding, ...]) -> None:
        was_reachable = user in self._bindings
        if bindings:
            self._bindings[user] = bindings
            if not was_reachable:
                self._events.append(UserRegistered(user))
        elif was_reachable:
            del self._bindings[user]
            self._events.append(UserExpired(user))
        self._next_expiry = min(
            (binding.expires_at for bindings in self._bindings.values() for binding in bindings), default=None
        )
        if self.on_kept is not None:
            self.on_kept(user)

    def snapshot(self, user: str) -> list[dict[str, Any]]:
        """A user's bindings in plain values."""
        return [binding.snapshot() for binding in self._bindings.get(user, ())]

    def restore(self, user: str, snapshot: Iterable[Snapshot], now: float) -> None:
        """Take up the bindings of this snapshot, but for those that ran out and those over connections, which ended
        with the process that had them."""
        bindings = (Binding.restored(each) for each in snapshot)
        live = tuple(each for each in bindings if now < each.expires_at and not each.destination.flow)
        if live:
            self._keep(user, live)

    def _confirm(self, request: Request, bindings: tuple[Binding, ...], now: float) -> Response:
        """The 200 with every binding and its remaining time (step 8)."""
        headers: list[tuple[str, object]] = []
        for binding in bindings:
            params = dict(binding.contact.params) | {"expires": str(max(1, ceil(binding.expires_at - now)))}
            headers.append(("Contact", binding.contact._replace(params=params)))
        if request.headers.has("Supported", "path"):
            headers += [("Path", value) for value in request.headers.get_all("Path")]
        return response_to(request, 200, to_tag=self._new_token(), headers=headers)


def _check_wildcard(request: Request) -> None:
    if request.contacts or request.expires != 0 or len(request.headers.get_all("Contact")) != 1:
        raise PeerError("a wildcard Contact stands with others, or without Expires: 0", 400)


def _check_order(binding: Binding, request: Request) -> None:
    """Raise where the request was sent before the one that made the binding (steps 6 and 7)."""
    if binding.call_id == request.call_id and request.cseq.number <= binding.cseq:
        raise PeerError("a REGISTER came out of order", 400)


def _updated(
    bindings: tuple[Binding, ...], contact: NameAddr, seconds: int, request: Request, source: Hop, now: float
) -> tuple[Binding, ...]:
    """The bindings with one Contact added, refreshed or, with no seconds, removed (step 7)."""
    kept: list[Binding] = []
    flow = flow_of(contact, request)
    for binding in bindings:
        # A phone that names its instance and has moved to another port would else leave its old binding behind.
        if binding.contact.uri == contact.uri if flow is None else binding.flow == flow:
            _check_order(binding, request)
        else:
            kept.append(binding)
    if seconds:
        kept.append(
            Binding(
                contact=contact,
                destination=source if flow and flow.reg_id else _destination(contact.uri, request, source),
                expires_at=now + seconds,
                q=_preference(contact.params.get("q")),
                call_id=request.call_id,
                cseq=request.cseq.number,
                path=tuple(request.headers.get_all("Path")),
                user_agent=request.headers.get("User-Agent") or "",
                flow=flow,
            )
        )
    return tuple(kept)


def _destination(contact: Uri, request: Request, source: Hop) -> Hop:
    """Where to send: back to where the REGISTER came from, which opens every NAT on the way.

    A phone that neither asks for symmetric answers (RFC 3581) nor stands behind NAT may listen on a port of its own.
    """
    if source.transport == "UDP" and contact.address == source.host and "rport" not in request.via.params:
        return source._replace(port=contact.port or DEFAULT_PORT)
    return source


def _preference(text: str | None) -> float:
    """q as a number in 0-1; 1 where it is absent or unreadable (§20.10 says no default; the others do as here)."""
    try:
        q = float(text) if text else 1.0
    except ValueError:
        return 1.0
    return q if 0.0 <= q <= 1.0 else 1.0
