"""What verdicts and their corrections do: in both modes, with both clocks, for every class."""

from datetime import timedelta

import pytest

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.agents import AgentChanged, AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import AmdMode, AmdPoint
from softswitch.dialler.events import ConnectAgent, HangUp, Listen, NumberLocked, PlayMessage, ReviewOffered
from softswitch.dialler.lead import LeadState
from tests.dialler.desk import NOON, Desk, lead

NOBODY = {
    (Verdict.MACHINE, Cause.CLASSIFIER): Disposition.MACHINE,
    (Verdict.FAX, Cause.FAX_TONE): Disposition.FAX,
    (Verdict.TONE, Cause.BUSY): Disposition.TONE,
    (Verdict.TONE, Cause.DIAL_TONE): Disposition.TONE,
    (Verdict.CARRIER, Cause.SIT): Disposition.ANNOUNCEMENT,
}
PERHAPS_SOMEBODY = (
    (Verdict.HUMAN, Cause.END_OF_GREETING),
    (Verdict.NOTSURE, Cause.TIME_LIMIT),
    (Verdict.SILENCE, Cause.INITIAL_SILENCE),
    (Verdict.SCREENING, Cause.CLASSIFIER),
)
BOTH = pytest.mark.parametrize("amd", [AmdMode.PARALLEL, AmdMode.BEFORE_AGENT])


def judge(desk: Desk, call: str, verdict: Verdict, cause: Cause, probability: float = 0.97) -> list:
    desk.dialler.receive_verdict(call, verdict, cause, 1500, desk.now, probability=probability)
    return desk.settle()


def person(desk: Desk, call: str) -> list:
    return judge(desk, call, Verdict.HUMAN, Cause.END_OF_GREETING)


def answered(open_desk, amd=AmdMode.PARALLEL, **campaign):
    desk = open_desk(lead(1), amd=amd, **campaign)
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.answer(call)
    return desk, call


def talking(open_desk, amd=AmdMode.PARALLEL, **campaign):
    desk, call = answered(open_desk, amd, **campaign)
    if amd is AmdMode.BEFORE_AGENT:
        desk.pass_time(1.0)
        person(desk, call)
    desk.pass_time(0.05)
    desk.hear(call)
    return desk, call


def in_doubt(open_desk, **campaign):
    """Connected without a verdict, because the two-second rule's end was near."""
    desk, call = answered(open_desk, AmdMode.BEFORE_AGENT, **campaign)
    desk.pass_time(1.5)
    desk.hear(call)
    assert desk.dialler.board.state_of("ada") is AgentState.IN_CALL
    return desk, call


def day(desk: Desk) -> tuple[int, int, int, int]:
    """L, A, calls that a verdict ended, M."""
    counts = desk.dialler.day(desk.now)
    return counts.live, counts.abandoned, counts.machines, counts.machines_with_agents


# an agent is on the call


@pytest.mark.parametrize(("found", "disposition"), NOBODY.items())
def test_a_verdict_that_nobody_is_there_frees_the_agent_without_a_wrap_up(open_desk, found, disposition) -> None:
    desk, call = talking(open_desk)
    told = judge(desk, call, *found)
    assert told.index(AgentChanged("ada", AgentState.READY, "")) < told.index(HangUp(call, "machine"))
    desk.end(call, by_callee=False)
    attempt = desk.last_attempt()
    assert (attempt.disposition, attempt.amd_acted, attempt.amd_freed) == (disposition, True, True)
    assert day(desk) == (0, 0, 1, 0)


@pytest.mark.parametrize("found", PERHAPS_SOMEBODY)
def test_whoever_may_be_a_person_keeps_the_agent(open_desk, found) -> None:
    desk, call = talking(open_desk)
    assert not judge(desk, call, *found)
    desk.pass_time(20)
    assert desk.dialler.board.state_of("ada") is AgentState.IN_CALL
    assert not desk.of(HangUp)
    attempt = desk.dialler.attempt(call)
    assert (attempt.amd_verdict, attempt.amd_acted) == (found[0].name, False)


@BOTH
@pytest.mark.parametrize("cause", [Cause.BEEP, Cause.RESUMED_SPEECH, Cause.LONG_GREETING, Cause.CLASSIFIER])
def test_a_machine_after_human_frees_the_agent_in_both_modes(open_desk, amd, cause) -> None:
    desk, call = talking(open_desk, amd)
    person(desk, call)
    desk.pass_time(4)
    told = judge(desk, call, Verdict.MACHINE, cause)
    assert AgentChanged("ada", AgentState.READY, "") in told
    assert HangUp(call, "machine") in told
    desk.end(call, by_callee=False)
    attempt = desk.last_attempt()
    assert (attempt.amd_verdict, attempt.amd_cause, attempt.amd_acted) == ("MACHINE", cause.name, True)
    assert attempt.amd_corrections >= 1
    assert day(desk) == (0, 0, 1, 0)


def test_a_doubtful_correction_takes_nobody_from_an_agent(open_desk) -> None:
    desk, call = talking(open_desk)
    person(desk, call)
    assert not judge(desk, call, Verdict.MACHINE, Cause.RESUMED_SPEECH, probability=0.8)
    attempt = desk.dialler.attempt(call)
    assert (attempt.amd_verdict, attempt.amd_corrections) == ("HUMAN", 1)


def test_a_late_correction_takes_nobody_from_an_agent_and_a_late_beep_neither(open_desk) -> None:
    desk, call = talking(open_desk)
    desk.pass_time(10.1)
    assert not judge(desk, call, Verdict.MACHINE, Cause.LONG_GREETING)
    desk.pass_time(5)
    assert HangUp(call, "machine") in judge(desk, call, Verdict.MACHINE, Cause.BEEP)
    desk, call = talking(open_desk)
    desk.pass_time(20.1)
    assert not judge(desk, call, Verdict.MACHINE, Cause.BEEP)


def test_a_machine_told_while_the_agent_was_sent_in_doubt_frees_the_agent(open_desk) -> None:
    desk, call = in_doubt(open_desk)
    desk.pass_time(2)
    told = judge(desk, call, Verdict.MACHINE, Cause.LONG_GREETING)
    assert AgentChanged("ada", AgentState.READY, "") in told
    desk.end(call, by_callee=False)
    assert day(desk) == (0, 0, 1, 0)


def test_what_the_agent_says_of_silence_and_of_an_assistant_stands(open_desk) -> None:
    for verdict, untold in ((Verdict.SILENCE, Disposition.SILENCE), (Verdict.SCREENING, Disposition.SCREENED)):
        desk, call = talking(open_desk)
        judge(desk, call, verdict, Cause.CLASSIFIER)
        desk.end(call)
        assert desk.last_attempt().disposition == untold
        assert desk.last_lead().state is LeadState.WAITING
        assert desk.last_lead().not_before >= desk.wall + timedelta(hours=24)
        assert day(desk) == (0, 0, 0, 1)
        desk.dialler.receive_disposition(call, Disposition.COMPLETED, desk.now)
        desk.settle()
        assert desk.last_lead().state is LeadState.DONE
        assert day(desk) == (1, 0, 0, 0), "the agent has met somebody after all"


def test_silence_in_which_somebody_spoke_later_is_a_call_like_any_other(open_desk) -> None:
    desk, call = talking(open_desk)
    judge(desk, call, Verdict.SILENCE, Cause.INITIAL_SILENCE)
    desk.dialler.receive_speech_started(call, desk.now, desk.now)
    desk.end(call)
    assert desk.last_attempt().disposition == Disposition.CONNECTED
    assert day(desk) == (1, 0, 0, 0)


# the verdict connects


@pytest.mark.parametrize("found", PERHAPS_SOMEBODY)
def test_before_agent_every_verdict_but_nobody_connects_at_once(open_desk, found) -> None:
    desk, call = answered(open_desk, AmdMode.BEFORE_AGENT)
    desk.pass_time(0.7)
    assert ConnectAgent(call, "ada") in judge(desk, call, *found)


@pytest.mark.parametrize(("found", "disposition"), NOBODY.items())
def test_before_agent_nobody_is_ended_and_no_agent_hears_of_it(open_desk, found, disposition) -> None:
    desk, call = answered(open_desk, AmdMode.BEFORE_AGENT)
    desk.pass_time(0.7)
    assert HangUp(call, "machine") in judge(desk, call, *found)
    desk.end(call, by_callee=False)
    assert desk.last_attempt().disposition == disposition
    assert not desk.last_attempt().amd_freed
    assert not desk.of(ConnectAgent)


@pytest.mark.parametrize("spoke_after_s", [None, -0.4, 0.2, 1.2])
def test_the_stricter_clock_ends_all_doubt(open_desk, spoke_after_s) -> None:
    desk, call = answered(open_desk, AmdMode.BEFORE_AGENT)
    start = desk.now
    if spoke_after_s is not None:
        desk.pass_time(max(0.0, spoke_after_s))
        desk.dialler.receive_speech_started(call, start + spoke_after_s, desk.now)
        desk.settle()
    clock = start if spoke_after_s is None else min(start, start + spoke_after_s)
    while not desk.of(ConnectAgent):
        desk.pass_time(0.01)
        assert desk.now < clock + 2.0
    assert desk.now >= clock + 1.4
    desk.hear(call)
    assert day(desk)[:2] == (1, 0)


# nobody, and then somebody


def waiting_for_a_beep(open_desk, amd=AmdMode.PARALLEL, after_s=3.0, *, told=True):
    """A call that was taken for a machine's, kept for the message."""
    desk, call = (talking if amd is AmdMode.PARALLEL else answered)(
        open_desk, amd, voicemail_message="we-called", voicemail_allowed=True
    )
    desk.pass_time(after_s if amd is AmdMode.PARALLEL else 1.0)
    assert Listen(call) in judge(desk, call, Verdict.MACHINE, Cause.LONG_GREETING)
    return desk, call


@pytest.mark.parametrize("verdict", [Verdict.HUMAN, Verdict.SCREENING])
def test_a_person_after_machine_gets_an_agent_again(open_desk, verdict) -> None:
    desk, call = waiting_for_a_beep(open_desk)
    assert desk.dialler.board.state_of("ada") is AgentState.READY
    desk.pass_time(1)
    assert ConnectAgent(call, "ada") in judge(desk, call, verdict, Cause.CLASSIFIER)
    desk.pass_time(0.05)
    desk.hear(call)
    desk.pass_time(30)
    desk.end(call)
    attempt = desk.last_attempt()
    assert (attempt.disposition, attempt.amd_acted) in {("connected", False), ("screened", False)}
    assert attempt.amd_corrections == 1
    assert day(desk)[2] == 0
    assert not desk.of(ReviewOffered)


def test_a_person_after_machine_whom_nobody_can_take_hears_the_message_and_is_abandoned(open_desk) -> None:
    desk, call = waiting_for_a_beep(open_desk)
    desk.agent("ada", AgentState.OFFLINE)
    told = person(desk, call)
    told += desk.pass_time(2)
    assert PlayMessage(call, "who-called") in told
    assert PlayMessage(call, "we-called") not in told
    desk.end(call)
    assert desk.last_attempt().abandoned
    assert day(desk) == (0, 1, 0, 0)


def test_before_agent_a_person_after_machine_within_the_rule_is_in_time(open_desk) -> None:
    desk, call = waiting_for_a_beep(open_desk, AmdMode.BEFORE_AGENT)
    desk.pass_time(0.3)
    assert ConnectAgent(call, "ada") in person(desk, call)
    desk.pass_time(0.05)
    desk.hear(call)
    assert day(desk) == (1, 0, 0, 0)


def test_before_agent_a_person_after_machine_and_after_the_rule_is_connected_and_abandoned(open_desk) -> None:
    desk, call = waiting_for_a_beep(open_desk, AmdMode.BEFORE_AGENT)
    desk.pass_time(2.5)
    assert ConnectAgent(call, "ada") in person(desk, call)
    desk.pass_time(0.2)
    desk.hear(call)
    assert desk.dialler.board.state_of("ada") is AgentState.IN_CALL
    desk.end(call)
    assert desk.last_attempt().abandoned
    assert day(desk) == (0, 1, 0, 0)
    assert (desk.of(NumberLocked)[0].until - NOON).total_seconds() > 71 * 3600


def test_doubt_and_silence_bring_nobody_back(open_desk) -> None:
    desk, call = waiting_for_a_beep(open_desk)
    for verdict in (Verdict.NOTSURE, Verdict.SILENCE):
        assert not judge(desk, call, verdict, Cause.TIME_LIMIT)
    assert desk.dialler.attempt(call).amd_verdict == "MACHINE"


def test_a_verdict_on_a_call_that_is_being_ended_changes_nothing_but_is_counted(open_desk) -> None:
    desk, call = talking(open_desk)
    judge(desk, call, Verdict.MACHINE, Cause.BEEP)
    assert not person(desk, call)
    desk.end(call, by_callee=False)
    attempt = desk.last_attempt()
    assert (attempt.amd_verdict, attempt.amd_acted, attempt.amd_corrections) == ("MACHINE", True, 1)


# ringing after the answer


def hearing_ringing(open_desk, amd=AmdMode.PARALLEL, cause=Cause.RINGBACK):
    desk, call = talking(open_desk, amd) if amd is AmdMode.PARALLEL else in_doubt(open_desk)
    desk.pass_time(1)
    told = judge(desk, call, Verdict.TONE, cause)
    assert Listen(call) in told
    assert AgentChanged("ada", AgentState.READY, "") in told
    return desk, call


@BOTH
@pytest.mark.parametrize("cause", [Cause.RINGBACK, Cause.TONE])
def test_ringing_after_the_answer_is_heard_out_to_the_minimum_ring(open_desk, amd, cause) -> None:
    desk, call = hearing_ringing(open_desk, amd, cause)
    desk.pass_time(12)
    assert not desk.of(HangUp)
    desk.pass_time(2)
    assert desk.of(HangUp) == [HangUp(call, "machine")]
    desk.end(call, by_callee=False)
    assert desk.last_attempt().disposition == Disposition.TONE
    assert (desk.last_lead().not_before - desk.wall) >= timedelta(hours=23)


def test_who_lifts_the_receiver_then_gets_an_agent_within_two_seconds_of_the_first_word(open_desk) -> None:
    desk, call = hearing_ringing(open_desk)
    desk.pass_time(6)
    desk.dialler.receive_speech_started(call, desk.now - 0.1, desk.now)
    assert ConnectAgent(call, "ada") in desk.settle()
    desk.pass_time(0.05)
    desk.hear(call)
    desk.pass_time(20)
    desk.end(call)
    assert desk.last_attempt().disposition == Disposition.CONNECTED
    assert day(desk) == (1, 0, 0, 0)


def test_who_lifts_the_receiver_when_no_agent_is_free_hears_the_message_in_time(open_desk) -> None:
    desk, call = hearing_ringing(open_desk)
    desk.agent("ada", AgentState.OFFLINE)
    desk.pass_time(6)
    lifted_at = desk.now
    desk.dialler.receive_speech_started(call, lifted_at, desk.now)
    while not desk.of(PlayMessage):
        desk.pass_time(0.05)
        assert desk.now < lifted_at + 2
    assert day(desk) == (0, 1, 0, 0)


def test_before_agent_who_lifts_the_receiver_is_judged_anew_until_the_rule_ends_all_doubt(open_desk) -> None:
    desk, call = hearing_ringing(open_desk, AmdMode.BEFORE_AGENT)
    desk.pass_time(6)
    connected = len(desk.of(ConnectAgent))
    desk.dialler.receive_speech_started(call, desk.now, desk.now)
    desk.settle()
    desk.pass_time(1.4)
    assert len(desk.of(ConnectAgent)) == connected
    desk.pass_time(0.1)
    assert len(desk.of(ConnectAgent)) == connected + 1


# what is kept


def test_the_operating_point_follows_the_mode_unless_it_is_set(open_desk) -> None:
    for amd, point, recorded in (
        (AmdMode.PARALLEL, None, "careful"),
        (AmdMode.BEFORE_AGENT, None, "balanced"),
        (AmdMode.BEFORE_AGENT, AmdPoint.FAST, "fast"),
        (AmdMode.OFF, AmdPoint.FAST, ""),
    ):
        desk, call = answered(open_desk, amd, amd_point=point)
        assert desk.dialler.attempt(call).amd_point == recorded


def test_a_call_that_a_verdict_ended_is_offered_for_review_with_a_rank_of_its_own(open_desk) -> None:
    desk, call = talking(open_desk)
    desk.dialler.receive_recording(call, f"{call}.ssr", desk.now)
    judge(desk, call, Verdict.MACHINE, Cause.BEEP)
    assert not desk.of(ReviewOffered), "it may still be corrected"
    desk.end(call, by_callee=False)
    (offered,) = desk.of(ReviewOffered)
    assert (offered.call_ref, offered.campaign, offered.day) == (call, "survey", desk.wall.date())
    assert 0 <= offered.rank < 1
    assert (offered.finding.verdict, offered.finding.cause) == (Verdict.MACHINE, Cause.BEEP)
    assert (offered.finding.probability, offered.recording, offered.point) == (0.97, f"{call}.ssr", "careful")


def test_a_callee_who_hangs_up_before_any_verdict_is_recorded_as_such(open_desk) -> None:
    desk, call = answered(open_desk)
    desk.pass_time(0.8)
    desk.end(call)
    attempt = desk.last_attempt()
    assert (attempt.amdstatus, attempt.amdcause) == ("HANGUP", "HUNGUP-800")


def test_records_have_the_names_that_dialplans_know(open_desk) -> None:
    desk, call = talking(open_desk)
    judge(desk, call, Verdict.FAX, Cause.FAX_TONE)
    attempt = desk.dialler.attempt(call)
    assert (attempt.amdstatus, attempt.amdcause) == ("MACHINE", "FAXTONE-1500")


def test_reviews_take_the_place_of_the_prior_in_the_abandoned_call_rate(open_desk) -> None:
    desk, call = talking(open_desk, amd_false_positive_prior=0.04)
    desk.hear(call)
    desk.end(call)
    figures = desk.dialler.figures(desk.now)
    assert (figures.false_positive_share, figures.false_positive_bounds) == (0.04, (0.0, 0.04))
    desk.dialler.receive_reviews(200, 30)
    figures = desk.dialler.figures(desk.now)
    assert figures.false_positive_share == 0.15
    assert figures.false_positive_bounds[0] == pytest.approx(0.107, abs=1e-3)
    assert figures.false_positive_bounds[1] == pytest.approx(0.206, abs=1e-3)
    assert figures.false_positives_reviewed == 200
