"""An interview node by node: what is taken, what is refused, where it goes on, how it ends, how it is taken up."""

import json

import pytest

from softswitch.errors import UsageError
from softswitch.survey.interview import Alert, AlertRaised, Interview, InterviewEnded, InterviewEvent, NodeEntered
from softswitch.survey.questionnaire import Ending, NoAnswer, Questionnaire
from softswitch.survey.quotas import QuotaBook
from tests.survey.small_script import small

SCRIPT = small()


def begun(
    script: Questionnaire = SCRIPT, quotas: QuotaBook | None = None, call_ref: str = "c1", **fields: str
) -> Interview:
    return Interview(script, call_ref, "101", fields, quotas or QuotaBook(script.cells), 0.0)


def answered(interview: Interview, *answers: object) -> Interview:
    """Each answer to the node of the moment, half a minute after the one before."""
    for n, answer in enumerate(answers, 1):
        interview.receive_answer(interview.node.id, answer, 20.0 * n)
    return interview


def events_of(interview: Interview) -> list[InterviewEvent]:
    found = []
    while (event := interview.next_event()) is not None:
        found.append(event)
    return found


def test_each_answer_leads_where_the_script_says() -> None:
    interview = begun()
    went = []
    for n, answer in enumerate((None, "yes", "34", ["dog", "cat"], "They are good company", None), 1):
        went.append(interview.node.id)
        interview.receive_answer(interview.node.id, answer, 20.0 * n)
    assert went == ["hello", "consent", "age", "pets", "why", "done"]
    assert interview.ending is Ending.COMPLETE
    assert interview.answers == {"consent": "yes", "age": 34, "pets": ("dog", "cat"), "why": "They are good company"}
    assert interview.seconds == dict.fromkeys(went, 20.0)
    assert events_of(interview)[-1] == InterviewEnded("c1", Ending.COMPLETE, False, ("young",))


@pytest.mark.parametrize(
    ("answers", "ending"),
    [
        ((None, "no", None), Ending.REFUSED),
        ((None, "yes", 12, None), Ending.SCREENED_OUT),
        ((None, "yes", "dont_know", ["none"], None), Ending.COMPLETE),
    ],
)
def test_an_interview_ends_as_its_last_node_says(answers: tuple[object, ...], ending: Ending) -> None:
    assert answered(begun(), *answers).ending is ending


@pytest.mark.parametrize(
    ("before", "answer", "why"),
    [
        ((), "yes", "nothing to answer"),
        ((None,), None, "choose one"),
        ((None,), "maybe", "choose one"),
        ((None,), "refused", "choose one"),
        ((None, "yes"), "old", "type a number"),
        ((None, "yes"), 121, "from 0 to 120"),
        ((None, "yes"), 33.5, "whole number"),
        ((None, "yes"), True, "type a number"),
        ((None, "yes"), "nan", "type a number"),
        ((None, "yes"), "9" * 400, "from 0 to 120"),
        ((None, "yes", 30), [], "from 1 to 3"),
        ((None, "yes", 30), ["dog", "bird"], "choose among"),
        ((None, "yes", 30), ["dog", "none"], "no other answer"),
        ((None, "yes", 30), "dog", "choose among"),
        ((None, "yes", 30, ["dog"]), "   ", "type an answer"),
        ((None, "yes", 30, ["dog"]), "x" * 81, "80 are the most"),
        ((None, "yes", 30, ["dog"]), "ring me on oh seven seven double four 900 123", "a telephone number"),
        ((None, "yes", 30, ["dog"]), "SW1A 1AA", "a postcode"),
    ],
)
def test_what_is_no_answer_is_refused_in_words_and_nothing_moves(
    before: tuple[object, ...], answer: object, why: str
) -> None:
    interview = answered(begun(), *before)
    events_of(interview)
    was = interview.snapshot(1000.0)
    with pytest.raises(UsageError, match=why):
        interview.receive_answer(interview.node.id, answer, 1000.0)
    assert interview.snapshot(1000.0) == was
    assert events_of(interview) == []


def test_only_the_present_node_can_be_answered_so_none_can_be_skipped() -> None:
    interview = begun()
    for node in SCRIPT.nodes:
        if node != "hello":
            with pytest.raises(UsageError, match="gone on"):
                interview.receive_answer(node, None, 100.0)
    assert interview.node.id == "hello"


def test_a_mandatory_node_cannot_be_left_before_it_can_have_been_read_out() -> None:
    interview = begun()
    with pytest.raises(UsageError, match="read out to the end: 3 s more"):
        interview.receive_answer("hello", None, 2.0)
    assert interview.node.id == "hello"
    assert events_of(interview) == [AlertRaised("c1", "101", "hello", Alert.TOO_FAST, 2.0)]
    interview.receive_answer("hello", None, 4.8)
    assert interview.node.id == "consent"


def test_another_node_answered_faster_than_it_can_be_read_raises_an_alert_and_goes_on() -> None:
    interview = answered(begun(), None, "yes")
    events_of(interview)
    interview.receive_answer("age", 30, 40.5)
    assert events_of(interview) == [
        AlertRaised("c1", "101", "age", Alert.TOO_FAST, 0.5),
        NodeEntered("c1", "pets"),
    ]


def test_a_node_over_its_maximum_time_raises_one_alert_a_visit() -> None:
    interview = answered(begun(), None, "yes", 30, ["dog"])
    events_of(interview)
    assert interview.next_timer() == 110.0
    interview.handle_timer(109.9)
    assert events_of(interview) == []
    interview.handle_timer(110.0)
    assert events_of(interview) == [AlertRaised("c1", "101", "why", Alert.TOO_LONG, 30.0)]
    assert interview.next_timer() is None
    interview.receive_back(120.0)
    interview.receive_answer("pets", ["dog"], 130.0)
    assert interview.next_timer() == 160.0


def test_going_back_shows_the_answer_and_takes_back_what_is_not_on_the_new_way() -> None:
    interview = answered(begun(), None, "yes", 30, ["dog"], "Company")
    interview.receive_back(110.0)
    assert interview.previous_answer == "Company"
    interview.receive_back(120.0)
    assert (interview.node.id, interview.previous_answer) == ("pets", ("dog",))
    interview.receive_answer("pets", ["none"], 130.0)
    interview.receive_answer("done", None, 140.0)
    assert interview.answers == {"consent": "yes", "age": 30, "pets": ("none",)}


def test_before_the_first_node_there_is_none() -> None:
    interview = begun()
    assert not interview.may_go_back
    with pytest.raises(UsageError):
        interview.receive_back(1.0)


@pytest.mark.parametrize("steps", range(6))
@pytest.mark.parametrize("ending", [Ending.REFUSED, Ending.BROKEN_OFF, Ending.APPOINTMENT, Ending.OPTED_OUT])
def test_refusal_break_off_appointment_and_opt_out_are_reachable_from_every_node(steps: int, ending: Ending) -> None:
    interview = answered(begun(), *(None, "yes", 30, ["dog"], "Company")[:steps])
    interview.receive_ending(ending, 200.0)
    assert interview.ending is ending
    with pytest.raises(UsageError, match="over"):
        interview.receive_answer(interview.node.id, None, 300.0)
    with pytest.raises(UsageError, match="over"):
        interview.receive_back(300.0)


@pytest.mark.parametrize("ending", [Ending.COMPLETE, Ending.SCREENED_OUT, Ending.OVER_QUOTA])
def test_what_the_script_says_nobody_can_say_in_its_place(ending: Ending) -> None:
    with pytest.raises(UsageError):
        begun().receive_ending(ending, 1.0)


def test_an_opt_out_after_the_end_leaves_the_interview_complete() -> None:
    interview = answered(begun(), None, "yes", 30, ["none"], None)
    interview.receive_ending(Ending.OPTED_OUT, 200.0)
    assert interview.ending is Ending.COMPLETE


def test_a_call_that_is_over_breaks_off_unless_the_last_words_were_on_the_page() -> None:
    interview = answered(begun(), None, "yes", 30)
    interview.receive_over(100.0)
    assert interview.ending is Ending.BROKEN_OFF
    interview = answered(begun(), None, "yes", 30, ["none"])
    interview.receive_over(100.0)
    assert interview.ending is Ending.COMPLETE
    interview.receive_over(200.0)
    assert [type(event) for event in events_of(interview)].count(InterviewEnded) == 1


@pytest.mark.parametrize(
    ("answers", "is_partial"),
    [
        ((None,), False),
        ((None, "yes"), False),  # 1 of at least 3
        ((None, "yes", 30), True),  # 2 of at least 3
        ((None, "yes", "refused"), False),  # 1 of at least 3
        ((None, "yes", 30, ["dog"]), True),  # 3 of 4
    ],
)
def test_half_of_the_questions_make_a_partial_interview(answers: tuple[object, ...], is_partial: bool) -> None:
    interview = answered(begun(), *answers)
    interview.receive_ending(Ending.BROKEN_OFF, 200.0)
    (ended,) = [event for event in events_of(interview) if isinstance(event, InterviewEnded)]
    assert ended.is_partial is is_partial


def test_words_are_filled_from_the_callees_visible_fields_or_the_scripts_own_words() -> None:
    assert begun().words.startswith("Hello there, this")
    assert begun(first_name="Ada <b>").words.startswith("Hello Ada <b>, this")
    assert begun(first_name="07700 900123").words.startswith("Hello there, this")
    assert begun(first_name="x" * 500).words.startswith(f"Hello {'x' * 100}, this")
    interview = begun(first_name="Ada")
    interview.receive_ending(Ending.REFUSED, 10.0)
    assert interview.words == "Goodbye Ada."
    interview = begun()
    interview.receive_ending(Ending.BROKEN_OFF, 10.0)
    assert interview.words == ""


def test_a_full_cell_ends_the_interview_politely_at_the_screening() -> None:
    quotas = QuotaBook(SCRIPT.cells)
    for call_ref in ("a", "b"):
        answered(begun(quotas=quotas, call_ref=call_ref), None, "yes", 20, ["none"], None)
    third = answered(begun(quotas=quotas, call_ref="c"), None, "yes", 20)
    assert third.node.id == "enough"
    assert third.words == "There are enough."
    answered(third, None)
    assert third.ending is Ending.OVER_QUOTA
    assert answered(begun(quotas=quotas, call_ref="d"), None, "yes", 35).node.id == "pets"
    assert [(cell.name, cell.filled, cell.held, cell.is_open) for cell in quotas.figures()] == [("young", 2, 0, False)]


def test_interviews_under_way_hold_their_places_and_give_them_back() -> None:
    quotas = QuotaBook(SCRIPT.cells, {"young": 1, "gone": 5})
    first = answered(begun(quotas=quotas, call_ref="a"), None, "yes", 20)
    second = answered(begun(quotas=quotas, call_ref="b"), None, "yes", 20)
    assert (first.node.id, second.node.id) == ("pets", "enough")
    first.receive_ending(Ending.BROKEN_OFF, 100.0)
    assert [cell.held for cell in quotas.figures()] == [0]
    third = answered(begun(quotas=quotas, call_ref="c"), None, "yes", 20)
    assert third.node.id == "pets"
    third.receive_back(100.0)
    assert [cell.held for cell in quotas.figures()] == [0]
    third.receive_answer("age", 50, 110.0)
    assert [cell.held for cell in quotas.figures()] == [0]


@pytest.mark.parametrize("steps", range(7))
def test_an_interview_is_taken_up_at_the_same_node_with_all_that_was_said(steps: int) -> None:
    answers = (None, "yes", NoAnswer.DONT_KNOW, ["dog", "cat"], "Company", None)[:steps]
    quotas = QuotaBook(SCRIPT.cells)
    interview = answered(begun(quotas=quotas, first_name="Ada"), *answers)
    kept = json.loads(json.dumps(interview.snapshot(200.0)))
    again = Interview.restore(SCRIPT, kept, {"first_name": "Ada"}, QuotaBook(SCRIPT.cells), 5000.0)
    assert (again.node, again.answers, again.ending, again.words) == (
        interview.node, interview.answers, interview.ending, interview.words,
    )  # fmt: skip
    assert again.snapshot(5000.0) == kept
    assert "Ada" not in json.dumps(kept)
    assert again.at_node_s(5000.0) == pytest.approx(interview.at_node_s(200.0), abs=0.06)


def test_a_taken_up_interview_holds_its_place_in_the_quota() -> None:
    kept = answered(begun(), None, "yes", 20).snapshot(100.0)
    quotas = QuotaBook(SCRIPT.cells)
    again = Interview.restore(SCRIPT, kept, {}, quotas, 0.0)
    assert quotas.figures()[0].held == 1
    again.receive_answer("pets", ["none"], 10.0)
    again.receive_answer("done", None, 20.0)
    assert quotas.figures()[0].filled == 1


@pytest.mark.parametrize(
    "change",
    [
        {"script": "other"},
        {"path": []},
        {"path": ["hello", "gone"]},
        {"answers": {"age": 500}},
        {"answers": None},
        {"ending": "x"},
        {"at_node_s": "x"},
    ],
)
def test_a_snapshot_that_does_not_fit_the_script_is_refused(change: dict[str, object]) -> None:
    kept = answered(begun(), None, "yes").snapshot(100.0)
    with pytest.raises(UsageError, match="does not fit"):
        Interview.restore(SCRIPT, {**kept, **change}, {}, QuotaBook(SCRIPT.cells), 0.0)


def test_progress_rises_to_the_end() -> None:
    interview, seen = begun(), []
    for n, answer in enumerate((None, "yes", 30, ["dog"], "Company"), 1):
        seen.append(interview.progress)
        interview.receive_answer(interview.node.id, answer, 20.0 * n)
    assert seen == sorted(seen)
    assert (seen[0], interview.progress) == (0.0, 1.0)
