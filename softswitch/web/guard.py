"""The one door: a pure ASGI middleware in front of every HTTP request and every WebSocket of the web room.

Everything but `OPEN_PATHS` needs a session or HTTP Basic, and a role that may go there; what no rule names is shut.
State is changed only by requests of the same origin (Fetch Metadata, else Origin: RFC 6454). In a session they bring
its CSRF token too, unless the browser itself vouches for them by Fetch Metadata, which no page can write; for what is
dangerous the token is always needed (`roles.check_proof`). The rules stand on the path as routing will see it, so a
route added later is behind the door before it is written.
"""

import asyncio
import hmac
import html
import math
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from softswitch.errors import SoftswitchError
from softswitch.web.accounts import Account, Role
from softswitch.web.authentication import Authenticator, Caller, Refused
from softswitch.web.headers import with_security_headers
from softswitch.web.plain_pages import plain_page
from softswitch.web.sessions import Session, Sessions

COOKIE = "softswitch_session"
CSRF_HEADER = "x-csrf-token"
OPEN_PATHS = frozenset({"/healthz", "/login", "/login/code", "/api/login"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAXIMUM_BODY = 64 * 1024
UPLOADS = "/api/admin/uploads"
MAXIMUM_UPLOAD = 256 << 20
"""Of a body for `UPLOADS` alone; it goes to disk as it comes."""
PHONE_FILES = "/provisioning/"
"""Phones have no account: the random token in the path is what lets one in, once."""

_NO_PAGE = plain_page("no_page.html")
_WATCHERS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
_EVERYBODY = frozenset(Role)
_OVERSEERS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR})
RULES: tuple[tuple[str, frozenset[Role]], ...] = (
    # What is finer than a path (an agent's own endpoints) is decided in the API.
    ("/_nicegui_ws/", _EVERYBODY),
    ("/_nicegui/", _EVERYBODY),
    ("/audit/reviews", frozenset({Role.SUPERVISOR, Role.AUDITOR})),
    ("/audit/compliance", _OVERSEERS),
    ("/audit/outcomes", _OVERSEERS),
    ("/audit/retention", _OVERSEERS),
    ("/audit", frozenset({Role.AUDITOR})),
    ("/favicon.ico", _EVERYBODY),
    ("/metrics", _WATCHERS),
    ("/logout", _EVERYBODY),
    ("/api/", _EVERYBODY),
)
READ_BY_MACHINES = frozenset({"/metrics", "/api/status"})
"""All that a token (`softswitch people token`) opens, and for reading alone."""
FindToken = Callable[[bytes], Awaitable[str | None]]
"""Whose token has this SHA-256 (FIPS 180-4); None for nobody's."""
_TOKEN_IN_PATH = ("/_nicegui/", "/_nicegui_ws/")
"""NiceGUI's own requests name a page's random id instead of a CSRF token."""
_WITHOUT_TOKEN = frozenset({"/login", "/login/code", "/logout", "/api/login"})
"""Forms without a script; same origin alone is asked of them, and the worst they do is to log somebody out."""


class Guard:
    """Refuses whatever is not allowed before any route or page sees it."""

    def __init__(
        self, app: ASGIApp, authenticator: Authenticator, sessions: Sessions, find_token: FindToken | None = None
    ) -> None:
        self._app = app
        self._find_token = find_token
        self._authenticator = authenticator
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, _bounded(receive, _longest(scope)), with_security_headers(scope, send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        path: str = scope["path"]
        unsafe = scope["method"] not in SAFE_METHODS
        if int(_digits(headers.get("content-length", "0"))) > _longest(scope):
            await _refuse(413, "The request is too long.")(scope, receive, send)
            return
        if unsafe and not _same_origin(
            headers, asked_for=path.startswith("/login") or COOKIE in headers.get("cookie", "")
        ):
            await _refuse(403, "This request came from another site, or hides where it came from.")(
                scope, receive, send
            )
            return
        if path not in OPEN_PATHS and not path.startswith(PHONE_FILES):
            who = await self._who(scope, headers)
            if isinstance(who, Refused):
                await _unauthorised(scope, headers, who)(scope, receive, send)
                return
            if not may_enter(who, path) and not (scope.get("softswitch.machine") and path in READ_BY_MACHINES):
                await _forbidden(scope, headers, who)(scope, receive, send)
                return
            if unsafe and not _has_token(scope, headers):
                await _refuse(403, f"Send the session's CSRF token as {CSRF_HEADER}; GET /api/session tells it.")(
                    scope, receive, send
                )
                return
        elif path == "/login" and not unsafe:
            self._session(scope, headers, caller_of(scope, headers))  # whoever has one needs no form
        try:
            await self._app(scope, receive, send)
        except _BodyTooLong:
            await _refuse(413, "The request is too long.")(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        who = await self._who(scope, headers)
        allowed = isinstance(who, Account) and may_enter(who, scope["path"])
        if not allowed or not _same_origin(headers, asked_for=True):
            await receive()  # "websocket.connect"
            await send({"type": "websocket.close", "code": 1008})  # before accept: the client gets HTTP 403
            return
        session: Session | None = scope.get("softswitch.session")
        await self._app(scope, self._until_ended(session, receive, send) if session else receive, send)

    async def _who(self, scope: Scope, headers: Headers) -> Account | Refused:
        """Who asks; notes account and session in the scope, where pages and the API read them."""
        caller = caller_of(scope, headers)
        session = self._session(scope, headers, caller)
        if session is not None:
            return session.account
        given = headers.get("authorization", "")
        if given.lower().startswith("bearer "):
            return await self._machine(scope, given[7:].strip(), caller)
        if given:
            who = await self._authenticator.check_basic(given, caller)
            if isinstance(who, Account):
                scope["softswitch.account"] = who
            return who
        return Refused()

    def _session(self, scope: Scope, headers: Headers, caller: Caller) -> Session | None:
        """The live session that a browser brings, which may be used from where it is; noted in the scope."""
        token = token_of(headers)
        session = self._sessions.use(token, time.monotonic(), caller.source) if token else None
        networks = self._authenticator.networks
        if session is None or networks.refuse(caller.source, is_agent=session.account.role is Role.AGENT):
            return None
        scope["softswitch.session"] = session
        scope["softswitch.account"] = session.account
        return session

    async def _machine(self, scope: Scope, token: str, caller: Caller) -> Account | Refused:
        """A program with a token: nobody, but where it may read. It comes from wherever people may."""
        reads = scope["type"] == "http" and scope["method"] in SAFE_METHODS and scope["path"] in READ_BY_MACHINES
        if self._find_token is None or not reads or self._authenticator.networks.refuse(caller.source, is_agent=False):
            return Refused()
        try:
            name = await self._find_token(sha256(token.encode()).digest())
        except SoftswitchError:
            return Refused(closed="the store cannot be read")
        if name is None:
            return Refused()
        account = Account(f"token {name}", Role.AUDITOR)
        scope["softswitch.machine"] = True
        scope["softswitch.account"] = account
        return account

    def _until_ended(self, session: Session, receive: Receive, send: Send) -> Receive:
        """A `receive` that keeps the session in use while the page lives, and closes the socket as the session ends."""
        ended = asyncio.Event()
        session.when_ended.append(ended.set)

        async def guarded() -> Message:
            asked: asyncio.Task[Any] = asyncio.ensure_future(receive())
            over = asyncio.ensure_future(ended.wait())
            try:
                await asyncio.wait({asked, over}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                over.cancel()
                if not asked.done():
                    asked.cancel()
            now = time.monotonic()
            if asked.done() and not asked.cancelled() and self._sessions.alive(session, now):
                session.last_used = now
                message: Message = asked.result()
                if message["type"] == "websocket.disconnect" and ended.set in session.when_ended:
                    session.when_ended.remove(ended.set)
                return message
            await send({"type": "websocket.close", "code": 1008, "reason": "logged out"})
            return {"type": "websocket.disconnect", "code": 1008}

        return guarded


def token_of(headers: Headers) -> str:
    """The session token that a request brings; empty where there is none."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def caller_of(scope: Scope, headers: Headers) -> Caller:
    """From where a request comes, by its connection; what a proxy says about it makes nobody somebody else."""
    source = scope["client"][0] if scope.get("client") else ""
    return Caller(source, any(name in headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")))


def may_enter(account: Account, path: str) -> bool:
    """Whether a role of the account opens a path."""
    if path == "/":
        return True  # whose page is another is sent on there
    if path == "/agent":
        return account.holds(Role.AGENT)
    if path == "/training":
        return account.holds(*_WATCHERS)
    if path == "/admin":
        return account.holds(Role.ADMINISTRATOR)
    return next((account.holds(*roles) for prefix, roles in RULES if path.startswith(prefix)), False)


def _has_token(scope: Scope, headers: Headers) -> bool:
    """Whether a request of a session brings its CSRF token, or needs none. A wrong one is never overlooked."""
    session: Session | None = scope.get("softswitch.session")
    path: str = scope["path"]
    if session is None or path in _WITHOUT_TOKEN or path.startswith(_TOKEN_IN_PATH):
        return True
    if CSRF_HEADER not in headers:
        return headers.get("sec-fetch-site") == "same-origin"
    return token_fits(session, headers)


def token_fits(session: Session, headers: Headers) -> bool:
    return hmac.compare_digest(headers.get(CSRF_HEADER, "").encode(), session.csrf.encode())


def _same_origin(headers: Headers, *, asked_for: bool) -> bool:
    """Whether a browser's own marks say that our own page sent this.

    `asked_for`: the request must carry such a mark. A script that logs in by Basic and sends none is no browser, and
    cannot have been tricked by another site.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None:
        return site == "same-origin"
    if origin is not None:  # Fetch Metadata is sent to https and loopback only
        # Only host and port: behind a proxy that ends TLS the scheme differs.
        authority = origin.partition("://")[2].lower()
        return bool(authority) and authority == headers.get("host", "").lower()
    return not asked_for


def _refuse(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"detail": detail}, status, headers)


def _unauthorised(scope: Scope, headers: Headers, refused: Refused) -> Response:
    if refused.closed:
        return _refuse(503, f"Nobody can log in now: {refused.closed}")
    if refused.wait_s > 0:
        wait_s = math.ceil(refused.wait_s)
        return _refuse(429, f"Too many failed log-ins. Try again in {wait_s} s.", {"retry-after": str(wait_s)})
    if scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", ""):
        target = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
        return RedirectResponse(f"/login?next={quote(target, safe='/')}", 303)
    # To a page's own script a browser would put a window of its own before it, in which nobody can type the PIN.
    scheme = "Page" if "sec-fetch-mode" in headers else "Basic"
    return _refuse(401, "Log in first.", {"www-authenticate": f'{scheme} realm="softswitch", charset="UTF-8"'})


def _forbidden(scope: Scope, headers: Headers, who: Account) -> Response:
    if scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", ""):
        return HTMLResponse(_NO_PAGE.replace("{{role}}", html.escape(" and ".join(sorted(who.roles)))), 403)
    return _refuse(403, f"The role {who.role} may not go here.")


class _BodyTooLong(Exception):
    pass


def _longest(scope: Scope) -> int:
    """Bytes of a request's body."""
    return MAXIMUM_UPLOAD if scope["path"] == UPLOADS and scope["method"] == "POST" else MAXIMUM_BODY


def _bounded(receive: Receive, longest: int) -> Callable[[], Awaitable[Message]]:
    """A `receive` that gives up on a body that is too long, whatever its Content-Length said."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > longest:
            raise _BodyTooLong
        return message

    return bounded


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) < 16 else str(MAXIMUM_UPLOAD + 1)
