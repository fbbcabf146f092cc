"""The back-to-back bridge: neutral events of one leg become commands to the other."""

import pytest

from softswitch.calls.bridge import Bridge, BridgeState
from softswitch.calls.events import (
    CallAnswered,
    CallEnded,
    CallEvent,
    CallFailed,
    CallRinging,
    MediaReoffered,
    ReofferAnswered,
)
from softswitch.calls.outcome import Outcome
from softswitch.errors import PeerError

CALLER_OFFER = b"caller's offer"
PHONE_ANSWER = b"phone's answer"


class Commands:
    """Records what a bridge says to its legs."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []

    def ring(self, leg_id: str, now: float) -> None:
        self.said.append(("ring", leg_id))

    def answer(self, leg_id: str, sdp: bytes, now: float) -> None:
        self.said.append(("answer", leg_id, sdp))

    def reject(self, leg_id: str, status: int, now: float) -> None:
        self.said.append(("reject", leg_id, status))

    def hang_up(self, leg_id: str, now: float) -> None:
        self.said.append(("hang up", leg_id))

    def answer_reoffer(self, leg_id: str, sdp: bytes | None, now: float) -> None:
        self.said.append(("answer reoffer", leg_id, sdp))


class OwnDesk:
    """Says our own SDP for each leg; refuses what holds "bad"."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []

    def answer_offer(self, leg_id: str, offer: bytes) -> bytes:
        if b"bad" in offer:
            raise PeerError("nothing fits", 488)
        return b"ours for " + leg_id.encode()

    def take_answer(self, leg_id: str, answer: bytes) -> None:
        if b"bad" in answer:
            raise PeerError("nothing fits", 488)
        self.taken.append((leg_id, answer))


class Bridged:
    def __init__(self, offer: bytes = CALLER_OFFER) -> None:
        self.commands, self.desk = Commands(), OwnDesk()
        self.bridge = Bridge("in", "out", offer, calls=self.commands, desk=self.desk)

    def hear(self, *events: CallEvent) -> list[tuple[object, ...]]:
        """What the bridge says to these events."""
        self.commands.said.clear()
        for event in events:
            self.bridge.receive_event(event, 0.0)
        return list(self.commands.said)


@pytest.fixture
def bridged() -> Bridged:
    return Bridged()


@pytest.fixture
def joined(bridged: Bridged) -> Bridged:
    bridged.hear(CallAnswered("out", PHONE_ANSWER))
    return bridged


def test_ringing_goes_back_to_the_caller(bridged: Bridged) -> None:
    assert bridged.hear(CallRinging("out", 183, b"early")) == [("ring", "in")]


def test_the_answer_joins_both_with_sdp_of_our_own(bridged: Bridged) -> None:
    assert bridged.hear(CallAnswered("out", PHONE_ANSWER)) == [("answer", "in", b"ours for in")]
    assert bridged.desk.taken == [("out", PHONE_ANSWER)]
    assert bridged.bridge.state is BridgeState.JOINED


def test_the_caller_hangs_up_while_it_rings(bridged: Bridged) -> None:
    said = bridged.hear(CallEnded("in", by_peer=True, cause="cancel"))
    assert ("hang up", "out") in said
    assert bridged.bridge.state is BridgeState.OVER


@pytest.mark.parametrize(
    ("outcome", "status", "told"),
    [(Outcome.BUSY, 486, 486), (Outcome.NO_ANSWER, 480, 480), (Outcome.REFUSED, 603, 480), (Outcome.FAILED, 500, 480)],
)
def test_a_phone_that_does_not_answer_refuses_the_caller(
    bridged: Bridged, outcome: Outcome, status: int, told: int
) -> None:
    said = bridged.hear(CallFailed("out", outcome, status, "reason"))
    assert said[0] == ("reject", "in", told)


@pytest.mark.parametrize(("first", "other"), [("in", "out"), ("out", "in")])
def test_either_end_ends_both(joined: Bridged, first: str, other: str) -> None:
    assert ("hang up", other) in joined.hear(CallEnded(first, by_peer=True, cause="bye"))


def test_an_offer_that_does_not_fit_refuses_the_caller_and_lets_the_phone_go() -> None:
    bridged = Bridged(b"bad")
    assert bridged.hear(CallAnswered("out", PHONE_ANSWER)) == [("reject", "in", 488), ("hang up", "out")]


def test_hold_ends_at_our_desk_and_is_not_passed_on(joined: Bridged) -> None:
    assert joined.hear(MediaReoffered("in", b"hold")) == [("answer reoffer", "in", b"ours for in")]
    assert joined.hear(MediaReoffered("out", b"bad")) == [("answer reoffer", "out", None)]
    assert joined.bridge.state is BridgeState.JOINED


def test_a_late_answer_of_a_caller_without_offer_reaches_the_desk(joined: Bridged) -> None:
    assert joined.hear(CallAnswered("in", b"late")) == []
    assert joined.desk.taken[-1] == ("in", b"late")
    assert joined.hear(ReofferAnswered("out", b"bad")) == [("hang up", "in"), ("hang up", "out")]


def test_events_of_other_legs_and_after_the_end_say_nothing(joined: Bridged) -> None:
    assert joined.hear(CallEnded("other", by_peer=True, cause="bye")) == []
    joined.bridge.hang_up(0.0)
    assert joined.hear(CallEnded("in", by_peer=False, cause="hang-up"), CallAnswered("out", b"x")) == []
