"""The journal: every change is in it, in order, in the transaction of its row, and nothing in it ever changes."""

import asyncio
import sqlite3
from dataclasses import asdict, replace
from datetime import timedelta
from random import Random

import pytest

from softswitch.dialler.lead import LeadState
from softswitch.store.errors import StoreFailed
from softswitch.store.journal import Entry, Kind
from tests.store.conftest import WALL
from tests.store.folding import calls_of, leads_of
from tests.store.postgresql import sqlite_file


async def entries(store, **what):
    return [entry async for entry in store.journal(**what)]


def seconds(n: float):
    return WALL + timedelta(seconds=n)


def test_a_call_is_told_step_by_step_in_the_order_of_its_moments(with_store, make_attempt) -> None:
    async def body(store):
        attempt = make_attempt(caller_id="+441134960000", time_zone="Europe/London")
        await store.commit_attempt(attempt)
        attempt = replace(attempt, invited_at=seconds(0.1), ringing_at=seconds(1.5))
        await store.save_attempt(attempt)
        attempt = replace(attempt, answered_at=seconds(9), amd_point="careful")
        await store.save_attempt(attempt)
        attempt = replace(attempt, amd_verdict="HUMAN", speech_at=seconds(9.2), agent="1001", bridged_at=seconds(9.1))
        await store.save_attempt(attempt)
        await store.save_attempt(attempt)
        attempt = replace(attempt, ended_at=seconds(60), outcome="answered", disposition="connected", sip_status=200)
        await store.save_attempt(attempt)
        await store.save_attempt(replace(attempt, disposition="completed"))
        await store.save_attempt(replace(attempt, disposition="completed", recording="a.seal"))
        told = await entries(store)
        assert [entry.kind.value for entry in told] == [
            "committed", "invited", "ringing", "answered", "connected", "greeting", "verdict", "ended",
            "disposition", "noted",
        ]  # fmt: skip
        assert [(e.at - WALL).total_seconds() for e in told[:6]] == [0, 0.1, 1.5, 9, 9.1, 9.2]
        assert {entry.call_ref for entry in told} == {"c1"}
        assert told[0].content["caller_id"] == "+441134960000"
        assert told[3].content == {"answered_at": "2027-03-10T12:00:09+00:00", "amd_point": "careful"}
        assert told[-1].content == {"recording": "a.seal"}

    with_store(body)


def test_adding_up_the_journal_gives_the_attempts_and_leads_that_the_store_has(
    with_store, make_attempt, lead_file
) -> None:
    rng = Random(3)
    changes = {
        "ringing_at": seconds(2), "answered_at": seconds(9), "speech_at": seconds(9.5), "bridged_at": seconds(10),
        "message_at": seconds(11), "ended_at": seconds(70), "amd_verdict": "MACHINE", "amd_acted": True,
        "abandoned": True, "silent": True, "agent": "1001", "disposition": "machine", "mos": 4.2, "trunk": "other",
    }  # fmt: skip

    async def body(store):
        path = lead_file("number\n" + "".join(f"0207946{n:04d}\n" for n in range(40)))
        await store.import_leads(path, "survey", country="GB", time_zone="Europe/London")
        queued = await store.next_leads("survey", 30, WALL)
        for n, lead in enumerate(queued):
            attempt = make_attempt(f"c{n}", lead_ref=lead.lead_ref)
            await store.commit_attempt(attempt)
            for _ in range(rng.randrange(5)):
                name = rng.choice(list(changes))
                attempt = replace(attempt, **{name: changes[name]})
                await store.save_attempt(attempt)
            if n % 3 == 0:
                await store.save_lead(replace(lead, state=LeadState.WAITING, attempts=1, not_before=seconds(900)))
            if n % 7 == 0:
                await store.suppress(lead.number, reason="opt-out")
            if n % 5 == 0:
                await store.lock_number(lead.number, seconds(72 * 3600))
        await store.erase_lead(queued[4].lead_ref, "asked for")
        await store.suppress(queued[8].number, "another campaign")
        await store.release_leads(wall=seconds(100))
        told = await entries(store)
        plain = {attempt.call_ref: asdict(attempt) for attempt in await store.attempts(limit=100)}
        added_up = calls_of(told)
        assert added_up.keys() == plain.keys()
        assert len(plain) == 30
        for call_ref, row in plain.items():
            said = added_up[call_ref]
            assert all(row[name] == value for name, value in said.items()), (row, said)
            assert all(not value for name, value in row.items() if name not in said)
            assert row["ended_at"] is not None
        states = leads_of(told)
        kept = {lead.lead_ref: lead.state.value async for lead in store.all_leads("survey")}
        assert {ref: states.get(ref, "new") for ref in kept} == kept
        assert sum(entry.kind is Kind.LOCKED for entry in told) >= 6
        assert [entry.content["count"] for entry in told if entry.kind is Kind.IMPORTED] == [40]

    with_store(body)


def test_what_a_crash_left_open_is_closed_in_the_journal_too(with_store, make_attempt) -> None:
    async def body(store):
        await store.commit_attempt(make_attempt("rang"))
        await store.commit_attempt(make_attempt("met-nobody", lead_ref="l2", answered_at=WALL))
        await store.release_leads(wall=seconds(30))
        kinds = {(entry.call_ref, entry.kind.value) for entry in await entries(store)}
        assert {("rang", "invited"), ("rang", "ended"), ("met-nobody", "abandoned"), ("met-nobody", "ended")} <= kinds

    with_store(body)


def test_a_commitment_that_fails_is_in_neither(with_store, make_attempt) -> None:
    async def body(store):
        await store.commit_attempt(make_attempt("a"))
        results = await asyncio.gather(
            *(store.commit_attempt(make_attempt(ref)) for ref in ("b", "a", "c")), return_exceptions=True
        )
        assert [type(result) for result in results] == [type(None), StoreFailed, type(None)]
        assert [entry.call_ref for entry in await entries(store)] == ["a", "b", "c"]

    with_store(body)


def test_agents_and_campaigns_are_told_as_they_change_and_a_day_can_be_read_alone(with_store) -> None:
    async def body(store):
        for n, state in enumerate(("ready", "in call", "wrap-up")):
            await store.record(Entry(Kind.AGENT, seconds(n), agent="1001", content={"state": state}))
        await store.record(Entry(Kind.CAMPAIGN, seconds(9), "survey", content={"state": "running"}))
        found = await entries(store, since=seconds(1), until=seconds(9))
        assert [entry.content["state"] for entry in found] == ["in call", "wrap-up"]
        assert [entry.kind for entry in await entries(store, campaign="survey")] == [Kind.CAMPAIGN]

    with_store(body)


def test_nobody_can_change_or_take_out_an_entry(with_store, url, make_attempt) -> None:
    async def body(store):
        await store.commit_attempt(make_attempt())

    with_store(body)
    connection = sqlite3.connect(sqlite_file(url))
    for statement in ("UPDATE journal SET kind = 'noted'", "DELETE FROM journal"):
        with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
            connection.execute(statement)
    connection.close()


def test_numbers_locked_together_keep_the_longest_lock_of_each_and_the_journal_tells_of_all(
    with_store, lead_file
) -> None:
    async def body(store):
        path = lead_file("number\n" + "".join(f"0207946000{n}\n" for n in range(4)))
        await store.import_leads(path, "survey", country="GB", time_zone="Europe/London")
        leads = await store.next_leads("survey", 4, WALL)
        hours = [WALL + timedelta(hours=h) for h in (24, 72, 30)]
        await store.lock_number(leads[0].number, hours[1])
        await asyncio.gather(
            store.lock_number(leads[0].number, hours[0]),
            store.lock_number(leads[1].number, hours[0]),
            store.lock_number(leads[1].number, hours[1]),
            store.lock_number(leads[1].number, hours[2]),
            store.lock_number(leads[2].number, hours[2]),
        )
        locked = await store.locked_numbers(WALL)
        assert [locked[each.number] for each in leads[:3]] == [hours[1], hours[1], hours[2]]
        assert leads[3].number not in locked
        told = {ref for entry in await entries(store) if entry.kind is Kind.LOCKED for ref in entry.content["leads"]}
        assert told == {each.lead_ref for each in leads[:3]}

    with_store(body)
