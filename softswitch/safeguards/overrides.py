"""Overriding an interlock: one administrator asks, another agrees, and it holds for a stated time. Pure.

Some interlocks are never overridden: without them a call would go unrecorded, unscreened or unnoted, an abandoned one
would be silent, and agents would work who may not. docs/interlocks.md says of each why.
"""

from collections import deque
from dataclasses import dataclass

from softswitch.errors import UsageError
from softswitch.safeguards.interlocks import (
    AUDIT,
    MEDIA,
    MEDIA_LOAD,
    MESSAGE,
    NEVER_DIAL,
    RECORDER,
    ROSTER,
    STORE,
    Interlocks,
    kind,
)

NEVER_OVERRIDDEN = frozenset({RECORDER, NEVER_DIAL, STORE, MEDIA, MEDIA_LOAD, AUDIT, MESSAGE, ROSTER})
SHORTEST_S = 60.0
LONGEST_S = 4 * 3600.0
ASKED_FOR_S = 600.0
"""So long the second administrator has to agree."""
FEWEST_LETTERS = 5
"""Of a reason that says something."""


@dataclass(frozen=True, slots=True)
class Override:
    """What was asked for, or holds."""

    interlock: str
    asked_by: str
    reason: str
    for_s: float
    agreed_by: str
    """Empty: it is asked for and does not hold yet."""
    ends_at: float
    """Of the question, or of the override; on the clock of `now`."""


@dataclass(frozen=True, slots=True)
class OverrideEnded:
    """Its time was over, or nobody agreed in time."""

    override: Override


@dataclass(frozen=True, slots=True)
class OverrideView:
    """An interlock that is overridden, or that somebody has asked to override."""

    interlock: str
    asked_by: str
    agreed_by: str
    """Empty: a second administrator has yet to agree."""
    reason: str
    for_s: float
    left_s: float
    """Of the override; before it is agreed to, of the time to agree in."""


class Overrides:
    """At most one for each interlock. A site that starts has none."""

    def __init__(self, interlocks: Interlocks) -> None:
        self._interlocks = interlocks
        self._overrides: dict[str, Override] = {}
        self._events: deque[OverrideEnded] = deque()

    def check_ask(self, interlock: str, by: str, reason: str, for_s: float, now: float) -> None:
        """Raises what `ask` raises: KeyError for an interlock that there is not, UsageError with what to do."""
        if interlock not in self._interlocks:
            raise KeyError(interlock)
        if kind(interlock) in NEVER_OVERRIDDEN:
            raise UsageError(f"the interlock {interlock} is never overridden: put right what it says")
        if not SHORTEST_S <= for_s <= LONGEST_S:
            raise UsageError(f"say for how long: {SHORTEST_S / 60:.0f} to {LONGEST_S / 60:.0f} minutes")
        if sum(letter.isalpha() for letter in reason) < FEWEST_LETTERS:
            raise UsageError("say why; it is noted in the audit log")
        held = self.of(interlock, now)
        if held is not None:
            state = f"is overridden by {held.asked_by} and {held.agreed_by}" if held.agreed_by else "was asked for"
            raise UsageError(f"{interlock} {state} already; end that first")

    def ask(self, interlock: str, by: str, reason: str, for_s: float, now: float) -> None:
        """The first administrator's part. Nothing is overridden by it."""
        self.check_ask(interlock, by, reason, for_s, now)
        self._overrides[interlock] = Override(interlock, by, reason, for_s, "", now + ASKED_FOR_S)

    def check_agree(self, interlock: str, by: str, now: float) -> Override:
        """What is agreed to. Raises what `agree` raises."""
        asked = self.of(interlock, now)
        if asked is None:
            raise UsageError(f"nobody has asked to override {interlock}, or it is more than 10 minutes ago")
        if asked.agreed_by:
            raise UsageError(f"{interlock} is overridden already")
        if by.casefold() == asked.asked_by.casefold():
            raise UsageError("you have asked for it yourself: another administrator must agree")
        return asked

    def agree(self, interlock: str, by: str, now: float) -> Override:
        """The second administrator's part; its time begins now."""
        asked = self.check_agree(interlock, by, now)
        granted = Override(interlock, asked.asked_by, asked.reason, asked.for_s, by, now + asked.for_s)
        self._overrides[interlock] = granted
        text = f"overridden by {asked.asked_by} and {by} for {asked.for_s / 60:.0f} minutes: {asked.reason}"
        self._interlocks.waive(interlock, text)
        return granted

    def end(self, interlock: str, now: float) -> Override:
        """Take back a question or an override, before its time. KeyError where there is none."""
        held = self.of(interlock, now)
        if held is None:
            raise KeyError(interlock)
        self._drop(interlock)
        return held

    def of(self, interlock: str, now: float) -> Override | None:
        """What is asked for or holds at this moment."""
        held = self._overrides.get(interlock)
        return held if held is not None and now < held.ends_at else None

    def all(self, now: float) -> tuple[Override, ...]:
        return tuple(held for held in self._overrides.values() if now < held.ends_at)

    def handle_timer(self, now: float) -> None:
        """End what is over."""
        for held in [held for held in self._overrides.values() if now >= held.ends_at]:
            self._drop(held.interlock)
            self._events.append(OverrideEnded(held))

    def next_timer(self) -> float | None:
        return min((held.ends_at for held in self._overrides.values()), default=None)

    def next_event(self) -> OverrideEnded | None:
        return self._events.popleft() if self._events else None

    def _drop(self, interlock: str) -> None:
        del self._overrides[interlock]
        self._interlocks.unwaive(interlock)
