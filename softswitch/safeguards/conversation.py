"""Who speaks in a call, from the levels of its two ends: silence that lasts, and both at once. A pure machine.

Levels are dBov (ITU-T G.100.1: 0 is the overload point), each the mean of the fifth of a second before. Active speech
lies at about -26 (ITU-T P.56), a quiet talker's at -36, a line's noise at -60 or less. In a natural conversation both
ends are silent for half a second at a time and talk at once for a quarter (ITU-T P.59, table 2), so what is worth a
supervisor's look lasts for seconds.
"""

from dataclasses import dataclass

SPEECH_DBOV = -45.0
"""An end that is louder speaks."""
HANGOVER_S = 0.6
"""Pauses between words: an end that spoke so shortly ago speaks still."""
LONGEST_STEP_S = 1.0
"""More is not taken for heard between two looks: the loop stood still meanwhile."""
SILENT_DBOV = -127.0


@dataclass(slots=True)
class _End:
    level_dbov: float = SILENT_DBOV
    heard_at: float = float("-inf")
    speaks_since: float | None = None
    talk_s: float = 0.0

    def receive(self, level_dbov: float, now: float, step_s: float, speech_dbov: float) -> None:
        self.level_dbov = level_dbov
        if level_dbov > speech_dbov:
            self.heard_at = now
        if now - self.heard_at >= HANGOVER_S:
            self.speaks_since = None
        elif self.speaks_since is None:
            self.speaks_since = now
        if self.speaks_since is not None:
            self.talk_s += step_s

    @property
    def speaks(self) -> bool:
        return self.speaks_since is not None


class Conversation:
    """One call, from the moment at which agent and callee hear each other."""

    def __init__(self, call_ref: str, now: float, *, speech_dbov: float = SPEECH_DBOV) -> None:
        self.call_ref = call_ref
        self.begun_at = now
        self._speech_dbov = speech_dbov
        self._agent, self._callee = _End(), _End()
        self._looked_at = now
        self._heard_at = now
        """When somebody spoke last."""
        self._both_since: float | None = None
        self._overlap_s = 0.0

    def receive_levels(self, agent_dbov: float, callee_dbov: float, now: float) -> None:
        """What both ends said since the last look."""
        step_s = min(max(0.0, now - self._looked_at), LONGEST_STEP_S)
        self._looked_at = now
        self._agent.receive(agent_dbov, now, step_s, self._speech_dbov)
        self._callee.receive(callee_dbov, now, step_s, self._speech_dbov)
        if self._agent.speaks or self._callee.speaks:
            self._heard_at = now
        if not (self._agent.speaks and self._callee.speaks):
            self._both_since = None
            return
        self._overlap_s += step_s
        if self._both_since is None:
            self._both_since = now

    # what may be asked

    @property
    def agent_dbov(self) -> float:
        return self._agent.level_dbov

    @property
    def callee_dbov(self) -> float:
        return self._callee.level_dbov

    @property
    def agent_speaks(self) -> bool:
        return self._agent.speaks

    @property
    def callee_speaks(self) -> bool:
        return self._callee.speaks

    @property
    def agent_talk_s(self) -> float:
        """Seconds in which the agent has spoken."""
        return self._agent.talk_s

    @property
    def callee_talk_s(self) -> float:
        return self._callee.talk_s

    @property
    def overlaps_s(self) -> float:
        """Seconds in which both have spoken at once, all together."""
        return self._overlap_s

    def silence_s(self, now: float) -> float:
        """So long neither has spoken."""
        return max(0.0, now - self._heard_at)

    def overlap_s(self, now: float) -> float:
        """So long both have been speaking at once."""
        return 0.0 if self._both_since is None else max(0.0, now - self._both_since)
