"""The teacher's page: what practice calls were worth, agent by agent and call by call."""

import time
from collections import defaultdict

from nicegui import ui
from nicegui.events import GenericEventArguments

from softswitch.errors import UsageError
from softswitch.store.training import TrainingResult
from softswitch.training.adherence import WEIGHTS
from softswitch.training.scenarios import SCENARIOS
from softswitch.web.elements import Pill, Text, clock, named, panel
from softswitch.web.forms import link
from softswitch.web.plain_pages import ASSETS
from softswitch.web.room import Room
from softswitch.web.sessions import Session
from softswitch.web.training import AWAY

REFRESH_S = 2.0
SHOWN = 100
"""Calls; more are for the API."""
LONGEST_NAME = 64
_STYLE = "".join((ASSETS / f"{name}.css").read_text(encoding="utf-8") for name in ("wallboard", "agent", "training"))
_TITLES = {each.name: each.title for each in SCENARIOS}


class _Choice(ui.element, component="assets/practice_choice.js"):
    """Whom an agent practises with; "begin" brings {agent, campaign, scenario}."""


async def show_training_page(room: Room, session: Session | None, agent: str) -> None:
    """agent: whose calls alone are shown; empty: everybody's."""
    page = TrainingPage(room, session, agent[:LONGEST_NAME])
    await page.refresh()
    ui.timer(REFRESH_S, page.refresh)


class TrainingPage:
    def __init__(self, room: Room, session: Session | None, agent: str) -> None:
        self._room = room
        self._session = session
        self._agent = agent
        self._shown: list[TrainingResult] | None = None
        ui.add_css(_STYLE)
        with ui.element("div").classes("board"):
            with ui.element("header").classes("top"):
                Text("Training", "site", tag="h1")
                if agent:
                    Text(f"agent {agent}", "uptime")
                    with ui.element("a").props('href="/training"').classes("training-link"):
                        Text("everybody")
                Text("", "spacer")
                link("Wallboard", "/")
                dark = Text("◐", "act act-round", tag="button").props("type=button")
                named(dark, "Switch between light and dark")
                dark.on("click", js_handler="() => Quasar.Dark.toggle()")
                with ui.element("form").props('method=post action="/logout"').classes("inline"):
                    Text("Log out", "act", tag="button").props("type=submit")
            if room.training.scripts:
                with panel("Choose an agent's next practice call"):
                    Text("The agent's page shows it at once; who answers, the agent is told at the end.", tag="p")
                    self._choice = _Choice().on("begin", self._begin)
                    self._choice._props |= {
                        "campaigns": tuple(sorted(room.training.scripts)),
                        "scenarios": tuple({"name": each.name, "title": each.title} for each in SCENARIOS),
                    }
            self._body = ui.element("div").classes("training-body")

    def _alive(self) -> bool:
        return self._session is None or self._room.sessions.alive(self._session, time.monotonic())

    async def _begin(self, event: GenericEventArguments) -> None:
        """Whatever a browser makes up comes to nothing."""
        if not self._alive():
            ui.navigate.to("/login")
            return
        told = event.args if isinstance(event.args, dict) else {}
        agent, campaign, scenario = (str(told.get(name, "")) for name in ("agent", "campaign", "scenario"))
        try:
            if scenario not in _TITLES:
                raise KeyError(scenario)
            self._room.training.begin(self._room.control, agent, campaign, scenario)
        except UsageError as error:
            ui.notify(str(error), type="negative")
        except KeyError:
            ui.notify("There is no such agent, script or callee.", type="warning")
        else:
            ui.notify(f"Agent {agent} practises: the callee {_TITLES[scenario]}", type="positive")

    def _show_agents(self) -> None:
        agents = tuple(
            {"agent": each.agent, "state": each.state, "away": each.state in AWAY} for each in self._room.view().agents
        )
        if self._room.training.scripts and agents != self._choice._props.get("agents"):
            self._choice._props["agents"] = agents
            self._choice.update()

    async def refresh(self) -> None:
        if not self._alive():
            ui.navigate.to("/login")
            return
        self._show_agents()
        results = await self._room.training.book.results(self._agent, SHOWN)
        if results == self._shown:
            return
        self._shown = results
        self._body.clear()
        with self._body:
            if not results:
                Text("Nobody has practised yet. Agents practise from their page, while they are on a pause.", tag="p")
                return
            self._agents(results)
            self._calls(results)

    def _agents(self, results: list[TrainingResult]) -> None:
        by_agent: dict[str, list[TrainingResult]] = defaultdict(list)
        for each in results:
            by_agent[each.agent].append(each)
        with panel("Agents"), _table("Results by agent", "Agent", "Practice calls", "Passed", "Points", "Last five"):
            for agent, theirs in sorted(by_agent.items()):
                last = theirs[:5]
                with ui.element("tr"):
                    with ui.element("td"), ui.element("a").classes("training-link") as theirs_alone:
                        theirs_alone.props["href"] = f"/training?agent={agent}" if agent.isalnum() else "/training"
                        Text(agent)
                    _cell(str(len(theirs)))
                    _cell(str(sum(each.passed for each in theirs)))
                    _cell(f"{sum(each.points for each in theirs) / len(theirs):.0f}")
                    _cell(f"{sum(each.points for each in last) / len(last):.0f}")

    def _calls(self, results: list[TrainingResult]) -> None:
        with (
            panel("Practice calls"),
            _table("Every practice call", "When", "Agent", "Script", "Callee", "Took", "Points", *_parts(), "Remarks"),
        ):
            for each in results:
                with ui.element("tr"):
                    _cell(each.at.astimezone(self._room.settings.time_zone).strftime("%d %b %H:%M"))
                    _cell(each.agent)
                    _cell(each.campaign)
                    _cell(_TITLES.get(each.scenario, each.scenario))
                    _cell(clock(each.took_s))
                    with ui.element("td"):
                        Pill(
                            f"{each.points} {'passed' if each.passed else 'not passed'}",
                            "ready" if each.passed else "busy",
                        )
                    for part in _parts():
                        _cell(f"{100 * getattr(each, part):.0f}")
                    with ui.element("td").classes("training-remarks"):
                        for remark in each.remarks:
                            Text(remark, tag="p")


def _parts() -> list[str]:
    return [*WEIGHTS]


def _table(name: str, *heads: str) -> ui.element:
    """A table whose rows go into what is returned."""
    with ui.element("div").classes("training-wide").props("tabindex=0 role=region") as room:
        named(room, name)
        table = ui.element("table").classes("training-table")
    with table:
        with ui.element("thead"), ui.element("tr"):
            for head in heads:
                Text(head.capitalize(), tag="th").props("scope=col")
        return ui.element("tbody")


def _cell(text: str) -> None:
    Text(text, tag="td")
