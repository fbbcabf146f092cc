"""A site whose switch is the command itself, so that it can be killed; carrier and phones are the lab's."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from softswitch.config import load, store_url
from softswitch.dialler.attempt import DialAttempt
from softswitch.store.database import Store
from softswitch.testing.callee import CalleePlan
from softswitch.testing.phone import Phone, PhoneSettings
from softswitch.testing.station import Conversation
from softswitch.testing.trunk import Trunk, TrunkCall
from tests.interop.site import PASSWORDS, write_site
from tests.ports import free_port
from tests.processes import SwitchProcess

PATIENCE_S = 300.0  # far over what anything here takes, a first compilation on a busy machine included
READY = b"Ready:"


@dataclass
class Command(SwitchProcess):
    """`softswitch run`, which can be killed and run again."""

    configuration: Path
    said: list[bytes] = field(default_factory=list)

    async def run(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "softswitch", "run", str(self.configuration),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self.said = []
        self._reading = asyncio.create_task(self._read())

    async def ready(self) -> None:
        await until(lambda: any(READY in line for line in self.said) or self._reading.done(), "the switch is ready")
        assert not self._reading.done(), b"".join(self.said).decode()

    async def _read(self) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.said.append(line)


async def until(condition, what: str) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while not condition():
        assert loop.time() < deadline, f"it never came about that {what}"
        await asyncio.sleep(0.02)


@dataclass
class Scene:
    command: Command
    trunk: Trunk
    web: str = ""
    phones: dict[str, Phone] = field(default_factory=dict)

    async def log_in(self, port: int, *agents: str) -> None:
        for agent in agents:
            phone = self.phones[agent] = await Phone.start(
                ("127.0.0.1", port), PhoneSettings(agent, agent, PASSWORDS[agent])
            )
            await asyncio.wait_for(phone.registered.wait(), PATIENCE_S)
            await phone.dial("login")
            await asyncio.wait_for(phone.talking.wait(), PATIENCE_S)

    def call(self, number: str) -> TrunkCall | None:
        return next((call for call in self.trunk.calls if call.number == number and call.answered), None)

    def conversations(self) -> list[Conversation]:
        """Both ends of every call that is up."""
        calls = [call.conversation for call in self.trunk.calls if call.answered and not call.ended]
        phones = [each for phone in self.phones.values() for each in phone.conversations.values()]
        return [each for each in (*calls, *phones) if each is not None]

    def have_heard(self, packets: int, *, since: list[tuple[int, int]]) -> bool:
        """Whether each end has received more than so many since these counts."""
        return all(now[0] - then[0] > packets for now, then in zip(self.counts(), since, strict=True))

    def counts(self) -> list[tuple[int, int]]:
        """Packets received and lost, end by end."""
        ends = [each.end.counts for each in self.conversations() if each.end is not None]
        return [(counts.received, counts.lost) for counts in ends]

    def hears_agents(self, call: TrunkCall) -> bool:
        return call.conversation is not None and bool(call.conversation.ear.present)

    async def attempts(self) -> dict[str, DialAttempt]:
        """As the store has them, by the file name of their recordings."""
        store = await Store.open(store_url(load(self.command.configuration)))
        try:
            return {attempt.call_ref: attempt for attempt in await store.attempts()}
        finally:
            await store.close()

    async def ended(self, count: int) -> list[DialAttempt]:
        """Wait until so many attempts are over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while True:
            over = [attempt for attempt in (await self.attempts()).values() if attempt.ended_at is not None]
            if len(over) >= count:
                return over
            assert loop.time() < deadline, f"{len(over)} of {count} attempts ended"
            await asyncio.sleep(0.2)


@asynccontextmanager
async def scene(folder: Path, plan: dict[str, CalleePlan], *agents: str, changes: str = "") -> AsyncIterator[Scene]:
    """A running command whose campaign dials at once, and agents who are ready. changes: as those of `floor`."""
    port, web = free_port(), free_port()
    trunk = await Trunk.start(plan, switch=("127.0.0.1", port))
    configuration = write_site(folder, trunk_port=trunk.address[1], numbers=list(plan), agents=agents, amd="off")
    text = configuration.read_text().replace("[sip]\nport = 0", f"[sip]\nport = {port}")
    text = text.replace("[web]\nport = 0", f"[web]\nport = {web}")
    text = text.replace("[safeguards]\n", "[safeguards]\nsupervisor_ratio = 0\n")
    for old, new in (line.split(" -> ") for line in changes.splitlines()):
        assert old in text
        text = text.replace(old, new.replace("\\n", "\n"))
    configuration.write_text(text.replace('leads = "leads.csv"\n', 'leads = "leads.csv"\nstart = true\n'))
    command = Command(configuration)
    running = Scene(command, trunk, f"http://127.0.0.1:{web}")
    try:
        await command.run()
        await command.ready()
        await running.log_in(port, *agents)
        yield running
    finally:
        await asyncio.gather(*(phone.stop() for phone in running.phones.values()))
        await command.stop()
        await trunk.stop()
