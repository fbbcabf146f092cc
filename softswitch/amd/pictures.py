"""Pictures for `softswitch amd evaluate --plot` and `softswitch amd listen --plot`, drawn with matplotlib."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from softswitch.amd.listen import Trace

from softswitch.amd.figures import wilson_interval

POINT_COLOURS = {"careful": "#1b7837", "balanced": "#2166ac", "fast": "#b2182b"}
VERDICT_COLOURS = {
    "HUMAN": "#1b7837", "MACHINE": "#b2182b", "SCREENING": "#b2182b", "CARRIER": "#b2182b", "FAX": "#762a83",
    "TONE": "#762a83", "SILENCE": "#7f7f7f", "NOTSURE": "#b8860b",
}  # fmt: skip


def draw_curve(by_point: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """The trade-off curve, the operating points with their intervals, and how soon verdicts fall. PNG, SVG or PDF."""
    figure, axes = _canvas(1, 2, (11, 4.6))
    left, right = axes
    first = by_point["balanced"] if "balanced" in by_point else next(iter(by_point.values()))
    curve = sorted(first["curve"], key=lambda row: row["people"])
    for name, style, label in (
        ("machines", "-", "whole clip"),
        ("machines_within_5s", "--", "within 5 s of the answer"),
    ):
        left.plot(
            [100 * row["people"] for row in curve], [100 * row[name] for row in curve], style, color="#555", label=label
        )
    for point, figures in by_point.items():
        people, machines = figures["counts"]["human_as_machine"], figures["counts"]["machine_recall_final"]
        if people[1] and machines[1]:
            x, y = 100 * people[0] / people[1], 100 * machines[0] / machines[1]
            across, up = wilson_interval(*people), wilson_interval(*machines)
            left.errorbar(
                x, y, xerr=[[x - 100 * across[0]], [100 * across[1] - x]], yerr=[[y - 100 * up[0]], [100 * up[1] - y]],
                fmt="o", capsize=3, color=POINT_COLOURS.get(point, "#333"), label=point,
            )  # fmt: skip
    left.set(
        xlabel="people taken for machines, %", ylabel="machines found, %", title="Trade-off (bars: 95 % intervals)"
    )
    left.set_xscale("symlog", linthresh=1.0)
    left.set_xlim(left=0)
    left.grid(alpha=0.3)
    left.legend(loc="lower right", fontsize=8)
    names = (
        "human_decision_after_greeting_ms_p50",
        "human_decision_after_greeting_ms_p95",
        "machine_decision_after_onset_ms_p50",
    )
    labels = ("person, after the\ngreeting, p50", "person, after the\ngreeting, p95", "machine, after\nonset, p50")
    width = 0.8 / max(len(by_point), 1)
    for number, (point, figures) in enumerate(by_point.items()):
        heights = [figures[name] or 0.0 for name in names]
        places = np.arange(len(names)) + (number - (len(by_point) - 1) / 2) * width
        bars = right.bar(places, heights, width, color=POINT_COLOURS.get(point, "#333"), label=point)
        right.bar_label(bars, fmt="%.0f", fontsize=8)
    right.set_xticks(np.arange(len(names)), labels)
    right.set(ylabel="ms of audio", title="How soon")
    right.legend(fontsize=8)
    figure.savefig(path)


def draw_clip(trace: "Trace", path: Path) -> None:
    """One clip over time: its sound, its level with speech and tones, the classes' likelihoods, and the verdicts."""
    figure, axes = _canvas(4, 1, (12, 9.5), heights=(1.4, 1.2, 1.2, 0.5))
    sound, level, outputs, verdicts = axes
    seconds = trace.ms / 1000.0
    spectra = trace.spectra[:, 1:113] if len(seconds) else np.zeros((1, 112))
    decibels = 10 * np.log10(np.maximum(spectra, 1.0)).T
    top = float(decibels.max())
    sound.imshow(
        decibels, origin="lower", aspect="auto", cmap="magma", vmin=top - 70, vmax=top,
        extent=(0, seconds[-1] if len(seconds) else 1, 31.25, 113 * 31.25),
    )  # fmt: skip
    sound.set(ylabel="Hz", title=trace.title)
    level.plot(seconds, trace.level_dbov, color="#2166ac", linewidth=1, label="level")
    level.fill_between(
        seconds, -90, 0, where=trace.speaking, color="#2166ac", alpha=0.15, step="pre", label="speech", linewidth=0
    )
    for start, end, name in trace.tones:
        level.axvspan(start / 1000, end / 1000, color="#762a83", alpha=0.25)
        level.text(end / 1000, -6, name, fontsize=8, color="#762a83", ha="right", va="top")
    level.set(ylabel="dBov", ylim=(-90, 0))
    level.legend(loc="lower right", fontsize=8)
    for name, values in trace.likelihoods.items():
        if values.max(initial=0.0) > 0.02:
            outputs.plot(seconds, values, linewidth=1.2, label=name)
    outputs.set(ylabel="likelihood", ylim=(-0.02, 1.02))
    if outputs.lines:
        outputs.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    ends = [event.ms / 1000 for event in trace.verdicts[1:]] + [seconds[-1] if len(seconds) else 1.0]
    for event, end in zip(trace.verdicts, ends, strict=False):
        colour = VERDICT_COLOURS.get(event.verdict.name, "#333")
        verdicts.axvspan(event.ms / 1000, end, color=colour, alpha=0.35)
        text = f"{event.verdict.name}\n{event.cause.name.lower().replace('_', ' ')}, {event.probability:.2f}"
        verdicts.text(event.ms / 1000 + 0.03, 0.5, text, fontsize=8, va="center")
    verdicts.set(ylabel="verdict", yticks=[], ylim=(0, 1), xlabel="s since the answer")
    for axis in axes:
        axis.set_xlim(0, seconds[-1] if len(seconds) else 1)
        for event in trace.verdicts:
            axis.axvline(event.ms / 1000, color=VERDICT_COLOURS.get(event.verdict.name, "#333"), linewidth=1, alpha=0.8)
    figure.savefig(path)


def _canvas(
    rows: int, columns: int, size: tuple[float, float], heights: tuple[float, ...] | None = None
) -> tuple[Any, Any]:
    """A figure that needs no display, and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    grid = {"height_ratios": heights} if heights else None
    return figure, figure.subplots(rows, columns, gridspec_kw=grid)
