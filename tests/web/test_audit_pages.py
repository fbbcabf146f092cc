"""The pages of those who oversee, in a real browser: log, reviews, report, retention; hostile texts are texts."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from memory_people import PASSWORD
from playwright.async_api import Browser, Page, expect
from site_client import Site, served, until

from softswitch.dialler.detection import Truth
from softswitch.safeguards.auditor_views import CertificateView
from softswitch.survey.outcomes import QuotaCell
from tests.web.browser import CHROMIUM, MAGNIFIED, chromium, overseers_tab, picture

pytestmark = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium")

INJECTION = "<img src=x onerror=\"window.pwned=1\">{{constructor.constructor('window.pwned=1')()}}"
Story = Callable[[Site, Browser, str], Coroutine[Any, Any, None]]


def story(body: Story) -> None:
    async def run() -> None:
        site = Site(pages=True)
        async with served(site) as server, chromium() as browser:
            await body(site, browser, server.url)

    asyncio.run(run())


async def is_sound(page: Page, *words: str) -> None:
    """Nothing that was written ran, and nothing keeps anybody out."""
    for each in words:
        await page.get_by_text(each).first.wait_for()
    await page.locator(".q-dialog").first.wait_for(state="detached")
    assert await page.evaluate("window.pwned") is None
    assert await page.locator(".audit-main img").count() == 0
    assert [each["id"] for each in (await Axe().run(page)).response["violations"]] == []


def test_the_log_is_searched_by_its_address_and_paged_and_its_state_is_told() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        auditing = site.switch.auditing
        auditing.note(INJECTION[:60], "listen", INJECTION, INJECTION)
        for n in range(70):
            auditing.note("sue", "see", f"page {n}", "")
        auditing.troubles = (f"line 3: {INJECTION}",)
        async with overseers_tab(browser, url, "/", "otto", PASSWORD, dark=True) as page:
            assert page.url == f"{url}audit"
            await is_sound(page, "not as it was written", "line 3: <img")
            await picture(page, "audit-dark")
            assert await page.locator("tbody tr").count() == 50
            await page.get_by_role("link", name="Older").click()
            await page.wait_for_url("**before=**")
            await is_sound(page, "<img src=x")
            auditing.troubles = ()
            await page.get_by_role("button", name="Verify now").click()
            await page.get_by_text("unbroken").wait_for()
            await page.locator("input[name=subject]").fill("page 17")
            await page.get_by_role("button", name="Search").click()
            await page.wait_for_url("**subject=page+17**")
            await page.get_by_role("cell", name="page 17").wait_for()
            assert await page.locator("tbody tr").count() == 1
            await page.goto(f"{url}audit?since=tomorrow")
            await page.get_by_text("A time is written as").wait_for()

    story(body)


def test_no_long_digest_breaks_the_numbers_beside_it() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        site.switch.auditing.note("root", "start", f"configuration {'9f' * 32}", "release 0.1.0")
        async with overseers_tab(browser, url, "/", "otto", PASSWORD) as page:
            number = page.locator("tbody tr", has_text="9f9f").locator("td").last
            assert await number.inner_text() == "1"
            assert await number.evaluate("each => getComputedStyle(each).whiteSpace") == "nowrap"
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    story(body)


def test_reviews_are_judged_by_key_one_after_another_and_the_share_is_shown() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        site.switch.to_review = ["m1", "m2", "m3"]
        async with overseers_tab(browser, url, "/audit/reviews", "otto", PASSWORD) as page:
            await is_sound(page, "m1", "0.9 % to 7.1 %", "2.5 % (measured)")
            await picture(page, "reviews-light")
            assert await page.get_by_text("machine (beep)").count() == 0
            for key, gone in (("p", "m1"), ("m", "m2"), ("u", "m3")):
                await page.get_by_text(f"{gone}", exact=True).wait_for()
                await page.keyboard.press(key)
                await page.get_by_text(f"{gone}: ").wait_for()
            await page.get_by_text("Nothing waits for review").wait_for()
            assert site.switch.heard == [
                ("m1", Truth.PERSON, "otto"), ("m2", Truth.MACHINE, "otto"), ("m3", Truth.CANNOT_TELL, "otto"),
            ]  # fmt: skip
        async with overseers_tab(browser, url, "/audit/reviews", "sue", PASSWORD) as page:
            await page.get_by_text("Listening takes the auditor's role").wait_for()
            assert await page.get_by_role("button", name="Listen").count() == 0

    story(body)


def test_one_asks_for_a_hold_and_another_approves_it_on_the_page() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        auditing = site.switch.auditing
        auditing.held = ("c9",)
        auditing.certified = [CertificateView(1, datetime.now(UTC).isoformat(), "interviews", 3, INJECTION, INJECTION)]
        async with overseers_tab(browser, url, "/audit/retention", "otto", PASSWORD) as page:
            await page.get_by_role("button", name="Ask for a hold").click()
            await page.locator("input[name=calls]").fill("c1 c2")
            await page.locator("input[name=reason]").fill(INJECTION)
            await page.get_by_role("button", name="Ask", exact=True).click()
            await is_sound(page, "It waits for a second person", "Under a legal hold: c9", "all in order")
            await picture(page, "retention-light")
            assert await page.get_by_role("button", name="Approve").count() == 0, "not one's own"
        (asked,) = site.switch.asked_for.values()
        assert (asked.call_refs, asked.reason, asked.asked_by) == (("c1", "c2"), INJECTION, "otto")
        async with overseers_tab(browser, url, "/audit/retention", "ada", PASSWORD, dark=True) as page:
            await page.get_by_role("button", name="Approve legal hold asked for by otto").click()
            await until(lambda: site.switch.asked_for[asked.request_ref].approved_by == "ada", 60.0)
            await page.get_by_text("Approved.").wait_for()
            await expect(page.get_by_role("region", name="Requests")).to_be_focused()  # its button is gone
            await is_sound(page)
            await picture(page, "retention-dark")

    story(body)


def test_every_page_is_read_by_scrolling_one_way_at_twice_its_size() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        site.switch.auditing.note("softswitch", "start", "configuration " + 64 * "d", "")
        async with overseers_tab(browser, url, "/audit", "otto", PASSWORD) as page:
            await page.set_viewport_size(MAGNIFIED)
            for name in ("audit", "audit/recordings", "audit/reviews", "audit/compliance", "audit/outcomes",
                         "audit/retention"):  # fmt: skip
                await page.goto(url + name)
                await page.wait_for_selector(".audit-main")
                assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name

    story(body)


def test_a_days_report_is_read_and_taken_along() -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        site.switch.auditing.days.append(site.switch.auditing._day(INJECTION))
        async with overseers_tab(browser, url, "/audit/compliance?day=2027-03-10", "sue", PASSWORD, dark=True) as page:
            await is_sound(page, "All rules kept.", "2027-03-10, midnight to midnight")
            await picture(page, "compliance-dark")
            for kind, begins in (("PDF", b"%PDF-"), ("CSV", b"campaign,")):
                async with page.expect_download() as waiting:
                    await page.get_by_role("link", name=f"Download {kind}").click()
                download = await waiting.value
                assert Path(await download.path()).read_bytes().startswith(begins)
                assert download.suggested_filename == f"compliance-2027-03-10.{kind.lower()}"

    story(body)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_outcomes_are_read_by_campaign_and_period_and_taken_along(dark: bool) -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        site.switch.auditing.quotas += (QuotaCell(INJECTION, 5, 0, 0),)
        async with overseers_tab(browser, url, "/audit/outcomes", "sue", PASSWORD, dark=dark) as page:
            await is_sound(page, "100 cases, which are leads, tried or not", "40 of 98", "women under 35", "<img src=x")
            await picture(page, f"outcomes-{'dark' if dark else 'light'}")
            assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            await page.locator("input[name=since]").fill("2026-11-16")
            await page.get_by_role("button", name="Show").click()
            await page.wait_for_url("**since=2026-11-16**")
            await is_sound(page, "2026-11-16 to now: 84 cases, which are leads that were tried in it", "In the period")
            for kind, begins in (
                ("CSV", b"figure,value"),
                ("JSON", b'{"campaign":"transport-2026","since":"2026-11-16"'),
            ):
                async with page.expect_download() as waiting:
                    await page.get_by_role("link", name=f"Download {kind}").click()
                assert Path(await (await waiting.value).path()).read_bytes().startswith(begins)
            for wrong, told in (("e=2", "e is a share from 0 to 1"), ("campaign=x", "no such campaign")):
                await page.goto(f"{url}audit/outcomes?{wrong}")
                await page.get_by_text(told).wait_for()

    story(body)
