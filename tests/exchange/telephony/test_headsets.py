"""Browser headsets as lines: of agents for a shift, of supervisors, and what becomes of them."""

import time

import pytest

from softswitch.config import Connect
from softswitch.errors import PeerError
from softswitch.exchange.floor.seat_sound import ARRIVAL_TONE, IDLE_SOUND
from softswitch.exchange.telephony.line import Line
from softswitch.media.events import LegStatistics
from tests.exchange.telephony.browser_room import HOME, Room, Tab, on_a_loop


@pytest.mark.parametrize("connect", Connect)
def test_an_agent_arrives_once_the_browser_is_heard(connect: Connect) -> None:
    def story() -> None:
        room = Room(connect)
        tab = room.seat()
        tab.connect()
        assert room.plane.told == [
            ("connect", tab.leg, HOME, "PCMU"), ("hold", tab.leg, False), ("play", tab.leg, IDLE_SOUND),
        ]  # fmt: skip
        assert room.news == []
        room.hear(tab)
        assert room.news == [("arrived", "1001")]
        assert room.settled == 1

    on_a_loop(story)


def test_a_headset_stays_from_call_to_call_even_where_phones_are_rung_for_each() -> None:
    def story() -> None:
        room = Room(Connect.RING_PER_CALL)
        tab = room.seat()
        tab.connect()
        room.hear(tab)
        caller = Line("caller", room.agents, room.plane.open_leg(), b"")
        room.plane.told.clear()
        room.agents.connect("1001", caller, "c-1", 101.0)
        assert ("bridge", caller.media, tab.leg) in room.plane.told
        assert ("play", tab.leg, ARRIVAL_TONE) in room.plane.told
        room.agents.mute("1001")
        assert room.plane.told[-1] == ("mute", tab.leg, True)
        room.agents.release("1001", 102.0)
        assert ("unbridge", tab.leg) in room.plane.told
        assert tab.leg in room.plane.open
        assert room.agents.is_in("1001")

    on_a_loop(story)


def test_a_tab_that_is_closed_ends_the_shift() -> None:
    def story() -> None:
        room = Room()
        tab = room.seat()
        tab.connect()
        tab.say(*tab.peer.close(time.monotonic()))
        assert room.news == [("gone", "1001")]
        assert tab.leg not in room.plane.open
        assert len(room.lines) == 0

    on_a_loop(story)


@pytest.mark.parametrize("ended_by", ["log_out", "end_headset"])
def test_our_end_is_said_to_the_browser_and_told_once(ended_by: str) -> None:
    def story() -> None:
        room = Room()
        tab = room.seat()
        tab.connect()
        getattr(room.agents, ended_by)("1001", 101.0)
        assert room.plane.sent  # a goodbye
        room.agents.log_out("1001", 101.0)
        room.carry_out()
        assert room.news == [("gone", "1001")]
        assert room.plane.open == set()
        assert room.pool.hung_up == []

    on_a_loop(story)


def test_a_second_tab_takes_the_place_of_the_first() -> None:
    def story() -> None:
        room = Room()
        first = room.seat()
        first.connect()
        room.hear(first)
        second = room.seat()
        room.carry_out()
        second.connect()
        room.hear(second)
        assert room.news == [("arrived", "1001"), ("gone", "1001"), ("arrived", "1001")]
        assert room.plane.open == {second.leg}

    on_a_loop(story)


def in_a_call(room: Room) -> tuple[Tab, Line]:
    tab = room.seat()
    tab.connect()
    room.hear(tab)
    callee = Line("callee", room.agents, room.plane.open_leg(), b"")
    room.agents.connect("1001", callee, "c-1", 101.0, notice="notice")
    room.plane.told.clear()
    return tab, callee


@pytest.mark.parametrize("connect", Connect)
@pytest.mark.parametrize("says_goodbye", [True, False])
def test_a_page_that_is_loaded_anew_goes_on_with_its_call(connect: Connect, says_goodbye: bool) -> None:
    def story() -> None:
        room = Room(connect)
        first, callee = in_a_call(room)
        room.agents.mute("1001")
        if says_goodbye:
            first.say(*first.peer.close(time.monotonic()))
            assert ("unbridge", callee.media) in room.plane.told
            assert room.agents.call_of("1001") == "c-1"
            assert room.agents.is_away("1001")
        second = room.seat()
        second.connect()
        room.carry_out()
        assert room.plane.told[-3:] == [
            ("mute", second.leg, True), ("bridge", callee.media, second.leg), ("play", second.leg, ARRIVAL_TONE),
        ]  # fmt: skip
        assert ("stop_playing", callee.media) in room.plane.told
        assert not room.agents.is_away("1001")
        room.hear(second)
        room.agents.look(120.0)
        assert room.news == [("arrived", "1001")]
        assert room.plane.open == {callee.media, second.leg}

    on_a_loop(story)


@pytest.mark.parametrize("is_half_back", [True, False])
def test_whose_page_does_not_come_back_is_gone_after_ten_seconds(is_half_back: bool) -> None:
    def story() -> None:
        room = Room()
        first, callee = in_a_call(room)
        first.say(*first.peer.close(time.monotonic()))
        if is_half_back:
            room.seat().connect()  # and is never heard
        room.agents.look(109.9)
        assert room.news == [("arrived", "1001")]
        room.agents.look(110.1)
        room.carry_out()
        assert room.news == [("arrived", "1001"), ("gone", "1001")]
        assert room.plane.open == {callee.media}
        assert room.agents.call_of("1001") == ""

    on_a_loop(story)


def test_a_call_that_ends_while_its_agent_is_away_leaves_the_place_to_the_page_that_comes_back() -> None:
    def story() -> None:
        room = Room()
        first, _ = in_a_call(room)
        first.say(*first.peer.close(time.monotonic()))
        room.agents.release("1001", 102.0)
        second = room.seat()
        second.connect()
        room.hear(second)
        assert not any(each[0] == "bridge" for each in room.plane.told)
        assert room.news == [("arrived", "1001")]
        assert room.agents.is_in("1001")

    on_a_loop(story)


def test_who_comes_back_does_not_take_a_callee_from_a_supervisor() -> None:
    def story() -> None:
        room = Room()
        first, callee = in_a_call(room)
        room.agents.part("1001")
        first.say(*first.peer.close(time.monotonic()))
        second = room.seat()
        second.connect()
        room.hear(second)
        assert not any(each[0] in ("bridge", "stop_playing") for each in room.plane.told)
        room.agents.rejoin("1001")
        assert room.plane.told[-1] == ("bridge", callee.media, second.leg)

    on_a_loop(story)


def test_an_offer_that_cannot_be_changes_nothing() -> None:
    def story() -> None:
        room = Room()
        tab = room.seat()
        tab.connect()
        with pytest.raises(PeerError):
            room.agents.receive_headset("1001", b"v=0\r\n", 101.0)
        assert room.plane.open == {tab.leg}
        assert room.news == []

    on_a_loop(story)


def test_an_agent_without_a_headset_keeps_the_phone_when_a_headset_is_ended() -> None:
    def story() -> None:
        room = Room()
        room.agents.end_headset("1001", 101.0)
        with pytest.raises(KeyError):
            room.agents.end_headset("1009", 101.0)
        assert room.pool.hung_up == []

    on_a_loop(story)


def test_a_browser_that_vanishes_without_a_goodbye_is_missed_as_a_phone_is() -> None:
    def story() -> None:
        room = Room(silence_s=5.0)
        tab = room.seat()
        tab.connect()
        room.plane.statistics = lambda leg: LegStatistics(9, 0, 0, 0)  # type: ignore[method-assign]
        room.agents.look(101.0)
        room.agents.look(107.0)
        room.carry_out()
        assert room.news == [("gone", "1001")]
        assert room.plane.open == set()

    on_a_loop(story)


@pytest.mark.parametrize("is_opened_again", [True, False])
def test_a_tab_that_is_killed_in_a_call_is_waited_for_as_one_that_is_loaded_anew(is_opened_again: bool) -> None:
    def story() -> None:
        room = Room(silence_s=3.0)
        _, callee = in_a_call(room)
        room.plane.statistics = lambda leg: LegStatistics(9, 0, 0, 0)  # type: ignore[method-assign]
        room.agents.look(101.0)  # heard for the last time
        room.agents.look(104.1)
        room.carry_out()
        assert room.agents.is_away("1001")
        assert room.agents.call_of("1001") == "c-1"
        assert ("play", callee.media, IDLE_SOUND) in room.plane.told
        assert room.plane.open == {callee.media}
        if is_opened_again:
            second = room.seat()
            second.connect()
            room.hear(second)
            assert ("bridge", callee.media, second.leg) in room.plane.told
        room.agents.look(110.9)
        assert room.news == [("arrived", "1001")]
        room.plane.statistics = lambda leg: LegStatistics(99, 0, 0, 0)  # type: ignore[method-assign]
        room.agents.look(111.1)  # ten seconds after it was heard
        assert room.news == [("arrived", "1001")] + ([] if is_opened_again else [("gone", "1001")])
        assert room.agents.is_away("1001") is False

    on_a_loop(story)


def test_the_next_process_goes_on_with_a_headset() -> None:
    def story() -> None:
        room = Room()
        tab = room.seat()
        assert room.lines.note_of(room.lines.leg_ids()[0]) is None  # not connected: nothing to go on with
        tab.connect()
        media, note = room.lines.note_of(room.lines.leg_ids()[0]) or (0, {})
        assert media == tab.leg
        other = Room()
        other.plane.open.add(media)
        line = other.lines.take_up(media, note, other.agents, 100.0)
        other.agents.take_up(line, note["owner"], lambda leg_id: None, 100.0)
        tab.plane = other.plane
        before = tab.peer.answered_checks
        tab.say(tab.peer.check())
        assert tab.peer.answered_checks == before + 1
        assert other.agents.is_in("1001")
        other.agents.log_out("1001", 101.0)
        other.carry_out()
        assert other.news == [("gone", "1001")]

    on_a_loop(story)


def test_a_supervisor_has_one_headset() -> None:
    def story() -> None:
        room = Room()
        tabs = [Tab(room.plane), Tab(room.plane)]
        for tab in tabs:
            tab.receive_answer(room.supervisors.receive_headset("sue", tab.offer(), 100.0))
        room.carry_out()
        assert room.supervisors.line_of("sue") is None
        tabs[1].connect()
        line = room.supervisors.line_of("sue")
        assert line is not None
        assert line.media == tabs[1].leg
        assert room.plane.open == {tabs[1].leg}
        room.supervisors.leave("sue", 101.0)
        room.supervisors.leave("sue", 101.0)
        room.carry_out()
        assert room.supervisors.line_of("sue") is None
        assert room.plane.open == set()

    on_a_loop(story)
