"""The wallboard's agents: one tile each, with state, clock in state and calls; a click opens what can be done.

In a call there are also the script's node, how many answers are given, and how loud both ends are. In each tile six
small buttons: listen, whisper, barge in, take over, mute, end the call. A second click undoes the first, but for a call
that is ended. Where the site asks for a reason, a click asks for it first.
"""

from collections import Counter
from collections.abc import Awaitable, Callable

from nicegui import ui

from softswitch.dialler.agents import AgentState
from softswitch.safeguards.supervision_views import ConversationView, SupervisionView
from softswitch.safeguards.wallboard import AgentView, WallboardView
from softswitch.web.control import SwitchControl
from softswitch.web.elements import MadeOnce, Pill, Row, Rows, Text, clock, meter, named, panel

TONES = {
    AgentState.READY: "ready",
    AgentState.RESERVED: "reserved",
    AgentState.IN_CALL: "busy",
    AgentState.WRAP_UP: "wrap",
    AgentState.PAUSED: "paused",
    AgentState.OFFLINE: "idle",
}
MODES = {
    "listen": "Listening to",
    "whisper": "Whispering to",
    "barge": "Barging in on",
    "take_over": "Talking in the stead of",
}
LONG_SILENCE_S, LONG_OVERLAP_S = 5.0, 2.0
"""From then on a tile tells of it: sooner than it is an alert."""
LONGEST_REASON = 500
NOBODY = "Nobody has logged in yet. Agents do at /agent, with number and PIN."
Act = Callable[[Callable[[], Awaitable[None]], str], Awaitable[None]]
"""Carries out a command of the switch and tells the person what came of it."""


class _Tiles(Rows, component="assets/agent_tiles.js"):
    """The grid of tiles; "choose" brings the agent whose tile was clicked, "watch" agent and button."""


def _drawn(board: WallboardView) -> tuple[Row, ...]:
    """All tiles, as a supervisor sees them who is with nobody while the others are with nobody either."""
    talks = {view.agent: view for view in board.conversations}
    return tuple(_row(view, talks.get(view.agent), view.agent in board.muted_agents) for view in board.agents)


def _row(view: AgentView, talk: ConversationView | None, muted: bool) -> Row:
    """talk: with a callee, if there is one."""
    known = view.state in set(AgentState)
    return {
        "agent": view.agent,
        "tone": TONES[AgentState(view.state)] if known else "idle",
        "state": view.state.upper(),
        "clock": clock(view.since_s) if view.state != AgentState.OFFLINE else "",
        "calls": f"{view.calls} call{'' if view.calls == 1 else 's'}" if view.logged_in_s else "",
        "buttons": "yes" if view.state != AgentState.OFFLINE else "",
        "mine": "",
        "others": "",
        "muted": "yes" if muted else "",
        **({"call_ref": ""} if talk is None else _talk(talk)),
    }


def _talk(talk: ConversationView) -> Row:
    answers = f"{talk.answers} answer{'' if talk.answers == 1 else 's'}"
    where = talk.node or talk.ending.replace("_", " ")
    warning = ""
    if talk.overlap_s >= LONG_OVERLAP_S:
        warning = f"both talk {clock(talk.overlap_s)}"
    elif talk.silence_s >= LONG_SILENCE_S:
        warning = f"silence {clock(talk.silence_s)}"
    agent = "speaks" if talk.agent_speaks else "silent"
    callee = "speaks" if talk.callee_speaks else "silent"
    return {
        "call_ref": talk.call_ref,
        "node": where,
        "told": f"{clock(talk.at_node_s)} · {answers}" if talk.node else answers if where else "",
        "agent_level": meter(talk.agent_dbov),
        "callee_level": meter(talk.callee_dbov),
        "levels": f"Agent {agent}, callee {callee}",
        "warning": f"{talk.taken_by} talks" if talk.taken_by else warning,
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
    def __init__(
        self, control: SwitchControl, supervisor: str, act: Act, *, made_once: MadeOnce, asks_reason: bool = False
    ) -> None:
        """asks_reason: before a supervisor hears or is heard."""
        self._control = control
        self._supervisor = supervisor
        self._act = act
        self._made_once = made_once
        self._asks_reason = asks_reason
        with panel("Agents", "agents"):
            with ui.element("div").classes("pills"):
                self._counts = {state: Pill("", TONES[state]) for state in AgentState}
            self._mine = Text("", "supervision", tag="p").props("role=status")
            self._refused = Text("", "supervision", tag="p").props("role=status")
            self._nobody = Text("", "sheet-text", tag="p")
            self._tiles = _Tiles().on("choose", lambda event: self._open(str(event.args)))
            self._tiles.on("watch", lambda event: self._watch(event.args))
        with ui.dialog() as self._dialog, ui.element("div").classes("sheet"):
            named(self._dialog, "Agent")
            self._title = Text("", "sheet-title", tag="h2")
            self._figures = Text("", "sheet-text", tag="p")
            with ui.element("div").classes("sheet-actions"):
                self._button("Ring phone and log in", control.log_in_agent)
                self._button("Ready", control.ready_agent)
                self._button("Pause", lambda agent: control.pause_agent(agent, "supervisor"))
                self._button("Log out", control.log_out_agent)
                self._button("Callee knows the agent", lambda agent: control.report_recognised(agent, supervisor))
                ui.button("Close", on_click=self._dialog.close).props("flat no-caps")
        with ui.dialog() as self._reason_dialog, ui.element("div").classes("sheet"):
            named(self._reason_dialog, "Why you listen")
            self._reason_title = Text("", "sheet-title", tag="h2")
            Text("The audit log keeps who listens to whom, and why.", "sheet-text", tag="p")
            with ui.element("form").on("submit.prevent", self._say_why):
                self._reason = ui.input("Reason").props(f"autofocus outlined dense required maxlength={LONGEST_REASON}")
                with ui.element("div").classes("sheet-actions"):
                    ui.button("Go on").props("unelevated no-caps type=submit")
                    ui.button("Cancel", on_click=self._reason_dialog.close).props("flat no-caps")
        self._wanted = ("", "")
        """Agent and mode that a reason is asked for."""
        self._chosen = ""
        self._views: dict[str, AgentView] = {}
        self._board: WallboardView | None = None

    def show(self, board: WallboardView) -> None:
        self._board = board
        self._views = self._made_once("agents", board, lambda board: {view.agent: view for view in board.agents})
        states = self._made_once("states", board, lambda board: Counter(view.state for view in board.agents))
        for state, pill in self._counts.items():
            pill.show(f"{states[state]} {state}", TONES[state] if states[state] else "none")
        at_work = [view for view in board.supervision if view.state != "ended"]
        mine = {view.agent: view.mode for view in at_work if view.supervisor == self._supervisor}
        others: dict[str, list[str]] = {}
        for view in at_work:
            if view.supervisor != self._supervisor:
                others.setdefault(view.agent, []).append(f"{view.supervisor}: {view.mode}")
        rows = self._made_once("tiles", board, _drawn)
        if at_work:
            rows = tuple(
                {**row, "mine": mine.get(row["agent"], ""), "others": ", ".join(others.get(row["agent"], ()))}
                for row in rows
            )
        self._tiles.show(rows)
        self._nobody.text = "" if rows else NOBODY
        self._refused.text = " ".join(
            f"Agent {agent} cannot log in: {reason}." for agent, reason in sorted(board.refused_agents.items())
        )
        own = next((view for view in board.supervision if view.supervisor == self._supervisor), None)
        self._mine.text = "" if own is None else _said(own)

    async def _watch(self, pressed: object) -> None:
        """One of a tile's buttons; whatever a browser makes up comes to nothing."""
        told = pressed if isinstance(pressed, dict) else {}
        agent, what, call_ref = told.get("agent"), told.get("what"), told.get("call_ref")
        if agent not in self._views or self._board is None:
            return
        mine = {(view.agent, view.mode) for view in self._board.supervision if self._is_mine(view)}
        if what == "mute":
            muted = agent not in self._board.muted_agents
            text = f"Agent {agent} is {'muted' if muted else 'heard again'}"
            await self._act(lambda: self._control.mute_agent(agent, muted, self._supervisor), text)
        elif what == "end":
            theirs = {view.call_ref for view in self._board.calls if view.agent == agent}
            theirs |= {view.call_ref for view in self._board.conversations if view.agent == agent}
            if isinstance(call_ref, str) and call_ref in theirs:  # never the call that took its place
                await self._act(lambda: self._control.hang_up(call_ref), f"Call {call_ref} is being ended")
        elif (agent, what) in mine:
            await self._act(lambda: self._control.end_supervision(self._supervisor), f"You have left agent {agent}")
        elif what in MODES:
            if self._asks_reason:
                self._wanted = (agent, what)
                self._reason_title.text = f"{MODES[what]} agent {agent}"
                self._reason.value = ""
                self._reason_dialog.open()
            else:
                await self._supervise(agent, what, "")

    async def _say_why(self) -> None:
        self._reason_dialog.close()
        await self._supervise(*self._wanted, str(self._reason.value or "")[:LONGEST_REASON])

    async def _supervise(self, agent: str, mode: str, reason: str) -> None:
        if mode in MODES:
            done = f"{MODES[mode]} agent {agent}"
            await self._act(lambda: self._control.supervise(agent, mode, self._supervisor, reason), done)

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
