"""An agent leads interviews over real calls: on the page of a real browser, and through the death of the switch."""

import asyncio
import csv
import json
from pathlib import Path

import httpx
import pytest
import uvloop
from playwright.async_api import expect
from typer.testing import CliRunner

from softswitch.commands.survey import survey_app
from softswitch.dialler.attempt import Disposition
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.phone import Phone, PhoneSettings
from tests.interop.site import CAMPAIGN, PASSWORDS, address_of
from tests.scenarios.conftest import Floor, floor
from tests.scenarios.scene import Scene, scene
from tests.survey.small_script import changed
from tests.web.browser import CHROMIUM, agent_tab, chromium, picture

A, B = "+442079460101", "+442079460102"
PIN = "482915"
SCRIPT = changed(
    ('kind = "statement"', 'kind = "statement"\nminimum_s = 0.2'), ('"May I ask?"', '"May I ask?"\nminimum_s = 0.2')
)
WITH_SCRIPT = (
    f'phone_username = "1001" -> pin = "{PIN}"\\nphone_username = "1001"\n'
    "wrap_up_s = 1 -> wrap_up_s = 30\n"
    'leads = "leads.csv" -> leads = "leads.csv"\\nscript = "script.toml"\\nvisible_fields = ["first_name"]'
)


def with_script(folder: Path) -> str:
    (folder / "script.toml").write_text(SCRIPT)
    return WITH_SCRIPT


async def interview_done(site: Floor) -> None:
    await site.until(lambda: not site.calls("in call"), "the call is over")


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium")
def test_an_agent_works_through_an_interview_on_the_page_and_it_stands_in_the_records(tmp_path: Path) -> None:
    plan = {A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=120.0, seed=3)}

    async def scenario() -> None:
        async with floor(tmp_path, plan, changes=with_script(tmp_path)) as site, chromium() as browser:
            await site.log_in("1001")
            async with agent_tab(browser, site.switch.web_url, "1001", PIN) as page:
                await page.get_by_text("Waiting for the next call").wait_for()
                await site.start()
                await page.get_by_text("this is a recorded call").wait_for()
                (call_ref,) = site.calls("in call")
                assert call_ref in await page.content()
                assert A[-7:] not in await page.content()
                await picture(page, "scenario-in-call")

                async def answer(*keys: str, then: str) -> None:
                    for key in keys:
                        await page.keyboard.press(key)
                    await page.locator(".script-foot button[type=submit]:not([disabled])").wait_for()
                    await page.keyboard.press("Enter")
                    await page.get_by_text(then).first.wait_for()

                await answer(then="May I ask?")
                await answer("1", then="How old are you?")
                await page.reload()
                await page.get_by_text("How old are you?").wait_for()
                await answer("4", "1", then="Which pets have you?")
                (figures,) = site.switch.desk.interviews()
                assert (figures.agent, figures.node, figures.answers) == ("1001", "pets", 2)
                await answer("1", then="Why?")
                await page.locator("textarea").fill("ring me on 020 7946 0101")
                await page.keyboard.press("Enter")
                await page.get_by_text("looks like a telephone number").wait_for()
                await page.locator("textarea").fill("Company")
                await page.keyboard.press("Enter")
                await page.get_by_text("Thank you.").wait_for()
                await page.keyboard.press("Enter")
                await page.get_by_role("button", name="End the call").click()
                await page.get_by_text("What came of it").wait_for()
                await page.get_by_text("Noted: Completed").wait_for()
                await page.get_by_role("button", name="Ready for the next call").click()
                await site.until(lambda: site.state("1001") == "ready", "the agent is ready again")
            (attempt,) = await site.ended()
            assert attempt.disposition == Disposition.COMPLETED
            (kept,) = [each async for each in site.switch.site.store.interviews_of(CAMPAIGN)]
            assert (kept.call_ref, kept.ending, kept.agent) == (call_ref, "complete", "1001")
            assert kept.answers == {"consent": "yes", "age": 41, "pets": ["dog"], "why": "Company"}

    uvloop.run(scenario())
    said = CliRunner().invoke(survey_app, ["export", str(tmp_path / "site.toml"), str(tmp_path / "answers.csv")])
    assert said.exit_code == 0, said.output
    (row,) = csv.DictReader((tmp_path / "answers.csv").open())
    assert (row["age"], row["pets"], row["ending"]) == ("41", "dog", "complete")
    assert "7946" not in json.dumps(row)


def test_a_killed_switch_goes_on_with_the_interview_at_the_same_node(tmp_path: Path) -> None:
    # The second is there for where this machine keeps the first waiting for longer than the law allows.
    plan = {number: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=600.0, seed=3) for number in (A, B)}

    async def scenario() -> None:
        async with (
            scene(tmp_path, plan, "1001", changes=with_script(tmp_path)) as live,
            httpx.AsyncClient(auth=httpx.BasicAuth("1001", PIN), timeout=30.0) as client,
        ):
            before = await begun(live, client)
            for node, answer in (("hello", None), ("consent", "yes"), ("age", 41)):
                await asyncio.sleep(0.3)
                told = {"node": node, "answer": answer}
                answered = await client.post(f"{live.web}/api/agents/1001/interview/answer", json=told)
                assert answered.status_code == 200, answered.text
            assert answered.json()["node"] == "pets"
            await live.command.kill()
            await live.command.run()
            await live.command.ready()
            after = await begun(live, client)
            assert (after["call_ref"], after["node"]) == (before["call_ref"], "pets")
            back = await client.post(f"{live.web}/api/agents/1001/interview/back")
            assert (back.json()["node"], back.json()["answer"]) == ("age", 41)

    uvloop.run(scenario())


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium")
def test_whose_switch_is_killed_in_a_call_types_the_pin_while_the_callee_listens_and_goes_on(tmp_path: Path) -> None:
    plan = {number: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=600.0, seed=3) for number in (A, B)}
    agents = f'[[campaigns]] -> [[agents]]\\nid = "1001"\\npin = "{PIN}"\\n[[campaigns]]'
    script = "\n".join(line for line in with_script(tmp_path).splitlines() if not line.startswith("phone_username"))

    async def scenario() -> None:
        async with (
            scene(tmp_path, plan, changes=f"{agents}\n{script}") as live,
            chromium() as browser,
            agent_tab(browser, f"{live.web}/", "1001", PIN) as page,
        ):
            await page.get_by_role("button", name="Use this browser").click()
            await page.get_by_text("We hear you.").wait_for()
            await page.get_by_role("button", name="Play the tone").click()
            await page.get_by_label("I hear it").check()
            await page.get_by_role("button", name="Begin the shift").click()
            await page.get_by_text("this is a recorded call").wait_for()
            call_ref = await page.locator(".call-name").inner_text()
            await page.locator(".script-foot button[type=submit]:not([disabled])").click()
            await page.get_by_text("May I ask?").first.wait_for()
            await live.command.kill()
            await live.command.run()
            await live.command.ready()
            sheet = page.get_by_role("dialog", name="Log in again")
            await sheet.wait_for()
            await picture(page, "scenario-log-in-again")
            assert await page.evaluate("headsetLine.connectionState") == "connected"
            pin = sheet.get_by_label("PIN")
            await expect(pin).to_be_focused()
            await page.keyboard.type("000000")
            await page.keyboard.press("Enter")
            await sheet.get_by_text("This is not your PIN.").wait_for()
            await page.keyboard.type(PIN)
            await page.keyboard.press("Enter")
            await sheet.wait_for(state="hidden")
            await page.get_by_text("May I ask?").first.wait_for()
            assert await page.locator(".call-name").inner_text() == call_ref
            await page.wait_for_function("window.headsetLine?.connectionState === 'connected'")
            async with httpx.AsyncClient(auth=httpx.BasicAuth("1001", PIN), timeout=30.0) as client:
                for _ in range(200):
                    told = (await client.get(f"{live.web}/api/agents/1001/page")).json()
                    if told["is_line_up"] and not told["is_away"]:
                        break
                    await asyncio.sleep(0.05)
            assert (told["state"], told["call_ref"], told["is_away"]) == ("in call", call_ref, False)

    uvloop.run(scenario())


def test_while_the_headset_must_be_tested_the_agent_is_told_how_loud_the_phone_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with floor(tmp_path, {A: CalleePlan(Kind.PERSON)}) as site:
            desk = site.switch.desk
            desk.agent_page_opened("1001")
            assert desk.agent_page("1001").voice_dbov is None
            phone = site.phones["1001"] = await Phone.start(
                address_of(site.switch), PhoneSettings("1001", "1001", PASSWORDS["1001"])
            )
            await site.until(phone.registered.is_set, "the phone is registered")
            await phone.dial("login")
            await site.until(lambda: site.state("1001") == "paused", "the test is asked for")
            await site.until(lambda: (desk.agent_page("1001").voice_dbov or -127.0) > -40.0, "the agent speaks")
            await desk.play_test_tone("1001")
            await desk.pass_headset_test("1001")
            await site.until(lambda: site.state("1001") == "ready", "the shift begins")
            await site.until(lambda: desk.agent_page("1001").voice_dbov is None, "nobody listens any more")

    uvloop.run(scenario())


async def begun(live: Scene, client: httpx.AsyncClient) -> dict[str, object]:
    """The agent's interview, as soon as there is one."""
    for _ in range(1800):
        response = await client.get(f"{live.web}/api/agents/1001/interview")
        if response.status_code == 200 and response.json() is not None:
            return dict(response.json())
        await asyncio.sleep(0.1)
    raise AssertionError("there is no interview")
