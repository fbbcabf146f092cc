"""Practice calls by REST and on the page: nothing of them reaches the switch; the teacher sees what came of them."""

import asyncio
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from memory_people import PASSWORD
from site_client import SCRIPT, Site, served

from softswitch.dialler.agents import AgentState
from softswitch.errors import UsageError
from softswitch.training.drill import Drill
from softswitch.training.scenarios import scenario_named
from softswitch.web.room import WebSettings
from softswitch.web.training_desk import TrainingDesk
from tests.web.browser import CHROMIUM, agent_tab, chromium, picture, tab

COMMANDS = (
    "accept_preview", "skip_preview", "dial_reference", "send_digit", "log_in_agent", "ready_agent", "pause_agent",
    "hang_up", "seat_agent_headset", "play_test_tone", "promise_callback", "start_campaign", "supervise", "dispose",
)  # fmt: skip
BASE = "/api/agents/101"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def answered(site: Site, node: str, answer: object) -> int:
    site.switch.tick(60)
    return (await site.post("101", f"{BASE}/interview/answer", {"node": node, "answer": answer})).status_code


def test_a_practice_call_is_led_by_the_endpoints_of_every_interview_and_its_result_is_kept() -> None:
    async def story() -> None:
        site = Site()
        before = dict(site.switch.states)
        begun = await site.post("sue", f"{BASE}/training", {"campaign": "transport-2026", "scenario": "uninterested"})
        assert begun.status_code == 200
        assert begun.json()["said"].startswith(("Hello", "Yes, hello"))
        ref = begun.json()["drill_ref"]
        view = (await site.get("101", f"{BASE}/interview")).json()
        assert (view["call_ref"], view["node"]) == (ref, "introduction")
        assert (await site.get("101", f"{BASE}/page")).json()["state"] == "in call"
        assert await answered(site, "introduction", None) == 200
        site.switch.tick(60)
        practice = (await site.get("101", f"{BASE}/training")).json()
        assert (practice["said"], practice["callee"]) == ("No, thank you. I am not interested.", "")
        assert (await site.post("101", f"{BASE}/hangup")).status_code == 409  # the script goes on
        assert (await site.post("101", f"{BASE}/digit", {"key": "1"})).status_code == 409
        assert (await site.post("101", f"{BASE}/interview/refused")).status_code == 200
        assert (await site.post("101", f"{BASE}/hangup")).status_code == 204
        chosen = {"call_ref": ref, "disposition": "refusal"}
        assert (await site.post("101", f"{BASE}/disposition", chosen)).status_code == 204
        result = (await site.post("101", f"{BASE}/training/finish")).json()
        assert (result["points"], result["passed"], result["scenario"]) == (100, True, "uninterested")
        (kept,) = (await site.get("sue", "/api/training/results?agent=101")).json()
        assert kept == result
        assert (await site.get("sue", "/api/training/results?agent=102")).json() == []
        assert (await site.post("101", f"{BASE}/training/finish")).status_code == 409
        async with site.client("101") as client:
            assert (await client.delete(f"{BASE}/training")).status_code == 204
        assert (await site.get("101", f"{BASE}/training")).json() is None
        switch = site.switch
        assert (switch.states, switch.attempts, switch.live) == (before, [], {})
        assert (switch.dispositions, switch.promises, switch.opted_out) == ([], {}, [])

    asyncio.run(story())


@pytest.mark.parametrize("command", COMMANDS)
def test_what_could_reach_somebody_is_not_there_in_a_practice_call(command: str) -> None:
    desk = TrainingDesk(Drill(SCRIPT, scenario_named("willing"), "T1", "101", 1, 0.0), "transport-2026", lambda: 0.0)
    if command == "dispose":
        with pytest.raises(UsageError):
            asyncio.run(desk.dispose("101", "another call", "refusal"))
        return
    with pytest.raises(UsageError, match="nobody at the other end"):
        getattr(desk, command)


def test_whoever_is_at_work_does_not_practise_and_a_call_ends_the_practice() -> None:
    async def story() -> None:
        site = Site()
        site.switch._set("101", AgentState.READY)
        wish = {"campaign": "transport-2026"}
        assert (await site.post("101", f"{BASE}/training", wish)).status_code == 409
        site.switch._set("101", AgentState.PAUSED)
        assert (await site.post("101", f"{BASE}/training", wish)).status_code == 200
        site.switch.begin_interview("K7F2", "101", SCRIPT)
        assert (await site.get("101", f"{BASE}/interview")).json()["call_ref"] == "K7F2"
        assert (await site.get("101", f"{BASE}/training")).json() is None
        assert (await site.post("101", f"{BASE}/training/finish")).status_code == 409

    asyncio.run(story())


def test_an_agent_is_not_told_who_will_answer_and_names_that_are_none_are_refused() -> None:
    async def story() -> None:
        site = Site()
        wish = {"campaign": "transport-2026", "scenario": "machine"}
        assert (await site.post("101", f"{BASE}/training", wish)).status_code == 403
        assert (await site.get("101", "/api/training/scenarios")).status_code == 403
        assert len((await site.get("sue", "/api/training/scenarios")).json()) > 5
        assert (await site.post("sue", f"{BASE}/training", {**wish, "scenario": "x"})).status_code == 404
        assert (await site.post("sue", f"{BASE}/training", {"campaign": "x"})).status_code == 404
        assert (await site.post("sue", "/api/agents/999/training", wish)).status_code == 404
        for name, status in (("human-hello-1", 200), ("prompt-closing", 404), ("..%2F..%2Fvoices.csv", 404)):
            assert (await site.get("101", f"/api/training/voices/{name}")).status_code == status

    asyncio.run(story())


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium")
def test_an_agent_practises_on_the_own_page_and_the_teacher_reads_the_result() -> None:
    async def story() -> None:
        site = Site(WebSettings(reconnect_s=2.0), pages=True)
        async with served(site) as server, chromium() as browser:
            async with agent_tab(browser, server.url, "101", PASSWORD) as page:
                site.room.training._begun["101"] = 2  # the uninterested one is next
                await page.get_by_role("button", name="Practise transport-2026").click()
                await page.get_by_text("PRACTICE", exact=True).wait_for()
                await page.get_by_text("I am calling from Meadow Research").wait_for()
                await picture(page, "agent-practice")
                site.switch.tick(60)
                await page.locator(".script-foot button[type=submit]:not([disabled])").click()
                site.switch.tick(60)
                await page.get_by_text("I am not interested").wait_for()
                await page.get_by_role("button", name="Refusal", exact=True).click()
                await page.locator("dialog[open]").get_by_role("button", name="Yes").click()
                await page.get_by_role("button", name="End the call").click()
                await page.get_by_role("button", name="Finish the practice call").click()
                await page.get_by_text("of 100").wait_for()
                assert site.practised.kept[0].passed
                await picture(page, "agent-practice-result")
                found = await Axe().run(page, options={"runOnly": RULES})
                assert found.violations_count == 0, found.generate_report()
                await page.get_by_role("button", name="Stop practising").click()
                await page.get_by_text("Your headset").wait_for()
            for dark in (False, True):
                opened = tab(browser, server.url, "sue", PASSWORD, path="/training", shows=".training-body", dark=dark)
                async with opened as teacher:
                    await teacher.get_by_role("cell", name="does not wish to take part").wait_for()
                    if not dark:
                        site.switch.states["102"] = AgentState.IN_CALL
                        await teacher.locator("option[value='102'][disabled]").wait_for(state="attached")
                        await teacher.get_by_role("combobox", name="Agent").select_option("101")
                        await teacher.get_by_role("combobox", name="The callee").select_option("busy")
                        await teacher.get_by_role("button", name="Begin the practice call").click()
                        await teacher.get_by_text("Agent 101 practises").wait_for()
                        await teacher.locator(".q-notification").wait_for(state="detached")  # faint meanwhile
                        practice = site.room.training.desk_of(site.switch, "101")
                        assert practice is not None
                        assert (practice.campaign, practice.drill.scenario.name) == ("transport-2026", "busy")
                    await picture(teacher, f"training-{'dark' if dark else 'light'}")
                    found = await Axe().run(teacher, options={"runOnly": RULES})
                    assert found.violations_count == 0, found.generate_report()
                    assert await teacher.evaluate("document.documentElement.scrollWidth") <= 1366

    asyncio.run(story())
