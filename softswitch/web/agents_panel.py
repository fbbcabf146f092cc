"""The wallboard's agents: one tile each, with state, clock in state and calls; a click opens what can be done."""

from collections import Counter
from collections.abc import Awaitable, Callable

from nicegui import ui

from softswitch.dialler.agents import AgentState
from softswitch.safeguards.visibility import AgentView
from softswitch.web.control import SwitchControl
from softswitch.web.elements import Pill, Rows, Text, clock, panel

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


class _Tiles(Rows, component="assets/agent_tiles.js"):
    """The grid of tiles; "choose" brings the agent whose tile was clicked."""


def _row(view: AgentView) -> dict[str, str]:
    known = view.state in set(AgentState)
    return {
        "agent": view.agent,
        "tone": TONES[AgentState(view.state)] if known else "idle",
        "state": view.state.upper(),
        "clock": clock(view.since_s) if view.state != AgentState.OFFLINE else "",
        "calls": f"{view.calls} call{'' if view.calls == 1 else 's'}" if view.logged_in_s else "",
    }


class AgentsPanel:
    def __init__(self, control: SwitchControl, act: Act) -> None:
        self._control = control
        self._act = act
        with panel("Agents", "agents"):
            with ui.element("div").classes("pills"):
                self._counts = {state: Pill("", TONES[state]) for state in AgentState}
            self._tiles = _Tiles().on("choose", lambda event: self._open(str(event.args)))
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
        self._tiles.show([_row(view) for view in agents])

    def _open(self, agent: str) -> None:
        view = self._views.get(agent)
        if view is None:  # gone meanwhile, or a name that a browser made up
            return
        self._chosen = agent
        self._title.text = f"Agent {agent}"
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
