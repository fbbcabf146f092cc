"""A simulated day's events and decisions as lines of JSON, to be read, compared, and given to the controller again.

The first line says what the day was of: the market, the policy, its setting, the target. Each further line is an event
as `pacing.events.receive` takes it, `[kind, row, value, now]`, or a decision, `["STEPPED", 0, calls placed, now]`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from softswitch.commands.figures import write_text
from softswitch.errors import UsageError

if TYPE_CHECKING:
    from softswitch.pacing.market import Market

STEPPED = "STEPPED"


def write_day(path: Path, market: "Market", terms: Mapping[str, Any], *, seed: int) -> None:
    """Simulate this day and write its log.

    terms: `policy` by name, `setting`, `target`, `with_amd_errors`. Raises UsageError for a policy that is not the
    controller's, and where the file cannot be written.
    """
    from softswitch.pacing.market import describe
    from softswitch.pacing.policies import POLICIES
    from softswitch.pacing.simulate import day_of

    if terms["policy"] not in POLICIES:
        raise UsageError(f"{terms['policy']} is not paced by the controller: its log could not be replayed")
    chosen = {**terms, "policy": POLICIES[terms["policy"]], "setting": tuple(terms["setting"])}
    found = day_of(market, seed=seed, **chosen)
    room = 8 * found.steps + 1000
    day = day_of(market, seed=seed, log_lines=room, **chosen)
    assert day.log.size < room
    names = {kind: name for name, kind in _kinds().items()}
    head = {"market": describe(market), **terms, "seed": seed}
    lines = ([names[kind], row, value, now] for kind, row, value, now in day.log.tolist())
    write_text(path, "".join(json.dumps(line) + "\n" for line in [head, *lines]))


def read_day(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The log, (n,) LOGGED, and the state that the controller began with. Raises UsageError for any other file."""
    from softswitch.pacing.market import Market
    from softswitch.pacing.policies import POLICIES
    from softswitch.pacing.replay import LOGGED
    from softswitch.pacing.simulate import opening_state

    try:
        text = path.read_text(encoding="utf-8")
        if not text:
            raise ValueError("it is empty")
        head, *lines = text.splitlines()
        terms = json.loads(head)
        market = Market.from_mapping(terms["market"])
        setting = tuple(float(value) for value in terms["setting"])
        opening = opening_state(
            market, POLICIES[terms["policy"]], setting, float(terms["target"]), bool(terms["with_amd_errors"])
        )
        kinds = _kinds()
        log = np.zeros(len(lines), dtype=LOGGED)
        for index, line in enumerate(lines):
            kind, row, value, now = json.loads(line)
            log[index] = (kinds[kind], row, value, now)
    except OSError as error:
        raise UsageError(f"the log {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        what = f"there is no {error}" if isinstance(error, KeyError) else error
        raise UsageError(
            f"{path} is no log of a simulated day, as `softswitch pacing simulate --log` writes it: {what}"
        ) from error
    return log, opening


def _kinds() -> dict[str, int]:
    """The numbers of events, and of a decision, by their names in `pacing.events`."""
    from softswitch.pacing import events, replay

    return {name: getattr(events, name) for name in EVENTS} | {STEPPED: replay.STEPPED}


EVENTS = (
    "AGENT_DOES", "AGENT_LEAVES", "CALL_PLACED", "CALL_RINGS", "CALL_ANSWERED", "PERSON_WAITS", "MACHINE_ENDED",
    "CALL_ENDED", "CALL_CONNECTED", "CALL_DROPPED", "CHANNELS", "ANSWERS_LEFT", "LIVE_TODAY", "DROPPED_TODAY",
    "MACHINES_TODAY", "FALSE_POSITIVES", "DAY_ENDS", "SEGMENT", "BOUND_CALLS", "TARGET", "POLICY", "CALL_WITHDRAWN",
)  # fmt: skip
