"""The sweep of a whole site: recordings and leads whose time is over, holds, certificates, and what a crash leaves."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softswitch.commands.recordings import recordings_app
from softswitch.config import load
from softswitch.dialler.attempt import DialAttempt
from softswitch.errors import UsageError
from softswitch.exchange.audit.file import NAME as AUDIT_LOG
from softswitch.exchange.audit.keys import AuditKey, fits
from softswitch.exchange.audit.start import make_audit
from softswitch.exchange.running import retention
from softswitch.exchange.running.retention import CERTIFICATES, CertificateBook, Retention
from softswitch.recordings.destruction import standing
from softswitch.recordings.inspection import inspect_folder
from softswitch.safeguards.audit import AuditRecord
from softswitch.safeguards.four_eyes import Request, What
from softswitch.safeguards.retention import Certificate, inspect
from softswitch.store.database import Store
from softswitch.store.interviews import KeptInterview
from tests.auditor import AUDITOR
from tests.recordings.recorded import keep, pieces
from tests.store.test_interviews import ENDED

NOW = datetime.now(UTC).replace(microsecond=0)  # the commands ask the real clock
KEY = AuditKey(bytes(range(32)))
SITE = f"""
[recordings]
auditor_public_key = "{AUDITOR.public.hex()}"
[[campaigns]]
name = "short"
keep_days = 7
[[campaigns]]
name = "survey"
"""


class House:
    """A site that has been at it for a while: calls of two campaigns, and one that nobody knows."""

    def __init__(self, folder: Path) -> None:
        (folder / "site.toml").write_text(SITE)
        self.settings = load(folder / "site.toml")
        self.data = self.settings.site.data_directory
        self.recordings = self.data / "recordings"
        self.recordings.mkdir(parents=True)
        for name, days in (("s-old", 8), ("s-new", 6), ("v-old", 91), ("v-new", 89), ("x-old", 91), ("x-new", 1)):
            closed = NOW - timedelta(days=days)
            keep(self.recordings, pieces(name)[0], name, closed_ns=int(closed.timestamp() * 1e9))

    async def open(self) -> Store:
        store = await Store.open(f"sqlite+aiosqlite:///{self.data / 'softswitch.db'}")
        for call_ref, campaign in (("s-old", "short"), ("s-new", "short"), ("v-old", "survey"), ("v-new", "survey")):
            if await store.attempt(call_ref) is None:
                at = NOW - timedelta(days=100)
                attempt = DialAttempt(
                    call_ref=call_ref,
                    lead_ref=f"lead-{call_ref}",
                    campaign=campaign,
                    trunk="carrier",
                    committed_at=at,
                )
                await store.commit_attempt(attempt)
        return store

    def retention(self, store: Store) -> Retention:
        return Retention(self.settings, store, make_audit(self.settings), KEY, lambda: NOW)

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.recordings.glob("*.ssr"))

    def certificates(self) -> list[str]:
        path = self.recordings / CERTIFICATES
        return path.read_text().splitlines() if path.exists() else []

    def troubles(self) -> list[str]:
        tombs = {name: tomb.chain.hex() for name, tomb in standing(self.recordings).tombstones.items()}
        wrong = list(inspect(self.certificates(), fits, public_keys={KEY.public}, tombstones=tombs))
        return wrong + inspect_folder(self.recordings).troubles


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def hold(*calls: str) -> Request:
    at = NOW - timedelta(days=1)
    return Request("h1", What.HOLD, calls, "court order 17", "ada", at, 0.0, "abe", at)


def test_what_is_past_its_campaigns_days_is_destroyed_and_certified_and_nothing_else(house: House) -> None:
    async def story() -> None:
        store = await house.open()
        would = await house.retention(store).sweep("eve", dry_run=True)
        assert len(house.names()) == 6
        assert house.certificates() == []
        done = await house.retention(store).sweep("eve")
        await store.close()
        assert done == would
        assert done.recordings == {
            "campaign short: kept for 7 days": ["s-old.ssr"],
            "campaign survey: kept for 90 days": ["v-old.ssr"],
            "the site: kept for 90 days": ["x-old.ssr"],
        }

    asyncio.run(story())
    assert house.names() == ["s-new", "v-new", "x-new"]
    assert house.troubles() == []
    told = [Certificate.from_line(line) for line in house.certificates()]
    assert {(each.rule, *each.things) for each in told} == {
        ("campaign short: kept for 7 days", "s-old.ssr"),
        ("campaign survey: kept for 90 days", "v-old.ssr"),
        ("the site: kept for 90 days", "x-old.ssr"),
    }
    assert {(each.by, each.at) for each in told} == {("eve", NOW.isoformat())}
    records = [AuditRecord.from_line(line) for line in (house.data / AUDIT_LOG).read_text().splitlines()]
    assert [(r.actor, r.action, r.subject) for r in records] == [("eve", "destroy recordings", "1 recordings")] * 3


def test_a_held_recording_and_its_lead_are_never_destroyed(house: House) -> None:
    async def story() -> None:
        store = await house.open()
        request = hold("v-old", "x-old")
        await store.keep_request(request)
        assert await store.approve_request("h1", "abe", NOW) is False, "it stands there approved"
        done = await house.retention(store).sweep()
        assert done.held == 2
        await store.close()

    asyncio.run(story())
    assert house.names() == ["s-new", "v-new", "v-old", "x-new", "x-old"]


def test_leads_that_nobody_has_tried_since_are_unreadable_from_the_raw_files(house: House, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("number,first_name\n02079460123,Annabella\n02079460124,Bartholomew\n")

    async def story() -> list[str]:
        store = await house.open()
        await store.import_leads(tmp_path / "list.csv", "short", country="GB", time_zone="Europe/London")
        leads = [lead async for lead in store.all_leads("short", persons=True)]
        assert [lead.fields["first_name"] for lead in leads] == ["Annabella", "Bartholomew"]
        retention = Retention(
            house.settings, store, make_audit(house.settings), KEY, lambda: datetime.now(UTC) + timedelta(days=8)
        )
        call = DialAttempt(
            call_ref="kept", lead_ref=leads[1].lead_ref, campaign="short", trunk="carrier",
            committed_at=datetime.now(UTC) + timedelta(days=2),
        )  # fmt: skip
        await store.commit_attempt(call)
        await store.save_attempt(call)
        done = await retention.sweep()
        assert done.leads == {"campaign short: kept for 7 days": [leads[0].lead_ref]}
        with pytest.raises(UsageError, match="erased"):
            await store.lead(leads[0].lead_ref)
        assert (await store.lead(leads[1].lead_ref)).fields["first_name"] == "Bartholomew"
        assert (await retention.sweep()).leads == {}
        await store.close()
        return [each.lead_ref for each in leads]

    gone, stays = asyncio.run(story())
    (told,) = [one for line in house.certificates() if (one := Certificate.from_line(line)).what == "leads"]
    assert list(told.things) == [gone]
    raw = b"".join(path.read_bytes() for path in house.data.rglob("*") if path.is_file())
    assert b"Annabella" not in raw and b"Bartholomew" not in raw
    assert stays


def said(call_ref: str, campaign: str, days: float) -> KeptInterview:
    """What was answered in a call that ended so long ago."""
    words = f"I knit for the museum of {call_ref}"
    ended = NOW - timedelta(days=days)
    return replace(
        ENDED, call_ref=call_ref, campaign=campaign, ended_at=ended, answers={"why": words * 20}, state={"why": words}
    )


def test_answers_past_their_campaigns_days_are_gone_from_the_raw_files_and_their_calls_are_named(house: House) -> None:
    old, new = [f"s-{n:03}" for n in range(60)], ["s-new", "v-89", "s-held"]

    async def story() -> None:
        store = await house.open()
        for call_ref in old:
            await store.keep_interview(said(call_ref, "short", 7.1))
        await store.keep_interview(said("v-91", "survey", 91))
        await store.keep_interview(said("gone", "no longer there", 91))
        for call_ref, campaign, days in (("s-new", "short", 6.9), ("v-89", "survey", 89), ("s-held", "short", 8)):
            await store.keep_interview(said(call_ref, campaign, days))
        going_on = replace(said("going-on", "short", 0), ended_at=None, ending="", changed_at=NOW - timedelta(days=8))
        await store.keep_interview(going_on)
        await store.keep_request(hold("s-held"))
        would = await house.retention(store).sweep(dry_run=True)
        done = await house.retention(store).sweep()
        assert done == would
        assert done.interviews == {
            "campaign no longer there: kept for 90 days": ["gone"],
            "campaign short: kept for 7 days": old,
            "campaign survey: kept for 90 days": ["v-91"],
        }
        kept = {each.call_ref: each async for each in store.interviews_of("short")}
        assert (kept["s-000"].answers, kept["s-000"].state, kept["s-000"].seconds) == ({}, {}, {})
        assert (kept["s-000"].ending, kept["s-000"].ended_at) == ("complete", NOW - timedelta(days=7.1))
        assert await store.interviews_going_on() == [going_on]
        assert (await house.retention(store).sweep()).interviews == {}
        await store.close()

    asyncio.run(story())
    raw = b"".join(path.read_bytes() for path in house.data.rglob("*") if path.is_file())
    assert [name for name in (*old, "v-91", "gone") if f"museum of {name}".encode() in raw] == []
    assert all(f"museum of {name}".encode() in raw for name in (*new, "going-on"))
    told = [one for line in house.certificates() if (one := Certificate.from_line(line)).what == "interviews"]
    assert {name: one.rule for one in told for name in one.things} == {
        **dict.fromkeys(old, "campaign short: kept for 7 days"),
        "v-91": "campaign survey: kept for 90 days",
        "gone": "campaign no longer there: kept for 90 days",
    }
    assert house.troubles() == []


def test_a_crash_between_answers_and_certificate_is_made_good_by_the_next_sweep(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        store = await house.open()
        await store.keep_interview(said("v-91", "survey", 91))
        retention, append = house.retention(store), CertificateBook.append
        with monkeypatch.context() as crash:

            def fail(book: CertificateBook, what: str, *rest: object, **more: object) -> Certificate:
                if what == "interviews":
                    raise UsageError("the disk is full")
                return append(book, what, *rest, **more)

            crash.setattr(CertificateBook, "append", fail)
            with pytest.raises(UsageError, match="disk is full"):
                await retention.sweep()
        assert (await anext(store.interviews_of("survey"))).answers == {}
        assert not any('"interviews"' in line for line in house.certificates())
        await retention.sweep()
        await store.close()

    asyncio.run(story())
    assert '"v-91"' in house.certificates()[-1]


def test_a_crash_before_the_certificate_is_made_good_by_the_next_sweep(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        store = await house.open()
        retention = house.retention(store)
        with monkeypatch.context() as crash:

            def fail(*_: object, **__: object) -> None:
                raise UsageError("the disk is full")

            crash.setattr(retention._book, "append", fail)
            with pytest.raises(UsageError, match="disk is full"):
                await retention.sweep()
        assert house.names() == ["s-new", "v-new", "x-new"]
        assert any("without a certificate" in trouble for trouble in house.troubles())
        await retention.sweep()
        await store.close()

    asyncio.run(story())
    assert house.troubles() == []


def test_what_cannot_be_noted_is_not_destroyed(house: House) -> None:
    async def story() -> None:
        store = await house.open()
        (house.data / AUDIT_LOG).mkdir()
        with pytest.raises(UsageError, match="audit log"):
            await house.retention(store).sweep()
        await store.close()

    asyncio.run(story())
    assert len(house.names()) == 6


def test_nothing_is_destroyed_by_a_clock_in_doubt_and_no_fault_ends_the_daily_sweeps(house: House, monkeypatch) -> None:
    monkeypatch.setattr(retention, "LOOK_S", 0.01)
    doubts, faults = ["the wall clock jumped by 63072000 s"] * 3, [ValueError("a fault of ours"), OSError("another")]

    async def run() -> None:
        store = await house.open()

        async def stumbling() -> list[Request]:
            if faults:
                assert not doubts, "the clock is asked first"
                assert house.names() == before
                raise faults.pop()
            return []

        monkeypatch.setattr(store, "hold_requests", stumbling)
        before = house.names()
        sweeps = Retention(
            house.settings, store, make_audit(house.settings), KEY, lambda: NOW,
            clock_trouble=lambda: doubts.pop() if doubts else "",
        )  # fmt: skip
        sweeps.start()
        async with asyncio.timeout(60):
            while len(house.certificates()) < 3:
                await asyncio.sleep(0.01)
        await sweeps.stop()
        assert house.names() == ["s-new", "v-new", "x-new"]
        await store.close()

    asyncio.run(run())


def test_the_commands_sweep_and_list_certificates(house: House, tmp_path: Path) -> None:
    asyncio.run(_made(house))
    run = CliRunner().invoke
    dry = run(recordings_app, ["sweep", str(tmp_path / "site.toml"), "--dry-run"])
    assert "1 recordings would be destroyed (campaign short: kept for 7 days)" in dry.output
    assert len(house.names()) == 6
    swept = run(recordings_app, ["sweep", str(tmp_path / "site.toml")])
    assert swept.exit_code == 0, swept.output
    listed = run(recordings_app, ["certificates", str(house.recordings)], env={"COLUMNS": "200"})
    assert listed.exit_code == 0, listed.output
    assert "campaign short: kept for 7 days" in listed.output
    path = house.recordings / CERTIFICATES
    path.write_text(path.read_text().replace("recordings", "recordingz", 1))
    wrong = run(recordings_app, ["certificates", str(house.recordings)], env={"COLUMNS": "200"})
    assert wrong.exit_code == 1
    assert "wrong signature" in wrong.output


async def _made(house: House) -> None:
    await (await house.open()).close()
