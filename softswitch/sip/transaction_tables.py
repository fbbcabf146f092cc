"""The four transaction machines of RFC 3261 §17, with the Accepted state of RFC 6026, as tables.

Each table can be held beside its figure: INVITE client, RFC 6026 §8.4 (figure 5 of RFC 3261); INVITE server, RFC 6026
§8.5 (figure 7); the other two, RFC 3261 figures 6 and 8. A pair of state and input that a table leaves out is ignored.
Retransmission of a 2xx is the business of the UAS core (RFC 3261 §13.3.1.4): here, of the leg.
"""

from collections.abc import Callable

from softswitch.sip.hop import Hop
from softswitch.sip.matching import Key, client_key
from softswitch.sip.message import Message, Request, Response, response_to
from softswitch.sip.timers import Timers
from softswitch.sip.transaction import Action, Input, Rows, State, Table, Transaction, Trouble, rows_of

# Actions


def pass_up(transaction: Transaction, message: Message | None, now: float) -> None:
    if message is not None:
        transaction.raised.append(message)


def report_timeout(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.raised.append(Trouble.TIMED_OUT)


def report_transport(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.raised.append(Trouble.TRANSPORT_FAILED)


def send_request(transaction: Transaction, message: Message | None, now: float) -> None:
    transaction.outbox.append(transaction.sent)


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


def _start(timer: Input, pause: Callable[[Transaction], float]) -> Action:
    """Start a timer of fixed length, in seconds."""

    def start(transaction: Transaction, message: Message | None, now: float) -> None:
        transaction.deadlines[timer] = now + pause(transaction)

    return start


def _patience(transaction: Transaction) -> float:
    return transaction.timers.patience


start_100 = _start(Input.TIMER_100, lambda transaction: transaction.timers.trying)
start_b = _start(Input.TIMER_B, _patience)
start_d = _start(Input.TIMER_D, lambda transaction: transaction.timers.d(transaction.reliable))
start_f = _start(Input.TIMER_F, _patience)
start_h = _start(Input.TIMER_H, _patience)
start_i = _start(Input.TIMER_I, lambda transaction: transaction.timers.i(transaction.reliable))
start_j = _start(Input.TIMER_J, lambda transaction: transaction.timers.j(transaction.reliable))
start_k = _start(Input.TIMER_K, lambda transaction: transaction.timers.k(transaction.reliable))
start_l = _start(Input.TIMER_L, _patience)
start_m = _start(Input.TIMER_M, _patience)

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


_INVITE_CLIENT, _CLIENT, _INVITE_SERVER, _SERVER = map(rows_of, (INVITE_CLIENT, CLIENT, INVITE_SERVER, SERVER))


def input_of(status: int) -> Input:
    """The input that a response of this status is, received by a client or sent by a server."""
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE


def rows_for(method: str, *, is_server: bool) -> Rows:
    """The table of a transaction of this method."""
    if is_server:
        return _INVITE_SERVER if method == "INVITE" else _SERVER
    return _INVITE_CLIENT if method == "INVITE" else _CLIENT


def open_client(request: Request, data: bytes, destination: Hop, now: float, *, timers: Timers) -> Transaction:
    """A client transaction whose request, with its Via on top, waits in `outbox`; `data` are its bytes."""
    invite = request.method == "INVITE"
    rows, state = (_INVITE_CLIENT, State.CALLING) if invite else (_CLIENT, State.TRYING)
    opened = Transaction(rows, state, request, client_key(request), destination, timers=timers, is_server=False)
    opened.sent = data
    _start_client(opened, now)
    return opened


def reopen_client(transaction: Transaction, data: bytes, destination: Hop, now: float) -> None:
    """Begin anew with another destination and Via, before any response has come."""
    transaction.key, transaction.destination, transaction.sent = client_key(transaction.request), destination, data
    transaction.reliable, transaction.interval = destination.is_reliable, transaction.timers.t1
    transaction.deadlines = {}
    _start_client(transaction, now)


def _start_client(opened: Transaction, now: float) -> None:
    invite = opened.state is State.CALLING
    for action in (send_request, start_a, start_b) if invite else (send_request, start_e, start_f):
        action(opened, None, now)


def open_server(request: Request, key: Key, destination: Hop, now: float, *, timers: Timers) -> Transaction:
    """A server transaction for a request that no other matches; `destination` is where responses go (§18.2.2)."""
    invite = request.method == "INVITE"
    rows, state = (_INVITE_SERVER, State.PROCEEDING) if invite else (_SERVER, State.TRYING)
    opened = Transaction(rows, state, request, key, destination, timers=timers, is_server=True)
    if invite:
        start_100(opened, None, now)
    return opened


def ack_for_failure(invite: Request, response: Response) -> Request:
    """The ACK that a client transaction sends by itself (RFC 3261 §17.1.1.3): same branch, Route and Request-URI."""
    ack = Request("ACK", invite.uri)
    ack.headers.add("Via", invite.via)
    for name in ("Route", "Max-Forwards", "From", "Call-ID"):
        ack.headers.copy_lines(name, invite.headers)
    ack.headers.copy_lines("To", response.headers)
    ack.headers.add("CSeq", f"{invite.cseq.number} ACK")
    return ack
