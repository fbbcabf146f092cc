"""One practice call: the very machine that leads interviews, a callee of a scenario, and a record of what was done.

Pure, and with nobody at the other end: this room knows the script's machinery and nothing of calls, lines or media
(tests/test_floor_plan.py holds it to that), so nothing that happens here can reach the wire.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from softswitch.errors import UsageError
from softswitch.survey.answers import Given
from softswitch.survey.interview import Interview
from softswitch.survey.private_details import found_in
from softswitch.survey.questionnaire import Answer, Ending, NodeKind, Questionnaire
from softswitch.survey.quotas import QuotaBook
from softswitch.training.adherence import Adherence, Done, Expected, score
from softswitch.training.scenarios import (
    AGREES,
    GREETINGS,
    OUTCOMES,
    TEMPTATION,
    Scenario,
    answer_of,
    number_of,
    words_of,
)

MOST_NODES = 500
"""A script that leads in a circle is not followed for ever."""


class DrillState(StrEnum):
    """How far a practice call has come."""

    IN_CALL = "in call"
    WRAP_UP = "wrap-up"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Said:
    """What the callee says at this moment."""

    words: str
    clip: str = ""
    """Of its voice, where there is one."""


class Drill:
    """One practice call of one agent."""

    def __init__(
        self, script: Questionnaire, scenario: Scenario, drill_ref: str, agent: str, seed: int, now: float
    ) -> None:
        """drill_ref: stands where a call's reference does.  seed: of all that the callee says."""
        self.script = script
        self.scenario = scenario
        self.drill_ref = drill_ref
        self.agent = agent
        self.began_at = now
        self.state = DrillState.IN_CALL
        self.state_since = now
        self.outcome = ""
        """What the agent has noted, or what the interview's ending stands for."""
        self.interview = Interview(script, drill_ref, agent, {}, QuotaBook(script.cells), now)
        self._seed = seed
        self._expected, self._turning = expected_of(script, scenario, seed)
        self._hurried = self._filtered = self._mistaken = 0

    @property
    def expected(self) -> Expected:
        return self._expected

    def said(self, now: float) -> Said:
        """Greeting first; then, once the node can have been read out, the answer to it."""
        interview = self.interview
        if self.state is not DrillState.IN_CALL or interview.ending is not None:
            return Said("")
        here, is_first = interview.node, not interview.seconds
        turns = self._turning is not None and here.id == self._turning
        if turns and self.scenario.turns_at == 0.0 and self.scenario.outcome in ("machine", "wrong-number"):
            return Said(self.scenario.says, self.scenario.clip)  # heard before a word is said
        if interview.left_s(now) > 0 or (is_first and not turns):
            return Said(*GREETINGS[number_of(self._seed, "greeting") % len(GREETINGS)]) if is_first else Said("")
        if turns:
            return Said(self.scenario.says, self.scenario.clip)
        answer = self._answer()
        if any(choice.consents and choice.id == answer for choice in here.choices):
            return Said(*AGREES)
        words = words_of(here, answer)
        if here.kind is NodeKind.TEXT and self.scenario.tempts:
            words = f"{words} {TEMPTATION}"
        return Said(words)

    def receive_answer(self, node: str, given: Given, now: float) -> None:
        """As `Interview.receive_answer`; what is refused is remembered."""
        self._check(DrillState.IN_CALL)
        is_early = self.interview.left_s(now) > 0
        try:
            self.interview.receive_answer(node, given, now)
        except UsageError:
            if isinstance(given, str) and found_in(given) is not None:
                self._filtered += 1
            elif is_early:
                self._hurried += 1
            else:
                self._mistaken += 1
            raise

    def receive_back(self, now: float) -> None:
        self._check(DrillState.IN_CALL)
        self.interview.receive_back(now)

    def receive_ending(self, ending: Ending, now: float) -> None:
        if self.state is DrillState.OVER:
            raise UsageError("the practice call is over")
        self.interview.receive_ending(ending, now)
        if ending is Ending.OPTED_OUT:
            self.outcome = OUTCOMES[ending]

    def receive_call_ended(self, now: float) -> None:
        """The agent hangs up, by the rule of every call."""
        self._check(DrillState.IN_CALL)
        if self.interview.ending is None:
            raise UsageError(
                "the interview goes on: finish it, or say refusal, break-off, appointment or opt-out first"
            )
        self.outcome = self.outcome or OUTCOMES[self.interview.ending]
        self.state, self.state_since = DrillState.WRAP_UP, now

    def receive_outcome(self, outcome: str) -> None:
        self._check(DrillState.WRAP_UP)
        self.outcome = outcome

    def receive_done(self, now: float) -> Adherence:
        """The agent is ready for the next one: what this one was worth."""
        self._check(DrillState.WRAP_UP)
        self.state, self.state_since = DrillState.OVER, now
        interview = self.interview
        path = tuple(interview.snapshot(now)["path"])
        done = Done(
            path, interview.answers, interview.seconds, self.outcome, self._hurried, self._filtered, self._mistaken
        )
        return score(self.script, self._expected, done)

    def snapshot(self) -> dict[str, Any]:
        """What of it is kept with its result."""
        return {"drill_ref": self.drill_ref, "script": self.script.name, "scenario": self.scenario.name}

    def _answer(self) -> Answer | None:
        return answer_of(self.script, self.interview.node, self.interview.answers, self._seed)

    def _check(self, state: DrillState) -> None:
        if self.state is not state:
            raise UsageError("the practice call has gone on: look at the page again")


def expected_of(script: Questionnaire, scenario: Scenario, seed: int) -> tuple[Expected, str | None]:
    """How a call with this callee ought to go, and the node at which the callee turns, if one does."""
    interview = Interview(script, "expected", "nobody", {}, QuotaBook(script.cells), 0.0)
    fewest = max(1, script.fewest_left.get(script.start, 1))
    now, turning = 0.0, None
    for _ in range(MOST_NODES):
        node = interview.node
        asked = len(interview.answers)
        if scenario.turns_at is not None and asked >= scenario.turns_at * fewest and _may_turn(scenario, interview):
            turning = node.id
            break
        now += node.minimum_s
        interview.receive_answer(node.id, answer_of(script, node, interview.answers, seed), now)
        if interview.ending is not None:
            break
    path = tuple(interview.snapshot(now)["path"])
    texts = {id_ for id_, node in script.nodes.items() if node.kind is NodeKind.TEXT}
    answers = {id_: answer for id_, answer in interview.answers.items() if id_ not in texts}
    if turning is not None:
        path = path[:-1] if scenario.outcome in ("machine", "wrong-number") else path
    return Expected(path, answers, scenario.outcome), turning


def _may_turn(scenario: Scenario, interview: Interview) -> bool:
    """A callee hears who calls before saying no; a machine and a stranger speak at once."""
    if scenario.outcome in ("machine", "wrong-number") or scenario.turns_at:
        return True
    return interview.node.is_question
