"""Phones that others wrote, over TLS with a verified certificate, or over TCP: linphone and baresip."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallOffered
from softswitch.sip.hop import Hop
from softswitch.transports.tls import Certificates
from softswitch.ua.accounts import PhoneAccount
from softswitch.ua.phones import PhoneRegistered
from tests.interop.desk import Desk
from tests.interop.linphone import Linphone
from tests.interop.peers import talking_baresip, write_speech
from tests.transports.certificates import Authority

PHONE = PhoneAccount("1001", "1001", "phone-secret-1")
TLS = Hop("127.0.0.1", 0, "TLS")
AGENT_HZ = 2150


def certificates_for(folder: Path, *names: str) -> tuple[Authority, Certificates]:
    authority = Authority(folder)
    issued = authority.issue(*names)
    return authority, Certificates(issued.certificate, issued.key, authorities=authority.path)


def test_linphone_registers_over_tls_and_holds_a_call_each_way(
    require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("linphone-daemon")

    async def shift() -> None:
        authority, certificates = certificates_for(tmp_path / "ca", "localhost")
        async with Desk(phones=(PHONE,), listens=TLS, certificates=certificates) as desk:
            server = ("localhost", desk.address[1])
            write_speech(tmp_path / "says.wav", AGENT_HZ)
            async with Linphone(
                tmp_path / "linphone",
                server=server,
                username="1001",
                password=PHONE.password,
                authorities=authority.path,
            ) as phone:
                await desk.happened(PhoneRegistered)
                leg = await desk.ring("1001")
                await desk.happened(CallAnswered, leg)
                phone.command(f"incall-player-start {tmp_path / 'says.wav'}")
                await desk.hears(AGENT_HZ, leg)
                desk.hang_up(leg)
                await desk.happened(CallEnded, leg)

                phone.command(f"call sip:login@localhost:{server[1]};transport=tls")
                offered = await desk.happened(CallOffered)
                assert offered.source == "1001"
                await phone.logged("LinphoneCallStreamsRunning")
                phone.command("terminate")
                ended = await desk.happened(CallEnded, offered.leg_id)
                assert ended.by_peer

    asyncio.run(shift())


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_baresip_registers_over_a_connection_and_is_rung_over_it(
    transport: str, require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("baresip")

    async def shift() -> None:
        authority, certificates = certificates_for(tmp_path / "ca", "127.0.0.1")
        listens = TLS._replace(transport=transport.upper())
        async with Desk(phones=(PHONE,), listens=listens, certificates=certificates) as desk:
            account = {"server": desk.address, "username": "1001", "password": PHONE.password, "regint": "60"}
            trust = {"transport": transport, "authorities": authority.path if transport == "tls" else None}
            async with talking_baresip(tmp_path / "1001", AGENT_HZ, **account, **trust) as phone:
                await desk.happened(PhoneRegistered)
                leg = await desk.ring("1001")
                await desk.happened(CallAnswered, leg)
                await desk.hears(AGENT_HZ, leg)
                await phone.command("hangup")
                ended = await desk.happened(CallEnded, leg)
                assert ended.by_peer

    asyncio.run(shift())


def test_linphone_does_not_register_where_the_certificate_names_somebody_else(
    require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("linphone-daemon")

    async def shift() -> None:
        authority, certificates = certificates_for(tmp_path / "ca", "other.example")
        async with Desk(phones=(PHONE,), listens=TLS, certificates=certificates) as desk:
            server = ("localhost", desk.address[1])
            async with Linphone(
                tmp_path / "linphone",
                server=server,
                username="1001",
                password=PHONE.password,
                authorities=authority.path,
            ) as phone:
                await phone.logged("SSL handshake failed")
            assert desk.seen(PhoneRegistered) == []

    asyncio.run(shift())
