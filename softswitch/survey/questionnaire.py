"""A script as values: its nodes, where each answer leads, the cells of its quotas; `reading` makes and checks it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

FASTEST_WORDS_PER_MINUTE = 240.0
"""Nobody reads a question out faster and is understood; interviewers speak at 120 to 180."""


class NodeKind(StrEnum):
    """What a node asks for."""

    STATEMENT = "statement"
    SINGLE = "single"
    MULTIPLE = "multiple"
    NUMBER = "number"
    TEXT = "text"
    END = "end"


QUESTIONS = frozenset({NodeKind.SINGLE, NodeKind.MULTIPLE, NodeKind.NUMBER, NodeKind.TEXT})


class Purpose(StrEnum):
    """What every callee must be told or asked, whatever way the interview goes (ISO 20252; GDPR articles 7, 13, 21)."""

    WHO_CALLS = "who_calls"
    ON_BEHALF = "on_behalf"
    RECORDING_NOTICE = "recording_notice"
    CONSENT = "consent"
    OPT_OUT = "opt_out"


AT_ONCE = (Purpose.WHO_CALLS, Purpose.RECORDING_NOTICE, Purpose.CONSENT)
"""Before anything else; the others may come later."""


class NoAnswer(StrEnum):
    """What a callee may say to most questions instead of an answer."""

    DONT_KNOW = "dont_know"
    REFUSED = "refused"


class Ending(StrEnum):
    """What an interview came to."""

    COMPLETE = "complete"
    SCREENED_OUT = "screened_out"
    """Nobody here is whom the survey asks."""
    OVER_QUOTA = "over_quota"
    REFUSED = "refused"
    BROKEN_OFF = "broken_off"
    APPOINTMENT = "appointment"
    OPTED_OUT = "opted_out"


SCRIPTED = (Ending.COMPLETE, Ending.SCREENED_OUT, Ending.OVER_QUOTA, Ending.REFUSED)
"""Endings that a node may stand for; the others are reachable from anywhere."""
ANYWHERE = (Ending.REFUSED, Ending.BROKEN_OFF, Ending.APPOINTMENT, Ending.OPTED_OUT)

Answer = str | int | float | tuple[str, ...]
"""A choice's id or a text, a number, or the ids of several choices; a `NoAnswer` for any of them."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is so of an answer. Of a question that was not asked nothing is so."""

    node: str
    any_of: frozenset[str] = frozenset()
    """Choices, or `NoAnswer`s; of several choices one is enough. Empty: asks for a number."""
    at_least: float | None = None
    at_most: float | None = None
    negated: bool = False

    def holds(self, answers: Mapping[str, Answer]) -> bool:
        answer = answers.get(self.node)
        if answer is None:
            return False
        if self.any_of:
            given = set(answer) if isinstance(answer, tuple) else {answer}
            return self.any_of.isdisjoint(given) is self.negated
        if isinstance(answer, str | tuple):
            return False
        low = self.at_least is None or answer >= self.at_least
        return low and (self.at_most is None or answer <= self.at_most)


@dataclass(frozen=True, slots=True)
class Branch:
    """Taken where all its conditions hold."""

    conditions: tuple[Condition, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers that a node offers."""

    id: str
    text: str
    next: str = ""
    """Where this choice leads; empty: as the node says."""
    consents: bool = False
    alone: bool = False
    """Of a multiple choice: with no other, as "none of these"."""


@dataclass(frozen=True, slots=True)
class Node:
    """One statement or question of a script."""

    id: str
    kind: NodeKind
    text: str
    """The exact words; `{field|fallback}` is filled from a visible field."""
    note: str = ""
    """For the agent, not to be read out."""
    next: str = ""
    branches: tuple[Branch, ...] = ()
    purposes: frozenset[Purpose] = frozenset()
    choices: tuple[Choice, ...] = ()
    at_least: float = 0
    """The smallest number; of a multiple choice, the fewest choices."""
    at_most: float = 0
    decimals: int = 0
    unit: str = ""
    longest: int = 0
    """Characters of a text."""
    no_answer: tuple[NoAnswer, ...] = ()
    """What the callee may say instead."""
    before_consent: bool = False
    """May be asked before the callee has agreed, as "Am I speaking to an adult?"."""
    screens: bool = False
    """After its answer full cells end the interview."""
    dtmf: bool = False
    """Here the agent may send digits."""
    silent: bool = False
    """Here the agent says nothing: the callee thinks, types or listens. Whoever talks all the same is reported."""
    minimum_s: float = 0.0
    """An answer that comes sooner was not read out."""
    maximum_s: float = 0.0
    """0: takes as long as it takes."""
    ending: Ending | None = None

    @property
    def is_question(self) -> bool:
        return self.kind in QUESTIONS

    @property
    def is_mandatory(self) -> bool:
        return bool(self.purposes)

    def choice(self, id_: str) -> Choice | None:
        return next((choice for choice in self.choices if choice.id == id_), None)

    def lead_to(self, answers: Mapping[str, Answer]) -> str:
        """Where it goes on with these answers, its own among them."""
        own = answers.get(self.id)
        if self.kind is NodeKind.SINGLE and isinstance(own, str):
            choice = self.choice(own)
            if choice is not None and choice.next:
                return choice.next
        for branch in self.branches:
            if all(condition.holds(answers) for condition in branch.conditions):
                return branch.next
        return self.next


@dataclass(frozen=True, slots=True)
class Cell:
    """So many interviews are wanted of such people."""

    name: str
    limit: int
    conditions: tuple[Condition, ...]

    def holds(self, answers: Mapping[str, Answer]) -> bool:
        return all(condition.holds(answers) for condition in self.conditions)


@dataclass(frozen=True)
class Questionnaire:
    """A script that has been checked."""

    name: str
    title: str
    start: str
    nodes: Mapping[str, Node]
    cells: tuple[Cell, ...] = ()
    over_quota: str = ""
    """The end for people of whom there are enough."""
    closings: Mapping[Ending, str] = field(default_factory=dict)
    """What is said where an interview ends away from the script."""
    partial_from: float = 0.5
    """Share of the questions from which an interview that is broken off counts as partial (AAPOR)."""
    fields: frozenset[str] = frozenset()
    """That its words are filled from."""

    @cached_property
    def fewest_left(self) -> Mapping[str, int]:
        """Of each node, the fewest questions from it on, itself included, until the interview is complete."""
        left = {id_: 0 for id_, node in self.nodes.items() if node.ending is Ending.COMPLETE}
        changed = True
        while changed:
            changed = False
            for id_, node in self.nodes.items():
                ways = [left[target] for target in targets_of(node) if target in left]
                if ways and left.get(id_, len(self.nodes)) > (fewest := node.is_question + min(ways)):
                    left[id_] = fewest
                    changed = True
        return left


def targets_of(node: Node) -> set[str]:
    """All that is named as following it."""
    named = {node.next, *(choice.next for choice in node.choices), *(branch.next for branch in node.branches)}
    return named - {""}
