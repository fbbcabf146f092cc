"""The wallboard's agents: one tile each, with state, clock in state and calls; a click opens what can be done.

In each tile four small buttons: listen, whisper, barge in, mute. A second click undoes the first.
"""

from collections import Counter
from collections.abc import Awaitable, Callable

from nicegui import ui

from softswitch.dialler.agents import AgentState
from softswitch.safeguards.visibility import AgentView, SupervisionView, WallboardView
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
MODES = {"listen": "Listening to", "whisper": "Whispering to", "barge": "Barging in on"}
Act = Callable[[Callable[[], Awaitable[None]], str], Awaitable[None]]
"""Carries out a command of the switch and tells the person what came of it."""


class _Tiles(Rows, component="assets/agent_tiles.js"):
    """The grid of tiles; "choose" brings the agent whose tile was clicked, "watch" agent and button."""


def _row(view: AgentView, mine: str, others: str, muted: bool) -> dict[str, str]:
    """mine: what this supervisor does with the agent.  others: what the others do."""
    known = view.state in set(AgentState)
    return {
        "agent": view.agent,
        "tone": TONES[AgentState(view.state)] if known else "idle",
        "state": view.state.upper(),
        "clock": clock(view.since_s) if view.state != AgentState.OFFLINE else "",
        "calls": f"{view.calls} call{'' if view.calls == 1 else 's'}" if view.logged_in_s else "",
        "buttons": "yes" if view.state != AgentState.OFFLINE else "",
        "mine": mine,
        "others": others,
        "muted": "yes" if muted else "",
    }


def _said(own: SupervisionView) -> str:
    """What a supervisor is told of the own line."""
    if own.state == "ended":
        return f"Agent {own.agent}: {own.reason}."
    doing = f"{MODES[own.mode]} agent {own.agent}"
    if own.state == "ringing":
        return f"{doing}: pick up your phone."
    return f"{doing}{'' if own.call_ref else ', between calls'}."


class AgentsPanel:
    def __init__(self, control: SwitchControl, supervisor: str, act: Act) -> None:
        self._control = control
        self._supervisor = supervisor
        self._act = act
        with panel("Agents", "agents"):
            with ui.element("div").classes("pills"):
                self._counts = {state: Pill("", TONES[state]) for state in AgentState}
            self._mine = Text("", "supervision", tag="p").props("role=status")
            self._refused = Text("", "supervision", tag="p").props("role=status")
            self._tiles = _Tiles().on("choose", lambda event: self._open(str(event.args)))
            self._tiles.on("watch", lambda event: self._watch(event.args))
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
        self._board: WallboardView | None = None

    def show(self, board: WallboardView) -> None:
        self._board, agents = board, board.agents
        self._views = {view.agent: view for view in agents}
        states = Counter(view.state for view in agents)
        for state, pill in self._counts.items():
            pill.show(f"{states[state]} {state}", TONES[state] if states[state] else "none")
        at_work = [view for view in board.supervision if view.state != "ended"]
        mine = {view.agent: view.mode for view in at_work if view.supervisor == self._supervisor}
        others: dict[str, list[str]] = {}
        for view in at_work:
            if view.supervisor != self._supervisor:
                others.setdefault(view.agent, []).append(f"{view.supervisor}: {view.mode}")
        self._tiles.show(
            [
                _row(
                    view,
                    mine.get(view.agent, ""),
                    ", ".join(others.get(view.agent, ())),
                    view.agent in board.muted_agents,
                )
                for view in agents
            ]
        )
        self._refused.text = " ".join(
            f"Agent {agent} cannot log in: {reason}." for agent, reason in sorted(board.refused_agents.items())
        )
        own = next((view for view in board.supervision if view.supervisor == self._supervisor), None)
        self._mine.text = "" if own is None else _said(own)

    async def _watch(self, pressed: object) -> None:
        """One of a tile's four buttons; whatever a browser makes up comes to nothing."""
        agent, what = (pressed.get("agent"), pressed.get("what")) if isinstance(pressed, dict) else (None, None)
        if agent not in self._views or self._board is None:
            return
        mine = {(view.agent, view.mode) for view in self._board.supervision if self._is_mine(view)}
        if what == "mute":
            muted = agent not in self._board.muted_agents
            text = f"Agent {agent} is {'muted' if muted else 'heard again'}"
            await self._act(lambda: self._control.mute_agent(agent, muted, self._supervisor), text)
        elif (agent, what) in mine:
            await self._act(lambda: self._control.end_supervision(self._supervisor), f"You have left agent {agent}")
        elif what in MODES:
            await self._act(
                lambda: self._control.supervise(agent, what, self._supervisor), f"{MODES[what]} agent {agent}"
            )

    def _is_mine(self, view: SupervisionView) -> bool:
        return view.supervisor == self._supervisor and view.state != "ended"

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
