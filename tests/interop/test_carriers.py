"""Our pool calls over carriers that SIPp plays (scenarios in `sipp/`)."""

import asyncio
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed, CallRinging, MediaReoffered
from softswitch.calls.outcome import Outcome
from softswitch.ua.accounts import AccountRegistered, CarrierAccount
from tests.interop.desk import MARKER_HZ, Desk
from tests.interop.peers import Sipp, write_ulaw

CALLEE_HZ = 2700


@pytest.fixture(autouse=True)
def _sipp(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("sipp")
    write_ulaw(tmp_path / "says.ulaw", CALLEE_HZ)


def carrier(port: int, **settings: object) -> CarrierAccount:
    return CarrierAccount("carrier", "127.0.0.1", port, **settings)  # type: ignore[arg-type]


def test_an_answered_call_is_heard_and_ended_by_us(tmp_path: Path) -> None:
    async def call() -> None:
        async with Sipp("carrier_answers", tmp_path) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            leg = await desk.call("carrier")
            await desk.happened(CallAnswered, leg)
            assert [e.status for e in desk.seen(CallRinging, leg)] == [180]
            await desk.hears(CALLEE_HZ, leg)
            desk.hang_up(leg)
            ended = await desk.happened(CallEnded, leg)
            assert not ended.by_peer
            await sipp.succeeded()

    asyncio.run(call())


def test_what_we_say_comes_back_from_a_carrier_that_echoes(tmp_path: Path) -> None:
    async def call() -> None:
        async with Sipp("carrier_echoes", tmp_path, echo=True) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            leg = await desk.call("carrier")
            await desk.hears(MARKER_HZ, leg)
            desk.hang_up(leg)
            await sipp.succeeded()

    asyncio.run(call())


@pytest.mark.parametrize(
    ("scenario", "outcome", "status"),
    [
        ("carrier_busy", Outcome.BUSY, 486),
        ("carrier_refuses", Outcome.REFUSED, 603),
        ("carrier_fails", Outcome.FAILED, 503),
    ],
)
def test_a_failed_call_is_acknowledged_and_told_by_its_outcome(
    scenario: str, outcome: Outcome, status: int, tmp_path: Path
) -> None:
    async def call() -> None:
        async with Sipp(scenario, tmp_path) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            failed = await desk.happened(CallFailed, await desk.call("carrier"))
            assert (failed.outcome, failed.status) == (outcome, status)
            await sipp.succeeded()

    asyncio.run(call())


def test_a_call_that_only_rings_is_cancelled(tmp_path: Path) -> None:
    async def call() -> None:
        async with Sipp("carrier_rings_on", tmp_path) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            leg = await desk.call("carrier")
            await desk.happened(CallRinging, leg)
            desk.hang_up(leg)
            failed = await desk.happened(CallFailed, leg)
            assert (failed.outcome, failed.status) == (Outcome.CANCELLED, 487)
            await sipp.succeeded()

    asyncio.run(call())


def test_an_answer_that_crosses_our_cancel_is_acknowledged_and_ended(tmp_path: Path) -> None:
    async def call() -> None:
        scenario = "carrier_answers_as_it_is_cancelled"
        async with Sipp(scenario, tmp_path) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            leg = await desk.call("carrier")
            await desk.happened(CallRinging, leg)
            desk.hang_up(leg)
            await sipp.succeeded()

    asyncio.run(call())


@pytest.mark.parametrize("scenario", ["carrier_challenges", "carrier_proxy_challenges"])
def test_a_challenged_invite_is_sent_again_with_credentials(scenario: str, tmp_path: Path) -> None:
    async def call() -> str:
        async with Sipp(scenario, tmp_path) as sipp:
            account = carrier(sipp.port, username="lab", password="lab-secret")
            async with Desk(accounts=(account,)) as desk:
                leg = await desk.call("carrier")
                ended = await desk.happened(CallEnded, leg)
                assert ended.by_peer
                return (await sipp.succeeded()).messages

    messages = asyncio.run(call())
    sent = re.search(r"(?:Proxy-)?Authorization: Digest (.*)", messages)
    assert sent
    fields = dict(re.findall(r'(\w+)="?([^",\r]*)"?', sent[1]))
    assert fields["response"] == _digest(fields, "lab-secret")


def _digest(fields: dict[str, str], password: str) -> str:
    """RFC 7616 §3.4.1 by the letter, MD5 with qop=auth."""

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    a1 = md5(f"{fields['username']}:{fields['realm']}:{password}")
    a2 = md5(f"INVITE:{fields['uri']}")
    return md5(f"{a1}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}:{a2}")


def test_a_carrier_whose_proxy_and_server_both_ask_is_called(tmp_path: Path) -> None:
    async def call() -> None:
        async with Sipp("carrier_and_proxy_challenge", tmp_path) as sipp:
            account = carrier(sipp.port, username="lab", password="lab-secret")
            async with Desk(accounts=(account,)) as desk:
                ended = await desk.happened(CallEnded, await desk.call("carrier"))
                assert ended.by_peer
                await sipp.succeeded()

    asyncio.run(call())


def test_a_wrong_password_is_tried_once_and_fails_the_call(tmp_path: Path) -> None:
    async def call() -> None:
        async with Sipp("carrier_challenges", tmp_path) as sipp:
            account = carrier(sipp.port, username="lab", password="mistaken")
            async with Desk(accounts=(account,)) as desk:
                failed = await desk.happened(CallFailed, await desk.call("carrier"))
                assert failed.status == 403

    asyncio.run(call())


def test_early_media_is_told_with_its_answer_and_the_call_goes_on(tmp_path: Path) -> None:
    async def call() -> None:
        async with Sipp("carrier_early_media", tmp_path) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            leg = await desk.call("carrier")
            ringing = await desk.happened(CallRinging, leg)
            assert ringing.status == 183
            assert b"m=audio" in ringing.sdp
            await desk.hears(CALLEE_HZ, leg)
            await desk.happened(CallAnswered, leg)
            desk.hang_up(leg)
            await sipp.succeeded()

    asyncio.run(call())


def test_hold_and_resume_by_re_invite_keep_the_call(tmp_path: Path) -> None:
    async def call() -> None:
        async with Sipp("carrier_holds_and_resumes", tmp_path) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            leg = await desk.call("carrier")
            ended = await desk.happened(CallEnded, leg)
            offers = [reoffer.offer for reoffer in desk.seen(MediaReoffered, leg)]
            assert [b"a=sendonly" in offer for offer in offers] == [True, False]
            assert ended.by_peer
            result = await sipp.succeeded()
            assert "a=recvonly" in result.messages  # the answer to a hold, RFC 3264 §6.1

    asyncio.run(call())


def test_the_other_side_may_hang_up(tmp_path: Path) -> None:
    async def call() -> None:
        async with Sipp("carrier_hangs_up", tmp_path) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            ended = await desk.happened(CallEnded, await desk.call("carrier"))
            assert ended.by_peer
            await sipp.succeeded()

    asyncio.run(call())


def test_byes_that_cross_end_the_call_once(tmp_path: Path) -> None:
    async def call() -> None:
        async with Sipp("carrier_byes_cross", tmp_path) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            leg = await desk.call("carrier")
            await desk.happened(CallAnswered, leg)
            desk.hang_up(leg)
            await sipp.succeeded()
            assert len(desk.seen(CallEnded, leg)) == 1

    asyncio.run(call())


def test_a_bye_of_a_carrier_that_has_not_answered_cancels_the_call(tmp_path: Path) -> None:
    async def call() -> None:
        scenario = "carrier_says_bye_while_it_rings"
        async with Sipp(scenario, tmp_path) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            leg = await desk.call("carrier")
            assert (await desk.happened(CallFailed, leg)).outcome is Outcome.FAILED
            await sipp.succeeded()

    asyncio.run(call())


def test_every_copy_of_a_slow_200_is_acknowledged(tmp_path: Path) -> None:
    async def call() -> None:
        sipp = Sipp("carrier_repeats_its_200", tmp_path, retransmits=False)
        async with sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            leg = await desk.call("carrier")
            await desk.happened(CallAnswered, leg)
            await asyncio.sleep(1.0)
            desk.hang_up(leg)
            await sipp.succeeded()
            assert len(desk.seen(CallAnswered, leg)) == 1

    asyncio.run(call())


def test_an_invite_that_is_lost_is_sent_again(tmp_path: Path) -> None:
    async def call() -> None:
        scenario = "carrier_hears_the_third_invite"
        async with Sipp(scenario, tmp_path) as sipp, Desk(accounts=(carrier(sipp.port),)) as desk:
            leg = await desk.call("carrier")
            await desk.happened(CallAnswered, leg)
            desk.hang_up(leg)
            result = await sipp.succeeded()
            assert result.messages.count("\nINVITE sip:") >= 3  # at 0, 0.5 and 1.5 s; a busy machine answers the fourth

    asyncio.run(call())


def test_an_account_registers_with_digest(tmp_path: Path) -> None:
    async def register() -> None:
        async with Sipp("carrier_registrar", tmp_path) as sipp:
            account = carrier(sipp.port, username="lab", password="lab-secret", register=True)
            async with Desk(accounts=(account,)) as desk:
                await desk.happened(AccountRegistered)
                await sipp.succeeded()

    asyncio.run(register())
