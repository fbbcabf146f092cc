"""The wallboard's calls in progress: one row each, under its call reference, callee masked."""

from nicegui import ui

from softswitch.safeguards.visibility import CallView
from softswitch.safeguards.wallboard import WallboardView
from softswitch.web.agents_panel import Act
from softswitch.web.control import SwitchControl
from softswitch.web.elements import MadeOnce, Row, Rows, Text, clock, named, panel

MAXIMUM_ROWS = 60
TONES = {
    "dialling": "idle",
    "ringing": "wrap",
    "answered": "ready",
    "in call": "busy",
    "message": "alert",
    "voicemail": "busy",
}


class _CallRows(Rows, component="assets/call_rows.js"):
    """The table of calls; "choose" brings the reference of the call that is to end."""


def _row(view: CallView) -> Row:
    return {
        "call_ref": view.call_ref,
        "tone": TONES.get(view.state, "idle"),
        "state": view.state,
        "agent": view.agent or "–",
        "callee": view.masked_number,
        "verdict": view.amd_verdict,
        "clock": clock(view.age_s),
    }


def _drawn(board: WallboardView) -> tuple[str, tuple[Row, ...]]:
    """All calls in words, and the rows of those that are listed."""
    calls = board.calls
    shown = calls[:MAXIMUM_ROWS]
    hidden = len(calls) - len(shown)
    text = f"{len(calls)} in progress" + (f", {hidden} not listed" if hidden else "")
    without = sum(view.state == "answered" and not view.agent for view in calls)
    waiting = [
        f"{each.waiting} wait{'s' if each.waiting == 1 else ''} at {each.name}, longest {clock(each.longest_wait_s)}"
        for each in board.queues
        if each.waiting
    ]
    if without:
        waiting.insert(0, f"{without} answered without an agent")
    return " · ".join((text, *waiting)), tuple(_row(view) for view in shown)


class CallsPanel:
    def __init__(self, control: SwitchControl, act: Act, made_once: MadeOnce) -> None:
        self._control = control
        self._act = act
        self._made_once = made_once
        self._chosen = ""
        with panel("Calls", "calls"):
            self._summary = Text("", "panel-note")
            self._rows = _CallRows().on("choose", lambda event: self._ask(str(event.args)))
        with ui.dialog() as self._dialog, ui.element("div").classes("sheet"):
            named(self._dialog, "End a call")
            self._title = Text("", "sheet-title", tag="h2")
            Text("The callee hears nothing more and the agent goes to wrap-up.", "sheet-text", tag="p")
            with ui.element("div").classes("sheet-actions"):
                ui.button("End the call", color=None, on_click=self._hang_up).props("unelevated no-caps").classes(
                    "danger"
                )
                ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps autofocus")

    def show(self, board: WallboardView) -> None:
        self._summary.text, rows = self._made_once("calls", board, _drawn)
        self._rows.show(rows)

    def _ask(self, call_ref: str) -> None:
        self._chosen = call_ref
        self._title.text = f"End call {call_ref}?"
        self._dialog.open()

    async def _hang_up(self) -> None:
        call_ref = self._chosen
        self._dialog.close()
        await self._act(lambda: self._control.hang_up(call_ref), f"Call {call_ref} is being ended")
