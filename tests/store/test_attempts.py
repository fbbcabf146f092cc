"""Dial attempts: kept before the INVITE leaves, read back as they were, counted by calendar day."""

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from softswitch.calls.outcome import Outcome
from softswitch.dialler.attempt import Disposition
from softswitch.errors import UsageError
from softswitch.store.attempts import day_bounds
from softswitch.store.errors import StoreFailed

LONDON = "Europe/London"


def test_an_attempt_comes_back_as_it_was_saved(with_store, make_attempt) -> None:
    async def body(store):
        first = make_attempt()
        await store.commit_attempt(first)
        at = first.committed_at
        last = replace(
            first,
            invited_at=at,
            answered_at=at + timedelta(seconds=4.5),
            bridged_at=at + timedelta(seconds=4.6),
            ended_at=at + timedelta(seconds=60),
            agent="1001",
            outcome=Outcome.ANSWERED,
            disposition=Disposition.COMPLETED,
            answer_to_agent_ms=31.25,
            packets_lost=3,
        )
        await store.save_attempt(last)
        assert await store.attempt("c1") == last
        assert await store.attempts("survey") == [last]
        assert await store.attempt("unknown") is None

    with_store(body)


def test_times_of_any_zone_come_back_as_the_same_moment(with_store, make_attempt) -> None:
    async def body(store):
        there = datetime(2027, 7, 1, 23, 30, tzinfo=ZoneInfo("America/New_York"))
        await store.commit_attempt(make_attempt(committed_at=there))
        back = (await store.attempt("c1")).committed_at
        assert back == there and back.utcoffset() == timedelta(0)

    with_store(body)


def test_a_time_without_a_zone_is_refused(with_store, make_attempt) -> None:
    async def body(store):
        with pytest.raises(StoreFailed):
            await store.commit_attempt(make_attempt(committed_at=datetime(2027, 1, 1)))
        assert await store.attempts() == []

    with_store(body)


def test_an_attempt_that_was_never_committed_cannot_be_saved(with_store, make_attempt) -> None:
    async def body(store):
        with pytest.raises(UsageError):
            await store.save_attempt(make_attempt())

    with_store(body)


def test_many_attempts_at_the_same_moment_are_all_kept(with_store, make_attempt) -> None:
    async def body(store):
        refs = [f"c{n}" for n in range(700)]
        await asyncio.gather(*(store.commit_attempt(make_attempt(ref)) for ref in refs))
        assert {a.call_ref for a in await store.attempts("survey", limit=1000)} == set(refs)

    with_store(body)


def test_one_bad_attempt_in_a_group_fails_alone(with_store, make_attempt) -> None:
    async def body(store):
        refs = ["a", "b", "a", "c"]
        results = await asyncio.gather(
            *(store.commit_attempt(make_attempt(ref)) for ref in refs), return_exceptions=True
        )
        assert [type(result) for result in results] == [type(None), type(None), StoreFailed, type(None)]
        assert {a.call_ref for a in await store.attempts()} == {"a", "b", "c"}

    with_store(body)


def test_pages_come_newest_first_and_only_of_the_campaign(with_store, make_attempt) -> None:
    async def body(store):
        start = make_attempt().committed_at
        for n in range(5):
            await store.commit_attempt(make_attempt(f"c{n}", committed_at=start + timedelta(seconds=n)))
        await store.commit_attempt(make_attempt("other", campaign="other"))
        assert [a.call_ref for a in await store.attempts("survey", limit=2, offset=1)] == ["c3", "c2"]
        assert len(await store.attempts()) == 6

    with_store(body)


def test_the_day_of_the_site_is_counted_and_nothing_else(with_store, make_attempt) -> None:
    day = date(2027, 7, 1)
    midnight = datetime(2027, 7, 1, tzinfo=ZoneInfo(LONDON))
    second = timedelta(seconds=1)

    async def body(store):
        rows = [
            make_attempt("before", committed_at=midnight - second, outcome="busy"),
            make_attempt("over", committed_at=midnight - second, answered_at=midnight + second, abandoned=True,
                         outcome="answered", disposition="abandoned"),
            make_attempt("live", committed_at=midnight, answered_at=midnight + second, bridged_at=midnight + second,
                         outcome="answered", disposition="completed"),
            make_attempt("machine", committed_at=midnight, answered_at=midnight, amd_verdict="MACHINE",
                         outcome="answered", disposition="machine"),
            make_attempt("handled", committed_at=midnight, answered_at=midnight, bridged_at=midnight + second,
                         outcome="answered", disposition="machine"),
            make_attempt("silent", committed_at=midnight, answered_at=midnight, abandoned=True, silent=True,
                         outcome="answered", disposition="abandoned"),
            make_attempt("busy", committed_at=midnight + timedelta(hours=23, minutes=59), outcome="busy"),
            make_attempt("after", committed_at=midnight + timedelta(days=1), outcome="busy"),
            make_attempt("other", campaign="other", committed_at=midnight, outcome="busy"),
        ]  # fmt: skip
        for row in rows:
            await store.commit_attempt(row)
        assert await store.attempt_counts("survey", day, LONDON) == {
            "attempts": 6,
            "answered": 5,
            "live": 1,
            "abandoned": 2,
            "silent": 1,
            "machines": 2,
            "machines_handled": 1,
            "outcomes": {"abandoned": 2, "completed": 1, "machine": 2, "busy": 1},
        }

    with_store(body)


def test_a_day_on_which_clocks_change_has_23_or_25_hours() -> None:
    for day, hours in ((date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 6, 1), 24)):
        first, after = day_bounds(day, LONDON)
        assert (after - first) / timedelta(hours=1) == hours


def test_reading_between_two_moments_crosses_page_borders(with_store, make_attempt, monkeypatch) -> None:
    monkeypatch.setattr("softswitch.store.attempts.PAGE", 3)

    async def body(store):
        start = make_attempt().committed_at
        for n in range(10):  # three share each moment, so that a page ends within one
            await store.commit_attempt(make_attempt(f"c{n}", committed_at=start + timedelta(seconds=n // 3)))
        read = [a.call_ref async for a in store.attempts_between("survey")]
        assert read == [f"c{n}" for n in range(10)]
        some = [
            a.call_ref
            async for a in store.attempts_between(
                since=start + timedelta(seconds=1), until=start + timedelta(seconds=2)
            )
        ]
        assert some == ["c3", "c4", "c5"]

    with_store(body)
