"""The log-in page: plain HTML without a script, so that nothing of the site is sent to somebody unknown."""

import html
import math
import time
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from softswitch.web.accounts import Account
from softswitch.web.authentication import Refused
from softswitch.web.guard import COOKIE, token_of
from softswitch.web.room import Room

ASSETS = Path(__file__).parent / "assets"
_PAGE = (ASSETS / "login.html").read_text(encoding="utf-8")


def login_router(room: Room) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def page(request: Request) -> Response:
        return _page(next_path=request.query_params.get("next", "/"))

    @router.get("/login/page.css")
    async def stylesheet() -> Response:
        return FileResponse(ASSETS / "login.css", media_type="text/css")

    @router.post("/login")
    async def log_in(request: Request) -> Response:
        form = (await request.body()).decode("utf-8", "replace")
        try:
            fields = parse_qs(form, keep_blank_values=True, max_num_fields=8)
        except ValueError:
            return HTMLResponse("This is not what the log-in page sends.", 400)
        name, password, next_path = (fields.get(key, [""])[0] for key in ("name", "password", "next"))
        source = request.client.host if request.client else ""
        who = await room.authenticator.check(name, password, source)
        if isinstance(who, Refused):
            return _page(next_path=next_path, refused=who)
        room.sessions.end(token_of(request.headers))
        return _welcome(room, request, who, next_path)

    @router.post("/logout")
    async def log_out(request: Request) -> Response:
        room.sessions.end(token_of(request.headers))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    return router


def _welcome(room: Room, request: Request, who: Account, next_path: str) -> Response:
    response = RedirectResponse(_own_path(next_path), 303)
    response.set_cookie(
        COOKIE,
        room.sessions.begin(who, time.monotonic()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https" or room.settings.secure_cookie,
    )
    return response


def _page(*, next_path: str, refused: Refused | None = None) -> Response:
    status, message = 200, ""
    headers = {}
    if refused is not None and refused.wait_s > 0:
        status = 429
        wait_s = math.ceil(refused.wait_s)
        message = f"Too many failed attempts. Try again in {wait_s} s."
        headers["retry-after"] = str(wait_s)
    elif refused is not None:
        status, message = 401, "Name or password is wrong."
    alert = f'<p class="alert" role="alert">{html.escape(message)}</p>' if message else ""
    page = _PAGE.replace("{{alert}}", alert).replace("{{next}}", html.escape(_own_path(next_path), quote=True))
    return HTMLResponse(page, status, headers)


def _own_path(path: str) -> str:
    """Where to go after the log-in: a path of ours, never another host ("//host", "/\\host", "https:...")."""
    plain = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable() and path.isascii()
    return path if plain and len(path) <= 512 and not path.startswith("/login") else "/"
