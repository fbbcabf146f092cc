"""A whole shift with three browsers at once: an agent with a headset in the browser, a supervisor, an auditor.

Their pictures are kept under build/pictures (SOFTSWITCH_TEST_PICTURES says where else).
"""

import asyncio
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import uvloop
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page

from softswitch.dialler.attempt import Disposition
from softswitch.recordings.keys import write_private_key
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.marker import AGENT_MARKERS_HZ
from softswitch.testing.phone import Phone, PhoneSettings
from softswitch.web.accounts import Role
from softswitch.web.passwords import Passwords
from tests.auditor import AUDITOR, listen
from tests.interop.site import CAMPAIGN, address_of
from tests.scenarios.conftest import Floor, floor
from tests.scenarios.test_interview import PIN, with_script
from tests.web.browser import CHROMIUM, agent_tab, chromium, overseers_tab, tab

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium"),
    pytest.mark.timeout(900),
]

A = "+442079460101"
CALLEE_HZ, SUE_HZ = 2900, AGENT_MARKERS_HZ[3]
PASSWORD = "correct horse battery"
PHONE = "phone-secret-sue"
PICTURES = Path(__file__).parents[2] / "build" / "pictures"
SUPERVISOR = (
    '[[campaigns]] -> [[supervisors]]\\nid = "sue"\\nphone_username = "psue"\\n'
    f'phone_password = "{PHONE}"\\n[[campaigns]]'
)


async def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=str(PICTURES / f"shift-{name}.png"))


async def hire(site: Floor) -> Phone:
    """Sue supervises and has a phone, Otto audits."""
    passwords = Passwords()
    hashed = await passwords.hash(PASSWORD)
    passwords.close()
    for name, role in (("sue", Role.SUPERVISOR), ("otto", Role.AUDITOR)):
        await site.switch.site.store.add_account(name, hashed, role)
    settings = PhoneSettings("sue", "psue", PHONE, marker_hz=SUE_HZ, voice=2)
    phone = site.phones["sue"] = await Phone.start(address_of(site.switch), settings)
    await site.until(phone.registered.is_set, "her phone is registered")
    return phone


async def play_back(auditor: Page, call_ref: str, key: Path) -> None:
    """The auditor says why, gives the own key, and hears what was said."""
    await auditor.get_by_role("button", name=f"Listen to call {call_ref}").click()
    await auditor.locator("input[name=reason]").fill("complaint 17")
    await auditor.get_by_role("button", name="Listen", exact=True).click()
    await auditor.get_by_text("Choose your private key to listen").wait_for()
    await auditor.locator("input[type=file]").set_input_files(key)
    await auditor.get_by_role("slider", name="Position").wait_for()
    assert await auditor.locator(".player-trouble").count() == 0
    await auditor.get_by_role("button", name="Play", exact=True).click()
    await auditor.wait_for_function("document.querySelector('audio').currentTime > 1")
    await picture(auditor, "auditor")
    await auditor.get_by_role("button", name="Done").click()


def test_a_shift_of_an_agent_a_supervisor_and_an_auditor_each_in_a_browser(tmp_path: Path) -> None:
    plan = {A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=600.0, marker_hz=CALLEE_HZ, seed=3)}
    changes = f"{with_script(tmp_path)}\n{SUPERVISOR}"
    write_private_key(tmp_path / "auditor.key", AUDITOR)

    async def scenario() -> None:
        async with floor(tmp_path, plan, changes=changes) as site, chromium() as browser:
            phone, url = await hire(site), site.switch.web_url
            async with (
                agent_tab(browser, url, "1001", PIN) as first,
                tab(browser, url, "sue", PASSWORD, shows=".column-wide") as supervisor,
                overseers_tab(browser, url, "/audit/recordings", "otto", PASSWORD) as auditor,
            ):
                agent = first
                agent.set_default_timeout(120_000)
                # The agent's headset is tested before anything comes.
                await agent.get_by_role("button", name="Use this browser").click()
                await agent.get_by_text("We hear you.").wait_for()
                await agent.get_by_role("button", name="Play the tone").click()
                await agent.get_by_label("I hear it").check()
                await picture(agent, "agent-headset")
                await agent.get_by_role("button", name="Begin the shift").click()
                await agent.get_by_text("Waiting for the next call").wait_for()

                # The supervisor is there, starts the campaign, and listens to the call that comes.
                await supervisor.get_by_role("button", name=f"Start {CAMPAIGN}").click()
                await agent.get_by_text("this is a recorded call").wait_for()
                (call_ref,) = site.calls("in call")
                await picture(agent, "agent-in-call")
                await supervisor.get_by_role("button", name="Listen to agent 1001").click()
                await site.until(lambda: phone.conversations, "her phone rings and she picks up")
                (conversation,) = phone.conversations.values()
                await site.until(lambda: CALLEE_HZ in conversation.ear.present, "she hears the callee")
                await picture(supervisor, "supervisor-listens")

                # She whispers. (Who hears that is told by tones in test_supervision.)
                await supervisor.get_by_role("button", name="Whisper to agent 1001").click()
                await site.until(lambda: site.switch.desk.supervision()[0].mode == "whisper", "she whispers")
                await picture(supervisor, "supervisor-whispers")

                # The agent goes on with the script meanwhile.
                await agent.locator(".script-foot button[type=submit]:not([disabled])").click()
                await agent.get_by_text("May I ask?").first.wait_for()

                # The agent's page is loaded anew: the callee waits, and the interview goes on at its node.
                before = site.switch.site.agents.talk_of("1001").line
                agent.on("dialog", lambda dialog: dialog.accept())
                await agent.reload()
                await agent.get_by_text("May I ask?").first.wait_for()
                lines = site.switch.site.agents
                await site.until(lambda: lines.talk_of("1001").line not in (None, before), "the headset is back")
                await site.until(lambda: CALLEE_HZ in conversation.ear.present, "she hears the callee again")
                assert site.calls("in call") == [call_ref]

                # The agent's tab is killed, which says no goodbye, and opened again in the same browser.
                before = lines.talk_of("1001").line
                killer = await agent.context.new_cdp_session(agent)
                with suppress(PlaywrightError, TimeoutError):  # nobody is left to answer
                    await asyncio.wait_for(killer.send("Page.crash"), 1.0)
                await site.until(lambda: lines.is_away("1001"), "the agent is missed")
                agent = await agent.context.new_page()
                await agent.goto(f"{url}agent")
                await site.until(lambda: lines.talk_of("1001").line not in (None, before), "the headset is back")
                await site.until(lambda: CALLEE_HZ in conversation.ear.present, "she hears the callee again")
                await agent.get_by_text("May I ask?").first.wait_for()
                assert site.calls("in call") == [call_ref]

                # She stops the call; the agent says what came of it.
                await supervisor.get_by_role("button", name="End the call of agent 1001").click()
                await agent.get_by_role("heading", name="What came of it").wait_for()
                await picture(agent, "agent-wrap-up")
                await agent.get_by_text("Choose, or finish the script").wait_for()
                await agent.get_by_role("button", name="Broken off").click()
                await agent.get_by_text("Waiting for the next call").wait_for()
                await site.until(lambda: not site.calls(), "nobody talks")
                async with asyncio.timeout(180):
                    while [each.disposition for each in await site.ended()] != [Disposition.BREAK_OFF]:
                        await asyncio.sleep(0.05)

                # The auditor plays it back with a key that only the auditor has.
                await auditor.reload()
                await play_back(auditor, call_ref, tmp_path / "auditor.key")
                for page in (agent, supervisor, auditor):
                    assert A[-7:] not in await page.content()
            await site.switch.site.audit.drain()

    uvloop.run(scenario())
    (sealed,) = (tmp_path / "data" / "recordings").rglob("*.ssr")
    assert np.abs(listen(sealed).samples).max(axis=0).min() > 300  # Chromium's microphone beeps, the callee speaks
    told = (tmp_path / "data" / "audit.log").read_text().splitlines()
    for who, what in (
        ("sue", "start"),
        ("sue", "listen"),
        ("sue", "whisper"),
        ("sue", "hang up"),
        ("otto", "complaint"),
    ):
        assert any(f'"{who}"' in line and what in line for line in told), what
