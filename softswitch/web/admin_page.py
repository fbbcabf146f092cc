"""The administrator's page: the first-start wizard, and the same steps whenever something is to be another.

It is drawn in the browser from blocks that the server makes; text reaches it as text, never as markup. What changes the
site is carried out only for somebody who has typed the password a few minutes ago.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from softswitch.errors import UsageError
from softswitch.safeguards.site_setup import AgentsReport, PromptReport, Saved, SiteSetup, Upload
from softswitch.web.accounts import Account
from softswitch.web.admin_blocks import NEW, Shown
from softswitch.web.admin_campaigns import MESSAGE
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
LONGEST = 256
KEEPS_FORMS = frozenset({"agents-dry", "leads-dry", "test-call", "phone-file", "phone-offer"})
"""What is typed in the form is still wanted afterwards."""
SECTIONS = {"trunk": "trunks", "campaign": "campaigns"}
"""Of the site's file, where a step is not called like it."""
UNDER_WAY = "Under way: what comes of it stands below."
TRUNK = "[[trunks]] "
"""How a trunk begins in what is said to wait."""
Command = Callable[[], Awaitable[str]]
"""What came of it, in words."""


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
        self._chosen: dict[str, str] = {}
        self._uploads: dict[str, Upload] = {}
        self._report: AgentsReport | None = None
        self._message: PromptReport | None = None
        self._offer: tuple[str, str, int] | None = None
        self._editions: dict[str, int] = {}
        self._notice, self._notices, self._good = "", 0, True
        self._busy = False
        self._download = ""
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
            self._uploads,
            self._report,
            self._message,
            self._offer,
            self._chosen,
            {each.name: (each.leads_left, each.leads_total) for each in board.campaigns},
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
            "download": self._download,
        }

    async def _act(self, event: GenericEventArguments) -> None:
        """Something that the administrator did; whatever a browser makes up comes to nothing."""
        if not self._proving.is_session_alive():
            ui.navigate.to("/login")
            return
        told = event.args if isinstance(event.args, dict) else {}
        what = _text(told.get("what"))
        match what:
            case "step" if told.get("step") in dict(STEPS):
                self._step, self._notice, self._offer = told["step"], "", None
            case "choose-trunk" | "choose-campaign":
                self._chosen[what.removeprefix("choose-")] = _text(told.get("name"))
                self._begin_anew(self._step)
            case "new-trunk" | "new-campaign":
                self._chosen[what.removeprefix("new-")] = NEW
                self._begin_anew(self._step)
            case "uploaded":
                self._take_upload(told)
            case _:
                values = told.get("values")
                command = self._command(what, values if isinstance(values, dict) else {}, _text(told.get("name")))
                if command is not None:
                    step = "" if what in KEEPS_FORMS else self._step
                    await self._proving.carry_out(lambda: self._carry_out(command, step))
        await self.refresh()

    def _command(self, what: str, values: Mapping[str, Any], name: str) -> Command | None:
        office, by = self._administration, self._by
        told = {key: _value(value) for key, value in values.items() if isinstance(key, str)}
        match what:
            case "site":
                return lambda: self._saved(office.change_site(told, by))
            case "trunk":
                return lambda: self._put_trunk(told)
            case "apply":
                return lambda: self._saved(office.apply_trunks(by), TRUNK)
            case "campaign":
                return lambda: self._put_campaign(told)
            case "remove-trunk" | "remove-campaign" | "remove-agent":
                return lambda: self._saved(office.remove(f"{what.removeprefix('remove-')}s", name, by))
            case "message":
                return self._put_message
            case "script":
                return self._put_script
            case "agents" | "agents-dry":
                return lambda: self._import_agents(_columns(told), dry_run=what == "agents-dry")
            case "leads" | "leads-dry":
                return lambda: self._import_leads(told, dry_run=what == "leads-dry")
            case "never-dial":
                return self._import_never_dial
            case "phone-file":
                return lambda: self._let_download(name)
            case "phone-offer":
                return lambda: self._offer_phone(name)
            case "test-call":
                return lambda: self._test_call(str(told.get("trunk", "")), str(told.get("number", "")))
            case "restart":
                return self._restart
        return None

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

    # Commands: each gives what came of it, in words.

    async def _saved(self, work: Awaitable[Saved], what: str = "") -> str:
        """what: of what is said to wait, that which was saved: one thing, or by a space at the end all of a kind."""
        named = [(each.partition(": ")[0], each.partition(": ")[2]) for each in (await work).waiting]
        waiting = [why for each, why in named if what in ("", each) or (what[-1] == " " and each.startswith(what))]
        if any(waiting):
            return f"Saved. It waits: {next(filter(None, waiting))}."
        return "Saved. It is in force after a restart." if waiting else "Saved. It is in force."

    async def _put_trunk(self, told: dict[str, Any]) -> str:
        name, password = str(told.pop("name", "")), str(told.pop("password", ""))
        told["port"] = _number(told.get("port"), int)
        told["channels"] = _number(told.get("channels"), int)
        told["calls_per_second"] = _number(told.get("calls_per_second"), float)
        told = {key: None if value == "" else value for key, value in told.items()}
        said = await self._saved(self._administration.put_trunk(name, told, password, self._by), f"{TRUNK}{name}")
        self._chosen["trunk"] = name
        return said

    async def _put_campaign(self, told: dict[str, Any]) -> str:
        name = str(told.pop("name", ""))
        for key in ("visible_fields", "agents"):
            told[key] = str(told.get(key, "")).replace(",", " ").split() or None
        told = {key: None if value == "" else value for key, value in told.items()}
        said = await self._saved(self._administration.put_campaign(name, told, self._by))
        self._chosen["campaign"] = name
        return said

    async def _put_message(self) -> str:
        upload = self._use("message-file")
        report = await self._administration.put_prompt(MESSAGE, upload.upload_ref, self._by)
        self._message = report
        return f"Kept: it lasts {report.seconds:g} seconds; see below how it sounds. It is in force after a restart."

    async def _put_script(self) -> str:
        setup = await self._administration.setup()
        name = self._chosen.get("campaign", setup.campaigns[0].name if setup.campaigns else "")
        upload = self._use("script-file")
        return await self._saved(self._administration.put_script(name, upload.upload_ref, self._by))

    async def _import_agents(self, columns: Mapping[str, str], *, dry_run: bool) -> str:
        upload = self._uploads["agents-file"] if dry_run else self._use("agents-file")
        self._report = None
        self._report = await self._administration.import_agents(upload.upload_ref, columns, self._by, dry_run=dry_run)
        if self._report.problems:
            raise UsageError("there are mistakes in the file: nothing was written")
        return "This is what an import would do." if dry_run else "The agents are there. They log in after a restart."

    async def _import_leads(self, told: dict[str, Any], *, dry_run: bool) -> str:
        upload = self._uploads["leads-file"]
        await self._administration.import_leads(
            upload.upload_ref, str(told.get("campaign", "")), _columns(told), self._by, dry_run=dry_run
        )
        if not dry_run:
            self._use("leads-file")
        return UNDER_WAY

    async def _import_never_dial(self) -> str:
        await self._administration.import_never_dial(self._uploads["never-dial-file"].upload_ref, self._by)
        self._use("never-dial-file")
        return UNDER_WAY

    async def _let_download(self, agent: str) -> str:
        setup = await self._administration.setup()
        if agent not in [each.id for each in setup.agents if each.has_phone_file]:
            raise KeyError(agent)
        self._download = f"/api/admin/phones/{agent}/file?{self._notices}"
        return "The file comes. It holds the phone's password: give it to the phone alone."

    async def _offer_phone(self, agent: str) -> str:
        offer = await self._administration.offer_phone_file(agent, self._by)
        self._offer = agent, offer.path, offer.minutes
        return "The phone may fetch its file now."

    async def _test_call(self, trunk: str, number: str) -> str:
        await self._administration.test_call(trunk, number, self._by)
        return "The test call is under way."

    async def _restart(self) -> str:
        await self._administration.ask_restart(self._by)
        return "The switch begins again. Log in in a few seconds."

    def _take_upload(self, told: Mapping[str, Any]) -> None:
        """What the browser says of a file that it sent; whose it is, the administration knows."""
        columns = told.get("columns")
        names = tuple(_text(each) for each in columns[:200]) if isinstance(columns, list) else ()
        ref, name, block = (_text(told.get(key)) for key in ("ref", "name", "id"))
        size = told.get("size")
        self._uploads[block] = Upload(ref, name, size if isinstance(size, int) else 0, names)
        self._report = None
        self._say(f"{name} is here.")

    def _use(self, block: str) -> Upload:
        """A file that is used up by what is done with it. Raises KeyError where there is none."""
        return self._uploads.pop(block)

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


def _columns(told: dict[str, Any]) -> dict[str, str]:
    found = {key.removeprefix("column-"): value for key, value in told.items() if key.startswith("column-")}
    return {meaning: str(name) for meaning, name in found.items() if name}


def _number(value: Any, kind: type[int] | type[float]) -> int | float | None:
    try:
        return kind(value) if value not in ("", None) else None
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f'"{_text(value)}" is no number') from None


def _text(value: object) -> str:
    return value[:LONGEST] if isinstance(value, str) else ""


def _value(value: object) -> object:
    """What a form may hold: text of one line, numbers, yes or no."""
    if isinstance(value, str):
        return "".join(c for c in value[:LONGEST] if c.isprintable()).strip()
    return value if isinstance(value, bool | int | float) else ""
