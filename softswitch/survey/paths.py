"""What is proved of a script's ways by search: each ends, none misses what every callee must be told or asked.

The graph has an edge wherever some answer may lead: an edge too many makes a proof stricter, never weaker.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from softswitch.survey.questionnaire import (
    Answer,
    Branch,
    Condition,
    Ending,
    Node,
    NodeKind,
    Purpose,
    targets_of,
)

Nodes = Mapping[str, Node]
Complaint = tuple[str, str]
"""Node, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing that may be answered at a node: the ways in the order in which they are looked at."""

    answer: Answer | None
    """None: anything."""
    ways: tuple[tuple[tuple[Condition, ...], str], ...]
    """(what must hold that is not known from the answer, target); the last one has no conditions."""


def steps_of(node: Node) -> Iterator[_Step]:
    """What may be answered at a node, as far as it makes a difference."""
    for answer in _answers_of(node):
        choice = node.choice(answer) if isinstance(answer, str) and node.kind is NodeKind.SINGLE else None
        if choice is not None and choice.next:
            yield _Step(answer, (((), choice.next),))
            continue
        ways = []
        for branch in node.branches:
            left = _left_of(branch, node, answer)
            if left is not None:
                ways.append((left, branch.next))
                if not left:
                    break
        if not ways or ways[-1][0]:
            ways.append(((), node.next))
        yield _Step(answer, tuple(ways))


def edges_of(node: Node, over_quota: str = "") -> set[str]:
    """Where a node may lead; "" where it may lead nowhere."""
    if node.kind is NodeKind.END:
        return set()
    found = {target for step in steps_of(node) for _, target in step.ways}
    return found | {over_quota} if node.screens and over_quota else found


def complaints(nodes: Nodes, start: str, over_quota: str) -> Iterator[Complaint]:
    """Everything that is wrong with the ways through a script whose names all exist."""
    edges = {id_: edges_of(node, over_quota) for id_, node in nodes.items()}
    reached = reachable(start, edges.__getitem__)
    for id_, node in nodes.items():
        if id_ not in reached:
            named = any(id_ in targets_of(other) for other in nodes.values())
            why = "every answer that could has another way before" if named else "nothing leads here"
            yield id_, f"cannot be reached: {why}"
        elif "" in edges[id_]:
            yield id_, f"is a dead end: {_unanswered(node)} leads nowhere; give it a next"
    if any("" in edges[id_] for id_ in reached if id_):
        return
    if not any(nodes[id_].ending is Ending.COMPLETE for id_ in reached):
        yield start, 'no interview can be complete: no node with ending = "complete" can be reached'
    endless = _endless(nodes, edges, reached)
    for loop in endless:
        yield loop[0], f"is in a loop without end: {' → '.join((*loop, loop[0]))}"
    if endless:
        return
    for purpose in Purpose:
        yield from _missed(nodes, edges, start, purpose)
    yield from _before_consent(nodes, edges, start)


def reachable(start: str, edges: Callable[[str], Collection[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        for target in edges(waiting.pop()):
            if target and target not in found:
                found.add(target)
                waiting.append(target)
    return found


def way_to(start: str, edges: Callable[[str], Collection[str]], arrived: Callable[[str], bool]) -> list[str] | None:
    """A shortest way; None where there is none."""
    came_from: dict[str, str] = {start: ""}
    waiting = [start]
    for here in waiting:
        if arrived(here):
            way = [here]
            while came_from[way[-1]]:
                way.append(came_from[way[-1]])
            return way[::-1]
        for target in sorted(edges(here)):
            if target not in came_from:
                came_from[target] = here
                waiting.append(target)
    return None


def _answers_of(node: Node) -> list[Answer | None]:
    """One answer of each sort that the conditions tell apart."""
    match node.kind:
        case NodeKind.SINGLE:
            return [*(choice.id for choice in node.choices), *node.no_answer]
        case NodeKind.NUMBER:
            step = 10.0**-node.decimals
            marks = {node.at_least, node.at_most}
            for condition in (c for branch in node.branches for c in branch.conditions if c.node == node.id):
                for bound in (condition.at_least, condition.at_most):
                    if bound is not None:
                        marks |= {bound - step, bound, bound + step}
            return [*sorted(mark for mark in marks if node.at_least <= mark <= node.at_most), *node.no_answer]
        case NodeKind.MULTIPLE:
            return [None, *node.no_answer]
        case NodeKind.TEXT:
            return ["", *node.no_answer]
    return [None]


def _left_of(branch: Branch, node: Node, answer: Answer | None) -> tuple[Condition, ...] | None:
    """The conditions that the answer leaves open; None where it fails one."""
    left = []
    for condition in branch.conditions:
        if condition.node != node.id or answer is None:
            left.append(condition)
        elif not condition.holds({node.id: answer}):
            return None
    return tuple(left)


def _unanswered(node: Node) -> str:
    for step in steps_of(node):
        if any(not target for _, target in step.ways) and step.answer not in (None, ""):
            return f'the answer "{step.answer}"' if isinstance(step.answer, str) else f"the answer {step.answer:g}"
    return "it" if not node.branches else "an answer that no branch takes"


def _endless(nodes: Nodes, edges: Mapping[str, set[str]], reached: set[str]) -> list[list[str]]:
    """Loops that some callee can never leave, whatever is answered in them.

    A node is good where some answer leads to good ones only. What is asked inside the loop may be answered either way;
    what was asked before it is as it is, so both ways must be good.
    """
    loops = {id_: loop for loop in _components(edges, reached) for id_ in loop}
    good = {id_ for id_ in reached if nodes[id_].kind is NodeKind.END}
    changed = True
    while changed:
        changed = False
        for id_ in reached - good:
            own = loops.get(id_, frozenset((id_,)))
            if any(_is_good(step, own, good) for step in steps_of(nodes[id_])):
                good.add(id_)
                changed = True
    found = []
    for loop in sorted({loops[id_] for id_ in reached - good if id_ in loops}, key=sorted):
        stuck = loop - good
        first = min(stuck)
        found.append(_round(first, loop, edges))
    return found


def _round(first: str, loop: frozenset[str], edges: Mapping[str, set[str]]) -> list[str]:
    """A shortest way from a node of a loop back to it, without the last step."""

    def inside(id_: str) -> set[str]:
        return edges[id_] & loop

    ways = [way_to(each, inside, first.__eq__) for each in sorted(inside(first))]
    shortest = min((way for way in ways if way), key=len, default=[first])
    return [first, *shortest[:-1]]


def _is_good(step: _Step, loop: frozenset[str], good: set[str]) -> bool:
    result = False
    for conditions, target in reversed(step.ways):
        if not conditions:
            result = target in good
        elif all(condition.node in loop for condition in conditions):
            result = result or target in good
        else:
            result = result and target in good
    return result


def _components(edges: Mapping[str, set[str]], reached: set[str]) -> list[frozenset[str]]:
    """Sets of nodes that lead to each other (Kosaraju), those of a single node only where it leads to itself."""
    order: list[str] = []
    seen: set[str] = set()
    for first in sorted(reached):
        stack = [(first, iter(sorted(edges[first])))] if first not in seen else []
        seen.add(first)
        while stack:
            id_, targets = stack[-1]
            onward = next((target for target in targets if target not in seen), None)
            if onward is None:
                order.append(id_)
                stack.pop()
            else:
                seen.add(onward)
                stack.append((onward, iter(sorted(edges[onward]))))
    back: dict[str, set[str]] = {id_: set() for id_ in reached}
    for id_ in reached:
        for target in edges[id_]:
            back[target].add(id_)
    found: list[frozenset[str]] = []
    placed: set[str] = set()
    for id_ in reversed(order):
        if id_ not in placed:
            loop = frozenset(reachable(id_, partial(_less, back, frozenset(placed))))
            placed |= loop
            if len(loop) > 1 or id_ in edges[id_]:
                found.append(loop)
    return found


def _less(edges: Mapping[str, set[str]], without: frozenset[str], id_: str) -> set[str]:
    return edges[id_] - without


def _missed(nodes: Nodes, edges: Mapping[str, set[str]], start: str, purpose: Purpose) -> Iterator[Complaint]:
    """Search for a way to an end past every node of this purpose: there must be none.

    But for one: who is not whom the survey asks may be told so before consent, of which `_before_consent` takes care.
    """
    theirs = {id_ for id_, node in nodes.items() if purpose in node.purposes}
    if not theirs:
        yield start, f'no node has the purpose "{purpose}", which no interview may be without'
        return
    if start in theirs:
        return

    def is_end(id_: str) -> bool:
        ending = nodes[id_].ending
        return ending is not None and not (purpose is Purpose.CONSENT and ending is Ending.SCREENED_OUT)

    way = way_to(start, lambda id_: edges[id_] - theirs, is_end)
    if way is not None:
        yield way[-1], f'can be reached without "{purpose}": {" → ".join(way)}'


def _before_consent(nodes: Nodes, edges: Mapping[str, set[str]], start: str) -> Iterator[Complaint]:
    """Without the answer that consents nothing is asked, but what may be."""

    def without_consent(id_: str) -> set[str]:
        node = nodes[id_]
        if Purpose.CONSENT not in node.purposes:
            return edges[id_]
        refusing = [s for s in steps_of(node) if not (isinstance(s.answer, str) and _consents(node, s.answer))]
        return {target for step in refusing for _, target in step.ways}

    asked = reachable(start, without_consent)
    for id_, node in nodes.items():
        if id_ in asked and node.is_question and not node.before_consent and Purpose.CONSENT not in node.purposes:
            way = way_to(start, without_consent, id_.__eq__) or [id_]
            yield id_, f"is asked of people who have not consented: {' → '.join(way)}"


def _consents(node: Node, answer: str) -> bool:
    choice = node.choice(answer)
    return choice is not None and choice.consents
