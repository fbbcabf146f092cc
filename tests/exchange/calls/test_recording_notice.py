"""Callers are told first that they are recorded: all of it, before music and before any agent."""

from dataclasses import replace

import pytest

from softswitch.calls.events import CallEnded
from softswitch.dialler.agents import AgentState
from softswitch.exchange.calls.queues import PATIENCE_S, RINGING, RINGING_TONE
from softswitch.exchange.floor.seat_sound import ARRIVAL_TONE
from softswitch.exchange.telephony.line import Line
from softswitch.media.events import FirstPacketReceived
from tests.exchange.calls.inbound_site import MUSIC, NOTICE, QUEUE, Site, played


@pytest.mark.parametrize(("hears", "then"), [(MUSIC, MUSIC), (RINGING, RINGING_TONE)])
def test_a_caller_hears_the_notice_and_then_waits_as_ever(hears: str, then: str) -> None:
    site = Site(replace(QUEUE, caller_hears=hears))
    leg = site.call()
    assert site.pool.answered == ["caller"] and site.rung == []
    assert played(site, leg) == [(NOTICE, False)]
    site.hear(leg)
    assert played(site, leg) == [(NOTICE, False), (then, True)]


def test_an_agent_who_is_free_is_connected_when_the_notice_is_over_and_not_before() -> None:
    site = Site()
    site.seat()
    leg = site.call()
    site.calls.serve(site.now)
    site.lines.receive_media_event(FirstPacketReceived(leg, site.now))
    assert site.board.state_of("1001") is AgentState.READY
    assert site.plane.told == [("play", leg, NOTICE, False)]
    site.hear(leg)
    assert site.board.state_of("1001") is AgentState.RESERVED
    assert ("bridge", leg, 7) in site.plane.told
    assert site.plane.told[-1] == ("play", 7, ARRIVAL_TONE, False)
    music = site.plane.told.index(("play", leg, MUSIC, True))
    assert ("stop playing", leg) in site.plane.told[music:]


def test_patience_begins_when_the_notice_ends() -> None:
    site = Site()
    leg = site.call()
    site.now += 2 * PATIENCE_S
    site.calls.handle_timer(site.now)
    assert played(site, leg) == [(NOTICE, False)]
    site.hear(leg)
    site.calls.handle_timer(site.now + PATIENCE_S - 1)
    assert played(site, leg)[-1] == (MUSIC, True)
    site.calls.handle_timer(site.now + PATIENCE_S)
    assert played(site, leg)[-1] == ("nobody", False)


def test_a_caller_who_cannot_be_told_is_not_talked_to() -> None:
    site = Site()
    site.plane.unknown = NOTICE
    site.seat()
    site.call()
    assert site.pool.hung_up == ["caller"]
    assert site.board.state_of("1001") is AgentState.READY


def test_a_caller_who_hangs_up_in_the_notice_is_forgotten() -> None:
    site = Site()
    site.seat()
    site.call()
    site.lines.receive_call_event(CallEnded("caller", True, "bye"), site.now)
    assert len(site.calls) == 0
    assert site.board.state_of("1001") is AgentState.READY


def test_a_caller_without_a_notice_is_served_at_once() -> None:
    site = Site(replace(QUEUE, recording_notice=""))
    site.seat()
    leg = site.call()
    assert ("bridge", leg, 7) in site.plane.told


def test_the_next_process_gives_the_notice_anew_from_its_first_word() -> None:
    site = Site()
    leg = site.call()
    line = site.calls.call_of("c-1")
    assert line is not None
    note = site.calls.line_note(line)
    other = Site()
    assert other.plane.open_leg() == leg
    taken = Line("caller", other.calls, leg, b"")
    other.lines.add(taken)
    other.seat()
    assert note is not None
    other.calls.take_up(taken, note, [QUEUE], other.now)
    assert played(other, leg) == [(NOTICE, False)]
    other.calls.serve(other.now)
    assert other.board.state_of("1001") is AgentState.READY
    other.hear(leg)
    assert other.board.state_of("1001") is AgentState.RESERVED


def test_a_callee_hears_the_notice_over_the_agents_first_words() -> None:
    site = Site()
    site.seat()
    callee = Line("callee", site.calls, 40, b"")
    site.agents.connect("1001", callee, "c-2", site.now, notice=NOTICE)
    assert site.plane.told == [("bridge", 40, 7), ("play", 7, ARRIVAL_TONE, False), ("play", 40, NOTICE, False)]
    site.plane.told.clear()
    site.agents.release("1001", site.now)
    site.agents.connect("1001", callee, "c-3", site.now)
    assert ("play", 40, NOTICE, False) not in site.plane.told
