"""From a parsed script file to a checked `Questionnaire`; every mistake is named with its line.

The parser's result is passed in, for no file is read here; `line_of` tells on which line of the file a key stands.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from softswitch.survey import paths
from softswitch.survey.node_reading import Complain, read_conditions, read_node
from softswitch.survey.questionnaire import (
    ANYWHERE,
    FASTEST_WORDS_PER_MINUTE,
    Cell,
    Condition,
    Ending,
    Node,
    NodeKind,
    Questionnaire,
    targets_of,
)
from softswitch.survey.table import Key, Table
from softswitch.survey.wording import fills_of

MOST_NODES = 1000
MOST_CELLS = 500
_ID = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong with a script, in plain words."""

    line: int
    key: str
    """As in nodes[2].next."""
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.key + ': ' if self.key else ''}{self.text}"


def read(
    told: Mapping[str, Any], line_of: Callable[[Key], int], visible: Collection[str] | None = None
) -> tuple[Questionnaire | None, list[Fault]]:
    """The script, if nothing is wrong with it, and every fault, by line.

    told: what the TOML or YAML parser made of the file.  visible: the fields that an agent of the campaign may see,
    and so all that words may be filled from; None: not known yet, anything.
    """
    faults: list[Fault] = []

    def complain(key: Key, text: str) -> None:
        faults.append(Fault(line_of(key), _dotted(key), text))

    script, places = _read(Table(told, (), complain), complain, visible)
    if not faults:
        for problem in _ways(script, places):
            complain(*problem)
    faults = sorted(set(faults))
    return (None if faults else script), faults


def _read(top: Table, complain: Complain, visible: Collection[str] | None) -> tuple[Questionnaire, dict[str, int]]:
    """What the file says, as far as it can be read, and the place of each node in it."""
    name = top.text("name", longest=64)
    if name and not _ID.fullmatch(name):
        complain(("name",), "must be a name of small letters, digits, - and _, such as transport-2027")
    title = top.text("title", longest=200, otherwise=name)
    maximum_s = top.number("maximum_s", least=0, most=3600, otherwise=0.0)
    partial_from = top.number("partial_from", least=0, most=1, otherwise=0.5)
    fastest = top.number("words_per_minute", least=60, most=600, otherwise=FASTEST_WORDS_PER_MINUTE)
    nodes, places = _nodes(top, complain, maximum_s, fastest)
    start = top.text("start", longest=64, otherwise=next(iter(nodes), ""))
    over_quota = top.text("over_quota", longest=64, otherwise="")
    closings = _closings(top)
    cells = _cells(top, complain, nodes)
    top.finish()
    for problem in _names(nodes, places, start, over_quota, cells):
        complain(*problem)
    for problem in _fills(nodes, places, closings, visible):
        complain(*problem)
    fields = {field for node in nodes.values() for field, _ in fills_of(node.text)}
    script = Questionnaire(name, title, start, nodes, cells, over_quota, closings, partial_from, frozenset(fields))
    return script, places


def _nodes(
    top: Table, complain: Complain, maximum_s: float, words_per_minute: float
) -> tuple[dict[str, Node], dict[str, int]]:
    """Nodes by id, and the place of each in the file."""
    nodes: dict[str, Node] = {}
    places: dict[str, int] = {}
    tables = top.tables("nodes", most=MOST_NODES)
    if not tables:
        complain(("nodes",), "there is no node: write [[nodes]] for each thing that is said or asked")
    for place, table in enumerate(tables):
        node = read_node(table, maximum_s, words_per_minute)
        if not _ID.fullmatch(node.id):
            if node.id:
                complain(("nodes", place, "id"), "must be a name of small letters, digits, - and _")
            node_id = f"\0{place}"  # a name that nothing can lead to: what else is wrong with it is told all the same
        else:
            node_id = node.id
        if node_id in nodes:
            complain(("nodes", place, "id"), f'"{node.id}" is used twice')
            continue
        nodes[node_id], places[node_id] = node, place
    return nodes, places


def _closings(top: Table) -> dict[Ending, str]:
    table = top.table("closings")
    found = {ending: table.text(ending.value, longest=1000, otherwise="") for ending in ANYWHERE}
    table.finish()
    return {ending: text for ending, text in found.items() if text}


def _cells(top: Table, complain: Complain, nodes: Mapping[str, Node]) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for table in top.tables("quotas", most=MOST_CELLS):
        name = table.text("name", longest=64)
        limit = int(table.number("limit", least=0, most=1_000_000, whole=True))
        conditions = read_conditions(table, own="")
        table.finish()
        if not conditions:
            complain(table.key, 'says of nobody in particular: give it conditions, such as node = "sex", is = "female"')
        if name in {cell.name for cell in cells}:
            complain((*table.key, "name"), f'"{name}" is used twice')
        cells.append(Cell(name, limit, conditions))
    return tuple(cells)


Problem = tuple[Key, str]


def _names(
    nodes: Mapping[str, Node], places: Mapping[str, int], start: str, over_quota: str, cells: tuple[Cell, ...]
) -> Iterator[Problem]:
    """Nodes and choices that are named and not there."""
    if nodes and start not in nodes:
        yield ("start",), f'there is no node "{start}"'
    for id_, node in nodes.items():
        at: Key = ("nodes", places[id_])
        for target in sorted(targets_of(node) - nodes.keys()):
            yield (
                (*at, "next" if target == node.next else "choices" if _by_choice(node, target) else "branch"),
                (f'there is no node "{target}"'),
            )
        for condition in (condition for branch in node.branches for condition in branch.conditions):
            for text in _wrong(condition, nodes):
                yield (*at, "branch"), text
    for place, cell in enumerate(cells):
        for condition in cell.conditions:
            for text in _wrong(condition, nodes):
                yield ("quotas", place), text
    if over_quota and (over_quota not in nodes or nodes[over_quota].ending is not Ending.OVER_QUOTA):
        yield ("over_quota",), f'must be a node with ending = "{Ending.OVER_QUOTA}"'


def _by_choice(node: Node, target: str) -> bool:
    return any(choice.next == target for choice in node.choices)


def _wrong(condition: Condition, nodes: Mapping[str, Node]) -> Iterator[str]:
    node = nodes.get(condition.node)
    if node is None:
        yield f'there is no node "{condition.node}" to ask the answer of'
    elif not node.is_question:
        yield f'"{node.id}" is no question: nothing can be so of its answer'
    elif not condition.any_of:
        if node.kind is not NodeKind.NUMBER:
            yield f'"{node.id}" is no number: use is or is_not'
    else:
        known = {choice.id for choice in node.choices} | set(node.no_answer)
        for unknown in sorted(condition.any_of - known):
            yield f'"{unknown}" is no answer to "{node.id}"'


def _fills(
    nodes: Mapping[str, Node],
    places: Mapping[str, int],
    closings: Mapping[Ending, str],
    visible: Collection[str] | None,
) -> Iterator[Problem]:
    words: list[tuple[Key, str]] = [(("nodes", places[id_], "text"), node.text) for id_, node in nodes.items()]
    words += [(("closings", ending.value), text) for ending, text in closings.items()]
    for key, text in words:
        bare = text.replace("{{", "").replace("}}", "")
        if bare.count("{") != len(fills_of(text)) or bare.count("}") != len(fills_of(text)):
            yield key, "has a brace that is no {field|fallback}; write {{ for a brace"
        for field, _ in fills_of(text):
            if visible is not None and field not in visible:
                seen = ", ".join(sorted(visible)) or "none"
                yield key, f'"{field}" is not among the visible_fields of the campaign ({seen})'


def _ways(script: Questionnaire, places: Mapping[str, int]) -> Iterator[Problem]:
    """What only the whole tells, once every name in it is somebody's."""
    for id_, text in paths.complaints(script.nodes, script.start, script.over_quota if script.cells else ""):
        yield ("nodes", places[id_]), text
    yield from _screening(script, places)


def _screening(script: Questionnaire, places: Mapping[str, int]) -> Iterator[Problem]:
    """Full cells must be found out on each way to the end, once all that they ask for is known."""
    nodes, cells = script.nodes, script.cells
    screens = {id_ for id_, node in nodes.items() if node.screens}
    if not cells:
        for id_ in sorted(screens):
            yield ("nodes", places[id_], "screens"), "has no effect: there are no [[quotas]]"
        return
    if not script.over_quota:
        yield (
            ("quotas", 0),
            "over_quota is missing: the node that ends the interview of people of whom there are enough",
        )
        return

    def edges(id_: str) -> set[str]:
        return set() if id_ in screens else paths.edges_of(nodes[id_]) - {""}

    way = paths.way_to(script.start, edges, lambda id_: nodes[id_].ending is Ending.COMPLETE)
    if way is not None:
        where = " → ".join(way)
        yield (
            ("quotas", 0),
            f"are never looked at on the way {where}: set screens = true where the last answer is given",
        )
    before = paths.reachable(script.start, edges)
    for place, cell in enumerate(cells):
        for condition in cell.conditions:
            if condition.node in nodes and condition.node not in before:
                yield ("quotas", place), f'"{condition.node}" is asked after the screening: nobody would know yet'


def _dotted(key: Key) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")
