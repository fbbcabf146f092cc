"""The four transaction machines, input by input."""

from itertools import pairwise

import pytest

from softswitch.sip.hop import Hop
from softswitch.sip.matching import server_key
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.parser import parse
from softswitch.sip.timers import Timers
from softswitch.sip.transaction import Input, State, Transaction, Trouble
from softswitch.sip.transaction_tables import (
    CLIENT,
    INVITE_CLIENT,
    INVITE_SERVER,
    SERVER,
    input_of,
    open_client,
    open_server,
)

PEER = Hop("192.0.2.9", 5060)
TIMERS = Timers()


def request(method: str, *, branch: str = "z9hG4bK1", to_tag: str = "", cseq: int = 1, route: str = "") -> Request:
    tag = f";tag={to_tag}" if to_tag else ""
    lines = [
        f"{method} sip:bob@192.0.2.9 SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.1:5060;branch={branch}",
        *([f"Route: <{route}>"] if route else []),
        "Max-Forwards: 70",
        "From: <sip:alice@192.0.2.1>;tag=a",
        f"To: <sip:bob@192.0.2.9>{tag}",
        "Call-ID: call-1",
        f"CSeq: {cseq} {method}",
        "Contact: <sip:alice@192.0.2.1>",
    ]
    message = parse(("\r\n".join(lines) + "\r\n\r\n").encode())
    assert isinstance(message, Request)
    return message


def client(method: str, *, reliable: bool = False) -> Transaction:
    asked = request(method)
    return open_client(asked, bytes(asked), PEER._replace(transport="TCP" if reliable else "UDP"), 0.0, timers=TIMERS)


def server(method: str, *, reliable: bool = False) -> Transaction:
    asked = request(method)
    hop = PEER._replace(transport="TCP" if reliable else "UDP")
    return open_server(asked, server_key(asked), hop, 0.0, timers=TIMERS)


def take(transaction: Transaction) -> list[bytes]:
    sent = list(transaction.outbox)
    transaction.outbox.clear()
    return sent


def answer(transaction: Transaction, status: int, now: float, to_tag: str = "b") -> Response:
    response = response_to(transaction.request, status, to_tag=to_tag)
    transaction.receive(input_of(status), now, response)
    return response


def times_sent(transaction: Transaction) -> list[float]:
    """When the transaction sends something, from now on, until no timer is left."""
    times: list[float] = []
    while (at := transaction.next_timer()) is not None:
        transaction.handle_timer(at)
        times.extend(at for _ in take(transaction))
    return times


# INVITE client


def test_an_invite_is_sent_again_at_doubled_intervals_until_timer_b() -> None:
    transaction = client("INVITE")
    assert len(take(transaction)) == 1
    assert times_sent(transaction) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert transaction.is_terminated
    assert transaction.raised == [Trouble.TIMED_OUT]


def test_an_invite_over_a_reliable_transport_is_sent_once() -> None:
    transaction = client("INVITE", reliable=True)
    assert len(take(transaction)) == 1
    assert times_sent(transaction) == []
    assert transaction.raised == [Trouble.TIMED_OUT]


def test_a_ringing_callee_may_ring_for_long() -> None:
    transaction = client("INVITE")
    answer(transaction, 180, 0.3)
    assert transaction.state is State.PROCEEDING
    assert transaction.next_timer() is None


def test_every_copy_of_a_busy_is_acknowledged_but_reported_once() -> None:
    transaction = client("INVITE")
    take(transaction)
    busy = answer(transaction, 486, 1.0)
    answer(transaction, 486, 1.5)
    answer(transaction, 486, 2.5)
    acks = take(transaction)
    assert len(acks) == 3
    assert len(set(acks)) == 1
    assert transaction.raised == [busy]


def test_the_ack_for_a_failure_has_the_invites_branch_and_route_and_the_responses_to() -> None:
    invite = request("INVITE", route="sip:proxy.example;lr")
    transaction = open_client(invite, bytes(invite), PEER, 0.0, timers=TIMERS)
    take(transaction)
    answer(transaction, 404, 1.0, to_tag="theirs")
    ack = parse(take(transaction)[0])
    assert isinstance(ack, Request)
    assert (ack.method, ack.cseq.method, ack.cseq.number) == ("ACK", "ACK", 1)
    assert ack.via.branch == invite.via.branch
    assert str(ack.uri) == str(invite.uri)
    assert [str(route.uri) for route in ack.routes] == ["sip:proxy.example;lr"]
    assert ack.to.tag == "theirs"
    assert ack.headers.lines("Via") == invite.headers.lines("Via")


def test_after_a_failure_the_transaction_lasts_for_timer_d() -> None:
    transaction = client("INVITE")
    answer(transaction, 486, 1.0)
    assert transaction.next_timer() == 33.0
    transaction.handle_timer(33.0)
    assert transaction.is_terminated


def test_every_2xx_is_passed_up_for_timer_m_and_none_is_acknowledged_here() -> None:
    transaction = client("INVITE")
    take(transaction)
    answers = [answer(transaction, 200, at) for at in (1.0, 1.5, 2.5)]
    assert take(transaction) == []
    assert transaction.raised == answers
    assert transaction.state is State.ACCEPTED
    assert transaction.next_timer() == 33.0


def test_a_failure_after_a_2xx_is_ignored() -> None:
    transaction = client("INVITE")
    take(transaction)
    ok = answer(transaction, 200, 1.0)
    answer(transaction, 486, 1.1)
    assert transaction.raised == [ok]
    assert take(transaction) == []


# Non-INVITE client


def test_a_bye_is_sent_again_up_to_every_t2_until_timer_f() -> None:
    transaction = client("BYE")
    take(transaction)
    times = times_sent(transaction)
    assert times[:4] == [0.5, 1.5, 3.5, 7.5]
    assert all(later - earlier == 4.0 for earlier, later in pairwise(times[3:]))
    assert times[-1] < 32.0
    assert transaction.raised == [Trouble.TIMED_OUT]


def test_a_provisional_slows_the_copies_down_but_does_not_stop_timer_f() -> None:
    transaction = client("OPTIONS")
    take(transaction)
    answer(transaction, 100, 0.1)
    assert transaction.state is State.PROCEEDING
    times = times_sent(transaction)
    assert times[:2] == [0.5, 4.5]
    assert transaction.raised[-1] is Trouble.TIMED_OUT


def test_copies_of_a_final_response_are_absorbed_for_timer_k() -> None:
    transaction = client("BYE")
    ok = answer(transaction, 200, 1.0)
    answer(transaction, 200, 2.0)
    assert transaction.raised == [ok]
    assert transaction.next_timer() == 6.0


# INVITE server


def test_a_slow_user_has_100_sent_for_it_after_200_ms() -> None:
    transaction = server("INVITE")
    assert transaction.next_timer() == 0.2
    transaction.handle_timer(0.2)
    assert [data[:11] for data in take(transaction)] == [b"SIP/2.0 100"]


def test_a_quick_user_has_no_100_sent_for_it() -> None:
    transaction = server("INVITE")
    answer(transaction, 180, 0.1)
    take(transaction)
    transaction.handle_timer(0.2)
    assert take(transaction) == []


def test_a_copy_of_the_invite_has_the_last_provisional_again() -> None:
    transaction = server("INVITE")
    answer(transaction, 180, 0.1)
    ringing = take(transaction)
    transaction.receive(Input.REQUEST, 0.5, transaction.request)
    assert take(transaction) == ringing


def test_a_failure_is_sent_again_until_its_ack_comes() -> None:
    transaction = server("INVITE")
    answer(transaction, 486, 0.0)
    busy = take(transaction)
    transaction.handle_timer(0.5)
    transaction.handle_timer(1.5)
    assert take(transaction) == busy * 2
    transaction.receive(Input.ACK, 1.6, None)
    assert transaction.state is State.CONFIRMED
    assert transaction.next_timer() == pytest.approx(6.6)
    assert transaction.raised == []


def test_a_failure_that_is_never_acknowledged_is_reported_after_timer_h() -> None:
    transaction = server("INVITE")
    answer(transaction, 486, 0.0)
    take(transaction)
    times = times_sent(transaction)
    assert times[:5] == [0.5, 1.5, 3.5, 7.5, 11.5]
    assert transaction.raised == [Trouble.TIMED_OUT]
    assert transaction.is_terminated


def test_a_2xx_is_sent_once_here_and_its_copies_are_the_users() -> None:
    transaction = server("INVITE")
    answer(transaction, 200, 0.0)
    assert len(take(transaction)) == 1
    transaction.receive(Input.REQUEST, 0.5, transaction.request)
    assert take(transaction) == []
    answer(transaction, 200, 0.6)
    assert len(take(transaction)) == 1
    assert transaction.next_timer() == 32.0


def test_an_answered_invite_takes_no_failure() -> None:
    transaction = server("INVITE")
    answer(transaction, 200, 0.0)
    take(transaction)
    answer(transaction, 487, 0.1)
    assert take(transaction) == []


# Non-INVITE server


def test_a_copy_of_a_request_has_its_final_response_again_for_timer_j() -> None:
    transaction = server("BYE")
    transaction.receive(Input.REQUEST, 0.1, transaction.request)
    assert take(transaction) == []
    answer(transaction, 200, 0.2)
    ok = take(transaction)
    transaction.receive(Input.REQUEST, 0.5, transaction.request)
    assert take(transaction) == ok
    assert transaction.next_timer() == pytest.approx(32.2)


# All of them


@pytest.mark.parametrize("table", [INVITE_CLIENT, CLIENT, INVITE_SERVER, SERVER])
def test_every_state_of_a_table_leads_to_its_end(table: dict[tuple[State, Input], tuple[State, list[object]]]) -> None:
    states = {state for state, _ in table} | {state for state, _ in table.values()}
    for start in states:
        reached, grown = {start}, {start}
        while grown:
            grown = {to for (state, _), (to, _) in table.items() if state in grown} - reached
            reached |= grown
        assert State.TERMINATED in reached, start


@pytest.mark.parametrize(("method", "status"), [("INVITE", 486), ("BYE", 200)])
def test_over_a_reliable_transport_a_finished_client_ends_at_once(method: str, status: int) -> None:
    transaction = client(method, reliable=True)
    answer(transaction, status, 1.0)
    transaction.handle_timer(1.0)
    assert transaction.is_terminated


def test_a_transport_error_ends_a_client_and_is_reported() -> None:
    for method in ("INVITE", "BYE"):
        transaction = client(method)
        transaction.receive(Input.TRANSPORT_ERROR, 0.1)
        assert transaction.is_terminated
        assert transaction.raised == [Trouble.TRANSPORT_FAILED]
