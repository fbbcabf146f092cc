"""What an auditor asks of a site's own files and store."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from softswitch.config import load
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.rule_choice import RuleChoice
from softswitch.errors import UsageError
from softswitch.exchange.audit.keys import find_key
from softswitch.exchange.audit.start import make_audit
from softswitch.exchange.desks.auditing import Auditing
from softswitch.exchange.desks.compliance import compliance_days
from softswitch.exchange.running.retention import Retention
from softswitch.safeguards.audit_search import AuditSearch
from softswitch.safeguards.four_eyes import Request, What
from softswitch.store.database import Store
from softswitch.store.recorded import RecordingSearch
from tests.auditor import AUDITOR
from tests.recordings.recorded import keep, pieces

NOW = datetime.now(UTC).replace(microsecond=0)
SITE = f"""
[recordings]
auditor_public_key = "{AUDITOR.public.hex()}"
[[campaigns]]
name = "survey"
"""


def on_site(folder: Path, body: Callable[[Auditing, Store, SimpleNamespace], Awaitable[None]]) -> None:
    """A site that does not dial: its settings, store and files."""
    (folder / "site.toml").write_text(SITE)
    settings = load(folder / "site.toml")
    (settings.site.data_directory / "recordings").mkdir(parents=True)

    async def run() -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{settings.site.data_directory / 'softswitch.db'}")
        site = SimpleNamespace(settings=settings, store=store, diallers=[], audit=make_audit(settings))
        try:
            await body(Auditing(site), store, site)  # type: ignore[arg-type]
        finally:
            await store.close()

    asyncio.run(run())


def test_the_log_is_verified_in_a_process_of_its_own_and_a_changed_line_is_named(tmp_path: Path) -> None:
    async def body(auditing: Auditing, store: Store, site: SimpleNamespace) -> None:
        for n in range(5):
            await site.audit.note("sue", "listen", subject=f"agent {n}", reason="asked for")
        assert auditing.verification() is None
        found = await auditing.verify()
        assert (found.records, found.troubles, auditing.verification()) == (5, (), found)
        page = await auditing.records(AuditSearch(subject="agent 3"), 10, None)
        assert [record.sequence for record in page.records] == [4]
        assert page.records[0].digest != found.digest
        log = site.settings.site.data_directory / "audit.log"
        log.write_text(log.read_text().replace("agent 2", "agent 9"))
        both = await asyncio.gather(auditing.verify(), auditing.verify())
        assert both[0] is both[1], "one verification for all who ask at a time"
        assert not both[0].holds and "line 3" in both[0].troubles[0]

    on_site(tmp_path, body)


def test_recorded_calls_are_found_by_time_agent_campaign_outcome_and_reference(tmp_path: Path) -> None:
    async def body(auditing: Auditing, store: Store, site: SimpleNamespace) -> None:
        folder = site.settings.site.data_directory / "recordings"
        for n, (agent, disposition) in enumerate((("101", "completed"), ("102", "refusal"), ("101", ""), ("", "busy"))):
            at = NOW - timedelta(hours=n)
            name = f"c_{n}"
            await store.commit_attempt(
                DialAttempt(
                    name, f"lead-{n}", "survey" if n else "other", "carrier", at, answered_at=at,
                    ended_at=at + timedelta(seconds=90), agent=agent, outcome="answered", disposition=disposition,
                    recording="" if n == 3 else f"{name}.ssr",
                )
            )  # fmt: skip
            if n in (0, 1):
                keep(folder, pieces(name)[0], name)
        hold = Request("h1", What.HOLD, ("c_1",), "court order", "ada", NOW, 0.0, "abe", NOW)
        await store.keep_request(hold)

        async def found(limit: int = 9, offset: int = 0, **asked: object) -> list[str]:
            return [each.call_ref for each in await auditing.recordings(RecordingSearch(**asked), limit, offset)]

        everything = await auditing.recordings(RecordingSearch(), 9, 0)
        states = [(each.call_ref, each.state) for each in everything]
        assert states == [("c_0", "kept"), ("c_1", "held"), ("c_2", "gone")]
        assert (everything[0].seconds, everything[2].outcome) == (90.0, "answered")
        assert await found(agent="101") == ["c_0", "c_2"]
        assert await found(campaign="survey") == ["c_1", "c_2"]
        assert await found(outcome="refusal") == ["c_1"]
        assert await found(outcome="answered") == ["c_2"]
        assert await found(call_ref="c_1") == ["c_1"]
        assert await found(call_ref="c%") == []
        assert await found(since=NOW - timedelta(hours=1), until=NOW) == ["c_1"]
        assert await found(limit=1, offset=1) == ["c_1"]

    on_site(tmp_path, body)


def test_certificates_and_holds_are_told_and_a_certificate_that_was_changed_is_named(tmp_path: Path) -> None:
    async def body(auditing: Auditing, store: Store, site: SimpleNamespace) -> None:
        folder = site.settings.site.data_directory / "recordings"
        with pytest.raises(KeyError):
            auditing.certificates_file()
        assert (await auditing.certificates(5)).total == 0
        closed = int((NOW - timedelta(days=91)).timestamp() * 1e9)
        for name in ("a", "b"):
            keep(folder, pieces(name)[0], name, closed_ns=closed)
        assert (await auditing.certificates(5)).troubles == (), "a day late is not overdue yet"
        keep(folder, pieces("c")[0], "c", closed_ns=int((NOW - timedelta(days=93)).timestamp() * 1e9))
        (late,) = (await auditing.certificates(5)).troubles
        assert late.startswith("overdue for destruction: 1 recordings")
        key = find_key(site.settings.audit.signing_key, site.settings.site.data_directory)
        await Retention(site.settings, store, site.audit, key, lambda: NOW).sweep()
        found = await auditing.certificates(5)
        assert [(each.number, each.what, each.count) for each in found.certificates] == [(1, "recordings", 3)]
        assert (found.troubles, found.public_key, found.total) == ((), key.public, 1)
        path = auditing.certificates_file()
        path.write_text(path.read_text().replace("softswitch", "softswitcH"))
        assert any("wrong signature" in trouble for trouble in (await auditing.certificates(5)).troubles)
        kept = await auditing.retention()
        assert (kept.days, kept.by_campaign, kept.held) == (90, {}, ())

    on_site(tmp_path, body)


def test_a_day_without_a_call_has_every_campaign_that_is_set_up(tmp_path: Path) -> None:
    async def body(auditing: Auditing, store: Store, site: SimpleNamespace) -> None:
        (day,) = await compliance_days(site.settings, store, None, "", RuleChoice.OWN)
        assert (day.campaign, day.rules, day.breaches) == ("survey", "own", ())
        with pytest.raises(UsageError, match="no campaign"):
            await compliance_days(site.settings, store, None, "nobody's", RuleChoice.UK)

    on_site(tmp_path, body)


def test_what_a_campaign_came_to_is_counted_after_what_is_still_being_written(tmp_path: Path) -> None:
    async def body(auditing: Auditing, store: Store, site: SimpleNamespace) -> None:
        async def written() -> None:
            await store.commit_attempt(
                DialAttempt("c1", "l1", "survey", "carrier", NOW, ended_at=NOW, disposition="refusal")
            )

        site.records = SimpleNamespace(written=written)
        site.surveys = SimpleNamespace(script_of=lambda campaign: None)
        found = await auditing.outcomes("survey", None, None, None)
        assert (found.cases, found.final_dispositions["R"], found.rates.REF1, found.quotas) == (1, 1, 1.0, ())
        with pytest.raises(KeyError):
            await auditing.outcomes("nobody's", None, None, None)

    on_site(tmp_path, body)
