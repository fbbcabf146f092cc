"""Supervisors at work: whom they hear, who hears them, from call to call, and what is noted of it."""

import pytest

from softswitch.calls.events import CallEnded, CallFailed
from softswitch.calls.outcome import Outcome
from softswitch.errors import UsageError
from softswitch.exchange.floor.seat_sound import ARRIVAL_TONE
from softswitch.exchange.floor.supervision import LEAVE, Mode, Supervision
from softswitch.exchange.floor.supervisors import IDLE_SOUND, SUPERVISION
from tests.exchange.floor.supervised_floor import Ears, Floor
from tests.exchange.telephony.browser_room import Room, Tab, on_a_loop

LISTEN, WHISPER, BARGE, TAKE_OVER = Mode


@pytest.fixture
def floor() -> Floor:
    return Floor()


def test_a_phone_is_rung_and_its_supervisor_hears_nothing_before_it_is_answered(floor: Floor) -> None:
    agent = floor.seat()
    floor.call("c-1")
    floor.supervision.begin("sue", "1001", LISTEN, floor.now)
    assert [each[1:] for each in floor.pool.rung] == [("sue", SUPERVISION)]
    assert floor.ears() == (set(), set())
    assert floor.state() == ("listen", "ringing", "c-1")
    sue = floor.pick_up("sue")
    assert floor.ears() == ({(sue, agent)}, set())
    assert floor.state() == ("listen", "on", "c-1")
    assert floor.plane.played[-1] == (sue, IDLE_SOUND)


def test_modes_change_without_hanging_up_and_only_barging_reaches_the_callee(floor: Floor) -> None:
    agent = floor.seat()
    callee = floor.call("c-1").media
    sue = floor.begin(LISTEN)
    hears = {(sue, agent)}
    for mode, speaks in (
        (WHISPER, {(sue, agent)}), (BARGE, {(sue, agent), (sue, callee)}), (WHISPER, {(sue, agent)}), (LISTEN, set()),
        (BARGE, {(sue, agent), (sue, callee)}), (BARGE, {(sue, agent), (sue, callee)}), (LISTEN, set()),
    ):  # fmt: skip
        assert floor.begin(mode) == sue
        assert floor.ears() == (hears, speaks)
    assert len(floor.pool.rung) == 1
    assert floor.pool.hung_up == []


def test_a_whisper_stays_with_the_agent_from_call_to_call(floor: Floor) -> None:
    agent = floor.seat()
    sue = floor.begin(WHISPER)
    with_agent = ({(sue, agent)}, {(sue, agent)})
    assert floor.ears() == with_agent
    for number in (1, 2):
        callee = floor.call(f"c-{number}")
        assert floor.ears() == with_agent
        assert floor.state() == ("whisper", "on", f"c-{number}")
        floor.end(callee)
        assert floor.ears() == with_agent
        assert floor.state() == ("whisper", "on", "")
    assert floor.noted == [
        ("sue", "whisper", f"agent 1001, call c-{number}", "the agent's next call") for number in (1, 2)
    ]


def test_barging_is_for_one_call_and_the_next_callee_is_never_spoken_to(floor: Floor) -> None:
    agent = floor.seat()
    first = floor.call("c-1")
    sue = floor.begin(BARGE)
    floor.end(first)
    assert floor.ears() == ({(sue, agent)}, set())
    assert floor.state() == ("listen", "on", "")
    floor.call("c-2")
    assert floor.ears() == ({(sue, agent)}, set())
    assert floor.noted == [
        ("sue", "listen", "agent 1001, between calls", "the call is over"),
        ("sue", "listen", "agent 1001, call c-2", "the agent's next call"),
    ]


def test_barging_falls_back_even_where_the_next_call_follows_without_a_pause(floor: Floor) -> None:
    agent = floor.seat()
    floor.call("c-1")
    sue = floor.begin(BARGE)
    floor.call("c-2")
    assert floor.ears() == ({(sue, agent)}, set())
    assert floor.noted == [("sue", "listen", "agent 1001, call c-2", "the agent's next call")]


def test_nobody_barges_into_no_call(floor: Floor) -> None:
    floor.seat()
    with pytest.raises(UsageError, match="in no call"):
        floor.supervision.begin("sue", "1001", BARGE, floor.now)
    assert floor.pool.rung == []
    sue = floor.begin(LISTEN)
    with pytest.raises(UsageError, match="in no call"):
        floor.supervision.begin("sue", "1001", BARGE, floor.now)
    assert floor.state() == ("listen", "on", "")
    assert sue in floor.plane.open


def test_another_agent_is_chosen_without_hanging_up(floor: Floor) -> None:
    floor.seat()
    floor.call("c-1")
    sue = floor.begin(BARGE)
    floor.begin(LISTEN, agent="1002")
    assert floor.ears() == (set(), set())  # this agent's phone rings for the next call only
    assert floor.noted == [("sue", LEAVE, "agent 1001, call c-1", "on to agent 1002")]
    floor.call("c-2", "1002")
    second = floor.pick_up("1002")
    assert floor.ears() == ({(sue, second)}, set())
    assert len([each for each in floor.pool.rung if each[1] == "sue"]) == 1


def test_an_agent_whose_phone_is_rung_for_each_call_is_followed_all_the_same(floor: Floor) -> None:
    sue = floor.begin(WHISPER, agent="1002")
    legs = []
    for number in (1, 2):
        callee = floor.call(f"c-{number}", "1002")
        assert floor.ears() == (set(), set())
        legs.append(floor.pick_up("1002"))
        assert floor.ears() == ({(sue, legs[-1])}, {(sue, legs[-1])})
        floor.end(callee, "1002")
        floor.lines.receive_call_event(CallEnded(floor.ringing("1002"), False, "hang-up"), floor.now)
        assert floor.ears() == (set(), set())
        assert floor.state() == ("whisper", "on", "")
    assert legs[0] != legs[1]


def test_leaving_hangs_up_the_phone_and_disturbs_nobody_else(floor: Floor) -> None:
    agent = floor.seat()
    floor.call("c-1")
    floor.begin(BARGE)
    tom = floor.begin(LISTEN, "tom")
    floor.supervision.leave("sue", floor.now)
    floor.supervision.leave("sue", floor.now)
    assert floor.ears() == ({(tom, agent)}, set())
    assert floor.pool.hung_up == [floor.ringing("sue")]
    assert [view.supervisor for view in floor.supervision.views(floor.now)] == ["tom"]
    assert floor.noted == []  # whoever asks notes it


def test_several_supervisors_are_with_one_agent_each_in_a_mode_of_their_own(floor: Floor) -> None:
    agent = floor.seat()
    callee = floor.call("c-1")
    sue, tom = floor.begin(WHISPER), floor.begin(BARGE, "tom")
    assert floor.ears() == ({(sue, agent), (tom, agent)}, {(sue, agent), (tom, agent), (tom, callee.media)})
    floor.end(callee)
    assert floor.ears() == ({(sue, agent), (tom, agent)}, {(sue, agent)})


def test_hanging_up_is_leaving(floor: Floor) -> None:
    floor.seat()
    floor.call("c-1")
    floor.begin(WHISPER)
    floor.lines.receive_call_event(CallEnded(floor.ringing("sue"), True, "bye"), floor.now)
    assert floor.ears() == (set(), set())
    (view,) = floor.supervision.views(floor.now)
    assert (view.state, view.reason) == ("ended", "your phone was hung up")
    assert floor.noted == [("sue", LEAVE, "agent 1001, call c-1", "your phone was hung up")]
    floor.begin(LISTEN)
    assert floor.state() == ("listen", "on", "c-1")


def test_an_agent_who_logs_off_ends_it_with_a_reason(floor: Floor) -> None:
    floor.seat()
    floor.begin(LISTEN)
    floor.agents.log_out("1001", floor.now)
    floor.lines.receive_call_event(CallEnded(floor.pool.hung_up[0], False, "hang-up"), floor.now)
    (view,) = floor.supervision.views(floor.now)
    assert (view.state, view.reason) == ("ended", "agent 1001 has logged off")
    assert floor.pool.hung_up[-1] == floor.ringing("sue")
    assert floor.noted == [("sue", LEAVE, "agent 1001, between calls", "agent 1001 has logged off")]


def test_a_phone_that_is_not_answered_ends_it_with_a_reason(floor: Floor) -> None:
    floor.seat()
    floor.supervision.begin("sue", "1001", LISTEN, floor.now)
    floor.lines.receive_call_event(CallFailed(floor.ringing("sue"), Outcome.BUSY, 486, ""), floor.now)
    (view,) = floor.supervision.views(floor.now)
    assert view.state == "ended"
    assert "did not answer" in view.reason
    assert floor.lines.leg_ids() == ["leg-1"]


def test_who_cannot_be_reached_is_told_what_to_do_and_nothing_begins(floor: Floor) -> None:
    floor.seat()
    for who, words in (("una", "button for your sound"), ("tom", "not registered")):
        floor.pool.registered.discard("tom")
        with pytest.raises(UsageError, match=words):
            floor.supervision.begin(who, "1001", LISTEN, floor.now)
    with pytest.raises(UsageError, match="not logged in"):
        Floor().supervision.begin("sue", "1001", LISTEN, floor.now)
    with pytest.raises(KeyError):
        floor.supervision.begin("sue", "1009", LISTEN, floor.now)
    assert floor.supervision.views(floor.now) == ()
    assert len(floor.lines) == 1


def test_an_agent_is_muted_for_this_call_alone(floor: Floor) -> None:
    agent = floor.seat()
    callee = floor.call("c-1")
    floor.agents.mute("1001")
    assert floor.plane.muted[agent] and floor.agents.muted() == ("1001",)
    floor.end(callee)
    assert not floor.plane.muted[agent] and floor.agents.muted() == ()
    floor.call("c-2")
    assert not floor.plane.muted[agent]
    floor.agents.mute("1001")
    floor.agents.mute("1001", False)
    assert not floor.plane.muted[agent] and floor.agents.muted() == ()


def test_an_agent_who_is_muted_before_the_phone_is_answered_stays_muted(floor: Floor) -> None:
    floor.call("c-1", "1002")
    floor.agents.mute("1002")
    assert floor.plane.muted[floor.pick_up("1002")]
    assert floor.agents.muted() == ("1002",)


def test_a_call_that_ends_while_the_supervisors_phone_rings_is_not_barged_into_any_more(floor: Floor) -> None:
    agent = floor.seat()
    first = floor.call("c-1")
    floor.supervision.begin("sue", "1001", BARGE, floor.now)
    floor.end(first)
    floor.call("c-2")
    sue = floor.pick_up("sue")
    assert floor.ears() == ({(sue, agent)}, set())


def test_the_next_process_goes_on_with_it(floor: Floor) -> None:
    agent = floor.seat()
    callee = floor.call("c-1")
    sue = floor.begin(BARGE)
    tom = floor.begin(LISTEN, "tom")
    floor.supervision.leave("tom", floor.now)
    notes = {leg: floor.lines.note_of(leg) for leg in (floor.ringing("sue"), "leg-1")}
    assert floor.lines.note_of(floor.ringing("tom")) is None

    other = Floor()
    other.plane.open |= {agent, callee.media, sue, tom}
    other.lines.add(callee)
    for leg_id, owner in ((floor.ringing("sue"), other.supervisors), ("leg-1", other.agents)):
        media, note = notes[leg_id] or (0, {})
        line = other.lines.take_up(media, note, owner, other.now)
        if owner is other.supervisors:
            other.supervisors.take_up(line, note["owner"], other.now)
        else:
            other.agents.take_up(line, note["owner"], {"c-1": callee}.get, other.now)
    other.in_.add("1001")
    assert other.ears() == (set(), set())
    other.supervision.all_taken_up(other.now)
    assert other.ears() == ({(sue, agent)}, {(sue, agent), (sue, callee.media)})
    assert other.state() == ("barge", "on", "c-1")
    assert other.noted == []
    other.agents.release("1001", other.now)
    assert other.ears() == ({(sue, agent)}, set())


def test_what_an_agents_phone_is_told_does_not_tell_of_supervisors(floor: Floor) -> None:
    floor.begin(LISTEN, agent="1002")
    floor.call("c-1", "1002")
    assert [each[1:] for each in floor.pool.rung] == [("sue", SUPERVISION), ("1002", "c-1")]


def test_a_headset_takes_the_place_of_the_phone_and_stays_after_leaving() -> None:
    def story() -> None:
        room = Room()
        ears = room.plane.supervision = Ears(room.plane)  # type: ignore[attr-defined, arg-type]
        noted: list[str] = []
        supervision = Supervision(
            room.lines, room.supervisors, room.agents, is_in=lambda agent: True,
            note=lambda supervisor, action, *, subject, reason: noted.append(reason),
            end_call=lambda call_ref, now: None,
        )  # fmt: skip
        agent = room.seat()
        agent.connect()
        room.hear(agent)
        with pytest.raises(UsageError, match="neither headset nor phone"):
            supervision.begin("sue", "1001", LISTEN, 100.0)

        tabs = []
        for _ in range(2):  # the second is a reload of the page, in the middle of it
            tab = Tab(room.plane)
            tabs.append(tab.receive_answer(room.supervisors.receive_headset("sue", tab.offer(), 100.0)))
            supervision.begin("sue", "1001", WHISPER, 100.0)
            assert ears.listens == set()
            assert supervision.views(100.0)[0].state == "ringing"
            tab.connect()
            room.carry_out()
            assert (ears.listens, ears.speaks) == ({(tab.leg, agent.leg)}, {(tab.leg, agent.leg)})

        supervision.leave("sue", 101.0)
        room.carry_out()
        assert (ears.listens, ears.speaks) == (set(), set())
        assert tabs[1].leg in room.plane.open
        supervision.begin("sue", "1001", LISTEN, 102.0)
        assert ears.listens == {(tabs[1].leg, agent.leg)}
        room.supervisors.leave("sue", 103.0)
        room.carry_out()
        assert ears.listens == set()
        (view,) = supervision.views(103.0)
        assert (view.state, view.reason) == ("ended", "the headset was put down")
        assert noted == ["the headset was put down"]

    on_a_loop(story)


def test_a_supervisor_counts_once_the_tone_was_heard_and_the_supervisor_too(floor: Floor) -> None:
    lines = floor.supervisors
    assert not lines.can_listen("sue", floor.now)  # a phone that is registered says nothing of its sound
    lines.play_tone("sue", floor.now)
    sue = floor.pick_up("sue")
    assert floor.plane.played[-1] == (sue, ARRIVAL_TONE)
    for heard in (None, sue + 1):  # nobody, or somebody on another leg
        with pytest.raises(UsageError, match="do not hear you"):
            lines.pass_test("sue", heard)
    lines.pass_test("sue", sue)
    lines.release("sue", floor.now)
    assert lines.can_listen("sue", floor.now)
    floor.pool.registered.discard("sue")
    assert not lines.can_listen("sue", floor.now)
    floor.pool.registered.add("sue")
    lines.forget_test("sue")
    assert not lines.can_listen("sue", floor.now)
    with pytest.raises(UsageError, match="neither headset nor phone"):
        lines.play_tone("una", floor.now)
    with pytest.raises(UsageError, match="do not hear you"):
        lines.pass_test("una", None)
