"""The supervisor's wallboard: the site at this moment, live, rendered on the server and changed in place.

Having it open is what marks a supervisor as present; several tabs of one person count once.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from nicegui import ui

from softswitch.errors import UsageError
from softswitch.web.accounts import Account
from softswitch.web.agents_panel import AgentsPanel
from softswitch.web.alerts_panel import AlertsPanel
from softswitch.web.audio_panel import AudioPanel
from softswitch.web.calls_panel import CallsPanel
from softswitch.web.campaigns_panel import CampaignsPanel
from softswitch.web.charts_panel import ChartsPanel
from softswitch.web.elements import Text, clock, named
from softswitch.web.guard import may_enter
from softswitch.web.noting import noted_control
from softswitch.web.plain_pages import ASSETS
from softswitch.web.room import Room
from softswitch.web.sessions import Session
from softswitch.web.site_panel import InterlocksPanel, MediaPanel, TrunksPanel

_STYLE = "".join((ASSETS / f"{name}.css").read_text(encoding="utf-8") for name in ("wallboard", "agent"))


AUDIO_LOOK_S = 1.0
LINKS = {
    "/training": "Training",
    "/audit/reviews": "Reviews",
    "/audit/compliance": "Compliance",
    "/audit/outcomes": "Outcomes",
    "/audit/retention": "Retention",
    "/admin": "Administration",
}
"""Those that the role opens."""


def show_wallboard(room: Room, account: Account, session: Session | None) -> None:
    """Build the page for one browser tab and keep it up to date while the tab is open."""
    board = Wallboard(room, account, session)
    board.refresh()
    client = ui.context.client
    # Left when the tab is deleted, not when its socket drops: that is `reconnect_s` later, enough for a reload.
    client.on_connect(lambda: room.presence.receive_opened(account.name, client.id))
    client.on_delete(lambda: room.presence.receive_closed(account.name, client.id))
    room.wallboards.add(client, board.refresh)
    ui.timer(AUDIO_LOOK_S, board.look_at_audio)


class Wallboard:
    def __init__(self, room: Room, account: Account, session: Session | None) -> None:
        self._room = room
        self._account = account
        control = noted_control(room, account)
        self._control = control
        self._session = session
        ui.add_css(_STYLE)
        with ui.element("div").classes("board"):
            self._header()
            self._interlocks = InterlocksPanel()
            self._alerts = AlertsPanel(control, account.name, self._act)
            with ui.element("div").classes("columns"):  # the page library brings the landmark
                with ui.element("div").classes("column-wide"):
                    self._agents = AgentsPanel(
                        control,
                        account.name,
                        self._act,
                        made_once=room.made_once,
                        asks_reason=room.settings.listening_needs_reason,
                    )
                    self._calls = CallsPanel(control, self._act, room.made_once)
                with ui.element("div").classes("column-side"):
                    self._campaigns = CampaignsPanel(control, self._act)
                    with ui.element("div").classes("pair"):
                        self._trunks = TrunksPanel()
                        self._media = MediaPanel()
                    self._chart = ChartsPanel(control.shift, room.made_once)

    def refresh(self) -> None:
        """Show the switch as it is now; leave when the session is over."""
        if not self._alive():
            ui.navigate.to("/login")
            return
        view = self._room.view()
        self._site.text = view.site
        self._time.text = datetime.now(self._room.settings.time_zone).strftime("%H:%M:%S")
        self._uptime.text = f"up {clock(view.uptime_s)}"
        self._audio.show()
        self._interlocks.show(view)
        self._alerts.show(view.alerts)
        self._agents.show(view)
        self._calls.show(view)
        self._campaigns.show(view.campaigns)
        self._trunks.show(view.trunks)
        self._media.show(view)
        self._chart.show(view, self._room.history.samples())

    async def look_at_audio(self) -> None:
        if self._alive():
            await self._audio.look()

    def _header(self) -> None:
        with ui.element("header").classes("top"):
            self._site = Text("", "site", tag="h1")
            self._time = Text("", "wall-clock", tag="time")
            self._uptime = Text("", "uptime")
            Text("", "spacer")
            with ui.element("nav").classes("board-links").props('aria-label="Other pages"'):
                for path, name in LINKS.items():
                    if may_enter(self._account, path) and (path != "/admin" or self._room.administration is not None):
                        with ui.element("a").classes("board-link") as link:
                            link.props["href"] = path
                            Text(name)
            self._audio = AudioPanel(self._control, self._account.name, self._act)
            Text(self._account.name, "account")
            ui.button(icon="contrast").on("click", js_handler="() => Quasar.Dark.toggle()").props(
                'flat round dense aria-label="Switch between light and dark"'
            ).tooltip("Light or dark")
            with ui.element("form").props('method=post action="/logout"'):
                ui.button("Log out").props("flat no-caps dense type=submit")
            ui.button("Kill switch", icon="power_settings_new", color=None, on_click=self._confirm_kill).props(
                "unelevated no-caps"
            ).classes("danger kill")
        with ui.dialog() as self._kill_dialog, ui.element("div").classes("sheet"):
            named(self._kill_dialog, "Stop everything?")
            Text("Stop everything?", "sheet-title", tag="h2")
            Text(
                "Every agent is muted at once, every callee hears the closing message, all calls end and dialling "
                "stops. Recordings are kept.",
                "sheet-text",
                tag="p",
            )
            with ui.element("div").classes("sheet-actions"):
                ui.button("Stop everything now", color=None, on_click=self._kill).props("unelevated no-caps").classes(
                    "danger"
                )
                ui.button("Cancel", on_click=self._kill_dialog.close).props("flat no-caps autofocus")

    def _confirm_kill(self) -> None:
        self._kill_dialog.open()

    async def _kill(self) -> None:
        self._kill_dialog.close()
        await self._act(lambda: self._control.kill_switch(self._account.name), "Everything is being stopped")

    async def _act(self, command: Callable[[], Awaitable[None]], done: str) -> None:
        """Carry out a command and say what came of it."""
        if not self._alive():
            ui.navigate.to("/login")
            return
        try:
            await command()
        except UsageError as error:
            ui.notify(str(error), type="negative", timeout=8000, close_button="OK")
        except KeyError:
            ui.notify("That is no longer there.", type="warning")
        else:
            ui.notify(done, type="positive")
        self._room.forget_view()
        self.refresh()

    def _alive(self) -> bool:
        return self._session is None or self._room.sessions.alive(self._session, time.monotonic())
