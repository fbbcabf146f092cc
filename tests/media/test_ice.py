"""The ICE-lite end: what is answered and how, who is believed, and what moves nothing."""

import struct

import pytest
from aioice import stun
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.media.ice import (
    CONSENT_S,
    MOST_PAIRS,
    Address,
    ConsentExpired,
    Fate,
    IceLite,
    PairNominated,
    new_credentials,
)
from softswitch.sdp.webrtc import IceCredentials

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # no verdict on a busy machine

OURS = IceCredentials("ours", "our-password-of-22-byte")
THEIRS = IceCredentials("them", "their-password-of-22-by")
HOME = ("192.0.2.1", 40000)
AWAY = ("192.0.2.2", 40001)
PRIORITY = 0x6E0001FF
NOW = 100.0


def check(
    *,
    nominates: bool = False,
    username: str = "ours:them",
    password: str = OURS.password,
    priority: int = PRIORITY,
    role: str = "ICE-CONTROLLING",
    method: stun.Method = stun.Method.BINDING,
    kind: stun.Class = stun.Class.REQUEST,
) -> stun.Message:
    """A browser's connectivity check."""
    message = stun.Message(method, kind)
    message.attributes = {"USERNAME": username, "PRIORITY": priority, role: 7}
    if nominates:
        message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity(password.encode())
    return message


def ask(ice: IceLite, message: stun.Message | bytes, source: Address = HOME, now: float = NOW) -> stun.Message | None:
    """Send a check; the answer, which goes to where the check came from, if there is one."""
    ice.receive_datagram(bytes(message), source, now)
    sent = ice.data_to_send()
    assert len(sent) <= 1
    if not sent:
        return None
    data, destination = sent[0]
    assert destination == source
    return stun.parse_message(data)


def events(ice: IceLite) -> list[object]:
    found: list[object] = []
    while (event := ice.next_event()) is not None:
        found.append(event)
    return found


@pytest.fixture
def ice() -> IceLite:
    return IceLite(OURS, THEIRS, NOW)


def test_a_check_is_answered_with_where_it_came_from_and_signed(ice: IceLite) -> None:
    request = check()
    answer = ask(ice, request)
    assert answer is not None
    assert (answer.message_class, answer.transaction_id) == (stun.Class.RESPONSE, request.transaction_id)
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == HOME
    assert answer.check_message_integrity(OURS.password.encode())
    assert "FINGERPRINT" in answer.attributes
    assert ice.knows(HOME)


def test_a_check_alone_nominates_nothing(ice: IceLite) -> None:
    ask(ice, check())
    assert ice.selected is None
    assert events(ice) == []


def test_a_nomination_is_told_once_however_often_it_is_repeated(ice: IceLite) -> None:
    for _ in range(3):
        ask(ice, check(nominates=True))
    assert ice.selected == HOME
    assert events(ice) == [PairNominated(HOME)]


def test_what_was_nominated_last_holds(ice: IceLite) -> None:
    """Chromium nominates the first way that works, then a better one, and checks both from then on."""
    ask(ice, check(nominates=True), HOME)
    ask(ice, check(nominates=True, priority=PRIORITY - 1), AWAY)
    ask(ice, check(), HOME)
    assert ice.selected == AWAY
    assert events(ice) == [PairNominated(HOME), PairNominated(AWAY)]


@pytest.mark.parametrize("username", ["ours:else", "them:ours", "ours", "", "ours:them:more"])
def test_a_check_for_another_session_is_refused_and_moves_nothing(ice: IceLite, username: str) -> None:
    answer = ask(ice, check(nominates=True, username=username))
    assert answer is not None
    assert answer.error_code == 401
    assert "MESSAGE-INTEGRITY" not in answer.attributes  # nothing to sign it with (RFC 8489 §9.1.3)
    assert ice.selected is None
    assert not ice.knows(HOME)


def test_a_check_with_the_wrong_password_is_refused_and_moves_nothing(ice: IceLite) -> None:
    answer = ask(ice, check(nominates=True, password="somebody-else's-password"))
    assert answer is not None
    assert answer.error_code == 401
    assert ice.selected is None
    assert ice.counted == {Fate.UNAUTHENTICATED: 1}


@pytest.mark.parametrize("missing", ["USERNAME", "MESSAGE-INTEGRITY"])
def test_a_check_without_a_proof_is_a_bad_request(ice: IceLite, missing: str) -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, None, {"USERNAME": "ours:them"})
    if missing == "USERNAME":
        message.attributes.clear()
        message.add_message_integrity(OURS.password.encode())
    else:
        message.add_fingerprint()
    answer = ask(ice, message)
    assert answer is not None
    assert answer.error_code == 400
    assert not ice.knows(HOME)


def test_who_says_to_be_controlled_is_told_to_control(ice: IceLite) -> None:
    answer = ask(ice, check(role="ICE-CONTROLLED", nominates=True))
    assert answer is not None
    assert answer.error_code == 487
    assert answer.check_message_integrity(OURS.password.encode())
    assert ice.selected is None


def test_an_attribute_that_one_must_understand_is_named_in_the_refusal(ice: IceLite) -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, None, {"USERNAME": "ours:them"})
    message.attributes["CHANGE-REQUEST"] = 6
    message.add_message_integrity(OURS.password.encode())
    ice.receive_datagram(bytes(message), HOME, NOW)
    ((data, _),) = ice.data_to_send()
    answer = stun.parse_message(data)
    assert answer.error_code == 420
    assert b"\x00\x0a\x00\x02\x00\x03" in data
    assert answer.check_message_integrity(OURS.password.encode())
    assert not ice.knows(HOME)


def test_attributes_that_may_be_ignored_are_ignored(ice: IceLite) -> None:
    """Chromium adds its network's cost (0xC057) and googly ones to every check."""
    message = check(nominates=True)
    plain = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, message.transaction_id, {"USERNAME": "ours:them"})
    body = bytes(plain)[20:] + struct.pack("!HHI", 0xC057, 4, 10)
    head = struct.pack("!HHI12s", 1, len(body), stun.COOKIE, message.transaction_id)
    signature = stun.message_integrity(head + body, OURS.password.encode())
    body += struct.pack("!HH", 8, 20) + signature
    head = struct.pack("!HHI12s", 1, len(body), stun.COOKIE, message.transaction_id)
    body += struct.pack("!HHI", 0x8028, 4, stun.message_fingerprint(head + body))
    head = struct.pack("!HHI12s", 1, len(body), stun.COOKIE, message.transaction_id)
    answer = ask(ice, head + body)
    assert answer is not None
    assert answer.message_class is stun.Class.RESPONSE


def test_responses_and_indications_are_not_answered(ice: IceLite) -> None:
    for kind in (stun.Class.RESPONSE, stun.Class.ERROR, stun.Class.INDICATION):
        assert ask(ice, check(kind=kind, nominates=True)) is None
    assert ask(ice, check(method=stun.Method.ALLOCATE)) is None
    assert ice.counted == {Fate.NOT_A_REQUEST: 4}
    assert ice.selected is None


def test_consent_is_asked_for_again_and_again_and_always_given(ice: IceLite) -> None:
    now = NOW
    for _ in range(1000):
        now += 5.0
        ice.handle_timer(now)
        assert ask(ice, check(nominates=True), now=now) is not None
    assert events(ice) == [PairNominated(HOME)]


def test_consent_that_nobody_asks_for_expires_once(ice: IceLite) -> None:
    ask(ice, check(nominates=True))
    assert ice.next_timer() == NOW + CONSENT_S
    ice.handle_timer(NOW + CONSENT_S - 0.1)
    assert events(ice) == [PairNominated(HOME)]
    ice.handle_timer(NOW + CONSENT_S)
    ice.handle_timer(NOW + CONSENT_S + 1)
    assert events(ice) == [ConsentExpired()]
    assert ice.next_timer() is None
    assert ask(ice, check(nominates=True)) is None


def test_what_is_not_the_browsers_does_not_keep_consent_alive(ice: IceLite) -> None:
    ask(ice, check(password="somebody-else's-password"), now=NOW + 20)
    assert ice.next_timer() == NOW + CONSENT_S


def test_a_browser_with_countless_addresses_is_remembered_in_bounds(ice: IceLite) -> None:
    ask(ice, check(nominates=True), HOME)
    for port in range(2000):
        ask(ice, check(), ("192.0.2.9", 1024 + port), NOW + 1)
    assert ice.knows(HOME)
    assert sum(ice.knows(("192.0.2.9", 1024 + port)) for port in range(2000)) == MOST_PAIRS - 1


def test_passwords_are_long_and_new_each_time() -> None:
    one, other = new_credentials(), new_credentials()
    assert one != other
    assert len(one.password) * 4 >= 128
    assert len(one.ufrag) * 4 >= 24


def test_a_check_without_a_fingerprint_is_none(ice: IceLite) -> None:
    data = bytes(check())[:-8]
    data = data[:2] + struct.pack("!H", len(data) - 20) + data[4:]
    assert ask(ice, data) is None
    assert ice.counted == {Fate.MALFORMED: 1}


@pytest.mark.parametrize("length", [0, 1, 4, 19, 20, 23, 24, 40])
def test_a_check_that_was_cut_short_is_dropped(ice: IceLite, length: int) -> None:
    assert ask(ice, bytes(check())[:length]) is None
    assert ice.counted == {Fate.MALFORMED: 1}


@patient
@given(st.data())
def test_a_check_that_was_damaged_never_nominates(data: st.DataObject) -> None:
    ice = IceLite(OURS, THEIRS, NOW)
    good = bytes(check(nominates=True))
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(bad) - 1))
        bad[place] = data.draw(st.integers(0, 255))
    ice.receive_datagram(bytes(bad), HOME, NOW)
    assert bytes(bad) == good or (ice.selected is None and not ice.knows(HOME))
    assert sum(len(answer) for answer, _ in ice.data_to_send()) <= len(good)  # and is no way to flood others


@patient
@given(st.binary(max_size=200))
def test_noise_is_dropped(noise: bytes) -> None:
    ice = IceLite(OURS, THEIRS, NOW)
    ice.receive_datagram(noise, HOME, NOW)
    assert ice.data_to_send() == []
