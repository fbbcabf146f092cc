"""What strangers may send, and that carriers and phones notice nothing of their floods."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.calls.events import CallAnswered
from softswitch.sip.digest import ClientDigest
from softswitch.sip.hop import Hop
from softswitch.sip.parser import parse
from softswitch.ua.defence import SCANNERS, Bucket, Defence, Limits, Reason, SourceBanned

STRANGER = Hop("203.0.113.66", 5060)
PHONE = Hop("192.0.2.3", 5062)
SWITCH = Hop("192.0.2.1", 5060)
VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "malformed"


def request(method: str = "OPTIONS", user: str = "100", *, agent: str = "phone", tag: str = "", n: int = 1) -> bytes:
    to_tag = f";tag={tag}" if tag else ""
    return (
        f"{method} sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.66:5060;branch=z9hG4bK{n};rport\r\n"
        f"From: <sip:{user}@192.0.2.1>;tag=f\r\nTo: <sip:{user}@192.0.2.1>{to_tag}\r\nCall-ID: c{n}\r\n"
        f"CSeq: 1 {method}\r\nContact: <sip:{user}@203.0.113.66>\r\nUser-Agent: {agent}\r\nMax-Forwards: 70\r\n"
        f"Content-Length: 0\r\n\r\n"
    ).encode()


def make(knows: str = "phone1", **limits: object) -> Defence:
    return Defence(
        Limits(**limits),  # type: ignore[arg-type]
        trusted=["192.0.2.2"],
        knows=lambda user: user == knows,
        in_dialog=lambda call_id, tag: tag == "ours",
    )


@given(
    rate=st.floats(0.5, 100.0),
    brim=st.floats(1.0, 200.0),
    pauses=st.lists(st.floats(-1.0, 3.0), max_size=400),
)
def test_a_bucket_never_gives_more_than_its_brim_and_its_rate(rate: float, brim: float, pauses: list[float]) -> None:
    bucket, now, passed, given_out = Bucket(rate, brim, 0.0), 0.0, 0.0, 0
    for pause in pauses:
        now += pause
        passed = max(passed, now)
        given_out += bucket.take(now)
        assert given_out <= brim + passed * rate + 1e-6


def test_a_source_may_send_its_burst_and_then_its_rate() -> None:
    defence = make(per_source_s=10.0, per_source_burst=20.0)
    assert sum(defence.admits(request(), STRANGER, 0.0) for _ in range(50)) == 20
    assert sum(defence.admits(request(), STRANGER, 1.0) for _ in range(50)) == 10
    assert defence.dropped[Reason.RATE] == 70
    assert defence.admits(request(), Hop("203.0.113.67", 5060), 1.0)


def test_long_messages_cost_more_than_short_ones() -> None:
    defence = make(per_source_s=10.0, per_source_burst=20.0)
    assert sum(defence.admits(bytes(10_000), STRANGER, 0.0) for _ in range(50)) == 2
    assert make(per_source_burst=2.0).admits(bytes(10_000), STRANGER, 0.0)  # the first of them always passes


def test_a_flood_gets_its_source_banned_each_time_for_twice_as_long() -> None:
    defence, now, banned = make(per_source_s=1.0, per_source_burst=1.0, ban_s=60.0), 0.0, []
    for _ in range(3):
        while (event := defence.next_event()) is None:
            defence.admits(request(), STRANGER, now)
        banned.append(event)
        assert not defence.admits(request(), STRANGER, now + event.seconds - 1.0)
        now += event.seconds + 1.0
    assert banned == [SourceBanned("203.0.113.66", "rate", seconds) for seconds in (60.0, 120.0, 240.0)]
    assert defence.bans[Reason.RATE] == 3


@pytest.mark.parametrize("name", [name.decode() for name in SCANNERS] + ["Friendly-Scanner", "VaxSIPUserAgent/3.1"])
def test_a_scanner_that_says_its_name_is_dropped_and_banned_at_once(name: str) -> None:
    defence = make()
    assert not defence.admits(request(agent=name), STRANGER, 0.0)
    assert not defence.admits(request(), STRANGER, 1.0)
    assert defence.next_event() == SourceBanned("203.0.113.66", "scanner", 60.0)


def test_ipv6_subscribers_are_one_source_and_ipv4_in_ipv6_form_is_ipv4() -> None:
    defence = make()
    defence.admits(request(agent="sipvicious"), Hop("2001:db8:1:2::1", 5060), 0.0)
    assert not defence.admits(request(), Hop("2001:db8:1:2:ffff::9", 5060), 1.0)
    assert defence.admits(request(), Hop("2001:db8:1:3::1", 5060), 1.0)
    defence.admits(request(agent="sipvicious"), STRANGER, 2.0)
    assert not defence.admits(request(), Hop("::ffff:203.0.113.66", 5060), 3.0)


def test_strangers_together_may_send_no_more_than_their_budget() -> None:
    defence = make(strangers_s=100.0, strangers_burst=50.0)
    admitted = sum(defence.admits(request(), Hop(f"198.51.{n >> 8}.{n & 255}", 5060), 0.0) for n in range(5000))
    assert admitted == 50
    assert defence.dropped[Reason.FLOOD] == 4950
    assert not any(defence.bans.values())  # being one of many is nobody's fault


def test_a_phone_that_has_proved_its_password_is_neither_held_up_by_a_flood_nor_banned() -> None:
    defence = make(strangers_s=1.0, strangers_burst=1.0, per_source_s=10.0, per_source_burst=10.0)
    defence.receive_password("phone1", PHONE.host, True, 0.0)
    for n in range(100):
        defence.admits(request(), Hop(f"198.51.100.{n}", 5060), 0.0)
    assert sum(defence.admits(request(agent="sipcli"), PHONE, 0.0) for _ in range(500)) == 100
    for _ in range(100):
        defence.receive_malformed(PHONE, 0.0)
        defence.receive_password("phone1", PHONE.host, False, 0.0)
    assert defence.admits(request(), PHONE, 10.0)
    assert not defence.admits(request(agent="sipcli"), PHONE, 7201.0)  # a stranger again


def test_wrong_passwords_and_malformed_messages_end_in_a_ban() -> None:
    for strike in (
        lambda defence: defence.receive_password("nobody", STRANGER.host, False, 0.0),
        lambda defence: defence.receive_malformed(STRANGER, 0.0),
    ):
        defence = make()
        for _ in range(9):
            strike(defence)
        assert defence.admits(request(), STRANGER, 0.0)
        strike(defence)
        assert not defence.admits(request(), STRANGER, 0.0)
        assert defence.is_banned(STRANGER.host, 0.0)


def test_a_silent_site_looks_at_phones_it_knows_and_at_calls_that_are_up_alone() -> None:
    defence = make(silent_to_strangers=True)
    for data, is_looked_at in [
        (request("OPTIONS"), False),
        (request("REGISTER", "phone1"), True),
        (request("INVITE", "phone1"), True),
        (request("BYE", "far-end", tag="ours"), True),
        (request("BYE", "far-end", tag="theirs"), False),
        (b"nonsense\r\n\r\n", False),
        (b"SIP/2.0 200 OK\r\n" + request("INVITE").split(b"\r\n", 1)[1], True),
    ]:
        assert make(silent_to_strangers=True).admits(data, STRANGER, 0.0) is is_looked_at
    assert [defence.admits(request("REGISTER", f"10{n}"), STRANGER, 0.0) for n in range(4)] == [False] * 4
    assert not defence.admits(request("REGISTER", "phone1"), STRANGER, 0.0)  # too many names tried


def test_a_stranger_sends_nothing_longer_than_a_phone_would() -> None:
    defence = make(largest_bytes=2000)
    assert not defence.admits(request() + bytes(2000), STRANGER, 0.0)
    assert defence.dropped[Reason.TOO_LONG] == 1


def test_bans_outlast_a_crowd_of_forged_addresses_and_the_log_is_not_flooded() -> None:
    defence = make(most_sources=1000)
    defence.admits(request(agent="sipvicious"), STRANGER, 0.0)
    for n in range(20_000):
        defence.admits(b"x", Hop(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 5060), 1.0)
    assert not defence.admits(request(), STRANGER, 2.0)
    assert defence.dropped[Reason.BANNED] == 1
    assert len(defence) <= 3000
    for n in range(500):
        defence.admits(request(agent="sipvicious"), Hop(f"172.16.{n >> 8}.{n & 255}", 5060), 3.0)
    told = 0
    while defence.next_event() is not None:
        told += 1
    assert told == 21  # twenty a minute, and the first
    assert defence.bans[Reason.SCANNER] == 501


@given(st.lists(st.tuples(st.integers(0, 40), st.binary(max_size=40), st.floats(0.0, 5.0)), max_size=200))
def test_no_sequence_of_datagrams_makes_it_fail_or_grow(datagrams: list[tuple[int, bytes, float]]) -> None:
    defence, now = make(most_sources=8, silent_to_strangers=True, per_source_burst=2.0), 0.0
    for host, data, pause in datagrams:
        now += pause
        defence.admits(data, Hop(f"192.0.2.{host + 100}", 5060), now)
        defence.receive_malformed(Hop(f"192.0.2.{host + 100}", 5060), now)
        defence.receive_password("x", f"192.0.2.{host}", host % 2 == 0, now)
        assert len(defence) <= 4 * 8


def test_a_hundred_thousand_datagrams_from_fifty_thousand_sources_leave_memory_flat_and_calls_undisturbed(
    defended_site,
) -> None:
    site = defended_site(Limits(most_sources=5000))
    site.phone.start(site.now)
    site.run(1.0)
    site.carrier_answers()
    registers = [request("REGISTER", f"user{n}", n=n) for n in range(100)]
    switch = site.switch

    def flood(rounds: int) -> None:
        for n in range(rounds):
            host = n % 50_000
            source = Hop(f"10.{host >> 16}.{host >> 8 & 255}.{host & 255}", 5060)
            switch.receive_datagram(registers[n % 100], source, site.now + n / 50_000)
            switch.data_to_send()

    flood(10_000)  # tables fill
    before = sys.getallocatedblocks()
    flood(100_000)
    assert sys.getallocatedblocks() - before < 20_000
    assert switch.defence is not None
    assert switch.defence.dropped[Reason.FLOOD] > 90_000
    site.clock.advance(2.0)
    site.call()
    site.run(1.0)
    assert isinstance(site.events()[-1], CallAnswered)
    assert switch.is_registered("agent-1", site.now)


def test_a_phone_guessing_passwords_is_not_heard_any_more_and_the_log_is_told(defended_site) -> None:
    site = defended_site(Limits())
    answers = 0
    for n in range(40):
        asked = site.inject(request("REGISTER", "phone1", n=2 * n), STRANGER)
        if not asked:
            break
        answers += 1
        guess = parse(request("REGISTER", "phone1", n=2 * n + 1))
        digest = ClientDigest("phone1", f"guess{n}", lambda: "c")
        digest.receive_challenge(asked[0], guess)
        digest.authorise(guess)
        site.inject(bytes(guess), STRANGER)
    assert answers < 40
    banned = [event for event in site.wire.events(SWITCH) if isinstance(event, SourceBanned)]
    assert [(event.address, event.reason) for event in banned] == [("203.0.113.66", "guessing")]


def test_a_phone_keeps_its_flow_open_by_stun_on_the_sip_port(defended_site) -> None:
    site = defended_site(Limits())
    probe = bytes.fromhex("000100002112a442b7e7a701bc34d686fa87dfae")
    site.wire.inject(probe, STRANGER, SWITCH)
    before = len(site.wire.transits)
    site.run(0.1)
    (answer,) = site.wire.transits[before:]
    assert answer.destination == STRANGER
    assert answer.data[:2] == b"\x01\x01"


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors lie beside a checkout only")
@pytest.mark.parametrize("realm", ["carrier.example", "trunk", "far.example"])
def test_a_challenge_of_our_bye_is_answered_by_no_leg(defended_site, realm: str) -> None:
    """`digest-leak-407-to-bye.dat`: neither the caller's side nor, inside a dialog, an unpinned account answers."""
    site = defended_site(Limits(), account={"username": "us", "password": "secret"})
    site.carrier_answers()
    site.call()
    site.run(1.0)
    template = (VECTORS / "digest-leak-407-to-bye.dat").read_text().replace("<trunk realm>", realm)
    carrier = Hop("192.0.2.2", 5060)
    site.wire.drop = lambda transit: transit.data.startswith(b"SIP/2.0 200") and b"BYE" in transit.data
    site.switch.hang_up("out", site.now)
    site.wire.settle()
    (bye,) = site.requests("BYE", SWITCH)
    head = template.split("\n")[0].strip()
    challenge = template.split("\n")[2].strip()
    kept = "\r\n".join(f"{name}: {value}" for name, value in bye.headers.items() if name in (
        "Via", "From", "To", "Call-ID", "CSeq"))  # fmt: skip
    site.inject(f"{head}\r\n{kept}\r\n{challenge}\r\nContent-Length: 0\r\n\r\n".encode(), carrier)
    site.run(5.0)
    sent = [t.data for t in site.wire.transits if t.source == SWITCH]
    assert not any(b"Authorization" in data for data in sent)
