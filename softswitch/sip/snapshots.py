"""Snapshots: what the next process must know of a transaction to go on with it, as plain values that JSON can hold.

Deadlines are monotonic seconds: CLOCK_MONOTONIC is one clock for every process of a boot. Bytes become text by
Latin-1, which loses none of them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from softswitch.errors import PeerError, UsageError
from softswitch.sip.hop import Hop
from softswitch.sip.matching import client_key, server_key
from softswitch.sip.message import Message, Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.timers import Timers
from softswitch.sip.transaction import Input, State, Transaction
from softswitch.sip.transaction_tables import rows_for

Snapshot: TypeAlias = Mapping[str, Any]


def text_of(data: bytes) -> str:
    return data.decode("latin-1")


def bytes_of(text: str) -> bytes:
    return text.encode("latin-1")


def hop_snapshot(hop: Hop) -> list[Any]:
    return list(hop)


def hop_from(values: Iterable[Any]) -> Hop:
    return Hop(*values)


def transaction_snapshot(transaction: Transaction) -> dict[str, Any]:
    """A transaction that has not ended."""
    answer = transaction.answer
    return {
        "server": transaction.is_server,
        "state": transaction.state.name,
        "request": text_of(bytes(transaction.request) if transaction.is_server else transaction.sent),
        "to": hop_snapshot(transaction.destination),
        "interval": transaction.interval,
        "timers": {timer.name: at for timer, at in transaction.deadlines.items()},
        "answer": None if answer is None else text_of(answer),
    }


def transaction_from(snapshot: Snapshot, timers: Timers) -> Transaction:
    """The same transaction, for `TransactionLayer.adopt`. Raises UsageError where the snapshot holds none."""
    data = bytes_of(snapshot["request"])
    request = request_from(data)
    is_server, state = bool(snapshot["server"]), State[snapshot["state"]]
    key = server_key(request) if is_server else client_key(request)
    rows = rows_for(request.method, is_server=is_server)
    transaction = Transaction(rows, state, request, key, hop_from(snapshot["to"]), timers=timers, is_server=is_server)
    transaction.interval = snapshot["interval"]
    transaction.deadlines = {Input[name]: at for name, at in snapshot["timers"].items()}
    transaction.sent = b"" if is_server else data
    transaction.answer = None if snapshot["answer"] is None else bytes_of(snapshot["answer"])
    return transaction


def request_from(data: bytes) -> Request:
    """Raises UsageError where these bytes are none."""
    message = _message_from(data)
    if not isinstance(message, Request):
        raise UsageError("a snapshot holds a response where a request should be")
    return message


def response_from(data: bytes) -> Response:
    """Raises UsageError where these bytes are none."""
    message = _message_from(data)
    if not isinstance(message, Response):
        raise UsageError("a snapshot holds a request where a response should be")
    return message


def _message_from(data: bytes) -> Message:
    try:
        return parse(data)
    except PeerError as error:
        raise UsageError("a snapshot holds a message that cannot be read") from error
