"""A switch, a lab carrier and lab phones, over real sockets on loopback; callees behave as each test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from softswitch.config import load
from softswitch.dialler.attempt import DialAttempt
from softswitch.switch import Switch
from softswitch.testing.callee import CalleePlan
from softswitch.testing.phone import Phone, PhoneSettings
from softswitch.testing.trunk import Trunk
from tests.interop.site import CAMPAIGN, PASSWORDS, address_of, write_site

T = TypeVar("T")
PATIENCE_S = 180.0  # far over what anything here takes; a test that waits so long has failed


@dataclass
class Floor:
    """A running site with its lab."""

    switch: Switch
    trunk: Trunk
    phones: dict[str, Phone] = field(default_factory=dict)

    async def log_in(self, *agents: str) -> None:
        """Register these agents' phones and dial their log-in calls."""
        for agent in agents:
            settings = PhoneSettings(agent, agent, PASSWORDS[agent])
            phone = self.phones[agent] = await Phone.start(address_of(self.switch), settings)
            await asyncio.wait_for(phone.registered.wait(), PATIENCE_S)
            await phone.dial("login")
            await self.until(lambda agent=agent: self.state(agent) == "ready", f"agent {agent} is ready")

    async def start(self) -> None:
        """A supervisor is there and the campaign dials."""
        self.switch.desk.supervisor_arrived("supervisor")
        await self.switch.desk.start_campaign(CAMPAIGN)

    def state(self, agent: str) -> str:
        return next((a.state for a in self.switch.desk.wallboard().agents if a.agent == agent), "offline")

    def calls(self, *states: str) -> list[str]:
        return [c.call_ref for c in self.switch.desk.wallboard().calls if not states or c.state in states]

    def interlock(self, name: str) -> str:
        """Its reason while it is open; empty while it is closed."""
        return next(lock.reason for lock in self.switch.desk.wallboard().interlocks if lock.name == name)

    def campaign(self) -> Any:
        return self.switch.desk.wallboard().campaigns[0]

    def invites(self) -> int:
        return len(self.trunk.journal.of("invite"))

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something is so."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while not condition():
            assert loop.time() < deadline, f"it never came about that {what}"
            await asyncio.sleep(0.02)

    async def ended(self, count: int = 1) -> list[DialAttempt]:
        """Wait until so many attempts are over, and give them as the store has them, oldest first."""
        found: list[DialAttempt] = []
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while len(found) < count:
            assert loop.time() < deadline, f"{len(found)} of {count} attempts ended"
            await asyncio.sleep(0.05)
            every = await self.switch.desk.calls_of(CAMPAIGN, 1000, 0)
            found = [attempt for attempt in reversed(every) if attempt.ended_at is not None]
        return found


@asynccontextmanager
async def floor(
    folder: Path, plan: Mapping[str, CalleePlan], *, agents: Sequence[str] = ("1001",), changes: str = "", **site: Any
) -> AsyncIterator[Floor]:
    """changes: "old -> new" lines applied to the site's TOML file."""
    trunk = await Trunk.start(plan)
    configuration = write_site(folder, trunk_port=trunk.address[1], numbers=list(plan), agents=agents, **site)
    text = configuration.read_text()
    for line in filter(None, (line.strip() for line in changes.splitlines())):
        old, new = line.split(" -> ")
        assert old in text
        text = text.replace(old, new.replace("\\n", "\n"))
    configuration.write_text(text)
    switch = Switch(load(configuration), configuration)
    try:
        await switch.start()
        running = Floor(switch, trunk)
        try:
            yield running
        finally:
            await asyncio.gather(*(phone.stop() for phone in running.phones.values()))
            await switch.stop()
    finally:
        await trunk.stop()


@pytest.fixture
def on_loop() -> Callable[[Coroutine[Any, Any, T]], T]:
    """Run a coroutine on the loop that the product runs on."""

    def run(work: Coroutine[Any, Any, T]) -> T:
        return uvloop.run(work)

    return run
