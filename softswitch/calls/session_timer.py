"""Session timers: both ends agree how long a call lives without a sign of life, and who gives it (RFC 4028)."""

from dataclasses import dataclass
from typing import Final

from softswitch.errors import PeerError
from softswitch.sip.grammar import is_number
from softswitch.sip.message import Message

SHORTEST_S: Final = 90  # RFC 4028 §5: no interval may be shorter
LONGEST_S: Final = 0xFFFFFFFF
TAG: Final = "timer"


@dataclass(frozen=True, slots=True)
class SessionInterval:
    """What Session-Expires says (§4)."""

    seconds: int
    refresher: str = ""
    """"uac" or "uas" of the transaction that says so; empty: left open."""

    def __str__(self) -> str:
        return f"{self.seconds};refresher={self.refresher}" if self.refresher else str(self.seconds)

    @property
    def refresh_after_s(self) -> float:
        """When the refresher should speak (§10)."""
        return self.seconds / 2

    @property
    def expires_after_s(self) -> float:
        """When the call is ended that nobody refreshed (§10)."""
        return self.seconds - min(32.0, self.seconds / 3)


def supports(message: Message, tag: str) -> bool:
    """Whether the sender understands an extension, or even demands it."""
    return message.headers.has("Supported", tag) or message.headers.has("Require", tag)


def allows(message: Message, method: str) -> bool:
    """Whether the sender says that it takes such requests."""
    return method in message.headers.get_all("Allow")


def interval_in(message: Message) -> SessionInterval | None:
    """Session-Expires. Raises PeerError(400) where it is malformed."""
    line = message.headers.get("Session-Expires")
    if line is None:
        return None
    number, *params = [word.strip() for word in line.split(";")]
    refresher = ""
    for param in params:
        name, _, value = param.partition("=")
        if name.strip().lower() == "refresher":
            refresher = value.strip().lower()
    if refresher not in ("", "uac", "uas"):
        raise PeerError("Session-Expires names an unknown refresher")
    return SessionInterval(_seconds(number), refresher)


def shortest_in(message: Message) -> int:
    """Min-SE; 90 where there is none. Raises PeerError(400)."""
    line = message.headers.get("Min-SE")
    return SHORTEST_S if line is None else max(SHORTEST_S, _seconds(line.partition(";")[0].strip()))


def is_too_short(request: Message, shortest_s: int) -> bool:
    """Whether a request is to be refused with 422 (§9). A caller without session timers would not understand that."""
    asked = interval_in(request)
    return asked is not None and asked.seconds < shortest_s and supports(request, TAG)


def agree(request: Message, wished_s: int) -> SessionInterval | None:
    """What our 2xx says to a request (§9, table 2); None: no timer. `wished_s` 0: we ask for none ourselves."""
    asked = interval_in(request)
    knows = supports(request, TAG)
    if asked is None:
        # Who has not asked is not made to work: we refresh.
        return SessionInterval(max(wished_s, shortest_in(request)), "uas") if knows and wished_s else None
    seconds = asked.seconds
    if wished_s:
        seconds = min(seconds, max(wished_s, shortest_in(request)))
    return SessionInterval(seconds, (asked.refresher or "uac") if knows else "uas")


def _seconds(text: str) -> int:
    if not is_number(text) or len(text) > 10 or int(text) > LONGEST_S:
        raise PeerError("a session interval is malformed")
    return int(text)
