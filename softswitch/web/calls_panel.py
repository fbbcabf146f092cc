"""The wallboard's calls in progress: one row each, under its call reference, callee masked."""

from collections.abc import Callable

from nicegui import ui

from softswitch.safeguards.visibility import CallView
from softswitch.web.agents_panel import Act
from softswitch.web.control import SwitchControl
from softswitch.web.elements import Pill, Text, clock, named, panel

MAXIMUM_ROWS = 60
TONES = {"dialling": "idle", "ringing": "wrap", "answered": "ready", "in call": "busy", "message": "alert"}


class _Row:
    """Belongs to one call for good: a click can never reach the call that took its place."""

    def __init__(self, call_ref: str, hang_up: Callable[[str], None]) -> None:
        self.element = ui.element("div").classes("call").props("role=row")
        with self.element:
            self._state = Pill()
            Text(call_ref, "call-ref").props("role=cell")
            self._agent = Text("", "call-agent").props("role=cell")
            self._callee = Text("", "call-callee").props("role=cell")
            self._verdict = Text("", "call-verdict").props("role=cell")
            self._clock = Text("", "call-clock").props("role=cell")
            end = ui.button(icon="call_end", on_click=lambda: hang_up(call_ref)).classes("call-end")
            named(end.props("flat round dense size=sm"), f"End call {call_ref}")

    def show(self, view: CallView) -> None:
        self._state.show(view.state, TONES.get(view.state, "idle"))
        self._agent.text = view.agent or "–"
        self._callee.text = view.masked_number
        self._verdict.text = view.amd_verdict
        self._clock.text = clock(view.age_s)


class CallsPanel:
    def __init__(self, control: SwitchControl, act: Act) -> None:
        self._control = control
        self._act = act
        self._rows: dict[str, _Row] = {}
        self._chosen = ""
        with panel("Calls", "calls"):
            self._summary = Text("", "panel-note")
            with ui.element("div").classes("call-rows").props('role=table aria-label="Calls in progress"'):
                with ui.element("div").classes("call call-head").props("role=row"):
                    for name in ("State", "Reference", "Agent", "Callee", "AMD", "Time", ""):
                        Text(name).props("role=columnheader")
                self._list = ui.element("div").props("role=rowgroup")
        with ui.dialog() as self._dialog, ui.element("div").classes("sheet"):
            self._title = Text("", "sheet-title", tag="h2")
            Text("The callee hears nothing more and the agent goes to wrap-up.", "sheet-text", tag="p")
            with ui.element("div").classes("sheet-actions"):
                ui.button("End the call", color=None, on_click=self._hang_up).props("unelevated no-caps").classes(
                    "danger"
                )
                ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps autofocus")

    def show(self, calls: tuple[CallView, ...]) -> None:
        shown = calls[:MAXIMUM_ROWS]
        hidden = len(calls) - len(shown)
        self._summary.text = f"{len(calls)} in progress" + (f", {hidden} not listed" if hidden else "")
        for gone in self._rows.keys() - {view.call_ref for view in shown}:
            self._rows.pop(gone).element.delete()
        for view in shown:
            if view.call_ref not in self._rows:
                with self._list:
                    self._rows[view.call_ref] = _Row(view.call_ref, self._ask)
            self._rows[view.call_ref].show(view)

    def _ask(self, call_ref: str) -> None:
        self._chosen = call_ref
        self._title.text = f"End call {call_ref}?"
        self._dialog.open()

    async def _hang_up(self) -> None:
        call_ref = self._chosen
        self._dialog.close()
        await self._act(lambda: self._control.hang_up(call_ref), f"Call {call_ref} is being ended")
