"""Who may send us what: the checks in front of every request that comes in.

A trunk is told by its source address, a phone by digest, and nobody by what a message says of itself. Agents cannot
dial, transfer, message or subscribe: a phone may register, ask OPTIONS, and send INVITE (which `calls.routing` lets
reach the log-in only) and what belongs to its call.

Proxy-Require is not looked at: nobody forwards anything here, and a caller's wish to its proxies is no wish to us
(RFC 3261 §20.29).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from softswitch.calls.bodies import ACCEPT, session_in
from softswitch.calls.events import Origin
from softswitch.calls.line import SDP, SUPPORTED
from softswitch.calls.session_timer import is_too_short
from softswitch.errors import PeerError
from softswitch.sip.hop import Hop
from softswitch.sip.message import Request, Response, response_to
from softswitch.ua.accounts import Carrier
from softswitch.ua.phones import PhoneDesk

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE"
_INSIDE = frozenset({"BYE", "PRACK", "UPDATE", "INFO", "NOTIFY"})
"""Methods that mean nothing outside of a call."""
_EXTENSIONS = frozenset({*SUPPORTED.split(", "), "replaces", "norefersub"})
EVENTS = "refer"
"""The one event package that we have anything to say of (RFC 3515); SUBSCRIBE alone does not get it either."""
SHORTEST_SESSION_S = 90  # RFC 4028 §5


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may send an INVITE."""

    origin: Origin
    source: str
    """The carrier account's name, or the agent's id."""


class Reception:
    """Decides over requests: a `Response` refuses or settles one, a `Caller` may call, None belongs to a call."""

    def __init__(self, carriers: Mapping[str, Carrier], phones: PhoneDesk, user_agent: str) -> None:
        self._carriers = carriers
        self._phones = phones
        self._user_agent = user_agent

    def receive(self, request: Request, source: Hop, now: float, *, inside: bool) -> Response | Caller | None:
        """`inside`: the request belongs to a dialog of ours; its tags are the proof."""
        if "Require" in request.headers and (inside or request.method != "REGISTER"):  # the registrar has its own
            unsupported = [tag for tag in request.headers.get_all("Require") if tag.lower() not in _EXTENSIONS]
            if unsupported:
                return self.refuse(request, 420, ("Unsupported", ", ".join(unsupported)))
        if inside:
            return None
        method = request.method
        if method == "INVITE" and request.to_tag is None:
            return self._receive_call(request, source, now)
        if request.to_tag is not None or method in _INSIDE:
            return self.refuse(request, 481)
        if method == "OPTIONS":
            return self.refuse(request, 200, ("Allow", ALLOW), ("Accept", ACCEPT), ("Supported", SUPPORTED))
        if method == "REGISTER":
            return self._phones.receive_register(request, source, now)
        if method == "SUBSCRIBE":
            return self.refuse(request, 489, ("Allow-Events", EVENTS))
        if method == "REFER":
            return self.refuse(request, 403)  # who may transfer may do so within a call
        return self.refuse(request, 405, ("Allow", ALLOW))

    def _receive_call(self, request: Request, source: Hop, now: float) -> Response | Caller:
        if request.max_forwards == 0:
            return self.refuse(request, 483)  # a call that ours would cause had none left (RFC 7332)
        try:
            if "Session-Expires" in request.headers and is_too_short(request, SHORTEST_SESSION_S):
                return self.refuse(request, 422, ("Min-SE", SHORTEST_SESSION_S))
            if request.body:
                session_in(request)
        except PeerError as error:
            accept = [("Accept", ACCEPT), ("Accept-Encoding", "identity")] if error.status == 415 else []
            return self.refuse(request, error.status, *accept)
        if "Accept" in request.headers and not accepts_sdp(request):
            return self.refuse(request, 406)
        return self._receive_invite(request, source, now)

    def refuse(self, request: Request, status: int, *headers: tuple[str, object]) -> Response:
        """The response with our tag and name."""
        return response_to(
            request, status, to_tag=self._phones.new_token(), headers=[*headers, ("Server", self._user_agent)]
        )

    def _receive_invite(self, request: Request, source: Hop, now: float) -> Response | Caller:
        carrier = self._carrier_at(request, source)
        if carrier is not None:
            if carrier.channels_free == 0:
                return self.refuse(request, 503, ("Retry-After", 5))
            return Caller(Origin.TRUNK, carrier.account.name)
        found = self._phones.authenticate(request, now, source)
        return found if isinstance(found, Response) else Caller(Origin.PHONE, found.agent)

    def _carrier_at(self, request: Request, source: Hop) -> Carrier | None:
        """The account whose host this is. Where a phone shares the host (a lab), only the carrier's own port counts:
        the phone is then asked for its password, and may do less.
        """
        here = [carrier for carrier in self._carriers.values() if carrier.is_at(source.host)]
        exact = [each for each in here if any(hop.address == source.address for hop in each.targets.hops)]
        if not exact and self._phones.knows(request.from_.uri.user):
            return None
        candidates = exact or here
        for carrier in candidates:
            if carrier.account.username and request.uri.user == carrier.account.username:
                return carrier
        return candidates[0] if candidates else None


def accepts_sdp(request: Request) -> bool:
    """Whether the sender's Accept lets us answer with SDP at all (RFC 3261 §20.1)."""
    ranges = {value.partition(";")[0].strip().lower() for value in request.headers.get_all("Accept")}
    return not ranges.isdisjoint({SDP, "application/*", "*/*"})
