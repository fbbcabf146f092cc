"""The administrator's page: the first-start wizard, and the same steps whenever something is to be another.

It is drawn in the browser from blocks that the server makes; text reaches it as text, never as markup. What changes the
site is carried out only for somebody who has typed the password a few minutes ago.
"""

import re
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from softswitch.errors import UsageError
from softswitch.safeguards.site_setup import SiteSetup
from softswitch.web.accounts import Account
from softswitch.web.admin_blocks import NEW, Shown
from softswitch.web.admin_commands import UNDER_WAY, AdminCommands, Command, text_of
from softswitch.web.admin_steps import OPTIONAL, STEPS, blocks, done
from softswitch.web.administration import Administration
from softswitch.web.authentication import Caller
from softswitch.web.first_paint import text
from softswitch.web.plain_pages import ASSETS
from softswitch.web.proving import Proving
from softswitch.web.room import Room
from softswitch.web.sessions import Session

_STYLE = "".join(
    (ASSETS / name).read_text(encoding="utf-8") for name in ("wallboard.css", "agent.css", "sheet.css", "admin.css")
)
REFRESH_S = 0.5
KEEPS_FORMS = frozenset({"agents-dry", "leads-dry", "test-call", "phone-file", "phone-offer"})
"""What is typed in the form is still wanted afterwards."""
SECTIONS = {"trunk": "trunks", "campaign": "campaigns"}
"""Of the site's file, where a step is not called like it."""


class _Screen(ui.element, component="assets/admin_screen.js"):
    """Draws the view that it is given; "act" brings what was done."""

    def first_paint(self) -> str:
        view = self._props["view"]
        steps = "".join(
            f'<li><span class="step{" is-here" if each["id"] == view["step"] else ""}">'
            f"{text('span', each['title'], 'step-name')}</span></li>"
            for each in view["steps"]
        )
        return (
            f'<div class="admin"><header class="admin-top">{text("h1", view["site"], "site")}'
            f'{text("span", view["account"], "account")}</header><div class="admin-columns">'
            f'<nav class="steps-list"><ol>{steps}</ol></nav><div class="admin-main"><section class="card">'
            f"{text('h2', view['title'], 'admin-title')}{text('p', view['lead'], 'lead')}</section></div></div></div>"
        )


async def show_admin_page(
    room: Room, administration: Administration, account: Account, session: Session | None, caller: Caller
) -> None:
    """Build the page for one browser tab and keep it up to date while the tab is open."""
    page = AdminPage(room, administration, account, session, caller)
    await page.refresh()
    ui.timer(REFRESH_S, page.refresh)


class AdminPage:
    def __init__(
        self, room: Room, administration: Administration, account: Account, session: Session | None, caller: Caller
    ) -> None:
        self._room = room
        self._administration = administration
        self._by = account.name
        self._session = session
        self._step = ""
        self._commands = AdminCommands(administration, account.name)
        self._editions: dict[str, int] = {}
        self._notice, self._notices, self._good = "", 0, True
        self._busy = False
        self._view: dict[str, Any] = {}
        ui.add_css(_STYLE)
        self._screen = _Screen().on("act", self._act)
        self._proving = Proving(room, account, session, caller)

    async def refresh(self) -> None:
        """Show the site as it is now; leave when the session is over."""
        if not self._proving.is_session_alive():
            ui.navigate.to("/login")
            return
        try:
            setup = await self._administration.setup()
        except UsageError as error:  # the file was changed by hand, and is wrong now
            self._say(str(error), good=False)
            setup = SiteSetup("", "", "", (), (), (), (), 0, None, (), ())
        job = next(iter(self._administration.jobs()), None)
        if self._notice == UNDER_WAY and job is not None and job.state != "running":
            is_done = job.state == "done"
            self._say("It is done: see below." if is_done else "It could not be done: see below.", good=is_done)
        view = self._view_of(setup)
        if view != self._view:
            self._view = view
            self._screen._props["view"] = view
            self._screen.update()

    def _view_of(self, setup: SiteSetup) -> dict[str, Any]:
        board = self._room.view()
        finished = done(setup, has_leads=any(each.leads_total for each in board.campaigns))
        if not self._step:
            wanted = (step for step, _ in STEPS if step not in finished | OPTIONAL)
            self._step = next(wanted, "start")
        shown = Shown(
            setup,
            board.trunks,
            self._administration.last_test_call(),
            self._administration.jobs(),
            self._commands.uploads,
            self._commands.report,
            self._commands.message,
            self._commands.offer,
            self._commands.chosen,
            {each.name: (each.leads_left, each.leads_total) for each in board.campaigns},
            self._room.settings.time_zone,
            self._editions.get(self._step, 0),
        )
        lead, made = blocks(self._step, shown)
        following = dict(zip(dict(STEPS), STEPS[1:], strict=False)).get(self._step)
        return {
            "site": setup.name,
            "account": self._by,
            "steps": [
                {
                    "id": step,
                    "title": title,
                    "done": step in finished,
                    "word": "optional" if step in OPTIONAL else "to do",
                }
                for step, title in STEPS
            ],
            "step": self._step,
            "title": dict(STEPS)[self._step],
            "lead": lead,
            "following": following,
            "blocks": made,
            "csrf": "" if self._session is None else self._session.csrf,
            "notice": self._notice,
            "notices": self._notices,
            "good": self._good,
            "busy": self._busy,
            "download": self._commands.download,
        }

    async def _act(self, event: GenericEventArguments) -> None:
        """Something that the administrator did; whatever a browser makes up comes to nothing."""
        if not self._proving.is_session_alive():
            ui.navigate.to("/login")
            return
        told = event.args if isinstance(event.args, dict) else {}
        what = text_of(told.get("what"))
        match what:
            case "step" if told.get("step") in dict(STEPS):
                self._step, self._notice, self._commands.offer = told["step"], "", None
            case "choose-trunk" | "choose-campaign":
                self._commands.chosen[what.removeprefix("choose-")] = text_of(told.get("name"))
                self._begin_anew(self._step)
            case "new-trunk" | "new-campaign":
                self._commands.chosen[what.removeprefix("new-")] = NEW
                self._begin_anew(self._step)
            case "uploaded":
                self._say(self._commands.take_upload(told))
            case _:
                values = told.get("values")
                command = self._commands.named(
                    what, values if isinstance(values, dict) else {}, text_of(told.get("name"))
                )
                if command is not None:
                    step = "" if what in KEEPS_FORMS else self._step
                    await self._proving.carry_out(lambda: self._carry_out(command, step))
        await self.refresh()

    async def _carry_out(self, command: Command, step: str) -> None:
        """step: whose forms begin anew; empty: none."""
        self._busy = True
        try:
            self._say(await command())
            self._begin_anew(step)
        except UsageError as error:
            self._say(self._by_label(str(error)), good=False)
        except KeyError:
            self._say("That is no longer there.", good=False)
        finally:
            self._busy = False
        self._room.forget_view()

    def _say(self, text: str, *, good: bool = True) -> None:
        if (text, good) != (self._notice, self._good):
            self._notices += 1
        self._notice, self._good = text, good

    def _by_label(self, said: str) -> str:
        """A mistake in what this step's form writes is told by the field's label, and not by its place in the file."""
        labels = {
            field["name"]: field["label"]
            for block in self._view.get("blocks", ())
            if block["kind"] == "form" and block["id"] == self._step
            for field in block["fields"]
        }
        section = SECTIONS.get(self._step, self._step)
        place = re.compile(rf"line \d+: {section}(?:\[\d+\])?\.(\w+)(?:\[\d+\])?: ")
        return place.sub(lambda found: f"{labels[found[1]]}: " if found[1] in labels else found[0], said)

    def _begin_anew(self, step: str) -> None:
        self._editions[step] = self._editions.get(step, 0) + 1
