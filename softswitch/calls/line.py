"""What every leg needs to know and to hold: its way to the peer, its settings, its phases and timers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto
from typing import Protocol

from softswitch.errors import SoftswitchError
from softswitch.sip.layer import Transaction
from softswitch.sip.message import Request, Response
from softswitch.sip.timers import Timers
from softswitch.sip.uri import Uri

SDP = "application/sdp"
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE"
"""What every peer may send within its call; some may send INFO and REFER beside."""
SUPPORTED = "100rel, timer"
_ALLOWS = {
    (False, False): ALLOW,
    (True, False): f"{ALLOW}, INFO",
    (False, True): f"{ALLOW}, REFER",
    (True, True): f"{ALLOW}, INFO, REFER",
}


class InviteRefused(SoftswitchError):
    """A safeguard stands between the leg and the wire; nothing was sent. The text holds no number."""


class Line(Protocol):
    """The only way from a leg to its peer. The pool makes one for each leg; a trunk's asks the never-dial gate."""

    def send_request(self, request: Request, next_hop: Uri, now: float) -> Transaction:
        """Raises InviteRefused where the gate does not let an INVITE pass."""

    def acknowledge(self, ack: Request, next_hop: Uri) -> None: ...
    def cancel(self, invite: Transaction, now: float) -> Transaction | None: ...
    def abandon(self, invite: Transaction, now: float) -> None: ...
    def respond(self, transaction: Transaction, response: Response, now: float) -> bool: ...


@dataclass(frozen=True, slots=True)
class LegSettings:
    """What all legs of one pool have in common."""

    contact: str
    user_agent: str
    new_token: Callable[[], str]
    timers: Timers
    keepalive_s: float = 30.0
    """Pause between OPTIONS inside an answered call; 0: none are sent."""
    ring_limit_s: float = 180.0
    """No call rings longer, whatever the peer says (as timer C, RFC 3261 §16.6)."""

    session_s: int = 1800
    """Seconds between signs of life that INVITEs of ours ask for (RFC 4028); 0: they ask for none."""
    shortest_session_s: int = 90
    """What peers may ask for at the least."""
    rings_reliably: bool = False
    """Whether callers who can do so acknowledge that it rings (RFC 3262); those who insist always do."""
    takes_digits: bool = True
    """Whether this peer may report key presses by INFO."""
    may_transfer: bool = False
    """Whether this peer may send REFER and Replaces."""

    allow: str = field(init=False)
    """What this peer may send."""
    supported: str = field(init=False)
    """The extensions that we speak with this peer."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "allow", _ALLOWS[self.takes_digits, self.may_transfer])
        supported = f"{SUPPORTED}, replaces, norefersub" if self.may_transfer else SUPPORTED
        object.__setattr__(self, "supported", supported)

    def chance(self, below: int) -> int:
        """An unguessable number, 0 to `below` less one."""
        return int.from_bytes(self.new_token().encode()[-8:]) % below


class Phase(Enum):
    """How far a leg has come: before its answer, answered, ended."""

    SETUP = auto()
    TALKING = auto()
    OVER = auto()


class LegTimer(IntEnum):
    """What a leg may wait for; one deadline each."""

    COPY_2XX = auto()
    """Send the 2xx again (§13.3.1.4)."""
    NO_ACK = auto()
    KEEPALIVE = auto()
    RING_LIMIT = auto()
    RING_AGAIN = auto()
    """A ringing UAS says so each minute, or proxies on the way give up (§13.3.1.1)."""
    CANCEL_WAIT = auto()
    REOFFER = auto()
    """Try a re-INVITE again that met another one (§14.1)."""
    COPY_PROVISIONAL = auto()
    """Send a reliable provisional again (RFC 3262 §3)."""
    NO_PRACK = auto()
    REFRESH = auto()
    """Half of the session interval has passed (RFC 4028 §10)."""
    EXPIRY = auto()
    """Nobody has refreshed the session."""
