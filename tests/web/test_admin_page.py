"""The administrator's page in a real browser: the steps of the first day, proof, injection, accessibility."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from memory_people import PASSWORD
from playwright.async_api import Browser, Page, expect
from site_client import Site, served, until

from softswitch.config.writing import Draft
from softswitch.safeguards.site_setup import PromptReport
from softswitch.web.admin_steps import how_it_sounds
from softswitch.web.room import WebSettings
from tests.web.browser import CHROMIUM, chromium, picture, tab

pytestmark = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium")

INJECTION = (
    '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>{{constructor.constructor("window.pwned=1")()}}'
)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
STEPS = ("Site", "Trunk", "Never-dial list", "Message", "Agents", "Phones", "Campaign", "Leads", "Start")


@asynccontextmanager
async def office() -> AsyncIterator[tuple[Site, Browser, str]]:
    site = Site(WebSettings(reconnect_s=2.0), pages=True)
    async with served(site) as server, chromium() as browser:
        yield site, browser, server.url
    await site.office.administration.close()


def story(body: Callable[[Site, Browser, str], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with office() as (site, browser, url):
            await body(site, browser, url)

    asyncio.run(run())


def admin_tab(browser: Browser, url: str, *, dark: bool = False) -> AbstractAsyncContextManager[Page]:
    return tab(browser, url, "ada", PASSWORD, path="/admin", shows=".admin-title", dark=dark)


async def says(page: Page, words: str) -> None:
    await page.get_by_text(words, exact=False).first.wait_for()


async def step(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name).first.click()
    await page.wait_for_function("name => document.querySelector('.admin-title').textContent.includes(name)", arg=name)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def give(page: Page, label: str, name: str, content: bytes) -> None:
    await page.get_by_label(label).set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    await page.get_by_role("form", name="Uploaded file").wait_for()


def test_the_steps_of_the_first_day_are_done_in_the_browser() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        async with admin_tab(browser, url) as page:
            await step(page, "Site")
            await page.get_by_label("Name", exact=True).fill("Meadow Research")
            await press(page, "Save the site")
            await says(page, "in force after a restart")
            assert site.office.settings.site.name == "Meadow Research"

            await press(page, "Next: 2 Trunk →")
            await page.get_by_role("heading", name="Test call").wait_for()
            await press(page, "Another trunk")
            await page.wait_for_function("document.querySelector('#trunk-name').value === ''")
            for label, text in (
                ("Trunk name", "second"),
                ("Host", "198.51.100.77"),
                ("User name", "u"),
                ("Password", "pass word 7"),
            ):
                await page.get_by_label(label, exact=True).fill(text)
            await press(page, "Save the trunk")
            await page.get_by_role("button", name="Remove second").wait_for()
            trunk = site.office.settings.trunks[1]
            assert (trunk.host, trunk.password_file.read_text()) == ("198.51.100.77", "pass word 7\n")
            assert "pass word 7" not in await page.content()

            site.switch.trunk = ("unregistered", 408)
            await says(page, "carrier: nobody answers there: are host, port and transport right")
            await page.get_by_label("Number to call").fill("020 7946 0001")
            await press(page, "Make a test call")
            await says(page, "Test call over carrier")
            site.office.calls.tell("failed", "the number may never be dialled")
            await says(page, "the number may never be dialled")  # live

            await step(page, "Agents")
            await give(page, "File of agents (CSV)", "agents.csv", b"id,pin\n103,1\n")
            await press(page, "Import the agents")
            await says(page, "line 2, pin")
            await give(
                page,
                "File of agents (CSV)",
                "agents.csv",
                b"who,pin,mac,model,phone\n103,270418,001565000001,snom,p103\n",
            )
            await page.get_by_label("Column: id").select_option("who")
            await press(page, "Dry run")
            await says(page, "Would be added: 1")
            await press(page, "Import the agents")
            await page.get_by_role("button", name="Remove 103").wait_for()
            assert site.accounts.rows["103"][1] == "agent"

            await step(page, "Phones")
            async with page.expect_download() as coming:
                await press(page, "Download 103")
            file = await coming.value
            assert file.suggested_filename == "001565000001.xml"
            secret = site.office.settings.agents[2].phone_password_file.read_text().strip()
            assert secret in Path(await file.path()).read_text()
            assert secret not in await page.content()
            await press(page, "Let it fetch 103")
            await says(page, "may fetch it once, within 60 minutes")
            told = await page.locator(".address").inner_text()
            assert told.startswith(f"{url}provisioning/") and told.endswith("/001565000001.xml")

            await step(page, "Campaign")
            await page.get_by_label("From", exact=True).fill("10:30")
            await page.get_by_label("Fields that agents see").fill("city, region")
            await press(page, "Save the campaign")
            await says(page, "in force after a restart")
            campaign = site.office.settings.campaigns[0]
            assert (f"{campaign.opens:%H:%M}", campaign.visible_fields) == ("10:30", ("city", "region"))
            await step(page, "Leads")
            await says(page, "transport-2026: 60 leads, 40 still to be called.")
            await step(page, "Start")
            waiting = page.get_by_role("list", name="What waits for a restart")
            assert "Agent 103" in await waiting.get_by_role("listitem").all_inner_texts()
            assert await page.get_by_text("no never-dial list").count() == 0, "there is one"
            steps = [" ".join(text.split()) for text in await page.locator(".step").all_inner_texts()]
            assert steps[6:] == ["7 Campaign to do", "8 Leads done", "9 Start to do"]
            await press(page, "Restart now")
            await until(lambda: site.office.restarts == 1)
            assert [a for a in site.journal.actions("ada") if a in ("test call", "import agents", "restart")] == [
                "test call", "import agents", "restart",
            ]  # fmt: skip

    story(body)


def test_a_mistake_is_told_by_its_fields_label_and_the_keyboard_goes_on_where_it_was() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        async with admin_tab(browser, url) as page:
            focused = "document.activeElement.textContent.trim()"
            await step(page, "Trunk")
            for label, text, said in (
                ("Host", "sip: carrier", "not written: Host: must be an IP address or a host name"),
                ("Port", "70000", "not written: Port: must be less than or equal to 65535"),
                ("Caller id", "020 7946 0123", "not written: Caller id: must be in E.164 form"),
            ):
                before = await page.get_by_label(label, exact=True).input_value()
                await page.get_by_label(label, exact=True).fill(text)
                await page.keyboard.press("Enter")
                await says(page, said)
                await page.get_by_label(label, exact=True).fill(before)
            await page.get_by_role("button", name="Save the trunk").focus()
            await page.keyboard.press("Enter")
            await says(page, "Saved.")
            await page.wait_for_function(f"{focused} === 'Save the trunk'")
            await page.get_by_role("button", name="Next: 3 Never-dial list").focus()
            await page.keyboard.press("Enter")
            await page.wait_for_function(f"{focused} === '3 Never-dial list'")  # its heading: one reads on from there
            assert await page.evaluate("window.scrollY") == 0
            await step(page, "Campaign")
            await page.get_by_label("Campaign name").fill("my survey")
            await page.keyboard.press("Enter")
            await says(page, "Campaign name: must be letters and digits")

    story(body)


def test_a_file_without_agents_and_one_without_sound_are_said_to_be_so() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        async with admin_tab(browser, url) as page:
            await step(page, "Agents")
            await give(page, "File of agents (CSV)", "agents.csv", b"id,pin\n,\n")
            await press(page, "Import the agents")
            await says(page, "the file names no agent")
            await step(page, "Message")
            await give(page, "Sound file (WAV or FLAC)", "message.mp3", b"ID3\x03 no such sound")
            await press(page, "Use it as the information message")
            await says(page, "save it as WAV or FLAC, and upload it again")
            await says(page, "the file cannot be read as sound")

    story(body)


def test_a_message_is_recorded_in_the_browser() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        async with admin_tab(browser, url) as page:
            await step(page, "Message")
            await press(page, "Record it here")
            await says(page, "Recording")
            await page.wait_for_timeout(2000)  # Chromium's microphone beeps once a second
            await says(page, "2 of 60 s")
            await press(page, "Stop recording")
            await page.get_by_role("form", name="Uploaded file").wait_for()
            await press(page, "Listen to it")
            await press(page, "Stop listening")
            await page.get_by_role("button", name="Listen to it").wait_for()
            await press(page, "Use it as the information message")
            await until(lambda: any("prompt who_called" in record[2] for record in site.journal.records))
            await expect(page.locator(".admin-notice span")).not_to_have_text("recorded.wav is here.", timeout=60_000)
            notice = await page.locator(".admin-notice span").inner_text()
            # What a machine that stands still has recorded may be too quiet or short; then that is said in its figures.
            if "Kept" in notice:
                told = page.get_by_role("list", name="How the message sounds").get_by_role("listitem")
                kinds = [each.split(":")[0] for each in await told.all_inner_texts()]
                assert kinds == ["Length", "Loudness", "Loudest moment"]
                await picture(page, "admin-message-recorded")
                sound = site.office.settings.prompts["who_called"].read_bytes()
                assert struct.unpack_from("<HHI", sound, 20) == (1, 1, 8000)
            else:
                assert "message" in notice.lower(), notice

    story(body)


@pytest.mark.parametrize(
    ("speech", "peak", "words"),
    [
        (-36.0, -12.0, ("rather quiet", "nothing is cut off")),
        (-22.4, -4.0, ("Loudness: right", "nothing is cut off")),
        (-10.0, 0.0, ("rather loud", "may crackle")),
    ],
)
def test_how_a_message_sounds_is_said_in_words_with_its_figures(
    speech: float, peak: float, words: tuple[str, str]
) -> None:
    length, loudness, loudest = how_it_sounds(PromptReport("who_called", 8.2, speech, peak))
    assert length == "Length: 8.2 seconds."
    assert words[0] in loudness and f"{speech:.0f} dBov" in loudness
    assert words[1] in loudest and f"{peak:.0f} dBov" in loudest


def test_what_changes_the_site_waits_until_the_password_is_typed_again_and_an_ended_session_leaves() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        async with admin_tab(browser, url) as page:
            await step(page, "Site")
            for session in site.room.sessions._sessions.values():
                session.proved_at -= 3600
            await page.get_by_label("Name", exact=True).fill("Mine")
            await press(page, "Save the site")
            await says(page, "Is it still you?")
            await page.get_by_role("dialog").get_by_label("Password").fill("guess")
            await press(page, "Go on")
            await says(page, "Password or code is wrong")
            assert site.office.settings.site.name == "Lab site"
            await page.get_by_role("dialog").get_by_label("Password").fill(PASSWORD)
            await press(page, "Go on")
            await says(page, "in force after a restart")
            assert site.office.settings.site.name == "Mine"
            site.room.sessions.end_all()
            await page.wait_for_selector("#password")  # the log-in page

    story(body)


def test_scripts_in_any_text_of_the_site_are_nothing_but_text() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        draft = Draft.of(site.office.path)
        draft.change_table("site", {"name": INJECTION})
        draft.change_element("trunks", "name", "carrier", {"username": INJECTION})
        draft.change_element("campaigns", "name", "transport-2026", {"visible_fields": [INJECTION]})
        draft.write()
        async with admin_tab(browser, url) as page:
            await says(page, "<img src=x onerror")
            for name in STEPS:
                await step(page, name)
            await step(page, "Agents")
            bad = f'id,"{INJECTION.replace(chr(34), "")}"\n"{INJECTION.replace(chr(34), "")}",1\n'
            await give(page, "File of agents (CSV)", f"{INJECTION}.csv", bad.encode())
            await press(page, "Dry run")
            await says(page, "line 2")
            await step(page, "Never-dial list")
            await give(page, "File of numbers (CSV)", "x.csv", f"number\n{INJECTION}\n".encode())
            assert await page.evaluate("window.pwned") is None
            assert await page.locator(".admin img, .admin script").count() == 0

    story(body)


def test_every_step_is_readable_on_a_small_screen_and_breaks_no_rule_of_accessibility() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        for dark in (False, True):
            async with admin_tab(browser, url, dark=dark) as page:
                for name in STEPS:
                    await step(page, name)
                    found = await Axe().run(page, options=RULES)
                    assert found.violations_count == 0, (name, found.generate_report())
                    wide = await page.evaluate("document.documentElement.scrollWidth")
                    assert wide <= 1366, name
                    await picture(page, f"admin-{name.lower().replace(' ', '-')}-{'dark' if dark else 'light'}")
                # By keyboard alone: the first step is reached and opened.
                await page.locator(".step").first.focus()
                await page.keyboard.press("Enter")
                await page.wait_for_function("document.querySelector('.admin-title').textContent.includes('Site')")

    story(body)


def test_huge_and_hostile_files_are_refused_in_words_on_the_page_which_goes_on() -> None:
    laughs = 'a: &a ["lol"]\n' + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{f'*{chr(97 + n)},' * 9}]\n" for n in range(9)
    )
    many = b"id,pin\n" + b"".join(b"x%d,1\n" % n for n in range(60_000))
    wide = ",".join(f"column {n:x}" for n in range(3000)).encode() + b"\n1\n"

    async def body(site: Site, browser: Browser, url: str) -> None:
        before = site.office.path.read_bytes()
        async with admin_tab(browser, url) as page:
            await step(page, "Campaign")
            for name, content in (("laughs.yaml", laughs.encode()), ("deep.toml", b"a = " + b"[" * 100_000)):
                await page.get_by_label("Script of transport-2026").set_input_files(
                    {"name": name, "mimeType": "text/plain", "buffer": content}
                )
                await press(page, "Use this script")
                await page.locator(".admin-notice .is-bad").wait_for()
                await says(page, "the script cannot be used")
                await step(page, "Site")
                await step(page, "Campaign")
            await step(page, "Agents")
            for name, content in (
                ("wide.csv", wide),
                ("many.csv", many),
                ("line.csv", b'id,pin\n"' + b"y" * 3_000_000),
            ):
                await give(page, "File of agents (CSV)", name, content)
                await press(page, "Dry run")
                await page.locator(".admin-notice .is-bad").wait_for()
                assert await page.locator(".told li").count() <= 200
                await step(page, "Site")
                await step(page, "Agents")
            await page.get_by_role("button", name="Remove 101").wait_for()
        assert site.office.path.read_bytes() == before

    story(body)
