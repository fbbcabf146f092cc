"""Leads from list to hopper and back: order, locks, suppression."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from softswitch.dialler.lead import LeadState
from softswitch.errors import UsageError

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
SITE = {"country": "GB", "time_zone": "Europe/London"}


@pytest.fixture
def five_leads(lead_file):
    return lead_file("number,priority\n" + "".join(f"0207946000{n},{n // 3}\n" for n in range(5)))


def test_leads_come_by_priority_then_in_the_order_of_the_list_and_only_once(with_store, five_leads) -> None:
    async def body(store):
        await store.import_leads(five_leads, "survey", **SITE)
        first = await store.next_leads("survey", 3, WALL)
        assert [lead.number[-1] for lead in first] == ["3", "4", "0"]
        assert all(lead.state is LeadState.QUEUED for lead in first)
        assert [lead.number[-1] for lead in await store.next_leads("survey", 9, WALL)] == ["1", "2"]
        assert await store.next_leads("survey", 9, WALL) == []
        assert await store.next_leads("other", 9, WALL) == []

    with_store(body)


def test_a_saved_lead_comes_back_when_it_is_due_and_a_callback_before_all(with_store, five_leads) -> None:
    async def body(store):
        await store.import_leads(five_leads, "survey", **SITE)
        later = WALL + timedelta(minutes=30)
        lead = (await store.next_leads("survey", 1, WALL))[0]
        waiting = replace(
            lead, state=LeadState.CALLBACK, attempts=1, not_before=later, last_outcome="callback",
            priority=-5, outcomes={"callback": 1},
        )  # fmt: skip
        await store.save_lead(waiting)
        assert await store.next_due("survey", WALL) == later
        assert await store.next_due("survey", later) is None
        assert lead.lead_ref not in [other.lead_ref for other in await store.next_leads("survey", 1, WALL)]
        (back,) = await store.next_leads("survey", 1, later)
        assert back == replace(waiting, state=LeadState.QUEUED)

    with_store(body)


def test_an_unknown_lead_cannot_be_saved(with_store, five_leads) -> None:
    async def body(store):
        await store.import_leads(five_leads, "survey", **SITE)
        (lead,) = await store.next_leads("survey", 1, WALL)
        with pytest.raises(UsageError):
            await store.save_lead(replace(lead, lead_ref="nobody"))

    with_store(body)


def test_a_locked_number_rests_in_every_campaign_unless_an_agent_is_guaranteed(with_store, lead_file) -> None:
    async def body(store):
        path = lead_file("number\n02079460001\n")
        for campaign in ("one", "two"):
            await store.import_leads(path, campaign, **SITE)
        until = WALL + timedelta(hours=72)
        await store.lock_number("+442079460001", until)
        await store.lock_number("+442079460001", WALL + timedelta(hours=24))  # a shorter one changes nothing
        assert await store.locked_numbers(WALL) == {"+442079460001": until}
        assert await store.next_leads("one", 5, WALL + timedelta(hours=71)) == []
        assert len(await store.next_leads("one", 5, WALL, agent_guaranteed=True)) == 1
        assert len(await store.next_leads("two", 5, until)) == 1
        assert await store.locked_numbers(until) == {}

    with_store(body)


def test_a_number_without_a_lead_can_be_locked_too(with_store) -> None:
    async def body(store):
        await store.lock_number("+442079460009", WALL)
        assert await store.locked_numbers(WALL - timedelta(seconds=1)) == {"+442079460009": WALL}

    with_store(body)


def test_suppressing_takes_leads_off_the_lists_of_its_scope(with_store, lead_file) -> None:
    async def body(store):
        path = lead_file("number\n02079460001\n02079460002\n")
        for campaign in ("one", "two"):
            await store.import_leads(path, campaign, **SITE)
        await store.suppress("+442079460001", "one", "asked")
        await store.suppress("+442079460001", "one", "asked again")
        await store.suppress("+442079460002", reason="victim")
        assert await store.suppressed("one") == {"+442079460001", "+442079460002"}
        assert await store.suppressed("two") == {"+442079460002"}
        assert await store.next_leads("one", 5, WALL) == []
        assert [lead.number[-1] for lead in await store.next_leads("two", 5, WALL)] == ["1"]
        assert (await store.lead_counts("one"))[LeadState.SUPPRESSED] == 2
        assert await store.lead_totals("one") == (0, 2)

    with_store(body)


def test_accounts_are_added_replaced_and_listed(with_store) -> None:
    async def body(store):
        assert await store.account("ann") is None
        await store.add_account("ann", "hash 1", "supervisor")
        await store.add_account("ann", "hash 2", "administrator")
        await store.add_account("1001", "hash", "agent")
        assert await store.account("ann") == ("hash 2", "administrator")
        assert await store.accounts() == ["1001", "ann"]

    with_store(body)
