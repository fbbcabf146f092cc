"""How well a call kept to its script, as points out of a hundred and in words. Pure: from what was expected and what
was done to figures.

It weighs what interviewers are monitored for: what must be read out and was not, a wrong outcome, nodes left before
they can have been read, wrong steps, answers that were not given. Each part is 0 to 1, and the points are their
weighted mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from softswitch.survey.questionnaire import Answer, Questionnaire

WEIGHTS = {"mandatory": 30, "outcome": 25, "times": 20, "order": 10, "answers": 10, "filter": 5}
PASSED_FROM = 80
FREE_MISTAKES = 1
"""So many refused answers cost nothing: everybody mistypes once."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The call as it ought to go."""

    path: tuple[str, ...]
    """Nodes, up to the one at which the callee ends it, or the end."""
    answers: Mapping[str, Answer]
    """Those that can be held against what was written down."""
    outcome: str


@dataclass(frozen=True, slots=True)
class Done:
    """The call as it went."""

    path: tuple[str, ...]
    """Nodes that were come to, in order; the last one is where it ended."""
    answers: Mapping[str, Answer]
    seconds: Mapping[str, float]
    """At each node that was left, all visits together."""
    outcome: str
    hurried: int = 0
    """Answers that were refused because the node could not have been read out yet."""
    filtered: int = 0
    """Answers that were refused because they held what may not be written down."""
    mistaken: int = 0
    """Answers that were refused as none."""


@dataclass(frozen=True, slots=True)
class Adherence:
    """0 to 1 each: 1 is as it ought to be."""

    points: int
    passed: bool
    """Enough points, no mandatory node left out, and the right outcome."""
    mandatory: float
    outcome: float
    times: float
    order: float
    answers: float
    filter: float
    remarks: tuple[str, ...]
    """In words, the worst first."""


def score(script: Questionnaire, expected: Expected, done: Done) -> Adherence:
    """What a call is worth. Nodes that are not of the script count as wrong steps."""
    required = [id_ for id_ in dict.fromkeys(expected.path) if script.nodes[id_].is_mandatory]
    read = set(done.seconds) & set(done.path)
    left_out = [id_ for id_ in required if id_ not in read]
    hurried = _hurried(script, done)
    timed = [id_ for id_ in done.seconds if id_ in script.nodes]
    slips = _wrong_steps(script, done.path) + max(0, done.mistaken - FREE_MISTAKES)
    wrong = [id_ for id_, answer in expected.answers.items() if id_ in done.answers and done.answers[id_] != answer]
    compared = [id_ for id_ in expected.answers if id_ in done.answers]
    parts = {
        "mandatory": _share(len(required) - len(left_out), len(required)),
        "outcome": float(done.outcome == expected.outcome),
        "times": max(0.0, _share(len(timed) - len(hurried), len(timed)) - 0.1 * done.hurried),
        "order": max(0.0, 1.0 - 0.25 * slips),
        "answers": _share(len(compared) - len(wrong), len(compared)),
        "filter": 1.0 / (1 + done.filtered),
    }
    remarks = [f'"{id_}" must be read out, and was not' for id_ in left_out]
    if not parts["outcome"]:
        remarks.append(f"it came to {expected.outcome}, and was noted as {done.outcome or 'nothing'}")
    remarks += [f'"{id_}" was left after {done.seconds[id_]:.0f} s, before it can have been read' for id_ in hurried]
    if done.hurried:
        remarks.append(f"{done.hurried} times an answer came before the words can have been read")
    if done.filtered:
        remarks.append(f"{done.filtered} times something was typed that may not be written down")
    remarks += [f'"{id_}": the callee said something else' for id_ in wrong]
    if slips:
        remarks.append(f"{slips} wrong steps in the script")
    points = round(sum(weight * parts[name] for name, weight in WEIGHTS.items()))
    passed = points >= PASSED_FROM and not left_out and parts["outcome"] == 1.0
    return Adherence(points, passed, remarks=tuple(remarks), **parts)


def _hurried(script: Questionnaire, done: Done) -> list[str]:
    """Nodes that were left before their words can have been read out once."""
    seconds = done.seconds.items()
    return [id_ for id_, spent_s in seconds if id_ in script.nodes and spent_s < script.nodes[id_].minimum_s]


def _wrong_steps(script: Questionnaire, path: Sequence[str]) -> int:
    """Steps from one node to another to which nothing leads, and a beginning that is none."""
    wrong = int(bool(path) and path[0] != script.start)
    for here, there in pairwise(path):
        node = script.nodes.get(here)
        ways = set() if node is None else {node.next, *(each.next for each in node.choices)}
        ways |= set() if node is None else {each.next for each in node.branches}
        wrong += there not in ways | ({script.over_quota} if node is not None and node.screens else set())
    return wrong


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
