"""One line: what is known of a leg from its INVITE until its media is closed, and who hears of it."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from softswitch.calls.outcome import Outcome
from softswitch.dialler.attempt import CallSound
from softswitch.media.events import MediaEvent
from softswitch.media.headset import Headset
from softswitch.sdp.crypto import OwnKeys

KEPT = ("leg_id", "offer", "version", "described", "agreed", "early_sdp", "account", "answered")
"""Fields that the process after this one is told."""


class LineOwner(Protocol):
    """Who placed or accepted a line, and so hears of it. `now` is the arrival of the message that caused it."""

    def line_ringing(self, line: "Line", now: float) -> None: ...
    def line_answered(self, line: "Line", now: float) -> None: ...
    def line_failed(self, line: "Line", outcome: Outcome, status: int, now: float) -> None: ...
    def line_ended(self, line: "Line", by_peer: bool, now: float) -> None: ...
    def line_media(self, line: "Line", event: MediaEvent) -> None: ...
    def line_note(self, line: "Line") -> dict[str, Any] | None:
        """What takes it up in the process after this one, in plain values, with its owner's `role`; None: nothing."""


@dataclass(slots=True)
class Line:
    """One leg of a call, from its INVITE until its media leg is closed."""

    leg_id: str
    owner: LineOwner
    media: int
    """Handle of the plane's leg."""
    offer: bytes
    """Ours, while an answer is awaited."""
    version: int = 1
    """Of our SDP; grows with every change of it (RFC 3264 §8)."""
    described: bytes = b""
    """Our SDP as the other end has it."""
    agreed: bool = False
    """Offer and answer have met at least once."""
    early_sdp: bytes = b""
    alerted: bool = False
    """A 180 has come; a 183 alone does not say that a telephone rings."""
    """From a 18x; stands for the answer where the 200 carries none (RFC 3261 §13.2.1)."""
    account: str = ""
    """The carrier account that carries it, or carried it in the end; empty for a phone."""
    answered: bool = False
    is_phone: bool = False
    """At the far end is an agent's or a supervisor's phone."""
    keys: OwnKeys | None = None
    """Ours for SRTP; None where it is off."""
    secure: bool = False
    """SRTP has been demanded, offered or agreed: from then on there is no plain RTP."""
    is_held: bool = False
    """The other end wants to be sent nothing."""
    closed: bool = False
    blocked: str = ""
    """Why the gate let no INVITE out."""
    sound: CallSound = field(default_factory=CallSound)
    """Known once the line is closed."""
    headset: Headset | None = None
    """At the far end, where that is a browser tab and no SIP leg."""

    def snapshot(self) -> dict[str, Any]:
        """All but its owner and its media leg, in plain values."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in KEPT}
        if self.keys is not None:
            plain |= {"keys": self.keys.kept, "in_use": self.keys.in_use, "secure": self.secure}
        return plain
