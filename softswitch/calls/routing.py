"""Where a call that was offered to us goes. Whoever calls decides nothing: only the table does."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from softswitch.calls.events import CallOffered, Origin

LOG_IN = "login"
"""What an agent's phone dials to begin its shift; the one thing that it can dial."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """An agent's phone begins its shift-long leg."""

    agent: str


@dataclass(frozen=True, slots=True)
class ToQueue:
    """A call from outside, for the agents who serve this number."""

    did: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call is answered with this final SIP status."""

    status: int


Route: TypeAlias = LogIn | ToQueue | Refuse


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """What this site accepts."""

    dids: Mapping[str, str] = field(default_factory=dict)
    """By number as carriers write it (with or without plus sign): the name of its queue."""
    log_in: str = LOG_IN
    supervisors: Collection[str] = ()
    """Whose phones are rung and dial nothing at all."""


def route(offered: CallOffered, table: RoutingTable) -> Route:
    """Decide for one offered call; pure, so that a test can ask it everything.

    An agent's phone reaches the log-in and nothing else, a supervisor's nothing: 403, whatever it dials. A trunk
    reaches the numbers of the table and nothing else: 404. In particular a trunk cannot reach the log-in, nor a phone
    a number.
    """
    if offered.origin is Origin.PHONE:
        may_log_in = offered.called == table.log_in and offered.source not in table.supervisors
        return LogIn(offered.source) if may_log_in else Refuse(403)
    called = _bare(offered.called)
    for did, queue in table.dids.items():
        if called and _bare(did) == called:
            return ToQueue(queue)
    return Refuse(404)


def _bare(number: str) -> str:
    return number.removeprefix("+")
