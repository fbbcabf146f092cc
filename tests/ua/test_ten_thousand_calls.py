"""Ten thousand calls over wires of every badness: none is stuck, none leaks, and both ends agree on what became of it.

What two ends can agree on over a wire that loses is this. An answer is a fact at the callee first: whoever hears it
talks to somebody who picked up, but who picked up may find nobody, where the caller gave up meanwhile or the answer
was lost too often. Then the callee is told by BYE, or finds out for want of an ACK. A refusal is heard as that
refusal, unless the caller gave up first or heard nothing at all. A call that both had has one end for both, at most a
keep-alive and a time-out apart: one end hung up and the other heard it, or both hung up at once, or one was gone.
"""

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed
from softswitch.calls.outcome import Outcome, outcome_of
from tests.ua.lossy_day import Call, LossyDay

CALLS_A_DAY = 1000
LONGEST_DISAGREEMENT_S = 30.0 + 32.0 + 4.0
"""The pause between keep-alives, the wait for the answer to one, and what the wire takes."""


@pytest.mark.parametrize("seed", range(10))
def test_none_is_stuck_none_leaks_and_both_ends_agree(seed: int) -> None:
    day = LossyDay(CALLS_A_DAY, seed)
    day.run()
    for call in day.calls.values():
        check_that_both_ends_agree(call)
    for pool in day.pools:
        assert pool.is_idle
        assert pool.next_timer() is None
    for pool, account in ((day.switch, "carrier"), (day.carrier, "switch"), (day.phones, "switch")):
        assert pool.calls_on(account) == 0
    assert day.clock.next_deadline() is None


def test_a_day_has_every_kind_of_end() -> None:
    """What chance brings is what is meant to be tested."""
    day = LossyDay(300, seed=99)
    day.run()
    callers = [event for call in day.calls.values() for _, event in call.caller.ends]
    callees = [event for call in day.calls.values() if call.callee for _, event in call.callee.ends]
    assert {event.outcome for event in callers if isinstance(event, CallFailed)} >= {
        Outcome.BUSY, Outcome.NO_ANSWER, Outcome.REFUSED, Outcome.CANCELLED, Outcome.INVALID_NUMBER,
    }  # fmt: skip
    assert {event.cause for event in callees if isinstance(event, CallEnded)} >= {
        "bye", "hang-up", "cancel", "rejected",
    }  # fmt: skip
    kinds = {type(event).__name__ for call in day.calls.values() for _, event in call.caller.events}
    assert {"ReofferAnswered", "ReofferRefused", "MediaReoffered", "CallRinging"} <= kinds
    statuses = {transit.data[8:11] for transit in day.wire.transits if transit.data.startswith(b"SIP/2.0 ")}
    assert {b"200", b"401", b"487", b"491"} <= statuses
    assert any(transit.lost for transit in day.wire.transits)


def check_that_both_ends_agree(call: Call) -> None:
    caller, callee = call.caller, call.callee
    ((caller_ended_at, caller_end),) = caller.ends
    assert caller.events[-1][1] is caller_end
    assert caller.answered == isinstance(caller_end, CallEnded)
    assert sum(isinstance(event, CallAnswered) for _, event in caller.events) <= 1
    if callee is None:
        assert isinstance(caller_end, CallFailed)
        assert caller_end.outcome in (Outcome.CANCELLED, Outcome.FAILED)
        return
    ((callee_ended_at, callee_end),) = callee.ends
    assert callee.events[-1][1] is callee_end
    assert isinstance(callee_end, CallEnded)
    if caller.answered:
        assert callee.picked_up_at is not None
        assert isinstance(caller_end, CallEnded)
        assert abs(caller_ended_at - callee_ended_at) <= LONGEST_DISAGREEMENT_S
        assert not (caller_end.by_peer and callee_end.by_peer)
        assert {caller_end.cause, callee_end.cause} <= {"hang-up", "bye", "timeout", "no-ack"}
        assert "hang-up" in (caller_end.cause, callee_end.cause)
        return
    assert isinstance(caller_end, CallFailed)
    if callee.picked_up_at is not None:
        # Nobody is left talking to nobody: what crossed the answer came through, or the missing ACK was noticed.
        assert caller_end.outcome is Outcome.CANCELLED or caller_end.status == 408
        assert callee_end.cause in ("bye", "no-ack", "hang-up")
        assert callee_ended_at - callee.picked_up_at <= LONGEST_DISAGREEMENT_S
    elif callee_end.cause == "rejected":
        status = callee.rejected_with or caller_end.status  # a house that closes chooses by itself
        heard = caller_end.outcome is outcome_of(status) and caller_end.status == status
        assert heard or caller_end.outcome is Outcome.CANCELLED or caller_end.status == 408
    else:
        assert callee_end.cause in ("cancel", "hang-up", "timeout")
        assert caller_end.outcome in (Outcome.CANCELLED, Outcome.NO_ANSWER, Outcome.FAILED)
