"""The machine that runs a transaction through its table (RFC 3261 §17); the tables are `transaction_tables`."""

from collections.abc import Callable, Mapping
from enum import Enum, IntEnum, auto
from typing import NamedTuple, TypeAlias

from softswitch.sip.hop import Hop
from softswitch.sip.matching import Key
from softswitch.sip.message import Message, Request
from softswitch.sip.timers import Timers


class State(IntEnum):
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Input(IntEnum):
    """What can happen to a transaction. A client receives responses and a server sends them."""

    REQUEST = auto()
    """A copy of the request that opened a server transaction."""
    ACK = auto()
    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    """A final response of 300 or more."""
    TRANSPORT_ERROR = auto()
    TIMER_100 = auto()
    """The user of an INVITE server transaction has said nothing for 200 ms (§17.2.1)."""
    ABANDON = auto()
    """The user of a client transaction waits no longer (RFC 3261 §9.1, no final response after a CANCEL)."""
    TIMER_A = auto()
    TIMER_B = auto()
    TIMER_D = auto()
    TIMER_E = auto()
    TIMER_F = auto()
    TIMER_G = auto()
    TIMER_H = auto()
    TIMER_I = auto()
    TIMER_J = auto()
    TIMER_K = auto()
    TIMER_L = auto()
    TIMER_M = auto()


class Trouble(Enum):
    """What a transaction reports to its user beside messages."""

    TIMED_OUT = auto()
    """No answer (timers B, F), or no ACK for a failure response (timer H)."""
    TRANSPORT_FAILED = auto()


Action: TypeAlias = Callable[["Transaction", Message | None, float], None]
Table: TypeAlias = Mapping[tuple[State, Input], tuple[State, list[Action]]]


class Step(NamedTuple):
    """One entry of a table, as a transaction takes it."""

    state: State
    actions: tuple[Action, ...]


Rows: TypeAlias = Mapping[State, Mapping[Input, Step]]


def rows_of(table: Table) -> Rows:
    """The table by state, so that a step is found by the input alone."""
    rows: dict[State, dict[Input, Step]] = {state: {} for state in State}
    for (state, happened), (following, actions) in table.items():
        rows[state][happened] = Step(following, tuple(actions))
    return rows


class Transaction:
    """One run through a table. Its layer takes what lies in `outbox` and `raised` after each input."""

    __slots__ = (
        "answer",
        "deadlines",
        "destination",
        "interval",
        "is_server",
        "key",
        "outbox",
        "raised",
        "reliable",
        "request",
        "rows",
        "sent",
        "state",
        "timers",
    )

    def __init__(
        self,
        rows: Rows,
        state: State,
        request: Request,
        key: Key,
        destination: Hop,
        *,
        timers: Timers,
        is_server: bool,
    ) -> None:
        self.rows = rows
        self.state = state
        self.is_server = is_server
        self.request = request
        self.key = key
        self.destination = destination
        """Where a client sends its request and a server its responses."""
        self.timers = timers
        self.reliable = destination.is_reliable
        """Whether its transport resends by itself."""
        self.interval = timers.t1
        self.answer: bytes | None = None
        """A server's last response; a client's ACK for a failure."""
        self.sent = b""
        """A client's request."""
        self.deadlines: dict[Input, float] = {}
        self.outbox: list[bytes] = []
        self.raised: list[Message | Trouble] = []

    def receive(self, happened: Input, now: float, message: Message | None = None) -> bool:
        """Take one step; False where the table leaves the pair out."""
        step = self.rows[self.state].get(happened)
        if step is None:
            return False
        if step.state is not self.state:
            self.state = step.state
            if self.deadlines:
                # A timer that the new state does not know has stopped with the old one.
                row = self.rows[step.state]
                self.deadlines = {timer: at for timer, at in self.deadlines.items() if timer in row}
        for action in step.actions:
            action(self, message, now)
        return True

    def handle_timer(self, now: float) -> None:
        while (at := self.next_timer()) is not None and at <= now:
            timer = next(each for each, its in self.deadlines.items() if its == at)
            del self.deadlines[timer]
            self.receive(timer, now)

    def next_timer(self) -> float | None:
        deadlines = self.deadlines
        return min(deadlines.values()) if deadlines else None

    @property
    def is_unheard(self) -> bool:
        """Whether nothing has answered this client yet."""
        return self.state in (State.CALLING, State.TRYING)

    @property
    def is_terminated(self) -> bool:
        return self.state is State.TERMINATED
