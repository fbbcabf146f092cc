"""Importing lists: what becomes a lead, what does not and why, and what a report may say."""

import asyncio
import csv
import io
import re
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.errors import UsageError
from softswitch.store.leads import LeadImport, nothing_stands

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
SITE = {"country": "GB", "time_zone": "Europe/London"}
LONG_DIGITS = re.compile(r"\d{4,}")


def import_into(store, path, **values):
    return store.import_leads(path, "survey", **SITE | values)


def dry_run(path, **values):
    work = LeadImport("survey", **SITE | {"wall": WALL} | values)
    return asyncio.run(work.run(path, None, standing=nothing_stands))


def test_a_list_becomes_leads_with_number_zone_priority_and_fields(with_store, lead_file) -> None:
    path = lead_file("number,time_zone,priority,first_name,tenure\n020 7946 0001,,5,Ann,owner\n+33 6 12 34 56 78,,,,\n")

    async def body(store):
        report = await import_into(store, path)
        assert (report.rows, report.accepted, report.problems) == (2, 2, [])
        first, second = await store.next_leads("survey", 10, WALL)
        assert (first.number, first.time_zone, first.priority) == ("+442079460001", "Europe/London", 5)
        assert first.fields == {"first_name": "Ann", "tenure": "owner"}
        assert (second.number, second.time_zone, second.fields) == ("+33612345678", "Europe/Paris", {})
        assert len({first.lead_ref, second.lead_ref}) == 2 and "7946" not in first.lead_ref

    with_store(body)


def test_the_column_names_of_vicidial_are_understood(with_store, lead_file) -> None:
    path = lead_file(
        "vendor_lead_code,source_id,list_id,phone_code,phone_number,title,first_name,last_name,address1,postal_code,"
        "alt_phone,gmt_offset_now,rank,owner\n"
        "V-7,web,101,1,2025550123,Dr,Ann,Bee,1 Main St,20001,2025550199,-5.00,9,kim\n"
    )

    async def body(store):
        report = await import_into(store, path)
        assert report.columns_left_out == ("list_id",)
        (lead,) = await store.next_leads("survey", 10, WALL)
        assert (lead.number, lead.time_zone, lead.priority) == ("+12025550123", "America/New_York", 9)
        assert lead.every_number == ("+12025550123", "+12025550199")
        assert lead.fields["reference"] == "V-7" and lead.fields["owner"] == "kim"
        assert not any("0199" in value for value in lead.fields.values())

    with_store(body)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_delimiter_and_a_byte_order_mark_are_read(lead_file, delimiter: str) -> None:
    text = f'number{delimiter}note\n02079460001{delimiter}"a, b; c"\n'
    assert dry_run(lead_file(text, encoding="utf-8-sig")).accepted == 1


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("123,,,", "Phone", "not a valid number"),
        (",,,x", "Phone", "missing"),
        ("hello,,,", "Phone", "not a telephone number"),
        ("4.42E+11,,,", "Phone", "spreadsheet"),
        ("+99912345678,,,", "Phone", "country code does not exist"),
        ("09098790123,,,", "Phone", "premium"),
        ("020 7946 0001 ext. 12,,,", "Phone", "extension"),
        ("02079460001,Europe/Lundon,,", "tz", "time zone"),
        ("02079460001,,high,", "rank", "whole number"),
        ("02079460001,,9999999999,", "rank", "beyond"),
        ("02079460001,,,a,b,c", "row", "6 values for 4 columns"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_line_column_and_reason(
    lead_file, row: str, column: str, reason: str
) -> None:
    report = dry_run(lead_file(f"Phone,tz,rank,note\n02079460777,,,\n{row}\n"))
    assert (report.rows, report.accepted, report.invalid) == (2, 1, 1)
    (problem,) = report.problems
    assert (problem.line, problem.column) == (3, column)
    assert reason in problem.reason
    assert not LONG_DIGITS.search(problem.reason)


def test_duplicates_suppressed_and_never_dial_are_counted_apart(with_store, lead_file) -> None:
    async def body(store):
        await import_into(store, lead_file("number\n02079460001\n", "old.csv"))
        await store.suppress("+442079460002", "", "asked")
        await store.suppress("+442079460005", "another campaign", "asked there")
        path = lead_file(
            "number\n02079460001\n02079460002\n02079460003\n02079460004\n+44 20 7946 0004\n02079460005\nwrong\n"
        )
        report = await import_into(store, path, never_dial=lambda number: number.endswith("0003"))
        assert report.rows == 7 and report.accepted == 2 and report.rejected == 5
        assert (report.duplicates_in_list, report.suppressed, report.never_dial) == (1, 1, 1)
        assert (report.duplicates_in_file, report.invalid) == (1, 1)
        assert [problem.line for problem in report.problems] == [2, 3, 4, 6, 8]
        assert not any(LONG_DIGITS.search(str(problem)) for problem in report.problems)
        again = await import_into(store, path, never_dial=lambda number: False)
        assert (again.accepted, again.duplicates_in_list) == (1, 3)

    with_store(body)


def test_a_number_of_one_campaign_may_be_a_lead_of_another(with_store, lead_file) -> None:
    async def body(store):
        path = lead_file("number\n02079460001\n")
        for campaign in ("one", "two"):
            assert (await store.import_leads(path, campaign, **SITE)).accepted == 1
            assert len(await store.next_leads(campaign, 5, WALL)) == 1

    with_store(body)


def test_a_dry_run_reports_the_same_and_writes_nothing(with_store, lead_file) -> None:
    path = lead_file("number\n02079460001\nwrong\n02079460001\n")

    async def body(store):
        rehearsed = await import_into(store, path, dry_run=True)
        assert rehearsed.dry_run and await store.lead_totals("survey") == (0, 0)
        real = await import_into(store, path)
        assert (rehearsed.accepted, rehearsed.problems) == (real.accepted, real.problems) == (1, real.problems)
        assert await store.lead_totals("survey") == (1, 1)

    with_store(body)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,address\nAnn,Here\n", ['"name", "address"', "phone_number", "rank"]),
        ("number,phone\n1,2\n", ["both mean number"]),
        ("", ["empty"]),
        ('number,note\n02079460001,"open\n02079460002,x\n', ["line 2", "quotation mark"]),
        ("number\n0207\x0046\n", ["line 2", "zero byte"]),
        ("+442079460001,Ann\n+442079460002,Bob\n", ["(a number)", "no column"]),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_was_found(lead_file, text: str, said: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        dry_run(lead_file(text))
    assert all(part in str(refused.value) for part in said)
    assert "442079460001" not in str(refused.value)


def test_text_that_is_not_utf_8_is_refused_with_its_line_before_anything_is_written(with_store, lead_file) -> None:
    rows = "".join(f"0207946{n:04d},x\n" for n in range(3000))

    async def body(store):
        with pytest.raises(UsageError, match="line 3002: is not UTF-8"):
            await import_into(store, lead_file(f"number,name\n{rows}02079465000,Zoë\n", encoding="latin-1"))
        assert await store.lead_totals("survey") == (0, 0)

    with_store(body)


def test_a_file_in_utf_16_or_not_there_is_refused(lead_file, tmp_path) -> None:
    with pytest.raises(UsageError, match="UTF-16"):
        dry_run(lead_file("number\n1\n", encoding="utf-16"))
    with pytest.raises(UsageError, match="cannot be read"):
        dry_run(tmp_path / "none.csv")


def test_a_field_that_repeats_the_number_is_left_empty_whatever_its_name(with_store, lead_file) -> None:
    path = lead_file(
        "number,comments,more,year\n020 7946 0001,call (020) 7946-0001 late,０２０ ７９４６ ０００１,1999\n"
    )

    async def body(store):
        report = await import_into(store, path)
        assert (report.accepted, report.fields_withheld) == (1, 2)
        (lead,) = await store.next_leads("survey", 1, WALL)
        assert lead.fields == {"year": "1999"}

    with_store(body)


def test_a_number_that_may_be_in_several_zones_has_those_furthest_apart_and_is_counted(with_store, lead_file) -> None:
    # Madrid's clock shows an hour more than the Canaries', and Nevada's 775 is split; all of London is in one zone.
    path = lead_file("number\n+34 612 345 678\n+1 775 234 5678\n+44 20 7946 0001\n")

    async def body(store):
        report = await import_into(store, path)
        assert (report.accepted, report.time_zones_guessed) == (3, 2), report.problems
        zones = {one.number[:3]: one.time_zone for one in await store.next_leads("survey", 3, WALL)}
        assert zones == {
            "+34": "Atlantic/Canary|Europe/Madrid", "+17": "America/Boise|America/Los_Angeles", "+44": "Europe/London"
        }  # fmt: skip

    with_store(body)


def test_a_number_that_may_be_anywhere_is_taken_only_where_the_file_names_its_zone(with_store, lead_file) -> None:
    # 1-800 numbers say nothing of the place, which may be Guam or Hawaii.
    path = lead_file("number,time_zone\n+1 800 234 5678,\n+1 800 234 5679,America/Chicago\n")

    async def body(store):
        report = await import_into(store, path)
        assert (report.accepted, report.invalid) == (1, 1)
        assert str(report.problems[0]) == (
            "line 2, number: number ends in 78: "
            "may be in time zones that have no hour of calling in common; name its own"
        )
        (one,) = await store.next_leads("survey", 2, WALL)
        assert one.time_zone == "America/Chicago"

    with_store(body)


def test_an_alternative_number_has_the_zones_in_which_it_may_be_where_the_file_names_none(
    with_store, lead_file
) -> None:
    path = lead_file(
        "number,phone_2,time_zone\n0207946 0001,+1 775 234 5678,\n0207946 0002,+1 775 234 5679,America/Boise\n"
        "0207946 0003,+1 800 234 5678,Europe/London\n"
    )

    async def body(store):
        report = await import_into(store, path)
        assert (report.accepted, report.numbers_left_out) == (3, 1)
        leads = sorted(await store.next_leads("survey", 3, WALL), key=lambda one: one.number)
        assert [each.time_zone for each in leads[0].numbers] == ["Europe/London", "America/Boise|America/Los_Angeles"]
        assert [each.time_zone for each in leads[1].numbers] == ["America/Boise", "America/Boise"]

    with_store(body)


def test_more_rows_than_one_transaction_takes_are_all_imported_with_progress(with_store, lead_file) -> None:
    steps: list[tuple[int, int]] = []
    path = lead_file("number\n" + "".join(f"0207946{n:04d}\n" for n in range(2500)))

    async def body(store):
        report = await import_into(store, path, on_progress=lambda done, whole: steps.append((done, whole)))
        assert report.accepted == 2500
        assert steps == [(1000, 2500), (2000, 2500), (2500, 2500)]
        assert await store.lead_totals("survey") == (2500, 2500)

    with_store(body)


def test_own_column_names_can_be_given(lead_file) -> None:
    path = lead_file("Rufnummer,Name\n02079460001,Ann\n")
    assert dry_run(path, columns={"number": "Rufnummer"}).accepted == 1
    with pytest.raises(UsageError, match="no column"):
        dry_run(path, columns={"number": "Telefon"})


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
numbers = st.one_of(cells, st.integers(0, 9999).map(lambda n: f"0207946{n:04d}"), st.from_regex(r"\+?[0-9]{3,16}"))


@given(rows=st.lists(st.tuples(numbers, cells, cells), max_size=12), names=st.tuples(cells, cells))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_every_row_is_counted_once_and_no_number_is_repeated(rows, names, lead_file) -> None:
    file = io.StringIO()
    csv.writer(file).writerows([("number", *names), *rows])
    try:
        report = dry_run(lead_file(file.getvalue()))
    except UsageError:
        return
    assert report.rows == report.accepted + report.duplicates_in_file + report.invalid
    assert report.rejected == len(report.problems) - report.fields_withheld
    for problem in report.problems:
        assert not LONG_DIGITS.search(problem.reason.partition("already on line")[0])
