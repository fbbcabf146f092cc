"""Taking in a CSV file of agents: what it would change, and then the site's file, phones' passwords and PINs."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from softswitch.config import Settings
from softswitch.config.agents_file import AgentRow, AgentsFile, read_agents
from softswitch.config.writing import Draft, write_secret
from softswitch.exchange.intake.site_file import SECRETS, SiteFile, file_stem
from softswitch.safeguards.site_setup import AgentsReport, Saved

PHONE_PASSWORD_BYTES = 18
AGENT = "agent"


class AgentAccounts(Protocol):
    """Where agents' PINs are, hashed; `softswitch.store.database.Store` fulfils it."""

    async def account(self, name: str) -> tuple[str, str] | None: ...
    async def add_account(self, name: str, password_hash: str, role: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Intake:
    """A file that was read, and what it would do to the settings of that moment."""

    file: AgentsFile
    settings: Settings
    report: AgentsReport


class AgentIntake:
    """Takes one file at a time, first as a dry run if wanted."""

    def __init__(self, site_file: SiteFile, accounts: AgentAccounts) -> None:
        self._site_file = site_file
        self._accounts = accounts

    async def read(self, path: Path, columns: Mapping[str, str]) -> Intake:
        """Nothing is written. Raises UsageError for a file that is none.  columns: their names in it, by meaning."""
        file = await asyncio.to_thread(read_agents, path, columns)
        settings = await self._site_file.settings()
        problems = (*file.problems, *await self._account_problems(file))
        return Intake(file, settings, _report(file, settings, problems))

    async def write(self, intake: Intake, hash_pin: Callable[[str], Awaitable[str]] | None) -> Saved:
        """Write the site's file, then the PINs. Raises UsageError where the file cannot be written."""
        saved = await self._write_agents(intake.file, intake.settings)
        for row in intake.file.agents:
            if row.pin and hash_pin is not None:
                await self._accounts.add_account(row.agent.id, await hash_pin(row.pin), AGENT)
        return saved

    async def _account_problems(self, file: AgentsFile) -> list[str]:
        found = []
        for row in file.agents:
            account = await self._accounts.account(row.agent.id) if row.pin else None
            if account is not None and account[1] != AGENT:
                found.append(f"line {row.line}, id: is the name of somebody who is no agent")
        return found

    async def _write_agents(self, file: AgentsFile, settings: Settings) -> Saved:
        known = {each.id: each for each in settings.agents}
        folder, fresh = self._site_file.folder / SECRETS, []
        told: dict[str, dict[str, Any]] = {}
        for row in file.agents:
            values = told[row.agent.id] = _values(row)
            old = known.get(row.agent.id)
            has_password = old is not None and (old.phone_password_file or old.phone_password.get_secret_value())
            if row.agent.phone_username and not has_password:
                secret = secrets.token_urlsafe(PHONE_PASSWORD_BYTES)
                path = await asyncio.to_thread(write_secret, folder, f"phone-{file_stem(row.agent.id)}", secret)
                values["phone_password_file"] = f"{SECRETS}/{path.name}"
                fresh.append(path)

        def make(draft: Draft) -> None:
            for agent_id, values in told.items():
                draft.change_element("agents", "id", agent_id, values)

        return await self._site_file.change(make, fresh=fresh)


def _report(file: AgentsFile, settings: Settings, problems: tuple[str, ...]) -> AgentsReport:
    known = {each.id: each for each in settings.agents}
    changed = [
        row
        for row in file.agents
        if (old := known.get(row.agent.id)) is not None
        and (row.pin or any(getattr(old, key) != getattr(row.agent, key) for key in row.told))
    ]
    added = sum(row.agent.id not in known for row in file.agents)
    same = len(file.agents) - added - len(changed)
    return AgentsReport(file.rows, added, len(changed), same, problems, file.left_out, dry_run=False)


def _values(row: AgentRow) -> dict[str, Any]:
    values = row.agent.model_dump(mode="python", include=set(row.told))
    return {
        key: list(value) if isinstance(value, tuple) else str(value) if isinstance(value, str) else value
        for key, value in values.items()
    }
