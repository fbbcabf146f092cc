"""Supervisors at work: whom they hear, who hears them, from call to call, and what is noted of it."""

from collections.abc import Callable

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed, CallOffered, Origin
from softswitch.calls.outcome import Outcome
from softswitch.config import Connect
from softswitch.errors import UsageError
from softswitch.exchange.agents import ARRIVAL_TONE, AgentLines
from softswitch.exchange.headsets import Headsets
from softswitch.exchange.line import Line
from softswitch.exchange.lines import Lines
from softswitch.exchange.supervision import LEAVE, Mode, Supervision
from softswitch.exchange.supervisors import IDLE_SOUND, SUPERVISION, SupervisorLines
from softswitch.media.events import LegStatistics
from softswitch.sdp.negotiate import make_answer, make_offer
from tests.exchange.test_headsets import Room, Tab, on_a_loop

US, THEIRS = "198.51.100.1", "192.0.2.9"
LISTEN, WHISPER, BARGE, TAKE_OVER = Mode


class Ears:
    """`plane.supervision`, as far as one can tell from outside: who hears what is said on which leg."""

    def __init__(self, plane: "Plane") -> None:
        self.plane = plane
        self.listens: set[tuple[int, int]] = set()
        self.speaks: set[tuple[int, int]] = set()

    def listen(self, supervisor: int, leg: int) -> None:
        self._open(supervisor, leg)
        self.listens.add((supervisor, leg))

    def speak(self, supervisor: int, leg: int) -> None:
        self._open(supervisor, leg)
        self.speaks.add((supervisor, leg))

    def stop_listening(self, supervisor: int) -> None:
        self.listens = {each for each in self.listens if each[0] != supervisor}

    def stop_speaking(self, supervisor: int, leg: int) -> None:
        self.speaks.discard((supervisor, leg))

    def close(self, leg: int) -> None:
        self.listens = {each for each in self.listens if leg not in each}
        self.speaks = {each for each in self.speaks if leg not in each}

    def _open(self, *legs: int) -> None:
        if not self.plane.open.issuperset(legs):
            raise UsageError("this leg is not open")


class Plane:
    def __init__(self) -> None:
        self.open: set[int] = set()
        self.supervision = Ears(self)
        self.bridges: set[frozenset[int]] = set()
        self.heard: dict[int, int] = {}
        """Packets, by leg."""
        self.muted: dict[int, bool] = {}
        self.played: list[tuple[int, str]] = []
        self._next = 0

    def open_leg(self) -> int:
        self._next += 1
        self.open.add(self._next)
        return self._next

    def close_leg(self, leg: int) -> None:
        self.open.discard(leg)
        self.supervision.close(leg)

    def port_of(self, leg: int) -> int:
        return 20_000 + 2 * leg

    def statistics(self, leg: int) -> LegStatistics:
        return LegStatistics(self.heard.get(leg, 0), 0, 0, 0)

    def play(self, leg: int, clip: str, *, loop: bool = False) -> None:
        self.played.append((leg, clip))

    def mute(self, leg: int, muted: bool) -> None:
        self.muted[leg] = muted

    def bridge(self, one: int, other: int) -> None:
        self.unbridge(one)
        self.unbridge(other)
        self.bridges.add(frozenset((one, other)))

    def unbridge(self, leg: int) -> None:
        if leg not in self.open:
            raise UsageError("this leg is not open")
        self.bridges = {each for each in self.bridges if leg not in each}

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *what, **more: None


class Pool:
    """Phones that are registered, and legs that are over once they are hung up."""

    def __init__(self) -> None:
        self.registered = {"1001", "1002", "sue", "tom"}
        self.rung: list[tuple[str, str, str]] = []
        self.hung_up: list[str] = []

    def ring_phone(self, leg_id: str, agent: str, offer: bytes, now: float, *, call_ref: str) -> None:
        if agent not in self.registered:
            raise UsageError(f"the phone of {agent!r} is not registered")
        self.rung.append((leg_id, agent, call_ref))

    def is_registered(self, who: str, now: float) -> bool:
        return who in self.registered

    def hang_up(self, leg_id: str, now: float) -> None:
        self.hung_up.append(leg_id)

    def answer(self, leg_id: str, sdp: bytes, now: float) -> None: ...
    def leg_snapshot(self, leg_id: str) -> dict[str, str]:
        return {"leg": leg_id}

    def take_up_leg(self, snapshot: dict[str, str], now: float) -> str:
        return snapshot["leg"]


class Callee:
    """Owner of callees' lines, who does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *what, **more: None


class Floor:
    """Agents 1001 (nailed up) and 1002 (rung for each call), supervisors sue and tom with phones, una without."""

    def __init__(self) -> None:
        self.plane, self.pool = Plane(), Pool()
        self.now = 100.0
        self.noted: list[tuple[str, str, str, str]] = []
        self.gone: list[str] = []
        self.ended: list[str] = []
        self._legs = 0
        self.lines = Lines(self.pool, self.plane, US, lambda: self.now, lambda event: None)  # type: ignore[arg-type]
        self.agents = AgentLines(
            self.lines, {"1001": Connect.NAILED_UP, "1002": Connect.RING_PER_CALL}, self.new_leg,
            on_arrived=lambda agent, now: self.in_.add(agent), on_gone=self._agent_gone, silence_s=0,
        )  # fmt: skip
        self.in_: set[str] = set()
        headsets = Headsets(self.lines, US, settle=lambda: None, soon=lambda call: None)
        self.supervisors = SupervisorLines(self.lines, headsets, self.new_leg, {"sue", "tom"})
        self.supervision = Supervision(
            self.lines,
            self.supervisors,
            self.agents,
            is_in=lambda agent: agent in self.in_,
            note=self._note,
            end_call=lambda call_ref, now: self.ended.append(call_ref),
        )
        self.agents.log_in("1002", self.now)

    def new_leg(self) -> str:
        self._legs += 1
        return f"leg-{self._legs}"

    def _note(self, supervisor: str, action: str, *, subject: str, reason: str) -> None:
        self.noted.append((supervisor, action, subject, reason))

    def _agent_gone(self, agent: str, now: float) -> None:
        """As the switch does it, by way of the agent board."""
        self.in_.discard(agent)
        self.supervision.agent_gone(agent, now)

    def seat(self, agent: str = "1001") -> int:
        offered = CallOffered(self.new_leg(), Origin.PHONE, agent, "login", "", make_offer(THEIRS, 4000, session_id=1))
        self.agents.receive_log_in_call(offered, self.now)
        line = self.agents.talk_of(agent).line
        assert line is not None
        return line.media

    def call(self, call_ref: str, agent: str = "1001") -> Line:
        """A callee who is connected to the agent."""
        callee = Line(call_ref, Callee(), self.plane.open_leg(), b"")  # type: ignore[arg-type]
        self.lines.add(callee)
        self.agents.connect(agent, callee, call_ref, self.now)
        return callee

    def end(self, callee: Line, agent: str = "1001") -> None:
        """The callee hangs up."""
        self.lines.end(callee, True, self.now)
        self.agents.release(agent, self.now)

    def ringing(self, who: str) -> str:
        return next(leg_id for leg_id, name, _ in reversed(self.pool.rung) if name == who)

    def pick_up(self, who: str) -> int:
        """The phone that rings is answered; its media leg."""
        line = self.lines._by_leg[self.ringing(who)]
        answer = make_answer(line.offer, THEIRS, 5000, session_id=1)[0]
        self.lines.receive_call_event(CallAnswered(line.leg_id, answer), self.now)
        return line.media

    def begin(self, mode: Mode, who: str = "sue", agent: str = "1001") -> int:
        self.supervision.begin(who, agent, mode, self.now)
        line = self.supervisors.line_of(who)
        return self.pick_up(who) if line is None else line.media

    def ears(self) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
        return self.plane.supervision.listens, self.plane.supervision.speaks

    def state(self, who: str = "sue") -> tuple[str, str, str]:
        return next((v.mode, v.state, v.call_ref) for v in self.supervision.views(self.now) if v.supervisor == who)


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
    for who, words in (("una", "supervisors"), ("tom", "not registered")):
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


def test_a_supervisor_counts_once_the_tone_was_heard_and_the_supervisor_too(floor: Floor) -> None:
    lines = floor.supervisors
    assert not lines.can_listen("sue", floor.now)  # a phone that is registered says nothing of its sound
    lines.play_tone("sue", floor.now)
    sue = floor.pick_up("sue")
    assert floor.plane.played[-1] == (sue, ARRIVAL_TONE)
    with pytest.raises(UsageError, match="do not hear you"):
        lines.pass_test("sue")
    floor.plane.heard[sue] = 12
    lines.pass_test("sue")
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
        lines.pass_test("una")
