"""The neutral vocabulary that every leg speaks, whichever way its call was set up.

A bridge forwards these; the dialler listens to them; nothing above the legs sees a SIP message.
"""

from dataclasses import dataclass
from enum import StrEnum

from softswitch.calls.outcome import Outcome


class Origin(StrEnum):
    """Who sent us an INVITE, told from credentials or source address, never from what the message claims."""

    PHONE = "phone"
    TRUNK = "trunk"


@dataclass(frozen=True, slots=True)
class CallEvent:
    leg_id: str


@dataclass(frozen=True, slots=True)
class CallOffered(CallEvent):
    """An INVITE came in and has been authenticated; ring, answer or reject it."""

    origin: Origin
    source: str
    """The carrier account's name, or the agent id whose phone it is."""
    called: str
    """User part of the request URI."""
    caller: str
    """User part of From; on a trunk leg this is personal data."""
    offer: bytes
    """SDP; empty where the INVITE carries none (delayed offer)."""


@dataclass(frozen=True, slots=True)
class CallRinging(CallEvent):
    status: int
    """180-183."""
    sdp: bytes
    """The early-media answer, or empty."""


@dataclass(frozen=True, slots=True)
class CallAnswered(CallEvent):
    sdp: bytes


@dataclass(frozen=True, slots=True)
class MediaReoffered(CallEvent):
    """A re-INVITE asks for other media; answer with `UserAgentPool.answer_reoffer`."""

    offer: bytes


@dataclass(frozen=True, slots=True)
class CallFailed(CallEvent):
    """An outgoing call ended before it was answered."""

    outcome: Outcome
    status: int
    """The final SIP status; 408 for our own time-out, 503 for a transport error, 487 after our CANCEL."""
    reason: str
    """For the log after redaction; a hostile trunk may write a number into it."""


@dataclass(frozen=True, slots=True)
class CallEnded(CallEvent):
    """An answered call, or an incoming one, is over."""

    by_peer: bool
    cause: str
    """"bye", "cancel", "timeout", "no-ack", "hang-up", "rejected"."""


@dataclass(frozen=True, slots=True)
class ReofferAnswered(CallEvent):
    """The peer has taken the media that we proposed with `UserAgentPool.reoffer`."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class ReofferRefused(CallEvent):
    """The media stay as they were."""

    status: int
