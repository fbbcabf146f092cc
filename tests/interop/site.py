"""A whole switch for the tests: a site of one campaign whose carrier and agents' phones are other people's programs."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from softswitch.config import load
from softswitch.demo.lab import daytime_zone
from softswitch.switch import Switch
from softswitch.testing.clips import VOICES
from tests.auditor import AUDITOR
from tests.interop.peers import Baresip, eventually, talking_baresip
from tests.ports import lend_ports

CAMPAIGN = "survey"
DID = "+442079460999"
PASSWORDS = {"1001": "phone-secret-1", "1002": "phone-secret-2"}


def write_site(
    folder: Path,
    *,
    trunk_port: int,
    numbers: Sequence[str],
    agents: Sequence[str] = ("1001",),
    amd: str = "parallel",
    sip: str = "",
) -> Path:
    """The configuration file of a site, its lead list and its never-dial list.  sip: further lines of [sip]."""
    folder.mkdir(parents=True, exist_ok=True)
    zone = daytime_zone()
    (folder / "leads.csv").write_text("\n".join(["phone_number,time_zone", *(f"{n},{zone}" for n in numbers)]) + "\n")
    (folder / "never-dial.csv").write_text("number\n+442079460998\n")
    media = lend_ports()
    phones = "".join(
        f'[[agents]]\nid = "{a}"\nphone_username = "{a}"\nphone_password = "{PASSWORDS[a]}"\n' for a in agents
    )
    (folder / "site.toml").write_text(
        f"""[site]
name = "interop"
time_zone = "{zone}"
data_directory = "data"
[sip]
port = 0
{sip}
[media]
first_port = {media}
last_port = {media + 199}
[web]
port = 0
[recordings]
minimum_free_mb = 1
auditor_public_key = "{AUDITOR.public.hex()}"
[safeguards]
never_dial = "never-dial.csv"
[prompts]
information = "{VOICES / "prompt-information-message.wav"}"
no-agent = "{VOICES / "prompt-no-agent.wav"}"
[[trunks]]
name = "carrier"
host = "127.0.0.1"
port = {trunk_port}
caller_id = "{DID}"
{phones}[[campaigns]]
name = "{CAMPAIGN}"
trunk = "carrier"
information_message = "information"
policy = "progressive"
amd = "{amd}"
wrap_up_s = 1
leads = "leads.csv"
[[inbound]]
did = "{DID}"
prompt_no_agent = "no-agent"
"""
    )
    return folder / "site.toml"


@asynccontextmanager
async def running_switch(configuration: Path) -> AsyncIterator[Switch]:
    switch = Switch(load(configuration))
    await switch.start()
    try:
        yield switch
    finally:
        await switch.stop()


def address_of(switch: Switch) -> tuple[str, int]:
    host, _, port = switch.sip_address.rpartition(":")
    return host, int(port)


async def agents_ready(switch: Switch, count: int = 1) -> None:
    """Wait until so many agents' phones are logged in."""

    def ready() -> int:
        return sum(agent.state == "ready" for agent in switch.desk.wallboard().agents)

    await eventually(lambda: ready() == count, f"{count} agents ready")


@asynccontextmanager
async def shift_on_baresip(
    folder: Path, site: Path, marker_hz: int, **settings: str
) -> AsyncIterator[tuple[Switch, Baresip]]:
    """A switch whose agent 1001 has begun the shift on a baresip that speaks with a marker tone.

    site: its configuration file.  settings: more of baresip's.
    """
    async with running_switch(site) as switch:
        account = {"server": address_of(switch), "username": "1001", "password": PASSWORDS["1001"], "regint": "60"}
        async with talking_baresip(folder / "1001", marker_hz, **account, **settings) as phone:
            await eventually(lambda: "200 OK" in phone.log, "baresip registers")
            await phone.command("dial", "login")
            await agents_ready(switch)
            yield switch, phone
