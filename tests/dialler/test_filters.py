"""Which leads a campaign dials: the expression's words, what is refused of it, and what becomes of the others."""

from dataclasses import replace

import pytest

from softswitch.dialler.events import PlaceCall
from softswitch.dialler.filters import LeadFilter
from softswitch.dialler.lead import LeadState
from softswitch.errors import UsageError
from tests.dialler.desk import NOON, lead

FIELDS = {"segment": "north", "age": "42", "postal_code": "N1 1AA", "note": "speaks Welsh", "empty": ""}
ANN = lead(1, fields=FIELDS, priority=5, attempts=2, last_outcome="busy")


@pytest.mark.parametrize(
    "text",
    [
        "",
        'segment == "north"',
        "age >= 30 and age < 43",
        "age == 42.0 and age != 41",
        'segment in ("north", "east") and segment not in ["south"]',
        'postal_code.startswith("N1") and not postal_code.endswith("X")',
        '"Welsh" in note',
        'missing == "" and empty == ""',
        'priority > 3 and attempts < 3 and last_outcome == "busy" and time_zone == "Europe/London"',
        'segment == "south" or age > -1',
        "segment != 7 and not segment > 7 and not (missing < 1 or missing >= 1)",
        "True",
    ],
)
def test_a_lead_is_taken(text):
    assert LeadFilter(text).takes(ANN)


@pytest.mark.parametrize(
    "text",
    [
        'segment == "South"',
        "age > 42",
        "age in (1, 2)",
        'not segment == "north"',
        "False",
        "missing == 0",
        '"x" in note',
    ],
)
def test_a_lead_is_not_taken(text):
    assert not LeadFilter(text).takes(ANN)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age >=", "cannot be read"),
        ("age >= 3 )", "cannot be read, character 10"),
        ("segment", "compare a field"),
        ("__import__('os').system('x')", "only startswith and endswith"),
        ("segment.upper() == 'NORTH'", "neither a field nor"),
        ("segment.__class__ == 1", "neither a field nor"),
        ("open('x') == 1", "neither a field nor"),
        ("[x for x in segment] == 1", "neither a field nor"),
        ("1 < age < 50", "join two comparisons"),
        ("age is 3", "not known here"),
        ("(lambda: 1)() == 1", "neither a field nor"),
        ("age == 9**9**9", "neither a field nor"),
        ("f'{age}' == '1'", "neither a field nor"),
        ("not " * 60 + "True", "nested too deeply"),
        ("(" * 300 + "1" + ")" * 300, "cannot be read"),
        ("age == 1 " + "and age == 1 " * 200, "longer than"),
        ("age == 1\0", "cannot be read"),
    ],
)
def test_whatever_is_no_comparison_is_refused_with_its_place(text, said):
    with pytest.raises(UsageError, match=said):
        LeadFilter(text)


def test_the_number_is_no_name_that_a_filter_knows():
    assert not LeadFilter('"+44" in number').takes(ANN) and LeadFilter('number == ""').takes(ANN)


def test_leads_that_the_filter_does_not_take_are_set_aside_and_callbacks_are_kept(open_desk):
    north = lead(1, fields={"segment": "north"})
    south = lead(2, fields={"segment": "south"})
    promised = lead(3, fields={"segment": "south"}, state=LeadState.CALLBACK, last_outcome="callback", not_before=NOON)
    desk = open_desk(south, north, filter='segment == "north"')
    for name in ("ada", "bob"):
        desk.agent(name)
    assert [event.number for event in desk.of(PlaceCall)] == [north.number]
    assert desk.last_lead() == replace(south, state=LeadState.FILTERED)
    desk.dialler.add_callbacks([promised], desk.now)
    desk.settle()
    assert promised.number in [event.number for event in desk.of(PlaceCall)]


def test_a_campaign_whose_leads_are_all_filtered_is_finished(open_desk):
    desk = open_desk(lead(1), filter="False", started=False)
    desk.dialler.receive_lead_totals(1, 1, desk.now)
    desk.dialler.start(desk.now)
    desk.settle()
    desk.pass_time(60)
    assert desk.dialler.wanted == "finished"
