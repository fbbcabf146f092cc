"""Phones and carriers as another process knew them, and ways to a peer that ended with it."""

import json

import pytest

from softswitch.errors import UsageError
from softswitch.sip.hop import Hop
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.phones import PhoneRegistered
from softswitch.ua.pool import UserAgentPool
from tests.ua.conftest import ANSWER, NUMBER, OFFER, PHONE, SWITCH, Site, tokens


def successor(site: Site, **accounts: object) -> UserAgentPool:
    """The next process's pool, at the address of the one that died."""
    pool = UserAgentPool(
        listens=[SWITCH],
        realm="switch.example",
        accounts=[CarrierAccount("carrier", "192.0.2.2", caller_id="+441632960000", **accounts)],  # type: ignore[arg-type]
        phones=[PhoneAccount("agent-1", "phone1", "secret1"), PhoneAccount("agent-2", "phone2", "secret2")],
        gate=site._gate,
        new_token=tokens("n"),
    )
    site.wire.detach(SWITCH)
    site.wire.attach(SWITCH, pool)
    return pool


def by_json(value: object) -> object:
    return json.loads(json.dumps(value))


def test_a_phone_that_was_registered_can_be_rung_by_the_next_process() -> None:
    site = Site()
    site.phone.start(site.now)
    site.run(2.0)
    kept = by_json(site.switch.phone_snapshot("agent-1"))
    pool = successor(site)
    pool.take_up_phone("agent-1", kept, site.now)  # type: ignore[arg-type]
    assert pool.is_registered("agent-1", site.now)
    assert pool.next_event() == PhoneRegistered("agent-1")
    site.phone_does = lambda offered: site.phone.answer(offered.leg_id, ANSWER, site.now)
    pool.ring_phone("leg", "agent-1", OFFER, site.now, call_ref="ref")
    site.run(2.0)
    assert pool.leg_snapshot("leg") is not None


def test_a_registration_that_ran_out_meanwhile_is_not_taken_up() -> None:
    site = Site()
    site.phone.start(site.now)
    site.run(2.0)
    kept = by_json(site.switch.phone_snapshot("agent-1"))
    pool = successor(site)
    pool.take_up_phone("agent-1", kept, site.now + 4000.0)  # type: ignore[arg-type]
    assert not pool.is_registered("agent-1", site.now)


def test_a_registration_over_a_connection_ends_with_the_process_that_had_it() -> None:
    site = Site()
    site.phone.start(site.now)
    site.run(2.0)
    (kept,) = site.switch.phone_snapshot("agent-1")
    pool = successor(site)
    pool.take_up_phone("agent-1", [{**kept, "to": ["192.0.2.3", 40_000, "TCP", 7, ""]}], site.now)
    assert not pool.is_registered("agent-1", site.now)


@pytest.mark.parametrize("kept", [[{}], [{"contact": 1}], [7]])
def test_a_phone_s_note_that_cannot_be_used_is_refused_in_one_way(kept: list[object]) -> None:
    with pytest.raises(UsageError):
        Site().switch.take_up_phone("agent-1", kept, 0.0)  # type: ignore[arg-type]


def test_whoever_keeps_notes_hears_of_every_leg_and_phone_that_changes() -> None:
    site = Site()
    legs: list[str] = []
    phones: list[str] = []
    site.switch.watch(legs.append, phones.append)
    site.phone.start(site.now)
    site.carrier_does = lambda offered: site.carrier.answer(offered.leg_id, ANSWER, site.now)
    site.switch.place_call("leg", "carrier", NUMBER, OFFER, site.now)
    site.wire.settle()
    site.run(2.0)
    assert set(legs) == {"leg"}
    assert phones == ["agent-1"]
    before = len(legs)
    site.run(31.0)
    assert len(legs) > before  # a probe counts CSeq up


def test_a_carrier_that_was_found_by_name_is_known_until_dns_says_it_anew() -> None:
    site = Site()
    pool = UserAgentPool(
        listens=[SWITCH],
        realm="switch.example",
        accounts=[CarrierAccount("carrier", "sip.carrier.example")],
        phones=[],
        gate=site._gate,
        new_token=tokens("n"),
    )
    assert pool.channels_free("carrier") == 0
    pool.take_up_hops("carrier", [["192.0.2.2", 5060, "UDP", 0, ""]])
    assert pool.hops_of("carrier") == (Hop("192.0.2.2", 5060),)
    assert pool.channels_free("carrier") > 0


def test_a_phone_whose_connection_ended_is_not_probed_and_is_followed_to_its_new_one() -> None:
    site = Site()
    site.phone.start(site.now)
    site.run(2.0)
    site.phone_does = lambda offered: site.phone.answer(offered.leg_id, ANSWER, site.now)
    site.switch.ring_phone("leg", "agent-1", OFFER, site.now, call_ref="ref")
    site.wire.settle()
    site.run(2.0)
    kept = by_json(site.switch.leg_snapshot("leg"))
    assert isinstance(kept, dict)
    kept["hop"] = [PHONE.host, 40_000, "TCP", 7, ""]
    pool = successor(site)
    pool.take_up_leg(kept, site.now)
    site.run(120.0)
    assert not [sent for sent in site.wire.transits if sent.destination.transport == "TCP"]
    new_flow = Hop(PHONE.host, 40_777, "TCP", 9)
    call_id, tags = kept["leg"]["call_id"], kept["leg"]["dialog"]
    bye = (
        f"BYE sip:call@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.3;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n"
        f"From: {tags['remote']}\r\nTo: {tags['local']}\r\nCall-ID: {call_id}\r\nCSeq: 9 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    ).replace("BYE", "OPTIONS")
    pool.receive_datagram(bye.encode(), new_flow, site.now)
    pool.hang_up("leg", site.now)
    assert {each.destination for each in pool.data_to_send()} == {new_flow}
