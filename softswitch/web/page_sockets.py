"""Whose socket may speak for which page: the one of the session that the page was rendered for, and nobody else's.

NiceGUI tells one page's socket from another's by a random id that the browser says. Whoever knew the id of somebody
else's page could read what it shows and press its buttons. So each message of a socket is held against the session and
the account for which the guard let the page be made. To a stranger a page of somebody else is as one that does not
exist; that it was asked for is noted.

Sockets are WebSockets alone: one connection is one login, which the guard closes with its session. Long polling would
be many requests under one more random id.
"""

import functools
import logging
import time
from collections.abc import Callable, Mapping
from inspect import isawaitable
from typing import Any
from urllib.parse import parse_qs

from nicegui import Client
from socketio import AsyncServer
from socketio.exceptions import ConnectionRefusedError as SocketRefused
from socketio.packet import Packet

from softswitch.errors import UsageError
from softswitch.web.accounts import Account
from softswitch.web.room import Room

_LOG = logging.getLogger(__name__)
Scope = Mapping[str, Any]
Handler = Callable[..., Any]


class _TextPacket(Packet):  # type: ignore[misc]  # the library has no types
    """Pages are told texts and numbers: each update need not be searched for bytes first."""

    uses_binary_events = False


@functools.cache
def bind_sockets(server: AsyncServer) -> None:
    """Put the check in front of every event that the page library answers. Once for each server."""
    server.eio.transports = ["websocket"]
    server.packet_class = _TextPacket
    for event, handler in list(server.handlers["/"].items()):
        if event == "connect":
            server.on(event, _checked_connect(handler))
        elif event != "disconnect":  # which says that this very socket is gone
            server.on(event, _checked(server, event, handler))


def _checked_connect(handler: Handler) -> Handler:
    """A socket may say with its first words which page it is for."""

    async def connect(sid: str, environ: dict[str, Any], *rest: Any) -> Any:
        page = _page_of({name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()})
        if page is not None and not await _is_own(page, environ["asgi.scope"], "connect"):
            raise SocketRefused("Implicit handshake failed")  # in the library's words, so that the page loads anew
        return await _answer(handler(sid, environ, *rest))

    return connect


def _checked(server: AsyncServer, event: str, handler: Handler) -> Handler:
    async def speak(sid: str, message: Any = None, *rest: Any) -> Any:
        page = _page_of(message)
        if page is None:  # of a start before this one, deleted, or made up
            return False if event == "handshake" else None
        if not await _is_own(page, server.get_environ(sid)["asgi.scope"], event):
            return False if event == "handshake" else None
        if event != "handshake" and page.id not in server.rooms(sid):
            return None  # it is the own page, but by another socket
        return await _answer(handler(sid, message, *rest))

    return speak


async def _answer(outcome: Any) -> Any:
    return await outcome if isawaitable(outcome) else outcome


def _page_of(message: Any) -> Client | None:
    told = message.get("client_id") if isinstance(message, dict) else None
    return Client.instances.get(told) if isinstance(told, str) else None


async def _is_own(page: Client, scope: Scope, event: str) -> bool:
    """Whether the page was made for the session, or the account without one, that this socket belongs to."""
    made_for: Scope = page.request.scope
    session, account = scope.get("softswitch.session"), scope.get("softswitch.account")
    is_same = (
        session is made_for.get("softswitch.session")
        and account is not None
        and account == made_for.get("softswitch.account")
        and not (session is not None and session.ended)
    )
    if not is_same:
        await _note(scope, account, f"page {page.page.path}", f"it is another session's ({event})")
    return is_same


async def _note(scope: Scope, account: Account | None, subject: str, reason: str) -> None:
    room: Room | None = scope.get("softswitch.room")
    name = "unknown" if account is None else account.name
    _LOG.warning("%s: the socket of %s is refused: %s", name, subject, reason)
    if room is None or not room.looks.is_new(name, subject, reason, now=time.monotonic()):
        return
    try:
        await room.journal.note(name, "refused", subject=subject, reason=reason)
    except UsageError as error:
        _LOG.error("%s: a refused socket cannot be noted: %s", name, error)
