"""Joins NiceGUI to the application. NiceGUI is one per process; which room a page belongs to is told by the request."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, HTTPException, Request
from nicegui import core, ui
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from softswitch.web.accounts import Account, Role
from softswitch.web.admin_page import show_admin_page
from softswitch.web.agent_page import show_agent_page
from softswitch.web.audit_frame import Visitor, audit_assets_router
from softswitch.web.audit_log_page import show_audit_log
from softswitch.web.compliance_page import show_compliance
from softswitch.web.first_paint import add_first_paint
from softswitch.web.guard import caller_of
from softswitch.web.noting import see
from softswitch.web.outcomes_page import show_outcomes
from softswitch.web.page_sockets import bind_sockets
from softswitch.web.recordings_page import show_recordings
from softswitch.web.retention_page import show_retention
from softswitch.web.reviews_page import show_reviews
from softswitch.web.room import Room
from softswitch.web.sessions import Session
from softswitch.web.training_page import show_training_page
from softswitch.web.wallboard import show_wallboard

PONG_S = 8.0
"""A browser that has vanished is noticed so long after the ping that it does not answer, which comes every 4 s."""
Show = Callable[[Visitor], Awaitable[None]]
AUDIT_PAGES: dict[str, tuple[str, Show]] = {
    "/audit": ("Audit log", show_audit_log),
    "/audit/recordings": ("Recordings", show_recordings),
    "/audit/reviews": ("Reviews", show_reviews),
    "/audit/compliance": ("Compliance", show_compliance),
    "/audit/outcomes": ("Outcomes", show_outcomes),
    "/audit/retention": ("Retention", show_retention),
}
"""By path: title, and what builds the page."""


class _RoomMark:
    """Notes the room in the scope, inside the guard: NiceGUI's mounted application knows nothing of ours."""

    def __init__(self, app: ASGIApp, room: Room) -> None:
        self._app = app
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["softswitch.room"] = self._room
        await self._app(scope, receive, send)


def add_pages(app: FastAPI, room: Room) -> None:
    # A process that makes a second application (the tests do) finds NiceGUI's own half already in use.
    core.app.user_middleware.clear()
    core.app.middleware_stack = None
    ui.page("/", title="Wallboard · softswitch")(_wallboard_page)
    ui.page("/agent", title="Agent · softswitch")(_agent_page)
    ui.page("/training", title="Training · softswitch")(_training_page)
    if room.administration is not None:
        ui.page("/admin", title="Administration · softswitch")(_admin_page)
    for path, (title, show) in AUDIT_PAGES.items():
        ui.page(path, title=f"{title} · softswitch")(_audit_page(title, show))
    app.include_router(audit_assets_router())
    app.user_middleware.append(Middleware(_RoomMark, room=room))  # innermost: after the guard
    ui.run_with(
        app,
        title="softswitch",
        language="en-GB",
        dark=None,
        favicon="📞",
        reconnect_timeout=room.settings.reconnect_s,
        binding_refresh_interval=None,
        gzip_middleware_factory=None,  # it would run in the loop that signals; the files stay in the browser's cache
        tailwind=False,
        show_welcome_message=False,
    )
    bind_sockets(core.sio)


def open_pages() -> None:
    """Once NiceGUI has started, which gives a browser 2 s to answer a ping: a busy machine loses most of its pages."""
    core.sio.eio.ping_timeout = PONG_S


async def close_pages() -> None:
    """End NiceGUI's watch over its sockets, and let the next start begin it again.

    Without it engine.io thinks that the watch still runs, and would never notice a browser that vanished: its
    supervisor would count as present for good.
    """
    await core.sio.shutdown()
    core.sio.eio.start_service_task = True


def _audit_page(title: str, show: Show) -> Callable[[Request], Awaitable[None]]:
    async def page(request: Request) -> None:
        visitor = Visitor(request)
        await see(visitor.room, visitor.account, f"{title.lower()} page")
        await show(visitor)
        add_first_paint(ui.context.client)

    return page


async def _agent_page(request: Request) -> None:
    room: Room = request.scope["softswitch.room"]
    show_agent_page(room, request.scope["softswitch.account"], request.scope.get("softswitch.session"))
    add_first_paint(ui.context.client)


async def _training_page(request: Request) -> None:
    room: Room = request.scope["softswitch.room"]
    account: Account = request.scope["softswitch.account"]
    await see(room, account, "training page")
    await show_training_page(room, request.scope.get("softswitch.session"), request.query_params.get("agent", ""))
    add_first_paint(ui.context.client)


async def _admin_page(request: Request) -> None:
    room: Room = request.scope["softswitch.room"]
    account: Account = request.scope["softswitch.account"]
    if room.administration is None:  # another room's page, in the same process
        raise HTTPException(404, "Not Found")
    await see(room, account, "administrator's page")
    caller = caller_of(request.scope, request.headers)
    await show_admin_page(room, room.administration, account, request.scope.get("softswitch.session"), caller)
    add_first_paint(ui.context.client)


async def _wallboard_page(request: Request) -> Response | None:
    room: Room = request.scope["softswitch.room"]
    session: Session | None = request.scope.get("softswitch.session")
    account: Account = request.scope["softswitch.account"]
    if account.role is Role.AGENT:
        return RedirectResponse("/agent", 303)
    if not account.holds(Role.SUPERVISOR, Role.ADMINISTRATOR):
        return RedirectResponse("/audit", 303)
    await see(room, account, "wallboard page")
    show_wallboard(room, account, session)
    add_first_paint(ui.context.client)
    return None
