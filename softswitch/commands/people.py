"""`softswitch people ...`: who may log in to the web, and as what. Each change is in the audit log before it is made.

A running switch notices within seconds: sessions of a changed account end.
"""

import asyncio
import hashlib
import secrets
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from softswitch.errors import UsageError
from softswitch.safeguards.pins import PIN_DIGITS, PIN_RULE, is_good_pin

people_app = typer.Typer(no_args_is_help=True)

SHORTEST_PASSWORD = 12
NAME_LIMIT = 64
TOKEN_BYTES = 32
"""Random: whoever has the hash cannot search for it, so SHA-256 is slow enough."""

Config = Annotated[Path, typer.Argument(help="The site's TOML file.")]
Name = Annotated[str, typer.Argument(help="Name of the account; of an agent, the agent's id.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make the password, and show it once.")]


@people_app.command()
def add(
    config: Config,
    name: Name,
    role: Annotated[list[str], typer.Option(help="agent, supervisor, administrator or auditor.")],
    generate: Generate = False,
) -> None:
    """Add somebody; asks for the password, or reads it from standard input. For an agent it is a PIN of digits."""
    from softswitch.web.accounts import account_from

    roles = " ".join(role)

    async def work(office: "_Office") -> None:
        if account_from(name, roles, several=True) is None:
            raise UsageError("--role is agent, supervisor, administrator or auditor; an agent has no other beside it")
        if len(role) > 1 and not office.several_roles:
            raise UsageError("nobody holds two roles here; [people] several_roles = true would allow it")
        if not (name.isprintable() and 0 < len(name) <= NAME_LIMIT):
            raise UsageError(f"a name has 1 to {NAME_LIMIT} letters")
        if await office.store.person(name) is not None:
            raise UsageError(f"{name} is there already: people passwd changes the password")
        if roles == "agent" and name not in office.agents:
            raise UsageError(f'there is no agent "{name}" in {config}; agents are known by their id')
        password = _password(generate, is_agent=roles == "agent")
        await office.note("add person", name, roles)
        await office.store.add_account(name, await office.hash(password), roles)
        if generate:
            print(password)
        said = "" if roles == "agent" else "; the code of an app is set up at the first log-in, or by people totp"
        _say(f"{name} may log in as {roles}{said}.")

    _run(config, work)


@people_app.command("list")
def list_(config: Config) -> None:
    """List everybody, with roles and second factor."""

    async def work(office: "_Office") -> None:
        table = Table("name", "roles", "second factor", "state", box=None)
        for row in await office.store.people():
            factor = "yes" if row.totp else ("-" if row.role == "agent" else "not yet")
            table.add_row(row.name, row.role, factor, "shut" if row.disabled else "")
        Console(highlight=False).print(table)

    _run(config, work)


@people_app.command()
def passwd(config: Config, name: Name, generate: Generate = False) -> None:
    """Change a password or PIN; sessions of the account end."""

    async def work(office: "_Office") -> None:
        row = await office.known(name)
        password = _password(generate, is_agent=row.role == "agent")
        await office.note("change password", name, "")
        await office.store.add_account(name, await office.hash(password), row.role)
        if generate:
            print(password)
        _say(f"{name} has another password.")

    _run(config, work)


@people_app.command()
def totp(
    config: Config,
    name: Name,
    reset: Annotated[bool, typer.Option("--reset", help="Take it away: the next log-in sets up another one.")] = False,
) -> None:
    """Set up a second factor and show its key once; or, for somebody who has lost the app, take it away."""
    from softswitch.web.sealing import Sealer
    from softswitch.web.totp import SECRET_BYTES, as_text, uri

    async def work(office: "_Office") -> None:
        row = await office.known(name)
        if row.role == "agent":
            raise UsageError("agents log in with number and PIN; they have no second factor")
        await office.note("take second factor away" if reset else "set second factor", name, "")
        if reset:
            await office.store.set_totp(name, "")
            _say(f"{name} sets up another second factor at the next log-in.")
            return
        secret = secrets.token_bytes(SECRET_BYTES)
        await office.store.set_totp(name, Sealer.find(office.data_directory).seal(secret, name))
        print(as_text(secret))
        print(uri(secret, name, office.site))
        _say("The key, and as an address for a QR code. They are shown this once.")

    _run(config, work)


@people_app.command()
def disable(config: Config, name: Name) -> None:
    """Shut an account: its sessions end, and nobody logs in with it."""
    _run(config, _shutting(name, shut=True))


@people_app.command()
def enable(config: Config, name: Name) -> None:
    """Open an account that was shut."""
    _run(config, _shutting(name, shut=False))


@people_app.command()
def token(
    config: Config,
    name: Annotated[str, typer.Argument(help="Of the program that reads, such as prometheus.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="It opens nothing any more.")] = False,
) -> None:
    """Make a token for a program that reads /metrics and the status, and nothing else; it is shown this once."""

    async def work(office: "_Office") -> None:
        if not (name.isprintable() and 0 < len(name) <= NAME_LIMIT):
            raise UsageError(f"a name has 1 to {NAME_LIMIT} letters")
        await office.note_down("take token away" if revoke else "make token", f"token {name}", "")
        if revoke:
            if not await office.store.drop_token(name):
                raise UsageError(f"there is no token {name}; people tokens names every one")
            _say(f"{name} reads nothing any more.")
            return
        made = secrets.token_urlsafe(TOKEN_BYTES)
        await office.store.put_token(name, hashlib.sha256(made.encode()).digest())
        print(made)
        _say(f"{name} sends it as Authorization: Bearer TOKEN. One that it had before opens nothing any more.")

    _run(config, work)


@people_app.command()
def tokens(config: Config) -> None:
    """List the programs that have a token."""

    async def work(office: "_Office") -> None:
        table = Table("name", "made (UTC)", box=None)
        for name, made_at in await office.store.tokens():
            table.add_row(name, f"{made_at:%Y-%m-%d %H:%M}")
        Console(highlight=False).print(table)

    _run(config, work)


def _shutting(name: str, *, shut: bool) -> "_Work":
    async def work(office: "_Office") -> None:
        await office.known(name)
        await office.note("shut account" if shut else "open account", name, "")
        await office.store.set_disabled(name, shut)
        _say(f"{name} {'cannot log in any more' if shut else 'may log in again'}.")

    return work


@dataclass(frozen=True, slots=True)
class _Office:
    """What the commands work with."""

    store: Any
    site: str
    data_directory: Path
    agents: frozenset[str]
    several_roles: bool
    hash: Callable[[str], Coroutine[Any, Any, str]]
    note_down: Callable[[str, str, str], Coroutine[Any, Any, None]]

    async def note(self, action: str, name: str, reason: str) -> None:
        await self.note_down(action, f"account {name}", reason)

    async def known(self, name: str) -> Any:
        row = await self.store.person(name)
        if row is None:
            raise UsageError(f"there is nobody called {name}; people list names everybody")
        return row


_Work = Callable[[_Office], Coroutine[Any, Any, None]]


def _run(config: Path, work: _Work) -> None:
    from softswitch.config import load, store_url
    from softswitch.exchange.audit.start import make_audit, person
    from softswitch.store.database import Store
    from softswitch.web.passwords import Passwords

    async def run() -> None:
        settings = load(config)
        folder = settings.site.data_directory
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store, passwords, audit = await Store.open(store_url(settings), locked=True), Passwords(), make_audit(settings)

        async def note(action: str, subject: str, reason: str) -> None:
            await audit.note(person(), action, subject=subject, reason=reason)

        office = _Office(
            store=store,
            site=settings.site.name,
            data_directory=folder,
            agents=frozenset(agent.id for agent in settings.agents),
            several_roles=settings.people.several_roles,
            hash=passwords.hash,
            note_down=note,
        )
        try:
            await work(office)
        finally:
            passwords.close()
            await store.close()

    asyncio.run(run())


def _password(generate: bool, *, is_agent: bool) -> str:
    if generate:
        digits = "".join(str(secrets.randbelow(10)) for _ in range(PIN_DIGITS[2]))
        if not is_agent:
            return secrets.token_urlsafe(15)
        return digits if is_good_pin(digits) else _password(True, is_agent=True)
    word = "PIN" if is_agent else "Password"
    if sys.stdin.isatty():
        given: str = typer.prompt(word, hide_input=True, confirmation_prompt=True, err=True)
    else:
        given = sys.stdin.readline().rstrip("\n")
    if is_agent:
        if not is_good_pin(given):
            raise UsageError(PIN_RULE)
        return given
    if not SHORTEST_PASSWORD <= len(given) <= 256 or len(set(given)) < 5:
        raise UsageError(f"a password has {SHORTEST_PASSWORD} characters or more, and five different ones at least")
    return given


def _say(text: str) -> None:
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)
