"""A running site's own TOML file: what it says now, what of it is not in force yet, and changes to it."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from softswitch.config import Settings
from softswitch.config.examination import Finding, examine
from softswitch.config.phones import AgentSettings
from softswitch.config.writing import Draft, differences
from softswitch.errors import UsageError
from softswitch.safeguards.site_setup import AgentSetup, CampaignSetup, Saved, SiteSetup, TrunkSetup

SECRETS = "secrets"
"""Folder beside the file, with passwords in files of their own."""
PROMPTS = "prompts"
SCRIPTS = "scripts"
NEVER_DIAL_KEY = "safeguards.never_dial"
"""Of what is found where the file names no list; one may have been imported all the same."""
_OWN_SECRET = re.compile(r"(trunk|phone)-.+-[0-9a-f]{8}\.secret")
NeverDial = Callable[[], Awaitable[tuple[int, datetime] | None]]
"""How many numbers the never-dial list has, and since when; None: there is none."""


class SiteFile:
    """Changes come one after the other, each in a thread."""

    def __init__(self, path: Path, in_force: Settings) -> None:
        self.path = path.absolute()
        self._in_force = in_force
        self._turn = asyncio.Lock()
        self._waits: dict[str, str] = {}
        """By what is not in force: why."""
        self._read: tuple[tuple[int, int], Settings, tuple[Finding, ...]] | None = None

    @property
    def folder(self) -> Path:
        return self.path.parent

    async def now_in_force(self, settings: Settings, waits: Mapping[str, str]) -> None:
        """More of the file is in force than was.  waits: by what `differences` names, why something is not yet."""
        async with self._turn:
            self._in_force, self._waits = settings, dict(waits)
            await asyncio.to_thread(lambda: self._sweep(self._look()[0]))

    async def settings(self) -> Settings:
        """As the file says them now. Raises UsageError where it cannot be used."""
        return (await asyncio.to_thread(self._look))[0]

    async def view(self, never_dial: tuple[int, datetime] | None) -> SiteSetup:
        """What the file says, without secrets. Raises UsageError where it cannot be used."""
        settings, findings = await asyncio.to_thread(self._look)
        entries, at = never_dial or (0, None)
        return SiteSetup(
            name=settings.site.name,
            time_zone=settings.site.time_zone,
            country=settings.site.country,
            trunks=tuple(
                TrunkSetup(
                    t.name, t.host, t.port, t.transport, t.username,
                    t.password_file is not None or bool(t.password.get_secret_value()),
                    t.registers, t.caller_id, t.channels, t.calls_per_second,
                )
                for t in settings.trunks
            ),
            agents=tuple(
                AgentSetup(a.id, a.phone_username, a.phone_model or "", a.phone_mac, has_phone_file(a))
                for a in settings.agents
            ),
            campaigns=tuple(
                CampaignSetup(
                    c.name, c.purpose, c.policy, c.trunk, c.caller_id, f"{c.opens:%H:%M}", f"{c.closes:%H:%M}",
                    c.information_message, c.visible_fields, c.agents, "" if c.script is None else c.script.name,
                )
                for c in settings.campaigns
            ),
            prompts=tuple(settings.prompts),
            never_dial_entries=entries,
            never_dial_at=at,
            warnings=tuple(str(each) for each in findings if at is None or each.key != NEVER_DIAL_KEY),
            waiting=self.waiting(settings),
        )  # fmt: skip

    async def change(self, make: Callable[[Draft], None], *, fresh: Iterable[Path] = ()) -> Saved:
        """Write the file as `make` changes it. Raises UsageError with what is wrong with it then, or KeyError from
        `make`; the files in `fresh`, which the change would have named, are then deleted, and so are those that nothing
        names any more once it is written."""
        async with self._turn:
            return await asyncio.to_thread(self._change, make, tuple(fresh))

    def _change(self, make: Callable[[Draft], None], fresh: tuple[Path, ...]) -> Saved:
        try:
            draft = Draft.of(self.path)
            make(draft)
            written = draft.write()
        except BaseException:
            for path in fresh:
                path.unlink(missing_ok=True)
            raise
        self._sweep(written.settings)
        return Saved(tuple(map(str, written.findings)), self.waiting(written.settings))

    def waiting(self, settings: Settings) -> tuple[str, ...]:
        """What of these settings is not in force, and why where that is known."""
        found = differences(self._in_force, settings)
        return tuple(f"{each}: {self._waits[each]}" if each in self._waits else each for each in found)

    def _sweep(self, settings: Settings) -> None:
        """Delete secrets of our making that neither the file nor the running switch reads any more."""
        named = {path for each in (settings, self._in_force) for path in _secret_files(each)}
        for path in (self.folder / SECRETS).glob("*.secret"):
            if path not in named and _OWN_SECRET.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def _look(self) -> tuple[Settings, tuple[Finding, ...]]:
        try:
            state = self.path.stat()
        except OSError as error:
            raise UsageError(f"{self.path.name} cannot be read: {error.strerror}") from error
        mark = (state.st_mtime_ns, state.st_size)
        if self._read is None or self._read[0] != mark:
            settings, findings = examine(self.path)
            if settings is None:
                raise UsageError(f"{self.path.name} cannot be used: {findings[0]}")
            self._read = (mark, settings, tuple(findings))
        return self._read[1:]


def has_phone_file(agent: AgentSettings) -> bool:
    has_password = agent.phone_password_file is not None or bool(agent.phone_password.get_secret_value())
    return bool(agent.phone_model and agent.phone_mac and agent.phone_username and has_password)


def _secret_files(settings: Settings) -> list[Any]:
    phones = [each.phone_password_file for each in (*settings.agents, *settings.supervisors)]
    return [each.absolute() for each in (*(t.password_file for t in settings.trunks), *phones) if each is not None]


def file_stem(name: str) -> str:
    """What of a name may stand in a file's."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in name)[:64]
