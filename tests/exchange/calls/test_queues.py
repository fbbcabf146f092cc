"""Inbound queues: greeting, hours, places, skills and priorities, and callers whom somebody else takes."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState
from softswitch.dialler.hours import CallingHours
from softswitch.exchange.calls.dialled_numbers import NOBODY_DIALS
from softswitch.exchange.calls.queues import PATIENCE_S, RINGING, RINGING_TONE, Queue
from softswitch.exchange.telephony.line import Line
from softswitch.sdp.negotiate import make_answer
from tests.exchange.calls.inbound_site import MUSIC, NOTICE, THEIRS, Site, played

PLAIN = Queue("+442079460100", (), "nobody", MUSIC)
OTHER = "+442079460999"
OVERFLOWS = replace(PLAIN, overflow_number=OTHER)


def overflowing() -> tuple[Site, int]:
    """A caller whom nobody has served in time, and the media leg."""
    site = Site(OVERFLOWS)
    leg = site.call()
    site.now += PATIENCE_S
    site.calls.handle_timer(site.now)
    return site, leg


def answer(site: Site, leg_id: str) -> int:
    """Whoever is called answers; the media leg."""
    line = site.lines._by_leg[leg_id]
    sdp, _ = make_answer(line.offer, THEIRS, 5000, session_id=1)
    site.lines.receive_call_event(CallAnswered(leg_id, sdp), site.now)
    return line.media


def test_greeting_and_notice_come_first_and_whole_then_music_then_the_place() -> None:
    site = Site(replace(PLAIN, greeting="welcome", recording_notice=NOTICE, positions=("next",), patience_s=100))
    leg = site.call()
    site.seat()
    site.board.receive_state("1001", AgentState.PAUSED, site.now)
    for _ in range(2):
        site.hear(leg)
    site.now += 30
    site.calls.handle_timer(site.now)
    site.hear(leg)
    assert played(site, leg) == [(NOTICE, False), (MUSIC, True), ("next", False), (MUSIC, True)]


def test_a_queue_that_only_announces_answers_and_rings_by_itself() -> None:
    site = Site(replace(PLAIN, caller_hears=RINGING, positions=("next",)))
    leg = site.call()
    assert played(site, leg) == [(RINGING_TONE, True)] and site.rung == []


def test_an_agent_ends_what_the_caller_hears_and_its_end_is_nothing_to_the_queue() -> None:
    site = Site(replace(PLAIN, positions=("next",), patience_s=100))
    leg = site.call()
    site.now += 30
    site.calls.handle_timer(site.now)
    site.seat()
    site.calls.serve(site.now)
    assert ("stop playing", leg) in site.plane.told
    site.plane.told.clear()
    site.hear(leg)
    assert played(site, leg) == []


@pytest.mark.parametrize("prompt", ["", "closed"])
def test_outside_the_hours_a_caller_hears_so_or_is_refused(prompt: str) -> None:
    hours = CallingHours(time(9), time(17))
    site = Site(replace(PLAIN, hours=hours, time_zone="Europe/London", prompt_closed=prompt))
    site.seat()
    site.wall = datetime(2026, 7, 1, 16, 30, tzinfo=UTC)  # 17:30 in London
    leg = site.call()
    if prompt:
        assert played(site, leg) == [("closed", False)]
        site.hear(leg)
        assert site.pool.hung_up == ["caller"]
    else:
        assert site.refused == [("caller", 480)] and len(site.calls) == 0
    assert site.board.state_of("1001") is AgentState.READY
    site.wall = datetime(2026, 7, 1, 15, 30, tzinfo=UTC)
    site.call("later")
    assert site.board.state_of("1001") is AgentState.RESERVED


def test_agents_serve_the_more_urgent_queue_first_and_only_those_they_know_of() -> None:
    site = Site()
    routine = replace(PLAIN, did="+442079460101", agents=("1001", "1002"))
    urgent = replace(PLAIN, did="+442079460102", agents=("1002",), priority=9)
    first, second = site.call("routine", routine), site.call("urgent", urgent)
    site.seat("1001", "agent-1")
    site.calls.serve(site.now)
    bridges = [each[1] for each in site.plane.told if each[0] == "bridge"]
    assert bridges == [first], "the one who is there does not know the urgent queue's work"
    site.call("routine-2", routine)
    site.seat("1002", "agent-2")
    site.calls.serve(site.now)
    bridges = [each[1] for each in site.plane.told if each[0] == "bridge"]
    assert bridges == [second], "before the routine caller who waits"


def test_another_number_takes_a_caller_who_hears_it_ring_and_is_recorded_on() -> None:
    site, leg = overflowing()
    assert site.pool.placed == [("c-2", "first", OTHER)]
    assert played(site, leg)[-1] == (RINGING_TONE, True)
    assert site.calls.overflows.may_ring(OTHER) is None
    other = answer(site, "c-2")
    assert site.plane.told[-2:] == [("stop playing", leg), ("bridge", leg, other)]
    site.seat()
    site.calls.serve(site.now)
    assert site.board.state_of("1001") is AgentState.READY
    assert site.pool.hung_up == []
    assert site.calls.overflows.may_ring("+442079460111") == NOBODY_DIALS


def test_the_overflow_goes_over_the_trunks_of_the_moment_or_the_one_it_names() -> None:
    site = Site(OVERFLOWS)
    site.call()
    site.trunks = ["third"]  # saved after the start
    site.now += PATIENCE_S
    site.calls.handle_timer(site.now)
    assert [each[1:] for each in site.pool.placed] == [("third", OTHER)]
    named = Site(replace(OVERFLOWS, overflow_trunk="own"))
    named.call()
    named.now += PATIENCE_S
    named.calls.handle_timer(named.now)
    assert [each[1:] for each in named.pool.placed] == [("own", OTHER)]


def test_without_a_trunk_for_the_overflow_nobody_takes_the_caller() -> None:
    site = Site(OVERFLOWS)
    leg = site.call()
    site.trunks = []
    site.now += PATIENCE_S
    site.calls.handle_timer(site.now)
    assert site.pool.placed == [] and played(site, leg)[-1] == ("nobody", False)
    assert site.calls.overflows.may_ring(OTHER) == NOBODY_DIALS


@pytest.mark.parametrize("who", ["caller", "c-2"])
def test_when_either_hangs_up_the_other_is_hung_up(who: str) -> None:
    site, _ = overflowing()
    answer(site, "c-2")
    site.lines.receive_call_event(CallEnded(who, True, "bye"), site.now)
    assert site.pool.hung_up == [{"caller": "c-2", "c-2": "caller"}[who]]
    assert site.calls.overflows.may_ring(OTHER) == NOBODY_DIALS


def test_a_caller_who_gives_up_while_it_rings_ends_that_call_too() -> None:
    site, _ = overflowing()
    site.lines.receive_call_event(CallEnded("caller", True, "bye"), site.now)
    assert site.pool.hung_up == ["c-2"] and len(site.calls) == 0


def test_where_the_other_number_does_not_take_the_caller_nobody_does() -> None:
    site, leg = overflowing()
    site.lines.receive_call_event(CallFailed("c-2", Outcome.BUSY, 486, ""), site.now)
    assert played(site, leg)[-1] == ("nobody", False)
    site.hear(leg)
    assert site.pool.hung_up == ["caller"]


def test_the_kill_switch_ends_an_overflow_and_the_caller_hears_the_message() -> None:
    site, leg = overflowing()
    answer(site, "c-2")
    site.calls.kill("goodbye", site.now)
    assert site.pool.hung_up == ["c-2"]
    assert played(site, leg)[-1] == ("goodbye", False)


@pytest.mark.parametrize("answered", [True, False])
def test_the_next_process_goes_on_with_an_overflow_that_was_answered(answered: bool) -> None:
    site, leg = overflowing()
    if answered:
        answer(site, "c-2")
    line, other_line = site.lines._by_leg["caller"], site.lines._by_leg["c-2"]
    note, other_note = site.calls.line_note(line), site.calls.overflows.line_note(other_line)
    assert note is not None and other_note is not None
    after = Site(OVERFLOWS)
    taken = Line("caller", after.calls, leg, b"", answered=True)
    theirs = Line("c-2", after.calls.overflows, other_line.media, b"", answered=answered)
    for each in (taken, theirs):
        after.lines.add(each)
    after.calls.take_up(taken, note, [OVERFLOWS], after.now)
    caller = after.calls.call_of(other_note["call_ref"])
    after.calls.overflows.take_up(theirs, other_note["call_ref"], other_note["number"], caller, after.now)
    after.calls.all_taken_up(after.now)
    if answered:
        assert after.pool.hung_up == []
        after.lines.receive_call_event(CallEnded("c-2", True, "bye"), after.now)
        assert after.pool.hung_up == ["caller"]
    else:
        assert after.pool.hung_up == ["c-2"]
        assert played(after, leg) == [("nobody", False)]


def test_a_full_queue_sends_the_next_caller_on_at_once() -> None:
    site = Site(replace(OVERFLOWS, capacity=1))
    site.call("first")
    site.call("second")
    assert [number for _, _, number in site.pool.placed] == [OTHER]
    assert site.calls.waiting == 1
