"""The message on the machine: when it begins, for whom it never does, and what the call comes to."""

import json
from dataclasses import replace

import pytest

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import AmdMode, Purpose
from softswitch.dialler.events import ConnectAgent, HangUp, Listen, PlayMessage
from softswitch.dialler.lead import LeadState
from softswitch.dialler.rules import UNITED_KINGDOM, faults
from tests.dialler.desk import CAMPAIGN, Desk, lead

ALLOWED = {"amd": AmdMode.PARALLEL, "voicemail_message": "we-called", "voicemail_allowed": True}


def machine(open_desk, *, of=None, **campaign) -> tuple[Desk, str]:
    """A machine's greeting has been told; the agent is free."""
    desk = open_desk(of or lead(1), **(ALLOWED | campaign))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.answer(call)
    desk.hear(call)
    desk.pass_time(3)
    desk.machine(call)
    return desk, call


def left(desk: Desk, call: str) -> list[PlayMessage]:
    return [event for event in desk.of(PlayMessage) if event == PlayMessage(call, "we-called")]


def beep(desk: Desk, call: str) -> None:
    """The machine's beep, and the moment after it."""
    desk.dialler.receive_beep(call, desk.now)
    desk.settle()
    desk.pass_time(0.3)


def play_out(desk: Desk, call: str) -> None:
    desk.dialler.receive_message_started(call, desk.now, desk.now, "we-called")
    desk.pass_time(8)
    desk.dialler.receive_message_ended(call, desk.now, "we-called")
    desk.settle()


def test_the_message_waits_for_the_beep_and_the_agent_does_not(open_desk) -> None:
    desk, call = machine(open_desk)
    assert desk.of(Listen) == [Listen(call)]
    assert desk.dialler.board.state_of("ada") is AgentState.READY
    desk.pass_time(6)
    assert not left(desk, call) and not desk.of(HangUp)
    beep(desk, call)
    assert left(desk, call)
    play_out(desk, call)
    assert desk.of(HangUp) == [HangUp(call, "voicemail-left")]
    desk.end(call, by_callee=False)
    attempt = desk.last_attempt()
    assert (attempt.disposition, attempt.amd_acted, attempt.abandoned) == (Disposition.VOICEMAIL, True, False)
    assert attempt.voicemail_at is not None
    assert desk.dialler.day(desk.now).machines == 1
    assert desk.last_lead().state is LeadState.WAITING
    assert (desk.last_lead().not_before - desk.wall).total_seconds() >= 24 * 3600 - 60


def test_the_end_of_the_greeting_does_where_no_beep_comes(open_desk) -> None:
    desk, call = machine(open_desk)
    desk.dialler.receive_greeting_ended(call, desk.now)
    desk.settle()
    assert len(left(desk, call)) == 1
    desk.dialler.receive_greeting_ended(call, desk.now)
    desk.settle()
    assert len(left(desk, call)) == 1


def test_a_beep_that_comes_after_all_begins_the_message_anew_and_once(open_desk) -> None:
    desk, call = machine(open_desk)
    desk.dialler.receive_greeting_ended(call, desk.now)
    desk.settle()
    desk.dialler.receive_message_started(call, desk.now, desk.now, "we-called")
    desk.pass_time(1)
    assert desk.of(Listen) == [Listen(call)]
    for _ in range(3):
        beep(desk, call)
    assert len(left(desk, call)) == 2
    assert desk.of(Listen) == [Listen(call)] * 2, "the one that was begun is stopped at once"
    desk.pass_time(0.1)
    desk.dialler.receive_message_started(call, desk.now, desk.now, "we-called")
    desk.settle()
    assert desk.dialler.attempt(call).voicemail_at == desk.wall, "the first sample of what the machine keeps"


def test_a_machine_that_is_told_by_its_beep_gets_the_message_once_that_is_over(open_desk) -> None:
    desk = open_desk(lead(1), **ALLOWED)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.hear(call)
    desk.pass_time(4)
    desk.machine(call, Cause.BEEP)
    desk.dialler.receive_beep(call, desk.now)
    desk.settle()
    desk.pass_time(0.2)
    assert not left(desk, call)
    desk.machine(call, Cause.BEEP)
    desk.pass_time(0.1)
    assert len(left(desk, call)) == 1


def test_a_machine_that_never_falls_silent_is_hung_up_on_at_the_limit(open_desk) -> None:
    desk, call = machine(open_desk, voicemail_wait_s=20.0)
    desk.pass_time(19.9)
    assert not desk.of(HangUp)
    desk.pass_time(0.2)
    assert desk.of(HangUp) == [HangUp(call, "machine")]
    desk.end(call, by_callee=False)
    assert desk.last_attempt().disposition == Disposition.MACHINE
    assert not left(desk, call)


def test_a_message_that_was_cut_short_was_not_left(open_desk) -> None:
    desk, call = machine(open_desk)
    beep(desk, call)
    desk.dialler.receive_message_started(call, desk.now, desk.now, "we-called")
    desk.pass_time(2)
    desk.end(call)
    assert desk.last_attempt().disposition == Disposition.MACHINE


def test_the_end_of_another_clip_does_not_end_the_message(open_desk) -> None:
    desk, call = machine(open_desk)
    beep(desk, call)
    for clip in ("tone:silence", "recorded-for-quality"):
        desk.dialler.receive_message_started(call, desk.now, desk.now, clip)
        desk.dialler.receive_message_ended(call, desk.now, clip)
    desk.settle()
    assert not desk.of(HangUp)
    assert desk.dialler.attempt(call).voicemail_at is None


def test_a_person_who_comes_to_the_telephone_during_the_message_gets_an_agent(open_desk) -> None:
    desk, call = machine(open_desk)
    beep(desk, call)
    desk.dialler.receive_message_started(call, desk.now, desk.now, "we-called")
    desk.pass_time(2)
    desk.dialler.receive_verdict(call, Verdict.HUMAN, Cause.CLASSIFIER, 9000, desk.now, probability=0.9)
    assert ConnectAgent(call, "ada") in desk.settle()
    desk.hear(call)
    desk.dialler.receive_message_ended(call, desk.now, "we-called")
    desk.pass_time(20)
    assert not desk.of(HangUp)
    desk.end(call)
    assert desk.last_attempt().disposition == Disposition.CONNECTED


@pytest.mark.parametrize(("verdict", "cause"), [(Verdict.FAX, Cause.FAX_TONE), (Verdict.CARRIER, Cause.SIT)])
def test_what_turns_out_to_be_no_machine_that_records_is_hung_up_on(open_desk, verdict, cause) -> None:
    desk, call = machine(open_desk)
    desk.dialler.receive_verdict(call, verdict, cause, 6000, desk.now, probability=0.9)
    assert HangUp(call, "machine") in desk.settle()


def test_ringing_that_turns_into_a_machine_gets_the_message(open_desk) -> None:
    desk = open_desk(lead(1), **ALLOWED)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.hear(call)
    desk.dialler.receive_verdict(call, Verdict.TONE, Cause.RINGBACK, 2000, desk.now)
    desk.settle()
    desk.pass_time(5)
    beep(desk, call)
    assert not left(desk, call), "a beep of the ringing line is no machine's"
    desk.machine(call)
    beep(desk, call)
    assert left(desk, call)
    assert desk.dialler.day(desk.now).machines == 1


def test_a_lead_is_left_one_message_unless_the_campaign_says_more(open_desk) -> None:
    told = replace(lead(1), outcomes={"voicemail": 1}, attempts=1)
    desk, call = machine(open_desk, of=told)
    assert desk.of(HangUp) == [HangUp(call, "machine")]
    desk, call = machine(open_desk, of=told, voicemail_most=2)
    assert desk.of(Listen) == [Listen(call)]


def test_who_asked_not_to_be_called_is_left_no_message(open_desk) -> None:
    desk = open_desk(lead(1), **ALLOWED)
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.dialler.receive_suppressed(lead(1).number, desk.now)
    desk.answer(call)
    desk.hear(call)
    desk.machine(call)
    assert HangUp(call, "machine") in desk.events
    assert not desk.of(Listen)


def test_the_kill_switch_leaves_no_message(open_desk) -> None:
    desk, call = machine(open_desk)
    desk.dialler.kill(desk.now)
    assert HangUp(call, "killed") in desk.settle()
    assert not desk.of(PlayMessage)


@pytest.mark.parametrize(
    ("changes", "startable"),
    [
        ({"purpose": Purpose.RESEARCH}, False),
        ({"purpose": Purpose.RESEARCH, "voicemail_allowed": True}, True),
        ({"purpose": Purpose.MARKETING}, False),
        ({"purpose": Purpose.MARKETING, "voicemail_allowed": True}, False),
        ({"purpose": Purpose.MARKETING, "voicemail_message": ""}, True),
    ],
)
def test_only_a_campaign_that_may_leave_messages_starts_with_one(changes, startable) -> None:
    campaign = replace(CAMPAIGN, **({"voicemail_message": "we-called"} | changes))
    found = faults(campaign, UNITED_KINGDOM, 3600.0)
    assert (not found) is startable, found
    if not startable:
        assert all("voicemail" in fault for fault in found)
    if campaign.purpose is Purpose.MARKETING:
        assert not campaign.leaves_messages


@pytest.mark.parametrize("stage", ["listening", "beeped", "asked", "playing"])
def test_another_process_goes_on_with_the_message(open_desk, stage) -> None:
    desk, call = machine(open_desk)
    if stage == "beeped":
        desk.dialler.receive_beep(call, desk.now)
        desk.settle()
    elif stage != "listening":
        beep(desk, call)
    if stage == "playing":
        desk.dialler.receive_message_started(call, desk.now, desk.now, "we-called")
        desk.settle()
    kept = json.loads(json.dumps(desk.dialler.snapshot(call)))
    new = open_desk(started=False, wall=desk.wall, **ALLOWED)
    new.dialler.set_wall(desk.wall, desk.now)
    new.dialler.restore_day(desk.dialler.day(desk.now))
    new.now = desk.now + 1
    new.dialler.take_up(kept, new.now)
    told = new.settle()
    assert (Listen(call) in told) is (stage in ("listening", "beeped"))
    assert (PlayMessage(call, "we-called") in told) is (stage == "asked")
    if stage == "listening":
        new.dialler.receive_beep(call, new.now)
    told = new.pass_time(0.3)
    assert (PlayMessage(call, "we-called") in told) is (stage in ("listening", "beeped"))
    play_out(new, call)
    new.end(call, by_callee=False)
    assert new.last_attempt().disposition == Disposition.VOICEMAIL
    assert new.dialler.day(new.now).machines == 1
