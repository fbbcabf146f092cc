"""What does one decision of the live dialler cost, in us of CPU? Of 60 agents and 200 calls up, on a virtual clock.

    python bench/decisions.py --json -

us_per_decision: `Pace.calls_due`, from what has changed since the last one to the number of calls to place.
us_per_input: one thing that a call or an agent did, with all that follows from it in the dialler, decisions included.
"""

import time
from datetime import UTC, datetime
from itertools import count

import numpy as np
from figures import parser, report

from softswitch.calls.outcome import Outcome
from softswitch.dialler.abandonment import DayCounts
from softswitch.dialler.agents import AgentState
from softswitch.dialler.call import CallState
from softswitch.dialler.campaign import AmdMode, Campaign, Policy
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.events import CommitAttempt, ConnectAgent, LeadsWanted, PlaceCall
from softswitch.dialler.lead import Lead, LeadState
from softswitch.dialler.pace import Pace
from softswitch.dialler.suppression import SuppressionList

ANSWERED_SHARE = 0.1
INPUTS_A_SECOND = 100.0


class Floor:
    """A dialler and a world in which something happens to somebody a hundred times a second."""

    def __init__(self, agents: int, calls: int, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        self.now, self.refs, self.calls = 1000.0, count(1), calls
        campaign = Campaign(
            "survey", caller_id="+441234567890", information_message="who", amd=AmdMode.OFF, policy=Policy.RATIO,
            ratio=5.0, abandoned_limit=0.03, calls_a_day=0, wrap_up_s=5.0,
        )  # fmt: skip
        self.dialler = Dialler(
            campaign, suppression=SuppressionList(), rng=self.rng, new_ref=lambda: f"call{next(self.refs)}"
        )
        wall = datetime(2026, 6, 10, 9, 0, tzinfo=UTC)
        self.dialler.set_wall(wall, self.now)
        self.dialler.restore_day(DayCounts(wall.date(), attempts=10**6, live=10**6))  # the day's allowance lasts
        self.dialler.receive_interlocks(True, self.now)
        for n in range(agents):
            self.dialler.receive_agent(f"agent{n}", AgentState.READY, self.now)
        self.dialler.start(self.now)
        self.settle()

    @property
    def up(self) -> list:
        return list(self.dialler._shift.calls.values())

    def settle(self) -> None:
        self.dialler.receive_channels(max(0, self.calls - len(self.up)), self.now)
        while (event := self.dialler.next_event()) is not None:
            match event:
                case LeadsWanted():
                    numbers = (next(self.refs) for _ in range(event.count))
                    leads = [
                        Lead(f"l{n}", "survey", f"+4479{n:08d}", "Europe/London", LeadState.QUEUED) for n in numbers
                    ]
                    self.dialler.add_leads(leads, self.now)
                case CommitAttempt():
                    self.dialler.receive_attempt_committed(event.attempt.call_ref, self.now)
                case ConnectAgent():
                    self.dialler.receive_agent_heard(event.call_ref, self.now, self.now)
                case PlaceCall():
                    self.dialler.receive_invited(event.call_ref, self.now)

    def something_happens(self) -> None:
        self.now += float(self.rng.exponential(1.0 / INPUTS_A_SECOND))
        up = self.up
        if not up:
            self.dialler.handle_timer(self.now)
            return self.settle()
        call = up[int(self.rng.integers(len(up)))]
        ref = call.attempt.call_ref
        match call.state:
            case CallState.PLACED:
                self.dialler.receive_ringing(ref, self.now)
            case CallState.RINGING if self.rng.random() < ANSWERED_SHARE:
                self.dialler.receive_answered(ref, self.now)
            case CallState.RINGING | CallState.CANCELLING:
                self.dialler.receive_failed(ref, Outcome.NO_ANSWER, 480, self.now)
            case CallState.IN_CALL if self.rng.random() < 0.3:
                self.dialler.receive_speech_started(ref, self.now, self.now)
            case _:
                self.dialler.receive_ended(ref, True, self.now)
        self.dialler.handle_timer(self.now)
        self.settle()
        return None


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--agents", type=int, default=60)
    options.add_argument("--calls", type=int, default=200)
    options.add_argument("--inputs", type=int, default=5000)
    told = options.parse_args()
    floor = Floor(told.agents, told.calls)
    spent, decisions, up = 0.0, 0, 0
    calls_due = Pace.calls_due

    def timed(self: Pace, *given: object) -> int:
        nonlocal spent, decisions
        began = time.thread_time()
        due = calls_due(self, *given)  # type: ignore[arg-type]
        spent, decisions = spent + time.thread_time() - began, decisions + 1
        return due

    for _ in range(told.inputs // 5):  # until it is full
        floor.something_happens()
    Pace.calls_due = timed  # type: ignore[method-assign]
    began = time.thread_time()
    for _ in range(told.inputs):
        floor.something_happens()
        up += len(floor.up)
    whole = time.thread_time() - began
    report(
        {
            "agents": told.agents,
            "calls_up": up / told.inputs,
            "decisions": decisions,
            "us_per_decision": spent / max(decisions, 1) * 1e6,
            "us_per_input": whole / told.inputs * 1e6,
        },
        told.json,
    )


if __name__ == "__main__":
    main()
