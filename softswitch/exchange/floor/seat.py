"""An agent's place: how the agent is reached, by which line just now, and who can be heard there."""

from collections.abc import Callable
from dataclasses import dataclass

from softswitch.config import Connect
from softswitch.exchange.telephony.line import Line


@dataclass(frozen=True, slots=True)
class Talk:
    """Who can be heard at an agent's place just now."""

    line: Line | None
    """The agent's, while it is up; None in a call whose agent's page is being loaded anew."""
    partner: Line | None
    """The other end, once the two are joined."""
    call_ref: str
    """Empty where they are not."""


@dataclass(slots=True)
class Seat:
    """One agent's place: how the agent is reached, and by which line just now."""

    agent: str
    connect: Connect
    line: Line | None = None
    up: bool = False
    """The line is answered."""
    partner: Line | None = None
    """The line that the agent talks to."""
    call_ref: str = ""
    muted: bool = False
    """By the kill switch for this agent; until the call is over."""
    notice: str = ""
    """Clip that the partner hears as the two are joined."""
    on_heard: Callable[[float], None] | None = None
    """Told when the agent's first packet has left for the partner."""
    packets: int = 0
    """Received from the phone when its audio was last looked at."""
    heard_at: float = 0.0
    away_until: float = 0.0
    """In a call the headset's page is being loaded anew: the place is kept until then, monotonic; 0: it is not."""
    parted: bool = False
    """The partner is somebody else's for now."""

    @property
    def is_nailed_up(self) -> bool:
        """Whether its line stays from call to call; a headset always does, as nobody can ring a browser tab."""
        return self.connect is Connect.NAILED_UP or (self.line is not None and self.line.headset is not None)

    @property
    def talk(self) -> Talk:
        line = self.line if self.up and self.line is not None and not self.line.closed else None
        if self.partner is None or (line is None and not self.away_until):
            return Talk(line, None, "")
        return Talk(line, None if self.partner.closed else self.partner, self.call_ref)

    @property
    def is_away(self) -> bool:
        """Whether the partner waits for the agent's headset, whose page is being loaded anew."""
        return self.line is None and self.partner is not None and self.away_until > 0

    @property
    def may_come_back(self) -> bool:
        """Whether an agent whose line is gone now may come back to the call: a tab may be loaded anew."""
        has_headset = self.line is not None and self.line.headset is not None
        return has_headset and self.partner is not None and not self.partner.closed

    @property
    def unheard_because(self) -> str:
        """Why the partner does not hear the agent in a call: "taken over", "muted", or empty."""
        if self.partner is None:
            return ""
        return "taken over" if self.parted else "muted" if self.muted else ""

    def silent_s(self, packets: int, now: float) -> float:
        """For how long the phone has sent nothing; 0 for one that never did.

        packets: received from it so far, as the plane counts them.
        """
        if packets != self.packets:
            self.packets, self.heard_at = packets, now
        return now - self.heard_at if packets else 0.0
