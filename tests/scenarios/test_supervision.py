"""A supervisor's telephone through the whole switch: who is heard where, told by tones; and how fast a mute is."""

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest
import uvloop

from softswitch.errors import UsageError
from softswitch.exchange.audit.start import person
from softswitch.safeguards.audit import SWITCH, AuditRecord
from softswitch.safeguards.supervision_views import ConversationView
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.marker import AGENT_MARKERS_HZ
from softswitch.testing.phone import Phone, PhoneSettings
from softswitch.testing.station import Conversation
from softswitch.web.passwords import ADMINISTRATOR
from tests.audit_chain import first_broken
from tests.interop.site import address_of
from tests.scenarios.conftest import Floor, floor

A, B = "+442079460101", "+442079460102"
AGENT_HZ, SUE_HZ = AGENT_MARKERS_HZ[0], AGENT_MARKERS_HZ[3]
FIRST_HZ, SECOND_HZ = 2900, 3100
PASSWORD = "phone-secret-sue"
SUPERVISORS = (
    '[[campaigns]] -> [[supervisors]]\\nid = "sue"\\nphone_username = "psue"\\n'
    f'phone_password = "{PASSWORD}"\\n[[campaigns]]'
)
MOST_PACKETS_AFTER_MUTE = 2
"""40 ms."""


def plan() -> dict[str, CalleePlan]:
    return {
        A: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=60.0, marker_hz=FIRST_HZ, seed=3),
        B: CalleePlan(Kind.PERSON, ring_s=0.3, talk_s=60.0, marker_hz=SECOND_HZ, seed=4),
    }


async def phone_of_sue(site: Floor) -> Phone:
    settings = PhoneSettings("sue", "psue", PASSWORD, marker_hz=SUE_HZ, voice=2)
    phone = site.phones["sue"] = await Phone.start(address_of(site.switch), settings)
    await asyncio.wait_for(phone.registered.wait(), 120)
    return phone


def call_of(phone: Phone) -> Conversation:
    (conversation,) = phone.conversations.values()
    return conversation


def callee_of(site: Floor) -> Conversation:
    conversation = site.trunk.calls[-1].conversation
    assert conversation is not None
    return conversation


async def talking(site: Floor) -> str:
    await site.until(lambda: site.calls("in call"), "agent and callee talk")
    (call_ref,) = site.calls("in call")
    return call_ref


def arrivals_at(conversation: Conversation) -> list[float]:
    """When packets arrive there, from now on."""
    arrived: list[float] = []
    assert conversation.end is not None
    conversation.end._received = lambda data, source: arrived.append(time.monotonic())
    return arrived


def test_a_supervisor_listens_whispers_barges_in_follows_and_leaves(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with floor(tmp_path, plan(), changes=SUPERVISORS) as site:
            desk = site.switch.desk
            sue = await phone_of_sue(site)
            await site.log_in("1001")
            await site.start()
            first_ref = await talking(site)
            agent, callee = call_of(site.phones["1001"]).ear, callee_of(site).ear

            await desk.supervise("1001", "listen", "sue")
            await site.until(lambda: sue.conversations, "her phone rings and she picks up")
            ear = call_of(sue).ear
            await site.until(lambda: {AGENT_HZ, FIRST_HZ} <= ear.present, "she hears both")
            assert SUE_HZ not in agent.heard | callee.heard | ear.heard

            await desk.supervise("1001", "whisper", "sue")
            await site.until(lambda: SUE_HZ in agent.present, "the agent hears her")
            await desk.supervise("1001", "barge", "sue")
            assert SUE_HZ not in callee.heard
            await site.until(lambda: SUE_HZ in callee.present, "the callee hears her")
            await desk.supervise("1001", "listen", "sue")
            await site.until(lambda: SUE_HZ not in agent.present | callee.present, "she is heard no more")
            assert {AGENT_HZ, FIRST_HZ} <= ear.present

            await desk.supervise("1001", "barge", "sue")
            await site.until(lambda: SUE_HZ in callee.present, "the callee hears her again")
            await desk.hang_up(first_ref)
            await site.until(lambda: len(site.trunk.calls) == 2, "the next callee is called")
            second_ref = await talking(site)
            assert second_ref != first_ref
            await site.until(lambda: {AGENT_HZ, SECOND_HZ} <= ear.present, "she hears the next callee")
            (view,) = desk.supervision()
            assert (view.mode, view.state, view.call_ref) == ("listen", "on", second_ref)
            await desk.supervise("1001", "whisper", "sue")
            await site.until(lambda: SUE_HZ in agent.present, "the agent hears her")
            assert SUE_HZ not in callee_of(site).ear.heard

            await desk.end_supervision("sue")
            await site.until(lambda: not sue.conversations, "her phone is hung up")
            await site.until(lambda: SUE_HZ not in agent.present, "she is heard no more")
            assert desk.supervision() == ()
            assert site.calls("in call") == [second_ref]
            assert len(sue.journal.of("ringing")) == 1  # one call for all of it
            shown = json.dumps(sue.journal.of("ringing"))
            assert not any(secret in shown for secret in (A[-7:], B[-7:], first_ref, second_ref))
            await site.switch.site.audit.drain()
        lines = (tmp_path / "data" / "audit.log").read_text().splitlines()
        records = [AuditRecord.from_line(line) for line in lines]
        assert first_broken(records) is None
        assert {record.actor for record in records} == {person(), SWITCH, "sue"}
        hers = [record for record in records if record.actor == "sue"]
        with_first, with_second = (f"agent 1001, call {ref}" for ref in (first_ref, second_ref))
        assert [(record.action, record.subject) for record in hers] == [
            ("listen", with_first), ("whisper", with_first), ("barge", with_first), ("listen", with_first),
            ("barge", with_first), ("listen", "agent 1001, between calls"), ("listen", with_second),
            ("whisper", with_second), ("leave", with_second),
        ]  # fmt: skip

    uvloop.run(scenario())


def test_while_a_supervisors_phone_is_tested_its_level_is_told_and_no_longer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with floor(tmp_path, plan(), changes=SUPERVISORS) as site:
            desk = site.switch.desk
            await phone_of_sue(site)
            assert desk.supervisor_audio("sue").voice_dbov is None
            await desk.play_supervisor_tone("sue")
            with pytest.raises(UsageError, match="do not hear you"):  # nobody was heard, whatever a page says
                await desk.pass_supervisor_test("sue")
            await site.until(lambda: desk.supervisor_audio("sue").is_heard, "she is heard")
            assert (desk.supervisor_audio("sue").voice_dbov or -127.0) > -60.0
            assert not desk.supervisor_audio("sue").can_listen
            await desk.pass_supervisor_test("sue")
            assert desk.supervisor_audio("sue").can_listen
            await site.until(lambda: desk.supervisor_audio("sue").voice_dbov is None, "nobody measures any more")

    uvloop.run(scenario())


def test_a_supervisors_phone_dials_nothing_and_an_agent_who_logs_off_ends_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with floor(tmp_path, {A: CalleePlan(Kind.BUSY)}, changes=SUPERVISORS) as site:
            desk = site.switch.desk
            sue = await phone_of_sue(site)
            for number in ("login", A, "1001"):
                await sue.dial(number)
                await site.until(lambda: not sue.conversations, f"{number} is refused")
            assert [entry["status"] for entry in sue.journal.of("ended")] == [403, 403, 403]
            await site.log_in("1001")
            await desk.supervise("1001", "listen", "sue")
            await site.until(lambda: desk.supervision()[0].state == "on", "she listens")
            site.phones["1001"].hang_up()
            await site.until(lambda: desk.supervision()[0].state == "ended", "it ends")
            assert desk.supervision()[0].reason == "agent 1001 has logged off"
            await site.until(lambda: not sue.conversations, "her phone is hung up")

    uvloop.run(scenario())


def test_an_agent_is_mute_within_two_packets_and_the_callee_is_still_heard(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with floor(tmp_path, plan(), changes=SUPERVISORS) as site:
            desk = site.switch.desk
            await phone_of_sue(site)
            await site.log_in("1001")
            await site.start()
            await talking(site)
            arrived = arrivals_at(callee_of(site))
            at_agent = arrivals_at(call_of(site.phones["1001"]))
            await site.until(lambda: len(arrived) > 50, "the callee hears the agent")
            for _ in range(3):
                await asyncio.sleep(0.01)  # what is on its way is read
                before = len(arrived)
                await desk.mute_agent("1001", True, "sue")
                await asyncio.sleep(0.5)
                assert len(arrived) - before <= MOST_PACKETS_AFTER_MUTE
                assert desk.wallboard().muted_agents == ("1001",)
                muted, heard = len(arrived), len(at_agent)
                await asyncio.sleep(0.2)
                assert len(arrived) == muted
                assert len(at_agent) > heard
                await desk.mute_agent("1001", False, "sue")
                await site.until(lambda muted=muted: len(arrived) > muted + 10, "the agent is heard again")

            async with httpx.AsyncClient(base_url=site.switch.web_url) as client:
                ours = {"sec-fetch-site": "same-origin"}
                login = {"name": ADMINISTRATOR, "password": site.switch.first_password}
                assert (await client.post("/login", data=login, headers=ours)).status_code == 303
                begun = time.monotonic()
                response = await client.post("/api/agents/1001/mute", headers=ours)
                answered = len(arrived)
                assert response.status_code == 204
                await asyncio.sleep(0.5)
                assert len(arrived) - answered <= MOST_PACKETS_AFTER_MUTE
                print(f"last packet {1000 * (arrived[-1] - begun):.1f} ms after the request")

    uvloop.run(scenario())


def test_a_supervisor_takes_a_call_over_and_gives_it_back_and_the_recording_has_all_of_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with floor(tmp_path, plan(), changes=SUPERVISORS) as site:
            desk = site.switch.desk
            sue = await phone_of_sue(site)
            await site.log_in("1001")
            await site.start()
            call_ref = await talking(site)
            agent, callee = call_of(site.phones["1001"]).ear, callee_of(site).ear
            await site.until(lambda: AGENT_HZ in callee.present and FIRST_HZ in agent.present, "they hear each other")
            await site.until(lambda: board_talk(site).callee_dbov > -60.0, "the wallboard sees the callee's level")
            await site.until(lambda: board_talk(site).agent_dbov > -60.0, "and the agent's")

            await desk.supervise("1001", "take_over", "sue", "the agent reads out a number")
            await site.until(lambda: sue.conversations, "her phone rings and she picks up")
            ear = call_of(sue).ear
            await site.until(lambda: FIRST_HZ in ear.present and SUE_HZ in callee.present, "she talks to the callee")
            await site.until(lambda: AGENT_HZ not in callee.present, "the agent is not heard any more")
            await site.until(lambda: FIRST_HZ not in agent.present, "and hears nobody")
            assert board_talk(site).taken_by == "sue"
            assert not agent.present & {SUE_HZ, FIRST_HZ}

            await desk.supervise("1001", "listen", "sue")
            await site.until(lambda: AGENT_HZ in callee.present and FIRST_HZ in agent.present, "they talk again")
            await site.until(lambda: SUE_HZ not in callee.present, "she is heard no more")

            await desk.supervise("1001", "take_over", "sue")
            await site.until(lambda: SUE_HZ in callee.present, "she talks to the callee again")
            await desk.end_supervision("sue")
            (attempt,) = (each for each in await site.ended(1) if each.call_ref == call_ref)
            await site.until(lambda: not sue.conversations, "her phone is hung up")
            assert attempt.recording == f"{call_ref}.ssr"
            assert site.state("1001") in ("wrap-up", "ready", "reserved", "in call")
            await site.switch.site.audit.drain()
        records = [AuditRecord.from_line(line) for line in (tmp_path / "data" / "audit.log").read_text().splitlines()]
        hers = [(each.action, each.reason) for each in records if each.actor == "sue"]
        assert hers == [
            ("take_over", "the agent reads out a number"), ("listen", "asked for"), ("take_over", "asked for"),
            ("leave", "asked for"),
        ]  # fmt: skip

    uvloop.run(scenario())


def board_talk(site: Floor) -> ConversationView:
    (talk,) = site.switch.desk.wallboard().conversations
    return talk
