"""A site in processes of its own whose every file, process and log is looked at."""

import asyncio
import base64
import contextlib
import os
import re
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from softswitch.demo.lab import daytime_zone
from softswitch.store.vault_key import make_key, read_key
from softswitch.testing.clips import VOICES
from tests.auditor import AUDITOR
from tests.ports import free_port, lend_ports
from tests.processes import SwitchProcess
from tests.safeguards.marked_leads import MarkedLead, write_leads

CAMPAIGN = "survey"
DID = "+442079460999"
PATIENCE_S = 300.0
_READY = re.compile(rb"web on (http://\S+/)")
_PASSWORD = re.compile(rb"its password is in (\S+): read it")
_MARKS_OF_PROCESSES = ("cmdline", "environ", "comm")


@dataclass
class CanarySite(SwitchProcess):
    """`disk` is what a thief takes; keys lie elsewhere, and so does what is put in once (`brought`)."""

    root: Path
    leads: Sequence[MarkedLead]
    agents: Sequence[str]
    trunk_port: int
    homer_port: int = 9
    sip_port: int = field(default_factory=free_port)
    names_seen: set[str] = field(default_factory=set)
    """Of every file that any process of the site had open, or that lay in its folders."""
    texts_of_processes: set[bytes] = field(default_factory=set)
    media_memory: list[bytes] = field(default_factory=list)
    """What the media process keeps for the next signalling process."""
    password: str = ""

    def __post_init__(self) -> None:
        for folder in (self.disk, self.keys, self.brought, self.temporary):
            folder.mkdir(parents=True)
        make_key(self.keys / "vault.key")
        self._media_port = lend_ports(400)
        (self.brought / "never-dial.csv").write_text("number\n+442079460998\n")

    @property
    def disk(self) -> Path:
        return self.root / "disk"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def brought(self) -> Path:
        return self.root / "brought"

    @property
    def temporary(self) -> Path:
        return self.disk / "tmp"

    @property
    def configuration(self) -> Path:
        return self.disk / "site.toml"

    @property
    def log(self) -> Path:
        return self.disk / "switch.log"

    @property
    def url(self) -> str:
        return _READY.findall(self.log.read_bytes())[-1].decode()

    def pin(self, agent: str) -> str:
        return f"61{agent}"

    def phone_password(self, agent: str) -> str:
        return f"phone-secret-{agent}"

    def write_configuration(self) -> None:
        self.configuration.write_text(self._toml())

    def secrets(self) -> list[bytes]:
        """Keys and passwords that no process list and no log may show."""
        key = read_key(self.keys / "vault.key").secret
        passwords = [word for a in self.agents for word in (self.phone_password(a), self.pin(a))]
        return [key, key.hex().encode(), base64.b64encode(key), *(word.encode() for word in passwords)]

    async def import_leads(self) -> None:
        """As somebody does who has a list on a stick: the file is not part of the site."""
        file = self.brought / "list.csv"
        write_leads(self.leads, file, daytime_zone())
        process = await self._command("leads", "import", str(self.configuration), str(file))
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0, self.log.read_text()

    def leads_put_off(self) -> int:
        """Leads whose next call may be minutes from now at the earliest."""
        store = f"file:{self.disk}/data/softswitch.db?mode=ro"
        query = "SELECT count(*) FROM leads WHERE state = 'waiting' AND not_before > datetime('now', '+5 minutes')"
        with contextlib.closing(sqlite3.connect(store, uri=True, timeout=PATIENCE_S)) as connection:
            return int(connection.execute(query).fetchone()[0])

    async def run(self) -> None:
        so_far = len(_READY.findall(self.log.read_bytes()))
        self.process = await self._command("run", str(self.configuration))
        await self.until(lambda: len(_READY.findall(self.log.read_bytes())) > so_far, "the switch is ready")
        if found := _PASSWORD.findall(self.log.read_bytes()):
            self.password = Path(found[0].decode()).read_text(encoding="utf-8").strip()

    async def until(self, condition, what: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_S
        while not condition():
            ended = self.process is not None and self.process.returncode not in (None, -signal.SIGKILL)
            assert loop.time() < deadline and not ended, (
                f"it never came about that {what}: {self.log.read_text()[-9000:]}"
            )
            await asyncio.sleep(0.02)

    # What is looked at

    def look(self) -> None:
        """Note the names of files, and what anybody on the machine sees of our processes."""
        self.names_seen.update(str(path) for path in self.root.rglob("*") if self.brought not in path.parents)
        for pid in self._pids():
            folder = Path("/proc", str(pid))
            with suppress(OSError):
                self.texts_of_processes.update((folder / name).read_bytes() for name in _MARKS_OF_PROCESSES)
                self.names_seen.update(str(each.readlink()) for each in (folder / "fd").iterdir())

    def read_media_memory(self) -> None:
        """Of the block that both processes share: what somebody could read who may look into the media process."""
        for pid in self._pids():
            with suppress(OSError):
                for each in Path("/proc", str(pid), "fd").iterdir():
                    if "memfd:softswitch-media" in str(each.readlink()):
                        self.media_memory.append(_contents(each))
                        return

    def files(self) -> dict[str, bytes]:
        """Every file of the site, but for keys."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.disk.rglob("*"))
            if path.is_file() and not path.is_socket()
        }

    def _pids(self) -> list[int]:
        """Our own and those of its media processes: they have the site's folder on their command line or open."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                with suppress(OSError):
                    if str(self.root).encode() in (folder / "cmdline").read_bytes():
                        found.append(int(folder.name))
        return found

    async def _command(self, *arguments: str) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "softswitch", *arguments,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.disk,
                env={**os.environ, "TMPDIR": str(self.temporary), "HOME": str(self.temporary), "COLUMNS": "200"},
            )  # fmt: skip

    def _toml(self) -> str:
        media = self._media_port
        agents = "".join(
            f'[[agents]]\nid = "{a}"\nphone_username = "{a}"\nphone_password = "{self.phone_password(a)}"\n'
            f'pin = "{self.pin(a)}"\n'
            for a in self.agents
        )
        return f"""[site]
name = "canaries"
time_zone = "{daytime_zone()}"
data_directory = "data"
[sip]
address = "127.0.0.1"
port = {self.sip_port}
[media]
first_port = {media}
last_port = {media + 399}
[web]
port = 0
[vault]
key_file = "{self.keys}/vault.key"
[trace]
homer = "127.0.0.1:{self.homer_port}"
[recordings]
minimum_free_mb = 1
auditor_public_key = "{AUDITOR.public.hex()}"
[safeguards]
never_dial = "{self.brought}/never-dial.csv"
supervisor_ratio = 0
[prompts]
information = "{VOICES / "prompt-information-message.wav"}"
no-agent = "{VOICES / "prompt-no-agent.wav"}"
[[trunks]]
name = "carrier"
host = "127.0.0.1"
port = {self.trunk_port}
channels = 100
calls_per_second = 100
caller_id = "{DID}"
{agents}[[campaigns]]
name = "{CAMPAIGN}"
trunk = "carrier"
information_message = "information"
policy = "progressive"
amd_point = "balanced"
ring_timeout_s = 15
wrap_up_s = 0
maximum_attempts = 1
visible_fields = ["topic"]
start = true
[[inbound]]
did = "{DID}"
prompt_no_agent = "no-agent"
"""


def _contents(path: Path) -> bytes:
    """Of a sparse file: what is there."""
    pieces = []
    descriptor = os.open(path, os.O_RDONLY)
    try:
        at, size = 0, os.fstat(descriptor).st_size
        with contextlib.suppress(OSError):  # nothing but a hole is left
            while at < size:
                at = os.lseek(descriptor, at, os.SEEK_DATA)
                end = os.lseek(descriptor, at, os.SEEK_HOLE)
                pieces.append(os.pread(descriptor, end - at, at))
                at = end
    finally:
        os.close(descriptor)
    return b"".join(pieces)
