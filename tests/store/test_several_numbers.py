"""Leads with several numbers in the store: imported in order, passed over one by one, erased and exported whole."""

import io
from dataclasses import replace
from datetime import UTC, timedelta

from softswitch.dialler.alternatives import at
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.lead import LeadState
from softswitch.dialler.rules import UNITED_KINGDOM
from softswitch.store.lead_export import write_leads
from tests.store.conftest import WALL
from tests.store.postgresql import sqlite_file

HOME, MOBILE, WORK, OTHER = "+442079460001", "+447911123456", "+33123456789", "+442079460002"
ONE = "number,phone_2,phone 3,first_name,note\n02079460001,07911 123456,+33 1 23 45 67 89,Ann,07911123456 after six\n"


async def take(store, path, count=10, **values):
    report = await store.import_leads(path, "survey", country="GB", time_zone="Europe/London", **values)
    return report, await store.next_leads("survey", count, WALL)


def test_further_numbers_come_in_order_with_their_own_zones_and_no_field_repeats_one(with_store, lead_file) -> None:
    async def body(store):
        report, (lead,) = await take(store, lead_file(ONE))
        assert (report.accepted, report.numbers_left_out, report.fields_withheld) == (1, 0, 1)
        assert lead.every_number == (HOME, MOBILE, WORK) and lead.number == HOME
        assert [each.time_zone for each in lead.numbers] == ["Europe/London", "Europe/London", "Europe/Paris"]
        assert lead.fields == {"first_name": "Ann"}
        again = await store.import_leads(lead_file(ONE), "survey", country="GB", time_zone="Europe/London")
        assert (again.accepted, again.duplicates_in_list) == (0, 1)
        taken = lead_file("number\n07911123456\n", "mobile.csv")
        report = await store.import_leads(taken, "survey", country="GB", time_zone="Europe/London")
        assert (report.accepted, report.duplicates_in_list) == (0, 1), "it is another lead's second number"

    with_store(body)


def test_numbers_that_cannot_be_dialled_are_left_out_and_the_others_taken(with_store, lead_file) -> None:
    rows = [
        "number,phone_2,phone_3",
        "02079460001,12,+33123456789",  # no number
        "02079460002,02079460003,02079460001",  # the first is never dialled; the last is on line 2
        "02079460004,02079460003,",  # nothing is left
        ",02079460005,",
    ]

    async def body(store):
        listed = {"+442079460002", "+442079460004", "+442079460003"}
        await store.suppress("+442079460003", "", "asked")
        report, leads = await take(store, lead_file("\n".join(rows) + "\n"), never_dial=listed.__contains__)
        assert [lead.every_number for lead in leads] == [(HOME, WORK), ("+442079460005",)]
        assert (report.rows, report.accepted, report.never_dial, report.invalid) == (4, 2, 2, 0)
        assert report.numbers_left_out >= 2
        assert not any("79460" in str(problem) for problem in report.problems)

    with_store(body)


def test_what_became_of_each_number_is_kept_and_the_turn_with_it(with_store, lead_file) -> None:
    async def body(store):
        _, (lead,) = await take(store, lead_file(ONE))
        due = (WALL + timedelta(minutes=5)).astimezone(UTC)
        first = replace(lead.numbers[0], attempts=1, outcomes={"busy": 1}, last_outcome="busy", not_before=due)
        tried = replace(
            at(lead, WORK), state=LeadState.WAITING, attempts=1, not_before=due, numbers=(first, *lead.numbers[1:])
        )
        await store.save_lead(tried)
        assert await store.next_leads("survey", 10, WALL) == []
        (again,) = await store.next_leads("survey", 10, due)
        assert again == replace(tried, state=LeadState.QUEUED, last_outcome="")
        assert again.time_zone == "Europe/Paris"

    with_store(body)


def test_a_suppressed_number_is_passed_over_and_a_locked_one_waited_for(with_store, lead_file) -> None:
    async def body(store):
        path = lead_file(ONE)
        await store.import_leads(path, "survey", country="GB", time_zone="Europe/London")
        await store.suppress(HOME, "", "asked")
        await store.lock_number(MOBILE, WALL + timedelta(hours=72))
        assert await store.next_leads("survey", 10, WALL) == []
        (lead,) = await store.next_leads("survey", 10, WALL + timedelta(hours=73))
        assert lead.number == MOBILE and lead.numbers[0].state is LeadState.SUPPRESSED
        await store.save_lead(replace(lead, state=LeadState.WAITING))
        for number in (MOBILE, WORK):
            await store.suppress(number, "", "asked")
        assert await store.next_leads("survey", 10, WALL + timedelta(hours=73)) == []
        assert (await store.lead_counts("survey"))[LeadState.SUPPRESSED] == 1

    with_store(body)


def test_erasure_by_any_number_erases_and_suppresses_them_all(with_store, lead_file) -> None:
    async def body(store):
        _, (lead,) = await take(store, lead_file(ONE))
        erased = await store.erase_number(WORK, "asked", suppress=True)
        assert erased.lead_refs == (lead.lead_ref,)
        path = lead_file("number\n02079460001\n07911123456\n+33123456789\n02079460002\n", "again.csv")
        report, (left,) = await take(store, path)
        assert (report.suppressed, report.accepted, left.number) == (3, 1, OTHER)
        assert await store.most_numbers() == 1

    with_store(body)


def test_an_export_can_be_imported_again(with_store, lead_file) -> None:
    async def body(store):
        await store.import_leads(lead_file(ONE), "survey", country="GB", time_zone="Europe/London")
        out = io.StringIO()
        many = await store.most_numbers("survey")
        fields = await store.field_names("survey")
        assert await write_leads(store.all_leads("survey", persons=True), out, fields, many) == 1
        header, row, *_ = out.getvalue().splitlines()
        assert header.endswith("number,phone_2,phone_3,first_name")
        assert "'+442079460001,'+447911123456,'+33123456789" in row  # no formula to a spreadsheet
        path = lead_file(out.getvalue(), "again.csv")
        report = await store.import_leads(path, "other", country="DE", time_zone="Europe/Berlin")
        assert report.accepted == 1 and report.numbers_left_out == 0
        (again,) = await store.next_leads("other", 1, WALL)
        assert again.every_number == ("+442079460001", "+447911123456", "+33123456789")

    with_store(body)


def test_a_day_is_held_against_the_rules_number_by_number(with_store, lead_file, make_attempt) -> None:
    async def body(store):
        _, (lead,) = await take(store, lead_file(ONE))
        ends = WALL + timedelta(seconds=40)
        common = {"lead_ref": lead.lead_ref, "caller_id": "+441234567890", "outcome": "answered"}
        abandoned = make_attempt(
            "c1", **common, invited_at=WALL, answered_at=WALL, ended_at=ends, abandoned=True, disposition="abandoned"
        )
        later = WALL + timedelta(minutes=10)
        other = make_attempt("c2", **common, committed_at=later, invited_at=later, number_rank=1)
        again = make_attempt("c3", **common, committed_at=later, invited_at=later)
        for attempt, expected in ((abandoned, 0), (other, 0), (again, 1)):
            await store.commit_attempt(attempt)
            day = await store.compliance_day(Campaign("survey"), UNITED_KINGDOM, WALL.date(), "Europe/London")
            assert day.within_abandoned_lock == expected

    with_store(body)


def test_a_crash_in_a_call_locks_the_number_that_was_dialled(with_store, lead_file, make_attempt) -> None:
    async def body(store):
        _, (lead,) = await take(store, lead_file(ONE))
        await store.save_lead(replace(at(lead, MOBILE), state=LeadState.QUEUED))
        call = make_attempt("c1", lead_ref=lead.lead_ref, invited_at=WALL, answered_at=WALL, number_rank=1)
        await store.commit_attempt(call)
        await store.release_leads("survey", WALL)
        locked = await store.locked_numbers(WALL)
        assert MOBILE in locked and HOME not in locked
        left = await store.lead(lead.lead_ref)
        assert left.number == MOBILE and left.numbers[1].outcomes == {"abandoned": 1}
        assert left.not_before == WALL + timedelta(hours=72)

    with_store(body)


def test_numbers_stand_in_the_clear_nowhere_in_the_store(with_store, lead_file, url) -> None:
    async def body(store):
        await take(store, lead_file(ONE))

    with_store(body)

    folder = sqlite_file(url).parent
    whole = b"".join(path.read_bytes() for path in folder.glob("store.db*"))
    for number in (HOME, MOBILE, WORK):
        assert number[1:].encode() not in whole and number[3:].encode() not in whole
