"""A floor without sound: agents, callees, supervisors with phones, and who hears whom on which leg."""

from collections.abc import Callable

from softswitch.calls.events import CallAnswered, CallOffered, Origin
from softswitch.config import Connect
from softswitch.errors import UsageError
from softswitch.exchange.floor.agents import AgentLines
from softswitch.exchange.floor.supervision import Mode, Supervision
from softswitch.exchange.floor.supervisors import SupervisorLines
from softswitch.exchange.telephony.headsets import Headsets
from softswitch.exchange.telephony.line import Line
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.events import LegStatistics
from softswitch.sdp.negotiate import make_answer, make_offer

US, THEIRS = "198.51.100.1", "192.0.2.9"


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

    def signals_from(self, leg_id: str) -> str:
        return ""

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
