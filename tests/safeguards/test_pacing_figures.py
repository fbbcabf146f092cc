"""Pacing's figures, from looks on a clock of the test's own."""

from dataclasses import replace

import pytest

from softswitch.safeguards.pacing_figures import Look, PacingFigures

STEADY = Look(dials=0, live=0, missed=0.0, on_their_way=6, ready=2, at_work=12, answers=0.25, dialling=True)


def shift(figures: PacingFigures, minutes: float, look: Look, *, since: float = 0.0) -> float:
    """Steady dialling: a dial every two seconds, a live call every ten, every hundredth missed."""
    now = since
    for n in range(int(minutes * 120)):
        now = since + n / 2
        done = now
        figures.receive(replace(look, dials=int(done / 2), live=int(done / 10), missed=done / 1000), now)
    return now


def test_nothing_is_told_before_two_minutes_of_dialling() -> None:
    figures = PacingFigures()
    shift(figures, 1.5, STEADY)
    found = (figures.dials_per_agent, figures.idle_s, figures.expected_idle_s, figures.live_per_s)
    assert found == (None, None, None, None)
    shift(held := PacingFigures(), 10, replace(STEADY, dialling=False))
    assert held.live_per_s is None


def test_a_steady_shift_has_the_figures_that_its_counts_come_to() -> None:
    figures = PacingFigures()
    shift(figures, 20, STEADY)
    assert figures.dials_per_agent == pytest.approx(0.5)
    assert figures.idle_s == pytest.approx(20.0, rel=0.03)  # two agents wait, a conversation every ten seconds
    assert figures.expected_idle_s == pytest.approx(3 / (0.5 * 0.25), rel=0.03)
    assert figures.live_per_s == pytest.approx(0.101, rel=0.03)


def test_the_look_back_is_a_quarter_of_an_hour() -> None:
    figures = PacingFigures()
    now = shift(figures, 30, replace(STEADY, on_their_way=12))
    for n in range(1, 2 * 900 + 20):
        at = now + n / 2
        figures.receive(replace(STEADY, dials=int(at / 2), live=int(at / 10), missed=at / 1000), at)
    assert figures.dials_per_agent == pytest.approx(0.5, rel=0.02)


def test_at_midnight_the_counts_begin_anew() -> None:
    figures = PacingFigures()
    now = shift(figures, 10, STEADY)
    figures.receive(replace(STEADY, dials=0, live=0, missed=0.0), now + 0.5)
    assert figures.live_per_s is None


def test_without_agents_or_answers_there_is_nothing_to_divide_by() -> None:
    figures = PacingFigures()
    shift(figures, 5, replace(STEADY, at_work=0, ready=0, answers=0.0))
    assert (figures.dials_per_agent, figures.expected_idle_s) == (None, None)
