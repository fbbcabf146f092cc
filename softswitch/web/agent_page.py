"""The agent's page: state with its clock, headset, the call by its reference, the script node by node, the wrap-up.

What it shows is held by the switch alone: a page that is loaded anew, or that has lost its socket, shows the same node.
The browser is sent the present node and nothing of any other. Text reaches it as text, never as markup.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.errors import UsageError
from softswitch.safeguards.agent_page import AgentPageView, InterviewView
from softswitch.survey.questionnaire import Ending
from softswitch.web.accounts import Account
from softswitch.web.agents_panel import TONES
from softswitch.web.control import SwitchControl
from softswitch.web.elements import meter
from softswitch.web.first_paint import text
from softswitch.web.plain_pages import ASSETS
from softswitch.web.room import Room
from softswitch.web.sessions import Session
from softswitch.web.training import AWAY

_STYLE = (ASSETS / "wallboard.css").read_text(encoding="utf-8") + (ASSETS / "agent.css").read_text(encoding="utf-8")
HEADSET = ("state", "code", "headset_test_due", "is_line_up", "is_away", "has_phone")
"""Of the page, for the headset and its test."""
LONGEST_GIVEN = 2000
"""Characters of a text that a browser says; longer ones are no answers of ours."""
OUTCOMES = {
    Disposition.COMPLETED: "Completed",
    Disposition.PARTIAL: "Partly completed",
    Disposition.REFUSAL: "Refusal",
    Disposition.BREAK_OFF: "Broken off",
    Disposition.NOT_ELIGIBLE: "Nobody for this survey",
    Disposition.WRONG_NUMBER: "Wrong number",
    Disposition.MACHINE: "Answering machine",
}
"""What an agent chooses by hand; opt-out and appointment have buttons of their own."""


class _Screen(ui.element, component="assets/agent_screen.js"):
    """Draws the view that it is given; "act" brings what was done."""

    def first_paint(self) -> str:
        page = self._props["view"]["page"]
        agent = text("span", f"Agent {page['agent']}", "desk-agent")
        state = text("span", str(page["state"]).upper(), "desk-state-name")
        head = f'<header class="desk-top">{agent}<h1 class="desk-state">{state}</h1></header>'
        return f'<div class="desk tone-{TONES[AgentState(page["state"])]}">{head}</div>'


class _Headset(ui.element, component="assets/agent_headset.js"):
    """The browser as headset, and its test."""


def show_agent_page(room: Room, account: Account, session: Session | None) -> None:
    """Build the page for one browser tab and keep it up to date while the tab is open."""
    client = ui.context.client
    page = AgentPage(room, account, session, client.id)
    page.refresh()
    client.on_connect(lambda: room.agent_pages.receive_opened(account.name, client.id, client.tab_id or ""))
    client.on_delete(lambda: room.agent_pages.receive_closed(account.name, client.id))
    room.agents_screens.add(client, page.refresh)


class AgentPage:
    def __init__(self, room: Room, account: Account, session: Session | None, page: str) -> None:
        """page: the name under which `room.agent_pages` knows it."""
        self._room = room
        self._agent = account.name
        self._session = session
        self._page = page
        self._shown: object = None
        self._notice = ""
        self._notices = 0
        ui.add_css(_STYLE)
        with _Screen().on("act", self._act) as self._screen:
            self._headset = _Headset().on("act", self._act)

    def refresh(self) -> None:
        """Show the switch as it is now; leave when the session is over."""
        if not self._alive():
            ui.navigate.to("/login")
            return
        page, interview = self._control.agent_page(self._agent), self._control.interview(self._agent)
        training = self._room.training
        practice = training.desk_of(self._room.control, self._agent)
        rest = {
            "notice": self._notice,
            "notices": self._notices,
            "practice": None if practice is None else asdict(training.view(practice)),
            "scripts": sorted(training.scripts) if practice is None and page.state in AWAY else [],
            "in_use": self._room.agent_pages.is_in_use(self._agent, self._page),
        }
        shown = (*_without_clocks(page, interview), rest)
        if shown != self._shown:
            self._shown = shown
            view = {
                "page": {**asdict(page), "at": time.monotonic()},
                "interview": None if interview is None else asdict(interview),
                "outcomes": [{"id": each.value, "text": text} for each, text in OUTCOMES.items()],
                **rest,
            }
            self._screen._props["view"] = view
            self._screen.update()
        voice = None if page.voice_dbov is None else int(meter(page.voice_dbov))
        headset = {name: getattr(page, name) for name in HEADSET} | {"voice": voice, "in_use": rest["in_use"]}
        if headset != self._headset._props.get("page"):
            self._headset._props["page"] = headset
            self._headset.update()

    @property
    def _control(self) -> SwitchControl:
        return self._room.desk_of(self._agent)

    async def _act(self, event: GenericEventArguments) -> None:
        """Something that the agent did; whatever a browser makes up comes to nothing."""
        if not self._alive():
            ui.navigate.to("/login")
            return
        told = event.args if isinstance(event.args, dict) else {}
        if told.get("what") == "use-here":
            self._room.agent_pages.receive_taken(self._agent, self._page)
        elif not self._room.agent_pages.is_in_use(self._agent, self._page):
            return
        command = self._command(str(told.get("what", "")), told)
        if command is None:
            return
        self._notice = ""
        try:
            await command()
        except UsageError as error:
            self._notice = str(error)
        except KeyError:
            self._notice = "That is no longer there."
        self._notices += 1
        self._room.forget_view()
        self.refresh()

    def _command(self, what: str, told: Mapping[str, Any]) -> Callable[[], Awaitable[None]] | None:
        control, agent = self._control, self._agent
        match what:
            case "answer":
                return lambda: control.answer(agent, _text(told.get("node")), _given(told.get("answer")))
            case "back":
                return lambda: control.go_back(agent)
            case "refused" | "broken_off":
                return lambda: control.end_interview(agent, Ending(what))
            case "opt-out":
                return lambda: control.opt_out(agent)
            case "recognised":
                return lambda: control.report_recognised(agent, agent)
            case "appointment":
                return lambda: self._make_appointment(told)
            case "accept":
                return lambda: control.accept_preview(agent, control.agent_page(agent).call_ref)
            case "skip":
                return lambda: control.skip_preview(agent, control.agent_page(agent).call_ref, "not now")
            case "end-call":
                return lambda: control.end_call(agent)
            case "outcome":
                return lambda: self._dispose(told)
            case "digit":
                return lambda: self._send_digit(_text(told.get("key")))
            case "practise":
                return lambda: self._practise(_text(told.get("campaign")))
            case "practice-over":
                return self._finish_practice
            case "leave-practice":
                return self._leave_practice
            case "ready":
                return lambda: control.ready_agent(agent)
            case "pause":
                return lambda: self._pause(_text(told.get("code")))
            case "ring-phone":
                return lambda: control.log_in_agent(agent)
            case "log-out-phone":
                return lambda: control.log_out_agent(agent)
            case "test-tone":
                return lambda: control.play_test_tone(agent)
            case "tested":
                return lambda: control.pass_headset_test(agent)
        return None

    async def _make_appointment(self, told: Mapping[str, Any]) -> None:
        try:
            when = datetime.fromisoformat(f"{_text(told.get('day'))}T{_text(told.get('time'))}")
        except ValueError:
            raise UsageError("choose a day and a time") from None
        page = self._control.agent_page(self._agent)
        # What a browser says has no time zone: it is by the callee's clock, which only the switch knows.
        await self._control.call_back(
            self._agent, page.call_ref, when.replace(tzinfo=None), mine=told.get("own") is True
        )

    async def _dispose(self, told: Mapping[str, Any]) -> None:
        chosen = _text(told.get("outcome"))
        if chosen not in OUTCOMES:
            raise UsageError("choose what came of the call")
        page: AgentPageView = self._control.agent_page(self._agent)
        interview = self._control.interview(self._agent)
        if chosen == Disposition.REFUSAL and interview is not None and not interview.ending:
            await self._control.end_interview(self._agent, Ending.REFUSED)
        await self._control.dispose(self._agent, page.call_ref, Disposition(chosen))

    async def _send_digit(self, key: str) -> None:
        if len(key) != 1 or key not in "0123456789*#":
            raise UsageError("there is no such key")
        await self._control.send_digit(self._agent, key)

    async def _practise(self, campaign: str) -> None:
        self._room.training.begin(self._room.control, self._agent, campaign)

    async def _finish_practice(self) -> None:
        await self._room.training.finish(self._agent)

    async def _leave_practice(self) -> None:
        self._room.training.leave(self._agent)

    async def _pause(self, code: str) -> None:
        if code not in self._control.agent_page(self._agent).pause_codes:
            raise UsageError("choose why you pause")
        await self._control.pause_agent(self._agent, code)

    def _alive(self) -> bool:
        return self._session is None or self._room.sessions.alive(self._session, time.monotonic())


def _without_clocks(page: AgentPageView, interview: InterviewView | None) -> tuple[object, ...]:
    """What makes another screen: all but the clocks, which the browser runs on by itself."""
    if interview is None:
        return _PAGE(page), None
    return _PAGE(page), (_INTERVIEW(interview), interview.read_for_s > 0)


def _all_but(view: type[Any], *clocks: str) -> Callable[[Any], tuple[object, ...]]:
    return attrgetter(*(each.name for each in fields(view) if each.name not in clocks))


_PAGE = _all_but(AgentPageView, "since_s", "wrap_up_left_s", "voice_dbov")
_INTERVIEW = _all_but(InterviewView, "read_for_s")


def _text(value: object) -> str:
    return value[:LONGEST_GIVEN] if isinstance(value, str) else ""


def _given(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_text(each) for each in value[:100]]
    return value if isinstance(value, int | float) else None
