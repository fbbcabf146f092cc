"""The evaluation as tables on a terminal: confusion, figures with their intervals, breakdowns, the trade-off curve."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from softswitch.amd.figures import BROKEN_DOWN, SHARES, wilson_interval

if TYPE_CHECKING:
    from softswitch.amd.listen import Trace

Figures = Mapping[str, Any]

TIMES = (
    "human_decision_after_greeting_ms_p50",
    "human_decision_after_greeting_ms_p95",
    "machine_decision_after_onset_ms_p50",
    "machine_decision_after_onset_ms_p95",
    "speech_onset_error_ms_p50",
)


def share(hits: int, clips: int) -> str:
    """A share, its counts, and its 95 % Wilson interval in %, one below another."""
    if not clips:
        return "-"
    low, high = wilson_interval(hits, clips)
    return f"{100 * hits / clips:.1f} %\n{hits}/{clips}\n{100 * low:.1f}-{100 * high:.1f}"


def show_evaluation(console: Console, by_point: Mapping[str, Figures]) -> None:
    """Print the evaluation of one operating point or several; the tables of detail are of the first that is named
    `balanced`, or else of the first."""
    console.print(figures_table(by_point))
    detailed = "balanced" if "balanced" in by_point else next(iter(by_point))
    figures = by_point[detailed]
    console.print(confusion_table(figures["confusion_first"], f"{detailed}: the first verdict"))
    console.print(confusion_table(figures["confusion"], f"{detailed}: the verdict at the end"))
    for trait, groups in figures["breakdowns"].items():
        console.print(breakdown_table(trait, groups, detailed))
    console.print(curve_table(figures["curve"], detailed))


def figures_table(by_point: Mapping[str, Figures]) -> Table:
    """A column for each operating point, a row for each figure."""
    table = Table(title="Shares with 95 % Wilson intervals, and times in ms of audio")
    table.add_column("", no_wrap=True)
    for point in by_point:
        table.add_column(point, justify="right")
    for name in SHARES:
        table.add_row(name, *(share(*figures["counts"][name]) for figures in by_point.values()))
    for name in TIMES:
        table.add_row(name, *(_ms(figures[name]) for figures in by_point.values()))
    return table


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def confusion_table(confusion: Mapping[str, Mapping[str, int]], title: str) -> Table:
    """confusion: clips by label and verdict."""
    verdicts = sorted({verdict for row in confusion.values() for verdict in row})
    table = Table(title=title)
    table.add_column("labelled", no_wrap=True)
    for verdict in verdicts:
        table.add_column(verdict, justify="right")
    table.add_column("clips", justify="right")
    for label, row in confusion.items():
        cells = [Text(str(row[verdict])) if verdict in row else Text("·", style="dim") for verdict in verdicts]
        table.add_row(label, *cells, str(sum(row.values())))
    return table


def breakdown_table(trait: str, groups: Mapping[str, Mapping[str, Any]], point: str) -> Table:
    """groups: figures by the value that the clips' trait has."""
    table = Table(title=f"{point}: by {trait}")
    table.add_column(trait, no_wrap=True)
    for name in BROKEN_DOWN:
        table.add_column(name.replace("_", " "), justify="right")
    for value, row in groups.items():
        table.add_row(value, *(share(*row[name]) if name in row else "" for name in BROKEN_DOWN))
    return table


def curve_table(curve: list[dict[str, float]], point: str) -> Table:
    """curve: shares from 0 to 1 by threshold."""
    table = Table(title=f"{point}: the trade-off, were a machine whatever reaches the threshold")
    for name in ("threshold", "people taken", "machines found", "within 5 s of the answer"):
        table.add_column(name, justify="right")
    for row in curve:
        percents = (f"{100 * row[name]:.1f} %" for name in ("people", "machines", "machines_within_5s"))
        table.add_row(f"{row['threshold']:g}", *percents)
    return table


def show_clip(console: Console, trace: "Trace") -> None:
    """Print what was said of one clip, in order, and what the verdict in force was founded on."""
    console.print(events_table(trace))
    known = {name: value for name, value in trace.features.items() if not math.isnan(value)}
    if known:
        table = Table(title="What the verdict was founded on")
        table.add_column("")
        table.add_column("", justify="right")
        for name, value in known.items():
            table.add_row(name, f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}")
        console.print(table)


def events_table(trace: "Trace") -> Table:
    """Verdicts, corrections, beeps and tones by audio time."""
    table = Table(title=trace.title)
    for name in ("s", "what", "verdict", "cause", "probability"):
        table.add_column(name, justify="right" if name in ("s", "probability") else "left")
    rows = [(end, f"tone: {name}", "", "", "") for _, end, name in trace.tones]
    rows.extend(
        (
            event.ms,
            ", ".join(trace.names_of(event)),
            event.verdict.name if event in trace.verdicts else "",
            event.cause.name if event in trace.verdicts else "",
            f"{event.probability:.2f}" if event in trace.verdicts else "",
        )
        for event in trace.events
    )
    for ms, *cells in sorted(rows, key=lambda row: row[0]):
        table.add_row(f"{ms / 1000:.2f}", *cells)
    if not rows:
        table.add_row("", "nothing was said", "", "", "")
    return table
