"""Preview, manual by reference and ratio: agents see or ask for leads first, or a fixed number of lines is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState
from softswitch.dialler.campaign import Policy
from softswitch.dialler.events import (
    AttemptEnded,
    CommitAttempt,
    ConnectAgent,
    LeadsWanted,
    PlaceCall,
    PreviewEnded,
    PreviewOffered,
)
from softswitch.dialler.lead import LeadState
from softswitch.errors import UsageError
from tests.dialler.desk import NOON, Desk, lead


def previews(open_desk, *leads, **campaign) -> Desk:
    desk = open_desk(*(leads or (lead(1), lead(2))), policy=Policy.PREVIEW, **campaign)
    desk.agent("ada")
    return desk


def shown(desk: Desk) -> PreviewOffered:
    return desk.of(PreviewOffered)[-1]


# preview


def test_a_lead_is_shown_to_the_longest_waiting_agent_and_nothing_is_committed(open_desk) -> None:
    desk = previews(open_desk)
    assert shown(desk).agent == "ada" and not desk.of(CommitAttempt)
    assert desk.dialler.board.call_of("ada") == shown(desk).call_ref
    assert desk.dialler.is_shown(shown(desk).call_ref)
    assert desk.dialler.lead_of(shown(desk).call_ref).lead_ref == "lead1"
    desk.pass_time(30)
    assert len(desk.of(PreviewOffered)) == 1
    desk.agent("bob")
    assert (shown(desk).agent, len(desk.of(PreviewOffered))) == ("bob", 2)


def test_an_accepted_lead_is_committed_called_and_answered_by_the_agent_who_saw_it(open_desk) -> None:
    desk = previews(open_desk)
    desk.pass_time(20)  # longer than a commitment may be old
    call = shown(desk).call_ref
    desk.dialler.receive_preview_accepted("ada", call, desk.now)
    desk.settle()
    assert desk.of(CommitAttempt)[0].attempt.committed_at == NOON + timedelta(seconds=20)
    assert desk.dial() == call
    desk.ring(call)
    desk.pass_time(1)
    assert ConnectAgent(call, "ada") in desk.answer(call)


def test_a_skipped_lead_is_noted_with_its_reason_and_the_next_one_shown(open_desk) -> None:
    desk = previews(open_desk)
    desk.dialler.receive_preview_skipped("ada", shown(desk).call_ref, "knows them", desk.now)
    desk.settle()
    (ended,) = desk.of(PreviewEnded)
    assert (ended.lead_ref, ended.agent, ended.reason) == ("lead1", "ada", "knows them")
    after = desk.last_lead()
    assert (after.state, after.attempts, after.outcomes) == (LeadState.WAITING, 0, {"skipped": 1})
    assert desk.dialler.lead_of(shown(desk).call_ref).lead_ref == "lead2"
    assert not desk.of(AttemptEnded)


def test_a_skip_says_why(open_desk) -> None:
    desk = previews(open_desk)
    with pytest.raises(UsageError, match="say why"):
        desk.dialler.receive_preview_skipped("ada", shown(desk).call_ref, "", desk.now)


def test_a_lead_that_everybody_skips_is_done_one_day(open_desk) -> None:
    desk = previews(open_desk, lead(1, outcomes={"skipped": 2}))
    desk.dialler.receive_preview_skipped("ada", shown(desk).call_ref, "knows them", desk.now)
    desk.settle()
    assert desk.last_lead().state is LeadState.DONE


def test_whoever_says_nothing_is_paused_and_the_lead_goes_to_another(open_desk) -> None:
    desk = previews(open_desk, lead(1), preview_s=40.0)
    desk.pass_time(41)
    assert desk.dialler.board.state_of("ada") is AgentState.PAUSED
    desk.agent("bob")
    assert desk.dialler.lead_of(shown(desk).call_ref).lead_ref == "lead1" and shown(desk).agent == "bob"


def test_nobody_accepts_what_another_is_shown_or_what_is_over(open_desk) -> None:
    desk = previews(open_desk)
    call = shown(desk).call_ref
    for agent, which in (("bob", call), ("ada", "nothing")):
        with pytest.raises(UsageError, match="not shown"):
            desk.dialler.receive_preview_accepted(agent, which, desk.now)
    desk.dialler.receive_preview_accepted("ada", call, desk.now)
    with pytest.raises(UsageError, match="not shown"):
        desk.dialler.receive_preview_accepted("ada", call, desk.now)


def test_an_opt_out_while_it_is_shown_takes_the_lead_away(open_desk) -> None:
    desk = previews(open_desk)
    first = shown(desk).call_ref
    desk.dialler.receive_suppressed(lead(1).number, desk.now)
    desk.settle()
    assert not desk.dialler.is_shown(first)
    assert desk.dialler.lead_of(shown(desk).call_ref).lead_ref == "lead2"
    with pytest.raises(UsageError, match="not shown"):
        desk.dialler.receive_preview_accepted("ada", first, desk.now)


def test_what_is_shown_when_the_hours_end_is_called_by_nobody(open_desk) -> None:
    desk = previews(open_desk, wall=datetime(2026, 6, 10, 19, 59, 0, tzinfo=UTC), preview_s=120.0)
    desk.pass_time(50)  # 20:59:50 there: it would ring beyond nine
    with pytest.raises(UsageError, match="any more"):
        desk.dialler.receive_preview_accepted("ada", shown(desk).call_ref, desk.now)
    desk.settle()
    assert not desk.of(CommitAttempt)


@pytest.mark.parametrize("what", ["stop", "pause", "kill", "interlock", "agent"])
def test_what_is_shown_ends_with_what_allowed_it(open_desk, what: str) -> None:
    desk = previews(open_desk)
    call = shown(desk).call_ref
    match what:
        case "interlock":
            desk.dialler.receive_interlocks(False, desk.now)
        case "agent":
            desk.dialler.receive_agent("ada", AgentState.OFFLINE, desk.now)
        case _:
            getattr(desk.dialler, what)(desk.now)
    desk.settle()
    assert not desk.dialler.is_shown(call)
    assert desk.of(PreviewEnded)[-1].reason == "withdrawn"
    if what != "agent":
        assert desk.dialler.board.state_of("ada") is AgentState.READY


def test_a_preview_is_no_ringing_call_and_learns_the_controller_nothing(open_desk) -> None:
    desk = previews(open_desk)
    assert desk.dialler.figures(desk.now).ringing == 0
    assert [call.state for call in desk.dialler.calls(desk.now)] == ["preview"]


# manual by reference


def manual(open_desk, **campaign) -> Desk:
    desk = open_desk(policy=Policy.MANUAL, **campaign)
    desk.agent("ada")
    return desk


def test_a_manual_campaign_asks_for_no_leads_and_dials_nothing_by_itself(open_desk) -> None:
    desk = manual(open_desk)
    desk.pass_time(60)
    assert not desk.of(PlaceCall) and not desk.of(LeadsWanted)
    assert desk.dialler.figures(desk.now).state == "running"


def test_an_agent_has_a_lead_called_by_its_reference_even_before_its_retry_is_due(open_desk) -> None:
    desk = manual(open_desk)
    waiting = lead(1, state=LeadState.WAITING, not_before=NOON + timedelta(hours=3))
    call = desk.dialler.dial_by_reference("ada", waiting, desk.now)
    desk.settle()
    assert desk.dial() == call
    assert ConnectAgent(call, "ada") in desk.answer(call)


def test_a_number_is_asked_for_once_at_a_time(open_desk) -> None:
    desk = manual(open_desk)
    desk.agent("bob")
    desk.dialler.dial_by_reference("ada", lead(1, state=LeadState.NEW), desk.now)
    with pytest.raises(UsageError, match="being called"):
        desk.dialler.dial_by_reference("bob", lead(1, state=LeadState.NEW), desk.now)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": LeadState.DONE}, "done"),
        ({"state": LeadState.SUPPRESSED}, "may not be called"),
        ({"time_zone": "America/Los_Angeles"}, "may not be called"),  # four in the morning
    ],
)
def test_what_may_not_be_called_is_not_called_for_the_asking(open_desk, changes, why) -> None:
    desk = manual(open_desk)
    with pytest.raises(UsageError, match=why):
        desk.dialler.dial_by_reference("ada", lead(1, **{"state": LeadState.NEW} | changes), desk.now)
    assert desk.dialler.board.state_of("ada") is AgentState.READY


def test_nobody_asks_who_is_not_ready_or_while_nothing_may_be_dialled(open_desk) -> None:
    desk = manual(open_desk)
    new = lead(1, state=LeadState.NEW)
    with pytest.raises(UsageError, match="ready"):
        desk.dialler.dial_by_reference("bob", new, desk.now)
    desk.dialler.receive_interlocks(False, desk.now)
    with pytest.raises(UsageError, match="interlock"):
        desk.dialler.dial_by_reference("ada", new, desk.now)
    desk.dialler.receive_interlocks(True, desk.now)
    desk.dialler.receive_channels(0, desk.now)
    with pytest.raises(UsageError, match="channel"):
        desk.dialler.dial_by_reference("ada", new, desk.now)
    desk.dialler.stop(desk.now)
    with pytest.raises(UsageError, match="stopped"):
        desk.dialler.dial_by_reference("ada", new, desk.now)


def test_a_campaign_that_dials_by_itself_takes_no_references(open_desk) -> None:
    desk = open_desk()
    desk.agent("ada")
    with pytest.raises(UsageError, match="by itself"):
        desk.dialler.dial_by_reference("ada", lead(1, state=LeadState.NEW), desk.now)


# ratio


def test_a_ratio_campaign_keeps_so_many_lines_for_each_ready_agent(open_desk) -> None:
    desk = open_desk(*[lead(index) for index in range(30)], policy=Policy.RATIO, ratio=2.5)
    for name in ("ada", "bob"):
        desk.agent(name)
    assert len(desk.of(PlaceCall)) == 5
    desk.fail(desk.of(PlaceCall)[0].call_ref, Outcome.BUSY)
    desk.pass_time(2)
    assert len(desk.of(PlaceCall)) == 6


def test_a_ratio_beyond_reason_does_not_start(open_desk) -> None:
    desk = open_desk(started=False, policy=Policy.RATIO, ratio=9.0)
    with pytest.raises(UsageError, match="ratio"):
        desk.dialler.start(desk.now)
