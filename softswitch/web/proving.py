"""Proving again that it is you, on a page: the same question as `POST /api/session/proof`, asked when it is needed."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping

from nicegui import ui

from softswitch.web.accounts import Account
from softswitch.web.authentication import Caller, Refused
from softswitch.web.forms import Sheet, field
from softswitch.web.room import Room
from softswitch.web.sessions import PROOF_S, Session

Command = Callable[[], Awaitable[None]]


class Proving:
    """Carries out what is dangerous: at once where password and code were typed a few minutes ago, else after them.
    Without a session (HTTP Basic) the password came with the page."""

    def __init__(self, room: Room, account: Account, session: Session | None, caller: Caller) -> None:
        self._room = room
        self._account = account
        self._session = session
        self._caller = caller
        self._then: Command | None = None
        self._sheet = Sheet("Is it still you?", "Go on", self._build, self._check)

    async def carry_out(self, command: Command) -> None:
        if not self.is_session_alive():
            ui.navigate.to("/login")
        elif self._session is None or time.monotonic() - self._session.proved_at <= PROOF_S:
            await command()
        else:
            self._then = command
            self._sheet.open("Type your password again, and the code of your app if you have one.")

    def is_session_alive(self) -> bool:
        return self._session is None or self._room.sessions.alive(self._session, time.monotonic())

    def _build(self) -> None:
        field("Password", "password", "password", needed=True)
        field("Code", "code")._props.update({"inputmode": "numeric", "autocomplete": "one-time-code"})

    async def _check(self, typed: Mapping[str, str]) -> str:
        if self._session is None or not self.is_session_alive():
            ui.navigate.to("/login")
            return ""
        command = self._then
        proved = await self._room.authenticator.prove(
            self._account, typed.get("password", ""), typed.get("code", ""), self._caller
        )
        if isinstance(proved, Refused):
            if proved.closed:
                return f"Nobody can log in now: {proved.closed}"
            return f"Too many failed attempts. Try again in {math.ceil(proved.wait_s)} s."
        if not proved:
            return "Password or code is wrong."
        self._session.proved_at = time.monotonic()
        if command is not None and command is self._then and self._sheet.is_open:  # pressed once, and still wanted
            self._then = None
            await command()
        return ""
