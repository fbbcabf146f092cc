"""`softswitch lab`: a carrier on this machine, and files to fill a first site with; nothing leaves the machine."""

import asyncio
import os
import shutil
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

USERNAME = "site"
PASSWORD = "lab-carrier"  # noqa: S105  it opens the lab's carrier, which is nobody's
TEST_NUMBER = "+442079460000"
AGENTS = "id,pin\n1001,270418\n1002,581936\n"


def lab(
    folder: Annotated[Path, typer.Argument(help="Where lists, agents and a message go; made where it is not there.")],
    port: Annotated[int, typer.Option(envvar="SOFTSWITCH_LAB_PORT", help="UDP and TCP, on 127.0.0.1.")] = 5070,
    leads: Annotated[int, typer.Option(min=1, max=1000, help="How many people are on the list.")] = 20,
) -> None:
    """Write the files of a lab, and be its carrier until SIGINT or SIGTERM: people, machines and busy lines answer."""
    from softswitch.demo.lab import write_lead_list
    from softswitch.demo.shift import VOICES
    from softswitch.testing.callee import CalleePlan, Kind
    from softswitch.testing.plan import make_leads, make_plan
    from softswitch.testing.trunk import Trunk

    folder.mkdir(parents=True, exist_ok=True)
    people = [lead for lead in make_leads(leads + 1) if lead.phone_number != TEST_NUMBER][:leads]
    write_lead_list(people, folder / "leads.csv")
    (folder / "never-dial.csv").write_text("number\n+442079460998\n+441614960999\n", encoding="utf-8")
    (folder / "agents.csv").write_text(AGENTS, encoding="utf-8")
    shutil.copyfile(VOICES / "prompt-information-message.wav", folder / "message.wav")
    plan = {**make_plan(people), TEST_NUMBER: CalleePlan(Kind.PERSON, ring_s=1.0, talk_s=0.0)}

    async def serve() -> None:
        trunk = await Trunk.start(plan, address=("127.0.0.1", port), username=USERNAME, password=PASSWORD)
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        Console(stderr=True, highlight=False).print(
            f"The lab's carrier is at 127.0.0.1, port {trunk.address[1]}; user name {USERNAME}, password {PASSWORD}. "
            f"A person answers {TEST_NUMBER}. Ctrl-C ends it.",
            soft_wrap=True,
        )
        await ended.wait()
        await trunk.stop()

    os.umask(0o077)
    asyncio.run(serve())
