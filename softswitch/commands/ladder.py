"""A call's ladder, drawn from its trace: carrier, switch and agent's phone beside each other, time going down."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.text import Text

WIDTH = 28
"""Of the way between two columns."""
_TIME = 11
_COLUMNS = ("carrier", "switch", "agent phone")


def ladder(trace: dict[str, Any]) -> Iterator[Text]:
    """Lines of the ladder of a trace, as the API gives it."""
    steps = trace["steps"]
    peers = {side: _peers(step["peer"] for step in steps if step["side"] == side) for side in ("carrier", "agent")}
    yield _heads(_COLUMNS, "bold")
    yield _heads((peers["carrier"], trace["switch"], peers["agent"]), "dim")
    previous: dict[str, Any] = {}
    for step in steps:
        yield _row(step, same_time=bool(previous) and f"{step['after_s']:.3f}" == f"{previous['after_s']:.3f}")
        if step["sdp"]:
            yield _bars(step["sdp"])
        previous = step
    if not trace["whole"]:
        yield Text("Numbers and names are masked.", style="dim")


def _row(step: dict[str, Any], *, same_time: bool) -> Text:
    label = step["label"]
    words = label[: WIDTH - 6]
    arrow = f" {words} ".center(WIDTH - 2, "─")
    right = step["sent"] == (step["side"] == "agent")
    arrow = f"{arrow}►" if right else f"◄{arrow}"
    row = Text(" " * _TIME if same_time else f"{step['after_s']:+{_TIME - 1}.3f} ", style="dim")
    lanes = [Text(" " * (WIDTH - 1)), Text(" " * (WIDTH - 1))]
    lanes[step["side"] == "agent"] = Text(arrow, style=_style(label, step["is_copy"]))
    for lane in lanes:
        row.append("│", style="dim")
        row.append_text(lane)
    row.append("│", style="dim")
    notes = [words != label and label, step["cseq"] if label[:1].isdigit() else "", step["transport"] != "UDP" and
             step["transport"], step["is_copy"] and "copy"]  # fmt: skip
    return row.append("  " + ", ".join(note for note in notes if note), style="dim") if any(notes) else row


def _style(label: str, is_copy: bool) -> str:
    if is_copy:
        return "dim"
    if label[:1] in "3456" and label[:3].isdigit():
        return "red"
    return "green" if label[:1] == "2" and label[:3].isdigit() else "cyan" if label[:1].isdigit() else "bold"


def _bars(note: str) -> Text:
    gap = " " * (WIDTH - 1)
    return Text(f"{'':{_TIME}}│{gap}│{gap}│  {note}", style="dim")


def _heads(names: Iterable[str], style: str) -> Text:
    return Text(" " * (_TIME + 1 - WIDTH // 2) + "".join(name.center(WIDTH) for name in names), style=style)


def _peers(addresses: Iterable[str]) -> str:
    different = list(dict.fromkeys(addresses))
    return different[0] + (f" +{len(different) - 1}" if len(different) > 1 else "") if different else ""
