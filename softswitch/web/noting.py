"""Everything that somebody asks of the API is noted before it is done, whichever route it is: one rule for all of them.

Commands are noted each time, looks once in a while (`journal.LOOK_S`). An agent's doings with the own line are the
agent's own state, and are not noted.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Request

from softswitch.errors import UsageError
from softswitch.web.accounts import Account, Role
from softswitch.web.control import SwitchControl
from softswitch.web.guard import SAFE_METHODS
from softswitch.web.journal import NEVER_HELD_BACK
from softswitch.web.roles import account_of
from softswitch.web.room import Room

NOTED_IN_DETAIL = frozenset(
    {
        "supervise",
        "leave",
        "mute",
        "unmute",
        "ask_override",
        "agree_override",
        "end_override",
        "ask_request",
        "approve_request",
        "begin_playback",
        "note_listened",
    }
)
"""Handlers whose command notes itself, with more than a path."""
_LOG = logging.getLogger(__name__)


def noted(room: Room) -> Callable[..., Awaitable[None]]:
    """A dependency for a whole router."""

    async def note(request: Request, account: Annotated[Account, Depends(account_of)]) -> None:
        if account.role is Role.AGENT:
            return
        path = request.scope["path"]
        handler = getattr(request.scope.get("endpoint"), "__name__", "")
        if request.method in SAFE_METHODS:
            await see(room, account, path)
        elif handler not in NOTED_IN_DETAIL:
            await _command(room, account, handler.replace("_", " "), path, held_back=handler not in NEVER_HELD_BACK)

    return note


async def see(room: Room, account: Account, what: str) -> None:
    """Note a look, unless it was noted lately. 503 where it cannot be, and then nothing may be shown."""
    if not room.looks.is_new(account.name, what, now=time.monotonic()):
        return
    try:
        await room.journal.note(account.name, "see", subject=what, reason="")
    except UsageError as error:
        room.looks.forget(account.name, what)
        raise HTTPException(503, str(error)) from None


async def _command(room: Room, account: Account, action: str, subject: str, *, held_back: bool) -> None:
    try:
        await room.journal.note(account.name, action, subject=subject, reason="")
    except UsageError as error:
        if held_back:
            raise HTTPException(503, str(error)) from None
        _LOG.error("%s: %s cannot be noted: %s", account.name, action, error)


_COMMANDS = {
    "start_campaign": "start campaign",
    "pause_campaign": "pause campaign",
    "stop_campaign": "stop campaign",
    "log_in_agent": "log in agent",
    "log_out_agent": "log out agent",
    "ready_agent": "make agent ready",
    "pause_agent": "pause agent",
    "hang_up": "hang up",
    "kill_switch": "kill switch",
    "see_alert": "see alert",
    "pass_supervisor_test": "pass supervisor test",
    "report_recognised": "report recognised",
}
_NEVER_HELD_BACK = frozenset({"pause_campaign", "stop_campaign", "hang_up", "kill_switch"})


class NotedControl:
    """The switch as the pages of one person command it: the same, with each command in the audit log first."""

    def __init__(self, control: SwitchControl, room: Room, account: Account) -> None:
        self._control = control
        self._room = room
        self._account = account

    def __getattr__(self, name: str) -> object:
        command = getattr(self._control, name)
        action = _COMMANDS.get(name)
        if action is None:  # looks, and commands that note themselves
            return command

        async def carried_out(*arguments: str | int) -> None:
            held_back = name not in _NEVER_HELD_BACK
            try:
                await self._room.journal.note(
                    self._account.name, action, subject=" ".join(map(str, arguments)), reason=""
                )
            except UsageError as error:
                if held_back:
                    raise
                _LOG.error("%s: %s cannot be noted: %s", self._account.name, action, error)
            await command(*arguments)

        return carried_out


def noted_control(room: Room, account: Account) -> SwitchControl:
    return cast(SwitchControl, NotedControl(room.control, room, account))
