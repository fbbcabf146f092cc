"""What the web tells the audit log: each command before it is carried out, and what people look at, once in a while."""

import logging
from typing import Protocol

LOOK_S = 300.0
"""A person who looks at the same thing again within so long has been noted."""
MAXIMUM_LOOKS = 10_000
NEVER_HELD_BACK = frozenset({"kill_switch", "hang_up", "stop", "pause"})
"""Handlers that make the site quieter: they are carried out though the audit log cannot be written."""

_LOG = logging.getLogger(__name__)


class Journal(Protocol):
    """Where people's doings are noted; `softswitch.exchange.audit.file.AuditFile` fulfils it."""

    async def note(self, actor: str, action: str, *, subject: str, reason: str) -> None:
        """Written when it returns. Raises UsageError where that cannot be."""


class LoggedJournal:
    """For an application without a site: what would be noted goes to the log."""

    async def note(self, actor: str, action: str, *, subject: str, reason: str) -> None:
        _LOG.info("%s: %s %s %s", actor, action, subject, reason)


class Looks:
    """Who has looked at what lately. Pure: `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, ...], float] = {}

    def is_new(self, *look: str, now: float, for_s: float = LOOK_S) -> bool:
        """Whether this is to be noted; it is not again for a while."""
        if now < self._until.get(look, float("-inf")):
            return False
        self._until.pop(look, None)
        self._until[look] = now + for_s  # set anew: a dict keeps the order of touching
        while len(self._until) > MAXIMUM_LOOKS:
            del self._until[next(iter(self._until))]
        return True

    def forget(self, *look: str) -> None:
        """It could not be noted after all."""
        self._until.pop(look, None)
