"""Practice calls with each callee, led well and badly, and what they are worth."""

import ast
from pathlib import Path

import pytest

from softswitch.config.scripts import load_script
from softswitch.errors import UsageError
from softswitch.exchange.calls.surveys import DISPOSITIONS
from softswitch.survey.questionnaire import Ending
from softswitch.training.drill import Drill, DrillState
from softswitch.training.scenarios import OUTCOMES, SCENARIOS, TEMPTATION, Scenario, scenario_named

ROOT = Path(__file__).parents[2]
SCRIPT = load_script(ROOT / "configs" / "script-travel.toml", {"city"})
BUTTONS = {
    "refusal": Ending.REFUSED,
    "opt-out": Ending.OPTED_OUT,
    "callback": Ending.APPOINTMENT,
    "break-off": Ending.BROKEN_OFF,
    "wrong-number": Ending.BROKEN_OFF,
    "machine": Ending.BROKEN_OFF,
}


def begin(scenario: Scenario, seed: int = 7) -> Drill:
    return Drill(SCRIPT, scenario, "T1", "101", seed, 100.0)


def lead_well(drill: Drill) -> float:
    """Read each node out, write down what is said, and end it as the callee wishes; the time at its end."""
    now, written = 100.0, {**drill.expected.answers}
    while drill.interview.ending is None:
        node = drill.interview.node
        now += node.minimum_s + 2
        if drill.scenario.says and drill.said(now).words == drill.scenario.says:
            drill.receive_ending(BUTTONS[drill.scenario.outcome], now)
            break
        answer = "It is slow" if node.kind.value == "text" else written.get(node.id)
        drill.receive_answer(node.id, answer, now)
    drill.receive_call_ended(now + 1)
    drill.receive_outcome(drill.scenario.outcome)
    return now + 5


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_call_that_is_led_well_has_every_point_with_every_callee(scenario: Scenario, seed: int) -> None:
    drill = begin(scenario, seed)
    result = drill.receive_done(lead_well(drill))
    assert (result.points, result.passed, result.remarks) == (100, True, ())
    assert drill.state is DrillState.OVER


def test_a_callee_that_is_called_again_says_the_same() -> None:
    first, second, other = begin(SCENARIOS[0], 5), begin(SCENARIOS[0], 5), begin(SCENARIOS[0], 6)
    assert first.expected == second.expected
    assert first.expected.answers != other.expected.answers


def test_a_mandatory_node_left_out_fails_the_call_whatever_else_was_right() -> None:
    drill = begin(scenario_named("leaves"))
    drill.receive_ending(Ending.BROKEN_OFF, 130.0)
    drill.receive_call_ended(131.0)
    result = drill.receive_done(132.0)
    assert not result.passed
    assert result.outcome == 1.0
    assert '"consent" must be read out, and was not' in result.remarks


def test_hurry_and_what_may_not_be_written_down_cost_points_and_are_told() -> None:
    talkative = scenario_named("talkative")
    drill = next(each for seed in range(50) if "why" in (each := begin(talkative, seed)).expected.path)
    now = 100.0
    with pytest.raises(UsageError, match="must be read out"):
        drill.receive_answer("introduction", None, now + 0.1)
    while drill.interview.ending is None:
        node = drill.interview.node
        now += node.minimum_s if node.is_mandatory else 0.01
        if node.kind.value == "text":
            assert TEMPTATION in drill.said(now + 60).words
            with pytest.raises(UsageError, match="telephone"):
                drill.receive_answer(node.id, TEMPTATION, now)
        answer = "It is slow" if node.kind.value == "text" else drill.expected.answers.get(node.id)
        drill.receive_answer(node.id, answer, now)
    drill.receive_call_ended(now)
    result = drill.receive_done(now)
    assert result.filter == 0.5
    assert result.times < 0.6
    assert result.points < 90
    assert any("may not be written down" in remark for remark in result.remarks)
    assert any("before it can have been read" in remark for remark in result.remarks)


def test_wrong_answers_and_a_wrong_outcome_are_told() -> None:
    drill = begin(scenario_named("willing"))
    now = 100.0
    while drill.interview.ending is None:
        node = drill.interview.node
        now += node.minimum_s + 1
        wrong = {
            "age": 99,
            "sex": next(c.id for c in SCRIPT.nodes["sex"].choices if c.id != drill.expected.answers["sex"]),
        }
        answer = "slow" if node.kind.value == "text" else wrong.get(node.id, drill.expected.answers.get(node.id))
        drill.receive_answer(node.id, answer, now)
    drill.receive_call_ended(now)
    drill.receive_outcome("refusal")
    result = drill.receive_done(now)
    assert not result.passed
    assert "it came to completed, and was noted as refusal" in result.remarks
    assert {'"age": the callee said something else', '"sex": the callee said something else'} <= set(result.remarks)


def test_the_callee_greets_waits_for_the_question_and_then_answers() -> None:
    drill = begin(scenario_named("willing"))
    assert drill.said(100.0).clip.startswith("human-hello-")
    drill.receive_answer("introduction", None, 100.0 + SCRIPT.nodes["introduction"].minimum_s)
    assert drill.said(drill.interview._entered_at).words == ""
    assert drill.said(drill.interview._entered_at + 60).words == "Yes, all right. Go ahead."
    machine = begin(scenario_named("machine"))
    assert machine.said(100.0).clip == "machine-greeting-3"


def test_the_call_goes_by_the_rules_of_every_call() -> None:
    drill = begin(scenario_named("willing"))
    with pytest.raises(UsageError, match="the interview goes on"):
        drill.receive_call_ended(101.0)
    with pytest.raises(UsageError, match="look at the page again"):
        drill.receive_outcome("completed")
    drill.receive_ending(Ending.REFUSED, 102.0)
    drill.receive_call_ended(103.0)
    with pytest.raises(UsageError, match="look at the page again"):
        drill.receive_answer("introduction", None, 104.0)
    drill.receive_done(105.0)
    with pytest.raises(UsageError, match="over"):
        drill.receive_ending(Ending.OPTED_OUT, 106.0)


def test_outcomes_are_called_as_the_dispositions_are() -> None:
    told = {ending: disposition.value for ending, disposition in DISPOSITIONS.items()}
    assert {**OUTCOMES, Ending.APPOINTMENT: told.get(Ending.APPOINTMENT)} == {**told, Ending.APPOINTMENT: None}


def test_nothing_of_a_practice_call_knows_anything_that_reaches_the_wire() -> None:
    """By what each module imports, and what those import: the script's machinery, and nothing else of ours."""
    reached, waiting = set(), set((ROOT / "softswitch" / "training").glob("*.py"))
    while waiting:
        path = waiting.pop()
        reached.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = []
            if isinstance(node, ast.ImportFrom):
                named = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            for name in named:
                found = ROOT / (name.replace(".", "/") + ".py")
                if name.startswith("softswitch") and found.is_file() and found not in reached:
                    waiting.add(found)
                assert name.split(".")[0] not in ("socket", "asyncio", "subprocess", "os", "ssl", "select"), path
    rooms = {path.relative_to(ROOT).parts[1] for path in reached}
    assert rooms == {"training", "survey", "errors.py"}
