"""What an administrator does with a running site: its configuration, agents, messages, lists, phones, test calls.

Everything is noted in the audit log before it is done. Secrets go into files of their own, beside the configuration,
and come back out in one thing alone: a phone's provisioning file.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any, Protocol

from softswitch.config import Settings
from softswitch.config.scripts import YAML_ENDS, examine_script
from softswitch.config.writing import write_secret
from softswitch.errors import UsageError
from softswitch.exchange.intake.agents import AgentAccounts, AgentIntake
from softswitch.exchange.intake.import_jobs import ImportJobs
from softswitch.exchange.intake.phone_files import PhoneFiles
from softswitch.exchange.intake.prompts import take_in
from softswitch.exchange.intake.site_file import PROMPTS, SCRIPTS, SECRETS, NeverDial, SiteFile, file_stem
from softswitch.exchange.intake.uploads import Uploads
from softswitch.exchange.running.premises import Site
from softswitch.safeguards.site_setup import (
    AgentsReport,
    Job,
    PhoneOffer,
    PromptReport,
    Saved,
    SiteSetup,
    TestCall,
    Upload,
)
from softswitch.store.telephone import WrongNumber, ends_in, read_number
from softswitch.ua.provisioning import ProvisioningFile

SITE_KEYS = frozenset({"name", "time_zone", "country"})
TRUNK_KEYS = frozenset(
    {"host", "port", "transport", "username", "register", "caller_id", "channels", "calls_per_second"}
)
CAMPAIGN_KEYS = frozenset(
    {"purpose", "policy", "trunk", "caller_id", "opens", "closes", "weekdays", "information_message"}
    | {"visible_fields", "agents", "wrap_up_s", "maximum_attempts"}
)
NAMED_BY = {"trunks": "name", "campaigns": "name", "agents": "id"}


class Notes(Protocol):
    async def note(self, actor: str, action: str, *, subject: str, reason: str) -> None: ...


class TestCalls(Protocol):
    """`softswitch.exchange.calls.trials.Trials` fulfils it."""

    async def place(self, trunk: str, number: str, caller_id: str) -> TestCall: ...
    def last(self) -> TestCall | None: ...


class LiveTrunks(Protocol):
    """`softswitch.exchange.intake.trunks.Trunks` fulfils it."""

    async def apply(self, wanted: Settings) -> tuple[Settings, dict[str, str]]: ...


class Administration:
    """Fulfils `softswitch.web.administration.Administration`."""

    def __init__(
        self,
        path: Path,
        in_force: Settings,
        *,
        notes: Notes,
        accounts: AgentAccounts,
        test_calls: TestCalls,
        never_dial: NeverDial,
        calls_up: Callable[[], int],
        restart: Callable[[], None],
        trunks: LiveTrunks | None = None,
        leads_came: Callable[[str], None] = lambda campaign: None,
    ) -> None:
        """path: the site's TOML file.  in_force: what the switch was started with.  calls_up: how many calls there
        are.  restart: has the switch end in order and begin again with the file as it is then.  trunks: brings changes
        of them into force at once; None: they wait for a restart, as all else does.  leads_came: told of a campaign
        into which leads were imported."""
        self._file = SiteFile(path, in_force)
        self._in_force = in_force
        self._notes = notes
        self._agents = AgentIntake(self._file, accounts)
        self._test_calls = test_calls
        self._never_dial = never_dial
        self._calls_up = calls_up
        self._restart = restart
        self._trunks = trunks
        self._leads_came = leads_came
        self._turn = asyncio.Lock()
        self._uploads = Uploads(in_force.site.data_directory)
        self._jobs = ImportJobs()
        self._phones = PhoneFiles()
        self.hash_pin: Callable[[str], Awaitable[str]] | None = None
        """Of the web, which alone knows how passwords are hashed."""

    async def close(self) -> None:
        await self._jobs.close()
        self._uploads.delete_all()

    async def setup(self) -> SiteSetup:
        return await self._file.view(await self._never_dial())

    # The configuration

    async def change_site(self, values: Mapping[str, Any], by: str) -> Saved:
        await self._note(by, "change configuration", f"site: {_listed(values)}")
        return await self._file.change(lambda draft: draft.change_table("site", _only(values, SITE_KEYS)))

    async def put_trunk(self, name: str, values: Mapping[str, Any], password: str, by: str) -> Saved:
        """password: empty keeps the one that there is."""
        what = _listed({**values, "password": password} if password else values)
        await self._note(by, "change configuration", f"trunk {name}: {what}")
        told, fresh = dict(_only(values, TRUNK_KEYS)), []
        if password:
            path = await asyncio.to_thread(
                write_secret, self._file.folder / SECRETS, f"trunk-{file_stem(name)}", password
            )
            told |= {"password": None, "password_file": f"{SECRETS}/{path.name}"}
            fresh.append(path)
        saved = await self._file.change(lambda draft: draft.change_element("trunks", "name", name, told), fresh=fresh)
        return await self._in_force_now(saved)

    async def put_campaign(self, name: str, values: Mapping[str, Any], by: str) -> Saved:
        await self._note(by, "change configuration", f"campaign {name}: {_listed(values)}")
        told = dict(_only(values, CAMPAIGN_KEYS))
        for key in ("opens", "closes"):
            if key in told:
                told[key] = _time(told[key])
        return await self._file.change(lambda draft: draft.change_element("campaigns", "name", name, told))

    async def put_script(self, campaign: str, upload_ref: str, by: str) -> Saved:
        """Take an uploaded script (TOML or YAML) for a campaign, if every check of it passes."""
        path = self._uploads.path(upload_ref, by)
        settings = await self._file.settings()
        found = next((each for each in settings.campaigns if each.name == campaign), None)
        if found is None:
            raise KeyError(campaign)
        await self._note(by, "change configuration", f"campaign {campaign}: script")
        try:
            script, faults = await asyncio.to_thread(examine_script, path, found.visible_fields)
            if script is None:
                raise UsageError("the script cannot be used: " + "; ".join(str(fault) for fault in faults[:20]))
            content = await asyncio.to_thread(path.read_bytes)
        finally:
            self._uploads.delete(upload_ref)
        end = path.suffix.lower() if path.suffix.lower() in YAML_ENDS else ".toml"
        target = self._file.folder / SCRIPTS / f"{file_stem(campaign)}-{secrets.token_hex(4)}{end}"
        await asyncio.to_thread(_write, target, content)
        told = {"script": f"{SCRIPTS}/{target.name}"}
        return await self._file.change(
            lambda draft: draft.change_element("campaigns", "name", campaign, told), fresh=[target]
        )

    async def remove(self, section: str, name: str, by: str) -> Saved:
        """section: trunks, agents or campaigns. Raises KeyError where there is no such element."""
        await self._note(by, "change configuration", f"{section.removesuffix('s')} {name}: removed")
        saved = await self._file.change(lambda draft: draft.remove_element(section, NAMED_BY[section], name))
        return await self._in_force_now(saved) if section == "trunks" else saved

    async def apply_trunks(self, by: str) -> Saved:
        """Try again with the trunks that wait: those whose calls are over by now come into force."""
        await self._note(by, "apply trunks", "")
        return await self._in_force_now(Saved())

    async def _in_force_now(self, saved: Saved) -> Saved:
        if self._trunks is None:
            return saved
        async with self._turn:
            wanted = await self._file.settings()
            self._in_force, waits = await self._trunks.apply(wanted)
        await self._file.now_in_force(self._in_force, {f"[[trunks]] {name}": why for name, why in waits.items()})
        return Saved(saved.warnings, self._file.waiting(wanted))

    async def put_prompt(self, name: str, upload_ref: str, by: str) -> PromptReport:
        """Take an uploaded WAV or FLAC file as a message, if it can be heard well."""
        path = self._uploads.path(upload_ref, by)
        await self._note(by, "change configuration", f"prompt {name}")
        try:
            target, report = await asyncio.to_thread(take_in, path, self._file.folder / PROMPTS, name)
        finally:
            self._uploads.delete(upload_ref)
        told = {name: f"{PROMPTS}/{target.name}"}
        saved = await self._file.change(lambda draft: draft.change_table("prompts", told), fresh=[target])
        return replace(report, saved=saved)

    async def ask_restart(self, by: str) -> None:
        """Raises UsageError while calls are up, or where the file as it is now could not be started with."""
        await self._file.settings()
        if calls := self._calls_up():
            raise UsageError(f"{calls} calls are up: stop the campaigns and let them end first")
        await self._note(by, "restart", "switch")
        self._restart()

    # Agents and phones

    async def import_agents(
        self, upload_ref: str, columns: Mapping[str, str], by: str, *, dry_run: bool
    ) -> AgentsReport:
        """Add or change agents by a CSV file; with one mistake in it nothing is written. The file is deleted, but for
        a dry run."""
        path = self._uploads.path(upload_ref, by)
        try:
            intake = await self._agents.read(path, columns)
            if dry_run or intake.report.problems:
                return replace(intake.report, dry_run=dry_run)
            await self._note(by, "import agents", f"{intake.report.added} added, {intake.report.changed} changed")
            return replace(intake.report, saved=await self._agents.write(intake, self.hash_pin))
        except UsageError as error:
            raise UsageError(str(error).replace(str(path), path.name)) from None
        finally:
            if not dry_run:
                self._uploads.delete(upload_ref)

    async def phone_file(self, agent: str, by: str) -> ProvisioningFile:
        """Raises KeyError for nobody's id, UsageError where the agent has no such phone."""
        settings = await self._file.settings()
        await self._note(by, "export phone file", f"agent {agent}")
        return await asyncio.to_thread(self._phones.file, settings, agent)

    async def offer_phone_file(self, agent: str, by: str) -> PhoneOffer:
        settings = await self._file.settings()
        await self._note(by, "offer phone file", f"agent {agent}")
        return self._phones.offer(settings, agent)

    async def take_phone_file(self, token: str, name: str, source: str) -> ProvisioningFile:
        """For the phone itself: once. Raises KeyError where there is no such offer."""
        agent = self._phones.take(token, name)
        settings = await self._file.settings()
        await self._note(f"phone of {agent}", "fetch phone file", f"from {source}")
        return await asyncio.to_thread(self._phones.file, settings, agent)

    # Lists

    async def upload(self, name: str, chunks: AsyncIterator[bytes], by: str) -> Upload:
        return await self._uploads.receive(name, chunks, by)

    async def drop_upload(self, upload_ref: str, by: str) -> None:
        self._uploads.path(upload_ref, by)
        self._uploads.delete(upload_ref)

    async def import_leads(
        self, upload_ref: str, campaign: str, columns: Mapping[str, str], by: str, *, dry_run: bool
    ) -> Job:
        """Begin an import; the uploaded file is deleted when it is over, but for a dry run."""
        path = self._uploads.path(upload_ref, by)
        if campaign not in [each.name for each in (await self._file.settings()).campaigns]:
            raise KeyError(campaign)
        command = ("leads", "dry-run" if dry_run else "import")
        await self._note(by, " ".join(command), f"campaign {campaign}")
        words = [str(self._file.path), str(path), "--campaign", campaign]
        for meaning, column in columns.items():
            words += ["--column", f"{meaning}={column}"]

        def then() -> None:
            if not dry_run:
                self._uploads.delete(upload_ref)
                self._leads_came(campaign)

        return self._jobs.start(command, words, path, path.name, then, subject=campaign)

    async def import_never_dial(self, upload_ref: str, by: str) -> Job:
        """Begin to put this list in the place of the one before; the uploaded file is deleted when it is over."""
        path = self._uploads.path(upload_ref, by)
        await self._note(by, "import never-dial list", "by upload")
        words = [str(self._file.path), str(path)]
        return self._jobs.start(
            ("never-dial", "import"), words, path, path.name, lambda: self._uploads.delete(upload_ref)
        )

    def job(self, job_ref: str) -> Job:
        return self._jobs.job(job_ref)

    def jobs(self) -> list[Job]:
        return self._jobs.jobs()

    # Test calls

    async def test_call(self, trunk: str, number: str, by: str) -> TestCall:
        """Call a number over a trunk that is in force. Raises KeyError for an unknown trunk."""
        found = next((each for each in self._in_force.trunks if each.name == trunk), None)
        if found is None:
            raise KeyError(trunk)
        try:
            called = read_number(number, self._in_force.site.country).number
        except WrongNumber as wrong:
            raise UsageError(f"the number {wrong}") from None
        await self._note(by, "test call", f"trunk {trunk}, a number that {ends_in(called)}")
        return await self._test_calls.place(trunk, called, found.caller_id)

    def last_test_call(self) -> TestCall | None:
        return self._test_calls.last()

    async def _note(self, by: str, action: str, subject: str) -> None:
        await self._notes.note(by, action, subject=subject, reason="")


def make_administration(
    path: Path, site: Site, restart: Callable[[], None], trunks: LiveTrunks | None = None
) -> Administration:
    """Of a running site."""

    async def never_dial() -> tuple[int, datetime] | None:
        found = await site.store.never_dial()
        return None if found is None else (len(found[0]), found[1])

    def leads_came(campaign: str) -> None:
        if campaign in site.campaigns:
            site.campaigns[campaign].count_leads()

    return Administration(
        path,
        site.settings,
        notes=site.audit,
        accounts=site.store,
        test_calls=site.trials,
        never_dial=never_dial,
        calls_up=lambda: site.calls_up,
        restart=restart,
        trunks=trunks,
        leads_came=leads_came,
    )


def _only(values: Mapping[str, Any], allowed: frozenset[str]) -> Mapping[str, Any]:
    """Keys that are changed here and no others: an upload of one thing must not bring another along."""
    unknown = sorted(values.keys() - allowed)
    if unknown:
        raise UsageError(f"{unknown[0]} is not changed here; change it in the file")
    return values


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(sorted(values)) or "nothing"


def _time(text: Any) -> time:
    try:
        return time.fromisoformat(str(text))
    except ValueError:
        raise UsageError("a time of day is written as 09:00") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"the script cannot be kept: {error.strerror}") from error
