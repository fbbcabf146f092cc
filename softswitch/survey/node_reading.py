"""One node of a script file, and the conditions under which it leads elsewhere."""

import re
from collections.abc import Callable

from softswitch.survey.questionnaire import (
    SCRIPTED,
    Branch,
    Choice,
    Condition,
    Ending,
    NoAnswer,
    Node,
    NodeKind,
    Purpose,
)
from softswitch.survey.table import Key, Table
from softswitch.survey.wording import fills_of

Complain = Callable[[Key, str], None]

LONGEST_TEXT = 4000
MOST_CHOICES = 60
MOST_BRANCHES = 60
LONGEST_ANSWER = 500
MOST = 10**12
MOST_ANSWERED = 10**6
"""Of a number with its decimals' digits: seven digits can be somebody's number."""
_CHOICE_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def read_node(table: Table, maximum_s: float, words_per_minute: float) -> Node:
    """maximum_s: where the node does not say.  words_per_minute: faster nobody reads."""
    id_ = table.text("id", longest=64)
    kind = NodeKind(table.word("kind", tuple(NodeKind)))
    text = table.text("text", longest=LONGEST_TEXT)
    purposes = frozenset(Purpose(word) for word in table.words("purpose", tuple(Purpose)) or ())
    choices = _choices(table, id_) if kind in (NodeKind.SINGLE, NodeKind.MULTIPLE) else ()
    at_least, at_most, decimals, unit, longest = _bounds(table, kind, len(choices))
    silent = kind is not NodeKind.END and table.flag("silent")
    shortest_s = 0.0 if silent else round(60 * spoken_words(text) / words_per_minute, 1)
    is_end = kind is NodeKind.END
    node = Node(
        id=id_,
        kind=kind,
        text=text,
        note=table.text("note", longest=1000, otherwise=""),
        next="" if is_end else table.text("next", longest=64, otherwise=""),
        branches=() if is_end else _branches(table, id_),
        purposes=purposes,
        choices=choices,
        at_least=at_least,
        at_most=at_most,
        decimals=decimals,
        unit=unit,
        longest=longest,
        no_answer=_no_answer(table, kind, purposes),
        before_consent=not is_end and table.flag("before_consent"),
        screens=not is_end and table.flag("screens"),
        dtmf=not is_end and table.flag("dtmf"),
        silent=silent,
        minimum_s=table.number("minimum_s", least=0, most=600, otherwise=shortest_s),
        maximum_s=table.number("maximum_s", least=0, most=3600, otherwise=maximum_s),
        ending=Ending(table.word("ending", [each.value for each in SCRIPTED])) if is_end else None,
    )
    _check(table, node)
    table.finish()
    return node


def spoken_words(text: str) -> int:
    """Words to be read aloud, fields counted as the one word that they usually are."""
    for field, fallback in fills_of(text):
        text = text.replace(f"{{{field}|{fallback}}}", field).replace(f"{{{field}}}", field)
    return len(text.split())


def read_conditions(table: Table, own: str) -> tuple[Condition, ...]:
    """Of a branch or a cell: keys of its own, or a list of tables under `all`.

    own: the node that is meant where none is named; empty: one must be.
    """
    if "all" in table:
        conditions: list[Condition] = []
        for each in table.tables("all", most=20):
            conditions += read_conditions(each, own)
            each.finish()
        return tuple(conditions)
    if not any(name in table for name in ("node", "is", "is_not", "at_least", "at_most")):
        return ()
    node = table.text("node", longest=64, otherwise=own or None)
    wanted, unwanted = table.words("is"), table.words("is_not")
    bounds = [table.number(name, least=-MOST, most=MOST) if name in table else None for name in ("at_least", "at_most")]
    given = [wanted is not None, unwanted is not None, any(bound is not None for bound in bounds)]
    if sum(given) != 1:
        table.wrong("says nothing of the answer, or too much: give is, or is_not, or at_least and at_most")
    elif bounds == [None, None] and not (wanted or unwanted):
        table.wrong("names no answer")
    return (Condition(node, frozenset(wanted or unwanted or ()), bounds[0], bounds[1], unwanted is not None),)


def _branches(table: Table, own: str) -> tuple[Branch, ...]:
    found = []
    for each in table.tables("branch", most=MOST_BRANCHES):
        conditions = read_conditions(each, own)
        target = each.text("next", longest=64)
        if not conditions and each.is_sound:
            each.wrong("has no condition; what always follows is the node's own next")
        each.finish()
        found.append(Branch(conditions, target))
    return tuple(found)


def _choices(table: Table, node: str) -> tuple[Choice, ...]:
    found: list[Choice] = []
    for each in table.tables("choices", most=MOST_CHOICES):
        choice = Choice(
            each.text("id", longest=64),
            each.text("text", longest=200),
            each.text("next", longest=64, otherwise=""),
            each.flag("consents"),
            each.flag("alone"),
        )
        each.finish()
        if choice.id and not _CHOICE_ID.fullmatch(choice.id):
            each.wrong("must be a name of small letters, digits, - and _", "id")
        elif choice.id in set(NoAnswer):
            each.wrong(f'"{choice.id}" is kept for no_answer', "id")
        elif choice.id in {other.id for other in found}:
            each.wrong(f'"{choice.id}" is used twice', "id")
        found.append(choice)
    if len(found) < 2:
        table.wrong("there must be two choices or more", "choices")
    return tuple(found)


def _bounds(table: Table, kind: NodeKind, choices: int) -> tuple[float, float, int, str, int]:
    """(at least, at most, decimals, unit, longest)."""
    if kind is NodeKind.NUMBER:
        low = table.number("at_least", least=-MOST, most=MOST)
        high = table.number("at_most", least=-MOST, most=MOST)
        if low > high:
            table.wrong("is above at_most", "at_least")
        decimals = int(table.number("decimals", least=0, most=4, otherwise=0, whole=True))
        if max(abs(low), abs(high)) * 10**decimals > MOST_ANSWERED:
            table.wrong(
                "lets in so many digits that an answer could be a telephone number; ask in thousands", "at_most"
            )
        return low, high, decimals, table.text("unit", longest=32, otherwise=""), 0
    if kind is NodeKind.MULTIPLE:
        low = table.number("at_least", least=1, most=max(1, choices), otherwise=1, whole=True)
        high = table.number("at_most", least=1, most=max(1, choices), otherwise=max(1, choices), whole=True)
        if low > high:
            table.wrong("is above at_most", "at_least")
        return low, high, 0, "", 0
    if kind is NodeKind.TEXT:
        return 0, 0, 0, "", int(table.number("longest", least=1, most=LONGEST_ANSWER, otherwise=200, whole=True))
    return 0, 0, 0, "", 0


def _no_answer(table: Table, kind: NodeKind, purposes: frozenset[Purpose]) -> tuple[NoAnswer, ...]:
    """Where it is left out both, but none to what must be answered."""
    if kind in (NodeKind.STATEMENT, NodeKind.END):
        return ()
    told = table.words("no_answer", tuple(NoAnswer))
    if told is None:
        return () if purposes else tuple(NoAnswer)
    return tuple(each for each in NoAnswer if each in told)


def _check(table: Table, node: Node) -> None:
    if Purpose.CONSENT in node.purposes:
        consenting = [choice.consents for choice in node.choices]
        if node.kind is not NodeKind.SINGLE or not any(consenting) or all(consenting):
            text = "consent is asked by a single choice of which one at least consents = true, and one does not"
            table.wrong(text, "purpose")
    elif any(choice.consents for choice in node.choices):
        table.wrong('consents has no effect without purpose = "consent"', "choices")
    if node.purposes and node.no_answer:
        table.wrong("is not for a node with a purpose: it must be answered", "no_answer")
    if node.silent and node.purposes:
        table.wrong("is not for a node with a purpose: it must be read out", "silent")
    if node.kind is not NodeKind.MULTIPLE and any(choice.alone for choice in node.choices):
        table.wrong("alone is for a multiple choice", "choices")
    if node.kind is not NodeKind.SINGLE and any(choice.next for choice in node.choices):
        table.wrong("next is for a single choice; use branch", "choices")
    if node.kind is NodeKind.STATEMENT and any(c.node == node.id for b in node.branches for c in b.conditions):
        table.wrong("a statement has no answer: name the node that is meant", "branch")
    if node.maximum_s and node.minimum_s > node.maximum_s:
        table.wrong(f"{node.maximum_s:g} is shorter than the {node.minimum_s:g} s that reading takes", "maximum_s")
