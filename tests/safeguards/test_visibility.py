import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.figures import CallFigures
from softswitch.dialler.lead import Lead, LeadNumber
from softswitch.errors import UsageError
from softswitch.safeguards import visibility
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


@pytest.mark.parametrize(
    "text",
    [
        "+442079460012",
        "020 7946 0012",
        "call me on 0-20-79-46-00-12 please",
        "０２０ ７９４６ ００１２",
        "٠٢٠ ٧٩٤٦ ٠٠١٢",
        "020 79\u200b46\u200b0012",
        "oh two oh, seven nine four six, double oh one two",
        "rings at 946 0012 within the town",
        "46-0012",
    ],
)
def test_a_listed_field_that_repeats_the_number_is_left_out(text):
    campaign = Campaign("survey", visible_fields=("note", "region"))
    assert agent_call_view(ATTEMPT, lead(note=text, region="north"), campaign).fields == {"region": "north"}


def test_fields_that_hold_the_number_in_parts_are_left_out_together_and_others_stay():
    parts = {"area": "2079", "rest": "460 012", "born": "1946", "children": "2", "since": "2019"}
    campaign = Campaign("survey", visible_fields=tuple(parts))
    view = agent_call_view(ATTEMPT, lead(**parts), campaign)
    assert view.fields == {"born": "1946", "children": "2", "since": "2019"}
    without = {name: text for name, text in parts.items() if name != "rest"}
    assert agent_call_view(ATTEMPT, lead(**without), campaign).fields == without, "a part alone dials nobody"


def test_each_of_a_leads_numbers_is_withheld():
    several = replace(lead(note="ask for 0161 496 0999", region="north"), numbers=(
        LeadNumber("+442079460012", "Europe/London"), LeadNumber("+441614960999", "Europe/London"),
    ))  # fmt: skip
    campaign = Campaign("survey", visible_fields=("note", "region"))
    assert agent_call_view(ATTEMPT, several, campaign).fields == {"region": "north"}


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


# Who a lead is

LEAD = Lead("l1", "survey", "+442079460123", "Europe/London", fields={"first_name": "Annabella"})


@pytest.mark.parametrize("role", ["administrator", "auditor"])
def test_a_whole_lead_is_shown_once_its_reason_is_noted(role: str) -> None:
    told: list[str] = []

    async def note(actor: str, action: str, *, subject: str, reason: str) -> None:
        told.append(f"{actor} {action} {subject}: {reason}")

    async def read(lead_ref: str) -> Lead:
        told.append(f"read {lead_ref}")
        return LEAD

    looker = visibility.Looker("kim", visibility.Role(role))
    view = asyncio.run(visibility.reveal_lead("l1", looker, "complaint 7", note=note, read=read))
    assert (view.number, view.fields) == ("+442079460123", {"first_name": "Annabella"})
    assert told == ["kim show lead l1: complaint 7", "read l1"]


@pytest.mark.parametrize(
    ("role", "reason", "log_is_full"),
    [("agent", "why", False), ("supervisor", "why", False), ("auditor", " - ", False), ("auditor", "why", True)],
)
def test_nothing_is_read_for_those_who_may_not_or_say_no_reason_or_where_it_cannot_be_noted(
    role: str, reason: str, log_is_full: bool
) -> None:
    async def note(actor: str, action: str, *, subject: str, reason: str) -> None:
        assert log_is_full
        raise UsageError("the audit log cannot be written")

    async def read(lead_ref: str) -> Lead:
        raise AssertionError("was read")

    looker = visibility.Looker("kim", visibility.Role(role))
    with pytest.raises(UsageError):
        asyncio.run(visibility.reveal_lead("l1", looker, reason, note=note, read=read))
