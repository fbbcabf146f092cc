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
