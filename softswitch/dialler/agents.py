"""Agents, their states, and who is next: the longest-waiting one who is ready.

One board serves every campaign and the inbound calls of a site, so that an agent can be in one call only, wherever
that call came from.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from math import inf
from typing import Any

from softswitch.errors import UsageError


class AgentState(StrEnum):
    """What an agent does just now, as boards and pages show it."""

    OFFLINE = "offline"
    READY = "ready"
    RESERVED = "reserved"
    IN_CALL = "in call"
    WRAP_UP = "wrap-up"
    PAUSED = "paused"


class CallEnd(StrEnum):
    """Why a call left its agent, where it was not the agent's doing; nothing in it tells who was called."""

    HUNG_UP = "hung up"
    """By the other end."""
    MACHINE = "machine"
    """By a verdict that nobody is there."""
    SUPERVISOR = "supervisor"
    STOPPED = "stopped"
    """By the kill switch."""
    BROKE_OFF = "broke off"
    """Its media or its recording failed."""


@dataclass(frozen=True, slots=True)
class AgentChanged:
    """An agent is in another state; the board's event, passed on by `Dialler.next_event`."""

    agent: str
    state: AgentState
    call_ref: str
    """The call that the agent is reserved for, in, or wraps up; else empty."""
    code: str = ""
    """Pause code."""


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """One agent at one moment; field for field what `AgentView` shows."""

    agent: str
    state: AgentState
    code: str
    since_s: float
    """Seconds in this state."""
    call_ref: str
    campaign: str
    calls: int
    """Connected this shift."""
    talk_s: float
    wrap_up_s: float
    logged_in_s: float

    @property
    def utilisation(self) -> float:
        """Share of the logged-in time spent talking or wrapping up, 0-1."""
        return (self.talk_s + self.wrap_up_s) / self.logged_in_s if self.logged_in_s > 0 else 0.0


@dataclass(slots=True)
class _Agent:
    name: str
    state: AgentState = AgentState.OFFLINE
    code: str = ""
    since: float = 0.0
    waiting_since: float = 0.0
    """When the agent last became ready after a call or a pause; a reservation that came to nothing keeps the place."""
    call_ref: str = ""
    campaign: str = ""
    wrap_up_ends: float | None = None
    pause_wanted: bool = False
    """Asked for in a call; granted after it."""
    last_end: str = ""
    """`CallEnd` of the last call; empty where the agent ended it, and from the next one on."""
    calls: int = 0
    talk_s: float = 0.0
    wrap_up_s: float = 0.0
    logged_in_s: float = 0.0


_FIELDS = tuple(field.name for field in fields(_Agent))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


class AgentBoard:
    """The states of all agents, a pure machine. It ignores what names a call that the agent does not have."""

    def __init__(self) -> None:
        self._agents: dict[str, _Agent] = {}
        self._events: deque[AgentChanged] = deque()
        self._heard_within_s: dict[str, float] = {}
        self._leaves_at: dict[str, float] = {}
        self._works: dict[str, tuple[tuple[float, float], ...]] = {}
        self.generation = 0
        """Rises with every change of any state; a dialler looks again for agents when it has risen."""
        self.changes = 0
        """Rises with all that changes what `doing`, `leaves_at` or `work_to_come_s` tell."""

    def expect_heard_within(self, agent: str, seconds: float) -> None:
        """An agent whose phone is rung for each call needs longer to be heard than one who is nailed up."""
        self._heard_within_s[agent] = seconds

    def heard_within_s(self, agent: str, otherwise: float) -> float:
        return self._heard_within_s.get(agent, otherwise)

    # what agents do

    def receive_state(self, agent: str, state: AgentState, now: float, code: str = "") -> None:
        """READY, PAUSED or OFFLINE, as the agent asks or the phone tells.

        A pause asked for in a call or a wrap-up is granted afterwards; READY in a wrap-up ends it. OFFLINE is at once,
        whatever the agent was doing: the phone is gone.
        """
        one = self._agents.setdefault(agent, _Agent(agent, since=now))
        self.changes += 1
        if state is AgentState.OFFLINE:
            self._go(one, AgentState.OFFLINE, now)
        elif one.state in (AgentState.RESERVED, AgentState.IN_CALL):
            if one.state is AgentState.RESERVED or state in (AgentState.READY, AgentState.PAUSED):
                one.pause_wanted = state is AgentState.PAUSED
                one.code = code
        elif one.state is AgentState.WRAP_UP:
            one.pause_wanted = state is AgentState.PAUSED
            one.code = code
            if state is AgentState.READY:
                self.receive_wrapped_up(agent, now)
        elif state in (AgentState.READY, AgentState.PAUSED) and (one.state, one.code) != (state, code):
            self._go(one, state, now, code=code)

    def receive_wrapped_up(self, agent: str, now: float) -> None:
        """The agent is done with the last call; ready for the next, or paused if that was asked for."""
        one = self._agents.get(agent)
        if one is not None and one.state is AgentState.WRAP_UP:
            self._free(one, now)

    # what calls do with agents: dialled and inbound ones alike

    def reserve_longest_waiting(
        self, now: float, call_ref: str = "", campaign: str = "", among: Collection[str] = ()
    ) -> str | None:
        """Take the ready agent who has waited longest (of `among`, if given) for a call, or None.

        `call_ref` names the call from here to the wrap-up; inbound calls have one like dialled ones.
        """
        ready = [one for one in self._agents.values() if self._is_free(one, among)]
        if not ready:
            return None
        one = min(ready, key=lambda each: (each.waiting_since, each.name))
        self._go(one, AgentState.RESERVED, now, call_ref=call_ref, campaign=campaign)
        return one.name

    def receive_connected(self, agent: str, call_ref: str, now: float) -> None:
        """The agent is heard in the call they were reserved for."""
        one = self._holding(agent, call_ref)
        if one is not None and one.state is AgentState.RESERVED:
            one.calls += 1
            self._go(one, AgentState.IN_CALL, now, call_ref=call_ref, campaign=one.campaign, code=one.code)

    def receive_call_ended(
        self, agent: str, call_ref: str, now: float, wrap_up_s: float, because: CallEnd | None = None
    ) -> None:
        """The agent's call is over: wrap-up, unless none is due; a reservation is simply released.

        because: told to the agent until the next call is there; None where there is nothing to tell.
        """
        one = self._holding(agent, call_ref)
        if one is None or one.state is AgentState.WRAP_UP:
            return
        if one.state is AgentState.IN_CALL or because is not None:
            one.last_end = because or ""
        if one.state is AgentState.IN_CALL and wrap_up_s > 0:
            self._go(one, AgentState.WRAP_UP, now, call_ref=call_ref, campaign=one.campaign, code=one.code)
            one.wrap_up_ends = now + wrap_up_s
        else:
            self._free(one, now)

    def release(self, agent: str, call_ref: str, now: float) -> None:
        """The call needs this agent no more: ready at once, without wrap-up."""
        self.receive_call_ended(agent, call_ref, now, wrap_up_s=0.0)

    def receive_unheard(self, agent: str, call_ref: str, now: float) -> None:
        """The agent was connected and not heard: paused, so that no other callee meets the same silence."""
        one = self._holding(agent, call_ref)
        if one is not None:
            self._go(one, AgentState.PAUSED, now, code="unheard")

    # what the process before left

    def snapshot(self, agent: str) -> dict[str, Any] | None:
        """What another process needs to go on with an agent; None for one who was never in."""
        one = self._agents.get(agent)
        return None if one is None else {name: _plain(getattr(one, name)) for name in _FIELDS}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on with an agent of another process. Raises UsageError where the snapshot cannot be used."""
        try:
            one = _Agent(**{**snapshot, "state": AgentState(snapshot["state"])})
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"the snapshot of an agent cannot be used ({type(error).__name__})") from error
        self._agents[one.name] = one
        self.generation += 1
        self.changes += 1
        shown = one.code if one.state is AgentState.PAUSED else ""
        self._events.append(AgentChanged(one.name, one.state, one.call_ref, shown))

    # the face of every machine

    def handle_timer(self, now: float) -> None:
        for one in self._agents.values():
            if one.wrap_up_ends is not None and one.wrap_up_ends <= now:
                self._free(one, now)

    def next_timer(self) -> float | None:
        return min((one.wrap_up_ends for one in self._agents.values() if one.wrap_up_ends is not None), default=None)

    def next_event(self) -> AgentChanged | None:
        return self._events.popleft() if self._events else None

    # what may be asked

    def state_of(self, agent: str) -> AgentState:
        one = self._agents.get(agent)
        return one.state if one is not None else AgentState.OFFLINE

    def call_of(self, agent: str) -> str:
        """The call that the agent is reserved for, in, or wraps up; empty if none."""
        one = self._agents.get(agent)
        return one.call_ref if one is not None else ""

    def ready(self, among: Collection[str] = ()) -> int:
        return sum(self._is_free(one, among) for one in self._agents.values())

    def ready_agents(self) -> list[str]:
        """Who is ready, the longest-waiting first."""
        ready = [one for one in self._agents.values() if one.state is AgentState.READY]
        return [one.name for one in sorted(ready, key=lambda each: (each.waiting_since, each.name))]

    def expect_leave(self, agent: str, at: float | None) -> None:
        """When the agent is known to leave: a break, a roll check, the end of a shift. None: no such moment is near."""
        self.changes += self._leaves_at.get(agent) != at
        if at is None:
            self._leaves_at.pop(agent, None)
        else:
            self._leaves_at[agent] = at

    def leaves_at(self, agent: str) -> float:
        """Infinite where nothing is known."""
        return self._leaves_at.get(agent, inf)

    def expect_work(self, agent: str, periods: Iterable[tuple[float, float]]) -> None:
        """From when until when the agent will be at work, as the roster, breaks and roll checks have it."""
        self._works[agent] = tuple(periods)
        self.changes += 1

    def work_to_come_s(self, now: float, until: float, among: Collection[str] = ()) -> float:
        """Mean of the time that each agent who is in (of `among`, if given) will be at work until then; all of it for
        one without a roster, and where nobody is in."""
        hours = []
        for one in self._agents.values():
            if one.state is AgentState.OFFLINE or (among and one.name not in among):
                continue
            periods = self._works.get(one.name, ((now, until),))
            hours.append(sum(max(min(end, until) - max(begin, now), 0.0) for begin, end in periods))
        return sum(hours) / len(hours) if hours else max(until - now, 0.0)

    def doing(self, among: Collection[str] = ()) -> Iterator[tuple[str, AgentState, str, bool]]:
        """Of each agent (of `among`, if given): name, state, campaign of the present call, and a pause asked for."""
        for one in self._agents.values():
            if not among or one.name in among:
                yield one.name, one.state, one.campaign, one.pause_wanted

    def code_of(self, agent: str) -> str:
        """Of the pause that the agent makes; empty if none."""
        one = self._agents.get(agent)
        return one.code if one is not None and one.state is AgentState.PAUSED else ""

    def last_end_of(self, agent: str) -> str:
        """Why the last call ended, as `CallEnd`; empty where the agent ended it, in a call and outside of a shift."""
        one = self._agents.get(agent)
        return one.last_end if one is not None else ""

    def will_pause(self, agent: str) -> bool:
        one = self._agents.get(agent)
        return one is not None and one.pause_wanted

    def figures_of(self, agent: str, now: float) -> AgentFigures | None:
        """None for an agent who was never in."""
        one = self._agents.get(agent)
        return None if one is None else self._figures(one, now)

    def figures(self, now: float) -> tuple[AgentFigures, ...]:
        return tuple(self._figures(one, now) for one in sorted(self._agents.values(), key=lambda each: each.name))

    def _figures(self, one: _Agent, now: float) -> AgentFigures:
        open_s = max(0.0, now - one.since)
        return AgentFigures(
            agent=one.name,
            state=one.state,
            code=one.code if one.state is AgentState.PAUSED else "",
            since_s=open_s,
            call_ref=one.call_ref,
            campaign=one.campaign,
            calls=one.calls,
            talk_s=one.talk_s + (open_s if one.state is AgentState.IN_CALL else 0.0),
            wrap_up_s=one.wrap_up_s + (open_s if one.state is AgentState.WRAP_UP else 0.0),
            logged_in_s=one.logged_in_s + (open_s if one.state is not AgentState.OFFLINE else 0.0),
        )

    def _is_free(self, one: _Agent, among: Collection[str]) -> bool:
        return one.state is AgentState.READY and (not among or one.name in among)

    def _holding(self, agent: str, call_ref: str) -> _Agent | None:
        one = self._agents.get(agent)
        return one if one is not None and call_ref and one.call_ref == call_ref else None

    def _free(self, one: _Agent, now: float) -> None:
        if one.pause_wanted:
            self._go(one, AgentState.PAUSED, now, code=one.code)
        else:
            waited_since = one.waiting_since if one.state is AgentState.RESERVED else now
            self._go(one, AgentState.READY, now)
            one.waiting_since = waited_since

    def _go(
        self, one: _Agent, state: AgentState, now: float, *, call_ref: str = "", campaign: str = "", code: str = ""
    ) -> None:
        if one.state is state is AgentState.OFFLINE:
            return
        spent = max(0.0, now - one.since)
        if one.state is AgentState.IN_CALL:
            one.talk_s += spent
        elif one.state is AgentState.WRAP_UP:
            one.wrap_up_s += spent
        if one.state is not AgentState.OFFLINE:
            one.logged_in_s += spent
        if state in (AgentState.READY, AgentState.PAUSED, AgentState.OFFLINE):
            one.pause_wanted = False
        one.state, one.code, one.since = state, code, now
        one.call_ref, one.campaign, one.wrap_up_ends = call_ref, campaign, None
        if state is AgentState.READY:
            one.waiting_since = now
        if state in (AgentState.IN_CALL, AgentState.OFFLINE):
            one.last_end = ""
        self.generation += 1
        self.changes += 1
        shown = code if state is AgentState.PAUSED else ""
        self._events.append(AgentChanged(one.name, state, call_ref, shown))
