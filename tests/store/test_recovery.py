"""After a crash: no abandoned call is hidden, no lead is lost, nothing that was promised as durable is gone."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from softswitch.dialler import recycle
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.callbacks import Callback, promised
from softswitch.dialler.campaign import Campaign, RecycleRule
from softswitch.dialler.lead import LeadState
from softswitch.store.recovery import RETRY_AFTER, Recovery

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
ABANDONED_LOCK, MACHINE_LOCK = timedelta(hours=72), timedelta(hours=24)
SITE = {"country": "GB", "time_zone": "Europe/London"}
STORY = ("unanswered", "abandoned", "message", "in call", "machine", "ended", "queued")


async def dial_and_fall(store, lead_file, make_attempt) -> dict[str, str]:
    """Seven leads as a crash may leave them; the lead_ref of each."""
    path = lead_file("number\n" + "".join(f"0207946000{n}\n" for n in range(len(STORY))))
    await store.import_leads(path, "survey", **SITE)
    leads = dict(zip(STORY, await store.next_leads("survey", len(STORY), WALL), strict=True))
    answered = {"invited_at": WALL, "answered_at": WALL, "outcome": "answered"}
    known = {
        "unanswered": {"invited_at": WALL},
        "abandoned": answered,
        "message": answered | {"message_at": WALL},
        "in call": answered | {"bridged_at": WALL, "agent": "1001"},
        "machine": answered | {"amd_verdict": "MACHINE", "amd_acted": True},
        "ended": answered | {"bridged_at": WALL, "ended_at": WALL, "disposition": "completed"},
    }
    for name, values in known.items():
        lead = leads[name]
        await store.commit_attempt(make_attempt(name, lead_ref=lead.lead_ref))
        await store.save_lead(replace(lead, state=LeadState.DIALLING))
        await store.save_attempt(make_attempt(name, lead_ref=lead.lead_ref, **values))
    await store.save_lead(replace(leads["ended"], state=LeadState.DONE, attempts=1))
    return {name: lead.lead_ref for name, lead in leads.items()}


def test_every_call_that_a_crash_cut_off_is_closed_by_the_rules(with_store, lead_file, make_attempt) -> None:
    later = WALL + timedelta(minutes=5)

    async def body(store):
        await dial_and_fall(store, lead_file, make_attempt)
        ended = await store.attempt("ended")
        assert await store.release_leads("survey", later) == Recovery(1, 5, 2)
        closed = {name: await store.attempt(name) for name in STORY[:5]}
        assert {name: a.disposition for name, a in closed.items()} == {
            "unanswered": "failed",
            "abandoned": "abandoned",
            "message": "abandoned",
            "in call": "connected",
            "machine": "machine",
        }
        assert all(a.ended_at == later for a in closed.values())
        assert [name for name, a in closed.items() if a.abandoned] == ["abandoned", "message"]
        assert [name for name, a in closed.items() if a.silent] == ["abandoned"]
        assert await store.attempt("ended") == ended
        counts = await store.attempt_counts("survey", WALL.date(), "Europe/London")
        assert (counts.live, counts.abandoned, counts.silent) == (2, 2, 1)

    with_store(body)


def test_leads_are_given_back_when_the_rules_allow_and_numbers_stay_locked(with_store, lead_file, make_attempt) -> None:
    async def body(store):
        refs = await dial_and_fall(store, lead_file, make_attempt)
        names = {ref: name for name, ref in refs.items()}

        async def due(wall: datetime) -> list[str]:
            return sorted(names[lead.lead_ref] for lead in await store.next_leads("survey", 9, wall))

        await store.release_leads("survey", WALL)
        assert await due(WALL) == ["queued"]
        assert await due(WALL + RETRY_AFTER) == ["unanswered"]
        assert await due(WALL + MACHINE_LOCK) == ["machine"]
        assert await due(WALL + ABANDONED_LOCK - timedelta(seconds=1)) == []
        assert len(await store.locked_numbers(WALL)) == 4  # and the one that may still ring, for a quarter of an hour
        (one, other) = await store.next_leads("survey", 9, WALL + ABANDONED_LOCK)
        assert {names[one.lead_ref], names[other.lead_ref]} == {"abandoned", "message"}
        assert (one.attempts, one.outcomes, one.last_outcome) == (1, {"abandoned": 1}, "abandoned")

    with_store(body)


CUT_OFF = {
    "unanswered": {"invited_at": WALL},
    "abandoned": {"answered_at": WALL},
    "in call": {"answered_at": WALL, "bridged_at": WALL, "agent": "1001"},
    "machine": {"answered_at": WALL, "amd_verdict": "MACHINE", "amd_acted": True},
}
RULES = {
    "sets nothing": Campaign("survey"),
    "its last attempt": Campaign("survey", maximum_attempts=3),
    "its own rules": Campaign(
        "survey",
        recycle={
            "failed": RecycleRule(7200.0, 3), "abandoned": RecycleRule(100 * 3600.0, 9),
            "connected": RecycleRule(3600.0, 2), "machine": RecycleRule(3600.0, 9),
        },
        machine_lock_s=30 * 3600.0,
    ),
    "no more failures": Campaign("survey", recycle={"failed": RecycleRule(60.0, 2), "machine": RecycleRule(60.0, 1)}),
}  # fmt: skip


@pytest.mark.parametrize("campaign", RULES.values(), ids=RULES)
def test_a_lead_is_after_a_crash_what_the_campaign_s_rules_make_of_it_after_any_call(
    campaign, with_store, lead_file, make_attempt
) -> None:
    async def body(store):
        path = lead_file("number\n" + "".join(f"0207946000{n}\n" for n in range(len(CUT_OFF))))
        await store.import_leads(path, "survey", **SITE)
        for name, new in zip(CUT_OFF, await store.next_leads("survey", 9, WALL), strict=True):
            for n in range(2):  # it has been tried twice
                tried = make_attempt(f"{name} {n}", lead_ref=new.lead_ref, ended_at=WALL, disposition="failed")
                await store.commit_attempt(tried)
            lead = replace(new, attempts=2, outcomes={"failed": 1, "busy": 1}, last_outcome="busy")
            await store.save_lead(lead)
            await store.commit_attempt(make_attempt(name, lead_ref=lead.lead_ref))
            await store.save_attempt(make_attempt(name, lead_ref=lead.lead_ref, **CUT_OFF[name]))
            ended = WALL + timedelta(minutes=5)
            await store.release_leads("survey", ended, campaigns=[campaign])
            disposition = Disposition((await store.attempt(name)).disposition)
            expected = recycle.after(lead, disposition, campaign, ended, None)
            if expected.state is LeadState.WAITING:  # and never rung sooner than it may still ring from before
                due = max(expected.not_before, ended + RETRY_AFTER)
                expected = replace(expected, not_before=due)
            assert await store.lead(lead.lead_ref) == expected
            lock_s = recycle.lock_s(campaign, disposition, disposition is Disposition.ABANDONED)
            until = ended + max(timedelta(seconds=lock_s), RETRY_AFTER if name == "unanswered" else timedelta())
            locked = await store.locked_numbers(ended)
            assert (lead.number in locked) == (until > ended)
            assert until == ended or locked[lead.number] == until

    with_store(body)


def test_a_lead_whose_call_ended_in_the_moment_of_the_crash_is_not_dialled_as_if_it_had_not(
    with_store, lead_file, make_attempt
) -> None:
    async def body(store):
        refs = await dial_and_fall(store, lead_file, make_attempt)
        (talked,) = [each async for each in store.all_leads("survey") if each.lead_ref == refs["ended"]]
        await store.save_lead(replace(talked, state=LeadState.QUEUED, attempts=0))
        busy = make_attempt("busy", lead_ref=refs["queued"], ended_at=WALL, disposition="busy")
        await store.commit_attempt(busy)
        assert await store.release_leads("survey", WALL + timedelta(minutes=1)) == Recovery(0, 5, 2)
        interviewed = await store.lead(refs["ended"])
        assert (interviewed.state, interviewed.attempts) == (LeadState.DONE, 1)
        engaged = await store.lead(refs["queued"])
        assert (engaged.state, engaged.attempts, engaged.last_outcome) == (LeadState.WAITING, 1, "busy")
        assert engaged.not_before == WALL + timedelta(minutes=30)

    with_store(body)


def test_a_callback_that_a_crash_cut_off_before_its_answer_is_made_all_the_same(
    with_store, lead_file, make_attempt
) -> None:
    async def body(store):
        refs = await dial_and_fall(store, lead_file, make_attempt)
        lead = await store.lead(refs["unanswered"])
        promise = Callback(lead.lead_ref, "survey", WALL, "ada", "ada", WALL - timedelta(hours=1))
        await store.make_callback(promise)
        await store.save_lead(replace(promised(lead, WALL, "ada"), state=LeadState.DIALLING))
        await store.release_leads("survey", WALL, campaigns=[Campaign("survey", maximum_attempts=1)])
        (given,) = await store.due_callbacks("survey", WALL + RETRY_AFTER)
        assert (given.lead_ref, given.callback_agent, given.attempts) == (lead.lead_ref, "ada", 1)
        assert given.not_before == WALL + RETRY_AFTER and len(await store.callbacks("survey")) == 1

    with_store(body)


def test_somebody_who_objected_in_the_call_that_a_crash_cut_off_is_not_called_again(
    with_store, lead_file, make_attempt
) -> None:
    async def body(store):
        refs = await dial_and_fall(store, lead_file, make_attempt)
        for name in ("unanswered", "in call"):
            await store.suppress((await store.lead(refs[name])).number, reason="opt-out")
        await store.release_leads("survey", WALL)
        assert {(await store.lead(refs[name])).state for name in ("unanswered", "in call")} == {LeadState.SUPPRESSED}

    with_store(body)


def test_leads_that_a_filter_set_aside_are_looked_at_anew(with_store, lead_file) -> None:
    async def body(store):
        path = lead_file("number\n02079460001\n")
        await store.import_leads(path, "survey", country="GB", time_zone="Europe/London")
        (lead,) = await store.next_leads("survey", 10, WALL)
        await store.save_lead(replace(lead, state=LeadState.FILTERED))
        assert await store.lead_totals("survey") == (0, 1)
        assert await store.next_leads("survey", 10, WALL) == []
        await store.release_leads("survey", WALL)
        assert [each.lead_ref for each in await store.next_leads("survey", 10, WALL)] == [lead.lead_ref]

    with_store(body)


def test_recovering_twice_changes_nothing_and_other_campaigns_are_left_alone(
    with_store, lead_file, make_attempt
) -> None:
    async def body(store):
        await dial_and_fall(store, lead_file, make_attempt)
        await store.commit_attempt(make_attempt("elsewhere", campaign="other"))
        await store.release_leads("survey", WALL)
        assert await store.release_leads("survey", WALL) == Recovery()
        assert (await store.attempt("elsewhere")).ended_at is None
        assert await store.release_leads(wall=WALL) == Recovery(0, 1, 0)

    with_store(body)


COMMITTER = """
    import asyncio, sys
    from pathlib import Path
    from datetime import UTC, datetime
    from softswitch.dialler.attempt import DialAttempt
    from softswitch.store.database import Store

    async def commit(store, name):
        n = 0
        while True:
            n += 1
            ref = f"{name}-{n}"
            at = datetime.now(UTC)
            await store.commit_attempt(DialAttempt(ref, "lead", "survey", "carrier", at))
            sys.stdout.write(ref + "\\n")  # said only after the commit has returned
            sys.stdout.flush()

    async def main():
        store = await Store.open(sys.argv[1], Path(sys.argv[3]) if sys.argv[3] else None)
        await asyncio.gather(*(commit(store, f"{sys.argv[2]}-{k}") for k in range(8)))

    asyncio.run(main())
"""


def test_what_was_committed_before_a_kill_is_there_after_it(url: str, open_store, tmp_path: Path) -> None:
    key_file = "" if url.startswith("sqlite") else str(tmp_path / "vault.key")
    promised: set[str] = set()
    for life in range(3):
        command = [sys.executable, "-c", textwrap.dedent(COMMITTER), url, f"life{life}", key_file]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(60 + 25 * life):  # killed in the middle of its work, wherever that is
            promised.add(process.stdout.readline().strip())
        os.kill(process.pid, signal.SIGKILL)
        promised.update(line.strip() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n"))
        process.stdout.close()
        assert process.wait(10) == -signal.SIGKILL

    async def kept() -> tuple[set[str], Recovery]:
        store = await open_store()
        found = {attempt.call_ref async for attempt in store.attempts_between("survey")}
        recovery = await store.release_leads("survey")
        await store.close()
        return found, recovery

    found, recovery = asyncio.run(kept())
    assert promised <= found and len(promised) > 200
    assert recovery.attempts_closed == len(found)


def test_calls_that_go_on_and_their_leads_are_left_as_they_are(with_store, lead_file, make_attempt) -> None:
    async def body(store):
        refs = await dial_and_fall(store, lead_file, make_attempt)
        before = await store.attempt("in call")
        assert await store.release_leads("survey", WALL, going_on={"in call", "unanswered"}) == Recovery(1, 3, 2)
        assert await store.attempt("in call") == before
        assert (await store.attempt("unanswered")).ended_at is None
        assert (await store.attempt("abandoned")).abandoned
        counts = await store.lead_counts("survey")
        assert counts[LeadState.DIALLING] == 2
        names = {ref: name for name, ref in refs.items()}
        due = [names[lead.lead_ref] for lead in await store.next_leads("survey", 9, WALL + RETRY_AFTER)]
        assert due == ["queued"]
        # One of them turns out not to be there after all.
        assert (await store.release_leads("survey", WALL, going_on={"in call"})).attempts_closed == 1

    with_store(body)
