"""Script files: what is wrong with one is said with its line, and what cannot be proved of it keeps it from use."""

import tomllib
from pathlib import Path

import pytest

from softswitch.config.toml_lines import TomlLines
from softswitch.survey.questionnaire import Ending, NoAnswer, NodeKind
from softswitch.survey.reading import read
from tests.survey.small_script import SMALL, changed, line_of, parsed, small

TRAVEL = Path(__file__).parents[2] / "configs" / "script-travel.toml"

# (in the script, what it is changed to, key, part of the text)
MISTAKES = [
    ('kind = "number"', 'kind = "numbr"', "nodes[2].kind", "must be one of"),
    ('id = "age"', 'id = "Age"', "nodes[2].id", "small letters"),
    ('id = "pets"', 'id = "age"', "nodes[3].id", "used twice"),
    ("at_most = 120", "at_most = -1", "nodes[2].at_least", "above at_most"),
    ("at_most = 120", 'at_most = "old"', "nodes[2].at_most", "must be a number"),
    ("at_most = 120", "at_most = nan", "nodes[2].at_most", "must be from"),
    ("at_most = 120", "at_most = 79999999999", "nodes[2].at_most", "telephone number"),
    ("at_most = 120", "at_most = 9999\ndecimals = 3", "nodes[2].at_most", "telephone number"),
    ("at_most = 120", "at_most = 120\ndecimals = 1.5", "nodes[2].decimals", "whole number"),
    ('text = "Why?"', 'txt = "Why?"', "nodes[4].txt", 'did you mean "text"?'),
    ('text = "Why?"', "text = 7", "nodes[4].text", "text in quotes"),
    ('text = "Why?"', 'text = "Why \\u202E?"', "nodes[4].text", "control character"),
    ('text = "Why?"', 'text = "Why {x y z!}?"', "nodes[4].text", "brace"),
    ('text = "Why?"', 'text = "Why {phone|you}?"', "nodes[4].text", "visible_fields"),
    ("longest = 80", "longest = 8000", "nodes[4].longest", "from 1 to 500"),
    ("maximum_s = 30", "maximum_s = 30\nminimum_s = 40", "nodes[4].maximum_s", "shorter"),
    ('{ id = "cat", text = "Cat" }', '{ id = "dog", text = "Cat" }', "nodes[3].choices[1].id", "used twice"),
    ('{ id = "cat", text = "Cat" }', '{ id = "refused", text = "Cat" }', "nodes[3].choices[1].id", "kept for"),
    ('{ id = "cat", text = "Cat" }', '{ id = "cat", text = "C", next = "done" }', "nodes[3].choices", "use branch"),
    ('{ is = "none", next = "done" }', '{ is = "bird", next = "done" }', "nodes[3].branch", "no answer to"),
    ('{ is = "none", next = "done" }', '{ at_most = 3, next = "done" }', "nodes[3].branch", "no number"),
    ('{ is = "none", next = "done" }', '{ next = "done" }', "nodes[3].branch[0]", "no condition"),
    ('{ is = "none", next = "done" }', '{ is = "none", next = "gone" }', "nodes[3].branch", 'no node "gone"'),
    ('{ is = "none", next = "done" }', '{ node = "x", is = "y", next = "done" }', "nodes[3].branch", 'no node "x"'),
    (', next = "bye" }', "}", "nodes[6]", "nothing leads here"),
    ("consents = true", "consents = false", "nodes[1].purpose", "consents = true"),
    ('purpose = "consent"', 'purpose = "consent"\nno_answer = "refused"', "nodes[1].no_answer", "must be answered"),
    ('ending = "complete"', 'ending = "broken_off"', "nodes[5].ending", "must be one of"),
    ("limit = 2", "limit = -2", "quotas[0].limit", "from 0"),
    ('node = "age"\nat_most = 34', 'node = "pets"\nis = "dog"', "quotas[0]", "after the screening"),
    ('node = "age"\nat_most = 34\n', "", "quotas[0]", "nobody in particular"),
    ("screens = true", "screens = false", "quotas[0]", "never looked at"),
    ('over_quota = "enough"', "", "nodes[8]", "nothing leads here"),
    ('over_quota = "enough"', 'over_quota = "bye"', "over_quota", "over_quota"),
    ('name = "small"', 'name = "small"\nstart = "begin"', "start", 'no node "begin"'),
    ('name = "small"', 'name = "small"\npartial_from = 2', "partial_from", "from 0 to 1"),
]


@pytest.mark.parametrize(("old", "new", "key", "text"), MISTAKES)
def test_a_mistake_is_named_with_its_line_and_its_key(old: str, new: str, key: str, text: str) -> None:
    told = changed((old, new))
    script, faults = parsed(told, {"first_name"})
    assert script is None
    found = [fault for fault in faults if fault.key == key and text in fault.text]
    assert found, [str(fault) for fault in faults]
    assert found[0].line == TomlLines(told).line_of(_key(key))
    assert str(found[0]).startswith(f"line {found[0].line}: ")


def _key(dotted: str) -> tuple[str | int, ...]:
    parts = dotted.replace("[", ".").replace("]", "").split(".")
    return tuple(int(part) if part.isdigit() else part for part in parts)


def test_every_mistake_of_a_file_is_told_at_once_in_order_of_lines() -> None:
    _, faults = parsed(
        changed(('kind = "number"', 'kind = "numbr"'), ("longest = 80", "longest = 0"), ("limit = 2", ""))
    )
    assert [fault.line for fault in faults] == sorted(fault.line for fault in faults)
    assert {"nodes[2].kind", "nodes[4].longest", "quotas[0]"} <= {fault.key for fault in faults}


@pytest.mark.parametrize("purpose", ["who_calls", "on_behalf", "recording_notice", "opt_out"])
def test_a_script_without_one_of_the_notices_is_refused(purpose: str) -> None:
    script, faults = parsed(changed((f'"{purpose}"', '"who_calls"' if purpose != "who_calls" else '"opt_out"')))
    assert script is None
    assert any(f'no node has the purpose "{purpose}"' in fault.text for fault in faults)


def test_a_way_past_a_mandatory_node_is_shown_node_by_node() -> None:
    told = changed(
        ('"recording_notice", "opt_out"]', '"recording_notice"]'),
        ('kind = "text"', 'kind = "text"\npurpose = "opt_out"'),
    )
    script, faults = parsed(told)
    assert script is None
    (fault,) = [fault for fault in faults if "opt_out" in fault.text]
    assert "hello → consent → bye" in fault.text
    assert fault.line == line_of('id = "bye"', told) - 1


def test_the_start_can_be_no_way_round_a_mandatory_node() -> None:
    script, faults = parsed(changed(('name = "small"', 'name = "small"\nstart = "consent"')))
    assert script is None
    assert any("cannot be reached" in fault.text and fault.key == "nodes[0]" for fault in faults)


def test_nothing_is_asked_of_people_who_have_not_consented() -> None:
    script, faults = parsed(changed((', next = "bye" }', ', next = "pets" }'), ('[{ is = "none"', '[{ is = "cat"')))
    assert script is None
    assert any("not consented: hello → consent → pets" in fault.text for fault in faults)


def test_a_question_may_be_marked_as_one_that_comes_before_consent() -> None:
    before = """[[nodes]]
id = "adult"
kind = "single"
text = "Are you an adult?"
choices = [{ id = "yes", text = "Yes" }, { id = "no", text = "No", next = "too_young" }]
next = "consent"
"""
    changes = (
        ('next = "consent"', 'next = "adult"'),
        ('[[nodes]]\nid = "consent"', f'{before}[[nodes]]\nid = "consent"'),
    )
    _, faults = parsed(changed(*changes))
    assert any("not consented" in fault.text for fault in faults)
    small(*changes, ('text = "Are you', 'before_consent = true\ntext = "Are you'))


def test_a_dead_end_is_an_error() -> None:
    script, faults = parsed(changed(('longest = 80\nnext = "done"', "longest = 80")))
    assert script is None
    assert any("dead end" in fault.text and fault.key == "nodes[4]" for fault in faults)


def test_a_choice_that_no_branch_takes_is_named_as_the_dead_end() -> None:
    _, faults = parsed(changed((', next = "bye" }]\nnext = "age"', ', next = "bye" }]')))
    assert any('the answer "yes" leads nowhere' in fault.text for fault in faults)


def test_a_node_behind_answers_that_always_go_elsewhere_cannot_be_reached() -> None:
    _, faults = parsed(changed(("branch = [{ at_most = 15", "no_answer = []\nbranch = [{ at_most = 200")))
    assert any("has another way before" in fault.text and fault.key == "nodes[3]" for fault in faults)


def test_a_number_is_followed_by_the_ways_that_its_bounds_allow() -> None:
    _, faults = parsed(changed(("at_least = 0", "at_least = 16")))
    assert any("cannot be reached" in fault.text and fault.key == "nodes[7]" for fault in faults)


def looping(way: str, next_: str) -> list[tuple[str, str]]:
    """The last question as a choice between two; way: of the second one."""
    choices = f'choices = [{{ id = "a", text = "A" }}, {{ id = "b", text = "B"{way} }}]'
    return [
        ('kind = "text"', f'kind = "single"\n{choices}'),
        ("longest = 80\n", ""),
        ('next = "done"\n[[nodes]]\nid = "done"', f'{next_}\n[[nodes]]\nid = "done"'),
    ]


def test_a_loop_that_no_answer_leaves_is_an_error() -> None:
    script, faults = parsed(changed(*looping("", 'next = "pets"'), ('branch = [{ is = "none", next = "done" }]\n', "")))
    assert script is None
    assert any("loop without end: pets → why → pets" in fault.text for fault in faults)


def test_a_loop_that_some_answer_leaves_is_none() -> None:
    small(*looping(', next = "done"', 'next = "pets"'))


def test_a_loop_left_only_by_an_answer_given_before_it_is_an_error() -> None:
    """Whoever gave the other answer would be asked for ever."""
    way = 'branch = [{ node = "age", at_most = 40, next = "done" }]\nnext = "pets"'
    _, faults = parsed(changed(*looping("", way), ('branch = [{ is = "none", next = "done" }]\n', "")))
    assert any("loop without end: pets → why → pets" in fault.text for fault in faults), faults


def test_a_loop_left_by_an_answer_given_in_it_is_none() -> None:
    way = 'branch = [{ node = "pets", is = "none", next = "done" }]\nnext = "pets"'
    small(*looping("", way), ('branch = [{ is = "none", next = "done" }]\n', ""))


def test_words_may_be_filled_from_visible_fields_alone() -> None:
    assert parsed(SMALL, {"first_name"})[0] is not None
    _, faults = parsed(SMALL, set())
    assert {fault.key for fault in faults} == {"nodes[0].text", "closings.refused"}


def test_what_is_read_stands_in_the_questionnaire() -> None:
    script = small()
    assert script.nodes["age"].kind is NodeKind.NUMBER
    assert script.nodes["age"].no_answer == tuple(NoAnswer)
    assert script.nodes["consent"].no_answer == ()
    assert script.nodes["done"].ending is Ending.COMPLETE
    assert script.nodes["why"].maximum_s == 30.0
    assert script.nodes["hello"].minimum_s == pytest.approx(4.8)  # 19 words, four a second
    assert script.fewest_left["hello"] == 3


def test_the_example_that_ships_is_sound() -> None:
    text = TRAVEL.read_text()
    script, faults = read(tomllib.loads(text), TomlLines(text).line_of, {"city"})
    assert faults == []
    assert script is not None
    assert script.fewest_left[script.start] == 5


@pytest.mark.parametrize(
    "hostile",
    [
        {},
        {"nodes": 7},
        {"nodes": [7, [], None]},
        {"nodes": [{"id": {"a": 1}, "kind": [], "text": {}, "choices": {}, "branch": "x", "purpose": [[]]}]},
        {"name": "x" * 10**6, "nodes": [{"id": "a", "kind": "end", "text": "y" * 10**6}]},
        {"name": "x", "nodes": [{"id": "a", "kind": "number", "text": "t", "at_least": True, "at_most": 10**400}]},
        {"name": "x", "nodes": [{"id": "a", "kind": "end", "text": "t"}] * 5000},
        {"name": "x", "nodes": [{"id": "a", "kind": "single", "text": "t", "choices": [{}] * 5000}]},
        {"quotas": [{"all": [{"all": [{"all": []}]}]}], "closings": [], "name": 1},
    ],
)
def test_whatever_a_file_holds_it_is_refused_with_words(hostile: dict[str, object]) -> None:
    script, faults = read(hostile, lambda key: 1)
    assert script is None
    assert faults
    assert all(len(str(fault)) < 1000 for fault in faults)
