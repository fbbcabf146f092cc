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
    """User part that names the caller, empty where it is withheld; on a trunk leg this is personal data."""
    offer: bytes
    """SDP; empty where the INVITE carries none (delayed offer)."""
    hops_left: int = 70
    """Max-Forwards: a call that this one causes has one less, so that a ring of switches ends (RFC 7332)."""
    replaces: str = ""
    """The leg whose place this call is to take (RFC 3891), asked by one who may; answering ends that leg."""
    verstat: str = ""
    """Whether the caller's number was signed for (RFC 8224), as in "TN-Validation-Passed"; empty: nobody looked."""


@dataclass(frozen=True, slots=True)
class CallRinging(CallEvent):
    status: int
    """180-183."""
    sdp: bytes
    """The early-media answer, or empty."""


@dataclass(frozen=True, slots=True)
class CallAnswered(CallEvent):
    sdp: bytes
    """The answer to our offer; empty where the media were agreed before, or where we have offered none."""


@dataclass(frozen=True, slots=True)
class MediaReoffered(CallEvent):
    """The peer offers media, by re-INVITE, UPDATE or PRACK, or in its 2xx to an INVITE of ours without an offer.

    Answer with `UserAgentPool.answer_reoffer`. It may come before the call is answered.
    """

    offer: bytes


@dataclass(frozen=True, slots=True)
class CallFailed(CallEvent):
    """An outgoing call ended before it was answered."""

    outcome: Outcome
    status: int
    """The final SIP status; 408 for our own time-out, 503 for a transport error, 487 after our CANCEL,
    200 where the answer crossed it: somebody had lifted the receiver, and we hung up."""
    reason: str
    """For the log after redaction; a hostile trunk may write a number into it."""


@dataclass(frozen=True, slots=True)
class CallEnded(CallEvent):
    """An answered call, or an incoming one, is over."""

    by_peer: bool
    cause: str
    """"bye", "cancel", "timeout", "no-ack", "no-prack", "no-answer" (our offer stayed without one), "expired" (nobody
    refreshed the session), "replaced", "hang-up", "rejected"."""


@dataclass(frozen=True, slots=True)
class ReofferAnswered(CallEvent):
    """The peer has taken the media that we proposed with `UserAgentPool.reoffer`."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class ReofferRefused(CallEvent):
    """The media stay as they were."""

    status: int


@dataclass(frozen=True, slots=True)
class DigitPressed(CallEvent):
    """The peer reports a key press in its signalling (INFO), not in its media."""

    key: str
    """One of 0-9, *, #, A-D."""
    duration_ms: int


@dataclass(frozen=True, slots=True)
class TransferAsked(CallEvent):
    """A peer that may ask wants us to call somebody else in its place (REFER).

    Nothing is dialled: answer with `UserAgentPool.answer_transfer`, place the call as any other, gate and all, and say
    with `report_transfer` what has become of it.
    """

    target: str
    """User part of the URI that it names; written by the peer."""
    replaces: str = ""
    """The leg of ours that the new call is to take the place of; empty for a transfer without consultation."""
