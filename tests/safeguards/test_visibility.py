from datetime import UTC, datetime

import pytest

from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.figures import CallFigures
from softswitch.dialler.lead import Lead
from softswitch.safeguards.visibility import agent_call_view, call_view, mask

ATTEMPT = DialAttempt("ref1", "lead1", "survey", "trunk", datetime(2026, 6, 10, tzinfo=UTC))


def lead(**fields):
    return Lead("lead1", "survey", "+442079460012", "Europe/London", fields=fields)


def test_an_agent_sees_the_fields_that_the_campaign_lists_and_no_other():
    view = agent_call_view(
        ATTEMPT, lead(region="north", surname="Smith"), Campaign("survey", visible_fields=("region",))
    )
    assert view.fields == {"region": "north"}
    assert view.call_ref == "ref1"


@pytest.mark.parametrize("text", ["+442079460012", "020 7946 0012", "call me on 0-20-79-46-00-12 please"])
def test_a_listed_field_that_repeats_the_number_is_left_out(text):
    campaign = Campaign("survey", visible_fields=("note", "region"))
    assert agent_call_view(ATTEMPT, lead(note=text, region="north"), campaign).fields == {"region": "north"}


def test_a_supervisor_sees_two_digits_and_not_the_length():
    assert mask("+442079460012") == "••••••12"
    assert len(mask("+4915112345678")) == len(mask("+442079460012"))


def test_a_short_number_is_hidden_whole():
    assert mask("999") == "••••••"


def test_a_call_on_the_wallboard_is_masked():
    view = call_view(CallFigures("ref1", "survey", "ada", "in call", 3.0, "", "+442079460012"))
    assert "7946" not in repr(view)


@pytest.mark.parametrize(
    "name", ["address1", "Home Address", "street", "postal_code", "post-code", "zip", "e-mail", "mobile"]
)
def test_an_address_or_a_way_to_reach_somebody_is_withheld_whatever_the_campaign_lists(name):
    campaign = Campaign("survey", visible_fields=(name, "city"))
    assert agent_call_view(ATTEMPT, lead(**{name: "12 High Street", "city": "Leeds"}), campaign).fields == {
        "city": "Leeds"
    }
