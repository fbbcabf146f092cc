"""Accounts, the audit log and results of practice calls, in memory; one password for everybody."""

from argon2 import PasswordHasher

from softswitch.errors import UsageError
from softswitch.store.training import TrainingResult
from softswitch.web.accounts import Role, Row
from softswitch.web.passwords import Passwords

PASSWORD = "correct horse battery"


def quick_passwords() -> Passwords:
    """argon2id with its smallest costs: the tests ask whether it is used rightly, not how hard it is."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class MemoryAccounts:
    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, str]] = {}

    async def account(self, name: str) -> tuple[str, str] | None:
        return self.rows.get(name)

    async def add_account(self, name: str, password_hash: str, role: str) -> None:
        self.rows[name] = (password_hash, role)

    async def accounts(self) -> list[str]:
        return list(self.rows)

    @classmethod
    def with_everybody(cls) -> "MemoryAccounts":
        """One account for each role, and a second agent; all with `PASSWORD`."""
        accounts = cls()
        hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        for name, role in (
            ("ada", Role.ADMINISTRATOR),
            ("sue", Role.SUPERVISOR),
            ("otto", Role.AUDITOR),
            ("101", Role.AGENT),
            ("102", Role.AGENT),
        ):
            accounts.rows[name] = (hashed, role)
        return accounts


class MemoryPeople(MemoryAccounts):
    """The same with second factors and accounts that are shut."""

    def __init__(self) -> None:
        super().__init__()
        self.totp: dict[str, str] = {}
        self.steps: dict[str, int] = {}
        self.shut: set[str] = set()

    async def person(self, name: str) -> Row | None:
        found = self.rows.get(name)
        return None if found is None else Row(name, *found, self.totp.get(name, ""), name in self.shut)

    async def people(self) -> list[Row]:
        return [row for name in self.rows if (row := await self.person(name)) is not None]

    async def set_totp(self, name: str, totp: str) -> bool:
        self.totp[name], self.steps[name] = totp, 0
        return name in self.rows

    async def use_totp_step(self, name: str, step: int) -> bool:
        is_new = step > self.steps.get(name, 0)
        self.steps[name] = max(step, self.steps.get(name, 0))
        return is_new

    async def set_disabled(self, name: str, disabled: bool) -> bool:
        (self.shut.add if disabled else self.shut.discard)(name)
        return name in self.rows


class MemoryJournal:
    """What was noted; while `trouble` says so, nothing can be."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, str, str]] = []
        """(actor, action, subject, reason)."""
        self.trouble = ""

    async def note(self, actor: str, action: str, *, subject: str, reason: str) -> None:
        if self.trouble:
            raise UsageError(self.trouble)
        self.records.append((actor, action, subject, reason))

    def actions(self, actor: str = "") -> list[str]:
        return [record[1] for record in self.records if actor in ("", record[0])]


class MemoryBook:
    """Results of practice calls."""

    def __init__(self) -> None:
        self.kept: list[TrainingResult] = []

    async def keep(self, result: TrainingResult) -> None:
        self.kept.insert(0, result)

    async def results(self, agent: str = "", limit: int = 100) -> list[TrainingResult]:
        return [each for each in self.kept if agent in ("", each.agent)][:limit]
