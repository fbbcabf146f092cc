"""What must never leave: a number on the never-dial list, and anything of a callee towards an agent's phone."""

import pytest

from softswitch.calls.events import CallAnswered, CallFailed, CallOffered
from softswitch.calls.outcome import Outcome
from softswitch.errors import UsageError
from softswitch.sip.hop import Hop
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.pool import UserAgentPool

SWITCH = Hop("192.0.2.1", 5060)
CARRIER = Hop("192.0.2.2", 5060)
PHONE = Hop("192.0.2.3", 5062)
OFFER = b"v=0\r\n"
CANARY = "+447700900987"


def pool(gate=lambda number: None, **settings) -> UserAgentPool:
    numbers = iter(range(10**6))
    account = {"calls_per_second": 5.0, "channels": 3, **settings}
    return UserAgentPool(
        listens=[SWITCH],
        realm="here",
        accounts=[CarrierAccount("carrier", CARRIER[0], **account)],
        phones=[],
        gate=gate,
        new_token=lambda: f"tok{next(numbers):06d}",
    )


def events(machine: UserAgentPool) -> list[object]:
    found = []
    while (event := machine.next_event()) is not None:
        found.append(event)
    return found


def test_no_byte_leaves_for_a_number_on_the_never_dial_list(site) -> None:
    site.never_dial.add(CANARY)
    site.call(number=CANARY)
    assert site.wire.transits == []
    (failed,) = site.events()
    assert isinstance(failed, CallFailed)
    assert (failed.outcome, failed.status) == (Outcome.BLOCKED, 0)
    assert site.asked == [CANARY]
    assert site.switch.calls_on("carrier") == 0
    assert site.switch.is_idle


def test_the_gate_hears_the_number_that_the_request_line_carries(site) -> None:
    site.call(number=CANARY)
    (invite,) = site.requests("INVITE", SWITCH)
    assert site.asked == [invite.uri.user] == [CANARY]


def test_a_gate_that_breaks_is_shut() -> None:
    def broken(number: str) -> str | None:
        raise OSError(f"cannot look up {number}")

    machine = pool(broken)
    machine.place_call("leg", "carrier", CANARY, OFFER, 0.0)
    assert machine.data_to_send() == []
    (failed,) = events(machine)
    assert isinstance(failed, CallFailed)
    assert failed.outcome is Outcome.BLOCKED
    assert CANARY not in failed.reason


def test_no_agent_side_byte_holds_anything_of_the_callee(registered) -> None:
    site = registered
    heard: list[CallOffered] = []

    def answer(offered: CallOffered) -> None:
        heard.append(offered)
        site.phone.answer(offered.leg_id, OFFER, site.now)

    site.phone_does = answer
    site.carrier_answers()
    site.call(number=CANARY)
    site.switch.ring_phone("agent-leg", "agent-1", OFFER, site.now, call_ref="ref-42")
    site.run(65.0)
    site.switch.hang_up("out", site.now)
    site.switch.hang_up("agent-leg", site.now)
    site.run(1.0)
    agent_side = b"".join(t.data for t in site.wire.transits if PHONE in (t.source, t.destination))
    trunk_side = [t.data for t in site.wire.transits if CARRIER in (t.source, t.destination)]
    assert len(heard) == 1
    assert heard[0].caller == "call"
    assert b"ref-42" in agent_side
    assert CANARY.encode() not in agent_side
    assert CANARY[1:].encode() not in agent_side
    assert b"441632960000" not in agent_side
    for data in trunk_side:
        for line in data.split(b"\r\n"):
            if line.startswith((b"Call-ID:", b"From:", b"To:")):
                value = line.split(b":", 1)[1].strip()
                assert value not in agent_side


def test_a_number_that_is_none_is_refused_without_being_quoted() -> None:
    machine = pool()
    for bad in ("", "+44 7700 900987", "x@evil.example", "+447700900987;phone-context=x", "+44\r\nTo: x", "9" * 65):
        with pytest.raises(UsageError) as caught:
            machine.place_call("leg", "carrier", bad, OFFER, 0.0)
        assert "7700" not in str(caught.value)
    assert machine.data_to_send() == []


def test_more_calls_than_channels_fail_at_once_and_a_free_channel_is_used_again(site) -> None:
    machine = pool(channels=2, calls_per_second=100.0)
    for number in range(3):
        machine.place_call(f"leg{number}", "carrier", CANARY, OFFER, 0.0)
    (failed,) = events(machine)
    assert (failed.leg_id, failed.outcome, failed.status) == ("leg2", Outcome.FAILED, 503)
    assert machine.channels_free("carrier") == 0
    machine.handle_timer(0.5)
    machine.handle_timer(40.0)
    assert [event.leg_id for event in events(machine)] == ["leg0", "leg1"]
    assert machine.channels_free("carrier") == 2


def test_calls_a_second_are_limited_by_account() -> None:
    machine = pool(channels=100, calls_per_second=4.0)
    for number in range(6):
        machine.place_call(f"a{number}", "carrier", CANARY, OFFER, 10.0)
    assert [event.reason for event in events(machine)] == ["too many calls a second"] * 2
    for number in range(3):
        machine.place_call(f"b{number}", "carrier", CANARY, OFFER, 10.5)
    assert len(events(machine)) == 1


def test_an_account_that_is_not_registered_places_no_call() -> None:
    machine = pool(register=True, username="us", password="x")
    assert machine.account_state("carrier") == "unregistered"
    assert machine.channels_free("carrier") == 0
    machine.place_call("leg", "carrier", CANARY, OFFER, 0.0)
    assert machine.data_to_send() == []
    assert [event.status for event in events(machine)] == [503]


def test_mistakes_of_ours_are_told_with_what_to_do() -> None:
    machine = pool()
    with pytest.raises(UsageError, match="carrier account 'nope'"):
        machine.place_call("leg", "nope", CANARY, OFFER, 0.0)
    with pytest.raises(UsageError, match="not registered"):
        machine.ring_phone("leg", "agent-9", OFFER, 0.0, call_ref="r")
    machine.place_call("leg", "carrier", CANARY, OFFER, 0.0)
    with pytest.raises(UsageError, match="leg id is in use"):
        machine.place_call("leg", "carrier", CANARY, OFFER, 0.0)
    for gone in (machine.hang_up, machine.ring):
        gone("never was", 0.0)
    machine.answer("never was", OFFER, 0.0)
    machine.answer_reoffer("never was", None, 0.0)


@pytest.mark.parametrize(
    ("accounts", "phones", "text"),
    [
        ([CarrierAccount("a", "192.0.2.2"), CarrierAccount("a", "192.0.2.3")], [], "two carrier accounts"),
        ([CarrierAccount("a", "")], [], "has no host"),
        ([CarrierAccount("a", "192.0.2.2", channels=0)], [], "no channels"),
        ([], [PhoneAccount("one", "same", "x"), PhoneAccount("two", "same", "y")], "listed twice"),
    ],
)
def test_accounts_that_make_no_sense_are_refused_by_name(accounts, phones, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        UserAgentPool(
            listens=[SWITCH],
            realm="here",
            accounts=accounts,
            phones=phones,
            gate=lambda n: None,
            new_token=lambda: "t" * 8,
        )


def test_a_password_is_not_in_what_python_prints_of_an_account() -> None:
    assert "secret" not in repr(CarrierAccount("a", "192.0.2.2", password="secret"))
    assert "secret" not in repr(PhoneAccount("a", "phone", "secret"))


def test_a_trunk_answers_while_the_phone_is_rung(registered) -> None:
    """Two legs of one pool, told apart by their ids alone."""
    site = registered
    site.phone_does = lambda offered: site.phone.answer(offered.leg_id, OFFER, site.now)
    site.carrier_answers(after=1.0)
    site.call(number=CANARY)
    site.switch.ring_phone("agent", "agent-1", OFFER, site.now, call_ref="ref")
    site.run(3.0)
    assert [type(e) for e in site.events("out")] == [type(e) for e in site.events("agent")] == [CallAnswered]
