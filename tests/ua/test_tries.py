"""To the next server, or account, only where the last one said nothing about the callee (RFC 3263 §4.3)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed, CallRinging
from softswitch.calls.outcome import Outcome
from softswitch.ua.accounts import AccountFailed, AccountReachable, AccountState
from tests.ua.carriers import FIRST, NUMBER, OFFER, Carriers

ABOUT_THE_CALLEE = (486, 480, 404, 484, 487, 410, 408, 403, 488, 600, 603, 604, 606, 607, 608)
OTHER_FINALS = (300, 302, 400, 401, 407, 420, 481, 482, 483, 500, 501, 502, 504, 505, 513, 580)


@pytest.fixture
def carriers() -> Carriers:
    return Carriers()


def kinds(carriers: Carriers) -> list[type]:
    return [type(event) for event in carriers.events()]


@pytest.mark.parametrize("status", ABOUT_THE_CALLEE + OTHER_FINALS)
def test_a_final_answer_ends_the_call_and_no_other_server_hears_of_it(carriers: Carriers, status: int) -> None:
    carriers.servers[0].says(status)
    carriers.call(seconds=60.0, otherwise=("other",))
    assert kinds(carriers) == [CallFailed]
    assert carriers.events()[0].status == status
    assert carriers.invited() == [1, 0, 0, 0]
    assert carriers.is_clean()


def test_a_503_takes_the_call_to_the_next_server_at_once(carriers: Carriers) -> None:
    carriers.servers[0].says(503)
    carriers.servers[1].says(180, 200)
    carriers.call()
    assert kinds(carriers) == [CallRinging, CallAnswered]
    assert carriers.invited() == [1, 1, 0, 0]
    assert carriers.switch.calls_on("carrier") == 1
    first, second = carriers.servers[0].of("INVITE")[0], carriers.servers[1].of("INVITE")[0]
    assert first.call_id != second.call_id
    assert first.body == second.body
    assert carriers.asked == [NUMBER, NUMBER], "each try passes the gate"
    carriers.hang_up()
    assert len(carriers.servers[1].of("BYE")) == 1
    assert kinds(carriers)[-1] is CallEnded
    assert carriers.is_clean()


def test_a_server_that_says_nothing_is_left_after_four_seconds(carriers: Carriers) -> None:
    carriers.servers[1].says(200)
    carriers.call(seconds=3.9)
    assert carriers.invited() == [1, 0, 0, 0]
    carriers.run(0.3)
    assert carriers.invited() == [1, 1, 0, 0]
    assert kinds(carriers) == [CallAnswered]
    carriers.hang_up()
    assert carriers.is_clean()


def test_the_last_server_is_given_all_the_time_that_there_is(carriers: Carriers) -> None:
    carriers.call(seconds=39.0)
    assert carriers.invited() == [1, 1, 1, 0]
    assert kinds(carriers) == []
    carriers.run(2.0)
    assert carriers.events() == [CallFailed("out", Outcome.FAILED, 408, "no response")]
    assert carriers.is_clean()


@pytest.mark.parametrize("sign", [100, 180, 183])
def test_a_server_that_gives_a_sign_of_life_is_not_left(carriers: Carriers, sign: int) -> None:
    carriers.servers[0].says(sign)
    carriers.call(seconds=60.0)
    assert carriers.invited() == [1, 0, 0, 0]
    carriers.hang_up(seconds=40.0)
    assert carriers.events()[-1].outcome is Outcome.CANCELLED
    assert carriers.is_clean()


def test_a_busy_server_that_has_rung_is_the_end_because_the_callee_would_ring_twice(carriers: Carriers) -> None:
    carriers.servers[0].says(180, 503)
    carriers.call(otherwise=("other",))
    assert kinds(carriers) == [CallRinging, CallFailed]
    assert carriers.invited() == [1, 0, 0, 0]


def test_a_server_that_cannot_be_reached_is_left_at_once(carriers: Carriers) -> None:
    carriers.servers[1].says(200)
    carriers.call(seconds=0.1)
    carriers.switch.receive_transport_error(FIRST, carriers.now)
    carriers.run(0.2)
    assert kinds(carriers) == [CallAnswered]
    carriers.hang_up()
    assert carriers.is_clean()


def test_a_late_answer_of_a_server_that_was_left_is_acknowledged_and_ended(carriers: Carriers) -> None:
    first, second, *_ = carriers.servers
    second.says(180, 200)
    carriers.call(seconds=5.0)
    assert kinds(carriers) == [CallRinging, CallAnswered]
    first.respond(first.of("INVITE")[0], 200)
    carriers.run(1.0)
    assert [request.method for request in first.requests] == ["INVITE", "ACK", "BYE"]
    assert kinds(carriers) == [CallRinging, CallAnswered], "nobody above hears of it"
    assert second.of("BYE") == []
    carriers.hang_up()
    assert len(second.of("BYE")) == 1
    assert carriers.is_clean()


def test_a_late_answer_before_the_second_server_has_answered_never_connects_two(carriers: Carriers) -> None:
    first, second, *_ = carriers.servers
    second.says(180)
    carriers.call(seconds=5.0)
    first.respond(first.of("INVITE")[0], 200)
    carriers.run(0.5)
    assert [request.method for request in first.requests] == ["INVITE", "ACK", "BYE"]
    second.respond(second.of("INVITE")[0], 200)
    carriers.run(0.5)
    assert kinds(carriers) == [CallRinging, CallAnswered]
    carriers.hang_up()
    assert carriers.is_clean()


@pytest.mark.parametrize("sign", [100, 180])
def test_a_server_that_was_left_and_shows_life_is_cancelled(carriers: Carriers, sign: int) -> None:
    first, second, *_ = carriers.servers
    second.says(200)
    carriers.call(seconds=5.0)
    assert first.of("CANCEL") == [], "not before a provisional response (RFC 3261 §9.1)"
    invite = first.of("INVITE")[0]
    first.respond(invite, sign)
    carriers.run(0.2)
    assert len(first.of("CANCEL")) == 1
    assert first.of("CANCEL")[0].call_id == invite.call_id
    first.respond(invite, 487)
    carriers.run(0.2)
    assert len(first.of("ACK")) == 1
    assert kinds(carriers) == [CallAnswered]
    carriers.hang_up()
    assert carriers.is_clean()


def test_a_late_refusal_of_a_server_that_was_left_changes_nothing(carriers: Carriers) -> None:
    first, second, *_ = carriers.servers
    second.says(180)
    carriers.call(seconds=5.0)
    first.respond(first.of("INVITE")[0], 486)
    carriers.run(0.5)
    assert kinds(carriers) == [CallRinging]
    assert len(first.of("ACK")) == 1
    second.respond(second.of("INVITE")[0], 603)
    carriers.run(0.5)
    assert carriers.events()[-1].outcome is Outcome.REFUSED
    assert carriers.is_clean()


def test_hanging_up_cancels_at_the_server_that_is_tried_last(carriers: Carriers) -> None:
    carriers.servers[1].says(180)
    carriers.call(seconds=5.0)
    carriers.hang_up(seconds=0.5)
    assert [len(server.of("CANCEL")) for server in carriers.servers] == [0, 1, 0, 0]
    second = carriers.servers[1]
    second.respond(second.of("INVITE")[0], 487)
    carriers.run(0.5)
    assert carriers.events()[-1] == CallFailed("out", Outcome.CANCELLED, 487, "cancelled")
    assert carriers.invited() == [1, 1, 0, 0]
    assert carriers.is_clean()


def test_a_call_that_was_hung_up_is_not_tried_elsewhere(carriers: Carriers) -> None:
    carriers.call(seconds=0.1, otherwise=("other",))
    carriers.hang_up(seconds=60.0)
    assert carriers.events() == [CallFailed("out", Outcome.CANCELLED, 487, "cancelled")]
    assert carriers.invited() == [1, 0, 0, 0]
    assert carriers.is_clean()


def test_a_number_that_came_onto_the_never_dial_list_meanwhile_is_not_tried_again(carriers: Carriers) -> None:
    carriers.call(seconds=1.0)
    carriers.refused.add(NUMBER)
    carriers.run(5.0)
    assert carriers.events()[-1].outcome is Outcome.BLOCKED
    assert carriers.invited() == [1, 0, 0, 0]
    assert carriers.is_clean()


def test_a_challenge_is_answered_at_the_server_that_asks(carriers: Carriers) -> None:
    carriers = Carriers(username="lab", password="secret")
    first, second, *_ = carriers.servers
    first.says(503)

    def challenge(invite: object) -> None:
        answered = "Authorization" in invite.headers  # type: ignore[attr-defined]
        second.respond(invite, 200 if answered else 401, () if answered else CHALLENGE)  # type: ignore[arg-type]

    second.on["INVITE"] = challenge
    carriers.call()
    assert kinds(carriers) == [CallAnswered]
    assert carriers.invited() == [1, 2, 0, 0]
    carriers.hang_up()
    assert carriers.is_clean()


CHALLENGE = (("WWW-Authenticate", 'Digest realm="carrier.example", nonce="n1", algorithm=MD5, qop="auth"'),)


def test_retry_after_keeps_a_server_alone_for_so_long_and_no_longer(carriers: Carriers) -> None:
    first, second, *_ = carriers.servers
    first.says(503, headers=(("Retry-After", "20 (overload);duration=60"),))
    second.says(486)
    carriers.call("one")
    carriers.call("two")
    assert carriers.invited() == [1, 2, 0, 0]
    carriers.run(19.0)
    carriers.call("three")
    assert carriers.invited() == [2, 3, 0, 0]


@pytest.mark.parametrize("method", ["BYE", "INVITE"])
def test_a_503_within_a_call_is_the_calls_and_keeps_no_other_call_away(carriers: Carriers, method: str) -> None:
    first, *_ = carriers.servers
    first.says(180, 200)
    carriers.call("one")
    first.on[method] = lambda request: first.respond(request, 503, (("Retry-After", "60"),))
    if method == "BYE":
        carriers.hang_up("one")
    else:
        carriers.switch.reoffer("one", OFFER, carriers.now)
        carriers.run(1.0)
    assert len(first.of(method)) == (1 if method == "BYE" else 2)
    assert carriers.switch.account_state("carrier") is AccountState.STATIC
    first.says(180, 200)
    carriers.call("two")
    assert [len(server.of("INVITE")) for server in carriers.servers[1:]] == [0, 0, 0]
    assert CallAnswered in [type(event) for event in carriers.events("two")]


@pytest.mark.parametrize("headers", [(), (("Retry-After", "soon"),), (("Retry-After", "0"),)])
def test_without_retry_after_a_server_comes_last_for_half_a_minute(carriers: Carriers, headers: tuple) -> None:
    first, second, third, _ = carriers.servers
    first.says(503, headers=headers)
    second.says(486)
    carriers.call("one")
    carriers.call("two")
    assert carriers.invited() == [1, 2, 0, 0]
    second.says(503)
    third.says(503)
    carriers.call("three")
    assert carriers.invited() == [2, 3, 1, 0], "but it is tried before the call is given up"
    carriers.run(30.0)
    second.says(486)
    carriers.call("four")
    assert carriers.invited()[0] == 3


def test_an_account_all_of_whose_servers_want_a_pause_is_unreachable_until_the_first_is_over(
    carriers: Carriers,
) -> None:
    for server, pause_s in zip(carriers.servers, (30, 10, 20), strict=False):
        server.says(503, headers=(("Retry-After", pause_s),))
    carriers.call("one")
    assert carriers.events("one")[-1].outcome is Outcome.FAILED
    assert carriers.switch.account_state("carrier") is AccountState.UNREACHABLE
    assert carriers.switch.channels_free("carrier") == 0
    assert [type(each) for each in carriers.news()] == [AccountFailed]
    carriers.call("two")
    assert carriers.invited() == [1, 1, 1, 0]
    assert carriers.events("two") == [CallFailed("two", Outcome.FAILED, 503, "account unreachable")]
    carriers.run(9.0)
    assert carriers.switch.account_state("carrier") is AccountState.STATIC
    assert carriers.news()[-1] == AccountReachable("carrier")
    carriers.servers[1].says(486)
    carriers.call("three")
    assert carriers.invited() == [1, 2, 1, 0]


BEHAVIOURS = st.sampled_from(
    ["silent", "100", "180", "200", "503", "486", "503+", "late 200", "late 180", "late 486", "late 503"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(BEHAVIOURS, min_size=4, max_size=4), st.floats(0, 30), st.booleans())
def test_whatever_servers_do_one_callee_at_most_is_connected_and_nothing_is_left(
    behaviours: list[str], hang_up_after_s: float, is_rerouted: bool
) -> None:
    carriers = Carriers()
    for server, behaviour in zip(carriers.servers, behaviours, strict=True):
        *late, what = behaviour.split()
        if what != "silent":
            headers = (("Retry-After", 9),) if what == "503+" else ()
            server.says(int(what[:3]), after=6.0 if late else 0.2, headers=headers)
        cancelled: set[str] = set()

        def cancel(request: object, server: object = server, cancelled: set[str] = cancelled) -> None:
            server.respond(request, 200)  # type: ignore[attr-defined]
            invite = next(each for each in server.of("INVITE") if each.call_id == request.call_id)  # type: ignore[attr-defined]
            server.respond(invite, 487)  # type: ignore[attr-defined]

        server.on["CANCEL"] = cancel
    carriers.call(seconds=hang_up_after_s, otherwise=("other",) if is_rerouted else ())
    carriers.hang_up(seconds=1.0)
    assert carriers.is_clean()
    events = carriers.events()
    assert sum(isinstance(event, CallAnswered) for event in events) <= 1
    assert sum(isinstance(event, CallFailed | CallEnded) for event in events) == 1
    for server in carriers.servers:
        answered = {
            each.call_id
            for each in carriers.responses_to(server.hop)
            if each.status == 200 and each.cseq.method == "INVITE"
        }
        acknowledged = {each.call_id for each in server.of("ACK")}
        ended = {each.call_id for each in server.of("BYE")}
        assert answered <= acknowledged
        assert answered == ended, "every callee that was picked up is told that it is over"
    if "486" in (behaviours[0], behaviours[0][-3:]) and not behaviours[0].startswith("late"):
        assert carriers.invited() == [1, 0, 0, 0]
