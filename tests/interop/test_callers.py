"""SIPp calls our pool: as a carrier with an inbound call, as a phone, and as somebody who errs."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.calls.events import CallEnded, CallOffered, Origin
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.phones import PhoneExpired, PhoneRegistered
from tests.interop.desk import Desk
from tests.interop.peers import Sipp, SippResult, write_ulaw
from tests.ports import free_port

DID = "+442079460999"
CALLER_HZ = 2800


@pytest.fixture(autouse=True)
def _sipp(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("sipp")
    write_ulaw(tmp_path / "says.ulaw", CALLER_HZ)


def call_desk(scenario: str, folder: Path, *, called: str = DID, **settings: str) -> tuple[SippResult, Desk]:
    """Run one scenario against a desk that knows one carrier, at SIPp's address, and one phone."""

    async def run() -> tuple[SippResult, Desk]:
        port = free_port()
        account = CarrierAccount("carrier", "127.0.0.1", port)
        phone = PhoneAccount("1001", "1001", "phone-secret")
        async with Desk(accounts=(account,), phones=(phone,), numbers=(DID,), ring_s=0.4) as desk:
            sipp = Sipp(
                scenario, folder, remote=desk.address, port=port, called=called, caller="+447700900123", **settings
            )
            async with sipp:
                return await sipp.succeeded(), desk

    return asyncio.run(run())


def test_an_inbound_call_is_answered_heard_and_ended(tmp_path: Path) -> None:
    _, desk = call_desk("caller_talks", tmp_path)
    (offered,) = desk.seen(CallOffered)
    assert (offered.origin, offered.source, offered.called) == (Origin.TRUNK, "carrier", DID)
    assert desk.conversations[offered.leg_id].ear.heard == {CALLER_HZ}
    (ended,) = desk.seen(CallEnded)
    assert ended.by_peer


def test_a_caller_who_gives_up_gets_487_and_is_forgotten(tmp_path: Path) -> None:
    _, desk = call_desk("caller_gives_up", tmp_path)
    (ended,) = desk.seen(CallEnded)
    assert ended.cause == "cancel"


def test_a_number_that_is_not_ours_gets_404(tmp_path: Path) -> None:
    call_desk("caller_dials_a_wrong_number", tmp_path, called="+442079460000")


@pytest.mark.parametrize(
    "scenario",
    ["caller_needs_an_extension", "caller_uses_an_unknown_method", "caller_asks_for_options"],
)
def test_odd_requests_get_the_answer_that_the_rfc_prescribes(scenario: str, tmp_path: Path) -> None:
    _, desk = call_desk(scenario, tmp_path)
    assert desk.events == []


def test_a_phone_registers_and_unregisters_with_digest(tmp_path: Path) -> None:
    _, desk = call_desk("phone_registers", tmp_path, called="1001", username="1001", password="phone-secret")
    assert [type(event) for event in desk.events] == [PhoneRegistered, PhoneExpired]


def test_a_phone_with_a_wrong_password_is_not_let_in(tmp_path: Path) -> None:
    _, desk = call_desk("phone_has_a_wrong_password", tmp_path, called="1001", username="1001", password="guess")
    assert desk.events == []
