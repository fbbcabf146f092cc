"""The wallboard's agents: one tile each, with state, clock in state and calls; a click opens what can be done."""

from collections import Counter
from collections.abc import Awaitable, Callable

from nicegui import ui

from softswitch.dialler.agents import AgentState
from softswitch.safeguards.visibility import AgentView
from softswitch.web.control import SwitchControl
from softswitch.web.elements import Pill, Text, clock, panel

TONES = {
    AgentState.READY: "ready",
    AgentState.RESERVED: "reserved",
    AgentState.IN_CALL: "busy",
    AgentState.WRAP_UP: "wrap",
    AgentState.PAUSED: "paused",
    AgentState.OFFLINE: "idle",
}
Act = Callable[[Callable[[], Awaitable[None]], str], Awaitable[None]]
"""Carries out a command of the switch and tells the person what came of it."""


class _Tile:
    def __init__(self, agent: str, chosen: Callable[[str], None]) -> None:
        self.element = ui.element("button").classes("agent").on("click", lambda: chosen(agent))
        self._tone = ""
        with self.element:
            with ui.element("span").classes("agent-head"):
                Text(agent, "agent-name")
                self._clock = Text("", "agent-clock")
            with ui.element("span").classes("agent-foot"):
                self._state = Text("", "agent-state")
                self._calls = Text("", "agent-calls")

    def show(self, view: AgentView) -> None:
        tone = TONES.get(AgentState(view.state), "idle") if view.state in set(AgentState) else "idle"
        if tone != self._tone:
            self.element.classes(add=f"tone-{tone}", remove=f"tone-{self._tone}" if self._tone else None)
            self._tone = tone
        self._clock.text = clock(view.since_s) if view.state != AgentState.OFFLINE else ""
        self._state.text = view.state.upper()
        self._calls.text = f"{view.calls} call{'' if view.calls == 1 else 's'}" if view.logged_in_s else ""


class AgentsPanel:
    def __init__(self, control: SwitchControl, act: Act) -> None:
        self._control = control
        self._act = act
        self._tiles: dict[str, _Tile] = {}
        with panel("Agents", "agents"):
            with ui.element("div").classes("pills"):
                self._counts = {state: Pill("", TONES[state]) for state in AgentState}
            self._grid = ui.element("div").classes("agent-grid")
        with ui.dialog() as self._dialog, ui.element("div").classes("sheet"):
            self._title = Text("", "sheet-title", tag="h2")
            self._figures = Text("", "sheet-text", tag="p")
            with ui.element("div").classes("sheet-actions"):
                self._button("Ring phone and log in", control.log_in_agent)
                self._button("Ready", control.ready_agent)
                self._button("Pause", lambda agent: control.pause_agent(agent, "supervisor"))
                self._button("Log out", control.log_out_agent)
                ui.button("Close", on_click=self._dialog.close).props("flat no-caps")
        self._chosen = ""
        self._views: dict[str, AgentView] = {}

    def show(self, agents: tuple[AgentView, ...]) -> None:
        self._views = {view.agent: view for view in agents}
        states = Counter(view.state for view in agents)
        for state, pill in self._counts.items():
            pill.show(f"{states[state]} {state}", TONES[state] if states[state] else "none")
        for gone in self._tiles.keys() - self._views.keys():
            self._tiles.pop(gone).element.delete()
        for agent, view in self._views.items():
            if agent not in self._tiles:
                with self._grid:
                    self._tiles[agent] = _Tile(agent, self._open)
            self._tiles[agent].show(view)

    def _open(self, agent: str) -> None:
        self._chosen = agent
        view = self._views.get(agent)
        self._title.text = f"Agent {agent}"
        if view is not None:
            self._figures.text = (
                f"{view.state} for {clock(view.since_s)}. {view.calls} calls, {clock(view.talk_s)} talking and "
                f"{clock(view.wrap_up_s)} wrap-up in {clock(view.logged_in_s)} of this shift."
            )
        self._dialog.open()

    def _button(self, text: str, command: Callable[[str], Awaitable[None]]) -> None:
        async def clicked() -> None:
            agent = self._chosen
            self._dialog.close()
            await self._act(lambda: command(agent), f"{text}: agent {agent}")

        ui.button(text, on_click=clicked).props("outline no-caps")
