"""The wallboard's charts: the last ten minutes, and the shift by five minutes, with words and a table beside each.

Colours are those of Okabe and Ito, which people with any colour vision tell apart; states have patterns as well. Charts
are drawn as SVG, so that the page's style sheet colours their words in light and dark. What they draw comes in
tuples: the page library would wrap each value of a list, to hear of its changes.
"""

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from nicegui import ui
from nicegui.elements.echart import EChart

from softswitch.dialler.agents import AgentState
from softswitch.safeguards.campaign_views import ShiftView
from softswitch.safeguards.shift_book import Interval
from softswitch.safeguards.wallboard import WallboardView
from softswitch.web.elements import MadeOnce, Row, Rows, Text, count, named, panel, percent
from softswitch.web.history import SPAN_S, Sample

AN_HOUR = 12
"""Intervals."""
STATES = {
    AgentState.IN_CALL: "#0072B2",
    AgentState.WRAP_UP: "#E69F00",
    AgentState.READY: "#009E73",
    AgentState.RESERVED: "#56B4E9",
    AgentState.PAUSED: "#CC79A7",
}
SERIES = (("In call", "#0072B2", "in_call"), ("Ready", "#009E73", "ready"), ("Ringing", "#E69F00", "ringing"))
QUIET: dict[str, Any] = {"lineStyle": {"color": "#8593a366"}}
NOW, CONVERSATIONS, ABANDONED, AGENTS, DIALS = "Ten minutes", "Conversations", "Abandoned", "Agents", "Dials"


class _ShiftTable(Rows, component="assets/shift_table.js"):
    """The shift by the hour, as text."""


class _Chart(EChart, component="assets/chart.js"):
    """The library's chart, which does not keep the page from being drawn until ECharts is there."""


class ChartsPanel:
    """One chart at a time; which one, each tab chooses for itself."""

    def __init__(self, shift: Callable[[], ShiftView], made_once: MadeOnce) -> None:
        self._shift = shift
        self._made_once = made_once
        self._drawn: object = None
        with panel("Shift", "history") as section:
            named(section, "Charts of the shift")
            self._choice = ui.toggle([NOW, CONVERSATIONS, ABANDONED, AGENTS, DIALS], value=NOW, on_change=self._draw)
            self._choice.props(
                'unelevated dense no-caps size=sm toggle-text-color=panel aria-label="Which chart"'
            ).classes("chart-choice")
            self._chart = _Chart({}, renderer="svg").classes("chart")
            self._chart.props("role=img")
            with ui.element("div").classes("chart-foot"):
                self._words = Text("", "chart-words", tag="p")
                with ui.element("details").classes("chart-table"):
                    Text("By the hour, as a table", tag="summary")
                    self._table = _ShiftTable()
        self._samples: tuple[Sample, ...] = ()
        self._board: WallboardView | None = None

    def show(self, board: WallboardView, samples: tuple[Sample, ...]) -> None:
        self._board, self._samples = board, samples
        self._draw()

    def _draw(self) -> None:
        """Draw what is chosen, where it has changed: the last minutes with each sample, the shift twice a minute."""
        at = self._samples[-1].at if self._samples else 0.0
        state = (self._choice.value, at if self._choice.value == NOW else at // 30)
        if state == self._drawn or self._board is None:
            return
        self._drawn, which, samples = state, str(self._choice.value), self._samples
        view = self._made_once("shift", self._board, lambda _: self._shift())
        self._table.show(self._made_once("hours", self._board, lambda _: by_the_hour(view.intervals)))
        options, words = self._made_once(("chart", which), self._board, lambda _: chart_of(which, view, samples))
        self._chart.options.clear()
        self._chart.options.update(options)
        self._chart.update()
        self._words.text = words
        named(self._chart, words)


def chart_of(which: str, view: ShiftView, samples: Sequence[Sample]) -> tuple[dict[str, Any], str]:
    """A chart's options for ECharts, and the same in words."""
    steps = view.intervals
    begins = [each.begins.strftime("%H:%M") for each in steps]
    if which == CONVERSATIONS:
        values = [each.conversations * AN_HOUR for each in steps]
        bars = _bars("Conversations an hour", "#0072B2", values)
        total = sum(each.conversations for each in steps)
        return _by_time(begins, [bars]), f"{_since(steps)}{count(total)} conversations; {_last_hour(steps, 1)}."
    if which == DIALS:
        bars = _bars("Dials an hour", "#0072B2", [each.dials * AN_HOUR for each in steps])
        total = sum(each.dials for each in steps)
        return _by_time(begins, [bars]), f"{_since(steps)}{count(total)} dials; {_last_hour(steps, 0)}."
    if which == ABANDONED:
        rates = _line("Abandoned, % of live calls", "#0072B2", [round(100 * each.rate, 2) for each in steps])
        limit = _line("Limit", "#D55E00", [round(100 * view.abandoned_limit, 2)] * len(steps), dashed=True)
        now = percent(steps[-1].rate) if steps else "none"
        words = f"{_since(steps)}abandoned {now} of live calls, limit {percent(view.abandoned_limit)}."
        return _by_time(begins, [rates, limit], unit=" %"), words
    if which == AGENTS:
        stacked = [
            _bars(state.value, colour, [round(each.agents.get(state.value, 0.0), 2) for each in steps], stack="agents")
            for state, colour in STATES.items()
        ]
        last = steps[-1].agents if steps else {}
        told = ", ".join(f"{last[state]:.1f} {state.value}" for state in STATES if last.get(state, 0.0) > 0)
        return _by_time(begins, stacked, patterned=True), f"Agents in the last five minutes: {told or 'nobody'}."
    return _ten_minutes(samples)


def by_the_hour(steps: Sequence[Interval]) -> list[Row]:
    """One row an hour: dials, conversations, missed calls, rate by its end, agents in calls."""
    hours: dict[datetime, list[Interval]] = {}
    for each in steps:
        hours.setdefault(each.begins.replace(minute=0), []).append(each)
    return [
        {
            "hour": hour.strftime("%H:%M"),
            "dials": count(sum(each.dials for each in its)),
            "conversations": count(sum(each.conversations for each in its)),
            "missed": f"{sum(each.missed for each in its):.1f}".removesuffix(".0"),
            "rate": percent(its[-1].rate),
            "talking": f"{sum(each.agents.get(AgentState.IN_CALL.value, 0.0) for each in its) / len(its):.1f}",
        }
        for hour, its in hours.items()
    ]


def _ten_minutes(samples: Sequence[Sample]) -> tuple[dict[str, Any], str]:
    now = samples[-1].at if samples else 0.0
    series = [
        {
            **_line(name, colour, [(round((each.at - now) / 60, 3), getattr(each, field)) for each in samples]),
            "areaStyle": {"opacity": 0.14} if field == "in_call" else None,
        }
        for name, colour, field in SERIES
    ]
    options = _options(series)
    options["xAxis"] = {
        "type": "value", "min": -SPAN_S / 60, "max": 0, "axisLabel": {"formatter": "{value} min"},
        "splitLine": {"show": False}, "axisLine": QUIET,
    }  # fmt: skip
    last = samples[-1] if samples else None
    told = "nothing yet" if last is None else f"{last.in_call} in call, {last.ready} ready, {last.ringing} ringing"
    return options, f"The last ten minutes; now {told}."


def _by_time(
    begins: list[str], series: list[dict[str, Any]], *, unit: str = "", patterned: bool = False
) -> dict[str, Any]:
    options = _options(series, unit=unit, patterned=patterned)
    options["xAxis"] = {"type": "category", "data": begins, "axisLine": QUIET, "axisTick": {"show": False}}
    return options


def _options(series: list[dict[str, Any]], *, unit: str = "", patterned: bool = False) -> dict[str, Any]:
    return {
        "animation": False,
        "aria": {"enabled": patterned, "decal": {"show": patterned}, "label": {"enabled": False}},
        "grid": {"left": 40, "right": 10, "top": 26, "bottom": 20},
        "legend": {"top": 0, "right": 0, "itemWidth": 14, "itemHeight": 8, "selectedMode": False},
        "tooltip": {"trigger": "axis"},
        "yAxis": {
            "type": "value", "min": 0, **scale(_top(series), whole=not unit), "splitLine": QUIET,
            "axisLabel": {"formatter": "{value}" + unit},
        },
        "series": series,
    }  # fmt: skip


def scale(top: float, *, whole: bool) -> dict[str, float]:
    """An axis from 0 with a mark half-way and one at its end, at round numbers: on the smallest screen the chart is
    three lines of text high. whole: of things that are counted."""
    half = max(top / 2, 1.0 if whole else 0.01)
    tenth = 10.0 ** (math.floor(math.log10(half)) - 1)
    steps = (round(each * tenth, 9) for each in (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100))
    interval = next(step for step in steps if step >= half - 1e-9 and not (whole and step % 1))
    return {"max": 2 * interval, "interval": interval}


def _top(series: Sequence[dict[str, Any]]) -> float:
    """The highest that is drawn, where what is stacked stands on one another."""
    heights = [[value[1] if isinstance(value, tuple) else value for value in each["data"]] for each in series]
    if all("stack" in each for each in series):
        heights = [[sum(values) for values in zip(*heights, strict=True)]]
    return max((value for each in heights for value in each), default=0.0)


def _bars(name: str, colour: str, values: list[Any], *, stack: str = "") -> dict[str, Any]:
    return {"name": name, "type": "bar", "color": colour, "barCategoryGap": "20%", "data": tuple(values)} | (
        {"stack": stack} if stack else {}
    )


def _line(name: str, colour: str, values: list[Any], *, dashed: bool = False) -> dict[str, Any]:
    style = {"width": 2, "type": "dashed" if dashed else "solid"}
    drawn = {"color": colour, "lineStyle": style, "data": tuple(values)}
    return {"name": name, "type": "line", "showSymbol": False, **drawn}


def _since(steps: Sequence[Interval]) -> str:
    return f"Since {steps[0].begins:%H:%M} " if steps else "Today "


def _last_hour(steps: Sequence[Interval], which: int) -> str:
    last = sum((each.dials, each.conversations)[which] for each in steps[-AN_HOUR:])
    return f"{count(last)} in the last hour"
