"""What the web's parts share while one switch runs."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, TypeVar, cast

from softswitch.errors import SoftswitchError
from softswitch.safeguards.wallboard import WallboardView
from softswitch.web.administration import Administration
from softswitch.web.agent_presence import AgentPages
from softswitch.web.authentication import Authenticator, Factor, stamp_of
from softswitch.web.control import SwitchControl
from softswitch.web.history import STEP_S, History
from softswitch.web.journal import Journal, LoggedJournal, Looks
from softswitch.web.live_pages import LivePages
from softswitch.web.passwords import ADMINISTRATOR, is_first
from softswitch.web.presence import Presence
from softswitch.web.sessions import IDLE_S, LIFETIME_S, Sessions
from softswitch.web.training import Training

_LOG = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WebSettings:
    idle_s: float = IDLE_S
    lifetime_s: float = LIFETIME_S
    time_zone: tzinfo = UTC
    """The site's, for the wallboard's clock."""
    refresh_s: float = 0.15
    """How often a wallboard looks for changes: with a view that is shared for half of that, an event is on the screen
    within a quarter of a second."""
    agent_refresh_s: float = 0.15
    """The same for an agent's page."""
    reconnect_s: float = 3.0
    """A wallboard that reloads or stumbles may be gone so long before its supervisor counts as gone."""
    secure_cookie: bool = False
    """Set where a proxy ends TLS in front of us; with TLS of our own the cookie is always Secure."""
    site: str = "softswitch"
    """Its name, for people's authenticator apps."""
    factor: Factor = Factor.ENROLLED
    """Who needs a code as well as a password."""
    several_roles: bool = False
    """Whether a person may hold more than one role."""
    listening_needs_reason: bool = False
    """Whether supervisors say why they listen."""
    agents_networks: tuple[str, ...] = ()
    """The agents' segment, as networks: agents log in from there alone, and nobody else does."""


class Room:
    """One for each running switch: who is logged in, which pages are open, and what they show."""

    def __init__(
        self,
        control: SwitchControl,
        authenticator: Authenticator,
        settings: WebSettings,
        *,
        journal: Journal | None = None,
        training: Training | None = None,
        administration: Administration | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.control = control
        self.training = training or Training(clock=clock)
        self.authenticator = authenticator
        self.settings = settings
        self.journal = journal or LoggedJournal()
        self.administration = administration
        """None where the site has no file to be changed."""
        self.looks = Looks()
        self.sessions = Sessions(
            lambda: secrets.token_urlsafe(32), idle_s=settings.idle_s, lifetime_s=settings.lifetime_s
        )
        self.presence = Presence(control)
        self.agent_pages = AgentPages(control)
        self.wallboards = LivePages(settings.refresh_s, self.view)
        self.agents_screens = LivePages(settings.agent_refresh_s)
        self.history = History()
        self._clock = clock
        self._may_be_new = True
        self._view: WallboardView | None = None
        self._view_at = 0.0
        self._made: dict[object, tuple[WallboardView, Any]] = {}

    async def is_new(self) -> bool:
        """Whether the administrator still has the password that the first start made. Once that was replaced the store
        is not asked again."""
        if self._may_be_new:
            try:
                row = await self.authenticator.people.person(ADMINISTRATOR)
            except SoftswitchError:
                return False
            self._may_be_new = row is not None and not row.disabled and is_first(row.password_hash)
        return self._may_be_new

    def view(self) -> WallboardView:
        """The wallboard of this moment, made once for all pages that look at the same time."""
        now = self._clock()
        if self._view is None or now - self._view_at >= self.settings.refresh_s / 2:
            self._view = self.control.wallboard()
            self._view_at = now
            self.history.receive_view(self._view, now)
        return self._view

    def made_once(self, key: object, view: WallboardView, make: Callable[[WallboardView], T]) -> T:
        """What is made of a view for all pages alike, by the first of them that asks for it under this key.

        While it comes out equal it is also the same object, so that each page sees at once that nothing is new.
        """
        last = self._made.get(key)
        if last is not None and last[0] is view:
            return cast(T, last[1])
        made = make(view)
        if last is not None and last[1] == made:
            made = last[1]
        self._made[key] = view, made
        return made

    async def watch(self) -> None:
        """Keep the chart's history, and end the sessions that nobody uses, whether or not a page is open."""
        while True:
            try:
                self.view()
            except Exception:
                # The pages must outlive one bad look at the switch; the next look may succeed.
                _LOG.exception("the wallboard's figures could not be had")
            self.sessions.handle_timer(self._clock())
            await self.end_sessions_of_changed_accounts()
            await asyncio.sleep(STEP_S)

    async def end_sessions_of_changed_accounts(self) -> None:
        """Whoever was shut out, or has another password, role or second factor, logs in again."""
        for account, stamp in self.sessions.people():
            try:
                row = await self.authenticator.people.person(account.name)
            except SoftswitchError:
                continue  # the store is silent; its own interlock says so
            if row is None or self.authenticator.account_of(row) != account or stamp_of(row) != stamp:
                self.sessions.end_those_of(account, stamp)

    def desk_of(self, agent: str) -> SwitchControl:
        """What an agent's page and its REST twins talk to: the switch, or a practice call while there is one. KeyError
        for an unknown agent."""
        practice = self.training.desk_of(self.control, agent)
        return self.control if practice is None else cast(SwitchControl, practice)

    def desk_of_call(self, agent: str, call_ref: str) -> SwitchControl:
        """The same for what is said of one call."""
        practice = self.training.desk_of(self.control, agent)
        if practice is None or practice.drill.drill_ref != call_ref:
            return self.control
        return cast(SwitchControl, practice)

    def forget_view(self) -> None:
        """A command has just changed something: the next look is a fresh one."""
        self._view = None
