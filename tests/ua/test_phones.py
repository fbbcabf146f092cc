"""What phones are challenged with, and that a phone answers the best it knows."""

import pytest

from softswitch.sip.digest import ClientDigest
from softswitch.sip.hop import Hop
from softswitch.sip.message import Response
from softswitch.sip.parser import parse
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


def test_a_phone_whose_connection_closes_cannot_be_rung_until_it_registers_again() -> None:
    switch = machine(SWITCH, phones=[PhoneAccount("1001", "1001", "secret")])
    digest = ClientDigest("1001", "secret", lambda: "c")
    flow = Hop("203.0.113.9", 40123, "TLS", flow=7)

    def register(cseq: int) -> Response:
        request = parse(
            b"REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.0.5;branch=z9hG4bK%d;rport\r\n"
            b"From: <sip:1001@192.0.2.1>;tag=f\r\nTo: <sip:1001@192.0.2.1>\r\nCall-ID: c\r\nCSeq: %d REGISTER\r\n"
            b'Contact: <sip:1001@10.0.0.5;transport=tls;ob>;reg-id=1;+sip.instance="<urn:uuid:1>"\r\n'
            b"Supported: outbound, path\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n" % (cseq, cseq)
        )
        digest.authorise(request)
        switch.receive_datagram(bytes(request), flow, 0.0)
        answer = parse(switch.data_to_send()[-1].data)
        digest.receive_challenge(answer, request)
        return answer

    assert register(1).status == 401
    assert (answer := register(2)).status == 200
    assert answer.headers.get("Require") == "outbound"
    assert switch.is_registered("1001", 0.0)
    switch.receive_flow_closed(flow, 1.0)
    assert not switch.is_registered("1001", 1.0)
    assert register(3).status == 200
    assert switch.is_registered("1001", 1.0)
