"""From [sip] to open ports."""

import asyncio
import secrets
from pathlib import Path

import pytest

from softswitch.config.sip import SipSettings
from softswitch.errors import UsageError
from softswitch.exchange.telephony.ports import certificates, listeners, open_ports
from softswitch.sip.hop import Hop
from softswitch.transports.driver import Driver
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.phones import PhoneExpired, PhoneRegistered
from softswitch.ua.pool import UserAgentPool
from tests.transports.certificates import Authority
from tests.transports.ends import eventually


def test_every_transport_is_listened_on_at_every_address_the_first_one_first() -> None:
    sip = SipSettings(address="127.0.0.1", addresses=("::1",), port=5070, transports=("udp", "tls", "wss"))
    assert listeners(sip) == [
        Hop("127.0.0.1", 5070), Hop("::1", 5070),
        Hop("127.0.0.1", 5061, "TLS"), Hop("::1", 5061, "TLS"),
        Hop("127.0.0.1", 8089, "WSS"), Hop("::1", 8089, "WSS"),
    ]  # fmt: skip


def test_udp_and_tcp_are_what_a_site_speaks_that_says_nothing() -> None:
    assert [hop.transport for hop in listeners(SipSettings())] == ["UDP", "TCP"]


def test_a_certificate_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "half.pem").write_text("half")
    with pytest.raises(UsageError, match=r"half\.pem.*certificate_key"):
        certificates(SipSettings(certificate=tmp_path / "half.pem"))


def test_a_phone_whose_connection_ends_is_registered_no_more(tmp_path: Path) -> None:
    """Both ends are made from settings; the phone's certificate is asked for, and given."""
    authority = Authority(tmp_path)
    issued = authority.issue("127.0.0.1")
    files = {"certificate": issued.certificate, "certificate_key": issued.key, "authorities": authority.path}
    sip = SipSettings(
        transports=("tls",), tls_port=0, client_certificates=True, client_authorities=authority.path, **files
    )

    async def shift() -> None:
        driver = Driver()
        pools: dict[str, UserAgentPool] = {}
        seen: list[object] = []

        async def open_end(name: str, **who: object) -> Hop:
            stack = await open_ports(
                sip,
                lambda data, source: driver.receive_datagram(pools[name], data, source),
                driver,
                lambda: pools[name],
            )
            stacks[name] = stack
            pools[name] = UserAgentPool(
                listens=stack.listens, realm=name, gate=lambda number: None, new_token=lambda: secrets.token_hex(8),
                **{"accounts": (), "phones": (), **who},
            )  # type: ignore[arg-type]  # fmt: skip
            await stack.serve()
            driver.add(pools[name], on_event=seen.append, send=stack.send)
            return stack.listens[0]

        stacks: dict[str, object] = {}
        own = await open_end("switch", phones=[PhoneAccount("agent", "user", "secret")])
        at_switch = CarrierAccount(
            "switch", own.host, own.port, transport="TLS", username="user", password="secret", register=True
        )
        await open_end("phone", accounts=[at_switch])
        with driver.mutating(pools["phone"]) as now:
            pools["phone"].start(now)
        await eventually(lambda: PhoneRegistered("agent") in seen, "the phone registers")
        stacks["phone"].close()  # type: ignore[attr-defined]
        await eventually(lambda: PhoneExpired("agent") in seen, "its connection is missed")
        stacks["switch"].close()  # type: ignore[attr-defined]
        assert driver.faults == 0
        driver.close()

    asyncio.run(shift())
