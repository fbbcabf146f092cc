"""The agent's page in a real browser: an interview by keyboard and mouse, and what must survive or come to nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from memory_people import PASSWORD
from playwright.async_api import Browser, Locator, Page, expect
from site_client import Site, served, until
from small_site import SmallSwitch

from softswitch.config.scripts import load_script
from softswitch.dialler.agents import AgentState, CallEnd
from softswitch.dialler.attempt import Disposition
from softswitch.survey.questionnaire import Ending
from softswitch.web.room import WebSettings
from tests.web.browser import CHROMIUM, agent_tab, chromium, picture

pytestmark = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium")

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCRIPT = load_script(Path(__file__).parents[2] / "configs" / "script-travel.toml", {"city"})
INJECTION = (
    '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>{{constructor.constructor("window.pwned=1")()}}'
)


@asynccontextmanager
async def floor() -> AsyncIterator[tuple[SmallSwitch, Browser, str]]:
    site = Site(WebSettings(reconnect_s=2.0), pages=True)
    async with served(site) as server, chromium() as browser:
        yield site.switch, browser, server.url


def story(body: Callable[[SmallSwitch, Browser, str], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with floor() as (switch, browser, url):
            await body(switch, browser, url)

    asyncio.run(run())


async def says(page: Page, words: str) -> None:
    await page.get_by_text(words, exact=False).first.wait_for()


async def check_accessibility(page: Page) -> None:
    found = await Axe().run(page, options={"runOnly": RULES})
    assert found.violations_count == 0, found.generate_report()


async def go_on(page: Page, switch: SmallSwitch, words: str) -> None:
    """Time passes, Enter is pressed, and the next words are there."""
    switch.tick(20)
    await page.locator(".script-foot button[type=submit]:not([disabled])").first.wait_for()
    await page.keyboard.press("Enter")
    await says(page, words)


def test_an_interview_is_led_by_keyboard_alone_and_survives_reload_and_lost_socket() -> None:
    async def body(switch: SmallSwitch, browser: Browser, url: str) -> None:
        async with agent_tab(browser, url, "101", PASSWORD) as page:
            await says(page, "OFFLINE")
            switch._set("101", AgentState.READY)
            await says(page, "Waiting for the next call")
            await picture(page, "agent-ready")
            interview = switch.begin_interview("K7F2", "101", SCRIPT, city="Leeds")
            await says(page, "I am calling from Meadow Research")
            await says(page, "K7F2")
            next_ = page.get_by_role("button", name="Next")
            assert await next_.is_disabled()  # it must be read out
            await picture(page, "agent-mandatory")
            switch.tick(20)
            await page.go_back()  # past the log-in: the agent is logged in, and is led to the page again
            await page.wait_for_selector(".desk-state")
            await page.reload()
            await says(page, "I am calling from Meadow Research")
            await go_on(page, switch, "Is that all right?")
            await page.keyboard.press("1")
            await go_on(page, switch, "You can stop at any time")
            await go_on(page, switch, "how old you are")
            await page.keyboard.type("41")
            await go_on(page, switch, "woman, man, or another way")
            await page.keyboard.press("2")
            await go_on(page, switch, "in the last week in Leeds")
            await picture(page, "agent-multiple")

            await page.evaluate("window.socket.io.engine.close()")  # the socket is lost
            await page.wait_for_timeout(300)
            await says(page, "in the last week in Leeds")
            await page.wait_for_function("window.socket.connected")
            await page.keyboard.press("2")
            await page.keyboard.press("5")
            await go_on(page, switch, "travel by car or van?")
            await page.keyboard.type("3")
            await go_on(page, switch, "How satisfied are you")
            await page.get_by_role("button", name="Back").click()
            await says(page, "travel by car or van?")
            assert await page.locator("input.field-number").input_value() == "3"
            await go_on(page, switch, "How satisfied are you")
            await page.keyboard.press("4")
            await go_on(page, switch, "What is the main reason")
            await page.keyboard.type("Too slow")
            await go_on(page, switch, "Thank you very much for your help")
            await page.keyboard.press("Enter")
            await until(lambda: interview.ending is Ending.COMPLETE)
            assert interview.answers == {
                "consent": "yes", "age": 41, "sex": "man", "means": ("bicycle", "car"), "car_days": 3,
                "satisfaction": "not_at_all", "why": "Too slow",
            }  # fmt: skip
            await page.get_by_role("button", name="End the call").click()
            await says(page, "What came of it")
            switch.noted["101"] = "connected"  # as the switch says of every call that somebody answered
            await says(page, "nothing is noted yet")
            await page.get_by_role("button", name="Broken off").wait_for()
            switch.noted["101"] = "completed"
            await says(page, "Noted: Completed")
            await picture(page, "agent-wrap-up")
            await page.get_by_role("button", name="Ready for the next call").click()
            await until(lambda: switch.states["101"] is AgentState.READY)

    story(body)


def test_numbers_are_refused_and_scripts_in_any_text_are_nothing_but_text() -> None:
    async def body(switch: SmallSwitch, browser: Browser, url: str) -> None:
        interview = switch.begin_interview(INJECTION[:60], "101", SCRIPT, city=INJECTION)
        for n, answer in enumerate((None, "yes", None, 30, "man", ["none"], "not_very"), 1):
            switch.tick(20 * n)
            interview.receive_answer(interview.node.id, answer, switch.now)
        async with agent_tab(browser, url, "101", PASSWORD) as page:
            await says(page, "What is the main reason")
            switch.tick(20)
            await page.locator("textarea").fill("ring oh seven seven double four nine hundred")
            await page.keyboard.press("Enter")
            await says(page, "looks like a telephone number")
            await picture(page, "agent-refused-text")
            assert "why" not in interview.answers
            await page.locator("textarea").fill(INJECTION)
            await page.keyboard.press("Enter")
            await says(page, "Thank you very much")
            assert interview.answers["why"] == INJECTION
            await page.get_by_role("button", name="Back").click()
            await page.locator("textarea").wait_for()
            assert await page.locator("textarea").input_value() == INJECTION
            for _ in range(2):
                await page.get_by_role("button", name="Back").click()
                await page.wait_for_timeout(300)
            await says(page, "<img src=x onerror")  # the city, in the question
            assert await page.evaluate("window.pwned") is None
            assert await page.locator(".words img, .words script").count() == 0

    story(body)


def test_refusal_opt_out_appointment_and_pause_are_a_click_and_a_word_away() -> None:
    async def body(switch: SmallSwitch, browser: Browser, url: str) -> None:
        async with agent_tab(browser, url, "101", PASSWORD) as page:
            for button, sure, ending in (
                ("Refusal", "Yes", Ending.REFUSED),
                ("Break off", "Yes", Ending.BROKEN_OFF),
                ("Never call again", "Yes", Ending.OPTED_OUT),
                ("Appointment", "Make the appointment", Ending.APPOINTMENT),
            ):
                interview = switch.begin_interview(f"call-{ending.value}", "101", SCRIPT)
                await says(page, f"call-{ending.value}")
                await page.get_by_role("button", name=button, exact=True).click()
                dialog = page.locator("dialog[open]")
                await dialog.wait_for()
                if ending is Ending.APPOINTMENT:
                    await dialog.locator("input[type=date]").fill("2027-03-10")
                    await dialog.locator("input[type=time]").fill("18:30")
                    await picture(page, "agent-appointment")
                await dialog.get_by_role("button", name=sure).click()
                await until(lambda i=interview, e=ending: i.ending is e)
                switch.live.clear()
            assert switch.opted_out == ["call-opted_out"]
            assert [*switch.promises] == ["lead-call-appointment"]
            switch.led.clear()
            switch._set("101", AgentState.READY)
            await page.get_by_role("button", name="Pause").click()
            await page.locator("dialog[open]").get_by_role("button", name="lunch").click()
            await until(lambda: switch.states["101"] is AgentState.PAUSED)
            await says(page, "lunch")
            await page.get_by_role("button", name="Ready", exact=True).click()
            await until(lambda: switch.states["101"] is AgentState.READY)

    story(body)


def test_a_refusal_after_the_call_is_one_in_the_interview_too_and_is_said_in_one_place() -> None:
    async def body(switch: SmallSwitch, browser: Browser, url: str) -> None:
        async with agent_tab(browser, url, "101", PASSWORD) as page:
            interview = switch.begin_interview("K7F2", "101", SCRIPT)
            switch._set("101", AgentState.IN_CALL)
            await says(page, "At any moment")
            switch._set("101", AgentState.WRAP_UP)
            await says(page, "Choose, or finish the script")
            assert await page.get_by_role("button", name="Refusal", exact=True).count() == 1
            await page.get_by_role("button", name="Refusal", exact=True).click()
            await until(lambda: switch.dispositions == [("101", "K7F2", Disposition.REFUSAL)])
            assert interview.ending is Ending.REFUSED

    story(body)


def test_an_agent_is_told_why_the_call_ended_and_who_hears_nothing_of_what_is_said() -> None:
    async def body(switch: SmallSwitch, browser: Browser, url: str) -> None:
        switch._set("101", AgentState.READY)
        async with agent_tab(browser, url, "101", PASSWORD) as page:
            told = page.locator(".desk-top .desk-notice")  # there from the start, so that screen readers say it
            await says(page, "Waiting for the next call")
            assert await told.inner_text() == ""
            for end, words in (
                (CallEnd.HUNG_UP, "The other end hung up."),
                (CallEnd.MACHINE, "An answering machine or a recording was there: the call was ended."),
                (CallEnd.SUPERVISOR, "A supervisor ended the call."),
                (CallEnd.STOPPED, "A supervisor stopped all calls."),
                (CallEnd.BROKE_OFF, "The line broke off."),
            ):
                switch.begin_interview("K7F2", "101", SCRIPT)
                await says(page, "I am calling from Meadow Research")
                await until_text(told, "")
                switch.live.clear()
                switch.led.clear()
                switch.ends["101"] = end
                switch._set("101", AgentState.READY)
                await until_text(told, words)
                if end is CallEnd.MACHINE:
                    await picture(page, "agent-machine")
                    await check_accessibility(page)
                switch.ends.clear()
            switch.begin_interview("K7F2", "101", SCRIPT)
            for why, words in (
                ("muted", "A supervisor has muted you"),
                ("taken over", "A supervisor talks to the callee"),
            ):
                switch.unheard["101"] = why
                await told.get_by_text(words).wait_for()
                await check_accessibility(page)
            await picture(page, "agent-taken-over")
            switch.unheard.clear()
            await until_text(told, "")

    story(body)


async def until_text(place: Locator, words: str) -> None:
    await expect(place).to_have_text(words)


def test_the_headset_is_tested_before_the_shift_begins() -> None:
    async def body(switch: SmallSwitch, browser: Browser, url: str) -> None:
        switch.untested.add("101")
        async with agent_tab(browser, url, "101", PASSWORD) as page:
            begin = page.get_by_role("button", name="Begin the shift")
            await begin.wait_for()
            await until(lambda: switch.pages == ["101"])
            assert await begin.is_disabled()
            await page.get_by_role("button", name="Use this browser").click()
            await says(page, "We hear you.")  # Chromium's microphone beeps
            assert await begin.is_disabled()
            await page.get_by_role("button", name="Play the tone").click()
            await page.get_by_label("I hear it").check()
            await picture(page, "agent-headset")
            await begin.click()
            await until(lambda: "101" in switch.headsets)
            assert switch.headsets["101"].startswith(b"v=0")
            assert switch.untested == set()
        await until(lambda: switch.pages == [])

    story(body)


def test_of_a_phone_the_switch_tells_how_loud_it_is_and_who_is_not_heard_does_not_begin() -> None:
    async def body(switch: SmallSwitch, browser: Browser, url: str) -> None:
        switch.untested.add("101")
        switch._set("101", AgentState.PAUSED)
        switch.voices["101"] = -127.0
        async with agent_tab(browser, url, "101", PASSWORD) as page:
            level = page.get_by_role("meter", name="Level of your voice")
            await says(page, "the bar must move")
            await page.get_by_role("button", name="Play the tone").click()
            await page.get_by_label("I hear it").check()
            begin = page.get_by_role("button", name="Begin the shift")
            assert await level.get_attribute("aria-valuenow") == "0"
            assert await begin.is_disabled()
            switch.voices["101"] = -24.0
            await says(page, "We hear you.")
            assert await level.get_attribute("aria-valuenow") == "60"
            await picture(page, "agent-phone-test")
            await begin.click()
            await until(lambda: switch.untested == set())

    story(body)


def test_a_second_tab_takes_the_page_over_and_a_log_in_elsewhere_leads_to_the_log_in_page() -> None:
    async def body(switch: SmallSwitch, browser: Browser, url: str) -> None:
        switch._set("101", AgentState.READY)
        async with agent_tab(browser, url, "101", PASSWORD) as page:
            await says(page, "Waiting for the next call")
            second = await page.context.new_page()
            await second.goto(f"{url}agent")
            await says(second, "Waiting for the next call")
            await says(page, "Your page is open in another tab")
            assert await page.get_by_role("button", name="Pause").count() == 0
            await picture(page, "agent-elsewhere")
            await check_accessibility(page)
            await page.reload()  # by itself it takes nothing
            await says(page, "Your page is open in another tab")
            assert await second.get_by_text("Waiting for the next call").count() == 1
            await page.get_by_role("button", name="Go on in this tab").click()
            await says(page, "Waiting for the next call")
            await says(second, "Your page is open in another tab")
            async with agent_tab(browser, url, "101", PASSWORD) as elsewhere:
                await page.wait_for_url("**/login?next=/agent")
                await says(elsewhere, "Waiting for the next call")

    story(body)


def test_all_controls_are_on_a_small_screen_and_nothing_breaks_the_rules_of_accessibility() -> None:
    async def body(switch: SmallSwitch, browser: Browser, url: str) -> None:
        for dark in (False, True):
            interview = switch.begin_interview("K7F2", "101", SCRIPT)
            async with agent_tab(browser, url, "101", PASSWORD, dark=dark) as page:
                for answers in ((), (None, "yes", None), (30, "man")):
                    for answer in answers:
                        switch.tick(20)
                        interview.receive_answer(interview.node.id, answer, switch.now)
                    await says(page, interview.words[:30])
                    await page.wait_for_timeout(200)
                    await check(page)
                for led in (True, False):  # a script that was not finished, and a call without one
                    switch._set("101", AgentState.WRAP_UP)
                    await says(page, "What came of it")
                    await check(page)
                    if led:
                        await picture(page, f"agent-wrap-up-unfinished-{'dark' if dark else 'light'}")
                    switch.led.clear()
                switch.live.clear()
                switch._set("101", AgentState.OFFLINE)
                await says(page, "Your headset")
                await check(page)

    async def check(page: Page) -> None:
        await check_accessibility(page)
        size = await page.evaluate(
            "[document.documentElement.scrollHeight, innerHeight, document.documentElement.scrollWidth]"
        )
        assert size[0] <= size[1] and size[2] <= 1366
        ends = "all => all.map(each => each.getBoundingClientRect()).map(box => [box.top, box.bottom])"
        for top, bottom in await page.locator("main button:visible").evaluate_all(ends):
            assert top >= 0 and bottom <= 768

    story(body)
