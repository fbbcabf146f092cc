"""What the pacing controller is told of one campaign: its calls and agents, as events of the pacing floor."""

import math
from functools import cache
from typing import NamedTuple

from softswitch.amd.verdict import Verdict
from softswitch.dialler.agents import AgentState
from softswitch.dialler.blending import Allotment
from softswitch.dialler.call import UNANSWERED, WITH_MACHINE, Call, CallState
from softswitch.dialler.campaign import AmdMode, Policy
from softswitch.dialler.shift import Shift
from softswitch.pacing import events, floor
from softswitch.pacing.controller import step
from softswitch.pacing.policies import FALLBACKS, POLICIES

_DOING = {
    AgentState.OFFLINE: floor.AWAY,
    AgentState.PAUSED: floor.AWAY,
    AgentState.READY: floor.READY,
    AgentState.RESERVED: floor.RESERVED,
    AgentState.IN_CALL: floor.TALKING,
    AgentState.WRAP_UP: floor.WRAPPING_UP,
}
DAY_ENDS_WITHIN_S = 30.0
"""A day's end that has moved by less is told again to nobody."""
_TALKING = (CallState.CONNECTING, CallState.IN_CALL)
# How far a call has come, as far as the floor is concerned.
_NEW, _RINGS, _LISTENS, _WAITS, _OVER = range(5)


@cache
def _compile() -> None:
    """Before the first call, once for each process: no decision may wait for a compiler while calls ring."""
    state = floor.new_state()
    events.receive(state, events.AGENT_DOES, 0, float(floor.READY), 0.0)
    step(state, 0.0)


class _Row(NamedTuple):
    """A call that the floor has been told of."""

    call: Call
    row: int
    """On the pacing floor."""
    reached: int
    placed: int
    """Calls are told of as over in the order in which they were told of as placed."""


class CampaignFloor:
    """Keeps a pacing state at the state of a campaign, by what has changed since the last look.

    A look costs what has changed, whatever the number of calls and agents: `Shift.moved` names the calls, and agents
    are gone through only where the board, the calls they are in or the campaign's share of them is another.
    """

    def __init__(self, shift: Shift) -> None:
        _compile()
        campaign = shift.campaign
        self._shift = shift
        self._every_answer = campaign.amd is not AmdMode.BEFORE_AGENT
        limit = min(max(campaign.abandoned_limit, 0.0), 1.0)  # what is out of bounds is refused when it starts
        self.state = floor.new_state(
            policy=POLICIES[campaign.policy.value],
            target=min(max(campaign.abandoned_target, 0.0), limit),
            limit=limit,
            ratio=campaign.ratio,
            patience_s=max(campaign.two_second_rule_s, 0.1),
            every_answer_needs_an_agent=self._every_answer,
        )
        self._fields = {kind: self.state[field] for kind, field in _FIELDS.items()}
        self._lands = self.state["lands"]
        self._rows: dict[str, _Row] = {}
        self._placed = 0
        self._bound: set[str] = set()
        """Calls on their way that have an agent."""
        self._talking: dict[str, str] = {}
        """Agent by call, of calls that have one connected or about to be."""
        self._agents: dict[str, tuple[int, int, float]] = {}
        self._board_seen: tuple[int, Allotment | None] | None = None
        self._talking_seen: dict[str, str] = {}
        self._day_seen: tuple[int, float] | None = None
        self._day_holds_until = -math.inf

    @property
    def fallback(self) -> str:
        """Why the campaign dials one call for each ready agent just now, though it may dial ahead; else empty."""
        return FALLBACKS[int(self.state["fallback"][0])]

    @property
    def answers(self) -> float:
        """P(a call placed now needs an agent), as of the last look."""
        return float(self._lands[0])

    def dials(
        self, policy: Policy, channels_free: int, leads_left: int | None, now: float, closes_at: float = math.nan
    ) -> int:
        """Calls to place now.

        leads_left: of the campaign, where known; a short list leaves few answers to plan for.  closes_at: when the
        campaign's day of calling is over.
        """
        self._look_at_calls(now)
        self._look_at_agents(now)
        counts = self._shift.ledger.counts(self._shift.wall(now))
        lands = float(self._lands[0])
        self._set(events.POLICY, POLICIES[policy.value], now)
        self._set(events.CHANNELS, channels_free, now)
        self._set(events.ANSWERS_LEFT, math.nan if leads_left is None else leads_left * lands, now)
        self._look_at_the_day(closes_at, now)
        self._set(events.LIVE_TODAY, counts.live, now)
        self._set(events.DROPPED_TODAY, counts.abandoned, now)
        self._set(events.MACHINES_TODAY, counts.machines, now)
        self._set(events.FALSE_POSITIVES, self._shift.ledger.false_positives.share, now)
        return int(step(self.state, now))

    def _tell(self, kind: int, row: int, value: float, now: float) -> int:
        return int(events.receive(self.state, kind, row, float(value), now))

    def _set(self, kind: int, value: float, now: float) -> None:
        """Counters change when calls end, too: they are told whenever they are not what was told last."""
        if self._fields[kind][0] != value:
            self._tell(kind, 0, value, now)

    def _look_at_the_day(self, closes_at: float, now: float) -> None:
        """The day's end as if everybody worked until then: shift ends, breaks and roll checks bring it nearer."""
        board = self._shift.board
        seen = (board.changes, closes_at)
        if math.isnan(closes_at) or (seen == self._day_seen and now < self._day_holds_until):
            return
        ends_at = now + board.work_to_come_s(now, closes_at, self._shift.campaign.agents)
        known = float(self.state["ends_at"][0])
        if not abs(ends_at - known) < DAY_ENDS_WITHIN_S:  # nor if it was never told
            self._tell(events.DAY_ENDS, 0, ends_at, now)
            known = ends_at
        # While nothing else changes it moves by a second in a second at most, where nobody is at work.
        self._day_seen, self._day_holds_until = seen, now + DAY_ENDS_WITHIN_S - abs(ends_at - known)

    def _look_at_calls(self, now: float) -> None:
        shift, moved = self._shift, self._shift.moved
        if moved:
            over, unplaced = [], {}
            for call in sorted(moved.values(), key=_position):
                call_ref = call.attempt.call_ref
                if call_ref not in shift.calls:
                    self._forget(call_ref)
                    if call_ref in self._rows:
                        over.append(self._rows.pop(call_ref))
                elif not self._look_at(call_ref, call, now):
                    unplaced[call_ref] = call
            for known in sorted(over, key=_placed):
                self._go_on(known, _OVER, now)
            moved.clear()
            moved.update(unplaced)
        self._set(events.BOUND_CALLS, len(self._bound), now)

    def _forget(self, call_ref: str) -> None:
        self._bound.discard(call_ref)
        self._talking.pop(call_ref, None)

    def _look_at(self, call_ref: str, call: Call, now: float) -> bool:
        """A call that is up; False where the floor has no room for it, and it is to be looked at again."""
        self._forget(call_ref)
        if call.state is CallState.PREVIEW:
            return True  # its agent is reserved, and nothing is on its way
        if call.agent and call.state in UNANSWERED:
            self._bound.add(call_ref)
        if call.state in _TALKING:
            self._talking[call_ref] = call.agent
        reached = self._reached(call)
        known = self._rows.get(call_ref)
        if known is None:
            if reached not in (_NEW, _RINGS):
                return True  # taken up from another process after its answer: nothing to be learnt
            row = self._tell(events.CALL_PLACED, 0, 0, call.begun_at)
            if row < 0:
                return False
            self._placed += 1
            known = self._rows[call_ref] = _Row(call, row, _NEW, self._placed)
        if reached > known.reached:
            self._rows[call_ref] = known._replace(reached=reached)
            self._go_on(known, reached, now)
        return True

    def _reached(self, call: Call) -> int:
        if call.state in UNANSWERED:
            return _NEW if call.ringing_at is None else _RINGS
        if call.state is not CallState.ANSWERED:
            return _OVER
        return _WAITS if self._every_answer or call.verdict is not Verdict.NONE else _LISTENS

    def _go_on(self, known: _Row, reached: int, now: float) -> None:
        """Tell of what has become of a call since the floor knew of it."""
        call, row, before = known.call, known.row, known.reached
        if before == _OVER:
            return
        if before < _RINGS and call.ringing_at is not None:
            self._tell(events.CALL_RINGS, row, 0, call.ringing_at)
        if call.answered_at is None:
            if reached == _OVER:
                placed = call.placed_at is not None
                self._tell(events.CALL_ENDED if placed else events.CALL_WITHDRAWN, row, 0, now)
            return
        if before < _LISTENS and not self._every_answer:
            self._tell(events.CALL_ANSWERED, row, 0, call.answered_at)
        if before < _WAITS and reached == _WAITS:
            self._tell(events.PERSON_WAITS, row, 0, now)
        if reached == _OVER:
            self._tell(self._how_it_ended(call), row, 0, now)

    def _how_it_ended(self, call: Call) -> int:
        if call.state in _TALKING or call.served:
            return events.CALL_CONNECTED
        if call.machine or call.state in WITH_MACHINE:
            return events.MACHINE_ENDED
        return events.CALL_DROPPED if call.abandoned else events.CALL_ENDED

    def _look_at_agents(self, now: float) -> None:
        campaign, board = self._shift.campaign, self._shift.board
        allotted = self._shift.allotment(now)
        if (board.changes, allotted) == self._board_seen and self._talking == self._talking_seen:
            return
        self._board_seen, self._talking_seen = (board.changes, allotted), dict(self._talking)
        connecting = set(self._talking.values())
        for name, state, of, will_pause in board.doing(campaign.agents):
            doing = floor.TALKING if name in connecting else _DOING[state]
            if doing in (floor.TALKING, floor.WRAPPING_UP) and of != campaign.name:
                doing = floor.AWAY  # another campaign's, or with a caller: nobody to count on here
            elif doing == floor.READY and allotted is not None and name not in allotted.ready:
                doing = floor.AWAY  # another campaign or a queue counts on them
            leaves_at = board.leaves_at(name)
            if will_pause or (allotted is not None and name in allotted.lent):
                leaves_at = -math.inf
            known = self._agents.get(name)
            if known is None:
                if len(self._agents) >= floor.MOST_AGENTS:
                    continue
                known = (len(self._agents), -1, math.inf)
            row, before, leaving_at = known
            if doing != before:
                self._tell(events.AGENT_DOES, row, doing, now)
            if leaves_at != leaving_at:
                self._tell(events.AGENT_LEAVES, row, max(leaves_at, now), now)
            self._agents[name] = (row, doing, leaves_at)


_FIELDS = {
    events.POLICY: "policy",
    events.CHANNELS: "channels_free",
    events.ANSWERS_LEFT: "answers_known",
    events.LIVE_TODAY: "live",
    events.DROPPED_TODAY: "dropped",
    events.MACHINES_TODAY: "machines",
    events.FALSE_POSITIVES: "false_positive_share",
    events.BOUND_CALLS: "bound",
}


def _position(call: Call) -> int:
    return call.position


def _placed(known: _Row) -> int:
    return known.placed
