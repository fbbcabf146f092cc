"""Why a trunk cannot be used: said by a registrar that SIPp plays, and by a host where nobody listens."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from softswitch.safeguards.trunk_words import words_of
from softswitch.switch import Switch
from tests.interop.peers import Sipp, eventually
from tests.interop.site import CAMPAIGN, running_switch, write_site
from tests.ports import free_port


def reason(switch: Switch, interlock: str) -> str:
    return next(each.reason for each in switch.desk.wallboard().interlocks if each.name == interlock)


def test_a_wrong_password_and_a_host_where_nobody_listens_are_told_apart_in_plain_words(
    require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("sipp")

    async def story() -> None:
        async with Sipp("carrier_registrar", tmp_path) as registrar:
            site = write_site(tmp_path / "site", trunk_port=registrar.port, numbers=["+442079460123"])
            login = 'register = true\nusername = "lab"\npassword = "mistyped"\n'
            nobody = f'[[trunks]]\nname = "nobody"\nhost = "127.0.0.1"\nport = {free_port()}\n{login}'
            text = site.read_text().replace(f"port = {registrar.port}\n", f"port = {registrar.port}\n{login}")
            site.write_text(text.replace("[[campaigns]]", f"{nobody}[[campaigns]]", 1))
            async with running_switch(site) as switch:

                def refusals() -> dict[str, int]:
                    return {each.name: each.refusal for each in switch.desk.wallboard().trunks}

                await eventually(lambda: refusals() == {"carrier": 403, "nobody": 408}, "both have failed")
                switch.site.health.look()
                refused, silent = (words_of("unregistered", status).long for status in (403, 408))
                assert reason(switch, "trunk") == f"carrier: {refused}; nobody: {silent}"
                assert reason(switch, f"trunk of {CAMPAIGN}") == f"carrier: {refused}"

    asyncio.run(story())
