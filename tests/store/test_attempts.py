"""Dial attempts: kept before the INVITE leaves, read back as they were, counted by calendar day."""

import asyncio
import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from softswitch.calls.outcome import Outcome
from softswitch.dialler.abandonment import recount
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


MIDNIGHT = datetime(2027, 7, 1, tzinfo=ZoneInfo(LONDON))


def any_attempt(rng: random.Random, make_attempt, call_ref: str, campaign: str):
    committed = MIDNIGHT + timedelta(seconds=rng.choice([-90000, -4, -1, 0, 1, 50000, 86398, 86400]))

    def perhaps() -> datetime | None:
        return rng.choice([None, committed + timedelta(seconds=rng.choice([0, 1, 3, 5]))])

    return make_attempt(
        call_ref,
        campaign=campaign,
        committed_at=committed,
        invited_at=perhaps(),
        answered_at=perhaps(),
        bridged_at=perhaps(),
        abandoned=rng.random() < 0.3,
        silent=rng.random() < 0.3,
        amd_acted=rng.random() < 0.3,
        disposition=rng.choice(["", "machine", "silence", "completed", "busy", "abandoned"]),
    )


def test_the_database_counts_a_day_as_the_ledger_does(with_store, make_attempt) -> None:
    rng = random.Random(20270701)
    campaigns = {
        name: [any_attempt(rng, make_attempt, f"{name}-{n}", name) for n in range(150)] for name in ("a", "b", "c", "d")
    }

    async def body(store):
        await asyncio.gather(*(store.commit_attempt(attempt) for rows in campaigns.values() for attempt in rows))
        for name, rows in campaigns.items():
            counted = await store.attempt_counts(name, MIDNIGHT.date(), LONDON)
            assert counted == recount(rows, MIDNIGHT.date(), LONDON)
            assert counted.live and counted.machines and counted.machines_with_agents and counted.silent

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
