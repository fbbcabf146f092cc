"""Callers who wait for an agent: what each of them hears, who is next, and who has waited long enough.

A pure machine for all queues of a site. A caller hears the queue's greeting whole, then music, and now and then how
many are before them and how long that may take. Whoever is given to an agent is told to it; it tells who has waited
too long, and whether another trunk is to take that caller.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from softswitch.errors import UsageError

LEARNING_SHARE = 0.2
"""Of the newest caller served, in what the queue takes for each caller who is before another."""


@dataclass(frozen=True, slots=True)
class QueuePlan:
    """How one queue treats its callers. Clips by name; an empty one is not played."""

    name: str
    greeting: tuple[str, ...] = ()
    """Heard whole, one after another, before anything else and before any agent."""
    music: str = ""
    """Heard in a loop while waiting."""
    positions: tuple[str, ...] = ()
    """"You are next", "one caller is before you", ...: clip by place; places beyond the last are not told."""
    waits: tuple[tuple[float, str], ...] = ()
    """(seconds, clip), ascending: said where the expected wait is at most so long; the last also for all above it."""
    offer: str = ""
    """Said after them: that a key has the caller called back."""
    announce_every_s: float = 30.0
    patience_s: float = 20.0
    """How long a caller waits after the greeting."""
    overflow_after_s: float | None = None
    """After the greeting; then another trunk is to take the caller. None: nobody else does."""
    capacity: int = 0
    """Callers that may wait at once; one more overflows, or is turned away, at once. 0: any number."""
    priority: int = 0
    """Callers of a queue with a greater one are served first."""

    @property
    def announces(self) -> bool:
        return bool(self.positions or self.waits or self.offer)


@dataclass(frozen=True, slots=True)
class Hear:
    """Play this clip to the caller now, in place of what plays."""

    call_ref: str
    clip: str
    loop: bool


@dataclass(frozen=True, slots=True)
class Overflow:
    """Another trunk is to take the caller, whom the queue has given up."""

    call_ref: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody can serve the caller."""

    call_ref: str


WaitingEvent = Hear | Overflow | GiveUp


class Stage(StrEnum):
    """How far a caller has come in the queue."""

    GREETED = "greeted"
    WAITS = "waits"
    SERVED = "served"
    CALLED_BACK = "called back"
    """Has rung off, keeps the place, and is called when it is reached."""


@dataclass(slots=True)
class _Caller:
    call_ref: str
    plan: QueuePlan
    entered_at: float
    stage: Stage = Stage.GREETED
    waits_since: float = 0.0
    """The greeting's end."""
    patience_from: float = 0.0
    place: int = 1
    """On arrival."""
    to_hear: deque[str] = field(default_factory=deque)
    """After what plays now."""
    announces_at: float = 0.0


class WaitingRoom:
    """`enter`, `serve`, `leave`; it ignores callers whom it does not know."""

    def __init__(self) -> None:
        self._callers: dict[str, _Caller] = {}
        self._events: deque[WaitingEvent] = deque()
        self._s_per_place: dict[str, float] = {}

    def __len__(self) -> int:
        return sum(caller.stage is not Stage.SERVED for caller in self._callers.values())

    def __contains__(self, call_ref: object) -> bool:
        """Whether the caller waits, or has got an agent."""
        return call_ref in self._callers

    # what becomes of callers

    def enter(self, call_ref: str, plan: QueuePlan, now: float) -> None:
        caller = _Caller(call_ref, plan, now, place=1 + len(self._of(plan.name)))
        if plan.capacity and caller.place > plan.capacity:
            self._give_up(caller)
            return
        self._callers[call_ref] = caller
        caller.to_hear.extend(plan.greeting)
        if caller.to_hear:
            self._hear_next(caller, now)
        else:
            self._wait(caller, now)

    def receive_clip_ended(self, call_ref: str, now: float) -> None:
        """What `Hear` without a loop began has been heard to its end."""
        caller = self._callers.get(call_ref)
        if caller is not None and caller.stage in (Stage.GREETED, Stage.WAITS):
            self._hear_next(caller, now)

    def serve(self, call_ref: str, now: float) -> None:
        """An agent has been found for the caller."""
        caller = self._callers.get(call_ref)
        if caller is None or caller.stage is Stage.SERVED:
            return
        caller.stage = Stage.SERVED
        caller.to_hear.clear()
        name, took = caller.plan.name, (now - caller.waits_since) / caller.place
        known = self._s_per_place.get(name, took)
        self._s_per_place[name] = known + LEARNING_SHARE * (took - known)

    def take_back(self, call_ref: str, now: float) -> None:
        """The agent is gone: the caller waits again, on the old place, and with new patience."""
        caller = self._callers.get(call_ref)
        if caller is not None and caller.stage is Stage.SERVED:
            caller.stage = Stage.WAITS
            caller.patience_from = now
            caller.announces_at = now + caller.plan.announce_every_s
            self._play_music(caller)

    def leave(self, call_ref: str) -> None:
        """The call is over, or somebody else's."""
        self._callers.pop(call_ref, None)

    def keep_place(self, call_ref: str) -> bool:
        """The caller rings off and is called back; whether there is a place to be kept."""
        caller = self._callers.get(call_ref)
        if caller is None or caller.stage is not Stage.WAITS:
            return False
        caller.stage = Stage.CALLED_BACK
        caller.to_hear.clear()
        return True

    # what may be asked

    def waits(self, call_ref: str) -> bool:
        """Whether the caller has heard the greeting and no agent yet."""
        caller = self._callers.get(call_ref)
        return caller is not None and caller.stage is Stage.WAITS

    def next_callers(self) -> list[str]:
        """Who may be given to an agent, the first one first: by their queue's priority, then by how long they wait."""
        waiting = [each for each in self._callers.values() if each.stage in (Stage.WAITS, Stage.CALLED_BACK)]
        return [each.call_ref for each in sorted(waiting, key=lambda each: (-each.plan.priority, each.entered_at))]

    def waiting_in(self, queue: str) -> int:
        """Callers of one queue who have no agent yet."""
        return len(self._of(queue))

    def longest_wait_s(self, queue: str, now: float) -> float:
        """Of its callers who have no agent yet; 0 where there is none."""
        return max((now - each.entered_at for each in self._of(queue)), default=0.0)

    def place_of(self, call_ref: str) -> int:
        """1 for whoever is next in their queue. KeyError for one who does not wait."""
        caller = self._callers[call_ref]
        return 1 + self._of(caller.plan.name).index(caller)

    def expected_wait_s(self, call_ref: str) -> float | None:
        """By how the queue's callers were served until now; None before the first. KeyError as for `place_of`."""
        each = self._s_per_place.get(self._callers[call_ref].plan.name)
        return None if each is None else each * self.place_of(call_ref)

    # what the process before left

    def snapshot(self, call_ref: str) -> dict[str, Any] | None:
        caller = self._callers.get(call_ref)
        if caller is None:
            return None
        kept = ("entered_at", "waits_since", "patience_from", "place")
        return {"stage": str(caller.stage), **{name: getattr(caller, name) for name in kept}}

    def restore(self, call_ref: str, plan: QueuePlan, snapshot: Mapping[str, Any], now: float) -> None:
        """Go on with another process's caller. A greeting begins anew: its end may have been told to nobody.
        Raises UsageError where the snapshot cannot be used."""
        try:
            caller = _Caller(call_ref, plan, **{**snapshot, "stage": Stage(snapshot["stage"])})
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"the snapshot of a caller cannot be used ({type(error).__name__})") from error
        self._callers[call_ref] = caller
        if caller.stage is Stage.GREETED:
            caller.to_hear.extend(plan.greeting)
            self._hear_next(caller, now)
        else:
            caller.announces_at = now + plan.announce_every_s

    # the face of every machine

    def handle_timer(self, now: float) -> None:
        for caller in list(self._callers.values()):
            if caller.stage is not Stage.WAITS:
                continue
            if now >= self._ends_at(caller):
                self._give_up(self._callers.pop(caller.call_ref))
            elif caller.plan.announces and now >= caller.announces_at:
                self._announce(caller, now)

    def next_timer(self) -> float | None:
        waiting = [caller for caller in self._callers.values() if caller.stage is Stage.WAITS]
        times = [self._ends_at(caller) for caller in waiting]
        times += [caller.announces_at for caller in waiting if caller.plan.announces]
        return min(times, default=None)

    def next_event(self) -> WaitingEvent | None:
        return self._events.popleft() if self._events else None

    def _of(self, queue: str) -> list[_Caller]:
        """Who is not served yet, in the order of arrival."""
        callers = (each for each in self._callers.values() if each.plan.name == queue)
        return sorted((each for each in callers if each.stage is not Stage.SERVED), key=lambda each: each.entered_at)

    def _ends_at(self, caller: _Caller) -> float:
        plan = caller.plan
        patience_s = plan.patience_s if plan.overflow_after_s is None else min(plan.patience_s, plan.overflow_after_s)
        return caller.patience_from + patience_s

    def _give_up(self, caller: _Caller) -> None:
        overflows = caller.plan.overflow_after_s is not None
        self._events.append(Overflow(caller.call_ref) if overflows else GiveUp(caller.call_ref))

    def _hear_next(self, caller: _Caller, now: float) -> None:
        if caller.to_hear:
            self._events.append(Hear(caller.call_ref, caller.to_hear.popleft(), loop=False))
        elif caller.stage is Stage.GREETED:
            self._wait(caller, now)
        else:
            self._play_music(caller)

    def _wait(self, caller: _Caller, now: float) -> None:
        caller.stage = Stage.WAITS
        caller.waits_since = caller.patience_from = now
        caller.announces_at = now + caller.plan.announce_every_s
        self._play_music(caller)

    def _play_music(self, caller: _Caller) -> None:
        if caller.plan.music:
            self._events.append(Hear(caller.call_ref, caller.plan.music, loop=True))

    def _announce(self, caller: _Caller, now: float) -> None:
        """Place and expected wait, as far as there are words for them."""
        caller.announces_at = now + caller.plan.announce_every_s
        plan, place, wait_s = caller.plan, self.place_of(caller.call_ref), self.expected_wait_s(caller.call_ref)
        caller.to_hear.clear()
        if place <= len(plan.positions):
            caller.to_hear.append(plan.positions[place - 1])
        if plan.waits and wait_s is not None:
            caller.to_hear.append(next((clip for limit, clip in plan.waits if wait_s <= limit), plan.waits[-1][1]))
        if plan.offer:
            caller.to_hear.append(plan.offer)
        if caller.to_hear:
            self._hear_next(caller, now)
