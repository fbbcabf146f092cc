"""An agent's hours end: who waits is logged out, who talks talks on and is given no other call."""

from types import SimpleNamespace

import pytest

from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.exchange.running.reports import SHIFT_OVER, Reports


@pytest.fixture
def board() -> AgentBoard:
    board = AgentBoard()
    for agent in ("waits", "talks", "may", "away"):
        board.receive_state(agent, AgentState.READY, 0.0)
    board.receive_state("away", AgentState.OFFLINE, 0.0)
    assert board.reserve_longest_waiting(1.0, "c1", "survey", ["talks"]) == "talks"
    return board


def test_nobody_whose_hours_are_over_gets_another_call(board: AgentBoard) -> None:
    logged_out: list[str] = []
    asked: list[str] = []

    def refuse(agent: str) -> str:
        asked.append(agent)
        return "" if agent == "may" else "outside the roster's hours"

    reports = Reports()
    reports.site = SimpleNamespace(  # type: ignore[assignment]
        settings=SimpleNamespace(agents=[SimpleNamespace(id=each) for each in ("waits", "talks", "may", "away")]),
        board=board,
        admissions=SimpleNamespace(refuse=refuse),
        agents=SimpleNamespace(log_out=lambda agent, now: logged_out.append(agent)),
    )
    reports._end_shifts(2.0)
    assert logged_out == ["waits"]
    assert asked == ["waits", "talks", "may"], "who is not there is not refused"
    assert board.state_of("talks") is AgentState.RESERVED, "the call goes on"
    board.release("talks", "c1", 3.0)
    (talks,) = [each for each in board.figures(3.0) if each.agent == "talks"]
    assert (talks.state, talks.code) == (AgentState.PAUSED, SHIFT_OVER)
    reports._end_shifts(4.0)
    assert logged_out == ["waits", "waits", "talks"]
    assert board.state_of("may") is AgentState.READY
