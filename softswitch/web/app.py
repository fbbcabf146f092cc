"""The web room put together: one FastAPI application with the API, the metrics, the log-in and the NiceGUI pages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from softswitch.errors import UsageError
from softswitch.web.accounts import Accounts
from softswitch.web.admin_api import phone_file_router
from softswitch.web.administration import Administration
from softswitch.web.api import api_router
from softswitch.web.authentication import Authenticator
from softswitch.web.control import SwitchControl
from softswitch.web.guard import FindToken, Guard
from softswitch.web.journal import Journal
from softswitch.web.login import login_router
from softswitch.web.metrics import metrics_router
from softswitch.web.networks import Networks
from softswitch.web.passwords import Passwords
from softswitch.web.room import Room, WebSettings
from softswitch.web.sealing import Sealer
from softswitch.web.session_api import session_router
from softswitch.web.training import Training


def create_app(
    control: SwitchControl,
    accounts: Accounts,
    settings: WebSettings | None = None,
    *,
    passwords: Passwords | None = None,
    journal: Journal | None = None,
    sealer: Sealer | None = None,
    admit: Callable[[str], str] = lambda agent: "",
    find_token: FindToken | None = None,
    training: Training | None = None,
    administration: Administration | None = None,
    pages: bool = True,
) -> FastAPI:
    """The application; `app.state.room` is its `Room`.

    journal: the site's audit log.  sealer: encrypts second factors.  admit: why an agent may not work now.
    administration: of the site's configuration; without it there is no page and no API for that.
    find_token: whose token has a digest; without it there are none.  training: scripts to practise, and the book.

    With `pages=False` there is the API without NiceGUI, whose import takes most of the web's start-up time.
    """
    if pages:
        from softswitch.web.pages import add_pages, close_pages, open_pages
    passwords = passwords or Passwords()
    settings = settings or WebSettings()
    authenticator = Authenticator(
        accounts,
        passwords,
        factor=settings.factor,
        several_roles=settings.several_roles,
        networks=Networks(settings.agents_networks),
        sealer=sealer,
        journal=journal,
        admit=admit,
    )
    room = Room(control, authenticator, settings, journal=journal, training=training, administration=administration)
    if administration is not None:
        administration.hash_pin = passwords.hash

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(_make_ready, app)
        if pages:
            open_pages()
        works = {"web-history": room.watch(), "wallboards": room.wallboards.run(), "agents": room.agents_screens.run()}
        tasks = [asyncio.create_task(work, name=name) for name, work in works.items()]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        room.presence.receive_all_closed()
        room.agent_pages.receive_all_closed()
        room.sessions.end_all()
        passwords.close()
        if pages:
            await close_pages()

    app = FastAPI(
        title="softswitch",
        description="A SIP softswitch with an embedded predictive dialler. Log in by POST /api/login, which "
        "sets a session cookie and tells the CSRF token that each command then brings, or by HTTP Basic where the "
        "account needs no second factor. No answer holds a telephone number.",
        docs_url=None,  # FastAPI's own pages fetch their script from another host
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.room = room
    app.add_middleware(Guard, authenticator=room.authenticator, sessions=room.sessions, find_token=find_token)
    app.add_exception_handler(UsageError, _usage_error)

    @app.get("/healthz", include_in_schema=False)
    async def health() -> dict[str, str]:
        """The switch's own event loop answers this; no details for those who are not logged in."""
        return {"status": "ok"}

    app.include_router(login_router(room))
    app.include_router(session_router(room))
    app.include_router(metrics_router(room.view))
    app.include_router(api_router(room))
    if administration is not None:
        app.include_router(phone_file_router(administration, authenticator.networks))
    if pages:
        add_pages(app, room)
    return app


def _make_ready(app: FastAPI) -> None:
    """Have FastAPI make the handlers of included routers, which it does when they are first asked for: nobody's first
    click on "mute" waits 0.2 s for that, nor do the calls on the same loop."""
    nothing = {"type": "http", "method": "GET", "path": "/api/", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nothing)


async def _usage_error(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, 409)
