"""Small pieces that the wallboard's panels are made of; they change in place, so that nothing flickers."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from softswitch.safeguards.wallboard import WallboardView

T = TypeVar("T")

Row = dict[str, str]
"""Finished text by name."""


class MadeOnce(Protocol):
    """`Room.made_once`."""

    def __call__(self, key: object, view: WallboardView, make: Callable[[WallboardView], T]) -> T: ...


SOFTEST_DBOV = -60.0
"""An empty meter."""
METER_STEP = 5


class Text(TextElement):
    """An HTML element that holds plain text, never markup."""

    def __init__(self, text: str = "", classes: str = "", *, tag: str = "span") -> None:
        super().__init__(tag=tag, text=text)
        self.classes(classes)


class Pill(Text):
    """A word on a coloured ground; the colour repeats what the word says and says nothing of its own."""

    def __init__(self, text: str = "", tone: str = "idle") -> None:
        super().__init__(text, f"pill tone-{tone}")
        self._tone = tone

    def show(self, text: str, tone: str) -> None:
        self.text = text
        if tone != self._tone:
            self.classes(add=f"tone-{tone}", remove=f"tone-{self._tone}")
            self._tone = tone


class Bar:
    """A horizontal bar with, where asked for, a mark at its limit."""

    def __init__(self, label: str, *, limit_mark: bool = False) -> None:
        self._track = (
            ui.element("div").classes("bar").props("role=meter aria-valuemin=0 aria-valuemax=100 aria-valuenow=0")
        )
        named(self._track, label)
        with self._track:
            self._fill = ui.element("div").classes("bar-fill")
            self._mark = ui.element("div").classes("bar-mark") if limit_mark else None
        self._tone = ""
        self._shown: tuple[float, float] | None = None

    def show(self, share: float, *, tone: str = "busy", mark_at: float = 0.0) -> None:
        """share, mark_at: 0-1 of the bar's length."""
        shown = (round(min(max(share, 0.0), 1.0) * 100, 1), round(mark_at * 100, 1))
        if shown != self._shown:
            self._shown = shown
            self._fill.style(f"width: {shown[0]}%")
            self._track.props(f"aria-valuenow={shown[0]}")
            if self._mark is not None:
                self._mark.style(f"left: {shown[1]}%")
        if tone != self._tone:
            self._fill.classes(add=f"fill-{tone}", remove=f"fill-{self._tone}" if self._tone else None)
            self._tone = tone


class Rows(ui.element):
    """Many alike things, drawn in the browser by a small Vue component of ours from rows of finished text.

    As elements of their own, sixty agents and their calls took the loop that signals 0.4 s to build; as rows, the whole
    page takes a tenth of that, and a change is one message.
    """

    def __init__(self) -> None:
        super().__init__()
        self._props["rows"] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """rows: are kept, and must not change any more."""
        shown = self._props["rows"]
        if rows is not shown and tuple(rows) != shown:
            self._props["rows"] = tuple(rows)  # no list: the library would wrap each row, to hear of its changes
            self.update()


class Figure:
    """A number with its name under it."""

    def __init__(self, name: str) -> None:
        with ui.element("div").classes("figure"):
            self._value = Text("–", "figure-value")
            Text(name, "figure-name")

    def show(self, value: str, tone: str = "") -> None:
        self._value.text = value
        self._value.classes(replace=f"figure-value {tone}".strip())


def named(element: ui.element, name: str) -> None:
    """Give an element the name that a screen reader says; any text, quotation marks included."""
    element.props["aria-label"] = name


def panel(title: str, classes: str = "") -> ui.element:
    """A section with a heading; use it as a context for what it holds."""
    section = ui.element("section").classes(f"panel {classes}")
    named(section, title)
    with section:
        Text(title, "panel-title", tag="h2")
    return section


def meter(level_dbov: float) -> str:
    """A level as a share of the meter, in percent; in steps, so that noise changes nothing."""
    share = 100 * (1 - max(level_dbov, SOFTEST_DBOV) / SOFTEST_DBOV)
    return str(METER_STEP * round(share / METER_STEP))


def clock(seconds: float) -> str:
    """A duration as people read it: 0:07, 12:40, 1:02:03."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def count(number: float) -> str:
    return f"{number:,.0f}"


def percent(share: float) -> str:
    return f"{share * 100:.1f} %"
