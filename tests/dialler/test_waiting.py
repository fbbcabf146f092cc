"""Callers who wait: what they hear, who is next, and when somebody else is to take them."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from softswitch.dialler.waiting import GiveUp, Hear, Overflow, QueuePlan, WaitingEvent, WaitingRoom
from softswitch.errors import UsageError

PLAN = QueuePlan("claims", greeting=("welcome", "recorded"), music="harp", patience_s=300)
NUMBERED = replace(
    PLAN, greeting=(), positions=("you are next", "one before you"), waits=((60, "a minute"), (300, "five minutes"))
)


def told(room: WaitingRoom) -> list[WaitingEvent]:
    events = []
    while (event := room.next_event()) is not None:
        events.append(event)
    return events


def heard(room: WaitingRoom) -> list[str]:
    return [event.clip for event in told(room) if isinstance(event, Hear)]


def test_the_greeting_is_heard_whole_before_music_and_before_any_agent() -> None:
    room = WaitingRoom()
    room.enter("a", PLAN, 0.0)
    assert told(room) == [Hear("a", "welcome", False)] and room.next_callers() == []
    room.receive_clip_ended("a", 3.0)
    assert told(room) == [Hear("a", "recorded", False)] and room.next_callers() == []
    room.receive_clip_ended("a", 6.0)
    assert told(room) == [Hear("a", "harp", True)] and room.next_callers() == ["a"]


def test_the_first_to_come_is_the_first_to_be_served_within_the_queue_of_the_highest_priority() -> None:
    room = WaitingRoom()
    plain, urgent = replace(PLAN, greeting=()), replace(PLAN, name="victims", greeting=(), priority=5)
    for call_ref, plan, at in (("a", plain, 0.0), ("b", plain, 1.0), ("c", urgent, 2.0), ("d", urgent, 3.0)):
        room.enter(call_ref, plan, at)
    assert room.next_callers() == ["c", "d", "a", "b"]
    assert [room.place_of(each) for each in "abcd"] == [1, 2, 1, 2]


def test_place_and_wait_are_told_again_and_again_and_the_music_goes_on_behind_them() -> None:
    room = WaitingRoom()
    room.enter("first", NUMBERED, 0.0)
    room.enter("second", NUMBERED, 5.0)
    told(room)
    assert room.next_timer() == 30.0
    room.handle_timer(30.0)
    assert told(room) == [Hear("first", "you are next", False)], "nobody was served yet, so no wait is known"
    room.receive_clip_ended("first", 32.0)
    assert told(room) == [Hear("first", "harp", True)]
    room.serve("first", 40.0)
    room.handle_timer(35.0 + 10.0)
    assert told(room) == [Hear("second", "you are next", False)]
    room.receive_clip_ended("second", 47.0)
    assert told(room) == [Hear("second", "a minute", False)], "the first one took 40 s"
    room.receive_clip_ended("second", 48.0)
    assert told(room) == [Hear("second", "harp", True)]
    room.handle_timer(75.0)
    assert told(room) == [Hear("second", "you are next", False)]


def test_the_expected_wait_is_learnt_from_those_who_were_served_and_grows_with_the_place() -> None:
    room = WaitingRoom()
    for n in range(12):
        room.enter(str(n), NUMBERED, float(n) / 1000)
    for n in range(9):
        room.serve(str(n), 50.0 * (n + 1))
    assert room.place_of("11") == 3
    assert room.expected_wait_s("9") == pytest.approx(50, abs=1)
    assert room.expected_wait_s("11") == pytest.approx(150, abs=3)


def test_a_wait_above_the_last_limit_is_told_as_the_last_and_a_place_beyond_the_last_is_not_told() -> None:
    room = WaitingRoom()
    for n in range(4):
        room.enter(str(n), NUMBERED, float(n))
    room.serve("0", 250.0)
    told(room)
    room.handle_timer(250.0)
    third = [event.clip for event in told(room) if isinstance(event, Hear) and event.call_ref == "3"]
    assert third == ["five minutes"], "750 s are expected, and there are no words for the third place"


def test_patience_begins_when_the_greeting_ends_and_then_somebody_else_takes_the_caller() -> None:
    for plan, event in (
        (replace(PLAN, patience_s=20), GiveUp("a")),
        (replace(PLAN, patience_s=300, overflow_after_s=20), Overflow("a")),
    ):
        room = WaitingRoom()
        room.enter("a", plan, 0.0)
        room.handle_timer(1000.0)
        room.receive_clip_ended("a", 1000.0)
        room.receive_clip_ended("a", 1001.0)
        told(room)
        assert room.next_timer() == 1021.0
        room.handle_timer(1020.9)
        assert told(room) == []
        room.handle_timer(1021.0)
        assert told(room) == [event]
        assert room.next_callers() == [] and room.next_timer() is None and len(room) == 0


def test_a_full_queue_takes_no_more() -> None:
    room = WaitingRoom()
    small = replace(PLAN, greeting=(), capacity=2)
    for call_ref in "abc":
        room.enter(call_ref, small, 0.0)
    assert told(room)[-1] == GiveUp("c")
    room.serve("a", 1.0)
    room.enter("d", small, 2.0)
    assert room.next_callers() == ["b", "d"]


def test_a_caller_whose_agent_vanished_keeps_the_place_and_has_new_patience() -> None:
    room = WaitingRoom()
    for at, call_ref in enumerate("ab"):
        room.enter(call_ref, replace(PLAN, greeting=()), float(at))
    room.serve("a", 10.0)
    told(room)
    room.handle_timer(400.0)
    assert told(room) == [GiveUp("b")]
    room.enter("c", replace(PLAN, greeting=()), 400.0)
    told(room)
    room.take_back("a", 400.0)
    assert told(room) == [Hear("a", "harp", True)]
    assert room.next_callers() == ["a", "c"]
    room.handle_timer(699.0)
    assert told(room) == []


def test_another_process_goes_on_with_every_caller() -> None:
    room, other = WaitingRoom(), WaitingRoom()
    plan = replace(PLAN, patience_s=100)
    room.enter("greeted", plan, 0.0)
    room.enter("waits", replace(plan, greeting=()), 1.0)
    room.enter("served", replace(plan, greeting=()), 2.0)
    room.serve("served", 3.0)
    for call_ref in ("greeted", "waits", "served"):
        snapshot = room.snapshot(call_ref)
        assert snapshot is not None
        other.restore(call_ref, plan, snapshot, 50.0)
    assert told(other) == [Hear("greeted", "welcome", False)]
    assert other.next_callers() == ["waits"]
    other.handle_timer(101.0)
    assert told(other) == [GiveUp("waits")]
    other.take_back("served", 102.0)
    assert other.next_callers() == ["served"]
    with pytest.raises(UsageError):
        other.restore("x", plan, {"stage": "asleep"}, 0.0)
    assert room.snapshot("nobody") is None


class Waiting(RuleBasedStateMachine):
    """Whoever comes is greeted, waits, is served or given up, in order; nobody is told of twice or forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.room = WaitingRoom()
        self.now = 0.0
        self.came: list[str] = []
        self.waiting: list[str] = []
        self.greeted: dict[str, int] = {}
        self.served: set[str] = set()
        self.plan = replace(PLAN, patience_s=60, positions=("first",))

    def take(self) -> None:
        for event in told(self.room):
            if isinstance(event, GiveUp):
                assert event.call_ref in self.waiting
                self.waiting.remove(event.call_ref)
            elif isinstance(event, Hear):
                assert event.call_ref in self.waiting or event.call_ref in self.greeted
                if event.loop:
                    assert event.call_ref not in self.greeted

    @rule()
    def enter(self) -> None:
        call_ref = f"c{len(self.came)}"
        self.came.append(call_ref)
        self.greeted[call_ref] = len(self.plan.greeting)
        self.room.enter(call_ref, self.plan, self.now)
        self.take()

    @precondition(lambda self: self.greeted)
    @rule(data=st.data())
    def clip_ends(self, data: st.DataObject) -> None:
        call_ref = data.draw(st.sampled_from(sorted(self.greeted)))
        self.greeted[call_ref] -= 1
        if not self.greeted[call_ref]:
            del self.greeted[call_ref]
            self.waiting.append(call_ref)
            self.waiting.sort(key=self.came.index)
        self.room.receive_clip_ended(call_ref, self.now)
        self.take()

    @precondition(lambda self: self.waiting)
    @rule()
    def agent_is_free(self) -> None:
        call_ref = self.room.next_callers()[0]
        assert call_ref == self.waiting.pop(0)
        self.room.serve(call_ref, self.now)
        self.served.add(call_ref)
        self.take()

    @precondition(lambda self: self.served)
    @rule(data=st.data(), vanishes=st.booleans())
    def call_ends(self, data: st.DataObject, vanishes: bool) -> None:
        call_ref = data.draw(st.sampled_from(sorted(self.served)))
        self.served.remove(call_ref)
        if vanishes:
            self.waiting = sorted([*self.waiting, call_ref], key=self.came.index)
            self.room.take_back(call_ref, self.now)
        else:
            self.room.leave(call_ref)
        self.take()

    @rule(seconds=st.floats(0, 50))
    def time_goes_on(self, seconds: float) -> None:
        self.now += seconds
        self.room.handle_timer(self.now)
        self.take()

    @invariant()
    def the_same_people_wait(self) -> None:
        assert self.room.next_callers() == self.waiting
        assert len(self.room) == len(self.waiting) + len(self.greeted)


TestWaiting = Waiting.TestCase
TestWaiting.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_caller_who_is_to_be_called_back_keeps_the_place_and_hears_nothing_more() -> None:
    room = WaitingRoom()
    plan = QueuePlan("queue", music="music", offer="press-one", patience_s=20.0, announce_every_s=5.0)
    for n, call_ref in enumerate(("first", "second", "third")):
        room.enter(call_ref, plan, float(n))
    while room.next_event() is not None:
        pass
    room.handle_timer(5.0)
    assert room.next_event() == Hear("first", "press-one", loop=False)
    assert room.waits("second") and room.keep_place("second")
    assert not room.waits("second") and not room.keep_place("second")
    assert room.next_callers() == ["first", "second", "third"] and room.place_of("third") == 3
    room.handle_timer(1000.0)  # patience: the others are given up, and this one is not there to lose it
    assert room.next_callers() == ["second"]
    room.leave("second")
    assert room.waiting_in("queue") == 0
