"""The four transaction machines of RFC 3261 §17, with the Accepted state of RFC 6026, as tables.

Each table can be held beside its figure: INVITE client, RFC 6026 §8.4 (figure 5 of RFC 3261); INVITE server, RFC 6026
§8.5 (figure 7); the other two, RFC 3261 figures 6 and 8. A pair of state and input that a table leaves out is ignored.
Retransmission of a 2xx is the business of the UAS core (RFC 3261 §13.3.1.4): here, of the leg.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import TypeAlias

from softswitch.sip.message import Message, Request, Response, response_to
from softswitch.sip.timers import Timers

Address: TypeAlias = tuple[str, int]


class State(Enum):
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Input(Enum):
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


Key: TypeAlias = tuple[object, ...]
Action: TypeAlias = Callable[["Transaction", Message | None, float], None]
Table: TypeAlias = Mapping[tuple[State, Input], tuple[State, list[Action]]]


class Transaction:
    """One run through a table. Its layer takes what lies in `outbox` and `raised` after each input."""

    __slots__ = (
        "answer",
        "deadlines",
        "destination",
        "interval",
        "key",
        "outbox",
        "raised",
        "reliable",
        "request",
        "state",
        "table",
        "timers",
    )

    def __init__(
        self,
        table: Table,
        state: State,
        request: Request,
        key: Key,
        destination: Address,
        timers: Timers,
        reliable: bool,
    ) -> None:
        self.table = table
        self.state = state
        self.request = request
        self.key = key
        self.destination = destination
        """Where a client sends its request and a server its responses."""
        self.timers = timers
        self.reliable = reliable
        self.interval = timers.t1
        self.answer: bytes | None = None
        """A server's last response; a client's ACK for a failure."""
        self.deadlines: dict[Input, float] = {}
        self.outbox: list[bytes] = []
        self.raised: list[Message | Trouble] = []

    def receive(self, happened: Input, now: float, message: Message | None = None) -> bool:
        """Take one step; False where the table leaves the pair out."""
        entry = self.table.get((self.state, happened))
        if entry is None:
            return False
        state, actions = entry
        if state is not self.state:
            self.state = state
            # A timer that the new state does not know has stopped with the old one.
            for timer in [timer for timer in self.deadlines if (state, timer) not in self.table]:
                del self.deadlines[timer]
        for action in actions:
            action(self, message, now)
        return True

    def handle_timer(self, now: float) -> None:
        while (at := self.next_timer()) is not None and at <= now:
            timer = min(self.deadlines, key=lambda each: self.deadlines[each])
            del self.deadlines[timer]
            self.receive(timer, now)

    def next_timer(self) -> float | None:
        return min(self.deadlines.values(), default=None)

    @property
    def is_server(self) -> bool:
        return self.table is INVITE_SERVER or self.table is SERVER

    @property
    def is_terminated(self) -> bool:
        return self.state is State.TERMINATED


# Actions


def pass_up(transaction: Transaction, message: Message | None, now: float) -> None:
    if message is not None:
        transaction.raised.append(message)


def report_timeout(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.raised.append(Trouble.TIMED_OUT)


def report_transport(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.raised.append(Trouble.TRANSPORT_FAILED)


def send_request(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.outbox.append(bytes(transaction.request))


def send_response(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.answer = bytes(message) if message is not None else transaction.answer
    resend_response(transaction, message, now)


def resend_response(transaction: Transaction, message: Message | None, now: float) -> None:
    if transaction.answer is not None:
        transaction.outbox.append(transaction.answer)


def send_trying(transaction: Transaction, message: Message | None, now: float) -> None:
    """Quieten the client's retransmissions where our user has nothing to say yet (§17.2.1)."""
    if transaction.answer is None:
        send_response(transaction, response_to(transaction.request, 100), now)


def acknowledge(transaction: Transaction, message: Message | None, now: float) -> None:
    """Send the ACK for a failure response: the same bytes for each copy (RFC 3261 §17.1.1.3)."""
    if transaction.answer is None and isinstance(message, Response):
        transaction.answer = bytes(ack_for_failure(transaction.request, message))
    resend_response(transaction, message, now)


def start_a(transaction: Transaction, message: Message | None, now: float) -> None:
    """Retransmission of INVITE: T1, doubled each time, without a ceiling (§17.1.1.2)."""
    if not transaction.reliable:
        transaction.deadlines[Input.TIMER_A] = now + transaction.interval
        transaction.interval *= 2


def start_e(transaction: Transaction, message: Message | None, now: float) -> None:
    """Retransmission of another request: T1, doubled up to T2; at T2 once a provisional is in (§17.1.2.2)."""
    if transaction.reliable:
        return
    if transaction.state is State.PROCEEDING:
        transaction.interval = transaction.timers.t2
    transaction.deadlines[Input.TIMER_E] = now + transaction.interval
    transaction.interval = min(2 * transaction.interval, transaction.timers.t2)


def start_g(transaction: Transaction, message: Message | None, now: float) -> None:
    """Retransmission of a failure response to INVITE: T1, doubled up to T2 (§17.2.1)."""
    if not transaction.reliable:
        transaction.deadlines[Input.TIMER_G] = now + transaction.interval
        transaction.interval = min(2 * transaction.interval, transaction.timers.t2)


def start_100(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.deadlines[Input.TIMER_100] = now + transaction.timers.trying


def start_b(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.deadlines[Input.TIMER_B] = now + transaction.timers.patience


def start_d(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.deadlines[Input.TIMER_D] = now + transaction.timers.d(transaction.reliable)


def start_f(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.deadlines[Input.TIMER_F] = now + transaction.timers.patience


def start_h(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.deadlines[Input.TIMER_H] = now + transaction.timers.patience


def start_i(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.deadlines[Input.TIMER_I] = now + transaction.timers.i(transaction.reliable)


def start_j(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.deadlines[Input.TIMER_J] = now + transaction.timers.j(transaction.reliable)


def start_k(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.deadlines[Input.TIMER_K] = now + transaction.timers.k(transaction.reliable)


def start_l(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.deadlines[Input.TIMER_L] = now + transaction.timers.patience


def start_m(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.deadlines[Input.TIMER_M] = now + transaction.timers.patience


# (state, input) -> (next state, actions in order). A pair left out is ignored.

# Timer B ends with CALLING (figure 5): a callee may ring for long. Timer F runs on in PROCEEDING (figure 6).
INVITE_CLIENT: Table = {
    (State.CALLING, Input.TIMER_A): (State.CALLING, [send_request, start_a]),
    (State.CALLING, Input.TIMER_B): (State.TERMINATED, [report_timeout]),
    (State.CALLING, Input.TRANSPORT_ERROR): (State.TERMINATED, [report_transport]),
    (State.CALLING, Input.PROVISIONAL): (State.PROCEEDING, [pass_up]),
    (State.CALLING, Input.SUCCESS): (State.ACCEPTED, [pass_up, start_m]),
    (State.CALLING, Input.FAILURE): (State.COMPLETED, [acknowledge, pass_up, start_d]),
    (State.CALLING, Input.ABANDON): (State.TERMINATED, []),
    (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, [pass_up]),
    (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, [pass_up, start_m]),
    (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, [acknowledge, pass_up, start_d]),
    (State.PROCEEDING, Input.ABANDON): (State.TERMINATED, []),
    (State.COMPLETED, Input.FAILURE): (State.COMPLETED, [acknowledge]),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (State.TERMINATED, [report_transport]),
    (State.COMPLETED, Input.TIMER_D): (State.TERMINATED, []),
    (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, [pass_up]),
    (State.ACCEPTED, Input.TIMER_M): (State.TERMINATED, []),
}

CLIENT: Table = {
    (State.TRYING, Input.TIMER_E): (State.TRYING, [send_request, start_e]),
    (State.TRYING, Input.TIMER_F): (State.TERMINATED, [report_timeout]),
    (State.TRYING, Input.TRANSPORT_ERROR): (State.TERMINATED, [report_transport]),
    (State.TRYING, Input.PROVISIONAL): (State.PROCEEDING, [pass_up]),
    (State.TRYING, Input.SUCCESS): (State.COMPLETED, [pass_up, start_k]),
    (State.TRYING, Input.FAILURE): (State.COMPLETED, [pass_up, start_k]),
    (State.PROCEEDING, Input.TIMER_E): (State.PROCEEDING, [send_request, start_e]),
    (State.PROCEEDING, Input.TIMER_F): (State.TERMINATED, [report_timeout]),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.TERMINATED, [report_transport]),
    (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, [pass_up]),
    (State.PROCEEDING, Input.SUCCESS): (State.COMPLETED, [pass_up, start_k]),
    (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, [pass_up, start_k]),
    (State.COMPLETED, Input.TIMER_K): (State.TERMINATED, []),
}

INVITE_SERVER: Table = {
    (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, [resend_response]),
    (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, [send_response]),
    (State.PROCEEDING, Input.TIMER_100): (State.PROCEEDING, [send_trying]),
    (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, [send_response, start_l]),
    (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, [send_response, start_g, start_h]),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.PROCEEDING, [report_transport]),
    (State.COMPLETED, Input.REQUEST): (State.COMPLETED, [resend_response]),
    (State.COMPLETED, Input.TIMER_G): (State.COMPLETED, [resend_response, start_g]),
    (State.COMPLETED, Input.TIMER_H): (State.TERMINATED, [report_timeout]),
    (State.COMPLETED, Input.ACK): (State.CONFIRMED, [start_i]),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (State.COMPLETED, [report_transport]),
    (State.CONFIRMED, Input.ACK): (State.CONFIRMED, []),
    (State.CONFIRMED, Input.TIMER_I): (State.TERMINATED, []),
    (State.ACCEPTED, Input.REQUEST): (State.ACCEPTED, []),
    (State.ACCEPTED, Input.ACK): (State.ACCEPTED, [pass_up]),
    (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, [send_response]),
    (State.ACCEPTED, Input.TRANSPORT_ERROR): (State.ACCEPTED, [report_transport]),
    (State.ACCEPTED, Input.TIMER_L): (State.TERMINATED, []),
}

SERVER: Table = {
    (State.TRYING, Input.REQUEST): (State.TRYING, []),
    (State.TRYING, Input.PROVISIONAL): (State.PROCEEDING, [send_response]),
    (State.TRYING, Input.SUCCESS): (State.COMPLETED, [send_response, start_j]),
    (State.TRYING, Input.FAILURE): (State.COMPLETED, [send_response, start_j]),
    (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, [resend_response]),
    (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, [send_response]),
    (State.PROCEEDING, Input.SUCCESS): (State.COMPLETED, [send_response, start_j]),
    (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, [send_response, start_j]),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.TERMINATED, [report_transport]),
    (State.COMPLETED, Input.REQUEST): (State.COMPLETED, [resend_response]),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (State.TERMINATED, [report_transport]),
    (State.COMPLETED, Input.TIMER_J): (State.TERMINATED, []),
}


def input_of(status: int) -> Input:
    """The input that a response of this status is, received by a client or sent by a server."""
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE


def open_client(
    request: Request, destination: Address, now: float, *, timers: Timers, reliable: bool = False
) -> Transaction:
    """A client transaction whose request waits in `outbox`; its top Via must be there already."""
    invite = request.method == "INVITE"
    table, state = (INVITE_CLIENT, State.CALLING) if invite else (CLIENT, State.TRYING)
    opened = Transaction(table, state, request, client_key(request), destination, timers, reliable)
    for action in (send_request, start_a, start_b) if invite else (send_request, start_e, start_f):
        action(opened, None, now)
    return opened


def open_server(
    request: Request, key: Key, destination: Address, now: float, *, timers: Timers, reliable: bool = False
) -> Transaction:
    """A server transaction for a request that no other matches; `destination` is where responses go (§18.2.2)."""
    invite = request.method == "INVITE"
    table, state = (INVITE_SERVER, State.PROCEEDING) if invite else (SERVER, State.TRYING)
    opened = Transaction(table, state, request, key, destination, timers, reliable)
    if invite:
        start_100(opened, None, now)
    return opened


def client_key(message: Message) -> Key:
    """What a response has in common with its request: the branch and the method in CSeq (§17.1.3)."""
    return (message.via.branch, message.cseq.method)


MAGIC_COOKIE = "z9hG4bK"  # RFC 3261 §8.1.1.7


def server_key(request: Request, method: str | None = None) -> Key:
    """What the copies of a request, and its ACK, have in common (§17.2.3).

    `method` names another method to look for: "INVITE" finds what a CANCEL is meant to stop (§9.2). A branch without
    the magic cookie is an RFC 2543 peer's: then the URI, tags, Call-ID, CSeq and the whole top Via decide. Its To tag
    is left out, for the ACK carries the one that our response gave. The CSeq number, which is the same in all copies,
    in the ACK and in the CANCEL, keeps apart what a peer sends anew under an old branch: pyVoIP does so with the
    credentials that it was asked for.
    """
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via = request.via
    if via.branch and via.branch.startswith(MAGIC_COOKIE):
        return (via.branch, via.host.lower(), via.port, request.cseq.number, method)
    return (str(request.uri), request.from_.tag, request.call_id, request.cseq.number, str(via), method)


def ack_for_failure(invite: Request, response: Response) -> Request:
    """The ACK that a client transaction sends by itself (RFC 3261 §17.1.1.3): same branch, Route and Request-URI."""
    ack = Request("ACK", invite.uri)
    ack.headers.add("Via", invite.via)
    for name in ("Route", "Max-Forwards", "From", "Call-ID"):
        ack.headers.copy_lines(name, invite.headers)
    ack.headers.copy_lines("To", response.headers)
    ack.headers.add("CSeq", f"{invite.cseq.number} ACK")
    return ack
