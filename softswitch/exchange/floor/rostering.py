"""Breaks, roll checks and shift ends as configured: dialling ends in time, agents pause and come back by themselves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from softswitch.config import Settings
from softswitch.config.people import shift_of
from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.safeguards.absences import OFF_DUTY, Absences

AT_WORK = (AgentState.READY, AgentState.RESERVED, AgentState.IN_CALL, AgentState.WRAP_UP)


class Rostering:
    """Looks at the clock; tells the board when each agent will leave and be at work, and pauses whoever is away by now.

    A pause asked for in a call is granted after it. The end of a shift is `Admissions`' to carry out.
    """

    def __init__(
        self,
        settings: Settings,
        board: AgentBoard,
        set_agent: Callable[[str, AgentState, float, str], None],
        wall: Callable[[], datetime],
    ) -> None:
        self._zone = ZoneInfo(settings.site.time_zone)
        roll_checks = tuple(shift_of(text) for text in settings.people.roll_checks)
        self._absences = {
            agent.id: Absences(tuple(map(shift_of, agent.breaks)), roll_checks, agent.clearance().roster)
            for agent in settings.agents
        }
        self._board = board
        self._set_agent = set_agent
        self._wall = wall
        self._paused: dict[str, str] = {}
        """Pause code of those whom the clock has paused."""
        self._looked_at: datetime | None = None

    def look(self, now: float) -> None:
        moment = self._wall().astimezone(self._zone)
        minute = moment.replace(second=0, microsecond=0)
        for agent, absences in self._absences.items():
            if minute != self._looked_at:
                leaves = absences.next_after(moment)
                at = None if leaves is None else now + (leaves - moment.astimezone(UTC)).total_seconds()
                self._board.expect_leave(agent, at)
                if absences != Absences():
                    self._board.expect_work(agent, self._hours_to_come(absences, moment, now))
            self._pause(agent, absences.code_at(moment), now)
        self._looked_at = minute

    @staticmethod
    def _hours_to_come(absences: Absences, moment: datetime, now: float) -> list[tuple[float, float]]:
        """Of the next day and night, on the clock that every machine has."""
        utc = moment.astimezone(UTC)
        periods = absences.on_duty(moment, utc + timedelta(days=1))
        return [(now + (begin - utc).total_seconds(), now + (end - utc).total_seconds()) for begin, end in periods]

    def _pause(self, agent: str, code: str, now: float) -> None:
        state, before = self._board.state_of(agent), self._paused.get(agent, "")
        if code and code != OFF_DUTY:
            if state in AT_WORK and not self._board.will_pause(agent):
                self._paused[agent] = code
                self._set_agent(agent, AgentState.PAUSED, now, code)
        elif before:
            del self._paused[agent]
            if state is AgentState.PAUSED and self._board.code_of(agent) == before:
                self._set_agent(agent, AgentState.READY, now, "")
