"""What the administrator's page has done: the commands of its forms and buttons, as the browser names them.

What a browser sends is taken as text, numbers and flags of bounded length; whatever else it makes up comes to nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from softswitch.errors import UsageError
from softswitch.safeguards.site_setup import AgentsReport, PromptReport, Saved, Upload
from softswitch.web.admin_campaigns import MESSAGE
from softswitch.web.administration import Administration

LONGEST = 256
UNDER_WAY = "Under way: what comes of it stands below."
TRUNK = "[[trunks]] "
"""How a trunk begins in what is said to wait."""
Command = Callable[[], Awaitable[str]]
"""What came of it, in words. Raises UsageError with what is wrong, KeyError for what is no longer there."""


class AdminCommands:
    """Of one browser tab, with what was chosen and uploaded in it."""

    def __init__(self, administration: Administration, by: str) -> None:
        """by: the name of the administrator's account."""
        self._administration = administration
        self._by = by
        self.chosen: dict[str, str] = {}
        """"trunk" and "campaign": the name of the one that the form shows."""
        self.uploads: dict[str, Upload] = {}
        """Files that are here and not used up, by the block that they were given to."""
        self.report: AgentsReport | None = None
        """What came of the last file of agents."""
        self.message: PromptReport | None = None
        """The message that was taken in last."""
        self.offer: tuple[str, str, int] | None = None
        """An agent whose phone may fetch its file: id, path, and for how many minutes."""
        self.download = ""
        """The path of a file that the browser is to fetch; another one for each time."""
        self._downloads = 0

    def named(self, what: str, values: Mapping[str, Any], name: str) -> Command | None:
        """What a button or form asks for; None where nothing is called so.

        values: of the form.  name: of what the button belongs to.
        """
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
        self.chosen["trunk"] = name
        return said

    async def _put_campaign(self, told: dict[str, Any]) -> str:
        name = str(told.pop("name", ""))
        for key in ("visible_fields", "agents"):
            told[key] = str(told.get(key, "")).replace(",", " ").split() or None
        told = {key: None if value == "" else value for key, value in told.items()}
        said = await self._saved(self._administration.put_campaign(name, told, self._by))
        self.chosen["campaign"] = name
        return said

    async def _put_message(self) -> str:
        upload = self._use("message-file")
        report = await self._administration.put_prompt(MESSAGE, upload.upload_ref, self._by)
        self.message = report
        return f"Kept: it lasts {report.seconds:g} seconds; see below how it sounds. It is in force after a restart."

    async def _put_script(self) -> str:
        setup = await self._administration.setup()
        name = self.chosen.get("campaign", setup.campaigns[0].name if setup.campaigns else "")
        upload = self._use("script-file")
        return await self._saved(self._administration.put_script(name, upload.upload_ref, self._by))

    async def _import_agents(self, columns: Mapping[str, str], *, dry_run: bool) -> str:
        upload = self.uploads["agents-file"] if dry_run else self._use("agents-file")
        self.report = None
        self.report = await self._administration.import_agents(upload.upload_ref, columns, self._by, dry_run=dry_run)
        if self.report.problems:
            raise UsageError("there are mistakes in the file: nothing was written")
        return "This is what an import would do." if dry_run else "The agents are there. They log in after a restart."

    async def _import_leads(self, told: dict[str, Any], *, dry_run: bool) -> str:
        upload = self.uploads["leads-file"]
        await self._administration.import_leads(
            upload.upload_ref, str(told.get("campaign", "")), _columns(told), self._by, dry_run=dry_run
        )
        if not dry_run:
            self._use("leads-file")
        return UNDER_WAY

    async def _import_never_dial(self) -> str:
        await self._administration.import_never_dial(self.uploads["never-dial-file"].upload_ref, self._by)
        self._use("never-dial-file")
        return UNDER_WAY

    async def _let_download(self, agent: str) -> str:
        setup = await self._administration.setup()
        if agent not in [each.id for each in setup.agents if each.has_phone_file]:
            raise KeyError(agent)
        self._downloads += 1
        self.download = f"/api/admin/phones/{agent}/file?{self._downloads}"
        return "The file comes. It holds the phone's password: give it to the phone alone."

    async def _offer_phone(self, agent: str) -> str:
        offer = await self._administration.offer_phone_file(agent, self._by)
        self.offer = agent, offer.path, offer.minutes
        return "The phone may fetch its file now."

    async def _test_call(self, trunk: str, number: str) -> str:
        await self._administration.test_call(trunk, number, self._by)
        return "The test call is under way."

    async def _restart(self) -> str:
        await self._administration.ask_restart(self._by)
        return "The switch begins again. Log in in a few seconds."

    def take_upload(self, told: Mapping[str, Any]) -> str:
        """What the browser says of a file that it sent; whose it is, the administration knows.

        Gives what the administrator is told.
        """
        columns = told.get("columns")
        names = tuple(text_of(each) for each in columns[:200]) if isinstance(columns, list) else ()
        ref, name, block = (text_of(told.get(key)) for key in ("ref", "name", "id"))
        size = told.get("size")
        self.uploads[block] = Upload(ref, name, size if isinstance(size, int) else 0, names)
        self.report = None
        return f"{name} is here."

    def _use(self, block: str) -> Upload:
        """A file that is used up by what is done with it. Raises KeyError where there is none."""
        return self.uploads.pop(block)


def _columns(told: dict[str, Any]) -> dict[str, str]:
    found = {key.removeprefix("column-"): value for key, value in told.items() if key.startswith("column-")}
    return {meaning: str(name) for meaning, name in found.items() if name}


def _number(value: Any, kind: type[int] | type[float]) -> int | float | None:
    try:
        return kind(value) if value not in ("", None) else None
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f'"{text_of(value)}" is no number') from None


def text_of(value: object) -> str:
    """What a browser sent, if it is text, and so much of it."""
    return value[:LONGEST] if isinstance(value, str) else ""


def _value(value: object) -> object:
    """What a form may hold: text of one line, numbers, yes or no."""
    if isinstance(value, str):
        return "".join(c for c in value[:LONGEST] if c.isprintable()).strip()
    return value if isinstance(value, bool | int | float) else ""
