"""Campaigns commanded at a running switch: refused with the reason, and what was told last outlives the process."""

from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from softswitch.errors import UsageError
from softswitch.safeguards.wallboard import status_view
from tests.interop.site import CAMPAIGN, running_switch, write_site


def state_of(switch) -> str:
    return switch.desk.wallboard().campaigns[0].state


def site_in(folder: Path, change: Callable[[str], str]) -> Path:
    path = write_site(folder, trunk_port=5999, numbers=["+442079460001"])
    path.write_text(change(path.read_text()))
    return path


def test_without_a_never_dial_list_or_with_other_faults_a_campaign_is_refused_with_every_reason(tmp_path: Path) -> None:
    def faulty(text: str) -> str:
        without = text.replace('never_dial = "never-dial.csv"\n', "")
        return without.replace('information_message = "information"\n', "")

    async def body() -> None:
        async with running_switch(site_in(tmp_path, faulty)) as switch:
            with pytest.raises(UsageError, match=r"no information message.*never-dial list"):
                await switch.desk.start_campaign(CAMPAIGN)
            assert state_of(switch) == "stopped"
            assert await switch.site.store.campaign_orders() == {}

    uvloop.run(body())


def test_a_campaign_that_was_to_run_and_could_not_says_why_until_somebody_has_stopped_it(tmp_path: Path) -> None:
    def faulty(text: str) -> str:
        without = text.replace('never_dial = "never-dial.csv"\n', "")
        return without.replace('leads = "leads.csv"', 'leads = "leads.csv"\nstart = true')

    async def body() -> None:
        async with running_switch(site_in(tmp_path, faulty)) as switch:
            (view,) = switch.desk.wallboard().campaigns
            assert (view.state, "could not be started: " in view.held_because) == ("stopped", True)
            assert "never-dial list" in view.held_because
            assert not status_view(switch.desk.wallboard()).dials
            await switch.desk.stop_campaign(CAMPAIGN)
            assert switch.desk.wallboard().campaigns[0].held_because == ""

    uvloop.run(body())


def test_a_campaign_that_was_stopped_stays_stopped_after_a_restart(tmp_path: Path) -> None:
    path = site_in(tmp_path, lambda text: text.replace('leads = "leads.csv"', 'leads = "leads.csv"\nstart = true'))

    async def body() -> None:
        async with running_switch(path) as switch:
            assert state_of(switch) == "held"  # by the supervisor who is not there: but it was started
            await switch.desk.stop_campaign(CAMPAIGN)
        async with running_switch(path) as switch:
            assert state_of(switch) == "stopped"
            await switch.desk.start_campaign(CAMPAIGN)
            await switch.desk.pause_campaign(CAMPAIGN)
        async with running_switch(path) as switch:
            assert state_of(switch) == "paused"

    uvloop.run(body())
