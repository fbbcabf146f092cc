"""What a call came to, read from its final SIP status (RFC 3261 §21, Q.850 where a Reason header says more)."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a dial attempt ended, before any disposition by an agent."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REFUSED = "refused"
    """The callee or its network declined: 603, 607, 608."""
    INVALID_NUMBER = "invalid-number"
    FAILED = "failed"
    """Carrier or network failure; says nothing about the callee."""
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    """A safeguard held it back; no INVITE left."""


_BY_STATUS = {
    404: Outcome.INVALID_NUMBER,
    408: Outcome.NO_ANSWER,
    410: Outcome.INVALID_NUMBER,
    480: Outcome.NO_ANSWER,
    484: Outcome.INVALID_NUMBER,
    486: Outcome.BUSY,
    487: Outcome.CANCELLED,
    600: Outcome.BUSY,
    603: Outcome.REFUSED,
    604: Outcome.INVALID_NUMBER,
    607: Outcome.REFUSED,
    608: Outcome.REFUSED,
}


def outcome_of(status: int) -> Outcome:
    """The outcome that a final status (200-699) stands for; an unlisted failure is the network's."""
    if 200 <= status < 300:
        return Outcome.ANSWERED
    return _BY_STATUS.get(status, Outcome.FAILED)
