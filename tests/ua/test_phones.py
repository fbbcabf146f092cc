"""What phones are challenged with, and that a phone answers the best it knows."""

import pytest

from softswitch.sip.hop import Hop
from softswitch.testing.clock import Clock
from softswitch.testing.wire import Wire
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.phones import PhoneRegistered
from softswitch.ua.pool import UserAgentPool

SWITCH, PHONE = Hop("192.0.2.1", 5060), Hop("192.0.2.3", 5062)


def machine(address: tuple[str, int], **parts: object) -> UserAgentPool:
    numbers = iter(range(10**6))
    settings = {"accounts": [], "phones": [], "realm": "here", "gate": lambda number: None} | parts
    return UserAgentPool(listens=[Hop(*address)], new_token=lambda: f"t{address[1]}{next(numbers):06d}", **settings)


@pytest.mark.parametrize("digests", [("MD5",), ("SHA-256", "MD5"), ("SHA-256",)])
def test_a_phone_registers_by_the_first_digest_that_the_site_offers(digests: tuple[str, ...]) -> None:
    switch = machine(SWITCH, phones=[PhoneAccount("1001", "1001", "secret")], phone_digests=digests)
    account = CarrierAccount("switch", *SWITCH.address, username="1001", password="secret", register=True)
    phone = machine(PHONE, accounts=[account])
    clock = Clock()
    wire = Wire(clock)
    wire.attach(SWITCH, switch)
    wire.attach(PHONE, phone)
    phone.start(clock.now)
    wire.settle()
    clock.advance(5.0)
    assert PhoneRegistered("1001") in wire.events(SWITCH)
    sent = [transit.data for transit in wire.transits if transit.data.startswith(b"REGISTER")]
    assert f"algorithm={digests[0]}".encode() in sent[-1].replace(b'"', b"")
    challenge = next(t.data for t in wire.transits if t.data.startswith(b"SIP/2.0 401"))
    assert challenge.count(b"WWW-Authenticate") == len(digests)
