"""Logged-in sessions, kept on the server; the browser holds an opaque random name only. Pure: `now` is passed in."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from softswitch.web.accounts import Account

IDLE_S = 30 * 60.0
"""Without any request or live page for so long, the session is over."""
LIFETIME_S = 12 * 3600.0
"""A shift; a live wallboard does not keep a session longer than this."""
MAXIMUM_PER_ACCOUNT = 20


@dataclass(slots=True)
class Session:
    account: Account
    began: float
    last_used: float
    ended: bool = False
    when_ended: list[Callable[[], None]] = field(default_factory=list)
    """Called once as the session ends: open sockets close themselves through this."""


class Sessions:
    """The table is keyed by a hash of the token, so that reading this memory or a dump of it lends nobody a session."""

    def __init__(self, new_token: Callable[[], str], *, idle_s: float = IDLE_S, lifetime_s: float = LIFETIME_S) -> None:
        self._new_token = new_token
        self._idle_s = idle_s
        self._lifetime_s = lifetime_s
        self._sessions: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, account: Account, now: float) -> str:
        """A new token; never one that the browser brought along (session fixation)."""
        own = [key for key, session in self._sessions.items() if session.account.name == account.name]
        for key in own[: max(0, len(own) - MAXIMUM_PER_ACCOUNT + 1)]:
            self._end(key)
        token = self._new_token()
        self._sessions[_key(token)] = Session(account, now, now)
        return token

    def use(self, token: str, now: float) -> Session | None:
        """The live session of a token, its idle time begun afresh; None when there is none or it is over."""
        session = self._sessions.get(_key(token))
        if session is None or not self.alive(session, now):
            return None
        session.last_used = now
        return session

    def alive(self, session: Session, now: float) -> bool:
        """Whether it may still be used; ends it when its time is over."""
        if not session.ended and not self._over(session, now):
            return True
        self.handle_timer(now)
        return False

    def end(self, token: str) -> None:
        self._end(_key(token))

    def end_all(self) -> None:
        for key in list(self._sessions):
            self._end(key)

    def handle_timer(self, now: float) -> None:
        for key in [key for key, session in self._sessions.items() if self._over(session, now)]:
            self._end(key)

    def next_timer(self) -> float | None:
        return min((self._deadline(session) for session in self._sessions.values()), default=None)

    def _deadline(self, session: Session) -> float:
        return min(session.last_used + self._idle_s, session.began + self._lifetime_s)

    def _over(self, session: Session, now: float) -> bool:
        return now >= self._deadline(session)

    def _end(self, key: str) -> None:
        session = self._sessions.pop(key, None)
        if session is None:
            return
        session.ended = True
        for callback in session.when_ended:
            callback()
        session.when_ended.clear()


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
