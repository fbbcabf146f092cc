"""A picture of simulated pacing: utilisation and overflow by number of agents, one line for each answer rate."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from softswitch.errors import UsageError


def check(path: Path) -> None:
    """Before hours of simulation: raises UsageError where no picture can be written to this path."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"the picture {path} must end in .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise UsageError(f"the picture {path} cannot be written: there is no folder {path.parent}")


def draw(found: Sequence[dict[str, Any]], path: Path) -> None:
    """Write a figure of these results; its format is the file's ending. Raises UsageError where it cannot."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    by_rate: dict[float, list[dict[str, Any]]] = defaultdict(list)
    for figures in found:
        by_rate[figures["answer_rate"]].append(figures)
    missed = "abandoned_rate" if found[0]["with_amd_errors"] else "overflow_rate"
    canvas, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(7, 7))
    for rate, unsorted in sorted(by_rate.items()):
        row = sorted(unsorted, key=lambda figures: figures["agents"])
        agents = [figures["agents"] for figures in row]
        for axes, name in ((above, "utilisation"), (below, missed)):
            values = [100 * figures[name] for figures in row]
            axes.errorbar(agents, values, yerr=_bars(row, name), marker="o", capsize=3, label=f"answer rate {rate:g}")
    below.axhline(100 * found[0]["target"], color="black", linewidth=0.8, linestyle="--")
    above.set_ylabel("utilisation, %")
    above.set_title(f"{found[0]['policy']}, {found[0]['days']} days each")
    above.legend()
    below.set_ylabel("overflow, %" if missed == "overflow_rate" else "abandoned, %")
    below.set_xlabel("agents")
    below.set_ylim(bottom=0)
    if len({figures["agents"] for figures in found}) > 2:
        below.set_xscale("log")
    try:
        canvas.savefig(path, dpi=120, bbox_inches="tight")
    except (OSError, ValueError) as error:
        raise UsageError(f"the picture {path} cannot be written: {error}") from error
    finally:
        plt.close(canvas)


def _bars(row: Sequence[dict[str, Any]], name: str) -> list[list[float]]:
    """Lengths of the error bars below and above, in percent; none of a single day, or where no interval is known."""
    below, above = [], []
    for figures in row:
        low, high = figures.get(f"{name}_ci", (None, None))
        value = figures[name]
        below.append(0.0 if low is None else max(100 * (value - low), 0.0))
        above.append(0.0 if high is None else max(100 * (high - value), 0.0))
    return [below, above]
