"""A day's log through the controller again: the same events must lead to the same decisions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from softswitch.pacing.controller import step
from softswitch.pacing.events import receive

from softswitch.errors import UsageError

LOGGED = np.dtype([("kind", "i8"), ("row", "i8"), ("value", "f8"), ("now", "f8")], align=True)
"""One line: an event as `events.receive` takes it, or (kind STEPPED) a decision to place `value` calls."""
STEPPED = -1


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to."""

    decisions: int
    differing: int
    """Decisions that were not as in the log; 0, or the code or the state it began with is another."""
    mean_s: float
    """Of one decision, its inputs built, as Python calls it, by `clock`; NaN without one."""


def replay(log: np.ndarray, state: np.ndarray, clock: Callable[[], float] | None = None) -> Replayed:
    """Give a log to a state as it was when the log began; the state goes on with it.

    log: (n,) LOGGED.  state: (1,) FLOOR.  clock: a source of seconds, if decisions are to be timed.
    Raises UsageError for a log of another form.
    """
    if log.dtype != LOGGED or log.ndim != 1:
        raise UsageError("a pacing log is a one-dimensional array of LOGGED lines")
    lines = [(int(line["kind"]), int(line["row"]), float(line["value"]), float(line["now"])) for line in log]
    decisions = differing = 0
    spent_s = 0.0 if clock is not None else float("nan")
    for kind, row, value, now in lines:
        if kind == STEPPED:
            began = clock() if clock is not None else 0.0
            dials = step(state, now)
            if clock is not None:
                spent_s += clock() - began
            decisions += 1
            differing += dials != int(value)
        else:
            receive(state, kind, row, value, now)
    return Replayed(decisions, differing, spent_s / max(decisions, 1))
