"""Logged-in sessions, kept on the server; the browser holds an opaque random name only. Pure: `now` is passed in."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from softswitch.web.accounts import Account, Role
from softswitch.web.networks import place_of

IDLE_S = 30 * 60.0
"""Without any request or live page for so long, the session is over."""
LIFETIME_S = 12 * 3600.0
"""A shift; a live wallboard does not keep a session longer than this."""
POWERFUL_IDLE_S = 15 * 60.0
POWERFUL_LIFETIME_S = 4 * 3600.0
"""Administrators and auditors do what they came for; supervisors and agents stay for a shift."""
PROOF_S = 5 * 60.0
"""So long after a log-in, or after proving it again, somebody may do what is dangerous."""
MAXIMUM_PER_ACCOUNT = 20


@dataclass(slots=True)
class Session:
    """One log-in. Times are monotonic seconds."""

    account: Account
    began: float
    last_used: float
    place: str = ""
    """The address, or the IPv6 network, that it is bound to."""
    csrf: str = ""
    """What our own pages send with each command, and another site cannot know."""
    stamp: str = ""
    """Of what is kept of the account; when that is another, the session is over."""
    proved_at: float = float("-inf")
    """When password and code were last typed."""
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

    def begin(self, account: Account, now: float, source: str = "", stamp: str = "") -> str:
        """A new token; never one that the browser brought along (session fixation)."""
        own = [key for key, session in self._sessions.items() if session.account.name == account.name]
        for key in own[: max(0, len(own) - MAXIMUM_PER_ACCOUNT + 1)]:
            self._end(key)
        token = self._new_token()
        place, csrf = place_of(source), self._new_token()
        self._sessions[_key(token)] = Session(account, now, now, place, csrf, stamp, proved_at=now)
        return token

    def use(self, token: str, now: float, source: str = "") -> Session | None:
        """The live session of a token, its idle time begun afresh; None when there is none or it is over. From another
        address than it was begun at it is stolen, and ends."""
        session = self._sessions.get(_key(token))
        if session is None or not self.alive(session, now):
            return None
        if session.place != place_of(source):
            self._end(_key(token))
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

    def people(self) -> set[tuple[Account, str]]:
        """Everybody who is logged in, with the stamp of the account at that time."""
        return {(session.account, session.stamp) for session in self._sessions.values()}

    def end_those_of(self, account: Account, stamp: str) -> None:
        ends = [k for k, each in self._sessions.items() if (each.account, each.stamp) == (account, stamp)]
        for key in ends:
            self._end(key)

    def end_those_named(self, name: str) -> int:
        """End every session of one person; how many there were."""
        ends = [key for key, each in self._sessions.items() if each.account.name == name]
        for key in ends:
            self._end(key)
        return len(ends)

    def end_all(self) -> None:
        for key in list(self._sessions):
            self._end(key)

    def handle_timer(self, now: float) -> None:
        for key in [key for key, session in self._sessions.items() if self._over(session, now)]:
            self._end(key)

    def next_timer(self) -> float | None:
        return min((self._deadline(session) for session in self._sessions.values()), default=None)

    def _deadline(self, session: Session) -> float:
        idle_s, lifetime_s = self._idle_s, self._lifetime_s
        if session.account.holds(Role.ADMINISTRATOR, Role.AUDITOR):
            idle_s, lifetime_s = min(idle_s, POWERFUL_IDLE_S), min(lifetime_s, POWERFUL_LIFETIME_S)
        return min(session.last_used + idle_s, session.began + lifetime_s)

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
