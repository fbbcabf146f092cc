"""The log-in page: plain HTML without a script, so that nothing of the site is sent to somebody unknown."""

import html
import math
import time
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from softswitch.errors import UsageError
from softswitch.web.accounts import Account, Role
from softswitch.web.authentication import Enrolment, Refused, stamp_of
from softswitch.web.guard import COOKIE, caller_of, token_of
from softswitch.web.plain_pages import plain_page
from softswitch.web.room import Room
from softswitch.web.totp import as_text, uri

_PAGE = plain_page("login.html")
_CODE_PAGE = plain_page("second_factor.html")
_FIRST = (
    '<p class="hint">First start: the administrator’s password was shown on the switch’s terminal, or its log says '
    "which file holds it.</p>"
)
LONGEST_NAME = 64
"""As the field takes it."""


def login_router(room: Room) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def page(request: Request) -> Response:
        next_path = request.query_params.get("next", "/")
        if request.scope.get("softswitch.session") is not None:  # the browser's way back: the page is where it was
            return RedirectResponse(_own_path(next_path), 303)
        return _page(next_path=next_path, is_new=await room.is_new())

    @router.post("/login")
    async def log_in(request: Request) -> Response:
        fields = await _fields(request)
        if fields is None:
            return HTMLResponse("This is not what the log-in page sends.", 400)
        name, password, code, next_path = (fields.get(key, "") for key in ("name", "password", "code", "next"))
        caller = caller_of(request.scope, request.headers)
        who = await room.authenticator.log_in(name, password, code, caller)
        return await _answer(room, request, who, next_path, name=name)

    @router.post("/login/code")
    async def enrol(request: Request) -> Response:
        fields = await _fields(request)
        if fields is None:
            return HTMLResponse("This is not what the log-in page sends.", 400)
        token, code, next_path = (fields.get(key, "") for key in ("token", "code", "next"))
        who = await room.authenticator.finish_enrolment(token, code, caller_of(request.scope, request.headers))
        return await _answer(room, request, who, next_path, again=True)

    @router.post("/logout")
    async def log_out(request: Request) -> Response:
        await end_session(room, request)
        response = RedirectResponse("/login", 303)
        forget_cookie(response)
        return response

    return router


async def begin_session(room: Room, request: Request, response: Response, who: Account) -> str:
    """Set the cookie; the session's token. An agent is logged in at one place: the log-in before this one ends."""
    room.sessions.end(token_of(request.headers))
    row = await room.authenticator.people.person(who.name)
    source = caller_of(request.scope, request.headers).source
    # Nothing waits between these two, or two log-ins at the same moment would both stay.
    replaced = room.sessions.end_those_named(who.name) if who.holds(Role.AGENT) else 0
    token = room.sessions.begin(who, time.monotonic(), source, stamp_of(row) if row is not None else "")
    if replaced:
        await _note_replaced(room, who, source)
    response.set_cookie(
        COOKIE,
        token,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https" or room.settings.secure_cookie,
    )
    return token


async def end_session(room: Room, request: Request) -> None:
    """Noted, but never held back."""
    account: Account | None = request.scope.get("softswitch.account")
    room.sessions.end(token_of(request.headers))
    if account is not None:
        source = caller_of(request.scope, request.headers).source
        try:
            await room.journal.note(account.name, "log out", subject=f"from {source}", reason="")
        except UsageError:
            return  # the interlock says so already


async def _note_replaced(room: Room, who: Account, source: str) -> None:
    """It has happened already, so it is noted and not held back."""
    try:
        await room.journal.note(who.name, "log out", subject=f"by a log-in from {source}", reason="a second log-in")
    except UsageError:
        return  # the interlock says so already


def forget_cookie(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


async def _fields(request: Request) -> dict[str, str] | None:
    form = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(form, keep_blank_values=True, max_num_fields=8)
    except ValueError:
        return None
    return {key: values[0] for key, values in fields.items()}


async def _answer(
    room: Room,
    request: Request,
    who: Account | Refused | Enrolment,
    next_path: str,
    *,
    name: str = "",
    again: bool = False,
) -> Response:
    """name: as it was typed.  again: somebody has just typed a first code."""
    if isinstance(who, Refused):
        return _page(next_path=next_path, refused=who, name=name, is_new=await room.is_new())
    if isinstance(who, Enrolment):
        return _code_page(room, who, next_path, "This is not the code of this moment." if again else "")
    response = RedirectResponse(_own_path(next_path), 303)
    await begin_session(room, request, response, who)
    return response


def _page(*, next_path: str, refused: Refused | None = None, name: str = "", is_new: bool = False) -> Response:
    """is_new: the password that the first start made still stands."""
    status, message = 200, ""
    headers = {}
    if refused is not None and refused.closed:
        status, message = 503, f"Nobody can log in now: {refused.closed}"
    elif refused is not None and refused.wait_s > 0:
        status = 429
        wait_s = math.ceil(refused.wait_s)
        message = f"Too many failed attempts. Try again in {wait_s} s."
        headers["retry-after"] = str(wait_s)
    elif refused is not None:
        status, message = 401, "Name, password or code is wrong."
    page = _PAGE
    for field, text in (
        ("alert", _alert(message)),
        ("first", _FIRST if is_new else ""),
        ("next", html.escape(_own_path(next_path), quote=True)),
        ("at_name", "" if name else " autofocus"),
        ("at_password", " autofocus" if name else ""),
        ("name", html.escape(name[:LONGEST_NAME], quote=True)),  # last: it may hold what looks like another field
    ):
        page = page.replace(f"{{{{{field}}}}}", text)
    return HTMLResponse(page, status, headers)


def _code_page(room: Room, enrolment: Enrolment, next_path: str, message: str) -> Response:
    """Shown once, to somebody whose password was right."""
    secret = as_text(enrolment.secret)
    page = _CODE_PAGE
    for name, text in (
        ("next", _own_path(next_path)),
        ("token", enrolment.token),
        ("secret", " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))),
        ("uri", uri(enrolment.secret, enrolment.account.name, room.settings.site)),
    ):
        page = page.replace(f"{{{{{name}}}}}", html.escape(text, quote=True))
    return HTMLResponse(page.replace("{{alert}}", _alert(message)), 401 if message else 200)


def _alert(message: str) -> str:
    return f'<p class="alert" role="alert">{html.escape(message)}</p>' if message else ""


def _own_path(path: str) -> str:
    """Where to go after the log-in: a path of ours, never another host ("//host", "/\\host", "https:...")."""
    plain = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() and path.isascii()
    return path if plain and len(path) <= 512 and not path.startswith("/login") else "/"
