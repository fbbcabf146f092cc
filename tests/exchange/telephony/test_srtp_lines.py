"""SRTP on lines, by the site's rules: who is offered what, what is refused, and that a secure line never goes plain."""

import pytest

from softswitch.calls.events import CallAnswered, CallOffered, MediaReoffered, Origin
from softswitch.exchange.telephony.lines import Lines
from softswitch.exchange.telephony.srtp_rules import SrtpRules
from softswitch.media.events import LegStatistics
from softswitch.sdp.crypto import OwnKeys, SrtpKeys, SrtpUse
from softswitch.sdp.negotiate import make_answer, make_offer, read_answer

OFF, OPTIONAL, REQUIRED = SrtpUse.OFF, SrtpUse.OPTIONAL, SrtpUse.REQUIRED
THEIRS = "192.0.2.9"


def theirs(size: int) -> bytes:
    return b"t" * size


class Plane:
    def __init__(self) -> None:
        self.keys: list[SrtpKeys | None] = []

    def open_leg(self) -> int:
        return 7

    def port_of(self, leg: int) -> int:
        return 20000

    def connect(
        self,
        leg: int,
        remote: object,
        form: object,
        *,
        latch: bool = False,
        signals_from: str = "",
        reports_to: tuple[str, int] | None = None,
        secure: SrtpKeys | None = None,
    ) -> None:
        self.keys.append(secure)

    def hold(self, leg: int, held: bool) -> None:
        pass

    def close_leg(self, leg: int) -> None:
        pass

    def statistics(self, leg: int) -> LegStatistics:
        return LegStatistics(0, 0, 0, 0)


class Pool:
    def __init__(self, tls: bool) -> None:
        self.tls = tls
        self.offers: list[bytes] = []
        self.otherwise: list[str] = []
        self.answers: list[bytes | None] = []
        self.rejected: list[int] = []
        self.hung_up = 0

    def place_call(self, leg_id, account, number, offer, now, *, caller_id, otherwise) -> None:
        self.offers.append(offer)
        self.otherwise = list(otherwise)

    def ring_phone(self, leg_id, agent, offer, now, *, call_ref) -> None:
        self.offers.append(offer)

    def signals_from(self, leg_id: str) -> str:
        return THEIRS

    def reaches_by_tls(self, agent: str, now: float) -> bool:
        return self.tls

    def answer(self, leg_id: str, sdp: bytes, now: float) -> None:
        self.answers.append(sdp)

    def answer_reoffer(self, leg_id: str, sdp: bytes | None, now: float) -> None:
        self.answers.append(sdp)

    def reject(self, leg_id: str, status: int, now: float) -> None:
        self.rejected.append(status)

    def hang_up(self, leg_id: str, now: float) -> None:
        self.hung_up += 1


class Owner:
    def line_answered(self, line: object, now: float) -> None:
        pass


class Site:
    def __init__(self, tls: bool = False, **rules: object) -> None:
        self.plane, self.pool = Plane(), Pool(tls)
        made = iter(range(1000))
        rules["random_bytes"] = lambda size: next(made).to_bytes(2, "big") * (size // 2)
        self.lines = Lines(
            self.pool, self.plane, "198.51.100.1", lambda: 0.0, lambda event: None, SrtpRules(**rules)  # type: ignore[arg-type]
        )  # fmt: skip

    def dial(self, *accounts: str):
        return self.lines.dial("leg", accounts, "+447700900123", "", Owner(), 0.0)  # type: ignore[arg-type]

    def ring(self):
        return self.lines.ring_phone("leg", "101", "c-1", Owner(), 0.0)  # type: ignore[arg-type]

    def called(self, secure: bool, origin: Origin = Origin.PHONE, source: str = "101"):
        offer = offered(secure)
        return self.lines.accept(CallOffered("leg", origin, source, "login", "", offer), Owner(), 0.0)  # type: ignore[arg-type]


def offered(secure: bool, letter: bytes = b"t") -> bytes:
    return make_offer(THEIRS, 4000, session_id=1, keys=OwnKeys(lambda size: letter * size) if secure else None)


def is_secure(sdp: bytes | None) -> bool:
    assert sdp is not None
    assert (b"RTP/SAVP" in sdp) == (b"a=crypto" in sdp)
    return b"a=crypto" in sdp


@pytest.mark.parametrize(
    ("use", "tls", "secure"),
    [(OFF, True, False), (OPTIONAL, False, False), (OPTIONAL, True, True), (REQUIRED, False, True)],
)
def test_a_phone_that_is_rung_and_a_trunk_are_offered_what_the_rules_say(use, tls, secure) -> None:
    site = Site(tls, phones=use)
    site.ring()
    assert is_secure(site.pool.offers[0]) == secure
    site = Site(trunks={"a": use}, trunks_by_tls=frozenset("a") if tls else frozenset())
    site.dial("a")
    assert is_secure(site.pool.offers[0]) == secure


@pytest.mark.parametrize(
    ("use", "secure", "taken"),
    [
        (OFF, False, True), (OFF, True, False), (OPTIONAL, False, True), (OPTIONAL, True, True),
        (REQUIRED, False, False), (REQUIRED, True, True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("origin", list(Origin))
def test_a_caller_gets_what_the_rules_allow_or_488(use, secure, taken, origin) -> None:
    site = Site(**({"phones": use} if origin is Origin.PHONE else {"trunks": {"101": use}}))
    line = site.called(secure, origin)
    assert (line is not None) == taken
    if taken:
        assert is_secure(site.pool.answers[0]) == secure
        assert (site.plane.keys[0] is not None) == secure
    else:
        assert site.pool.rejected == [488] and site.plane.keys == []


def test_the_plane_gets_both_ends_keys() -> None:
    site = Site(phones=REQUIRED)
    line = site.ring()
    answer, agreed = make_answer(line.offer, THEIRS, 4000, session_id=2, keys=OwnKeys(theirs))
    site.lines.receive_call_event(CallAnswered("leg", answer), 0.0)
    (keys,) = site.plane.keys
    assert keys is not None and agreed.keys is not None
    assert (keys.sending, keys.receiving) == (agreed.keys.receiving, agreed.keys.sending)
    assert keys.receiving == theirs(len(keys.receiving))


def test_a_plain_answer_to_an_offer_of_srtp_ends_the_call() -> None:
    site = Site(phones=REQUIRED)
    line = site.ring()
    answer, _ = make_answer(line.offer.replace(b"SAVP", b"AVP"), THEIRS, 4000, session_id=2)
    site.lines.receive_call_event(CallAnswered("leg", answer), 0.0)
    assert site.pool.hung_up == 1 and site.plane.keys == []


@pytest.mark.parametrize("use", [OPTIONAL, REQUIRED])
def test_a_secure_line_is_not_talked_down_to_plain_rtp(use) -> None:
    site = Site(phones=use)
    site.called(True)
    site.lines.receive_call_event(MediaReoffered("leg", offered(False)), 0.0)
    assert site.pool.answers[1] is None
    assert len(site.plane.keys) == 1
    site.lines.receive_call_event(MediaReoffered("leg", b""), 0.0)
    assert is_secure(site.pool.answers[2])


def test_a_secure_line_that_begins_on_hold_is_not_talked_down_either() -> None:
    """RFC 3725's third-party call control offers 0.0.0.0 first."""
    site = Site(phones=OPTIONAL)
    held = offered(True).replace(f"c=IN IP4 {THEIRS}".encode(), b"c=IN IP4 0.0.0.0")
    event = CallOffered("leg", Origin.PHONE, "101", "login", "", held)
    assert site.lines.accept(event, Owner(), 0.0) is not None  # type: ignore[arg-type]
    site.lines.receive_call_event(MediaReoffered("leg", offered(False)), 0.0)
    assert site.pool.answers[1] is None and site.plane.keys == []


def test_a_reinvite_meets_our_same_key_and_the_peers_new_one() -> None:
    site = Site(phones=OPTIONAL)
    site.called(True)
    site.lines.receive_call_event(MediaReoffered("leg", offered(True)), 0.0)
    site.lines.receive_call_event(MediaReoffered("leg", offered(True, b"n")), 0.0)
    first, same, renewed = site.plane.keys
    assert first is not None and renewed is not None
    assert first == same
    assert (renewed.sending, renewed.receiving[:1]) == (first.sending, b"n")


def test_a_stream_that_comes_back_to_a_suite_has_another_key_there() -> None:
    """Whoever holds the line, and whichever process: packets under one key are never numbered anew."""
    site = Site(phones=OPTIONAL)
    line = site.called(True)
    assert line is not None
    for suite in (b"AES_CM_128_HMAC_SHA1_80", b"AEAD_AES_128_GCM", b"AEAD_AES_128_GCM"):
        described = offered(True).splitlines(keepends=True)
        offer = b"".join(each for each in described if b"a=crypto" not in each or suite in each)
        site.lines.receive_call_event(MediaReoffered("leg", offer), 0.0)
    first, other, back, same = site.plane.keys
    assert [keys.suite for keys in (first, other, back)] == [
        "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM",
    ]  # fmt: skip
    assert len({first.sending, other.sending, back.sending}) == 3 and same == back
    next_site = Site(phones=OPTIONAL)
    next_site.pool.take_up_leg = lambda note, now: "leg"  # type: ignore[attr-defined]
    next_site.lines.take_up(7, {"line": line.snapshot(), "sip": {}}, Owner(), 0.0)  # type: ignore[arg-type]
    assert next_site.lines._by_leg["leg"].keys.in_use == "AEAD_AES_128_GCM"


def test_a_plain_line_may_become_secure() -> None:
    site = Site(phones=OPTIONAL)
    site.called(False)
    site.lines.receive_call_event(MediaReoffered("leg", offered(True)), 0.0)
    assert [keys is not None for keys in site.plane.keys] == [False, True]


def test_each_call_has_keys_of_its_own() -> None:
    site = Site(phones=REQUIRED)
    offers = []
    for _ in range(2):
        offers.append(site.ring().offer)
    lines = [{line for line in offer.split(b"\r\n") if b"a=crypto" in line} for offer in offers]
    assert not lines[0] & lines[1]


def test_only_trunks_that_take_the_same_offer_are_tried_next() -> None:
    rules = {"trunks": {"off": OFF, "optional": OPTIONAL, "required": REQUIRED}}
    site = Site(**rules)
    site.dial("required", "off", "optional")
    assert site.pool.otherwise == ["optional"]
    site = Site(**rules)
    site.dial("off", "required", "optional")
    assert site.pool.otherwise == ["optional"]


def test_the_next_process_goes_on_with_the_same_keys() -> None:
    site = Site(phones=OPTIONAL)
    line = site.called(True)
    assert line is not None
    noted = line.snapshot()
    other = Site(phones=OPTIONAL)
    other.pool.take_up_leg = lambda note, now: "leg"  # type: ignore[attr-defined]
    other.lines.take_up(7, {"line": noted, "sip": {}}, Owner(), 0.0)  # type: ignore[arg-type]
    other.lines.receive_call_event(MediaReoffered("leg", offered(True)), 0.0)
    assert other.plane.keys[0] == site.plane.keys[0]
    other.lines.receive_call_event(MediaReoffered("leg", offered(False)), 0.0)
    assert other.pool.answers[-1] is None


def test_an_offer_that_we_are_asked_for_can_be_answered() -> None:
    site = Site(phones=REQUIRED)
    event = CallOffered("leg", Origin.PHONE, "101", "login", "", b"")
    line = site.lines.accept(event, Owner(), 0.0)  # type: ignore[arg-type]
    assert line is not None
    answer, agreed = make_answer(site.pool.answers[0] or b"", THEIRS, 4000, session_id=2, keys=OwnKeys(theirs))
    assert read_answer(line.offer, answer).keys is not None and agreed.keys is not None
