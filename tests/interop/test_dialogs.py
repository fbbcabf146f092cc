"""SIPp on both sides of our pool, for all that a call may ask between its INVITE and its BYE."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.calls.events import (
    CallAnswered,
    CallEnded,
    CallOffered,
    CallRinging,
    DigitPressed,
    MediaReoffered,
    ReofferAnswered,
)
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from tests.interop.desk import Desk
from tests.interop.peers import Sipp, SippResult, write_ulaw
from tests.ports import free_port

DID = "+442079460999"
CALLEE_HZ = 2800


@pytest.fixture(autouse=True)
def _sipp(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("sipp")
    write_ulaw(tmp_path / "says.ulaw", CALLEE_HZ)


class OurDesk(Desk):
    """A desk that can also call without an offer, and propose other media."""

    async def ask(self, account: str) -> str:
        """Place a call without an offer; returns the leg's id."""
        leg_id = "asking"
        await self._open(leg_id)
        with self._station.mutating() as now:
            self._station.pool.place_call(leg_id, account, "+442079460001", b"", now)
        return leg_id

    def reoffer(self, leg_id: str) -> None:
        with self._station.mutating() as now:
            self._station.pool.reoffer(leg_id, self.conversations[leg_id].offer(), now)

    async def _answer(self, event: CallOffered) -> None:
        if event.offer:
            await super()._answer(event)
            return
        conversation = await self._open(event.leg_id)
        with self._station.mutating() as now:
            self._station.pool.answer(event.leg_id, conversation.offer(), now)

    def _receive_event(self, event: object) -> None:
        if isinstance(event, CallAnswered) and not event.sdp:
            self.events.append(event)
        else:
            super()._receive_event(event)


def at(sipp: Sipp) -> CarrierAccount:
    return CarrierAccount("carrier", "127.0.0.1", sipp.port)


def carried(scenario: str, folder: Path, *, hangs_up: bool = True, without_offer: bool = False) -> OurDesk:
    """We call SIPp, and end the call unless it does. The desk, when both are done."""

    async def run() -> OurDesk:
        async with Sipp(scenario, folder) as sipp, OurDesk(accounts=(at(sipp),)) as desk:
            leg = await (desk.ask("carrier") if without_offer else desk.call("carrier"))
            if hangs_up:
                await desk.happened(CallAnswered, leg)
                await asyncio.sleep(0.3)
                desk.hang_up(leg)
            await sipp.succeeded()
            await desk.happened(CallEnded, leg)
            return desk

    return asyncio.run(asyncio.wait_for(run(), 120))


def called(scenario: str, folder: Path, *, retransmits: bool = True, ring_s: float = 0.3) -> tuple[SippResult, OurDesk]:
    """SIPp calls a number of ours."""

    async def run() -> tuple[SippResult, OurDesk]:
        port = free_port()
        account = CarrierAccount("carrier", "127.0.0.1", port)
        phone = PhoneAccount("1001", "1001", "phone-secret")
        async with OurDesk(accounts=(account,), phones=(phone,), numbers=(DID,), ring_s=ring_s) as desk:
            sipp = Sipp(
                scenario, folder, remote=desk.address, port=port, called=DID, caller="+447700900123",
                retransmits=retransmits,
            )  # fmt: skip
            async with sipp:
                return await sipp.succeeded(), desk

    return asyncio.run(asyncio.wait_for(run(), 120))


# A carrier that we call


def test_a_reliable_183_is_acknowledged_and_its_answer_counts(tmp_path: Path) -> None:
    desk = carried("carrier_rings_reliably", tmp_path)
    (answered,) = desk.seen(CallAnswered)
    assert b"m=audio" in answered.sdp


def test_media_are_changed_by_update_before_the_answer(tmp_path: Path) -> None:
    desk = carried("carrier_updates_before_it_answers", tmp_path)
    assert [type(event) for event in desk.events] == [CallRinging, MediaReoffered, CallAnswered, CallEnded]


def test_media_are_held_by_update_in_a_call(tmp_path: Path) -> None:
    desk = carried("carrier_updates_and_hangs_up", tmp_path, hangs_up=False)
    assert len(desk.seen(MediaReoffered)) == 1


def test_a_session_that_is_too_short_for_the_carrier_is_asked_for_longer(tmp_path: Path) -> None:
    carried("carrier_wants_a_longer_session", tmp_path)


@pytest.mark.parametrize("scenario", ["carrier_is_refreshed_by_update", "carrier_is_refreshed_by_reinvite"])
def test_we_refresh_the_session_as_the_carrier_can_take_it(scenario: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with Sipp(scenario, tmp_path) as sipp, OurDesk(accounts=(at(sipp),)) as desk:
            leg = await desk.call("carrier")
            await desk.happened(CallAnswered, leg)
            await asyncio.sleep(4.5)
            assert desk.seen(CallEnded) == []
            desk.hang_up(leg)
            await sipp.succeeded()

    asyncio.run(run())


def test_a_session_that_the_carrier_forgets_to_refresh_is_ended(tmp_path: Path) -> None:
    desk = carried("carrier_forgets_to_refresh", tmp_path, hangs_up=False)
    assert [event.cause for event in desk.seen(CallEnded)] == ["expired"]


def test_an_offer_in_a_200_is_answered_in_our_ack(tmp_path: Path) -> None:
    carried("carrier_offers_in_its_200", tmp_path, without_offer=True)


def test_of_a_forked_call_one_phone_is_talked_to_and_the_other_ended(tmp_path: Path) -> None:
    desk = carried("carrier_forks", tmp_path)
    assert len(desk.seen(CallAnswered)) == 1
    assert [ringing.status for ringing in desk.seen(CallRinging)] == [183, 183]


def test_our_reinvite_that_meets_another_is_tried_again(tmp_path: Path) -> None:
    async def run() -> None:
        scenario = "carrier_has_an_offer_of_its_own"
        async with Sipp(scenario, tmp_path) as sipp, OurDesk(accounts=(at(sipp),)) as desk:
            leg = await desk.call("carrier")
            await desk.happened(CallAnswered, leg)
            desk.reoffer(leg)
            await desk.happened(ReofferAnswered, leg)
            desk.hang_up(leg)
            await sipp.succeeded()

    asyncio.run(run())


def test_a_carrier_may_press_keys_and_nothing_else(tmp_path: Path) -> None:
    desk = carried("carrier_asks_for_what_is_not_served", tmp_path, hangs_up=False)
    assert [(digit.key, digit.duration_ms) for digit in desk.seen(DigitPressed)] == [("5", 160)]


# A caller who calls us


@pytest.mark.parametrize(
    "scenario",
    [
        "caller_demands_reliable_ringing",
        "caller_updates",
        "caller_refreshes",
        "caller_asks_for_too_short_a_session",
        "caller_has_no_offer",
        "caller_holds_the_old_way",
        "caller_comes_two_ways",
        "caller_cancels_too_late",
    ],
)
def test_a_call_goes_as_its_rfc_says(scenario: str, tmp_path: Path) -> None:
    _, desk = called(scenario, tmp_path)
    assert len(desk.seen(CallOffered)) == 1


def test_a_ringing_that_nobody_acknowledges_comes_again(tmp_path: Path) -> None:
    result, _ = called("caller_does_not_acknowledge_ringing", tmp_path, retransmits=False, ring_s=1.0)
    assert result.messages.count("SIP/2.0 180") >= 2


def test_a_200_comes_again_until_its_ack(tmp_path: Path) -> None:
    result, _ = called("caller_loses_its_ack", tmp_path, retransmits=False)
    assert result.messages.count("SIP/2.0 200") == 4  # three for the INVITE, one for the BYE


def test_a_caller_who_never_answers_our_offer_is_hung_up(tmp_path: Path) -> None:
    _, desk = called("caller_never_answers_our_offer", tmp_path)
    assert [event.cause for event in desk.seen(CallEnded)] == ["no-answer"]


def test_a_caller_may_press_keys_and_nothing_else(tmp_path: Path) -> None:
    _, desk = called("caller_presses_keys", tmp_path)
    assert [(digit.key, digit.duration_ms) for digit in desk.seen(DigitPressed)] == [("#", 200), ("7", 160)]


@pytest.mark.parametrize(
    "scenario",
    [
        "caller_has_no_hops_left",
        "stranger_sends_message",
        "stranger_sends_subscribe",
        "stranger_sends_notify",
        "stranger_sends_publish",
        "stranger_sends_refer",
        "stranger_sends_update",
        "stranger_sends_info",
    ],
)
def test_what_we_do_not_serve_is_refused_and_nothing_comes_of_it(scenario: str, tmp_path: Path) -> None:
    _, desk = called(scenario, tmp_path)
    assert desk.events == []
