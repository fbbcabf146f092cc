"""One interview: at which node it is, what has been answered, how it ended. A pure machine; time is passed in.

It is at one node at a time, and only that node can be answered, so no node can be skipped. Refusal, break-off,
appointment and opt-out are possible at any moment. It may end at most once.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from softswitch.errors import UsageError
from softswitch.survey.answers import Given, checked
from softswitch.survey.questionnaire import (
    ANYWHERE,
    AT_ONCE,
    Answer,
    Ending,
    NoAnswer,
    Node,
    NodeKind,
    Purpose,
    Questionnaire,
)
from softswitch.survey.quotas import QuotaBook
from softswitch.survey.wording import filled


class Alert(StrEnum):
    """What a supervisor is told of an agent who may be off the script."""

    TOO_FAST = "answered faster than it can be read"
    TOO_LONG = "over its maximum time"


@dataclass(frozen=True, slots=True)
class InterviewEvent:
    call_ref: str


@dataclass(frozen=True, slots=True)
class NodeEntered(InterviewEvent):
    node: str


@dataclass(frozen=True, slots=True)
class AlertRaised(InterviewEvent):
    agent: str
    node: str
    alert: Alert
    seconds: float
    """At the node."""


@dataclass(frozen=True, slots=True)
class InterviewEnded(InterviewEvent):
    ending: Ending
    is_partial: bool
    """Broken off so late that it counts as a partial interview."""
    cells: tuple[str, ...]
    """Of the quotas, in which it counts: it is complete."""


class Interview:
    """One interview on its way through a script: told what the agent does, it says what comes next and what is to be
    kept."""

    def __init__(
        self,
        script: Questionnaire,
        call_ref: str,
        agent: str,
        fields: Mapping[str, str],
        quotas: QuotaBook,
        now: float,
    ) -> None:
        """fields: those of the callee that the agent may see."""
        self.script = script
        self.call_ref = call_ref
        self.agent = agent
        self.fields = dict(fields)
        self._quotas = quotas
        self._path: list[str] = [script.start]
        """Nodes in the order in which they were come to; the last one is the present one."""
        self._answers: dict[str, Answer] = {}
        self._seconds: dict[str, float] = {}
        self._held: tuple[str, ...] = ()
        self._ending: Ending | None = None
        self._entered_at = now
        self._was_slow = False
        self._events: deque[InterviewEvent] = deque()
        self.revision = 0
        """Rises with every change that is to be kept."""

    # what may be asked

    @property
    def node(self) -> Node:
        return self.script.nodes[self._path[-1]]

    @property
    def words(self) -> str:
        """To be read out now: of the node, or of an ending away from the script."""
        if self._ending is not None and self.node.kind is not NodeKind.END:
            return filled(self.script.closings.get(self._ending, ""), self.fields)
        return filled(self.node.text, self.fields)

    @property
    def ending(self) -> Ending | None:
        """None while it goes on."""
        return self._ending

    @property
    def answers(self) -> dict[str, Answer]:
        """Of the questions on the way that was taken; one that it went back over and left is not among them."""
        return {id_: self._answers[id_] for id_ in dict.fromkeys(self._path) if id_ in self._answers}

    @property
    def untold(self) -> tuple[Purpose, ...]:
        """What every callee must be told at once, of which no node has been left yet."""
        told = {purpose for id_ in self._path[:-1] for purpose in self.script.nodes[id_].purposes}
        return tuple(each for each in AT_ONCE if each not in told)

    @property
    def previous_answer(self) -> Answer | None:
        """To the present node, where it has been answered before."""
        return self._answers.get(self._path[-1])

    @property
    def seconds(self) -> dict[str, float]:
        """At each node that has been left, all visits together."""
        return dict(self._seconds)

    @property
    def progress(self) -> float:
        """0-1: questions asked, of these and the fewest that are left."""
        asked = sum(self.script.nodes[id_].is_question for id_ in dict.fromkeys(self._path[:-1]))
        left = self.script.fewest_left.get(self._path[-1], 0)
        return asked / (asked + left) if asked + left else 0.0

    @property
    def may_go_back(self) -> bool:
        return self._ending is None and len(self._path) > 1

    @property
    def is_partial(self) -> bool:
        """Whether enough has been answered for a partial interview, should it break off now (AAPOR 2.2.1.2)."""
        given = sum(not isinstance(answer, NoAnswer) for answer in self.answers.values())
        left = self.script.fewest_left.get(self._path[-1], 0)
        return given > 0 and given / (len(self.answers) + left) >= self.script.partial_from

    def left_s(self, now: float) -> float:
        """Until the present node can have been read out."""
        return max(0.0, self._entered_at + self.node.minimum_s - now)

    def at_node_s(self, now: float) -> float:
        return max(0.0, now - self._entered_at)

    # what the agent does

    def receive_answer(self, node: str, given: Given, now: float) -> None:
        """An answer to the present node, None to a statement or the end.

        Raises UsageError with a text for the agent, and stays where it is, for another node than the present one, for
        what is no answer to it, and for a mandatory node that cannot have been read out yet.
        """
        self._check_open()
        here = self.node
        if node != here.id:
            raise UsageError("the interview has gone on: look at the page again")
        answer = checked(here, given)
        if self.left_s(now) > 0:
            self._alert(Alert.TOO_FAST, now)
            if here.is_mandatory:
                raise UsageError(f"this must be read out to the end: {self.left_s(now):.0f} s more")
        if answer is not None:
            self._answers[here.id] = answer
        if here.ending is not None:
            self._leave(now)
            self._end(here.ending)
            return
        self._go_to(self._next_of(here), now)

    def receive_back(self, now: float) -> None:
        """To the node before; its answer can be given anew."""
        self._check_open()
        if not self.may_go_back:
            raise UsageError("this is the first node")
        self._leave(now)
        left = self._path.pop()
        if self.node.screens:
            self._quotas.release(self.call_ref)
            self._held = ()
        if left not in self._path:
            self._answers.pop(left, None)
        self._enter(now)

    def receive_ending(self, ending: Ending, now: float) -> None:
        """Refusal, break-off, appointment or opt-out, from wherever it is.

        An opt-out may come after the end as well, and changes nothing of what the interview came to.
        """
        if ending not in ANYWHERE:
            raise UsageError("this is for the script to say")
        if self._ending is not None and ending is Ending.OPTED_OUT:
            return
        self._check_open()
        self._leave(now)
        self._end(ending)

    def receive_over(self, now: float) -> None:
        """The call and the agent's time after it are over. At an end of the script that is how it ended; else it was
        broken off."""
        if self._ending is None:
            self._leave(now)
            self._end(self.node.ending or Ending.BROKEN_OFF)

    def receive_agent(self, agent: str) -> None:
        """Another agent has taken the call over."""
        if agent != self.agent:
            self.agent = agent
            self.revision += 1

    # the face of every machine

    def handle_timer(self, now: float) -> None:
        timer = self.next_timer()
        if timer is not None and timer <= now:
            self._was_slow = True
            self._alert(Alert.TOO_LONG, now)

    def next_timer(self) -> float | None:
        maximum_s = self.node.maximum_s
        if self._ending is not None or self._was_slow or not maximum_s:
            return None
        return self._entered_at + maximum_s

    def next_event(self) -> InterviewEvent | None:
        return self._events.popleft() if self._events else None

    # what another process needs

    def snapshot(self, now: float) -> dict[str, Any]:
        """All of it in values that JSON holds, but for the script and the callee's fields, which are kept elsewhere."""
        return {
            "script": self.script.name,
            "call_ref": self.call_ref,
            "agent": self.agent,
            "path": list(self._path),
            "answers": {id_: list(a) if isinstance(a, tuple) else a for id_, a in self._answers.items()},
            "seconds": {id_: round(seconds, 1) for id_, seconds in self._seconds.items()},
            "held": list(self._held),
            "ending": None if self._ending is None else self._ending.value,
            "at_node_s": round(self.at_node_s(now), 1),
            "revision": self.revision,
        }

    @classmethod
    def restore(
        cls,
        script: Questionnaire,
        snapshot: Mapping[str, Any],
        fields: Mapping[str, str],
        quotas: QuotaBook,
        now: float,
    ) -> "Interview":
        """Go on at the same node. Raises UsageError where the snapshot is of another script, or of another version of
        it in which the way that was taken is none."""
        try:
            made = cls(script, snapshot["call_ref"], snapshot["agent"], fields, quotas, now)
            made._path = [script.nodes[id_].id for id_ in snapshot["path"]]
            for id_, given in snapshot["answers"].items():
                answer = checked(script.nodes[id_], given)
                if answer is not None:
                    made._answers[id_] = answer
            made._seconds = {id_: float(seconds) for id_, seconds in snapshot["seconds"].items()}
            made._held = tuple(snapshot["held"])
            made._ending = None if snapshot["ending"] is None else Ending(snapshot["ending"])
            made._entered_at = now - float(snapshot["at_node_s"])
            made.revision = int(snapshot["revision"])
            if snapshot["script"] != script.name or not made._path:
                raise KeyError(script.name)
        except (AttributeError, KeyError, TypeError, ValueError, UsageError) as error:
            raise UsageError(f"the interview does not fit the script {script.name} any longer") from error
        if made._ending is None:
            quotas.keep(made.call_ref, made._held)
        return made

    def _next_of(self, here: Node) -> str:
        answers = self.answers
        if not here.screens:
            return here.lead_to(answers)
        cells = self._quotas.cells_of(answers)
        if self._quotas.hold(self.call_ref, cells):
            self._held = ()
            return self.script.over_quota
        self._held = cells
        return here.lead_to(answers)

    def _go_to(self, node: str, now: float) -> None:
        self._leave(now)
        self._path.append(node)
        self._enter(now)

    def _enter(self, now: float) -> None:
        self._entered_at, self._was_slow = now, False
        self.revision += 1
        self._events.append(NodeEntered(self.call_ref, self._path[-1]))

    def _leave(self, now: float) -> None:
        id_ = self._path[-1]
        self._seconds[id_] = self._seconds.get(id_, 0.0) + self.at_node_s(now)

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        self.revision += 1
        cells = self._quotas.fill(self.call_ref) if ending is Ending.COMPLETE else ()
        self._quotas.release(self.call_ref)
        is_partial = ending is Ending.BROKEN_OFF and self.is_partial
        self._events.append(InterviewEnded(self.call_ref, ending, is_partial, cells))

    def _alert(self, alert: Alert, now: float) -> None:
        self._events.append(AlertRaised(self.call_ref, self.agent, self._path[-1], alert, self.at_node_s(now)))

    def _check_open(self) -> None:
        if self._ending is not None:
            raise UsageError("the interview is over")
