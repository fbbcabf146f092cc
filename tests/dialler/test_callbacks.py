"""Callbacks: promised for a moment of the callee's clock, kept by whom they were promised by, never past a rule."""

from datetime import UTC, date, datetime, timedelta

import pytest

from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.callbacks import Callbacks, moment_of, promised
from softswitch.dialler.campaign import Policy
from softswitch.dialler.events import CallbackClosed, CallbackMade, CallbacksWanted, ConnectAgent, PlaceCall
from softswitch.dialler.lead import LeadState
from softswitch.dialler.locks import NumberLocks
from softswitch.errors import UsageError
from tests.dialler.desk import NOON, Desk, lead

IN_AN_HOUR = datetime(2026, 6, 10, 13, 0)
"""As a clock in London shows it."""


def wall_of(desk: Desk) -> datetime:
    return NOON + timedelta(seconds=desk.now - 1000.0)


def talk(open_desk, *others, **campaign) -> tuple[Desk, str]:
    """Ada talks to the first lead."""
    desk = open_desk(lead(1), *others, **campaign)
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.answer(call)
    desk.hear(call)
    return desk, call


def promise(desk: Desk, call: str, when=IN_AN_HOUR, agent: str | None = "ada") -> None:
    desk.dialler.receive_callback(call, when, agent, desk.now)
    desk.settle()
    desk.end(call)
    desk.dialler.receive_wrapped_up("ada", None, desk.now)
    desk.settle()


def waits(open_desk, *others, agent: str = "ada", due=timedelta(minutes=5), wall=NOON, **campaign) -> Desk:
    """A callback that the source gives out shortly before its moment."""
    made = promised(lead(1, attempts=1), wall + due, agent)
    desk = open_desk(*others, wall=wall, started=False, **campaign)
    desk.dialler.receive_lead_totals(99, 9, desk.now)
    desk.dialler.start(desk.now)
    desk.settle()
    desk.dialler.add_callbacks([made], desk.now)
    desk.settle()
    return desk


def closed(desk: Desk) -> list[str]:
    return [event.came_to for event in desk.of(CallbackClosed)]


# promises


def test_what_is_promised_in_a_call_is_kept_at_once_and_the_lead_waits_for_its_moment(open_desk) -> None:
    desk, call = talk(open_desk)
    desk.dialler.receive_callback(call, IN_AN_HOUR, "ada", desk.now)
    desk.settle()
    (made,) = desk.of(CallbackMade)
    due = datetime(2026, 6, 10, 12, tzinfo=UTC)  # summer time
    assert (made.callback.due_at, made.callback.agent, made.callback.made_by) == (due, "ada", "ada")
    desk.end(call)
    after = desk.last_lead()
    assert (after.state, after.not_before, after.callback_agent) == (LeadState.CALLBACK, due, "ada")
    assert desk.last_attempt().disposition == Disposition.CALLBACK


def test_it_can_be_promised_in_the_wrap_up_too_and_the_last_word_stands(open_desk) -> None:
    desk, call = talk(open_desk)
    desk.end(call)
    assert desk.dialler.board.state_of("ada") is AgentState.WRAP_UP
    desk.dialler.receive_callback(call, IN_AN_HOUR, "ada", desk.now)
    desk.dialler.receive_callback(call, IN_AN_HOUR + timedelta(hours=1), None, desk.now)
    desk.settle()
    after = desk.last_lead()
    assert (after.not_before, after.callback_agent) == (datetime(2026, 6, 10, 13, tzinfo=UTC), "")
    assert after.attempts == 1 and after.outcomes["callback"] == 1


def test_another_disposition_takes_the_promise_back(open_desk) -> None:
    desk, call = talk(open_desk)
    promise(desk, call)
    desk.dialler.receive_disposition(call, Disposition.REFUSAL, desk.now)
    desk.settle()
    assert desk.last_lead().state is LeadState.DONE
    assert closed(desk) == ["cancelled"]


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (datetime(2026, 6, 10, 20, 59, 50), "next moment is Thursday 11 June 09:00 there"),
        (datetime(2026, 6, 11, 3, 0), "09:00 there"),
        (datetime(2026, 6, 10, 11, 59), "past"),
        (datetime(2026, 10, 1, 12, 0), "90 days"),
    ],
)
def test_a_moment_at_which_nobody_may_ring_is_refused_with_the_next_one(open_desk, when, why) -> None:
    desk, call = talk(open_desk)
    with pytest.raises(UsageError, match=why):
        desk.dialler.receive_callback(call, when, "ada", desk.now)
    assert not desk.of(CallbackMade)


def test_nothing_is_promised_in_a_call_in_which_nobody_was_spoken_to(open_desk) -> None:
    desk = open_desk(lead(1))
    desk.agent("ada")
    with pytest.raises(UsageError, match="nobody was spoken to"):
        desk.dialler.receive_callback(desk.dial(), IN_AN_HOUR, "ada", desk.now)


def test_nobody_promises_for_an_agent_of_another_campaign(open_desk) -> None:
    desk, call = talk(open_desk, agents=("ada", "bob"))
    with pytest.raises(UsageError, match="eve does not work"):
        desk.dialler.receive_callback(call, IN_AN_HOUR, "eve", desk.now)


def test_a_desk_promises_for_a_lead_that_waits_in_the_hopper(open_desk) -> None:
    desk = open_desk(lead(1))
    desk.dialler.promise_callback(lead(1), IN_AN_HOUR, None, "sue", desk.now)
    desk.agent("ada")
    assert not desk.of(PlaceCall)
    assert desk.last_lead().state is LeadState.CALLBACK
    assert desk.of(CallbackMade)[0].callback.made_by == "sue"
    desk.dialler.cancel_callback(desk.last_lead(), desk.now)
    assert desk.settle() and desk.last_lead().state is LeadState.WAITING and closed(desk) == ["cancelled"]


def test_no_desk_promises_what_the_callee_does_not_want_or_what_rings_now(open_desk) -> None:
    desk = open_desk(lead(1), lead(2))
    desk.agent("ada")
    with pytest.raises(UsageError, match="being called"):
        desk.dialler.promise_callback(lead(1), IN_AN_HOUR, None, "sue", desk.now)
    desk.dialler.receive_suppressed(lead(2).number, desk.now)
    with pytest.raises(UsageError, match="asked not to be called"):
        desk.dialler.promise_callback(lead(2, state=LeadState.NEW), IN_AN_HOUR, None, "sue", desk.now)


# the callee's clock


def test_a_moment_without_a_zone_is_the_callee_s() -> None:
    assert moment_of(datetime(2026, 6, 10, 9, 30), "America/New_York") == datetime(2026, 6, 10, 13, 30, tzinfo=UTC)
    aware = datetime(2026, 6, 10, 9, 30, tzinfo=UTC)
    assert moment_of(aware, "America/New_York") == aware
    with pytest.raises(UsageError, match="zone"):
        moment_of(datetime(2026, 6, 10, 9, 30), "Europe/Nowhere")


def test_the_night_on_which_clocks_go_back_has_one_hour_twice_and_the_first_is_meant() -> None:
    assert moment_of(datetime(2026, 10, 25, 1, 30), "Europe/London") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    again = datetime(2026, 10, 25, 1, 30, fold=1)
    assert moment_of(again, "Europe/London") == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_time_that_the_clock_leaves_out_is_an_hour_later() -> None:
    assert moment_of(datetime(2026, 3, 29, 1, 30), "Europe/London") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_nine_o_clock_after_either_night_is_nine_o_clock_there(open_desk) -> None:
    for eve, utc_hour in ((datetime(2026, 3, 28, 12, tzinfo=UTC), 8), (datetime(2026, 10, 24, 12, tzinfo=UTC), 9)):
        desk = open_desk(lead(1), wall=eve)
        morning = (eve + timedelta(days=1)).replace(hour=9, tzinfo=None)
        due = desk.dialler.promise_callback(lead(1), morning, None, "sue", desk.now)
        assert (due.day, due.hour, due.minute) == (eve.day + 1, utc_hour, 0)
        with pytest.raises(UsageError, match="09:00 there"):
            desk.settle()
            desk.dialler.promise_callback(desk.last_lead(), morning - timedelta(minutes=1), None, "sue", desk.now)


# keeping them


def test_the_source_is_asked_in_time_even_while_the_hopper_is_full(open_desk) -> None:
    desk = open_desk(*[lead(index) for index in range(60)])
    asked = len(desk.of(CallbacksWanted))
    desk.pass_time(35)
    assert len(desk.of(CallbacksWanted)) - asked == 3
    assert desk.of(CallbacksWanted)[-1].until - wall_of(desk) <= timedelta(seconds=30)


def test_a_callback_is_dialled_at_its_moment_with_its_agent_before_everybody_in_the_hopper(open_desk) -> None:
    desk = waits(open_desk, lead(2, priority=9), agent="ada")
    desk.pass_time(299)
    assert not desk.of(PlaceCall)
    desk.agent("ada", AgentState.PAUSED)
    desk.dialler.pause(desk.now)
    desk.agent("ada")
    desk.dialler.start(desk.now)
    placed = [event for event in desk.pass_time(3) if isinstance(event, PlaceCall)]
    assert placed[0].number == lead(2).number  # a second before its moment nobody waits for it
    desk.fail(placed[0].call_ref, Outcome.BUSY)
    desk.pass_time(1)
    call = desk.of(PlaceCall)[-1]
    assert call.number == lead(1).number
    assert desk.dialler.board.call_of("ada") == call.call_ref
    assert closed(desk) == ["called"]
    assert ConnectAgent(call.call_ref, "ada") in desk.answer(call.call_ref)


def test_only_its_agent_makes_it_until_the_grace_is_over_then_anybody(open_desk) -> None:
    desk = waits(open_desk, agent="ada", callback_grace_s=600)
    desk.agent("bob")
    desk.pass_time(300 + 599)
    assert not desk.of(PlaceCall)
    desk.pass_time(2)
    call = desk.dial()
    assert desk.dialler.board.call_of("bob") == call


def test_its_agent_comes_first_even_after_the_grace(open_desk) -> None:
    desk = waits(open_desk, agent="ada", due=-timedelta(hours=1))
    desk.agent("bob", AgentState.PAUSED)
    desk.agent("ada")
    assert desk.dialler.board.call_of("ada") == desk.dial()


def test_anybody_s_callback_goes_to_whoever_waits(open_desk) -> None:
    desk = waits(open_desk, agent="")
    desk.agent("bob")
    desk.pass_time(301)
    assert desk.dialler.board.call_of("bob") == desk.dial()


def test_one_that_nobody_made_in_time_is_told_as_missed_once_and_made_all_the_same(open_desk) -> None:
    desk = waits(open_desk, agent="ada", callback_window_s=900)
    desk.pass_time(300 + 899)
    assert closed(desk) == []
    desk.pass_time(3600)
    assert closed(desk) == ["missed"]
    assert desk.dialler.figures(desk.now).callbacks_missed == 1
    desk.agent("bob")
    assert desk.dialler.board.call_of("bob") == desk.dial()


def test_those_missed_today_are_counted_over_a_restart_and_those_of_yesterday_are_not(open_desk) -> None:
    desk = open_desk()
    desk.dialler.restore_callbacks_missed(2, desk.now)
    assert desk.dialler.figures(desk.now).callbacks_missed == 2
    desk.dialler.set_wall(desk.wall + timedelta(days=1), desk.now)
    assert desk.dialler.figures(desk.now).callbacks_missed == 0


def test_it_is_not_made_outside_the_hours_but_at_the_next_opening(open_desk) -> None:
    evening = datetime(2026, 6, 10, 19, 30, tzinfo=UTC)  # 20:30 in London
    desk = waits(open_desk, agent="", due=timedelta(minutes=30), wall=evening)
    desk.pass_time(1801)
    desk.agent("bob")
    assert not desk.of(PlaceCall)
    given_back = desk.last_lead()
    assert (given_back.state, given_back.not_before) == (LeadState.CALLBACK, datetime(2026, 6, 11, 8, tzinfo=UTC))
    assert closed(desk) == ["missed"]


def test_an_opt_out_ends_it_whatever_was_promised(open_desk) -> None:
    desk = waits(open_desk, agent="")
    desk.dialler.receive_suppressed(lead(1).number, desk.now)
    desk.agent("bob")
    desk.pass_time(400)
    assert not desk.of(PlaceCall)
    assert desk.last_lead().state is LeadState.SUPPRESSED and closed(desk) == ["cancelled"]


def test_while_another_campaign_rings_the_number_it_waits_and_is_made_afterwards(open_desk) -> None:
    locks = NumberLocks()
    desk = waits(open_desk, agent="", locks=locks)
    desk.agent("bob")
    assert locks.claim(lead(1).number)
    desk.pass_time(310)
    assert not desk.of(PlaceCall)
    locks.release(lead(1).number)
    desk.pass_time(2)
    assert len(desk.of(PlaceCall)) == 1


def test_it_is_made_however_often_the_lead_was_tried_and_whatever_the_policy(open_desk) -> None:
    for policy in (Policy.PREDICTIVE, Policy.PROGRESSIVE, Policy.GUARANTEED_AGENT):
        desk = waits(open_desk, agent="", due=timedelta(0), policy=policy, maximum_attempts=1)
        desk.agent("bob")
        assert len(desk.of(PlaceCall)) == 1


def test_one_that_is_busy_is_a_lead_like_any_other_again(open_desk) -> None:
    desk = waits(open_desk, agent="ada", due=timedelta(0))
    desk.agent("ada")
    desk.fail(desk.dial(), Outcome.BUSY)
    after = desk.last_lead()
    assert (after.state, after.callback_agent) == (LeadState.WAITING, "")


def test_a_stopped_campaign_gives_its_callbacks_back_and_makes_none(open_desk) -> None:
    desk = waits(open_desk, agent="")
    desk.dialler.stop(desk.now)
    desk.agent("bob")
    desk.pass_time(400)
    assert not desk.of(PlaceCall)
    given_back = desk.last_lead()
    assert (given_back.state, given_back.not_before) == (LeadState.CALLBACK, NOON + timedelta(minutes=5))


def test_no_number_is_held_twice_by_callbacks_and_hopper(open_desk) -> None:
    twin = lead(1, lead_ref="twin")
    desk = waits(open_desk, agent="", due=timedelta(0))
    desk.dialler.add_leads([twin], desk.now)
    desk.settle()
    for name in ("ada", "bob"):
        desk.agent(name)
    assert len(desk.of(PlaceCall)) == 1
    assert not Callbacks(1, 1).remove("nobody")


def test_a_promise_made_in_a_call_survives_the_process_that_has_the_call(open_desk) -> None:
    desk, call = talk(open_desk)
    desk.dialler.receive_callback(call, IN_AN_HOUR, "ada", desk.now)
    snapshot = desk.dialler.snapshot(call)
    assert snapshot is not None and snapshot["callback_agent"] == "ada"


def test_nothing_is_promised_for_a_day_on_which_the_campaign_does_not_dial(open_desk) -> None:
    desk, call = talk(open_desk, ends_on=date(2026, 6, 11))
    with pytest.raises(UsageError, match="ends on 11 June 2026"):
        desk.dialler.receive_callback(call, datetime(2026, 6, 12, 12), "ada", desk.now)
    desk.dialler.receive_callback(call, datetime(2026, 6, 11, 12), "ada", desk.now)
    later = open_desk(lead(1), starts_on=date(2026, 6, 12))
    with pytest.raises(UsageError, match="begins on 12 June 2026"):
        later.dialler.promise_callback(lead(1), datetime(2026, 6, 11, 12), None, "sue", later.now)


def test_no_lock_holds_it_for_an_agent_is_guaranteed(open_desk) -> None:
    locks = NumberLocks()
    locks.lock(lead(1).number, NOON + timedelta(hours=72))
    desk = waits(open_desk, agent="", locks=locks)
    desk.agent("bob")
    desk.pass_time(301)
    call = desk.dial()
    assert desk.dialler.attempt(call).guaranteed and closed(desk) == ["called"]
    desk.fail(call, Outcome.BUSY)
    desk.dialler.add_leads([lead(1)], desk.now)
    desk.pass_time(60)
    assert len(desk.of(PlaceCall)) == 1  # a lead like any other again, and it rests
