"""What a supervisor is warned of in a call: off the script, too long a silence, a callee who knows the agent.

A pure machine. It is told what is seen of each call a few times a second (`Moment`), and what is reported of it
(`report`); each thing is raised once for each call and node, and stands until a supervisor has seen it.
"""

from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum

from softswitch.errors import UsageError


class AlertKind(StrEnum):
    """Why a supervisor should look."""

    TOO_FAST = "too fast"
    """A node was answered faster than it can be read."""
    TOO_LONG = "too long"
    """A node is over its maximum time."""
    SILENT_NODE = "talk at a silent node"
    """The agent speaks where the script says nothing."""
    UNTOLD = "mandatory node not reached"
    """The call goes on, and the callee has not been told what everybody must be."""
    AFTER_END = "goes on after the end"
    """The script has ended, and agent and callee still talk."""
    SILENCE = "long silence"
    OVERLAP = "both talk at once"
    RECOGNISED = "callee recognised the agent"
    KEY_WORD = "key word"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From what on; see `[supervision]` of the configuration. 0: never."""

    silence_s: float = 10.0
    overlap_s: float = 4.0
    silent_node_talk_s: float = 2.0
    untold_s: float = 120.0
    after_end_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What is seen of one call at one moment."""

    call_ref: str
    agent: str
    in_call_s: float
    silence_s: float
    """So long neither has spoken."""
    overlap_s: float
    """So long both speak at once."""
    agent_talk_s: float
    """Of the whole call."""
    node: str = ""
    """Of the script; empty where there is none, or it has ended."""
    is_silent: bool = False
    """The agent says nothing at this node."""
    untold: tuple[str, ...] = ()
    """What the callee must be told and has not been, in plain words."""
    ended_s: float | None = None
    """So long ago the script has ended; None: it has not."""


@dataclass(frozen=True, slots=True)
class Raised:
    """One alert. It names call and agent, never who is called."""

    number: int
    """Counts from 1, for this process."""
    kind: AlertKind
    agent: str
    call_ref: str
    node: str
    told: str
    """What was seen, in plain words."""
    at: float
    seen_by: str = ""
    """The supervisor who has looked; empty: nobody yet."""


MOST = 200
"""Alerts kept; the oldest that somebody has seen go first."""


class Alerts:
    """The alerts of one site, each raised once for its call, node and cause."""

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        self._thresholds = thresholds or Thresholds()
        self._raised: dict[int, Raised] = {}
        self._told: dict[str, set[tuple[AlertKind, str, str]]] = {}
        """By call, what has been raised of it."""
        self._node: dict[str, tuple[str, float]] = {}
        """By call: its node, and how long the agent had talked when it was come to."""
        self._events: deque[Raised] = deque()
        self._last = 0

    def receive(self, moment: Moment, now: float) -> None:
        """What is seen of a call, a few times a second."""
        limits, call_ref = self._thresholds, moment.call_ref
        node, talked_s = self._node.get(call_ref, ("", 0.0))
        if node != moment.node or call_ref not in self._node:
            talked_s = moment.agent_talk_s
            self._node[call_ref] = (moment.node, talked_s)
        at_node_s = moment.agent_talk_s - talked_s
        if _is_over(moment.silence_s, limits.silence_s):
            self._raise(AlertKind.SILENCE, moment, f"nobody has spoken for {moment.silence_s:.0f} s", now)
        else:
            self._forget(call_ref, AlertKind.SILENCE)
        if _is_over(moment.overlap_s, limits.overlap_s):
            self._raise(AlertKind.OVERLAP, moment, f"both have talked at once for {moment.overlap_s:.0f} s", now)
        else:
            self._forget(call_ref, AlertKind.OVERLAP)
        if moment.is_silent and _is_over(at_node_s, limits.silent_node_talk_s):
            self._raise(AlertKind.SILENT_NODE, moment, f"the agent has talked for {at_node_s:.0f} s there", now)
        if moment.untold and moment.ended_s is None and _is_over(moment.in_call_s, limits.untold_s):
            told = f"after {moment.in_call_s:.0f} s not told: {', '.join(moment.untold)}"
            self._raise(AlertKind.UNTOLD, replace(moment, node=""), told, now)
        if moment.ended_s is not None and _is_over(moment.ended_s, limits.after_end_s):
            self._raise(AlertKind.AFTER_END, moment, f"the script ended {moment.ended_s:.0f} s ago", now)

    def report(
        self, kind: AlertKind, agent: str, call_ref: str, told: str, now: float, *, node: str = "", about: str = ""
    ) -> None:
        """Something that is reported of a call. Once for each call, node, kind and what it is about."""
        told_of = self._told.setdefault(call_ref, set())
        if (kind, node, about) in told_of:
            return
        told_of.add((kind, node, about))
        self._last += 1
        raised = Raised(self._last, kind, agent, call_ref, node, told, now)
        self._raised[raised.number] = raised
        self._events.append(raised)
        while len(self._raised) > MOST:
            del self._raised[next((n for n, each in self._raised.items() if each.seen_by), next(iter(self._raised)))]

    def receive_over(self, call_ref: str) -> None:
        """The call is over; what was raised of it stands."""
        self._told.pop(call_ref, None)
        self._node.pop(call_ref, None)

    def see(self, number: int, by: str) -> Raised:
        """A supervisor has looked. KeyError for an alert that is not there (any more)."""
        raised = self._raised[number]
        if not by:
            raise UsageError("say who has seen it")
        if not raised.seen_by:
            raised = self._raised[number] = replace(raised, seen_by=by)
        return raised

    def all(self) -> tuple[Raised, ...]:
        """The newest first."""
        return tuple(reversed(self._raised.values()))

    def next_event(self) -> Raised | None:
        return self._events.popleft() if self._events else None

    def _raise(self, kind: AlertKind, moment: Moment, told: str, now: float) -> None:
        self.report(kind, moment.agent, moment.call_ref, told, now, node=moment.node)

    def _forget(self, call_ref: str, kind: AlertKind) -> None:
        """It has ended: another one of the same call is raised again."""
        told = self._told.get(call_ref)
        if told:
            told -= {each for each in told if each[0] is kind}


def _is_over(seconds: float, limit_s: float) -> bool:
    return limit_s > 0 and seconds >= limit_s
