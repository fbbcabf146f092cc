"""`softswitch demo`: start everything, run the campaign to its end, stop everything, judge."""

import asyncio
import logging
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import tomlkit
from rich.console import Console
from rich.live import Live

from softswitch.config import Settings, load
from softswitch.demo.judge import Evidence, judge
from softswitch.demo.lab import AGENTS, LEADS, Lab
from softswitch.demo.report import Report, Sample, plot, utilisation
from softswitch.demo.screen import draw
from softswitch.dialler.attempt import Disposition
from softswitch.errors import UsageError
from softswitch.logs import write_logs_to
from softswitch.progress import start_showing
from softswitch.recordings.keys import new_key_pair, write_private_key
from softswitch.store.vault_key import make_key
from softswitch.switch import Switch
from softswitch.testing.journal import read_journal

CAMPAIGN = "demo"
SHIFT_LIMIT_S = 105.0
"""The demo ends inside two minutes whatever happens; what is not done by then is a fault."""
SAMPLE_S = 0.2
AGENT_PATIENCE_S = 7.0
"""The lab's people hang up sooner; whoever is still there is a machine that the detector did not find."""
VOICES = Path(__file__).parent.parent / "testing" / "voices"


async def run_demo(folder: Path | None, *, seed: int, live: bool, console: Console) -> Report:
    """Run one shift and judge it. What it leaves lies in `folder`, a new temporary one by default."""
    shift = _Shift(_empty_folder(folder), seed, live, console)
    return await shift.run()


def _empty_folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="softswitch-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: name a new folder for the demo")
    return folder.resolve()


class _Shift:
    def __init__(self, folder: Path, seed: int, live: bool, console: Console) -> None:
        self._folder = folder
        self._live = live
        self._console = console
        self._lab = Lab(folder, seed)
        self._log = folder / "switch.log"
        self._auditor = new_key_pair()
        self._private_key = folder / "data" / "auditor.key"
        """A site's auditor keeps it elsewhere; the demo has only this folder."""
        self._vault_key = folder / "vault.key"
        self._samples: list[Sample] = []
        self._faults: list[str] = []

    async def run(self) -> Report:
        write_logs_to(self._log, logging.INFO)
        loop = asyncio.get_running_loop()
        began = loop.time()
        settings = load(self._write_configuration(await self._lab.start_trunk()))
        switch = Switch(settings)
        try:
            await start_showing(switch, self._console)
            await self._lab.start_phones(switch.sip_address)
            await self._work(switch)
        finally:
            lab_ended = await self._stop(switch)
        lasted_s = loop.time() - began
        return await self._judge(switch, lab_ended, lasted_s)

    async def _work(self, switch: Switch) -> None:
        """The shift itself: supervisor, agents, campaign, until nothing is left to dial."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        switch.desk.supervisor_arrived("lab supervisor")
        started = False
        screen = Live(console=self._console, auto_refresh=False, transient=True) if self._live else nullcontext()
        with screen:
            while True:
                elapsed_s = loop.time() - began
                view = switch.desk.wallboard()
                self._samples.append(Sample(elapsed_s, view))
                if isinstance(screen, Live):
                    screen.update(draw(view, elapsed_s, LEADS), refresh=True)
                ready = sum(agent.state == "ready" for agent in view.agents)
                if not started and ready == len(AGENTS):
                    await switch.desk.start_campaign(CAMPAIGN)
                    started = True
                await self._attend(switch)
                if started and view.campaigns[0].state == "finished" and not view.calls and ready == len(AGENTS):
                    return
                if elapsed_s > SHIFT_LIMIT_S:
                    self._faults.append(
                        f"the shift did not end in {SHIFT_LIMIT_S:.0f} s: campaign {view.campaigns[0].state}, "
                        f"{view.campaigns[0].leads_left} leads left, {len(view.calls)} calls, {ready} agents ready"
                    )
                    return
                await asyncio.sleep(SAMPLE_S)

    async def _attend(self, switch: Switch) -> None:
        """What an agent does who has listened to a machine for long: says so, which ends the call."""
        for call in switch.desk.wallboard().calls:
            if call.state == "in call" and call.age_s > AGENT_PATIENCE_S and call.agent:
                await switch.desk.dispose(call.agent, call.call_ref, Disposition.MACHINE)
                await switch.desk.hang_up(call.call_ref)

    async def _stop(self, switch: Switch) -> bool:
        try:
            await switch.stop()
        finally:
            ended = await self._lab.stop()
        return ended

    async def _judge(self, switch: Switch, lab_ended: bool, lasted_s: float) -> Report:
        attempts, numbers = await _stored(switch.settings)
        leftovers = [] if lab_ended and not self._lab.is_running else ["a lab process"]
        leftovers += [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if switch.is_running:
            leftovers.append("the media process")
        findings = judge(
            Evidence(
                plan=self._lab.plan,
                attempts=attempts,
                numbers=numbers,
                trunk=read_journal(self._lab.trunk_journal),
                phones=read_journal(self._lab.phones_journal),
                agent_bytes=self._lab.capture.read_bytes(),
                other_bytes={
                    "the switch's log": self._log.read_bytes(),
                    "the store": b"".join(p.read_bytes() for p in (self._folder / "data").glob("softswitch.db*")),
                    "a file name": "\n".join(str(p) for p in self._folder.rglob("*")).encode(),
                },
                recordings=self._folder / "data" / "recordings",
                auditor=self._auditor,
                leftovers=leftovers,
            )
        )
        findings.faults[:0] = self._faults
        picture = self._folder / "shift.png"
        plot(self._samples, picture)
        campaign = self._samples[-1].view.campaigns[0]
        report = Report(
            findings,
            calls=len(attempts),
            live=campaign.live_today,
            abandoned=campaign.abandoned_today,
            abandoned_rate=campaign.abandoned_rate,
            agent_utilisation=utilisation(self._samples),
            media_us_per_packet=self._samples[-1].view.media_us_per_packet,
            lasted_s=lasted_s,
            files={
                "plot": picture,
                "recordings": self._folder / "data" / "recordings",
                "auditor's key": self._private_key,
                "store": self._folder / "data" / "softswitch.db",
                "log": self._log,
                "folder": self._folder,
            },
        )
        report.show(self._console)
        self._console.print(
            f"  to listen    softswitch recordings export {self._folder}/data/recordings/*.ssr "
            f"--private-key {self._private_key} -o {self._folder}/heard",
            highlight=False,
            soft_wrap=True,
        )
        return report

    def _write_configuration(self, trunk: tuple[str, int]) -> Path:
        """The shipped configs/demo.toml with what only this run knows: the trunk's port, folders and passwords."""
        import softswitch.configs

        template = Path(next(iter(softswitch.configs.__path__))) / "demo.toml"
        document: Any = tomlkit.parse(template.read_text(encoding="utf-8"))
        document["trunks"][0]["host"], document["trunks"][0]["port"] = trunk
        document["safeguards"]["never_dial"] = str(self._lab.never_dial)
        document["campaigns"][0]["leads"] = str(self._lab.lead_list)
        document["campaigns"][0]["script"] = str(template.with_name(str(document["campaigns"][0]["script"])))
        document["recordings"]["auditor_public_key"] = self._auditor.public.hex()
        self._private_key.parent.mkdir(mode=0o700, exist_ok=True)
        write_private_key(self._private_key, self._auditor)
        make_key(self._vault_key)
        document["vault"] = {"key_file": str(self._vault_key)}
        for name in document["prompts"]:
            document["prompts"][name] = str(VOICES / document["prompts"][name])
        for agent in document["agents"]:
            agent["phone_password"] = self._lab.phone_passwords[agent["id"]]
        path = self._folder / "demo.toml"
        path.touch(mode=0o600)
        path.write_text(tomlkit.dumps(document), encoding="utf-8")
        return path


async def _stored(settings: Settings) -> tuple[list[Any], dict[str, str]]:
    """Every attempt, and the numbers of their leads, as the store has them once the switch has gone."""
    from softswitch.config import store_url, vault_key_file
    from softswitch.store.database import Store

    store = await Store.open(store_url(settings), vault_key_file(settings))
    try:
        attempts = [attempt async for attempt in store.attempts_between(CAMPAIGN)]
        return attempts, await store.numbers_of(CAMPAIGN)
    finally:
        await store.close()
