"""A browser's checks and handshake together: when audio may flow, where to, and when it is over."""

import json

import pytest

from softswitch.errors import UsageError
from softswitch.media.browser_session import (
    BrowserSession,
    SessionConnected,
    SessionEvent,
    SessionLost,
    SessionMoved,
)
from softswitch.media.dtls import HANDSHAKE_S, Certificate, DtlsConnected, DtlsFailed
from softswitch.media.ice import CONSENT_S, Address
from softswitch.sdp.webrtc import BrowserOffer
from tests.media.browser_peer import BrowserPeer

HOME = ("192.0.2.1", 40000)
AWAY = ("192.0.2.2", 40001)
STRANGER = ("203.0.113.66", 6666)
US = ("198.51.100.1", 20000)
NOW = 100.0
OURS = Certificate()


class Room:
    """A session and a browser with a wire between them."""

    def __init__(self, peer: BrowserPeer) -> None:
        self.peer = peer
        self.session = BrowserSession(BrowserOffer.parse(peer.offer()), OURS, NOW)
        peer.receive_answer(self.session.answer(*US, session_id=1), NOW)
        self.events: list[SessionEvent] = []
        self.astray: list[Address] = []
        """Where something went that was not meant for the browser."""

    def say(self, data: bytes, source: Address = HOME, now: float = NOW) -> None:
        """Hand the session a datagram, and carry on until both are silent."""
        waiting = [(data, source)]
        while waiting:
            datagram, origin = waiting.pop(0)
            self.session.receive_datagram(datagram, origin, now)
            waiting += self.carry(now)
        self.collect()

    def carry(self, now: float) -> list[tuple[bytes, Address]]:
        waiting: list[tuple[bytes, Address]] = []
        for data, destination in self.session.data_to_send():
            if destination in (HOME, AWAY):
                waiting += [(reply, destination) for reply in self.peer.receive_datagram(data, now)]
            else:
                self.astray.append(destination)
        return waiting

    def collect(self) -> None:
        while (event := self.session.next_event()) is not None:
            self.events.append(event)


@pytest.fixture
def room() -> Room:
    return Room(BrowserPeer())


@pytest.mark.parametrize("setup", ["actpass", "active", "passive"])
def test_a_browser_that_checks_and_shakes_hands_is_connected(setup: str) -> None:
    room = Room(BrowserPeer(setup=setup))
    room.say(room.peer.check())
    (connected,) = room.events
    assert isinstance(connected, SessionConnected)
    assert connected.address == HOME
    assert room.peer.keys is not None
    assert (connected.keys.sending, connected.keys.receiving) == (room.peer.keys.receiving, room.peer.keys.sending)


def test_nothing_is_begun_before_the_browser_nominates(room: Room) -> None:
    room.say(room.peer.check(nominates=False))
    assert room.peer.answered_checks == 1
    assert room.events == []
    room.say(room.peer.check())
    assert isinstance(room.events[0], SessionConnected)


def test_a_browser_may_begin_the_handshake_before_it_nominates() -> None:
    room = Room(BrowserPeer(setup="active"))
    room.say(room.peer.check(nominates=False))
    assert room.peer.keys is not None
    assert room.events == []
    room.say(room.peer.check())
    assert isinstance(room.events[0], SessionConnected)


def test_a_browser_that_moves_takes_its_audio_along(room: Room) -> None:
    room.say(room.peer.check(), HOME)
    room.say(room.peer.check(), AWAY)
    assert room.events[1:] == [SessionMoved(AWAY)]


def test_somebody_else_with_another_certificate_gets_no_audio() -> None:
    room = Room(BrowserPeer(told_fingerprint=bytes(32)))
    room.say(room.peer.check())
    (lost,) = room.events
    assert isinstance(lost, SessionLost)
    assert not any(isinstance(event, DtlsConnected) for event in room.peer.events)


def test_another_process_goes_on_with_a_browser_that_was_connected(room: Room) -> None:
    room.say(room.peer.check())
    (connected,) = room.events
    taken_up = json.loads(json.dumps(room.session.snapshot()))
    assert isinstance(connected, SessionConnected)
    assert connected.keys.sending.hex() not in str(taken_up)
    room.session = BrowserSession.resume(taken_up, NOW + 5)
    room.say(room.peer.check(), now=NOW + 30)
    assert room.peer.answered_checks == 2
    for data in room.peer.close(NOW + 31):
        room.say(data, now=NOW + 31)  # is not understood any more
    room.say(room.peer.check(), AWAY, NOW + 32)
    assert room.events[1:] == [SessionMoved(AWAY)]
    room.session.handle_timer(NOW + 32 + CONSENT_S)
    room.collect()
    assert isinstance(room.events[-1], SessionLost)


@pytest.mark.parametrize("broken", [{}, {"ours": ["a"]}, {"ours": ["a", "b"], "theirs": ["a", "b"], "address": []}])
def test_a_snapshot_that_is_none_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        BrowserSession.resume(broken, NOW)


def test_a_stranger_is_neither_listened_to_nor_sent_anything(room: Room) -> None:
    thief = BrowserPeer(setup="active")
    thief.receive_answer(room.session.answer(*US, session_id=1), NOW)
    thief.remote_password = "a guess that is long enough"
    room.say(thief.check(), STRANGER)
    refused = len(room.astray)
    assert refused == 1  # the one refusal that RFC 8489 §9.1.3 demands
    room.say(room.peer.check())
    for data in (b"\x16\xfe\xfd" + bytes(8) + b"\x00\x04abcd", b"\x80\x08" + bytes(170), b"\x40hello", b""):
        room.say(data, STRANGER)
    assert len(room.astray) == refused
    assert room.session.strangers == 4
    assert len(room.events) == 1


def test_a_goodbye_of_the_browsers_is_told_once(room: Room) -> None:
    room.say(room.peer.check())
    for data in room.peer.close(NOW):
        room.say(data)
    assert room.events[1:] == [SessionLost("the browser ended it")]
    room.say(room.peer.check())
    assert len(room.events) == 2
    assert room.session.next_timer() is None


def test_our_goodbye_reaches_the_browser(room: Room) -> None:
    room.say(room.peer.check())
    room.session.close(NOW)
    assert room.session.data_to_send()
    assert room.session.next_timer() is None
    room.say(room.peer.check())
    assert len(room.events) == 1


def test_a_browser_that_vanishes_is_given_up_when_its_consent_ends(room: Room) -> None:
    room.say(room.peer.check())
    room.say(room.peer.check(), now=NOW + 20)
    room.session.handle_timer(NOW + CONSENT_S + 5)
    room.collect()
    assert len(room.events) == 1
    room.session.handle_timer(NOW + 20 + CONSENT_S)
    room.collect()
    assert isinstance(room.events[1], SessionLost)


def test_a_browser_that_never_comes_is_given_up(room: Room) -> None:
    timer = room.session.next_timer()
    assert timer == NOW + CONSENT_S
    room.session.handle_timer(timer)
    room.collect()
    assert isinstance(room.events[0], SessionLost)


def test_a_browser_that_checks_but_never_shakes_hands_is_given_up() -> None:
    room = Room(BrowserPeer())
    room.session.receive_datagram(room.peer.check(), HOME, NOW)
    room.session.data_to_send()
    room.session.handle_timer(NOW + HANDSHAKE_S)
    room.collect()
    assert isinstance(room.events[0], SessionLost)
    assert not any(isinstance(event, DtlsFailed) for event in room.events)
