"""What the web's parts share while one switch runs."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo

from softswitch.safeguards.visibility import WallboardView
from softswitch.web.authentication import Authenticator
from softswitch.web.control import SwitchControl
from softswitch.web.history import STEP_S, History
from softswitch.web.presence import Presence
from softswitch.web.sessions import IDLE_S, LIFETIME_S, Sessions

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebSettings:
    idle_s: float = IDLE_S
    lifetime_s: float = LIFETIME_S
    time_zone: tzinfo = UTC
    """The site's, for the wallboard's clock."""
    refresh_s: float = 0.5
    """How often a wallboard looks for changes."""
    reconnect_s: float = 3.0
    """A wallboard that reloads or stumbles may be gone so long before its supervisor counts as gone."""
    secure_cookie: bool = False
    """Set where a proxy ends TLS in front of us; with TLS of our own the cookie is always Secure."""


class Room:
    def __init__(
        self,
        control: SwitchControl,
        authenticator: Authenticator,
        settings: WebSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.control = control
        self.authenticator = authenticator
        self.settings = settings
        self.sessions = Sessions(
            lambda: secrets.token_urlsafe(32), idle_s=settings.idle_s, lifetime_s=settings.lifetime_s
        )
        self.presence = Presence(control)
        self.history = History()
        self._clock = clock
        self._view: WallboardView | None = None
        self._view_at = 0.0

    def view(self) -> WallboardView:
        """The wallboard of this moment, made once for all pages that look at the same time."""
        now = self._clock()
        if self._view is None or now - self._view_at >= self.settings.refresh_s / 2:
            self._view = self.control.wallboard()
            self._view_at = now
            self.history.receive_view(self._view, now)
        return self._view

    async def watch(self) -> None:
        """Keep the chart's history, and end the sessions that nobody uses, whether or not a page is open."""
        while True:
            try:
                self.view()
            except Exception:
                # The pages must outlive one bad look at the switch; the next look may succeed.
                _LOG.exception("the wallboard's figures could not be had")
            self.sessions.handle_timer(self._clock())
            await asyncio.sleep(STEP_S)

    def forget_view(self) -> None:
        """A command has just changed something: the next look is a fresh one."""
        self._view = None
