"""A leg that another process has taken up behaves as if nothing had happened.

Each story is told twice, by a pool that lives through it and by one that is killed and restored in between: what they
send must be the same byte by byte, and what they report the same event by event.
"""

import json
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.calls.events import CallOffered, MediaReoffered
from softswitch.errors import UsageError
from softswitch.sip.message import Request, Response
from softswitch.ua.accounts import CarrierAccount
from softswitch.ua.pool import UserAgentPool
from tests.calls.conftest import ANSWER, HERE, OFFER, PEER, Bench

CHALLENGE = ("WWW-Authenticate", 'Digest realm="theirs", nonce="n1", algorithm=MD5, qop="auth"')
SESSION = [("Allow", "UPDATE"), ("Supported", "timer"), ("Session-Expires", "90;refresher=uac")]
OTHER_OFFER = OFFER.replace(b"4000", b"4444").replace(b"o=- 1 1", b"o=- 1 2")
OTHER_ANSWER = ANSWER.replace(b"5000", b"5555")


class Mortal(Bench):
    """A bench whose pool can be killed. Its tokens are the same whether or not it is."""

    def __init__(self, **pool_settings: object) -> None:
        super().__init__()
        self._pool_settings = {"keepalive_s": 30.0, **pool_settings}
        self._tokens = count(1)
        self.deaths = 0
        self.transcript: list[object] = []
        self.unserved: list[Request | Response] = []
        """Sent by a pool that has died since."""
        self._be_born()

    def die(self, leg_id: str = "leg") -> None:
        """Killed, and taken up by another process at the same moment from what JSON keeps of it."""
        self.unserved += self.look()
        note = self.pool.leg_snapshot(leg_id)
        if note is None:
            return
        self.deaths += 1
        kept = json.loads(json.dumps(note))
        self._be_born()
        assert self.pool.take_up_leg(kept, self.clock.now) == leg_id

    def look(self) -> list[Request | Response]:
        """What was sent and reported since the last look goes into the transcript."""
        messages = self.sent()
        self.transcript += [bytes(message) for message in messages]
        self.transcript += [repr(event) for event in self.events]
        self.events.clear()
        return messages

    def _be_born(self) -> None:
        self.clock.detach(self.pool)
        starting = iter(lambda: "of-a-start", None)
        tokens = starting
        self.pool = UserAgentPool(
            listens=[HERE],
            realm="here",
            accounts=[CarrierAccount("peer", PEER[0], username="us", password="ours", calls_per_second=1000)],
            phones=[],
            gate=self._gate,
            new_token=lambda: next(tokens),
            **self._pool_settings,  # type: ignore[arg-type]
        )
        tokens = (f"tok{number:06d}" for number in self._tokens)
        self.clock.attach(self.pool)


class Story:
    """One answered call and what both ends do in it. The peer answers what it is asked, at times with a challenge."""

    def __init__(self, *, ours: bool) -> None:
        self.bench = bench = Mortal()
        self.ours = ours
        self.challenged: set[str] = set()
        self.challenges = False
        self.invite: Request
        if ours:
            self.leg_id, self.tag = "leg", "b"
            bench.reply(bench.place(), 401, headers=[CHALLENGE])
            _, self.invite = bench.look()
            bench.reply(self.invite, 200, sdp=ANSWER, headers=SESSION)
        else:
            self.invite = bench.invite(headers=SESSION)
            self.leg_id = bench.offered().leg_id
            bench.pool.answer(self.leg_id, ANSWER, bench.clock.now)
            self.tag = next(m.to_tag or "" for m in bench.look() if isinstance(m, Response) and m.status == 200)
            bench.back("ACK", self.invite, self.tag)
        bench.look()

    def ask(self, method: str, body: bytes = b"", cseq: int | None = None) -> Request:
        """A request of the peer's; who called refreshes the session by it."""
        if self.ours:
            return self.bench.request(method, self.invite, tag=self.tag, body=body, cseq=cseq)
        self.bench._cseq += 1
        headers = SESSION if method in ("INVITE", "UPDATE") else ()
        cseq = cseq or self.bench._cseq
        return self.bench.back(method, self.invite, self.tag, cseq=cseq, body=body, headers=headers)

    def serve(self) -> None:
        """Answer all that we were sent."""
        for _ in range(8):
            messages = self.bench.unserved + self.bench.look()
            self.bench.unserved.clear()
            if not messages:
                return
            for message in messages:
                self._answer(message)
        raise AssertionError("they never stop talking")

    def _answer(self, message: Request | Response) -> None:
        bench = self.bench
        if isinstance(message, Response):
            if message.cseq.method == "INVITE" and message.status >= 200:
                self._acknowledge(message)
            return
        if message.method == "ACK":
            return
        if self.challenges and not message.headers.get("Authorization") and message.method not in self.challenged:
            self.challenged.add(message.method)
            bench.reply(message, 401, headers=[CHALLENGE])
            return
        sdp = OTHER_ANSWER if message.body else b""
        refreshed = SESSION if message.method in ("INVITE", "UPDATE") else []
        bench.reply(message, 200, sdp=sdp, headers=refreshed)

    def _acknowledge(self, response: Response) -> None:
        """For a refusal within the INVITE's transaction, so under its branch."""
        branch = response.branch if response.status >= 300 else None
        if self.ours:
            self.bench.request("ACK", self.invite, tag=self.tag, cseq=response.cseq.number, branch=branch)
        elif branch is None:
            self.bench.back("ACK", self.invite, self.tag, cseq=response.cseq.number)
        else:
            ack = self.bench.back("ACK", self.invite, self.tag, cseq=0)
            ack.headers.set("Via", f"SIP/2.0/UDP {PEER[0]};branch={branch}")
            ack.headers.set("CSeq", f"{response.cseq.number} ACK")
            self.bench.deliver(bytes(ack))

    # What can happen

    def peer_says_bye(self) -> None:
        self.ask("BYE")

    def peer_proposes(self) -> None:
        self.ask("INVITE", OTHER_OFFER)
        self.bench.pool.answer_reoffer(self.leg_id, OTHER_ANSWER, self.bench.clock.now)

    def peer_is_refused(self) -> None:
        self.ask("INVITE", OTHER_OFFER)
        self.bench.pool.answer_reoffer(self.leg_id, None, self.bench.clock.now)

    def peer_updates(self) -> None:
        self.ask("UPDATE")

    def peer_updates_media(self) -> None:
        self.ask("UPDATE", OTHER_OFFER)
        self.bench.pool.answer_reoffer(self.leg_id, OTHER_ANSWER, self.bench.clock.now)

    def peer_asks_after_us(self) -> None:
        self.ask("OPTIONS")

    def peer_comes_late(self) -> None:
        self.ask("UPDATE", cseq=1)

    def stranger_says_bye(self) -> None:
        tag, self.tag = self.tag, "somebody-else"
        self.ask("BYE")
        self.tag = tag

    def we_propose(self) -> None:
        if self.bench.pool._legs.get(self.leg_id) is not None:
            self.bench.pool.reoffer(self.leg_id, OTHER_OFFER, self.bench.clock.now)

    def we_hang_up(self) -> None:
        self.bench.pool.hang_up(self.leg_id, self.bench.clock.now)

    def peer_begins_to_ask_for_passwords(self) -> None:
        self.challenges = True

    def time_passes(self) -> None:
        for _ in range(4):
            self.bench.wait(12.5)
            if not self.ours:
                self.ask("UPDATE")
            self.serve()


THINGS = [
    Story.peer_says_bye, Story.peer_proposes, Story.peer_is_refused, Story.peer_updates, Story.peer_updates_media,
    Story.peer_asks_after_us, Story.peer_comes_late, Story.stranger_says_bye, Story.we_propose, Story.we_hang_up,
    Story.peer_begins_to_ask_for_passwords, Story.time_passes,
]  # fmt: skip


def told(ours: bool, things: list[int], deaths: frozenset[int]) -> tuple[list[object], int]:
    story = Story(ours=ours)
    for step, thing in enumerate(things):
        if 2 * step in deaths:
            story.bench.die(story.leg_id)
        THINGS[thing](story)
        if 2 * step + 1 in deaths:
            story.bench.die(story.leg_id)  # requests of ours are under way, answers of ours unacknowledged
        story.serve()
    story.time_passes()
    return story.bench.transcript, story.bench.deaths


@settings(max_examples=300, deadline=None)
@given(
    ours=st.booleans(),
    things=st.lists(st.integers(0, len(THINGS) - 1), min_size=1, max_size=6),
    deaths=st.frozensets(st.integers(0, 11), min_size=1, max_size=3),
)
def test_whatever_both_ends_do_a_restored_leg_does_as_one_that_lived(
    ours: bool, things: list[int], deaths: frozenset[int]
) -> None:
    lived, _ = told(ours, things, frozenset())
    restored, _ = told(ours, things, deaths)
    assert restored == lived


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("thing", range(len(THINGS)))
def test_each_thing_alone_goes_on_after_a_death(ours: bool, thing: int) -> None:
    lived, _ = told(ours, [thing], frozenset())
    for at in (0, 1):
        restored, deaths = told(ours, [thing], frozenset({at}))
        assert restored == lived
        assert deaths or at == 1


# Calls that ring


def ringing(bench: Mortal) -> Request:
    invite = bench.place()
    bench.reply(invite, 180)
    bench.look()
    return invite


def test_a_call_that_rings_is_cancelled_on_the_branch_of_its_invite() -> None:
    bench = Mortal()
    invite = ringing(bench)
    bench.die()
    bench.hang_up()
    cancel = bench.sent_request("CANCEL")
    assert cancel.via.branch == invite.via.branch
    assert cancel.uri == invite.uri
    bench.reply(cancel, 200)
    bench.reply(invite, 487)
    ack = bench.sent_request("ACK")
    assert ack.via.branch == invite.via.branch
    assert bench.kinds == ["CallFailed"]
    bench.assert_nothing_is_left()


def test_a_200_that_crosses_the_cancel_of_the_next_process_is_acknowledged_and_ended() -> None:
    bench = Mortal()
    invite = ringing(bench)
    bench.die()
    bench.hang_up()
    bench.look()
    bench.reply(invite, 200, sdp=ANSWER)
    ack, bye = bench.look()
    assert isinstance(ack, Request)
    assert isinstance(bye, Request)
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert ack.cseq.number == invite.cseq.number
    assert bye.to_tag == "b"


def test_a_call_that_is_answered_after_the_death_talks() -> None:
    bench = Mortal()
    invite = ringing(bench)
    bench.die()
    bench.reply(invite, 200, sdp=ANSWER)
    assert bench.sent_request("ACK").to_tag == "b"
    assert bench.kinds == ["CallAnswered"]


def test_a_cancel_whose_answer_is_lost_with_the_process_is_said_again_under_the_same_branch() -> None:
    bench = Mortal()
    invite = ringing(bench)
    bench.hang_up()
    first = bench.sent_request("CANCEL")
    bench.die()
    again = bench.sent_request("CANCEL")
    assert bytes(again) == bytes(first)
    bench.reply(invite, 487)
    assert bench.sent_request("ACK").via.branch == invite.via.branch


def test_an_invite_that_nobody_has_answered_is_not_sent_again_by_the_next_process() -> None:
    bench = Mortal()
    invite = bench.place()
    bench.die()
    bench.wait(3.0)
    assert bench.sent() == []
    bench.hang_up()
    bench.reply(invite, 180)
    assert bench.sent_request("CANCEL").via.branch == invite.via.branch


def test_each_phone_of_a_forked_call_can_still_answer() -> None:
    bench = Mortal()
    invite = bench.place()
    bench.reply(invite, 180, tag="one")
    bench.reply(invite, 180, tag="two")
    bench.die()
    bench.reply(invite, 200, tag="two", sdp=ANSWER)
    assert bench.sent_request("ACK").to_tag == "two"
    bench.reply(invite, 200, tag="one", sdp=ANSWER)
    ack, bye = bench.sent()
    assert (ack.to_tag, bye.to_tag) == ("one", "one")


# Answers on their way


def test_a_200_of_ours_is_sent_again_until_its_ack_comes() -> None:
    bench = Mortal()
    invite = bench.invite()
    leg_id = bench.offered().leg_id
    bench.pool.answer(leg_id, ANSWER, bench.clock.now)
    (answer,) = bench.look()
    bench.die(leg_id)
    bench.wait(0.5)
    (copy,) = bench.sent()
    assert bytes(copy) == bytes(answer)
    bench.back("ACK", invite, answer.to_tag or "")
    bench.wait(20.0)
    assert bench.sent() == []


def test_a_copy_of_an_invite_that_the_dead_process_answered_is_no_second_call() -> None:
    bench = Mortal()
    invite = bench.invite()
    leg_id = bench.offered().leg_id
    bench.pool.answer(leg_id, ANSWER, bench.clock.now)
    (answer,) = bench.look()
    bench.back("ACK", invite, answer.to_tag or "")
    bench.die(leg_id)
    bench.deliver(bytes(invite))
    assert bench.sent() == []
    assert not [event for event in bench.events if isinstance(event, CallOffered)]


def test_a_copy_of_the_200_gets_the_ack_that_the_dead_process_sent() -> None:
    bench = Mortal()
    invite = bench.place()
    bench.reply(invite, 200, sdp=ANSWER)
    ack = bench.sent_request("ACK")
    bench.die()
    bench.reply(invite, 200, sdp=ANSWER)
    assert bytes(bench.sent_request("ACK")) == bytes(ack)


def test_a_reinvite_that_comes_while_nobody_listens_is_served_when_its_copy_comes() -> None:
    bench = Mortal()
    invite = bench.answered()
    bench.die()
    bench.request("INVITE", invite, body=OTHER_OFFER)
    (event,) = [each for each in bench.events if isinstance(each, MediaReoffered)]
    bench.pool.answer_reoffer(event.leg_id, OTHER_ANSWER, bench.clock.now)
    assert bench.sent_status() == 200


def test_a_session_whose_refresh_may_have_come_meanwhile_is_given_time_for_its_copies() -> None:
    bench = Mortal(keepalive_s=0.0)
    invite = bench.place()
    bench.reply(invite, 200, sdp=ANSWER, headers=[("Session-Expires", "90;refresher=uas")])
    bench.look()
    note = bench.pool.leg_snapshot("leg")
    bench._be_born()
    bench.clock.advance(89.0)
    bench.pool.take_up_leg(json.loads(json.dumps(note)), bench.clock.now)
    bench.wait(10.0)
    assert bench.sent() == []
    bench.request("UPDATE", invite, headers=[*SESSION[1:2], ("Session-Expires", "90;refresher=uac")])
    assert bench.sent_status() == 200
    bench.wait(40.0)
    assert bench.sent() == []


# What is not kept


def test_a_call_that_nobody_has_answered_who_called_us_is_not_kept() -> None:
    bench = Mortal()
    bench.invite()
    assert bench.pool.leg_snapshot(bench.offered().leg_id) is None


def test_a_call_that_is_over_is_not_kept() -> None:
    bench = Mortal()
    bench.answered()
    bench.hang_up()
    assert bench.pool.leg_snapshot("leg") is None
    assert bench.pool.leg_snapshot("never-was") is None


def test_a_restored_call_takes_up_its_channel_and_frees_it_in_the_end() -> None:
    bench = Mortal()
    invite = bench.answered()
    bench.die()
    assert bench.pool.calls_on("peer") == 1
    bench.request("BYE", invite)
    assert bench.pool.calls_on("peer") == 0


@pytest.mark.parametrize("harm", ["account", "hop", "leg", "transactions", "phase", "empty"])
def test_a_snapshot_that_cannot_be_used_is_refused_in_one_way(harm: str) -> None:
    bench = Mortal()
    bench.answered()
    note = json.loads(json.dumps(bench.pool.leg_snapshot("leg")))
    bench._be_born()
    if harm == "account":
        note["trunk"] = "gone"
    elif harm == "hop":
        note["hop"] = 7
    elif harm == "leg":
        note["leg"]["dialog"]["target"] = "nonsense"
    elif harm == "transactions":
        note["leg"]["transactions"][0]["request"] = "SIP/2.0 200 OK\r\n\r\n"
    elif harm == "phase":
        del note["leg"]["talking"]
    else:
        note = {}
    with pytest.raises(UsageError):
        bench.pool.take_up_leg(note, bench.clock.now)
    assert bench.pool.calls_on("peer") == 0
    assert bench.pool.is_idle


def test_the_note_of_a_leg_holds_no_password_and_fits_where_it_is_kept() -> None:
    bench = Mortal()
    bench.answered()
    note = json.dumps(bench.pool.leg_snapshot("leg"))
    assert "ours" not in note.replace('"ours": true', "")
    assert len(note) < 6000
