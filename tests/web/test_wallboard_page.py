"""The wallboard in a real browser: what it shows of calls, one click for each thing, light and dark, no injection."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from memory_people import PASSWORD
from playwright.async_api import Browser, Page, expect
from site_client import Site, served, until
from small_site import SmallSwitch

from softswitch.dialler.agents import AgentState
from softswitch.safeguards.campaign_views import OutlookView
from softswitch.safeguards.projection import Projection
from softswitch.safeguards.shift_book import Interval
from softswitch.safeguards.supervision_views import ConversationView
from softswitch.web.room import WebSettings
from tests.web.browser import CHROMIUM, MAGNIFIED, chromium, picture, tab

pytestmark = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium")

INJECTION = '"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>{{constructor.constructor("x")()}}'
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TALK = ConversationView(
    agent="101", call_ref="c1", node="age", at_node_s=12.0, answers=3, ending="", agent_dbov=-24.0, callee_dbov=-127.0,
    agent_speaks=True, callee_speaks=False, agent_talk_s=30.0, callee_talk_s=41.0, overlaps_s=2.0, silence_s=0.0,
    overlap_s=0.0,
)  # fmt: skip


def wallboard(
    browser: Browser, url: str, *, dark: bool = False, size: tuple[int, int] = (1366, 768)
) -> AbstractAsyncContextManager[Page]:
    return tab(browser, url, "sue", PASSWORD, shows=".agent-grid", dark=dark, size=size)


def story(body: Callable[[Site, Browser, str], Coroutine[Any, Any, None]], settings: WebSettings | None = None) -> None:
    async def run() -> None:
        site = Site(settings or WebSettings(reconnect_s=2.0), pages=True)
        async with served(site) as server, chromium() as browser:
            await body(site, browser, server.url)

    asyncio.run(run())


def busy(switch: SmallSwitch) -> None:
    """A call that talks, another that is silent, and something to look at."""
    switch.place_call("c1", "101", "in call")
    switch.place_call("c2", "102", "in call")
    switch.tick(75)
    quiet = replace(TALK, agent="102", call_ref="c2", node="consent", answers=0, silence_s=14.0, agent_dbov=-60.0)
    switch.talks = [TALK, quiet]
    to_come = Projection(0.021, 0.012, 0.031, 640)
    switch.outlook = OutlookView(to_come, 0.0, 0.0, Projection(0.001, 0.0, 0.004, 640), 12, 2, 0.52, 21.0, 24.0)
    nine = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    working = {"in call": 6.5, "ready": 2.0, "wrap-up": 1.5, "paused": 1.0}
    switch.steps = tuple(
        Interval(nine + timedelta(minutes=5 * n), 60 + n, 12 + n % 5, 0.3, 0.01 + 0.001 * n, working) for n in range(30)
    )
    switch.raise_alert("long silence", "102", "nobody has spoken for 14 s", "c2", "consent")
    switch.raise_alert("too fast", "101", "answered faster than it can be read, 0.6 s at the node", "c1", "age")


MARKS = """() => {
    const words = [...document.querySelectorAll(".chart svg text")];
    const numbers = words.filter((each) => /^[0-9.]+$/.test(each.textContent));
    const boxes = numbers.map((each) => each.getBoundingClientRect()).sort((a, b) => b.top - a.top);
    return boxes.every((each, n) => !n || boxes[n - 1].top >= each.bottom - 3) ? boxes.length : 0;
}"""
"""How many numbers stand beside the chart, none on another; 0 where they do. Half a line is blank above and below."""


def test_a_tile_shows_how_far_the_script_is_how_loud_both_are_and_what_lasts_too_long() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        busy(site.switch)
        async with wallboard(browser, url) as page:
            talking, quiet = page.locator(".agent").nth(0), page.locator(".agent").nth(1)
            await talking.get_by_text("0:12 · 3 answers").wait_for()
            assert await talking.locator(".agent-node").inner_text() == "age"
            assert await talking.locator(".levels").get_attribute("aria-label") == "Agent speaks, callee silent"
            bars = talking.locator(".ear-level i")
            assert [await bars.nth(n).evaluate("bar => bar.style.height") for n in (0, 1)] == ["60%", "0%"]
            await quiet.get_by_text("silence 0:14").wait_for()
            site.switch.talks[0] = replace(TALK, silence_s=0.0, overlap_s=5.0, callee_dbov=-30.0, callee_speaks=True)
            await talking.get_by_text("both talk 0:05").wait_for()

    story(body)


def test_one_click_is_enough_to_listen_whisper_barge_take_over_mute_and_end_a_call() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        switch = site.switch
        busy(switch)
        async with wallboard(browser, url) as page:
            for name, mode in (
                ("Listen to", "listen"), ("Whisper to", "whisper"), ("Barge in on", "barge"),
                ("Take over the call of", "take_over"),
            ):  # fmt: skip
                await page.get_by_role("button", name=f"{name} agent 101").click()
                await until(lambda mode=mode: switch.watching.get("sue") and switch.watching["sue"].mode == mode)
            await page.get_by_role("button", name="Take over the call of agent 101").click()  # undone
            await until(lambda: not switch.watching)
            await page.get_by_role("button", name="Mute agent 101").click()
            await until(lambda: switch.muted == {"101"})
            await page.get_by_role("button", name="End the call of agent 102").click()
            await until(lambda: list(switch.live) == ["c1"])
            await page.get_by_role("button", name="Pause transport-2026").click()
            await until(lambda: switch.campaign_state == "paused")
            await page.get_by_role("button", name="Kill switch").click()
            await page.get_by_role("button", name="Cancel").last.wait_for()
            assert not switch.killed_by
            await page.get_by_role("button", name="Stop everything now").click()
            await until(lambda: switch.killed_by == ["sue"])
        assert {"hang up", "pause campaign", "kill switch"} <= set(site.journal.actions("sue"))

    story(body)


def test_a_supervisor_who_has_a_keyboard_alone_listens_mutes_and_stops_everything() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        switch = site.switch
        busy(switch)
        async with wallboard(browser, url) as page:
            await page.get_by_role("button", name="Listen to agent 101").wait_for()

            async def reach(name: str) -> None:
                """By Tab alone."""
                for _ in range(120):
                    await page.keyboard.press("Tab")
                    here = await page.evaluate(
                        "[document.activeElement.getAttribute('aria-label'), document.activeElement.innerText]"
                    )
                    if name in [" ".join((each or "").split()[-len(name.split()) :]) for each in here]:
                        return
                raise AssertionError(f"no Tab leads to {name}")

            await reach("Test your sound")
            await page.keyboard.press("Enter")
            await reach("Use this browser")
            await page.keyboard.press("Escape")
            await page.locator(".audio-sheet").wait_for(state="hidden")
            await reach("Listen to agent 101")
            await page.keyboard.press("Enter")
            await until(lambda: switch.watching.get("sue") and switch.watching["sue"].mode == "listen")
            await reach("Mute agent 101")
            await page.keyboard.press("Space")
            await until(lambda: switch.muted == {"101"})
            await reach("Kill switch")
            await page.keyboard.press("Enter")
            await page.get_by_role("button", name="Stop everything now").wait_for()
            await page.get_by_role("dialog", name="Stop everything?").wait_for()
            await page.keyboard.press("Escape")  # asked once, and thought better of
            await page.get_by_role("button", name="Stop everything now").wait_for(state="hidden")
            assert not switch.killed_by
            await reach("Kill switch")
            await page.keyboard.press("Enter")
            await reach("Stop everything now")
            await page.keyboard.press("Enter")
            await until(lambda: switch.killed_by == ["sue"])

    story(body)


def test_where_the_site_asks_for_it_a_reason_is_given_before_anybody_is_heard() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        switch = site.switch
        switch.asks_reason = True
        busy(switch)
        async with wallboard(browser, url) as page:
            await page.get_by_role("button", name="Listen to agent 101").click()
            await page.get_by_label("Reason").wait_for()
            assert not switch.watching
            await page.get_by_role("button", name="Go on").click()  # the sheet stays, and the keyboard is in its field
            await expect(page.get_by_label("Reason")).to_be_focused()
            assert not switch.watching
            await page.keyboard.type("…")
            await page.keyboard.press("Enter")
            await page.get_by_text("say why").first.wait_for(timeout=20_000)
            assert not switch.watching
            await page.get_by_role("button", name="Listen to agent 101").click()
            await page.get_by_label("Reason").fill("complaint 17")
            await page.keyboard.press("Enter")
            await until(lambda: "sue" in switch.watching)
        assert switch.reasons == ["complaint 17"]

    story(body, WebSettings(reconnect_s=2.0, listening_needs_reason=True))


def test_why_a_trunk_cannot_be_used_stands_beside_it_and_goes_when_it_can() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        site.switch.trunk = ("unregistered", 403)
        async with wallboard(browser, url) as page:
            why = page.locator(".trunks").get_by_text("user name or password is wrong, or the account is barred")
            await why.wait_for()
            await page.locator(".trunks").get_by_text("refused", exact=True).wait_for()
            site.switch.trunk = ("registered", 0)
            await why.wait_for(state="hidden")

    story(body)


def test_an_alert_stands_on_the_board_until_somebody_has_looked() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        switch = site.switch
        async with wallboard(browser, url) as page:
            assert not await page.locator(".alerts").is_visible()
            await page.get_by_text("No call is in progress.").wait_for()
            busy(switch)
            await page.get_by_text("nobody has spoken for 14 s (node consent)").wait_for()
            assert await page.locator(".alert-row").count() == 2
            await page.get_by_role("button", name="Seen: too fast, agent 101").click()
            await until(lambda: [each.seen_by for each in switch.alerts] == ["sue", ""])
            await page.get_by_role("button", name="Seen: long silence, agent 102").click()
            await page.locator(".alerts").wait_for(state="hidden")

    story(body)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_wallboard_of_a_full_floor_with_alerts_is_accessible_and_fits_the_screen(dark: bool) -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        busy(site.switch)
        for n in range(103, 125):
            site.switch.states[f"{n}"], site.switch.since[f"{n}"] = AgentState.READY, 0.0
            site.switch.place_call(f"c{n}", f"{n}", "in call")
        async with wallboard(browser, url, dark=dark) as page:
            await page.get_by_text("2 to look at").wait_for()
            links = page.get_by_role("navigation", name="Other pages").get_by_role("link")
            assert await links.all_inner_texts() == ["Training", "Reviews", "Compliance", "Outcomes", "Retention"]
            for link in await links.all():
                answer = await page.request.get(f"{url.rstrip('/')}{await link.get_attribute('href')}")
                assert answer.ok
            await page.get_by_text("by midnight 2.1 %, 95 % between 1.2 % and 3.1 %, with 640 live").wait_for()
            await page.get_by_text("0.52 dials an agent at work (12) · agents wait 21 s, predicted 24 s").wait_for()
            await page.get_by_role("button", name="Agents", exact=True).click()
            await page.get_by_text("Agents in the last five minutes: 6.5 in call").first.wait_for()
            await picture(page, f"wallboard-{'dark' if dark else 'light'}")
            assert await page.evaluate(MARKS) == 3
            chosen = page.locator(".chart-choice [aria-pressed=true]")
            panel = await page.locator(".history").evaluate("each => getComputedStyle(each).backgroundColor")
            assert await chosen.evaluate("each => getComputedStyle(each).color") == panel, "legible in the dark too"
            found = await Axe().run(page, options={"runOnly": RULES})
            assert not found.response["violations"], found.generate_report()
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert await page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
            clipped = "all => all.filter(each => each.scrollHeight > each.clientHeight + 1).map(each => each.className)"
            assert await page.locator(".campaigns, .trunks, .media").evaluate_all(clipped) == []
            await page.set_viewport_size(MAGNIFIED)
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "one way to scroll"
            assert await page.locator(".campaigns, .trunks, .media").evaluate_all(clipped) == []

    story(body)


def test_each_chart_of_the_shift_says_in_words_and_as_a_table_what_it_shows() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        busy(site.switch)
        async with wallboard(browser, url) as page:
            chart = page.locator(".chart")
            for name, words in (
                ("Conversations", "Since 09:00 420 conversations; 171 in the last hour."),
                ("Abandoned", "Since 09:00 abandoned 3.9 % of live calls, limit 3.0 %."),
                ("Dials", "Since 09:00 2,235 dials; 1,002 in the last hour."),
            ):
                await page.get_by_role("button", name=name, exact=True).click()
                await page.locator(".chart-words").get_by_text(words).wait_for()
                assert await chart.get_attribute("aria-label") == words
                await chart.locator("svg path").first.wait_for(state="attached")
            await page.get_by_text("By the hour, as a table").click()
            await chart.wait_for(state="hidden")  # the table has its room
            row = page.locator(".chart-table tbody tr").first
            assert (await row.inner_text()).split() == ["09:00", "786", "165", "3.6", "2.1", "%", "6.5"]

    story(body)


def test_a_supervisor_tests_the_sound_in_the_browser_and_counts_from_then_on() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        async with wallboard(browser, url) as page:
            await page.get_by_role("button", name="Test your sound").click()
            await page.get_by_role("button", name="Use this browser").click()
            await page.get_by_text("We hear you.").wait_for()  # Chromium's microphone beeps
            finish = page.get_by_role("button", name="My sound works")
            assert await finish.is_disabled()
            await page.get_by_role("button", name="Play the tone").click()
            await page.get_by_label("I hear it").check()
            await picture(page, "wallboard-sound")
            await finish.click()
            await until(lambda: site.switch.tested == {"sue"})
            assert site.switch.headsets["sue"].startswith(b"v=0")
            opener = page.get_by_role("button", name="Sound works", exact=True)
            await page.locator(".audio-sheet").wait_for(
                state="hidden"
            )  # by itself, and the keyboard goes on at its button
            await expect(opener).to_be_focused()
            await page.keyboard.press("Enter")
            await page.locator(".audio-sheet").wait_for()
            await page.keyboard.press("Tab")
            await page.keyboard.press("Escape")
            await page.locator(".audio-sheet").wait_for(state="hidden")
            await expect(opener).to_be_focused()
            assert await page.locator(".headset").count() == 1  # what is taken out of the page hangs up

    story(body)


def test_a_supervisor_with_a_phone_sees_the_own_level_and_says_a_few_words_before_the_test_is_passed() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        site.switch.supervisor_phones.add("sue")
        site.switch.voices["sue"] = -127.0
        async with wallboard(browser, url) as page:
            await page.get_by_role("button", name="Test your sound").click()
            await page.get_by_role("button", name="Ring my phone").click()
            level = page.get_by_role("meter", name="Level of your voice")
            await level.wait_for()
            assert await level.get_attribute("aria-valuenow") == "0"
            await page.get_by_role("button", name="Play the tone").click()
            await page.get_by_label("I hear it").check()
            finish = page.get_by_role("button", name="My sound works")
            assert await finish.is_disabled()
            site.switch.voices["sue"] = -24.0
            await page.get_by_text("We hear you.").wait_for()
            assert await level.get_attribute("aria-valuenow") == "60"
            site.switch.voices["sue"] = -80.0  # what the page has seen is not what counts
            await finish.click()
            await page.get_by_text("the switch does not hear you yet").wait_for()
            assert site.switch.tested == set()
            site.switch.voices["sue"] = -24.0
            await until(lambda: site.switch.tested == {"sue"})
            await level.wait_for(state="detached")

    story(body)


def test_markup_in_any_name_is_nothing_but_text() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        switch = site.switch
        switch.states[INJECTION], switch.since[INJECTION] = AgentState.OFFLINE, 0.0
        switch.place_call(INJECTION, INJECTION, "in call")
        switch.talks = [replace(TALK, agent=INJECTION, call_ref=INJECTION, node=INJECTION, taken_by=INJECTION)]
        switch.raise_alert(INJECTION, INJECTION, INJECTION, INJECTION, INJECTION)
        async with wallboard(browser, url) as page:
            await page.locator(".alert-row").get_by_text("<img src=x", exact=False).first.wait_for()
            await page.get_by_role("button", name="Listen to agent").first.wait_for()
            assert await page.evaluate("window.pwned") is None
            assert await page.locator(".board img, .board script").count() == 0

    story(body)
