"""What opens which interlock, and when it closes again."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from softswitch.exchange.running import health
from softswitch.exchange.running.health import Health
from softswitch.safeguards.interlocks import CLOCK, DISK, NEVER_DIAL, RECORDER, STORE, SUPERVISOR, TRUNK, Interlocks


class Site:
    """The little that health looks at, for a test to change."""

    def __init__(self, folder: Path, *, ratio: int = 2, minimum_free_mb: int = 0) -> None:
        self.now, self.agents, self.trunk, self.ticks = 100.0, 0, "", 0
        self.alarm = ""
        self.interlocks = Interlocks(health.NAMES)
        self.health = Health(
            self.interlocks,
            recordings=folder,
            minimum_free_mb=minimum_free_mb,
            supervisor_ratio=ratio,
            agents_in=lambda: self.agents,
            trunk_trouble=lambda: self.trunk,
            on_tick=self.tick,
            clock=lambda: self.now,
            toll_alarm=lambda: self.alarm,
        )

    def tick(self) -> None:
        self.ticks += 1

    def reason(self, name: str) -> str:
        return "; ".join(self.interlocks.reasons_among((name,)))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_when_the_days_calls_are_spent_dialling_stops_and_the_wallboard_says_why(site: Site) -> None:
    site.health.look()
    assert site.reason(health.TOLL) == ""
    site.alarm = "the site's calls for today are spent"
    site.health.look()
    assert site.reason(health.TOLL) == "toll guard: the site's calls for today are spent"


def test_nothing_may_be_dialled_until_everything_has_been_looked_at(site: Site) -> None:
    site.health.supervisor_arrived("anna")
    assert not site.interlocks.closed
    for name in (STORE, NEVER_DIAL, health.MEDIA, health.MEDIA_LOAD):
        site.health.report(name, True)
    assert site.interlocks.closed


def test_agents_are_watched_by_enough_supervisors(site: Site) -> None:
    site.health.look()
    assert "no supervisor" in site.reason(SUPERVISOR)
    site.health.supervisor_arrived("anna")
    assert not site.reason(SUPERVISOR)
    site.agents = 3
    site.health.look()
    assert "1 supervisors for 3 agents" in site.reason(SUPERVISOR)
    site.health.supervisor_arrived("ben")
    assert not site.reason(SUPERVISOR)
    site.health.supervisor_left("ben")
    assert site.reason(SUPERVISOR)


def test_a_site_that_asks_for_no_supervisor_needs_none(tmp_path: Path) -> None:
    site = Site(tmp_path, ratio=0)
    site.health.look()
    assert not site.reason(SUPERVISOR)


def test_a_disk_with_too_little_room_is_named_with_what_it_has(tmp_path: Path) -> None:
    site = Site(tmp_path, minimum_free_mb=10**9)
    site.health.look()
    assert "MB left" in site.reason(DISK)


def test_a_failed_recording_keeps_the_interlock_open_until_the_folder_takes_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    site = Site(folder)
    site.health.recording_failed("No space left on device")
    assert "No space left" in site.reason(RECORDER)
    site.health.look()
    assert site.reason(RECORDER)
    folder.mkdir()
    site.health.look()
    assert not site.reason(RECORDER)
    assert list(folder.iterdir()) == []


def test_a_trunk_that_is_gone_opens_its_interlock(site: Site) -> None:
    site.trunk = "lab: nobody answers there"
    site.health.look()
    assert site.reason(TRUNK) == "trunk: lab: nobody answers there"


def test_a_wall_clock_that_jumps_stops_dialling_for_a_minute(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    class Calendar(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return wall

    monkeypatch.setattr(health, "datetime", Calendar)
    site.health.look()
    site.now, wall = site.now + 0.5, wall + timedelta(seconds=0.5)
    site.health.look()
    assert not site.reason(CLOCK)
    site.now, wall = site.now + 0.5, wall - timedelta(hours=1)
    site.health.look()
    assert "jumped by -36" in site.reason(CLOCK)
    site.now, wall = site.now + 59, wall + timedelta(seconds=59)
    site.health.look()
    assert site.reason(CLOCK)
    site.now, wall = site.now + 2, wall + timedelta(seconds=2)
    site.health.look()
    assert not site.reason(CLOCK)


def test_every_look_and_every_report_is_passed_on(site: Site) -> None:
    async def watch() -> None:
        site.health.start()
        await site.health.stop()

    asyncio.run(watch())
    before = site.ticks
    site.health.report(STORE, False, "the store cannot write: the disk is full")
    assert site.ticks == before + 1
    assert before >= 1


def test_the_log_says_once_that_an_interlock_is_open_however_its_figures_change(site: Site) -> None:
    with capture_logs() as lines:
        for live in (31, 32, 33):
            site.health.report(STORE, False, f"{live} calls wait")
        site.health.report(STORE, True)
        site.health.report(STORE, False, "34 calls wait")
    told = [(line["event"], line.get("reason")) for line in lines if line["interlock"] == STORE]
    assert told == [
        ("interlock open", "31 calls wait"),
        ("interlock closed", None),
        ("interlock open", "34 calls wait"),
    ]
    assert site.reason(STORE) == "store: 34 calls wait"
