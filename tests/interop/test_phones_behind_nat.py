"""Agents' phones whose SDP names an address of their own network, in a whole switch."""

import asyncio
from pathlib import Path

from softswitch.testing.phone import Phone, PhoneSettings
from softswitch.testing.station import Conversation
from tests.interop.site import PASSWORDS, address_of, agents_ready, running_switch, write_site
from tests.ports import free_port

INSIDE = b"192.168.7.7"


class TranslatedPhone(Phone):
    """What it says of itself is true behind its router alone."""

    async def _open(self, leg_id: str) -> Conversation:
        conversation = await super()._open(leg_id)
        offer = conversation.offer
        conversation.offer = lambda: offer().replace(b"127.0.0.1", INSIDE)  # type: ignore[method-assign]
        return conversation


def test_a_phone_behind_nat_is_heard_and_its_agent_ready(tmp_path: Path) -> None:
    async def shift() -> None:
        async with running_switch(write_site(tmp_path / "site", trunk_port=free_port(), numbers=[])) as switch:
            phone = await TranslatedPhone.start(address_of(switch), PhoneSettings("1001", "1001", PASSWORDS["1001"]))
            await asyncio.wait_for(phone.registered.wait(), 10)
            await phone.dial("login")
            await agents_ready(switch)  # not before its phone was heard
            phone.propose()  # as at the end of a hold: the same address once more
            await asyncio.sleep(1.0)
            await agents_ready(switch)
            await phone.stop()

    asyncio.run(shift())
