"""Callbacks in the store: one open promise for a lead, given out shortly before its moment, and not lost in a crash."""

from datetime import UTC, datetime, timedelta

import pytest

from softswitch.dialler.callbacks import CALLED, CANCELLED, MISSED, REPLACED, Callback, promised
from softswitch.dialler.lead import LeadState
from softswitch.errors import UsageError

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
DUE = WALL + timedelta(hours=2)


async def a_lead(store, lead_file):
    path = lead_file("number\n02079460123\n02079460124\n")
    await store.import_leads(path, "survey", country="GB", time_zone="Europe/London")
    return (await store.next_leads("survey", 1, WALL))[0]


def callback_of(lead, **changes) -> Callback:
    values = {"due_at": DUE, "agent": "ada", "made_by": "ada", "made_at": WALL} | changes
    return Callback(lead.lead_ref, "survey", **values)


def test_a_promise_is_given_out_with_its_agent_and_no_other_lead_with_it(with_store, lead_file) -> None:
    async def body(store):
        lead = await a_lead(store, lead_file)
        await store.make_callback(callback_of(lead))
        await store.save_lead(promised(lead, DUE, "ada"))
        assert await store.due_callbacks("survey", DUE - timedelta(seconds=1)) == []
        (given,) = await store.due_callbacks("survey", DUE)
        assert (given.lead_ref, given.callback_agent, given.not_before) == (lead.lead_ref, "ada", DUE)
        assert await store.due_callbacks("survey", DUE) == []  # it is somebody's now

    with_store(body)


def test_a_second_promise_takes_the_first_one_s_place(with_store, lead_file) -> None:
    async def body(store):
        lead = await a_lead(store, lead_file)
        await store.save_lead(promised(lead, DUE, "ada"))
        await store.make_callback(callback_of(lead))
        later = callback_of(lead, due_at=DUE + timedelta(hours=1), agent="", made_at=WALL + timedelta(minutes=1))
        await store.make_callback(later)
        assert await store.callbacks("survey") == [later]
        (first,) = await store.callbacks("survey", [REPLACED])
        assert (first.due_at, first.closed_at) == (DUE, later.made_at)

    with_store(body)


@pytest.mark.parametrize("came_to", [CALLED, MISSED, CANCELLED])
def test_what_it_came_to_is_kept_once(with_store, lead_file, came_to: str) -> None:
    async def body(store):
        lead = await a_lead(store, lead_file)
        await store.make_callback(callback_of(lead))
        await store.close_callback(lead.lead_ref, came_to, DUE, "call1")
        await store.close_callback(lead.lead_ref, CALLED, DUE + timedelta(hours=9), "call2")
        (found,) = await store.callbacks("survey", [came_to])
        assert (found.closed_at, found.call_ref) == (DUE, "call1")
        assert await store.callbacks("survey") == []
        assert await store.callbacks("survey", [came_to], since=DUE + timedelta(seconds=1)) == []

    with_store(body)


def test_a_promise_to_somebody_who_opted_out_since_counts_as_cancelled(with_store, lead_file) -> None:
    async def body(store):
        lead = await a_lead(store, lead_file)
        await store.make_callback(callback_of(lead))
        await store.save_lead(promised(lead, DUE, "ada"))
        await store.suppress(lead.number, reason="opt-out")
        assert await store.due_callbacks("survey", DUE) == []
        assert (await store.lead(lead.lead_ref)).state is LeadState.SUPPRESSED
        assert await store.callbacks("survey") == []
        assert [each.came_to for each in await store.callbacks("survey", [CANCELLED])] == [CANCELLED]

    with_store(body)


def test_a_promise_made_in_a_call_that_a_crash_cut_off_stands(with_store, lead_file, make_attempt) -> None:
    async def body(store):
        lead = await a_lead(store, lead_file)
        talked = make_attempt(lead_ref=lead.lead_ref, answered_at=WALL, bridged_at=WALL, agent="ada", ended_at=None)
        await store.commit_attempt(talked)
        await store.make_callback(callback_of(lead))
        await store.release_leads("survey", WALL)
        (given,) = await store.due_callbacks("survey", DUE)
        assert (given.lead_ref, given.callback_agent, given.attempts) == (lead.lead_ref, "ada", 1)

    with_store(body)


def test_a_caller_s_number_is_a_lead_that_nothing_dials_before_its_list_is_complete(with_store, lead_file) -> None:
    async def body(store):
        known = await a_lead(store, lead_file)
        assert (await store.lead_of_number("survey", known.number, "Europe/London", "offers")) == (
            await store.lead(known.lead_ref),
            "",
        )
        lead, list_ref = await store.lead_of_number("survey", "+442079460555", "Europe/London", "offers")
        assert (lead.number, lead.state) == ("+442079460555", LeadState.NEW) and list_ref
        await store.save_lead(promised(lead, DUE, ""))
        assert await store.due_callbacks("survey", DUE) == []
        await store.complete_list(list_ref)
        assert [each.lead_ref for each in await store.due_callbacks("survey", DUE)] == [lead.lead_ref]
        await store.suppress("+442079460777", reason="opt-out")
        with pytest.raises(UsageError, match="suppression"):
            await store.lead_of_number("survey", "+442079460777", "Europe/London", "offers")

    with_store(body)


def test_a_promise_to_somebody_who_was_never_tried_outlives_a_crash(with_store, lead_file) -> None:
    async def body(store):
        lead = await a_lead(store, lead_file)
        assert lead.attempts == 0
        await store.make_callback(callback_of(lead))
        await store.save_lead(promised(lead, DUE, "ada"))
        await store.due_callbacks("survey", DUE)  # the dialler has it as the switch is killed
        await store.release_leads("survey", DUE)
        assert await store.callbacks("survey") == [callback_of(lead)]
        (given,) = await store.due_callbacks("survey", DUE)
        assert (given.lead_ref, given.callback_agent) == (lead.lead_ref, "ada")

    with_store(body)
