"""Taking a call over from an agent: who is joined to whom, and how it ends."""

import pytest

from softswitch.calls.events import CallEnded
from softswitch.calls.outcome import Outcome
from softswitch.errors import UsageError
from softswitch.exchange.floor.supervision import Mode
from softswitch.exchange.floor.supervisors import IDLE_SOUND
from tests.exchange.floor.supervised_floor import Floor

LISTEN, WHISPER, BARGE, TAKE_OVER = Mode


@pytest.fixture
def floor() -> Floor:
    return Floor()


def test_who_takes_a_call_over_is_joined_to_the_callee_and_the_agent_to_nobody(floor: Floor) -> None:
    agent = floor.seat()
    callee = floor.call("c-1").media
    assert floor.plane.bridges == {frozenset((agent, callee))}
    sue = floor.begin(TAKE_OVER)
    assert floor.plane.bridges == {frozenset((sue, callee))}
    assert floor.ears() == (set(), set())
    assert floor.plane.played[-1] == (agent, IDLE_SOUND)
    assert floor.state() == ("take_over", "on", "c-1")
    assert (floor.supervision.holder_of("1001"), floor.ended) == ("sue", [])


def test_a_call_that_was_taken_over_is_given_back_by_another_mode(floor: Floor) -> None:
    agent = floor.seat()
    callee = floor.call("c-1").media
    sue = floor.begin(TAKE_OVER)
    floor.agents.mute("1001")
    floor.begin(LISTEN)
    assert floor.plane.bridges == {frozenset((agent, callee))}
    assert floor.plane.muted[agent] is True
    assert floor.ears() == ({(sue, agent)}, set())
    assert floor.supervision.holder_of("1001") == ""


def test_a_call_that_was_taken_over_ends_with_whoever_has_taken_it(floor: Floor) -> None:
    floor.seat()
    floor.call("c-1")
    sue = floor.begin(TAKE_OVER)
    floor.supervision.leave("sue", floor.now)
    assert floor.ended == ["c-1"]
    assert not any(sue in each for each in floor.plane.bridges)


def test_a_phone_that_is_hung_up_ends_the_call_that_it_had_taken_over(floor: Floor) -> None:
    floor.seat()
    floor.call("c-1")
    floor.begin(TAKE_OVER)
    floor.lines.receive_call_event(CallEnded(floor.ringing("sue"), Outcome.ANSWERED, True), floor.now)
    assert floor.ended == ["c-1"]
    assert floor.state()[1] == "ended"


def test_taking_over_is_for_one_call_and_its_end_lets_the_supervisor_listen_again(floor: Floor) -> None:
    agent = floor.seat()
    callee = floor.call("c-1")
    sue = floor.begin(TAKE_OVER)
    floor.end(callee)
    assert floor.plane.bridges == set()
    assert floor.ears() == ({(sue, agent)}, set())
    second = floor.call("c-2").media
    assert floor.plane.bridges == {frozenset((agent, second))}
    assert floor.state() == ("listen", "on", "c-2")
    assert floor.ended == []


def test_others_who_listen_hear_the_callee_and_the_supervisor_who_has_taken_over(floor: Floor) -> None:
    agent = floor.seat()
    callee = floor.call("c-1").media
    tom = floor.begin(LISTEN, "tom")
    floor.begin(TAKE_OVER)
    assert floor.ears() == ({(tom, callee)}, set())
    floor.begin(BARGE)
    assert (tom, agent) in floor.ears()[0]


def test_a_call_is_taken_over_by_one_supervisor_who_stays_with_it(floor: Floor) -> None:
    floor.seat()
    with pytest.raises(UsageError, match="in no call"):
        floor.supervision.begin("sue", "1001", TAKE_OVER, floor.now)
    floor.call("c-1")
    floor.begin(TAKE_OVER)
    with pytest.raises(UsageError, match="sue has taken this call"):
        floor.supervision.begin("tom", "1001", TAKE_OVER, floor.now)
    with pytest.raises(UsageError, match="give it back"):
        floor.supervision.begin("sue", "1002", LISTEN, floor.now)


def test_a_process_that_takes_over_joins_the_callee_to_the_supervisor_again(floor: Floor) -> None:
    floor.seat()
    callee = floor.call("c-1").media
    sue = floor.begin(TAKE_OVER)
    note = floor.supervision.snapshot("sue")
    floor.plane.bridges.clear()
    session = floor.supervision._sessions.pop("sue")
    assert session.taken == callee
    floor.supervision.take_up("sue", note, floor.now)
    floor.supervision.all_taken_up(floor.now)
    assert floor.plane.bridges == {frozenset((sue, callee))}
