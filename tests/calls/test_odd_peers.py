"""Peers that say anything at any time: each call ends once, whoever picks up is hung up, and nothing is left."""

import contextlib
from collections import defaultdict
from random import Random

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed, MediaReoffered
from softswitch.errors import UsageError
from softswitch.sip.message import Request
from tests.calls.conftest import ANSWER, OFFER, Bench

PROVISIONAL = (100, 180, 183, 199)
FINAL = (200, 200, 200, 302, 401, 422, 486, 487, 500, 503)
INSIDE = ("BYE", "UPDATE", "INVITE", "INFO", "OPTIONS", "PRACK", "NOTIFY", "REFER", "MESSAGE", "SUBSCRIBE")
SESSIONS = ("100;refresher=uac", "100;refresher=uas")
CHALLENGE = ("WWW-Authenticate", 'Digest realm="peer", nonce="{}", qop="auth"')


class Story:
    """A call between us and a peer who draws what it does by lot."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.bench = Bench()
        self.requests: list[Request] = []
        """Ours that may be answered, ACKs left out."""
        self.acknowledged: set[tuple[int, str | None]] = set()
        self.ended: set[str | None] = set()
        """Tags of the phones that were told BYE, or said so."""
        self.finals: defaultdict[tuple[str | None, str], set[int]] = defaultdict(set)
        """Statuses from 200 on that each request of the peer's had, by branch and method."""
        self._seen = 0

    def look(self) -> None:
        """Take note of what we sent, and answer what we are asked."""
        for message in self.bench.sent():
            if not isinstance(message, Request):
                if message.status >= 200:
                    self.finals[message.branch, message.cseq.method].add(message.status)
            elif message.method == "ACK":
                self.acknowledged.add((message.cseq.number, message.to_tag))
            else:
                self.requests.append(message)
                if message.method == "BYE":
                    self.ended.add(message.to_tag)
        while self._seen < len(self.bench.events):
            event = self.bench.events[self._seen]
            self._seen += 1
            if isinstance(event, MediaReoffered):
                answer = ANSWER if self.chance.random() < 0.8 else None
                self.bench.pool.answer_reoffer(event.leg_id, answer, self.bench.clock.now)
                self.look()

    def reply(self, request: Request, status: int, tag: str) -> None:
        chance, headers = self.chance, []
        if status in PROVISIONAL[1:] and chance.random() < 0.4:
            headers = [("Require", "100rel"), ("RSeq", chance.randint(1, 3))]
        elif status == 401:
            headers = [(CHALLENGE[0], CHALLENGE[1].format(chance.randint(1, 9)))]
        elif status == 422:
            headers = [("Min-SE", chance.choice((90, 2000, 4000)))]
        elif status == 500:
            headers = [("Retry-After", chance.randint(0, 60))]
        elif status == 200 and chance.random() < 0.4:
            headers = [("Session-Expires", chance.choice(SESSIONS)), ("Allow", "INVITE, UPDATE")]
        sdp = ANSWER if status < 300 and request.method in ("INVITE", "UPDATE") and chance.random() < 0.6 else b""
        self.bench.reply(request, status, tag=tag, sdp=sdp, headers=headers)

    def pass_time(self) -> None:
        self.bench.wait(self.chance.choice((0.1, 0.6, 2.0, 5.0, 20.0, 40.0)))

    def finish(self) -> None:
        """The peer says nothing any more."""
        for _ in range(60):
            self.bench.wait(8.0)
            self.look()
        self.bench.wait(2000.0)
        self.look()
        assert self.bench.pool.is_idle
        assert self.bench.pool.next_timer() is None
        (end,) = [event for event in self.bench.events if isinstance(event, CallEnded | CallFailed)]
        answered = any(isinstance(event, CallAnswered) for event in self.bench.events)
        assert not (isinstance(end, CallFailed) and answered)


@pytest.mark.parametrize("seed", range(300))
def test_a_callee_that_says_anything_at_any_time_is_left_with_nothing(seed: int) -> None:
    story = Story(seed)
    chance, bench = story.chance, story.bench
    invites = [bench.place(offer=OFFER if chance.random() < 0.85 else b"")]
    answered: set[tuple[int, str]] = set()
    over: set[int] = set()
    for _ in range(chance.randint(1, 14)):
        tag, invite = chance.choice("aab"), invites[-1]
        match chance.choice("rrrrrooodhmt"):
            case "r":
                status, number = chance.choice(PROVISIONAL + FINAL), invite.cseq.number
                if 200 <= status < 300 and number not in over and bench.clock.now < 30.0:
                    answered.add((number, tag))
                elif status >= 300:
                    over.add(number)
                story.reply(invite, status, tag)
            case "o":
                method = chance.choice(INSIDE)
                body = ANSWER if method in ("INVITE", "UPDATE") and chance.random() < 0.6 else b""
                bench.request(method, invite, tag=tag, body=body)
                story.ended |= {tag} if method == "BYE" else set()
            case "d" if story.requests:
                request = chance.choice(story.requests)
                if request.to_tag is not None:
                    story.reply(request, chance.choice((100, 200, 200, 401, 408, 481, 491, 500)), request.to_tag)
            case "h":
                bench.hang_up()
            case "m":
                with contextlib.suppress(UsageError):
                    bench.pool.reoffer("leg", ANSWER, bench.clock.now)
            case _:
                story.pass_time()
        story.look()
        known = {each.cseq.number for each in invites}
        invites += [
            each for each in story.requests
            if each.method == "INVITE" and each.to_tag is None and each.cseq.number not in known
        ][:1]  # fmt: skip
    story.finish()
    assert answered <= story.acknowledged
    assert {tag for _, tag in answered} <= story.ended


@pytest.mark.parametrize("seed", range(300))
def test_a_caller_that_says_anything_at_any_time_gets_one_final_answer_to_each_request(seed: int) -> None:
    story = Story(seed)
    chance, bench = story.chance, story.bench
    headers = [("Allow", "INVITE, UPDATE"), ("Supported", "100rel, timer")]
    headers += [("Session-Expires", chance.choice(SESSIONS))] if chance.random() < 0.5 else []
    headers += [("Require", "100rel")] if chance.random() < 0.2 else []
    invite = bench.invite(body=OFFER if chance.random() < 0.8 else b"", headers=headers)
    leg = bench.offered().leg_id
    tag = bench.pool._legs.get(leg).local_tag
    asked = {(invite.branch, "INVITE")}
    for number in range(2, 2 + chance.randint(1, 14)):
        now = bench.clock.now
        match chance.choice("rRaxhmooooookdt"):
            case "r":
                bench.pool.ring(leg, now)
            case "R":
                bench.pool.ring(leg, now, ANSWER)
            case "a":
                with contextlib.suppress(UsageError):
                    bench.pool.answer(leg, ANSWER, now)
            case "x":
                bench.pool.reject(leg, 486, now)
            case "h":
                bench.pool.hang_up(leg, now)
            case "m":
                with contextlib.suppress(UsageError):
                    bench.pool.reoffer(leg, ANSWER, now)
            case "o":
                method = chance.choice(("BYE", "UPDATE", "INVITE", "INFO", "OPTIONS", "PRACK"))
                body = ANSWER if method in ("UPDATE", "INVITE", "PRACK") and chance.random() < 0.5 else b""
                rack = [("RAck", f"{chance.randint(1, 3)} 1 INVITE")] if method == "PRACK" else []
                asked.add((bench.back(method, invite, tag, cseq=number, body=body, headers=rack).branch, method))
            case "k":
                method = chance.choice(("ACK", "ACK", "CANCEL"))
                cseq = 1 if method == "CANCEL" else chance.randint(1, number)
                bench.back(method, invite, tag, cseq=cseq, body=ANSWER if method == "ACK" else b"")
            case "d" if story.requests:
                story.reply(chance.choice(story.requests), chance.choice((100, 200, 200, 401, 481, 491, 500)), "b")
            case _:
                story.pass_time()
        story.look()
    story.finish()
    assert {key for key in asked if len(story.finals[key]) != 1} == set()
