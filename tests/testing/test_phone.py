"""Lab phones against our own pool, in one loop."""

import asyncio
from pathlib import Path

from softswitch.calls.events import CallAnswered, CallEnded, CallOffered, Origin
from softswitch.testing.capture import Capture
from softswitch.testing.phone import Phone, PhoneSettings
from softswitch.ua.accounts import PhoneAccount
from softswitch.ua.phones import PhoneExpired, PhoneRegistered
from tests.interop.desk import MARKER_HZ, Desk
from tests.interop.peers import eventually

ACCOUNT = PhoneAccount("1001", "1001", "phone-secret")
SETTINGS = PhoneSettings("1001", "1001", "phone-secret", marker_hz=2400)


def test_a_phone_registers_dials_its_log_in_call_talks_and_unregisters(tmp_path: Path) -> None:
    async def shift() -> None:
        capture = Capture(tmp_path / "phones.pcap")
        async with Desk(phones=(ACCOUNT,)) as desk:
            phone = await Phone.start(desk.address, SETTINGS, capture=capture)
            await asyncio.wait_for(phone.registered.wait(), 120)
            await phone.dial("login")
            offered = await desk.happened(CallOffered)
            assert (offered.origin, offered.source) == (Origin.PHONE, "1001")
            await desk.hears(2400)
            await eventually(lambda: phone.heard == {MARKER_HZ}, "the phone hears the desk")
            await phone.stop()
            assert (await desk.happened(CallEnded)).by_peer
            await desk.happened(PhoneExpired)
        capture.close()

    asyncio.run(shift())
    captured = (tmp_path / "phones.pcap").read_bytes()
    assert b"SIP/2.0 401" in captured
    assert b"SIP/2.0 200" in captured


def test_a_phone_answers_when_it_is_rung_and_shows_what_it_was_told() -> None:
    async def shift() -> Phone:
        async with Desk(phones=(ACCOUNT,)) as desk:
            phone = await Phone.start(desk.address, SETTINGS)
            await desk.happened(PhoneRegistered)
            leg = await desk.ring("1001")
            await desk.happened(CallAnswered, leg)
            await desk.hears(2400, leg)
            desk.hang_up(leg)
            await eventually(lambda: bool(phone.journal.of("ended", by="switch")), "the phone is hung up")
            await phone.stop()
            return phone

    phone = asyncio.run(shift())
    assert phone.journal.of("ringing")[0]["caller"] == "call"


def test_a_phone_with_a_wrong_password_says_that_it_failed() -> None:
    async def shift() -> None:
        async with Desk(phones=(ACCOUNT,)) as desk:
            phone = await Phone.start(desk.address, PhoneSettings("1001", "1001", "guess"))
            await asyncio.wait_for(phone.registration_failed.wait(), 120)
            assert not phone.registered.is_set()
            await phone.stop()

    asyncio.run(shift())


def test_a_phone_that_vanishes_sends_no_bye() -> None:
    async def shift() -> None:
        async with Desk(phones=(ACCOUNT,)) as desk:
            phone = await Phone.start(desk.address, SETTINGS)
            await desk.happened(PhoneRegistered)
            leg = await desk.ring("1001")
            await desk.happened(CallAnswered, leg)
            phone.vanish()
            await asyncio.sleep(0.2)
            assert desk.seen(CallEnded, leg) == []

    asyncio.run(shift())
