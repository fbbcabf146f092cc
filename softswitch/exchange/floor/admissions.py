"""Which agents may work at this moment, by the site's configuration; why not, for supervisors and the audit log."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from softswitch.config import Settings
from softswitch.errors import UsageError
from softswitch.exchange.audit.file import AuditFile
from softswitch.safeguards.admission import NOT_NOW, admit

log = structlog.get_logger(__name__)


class Admissions:
    """Asked whenever an agent logs in by phone, headset or page, or gets ready, and twice a second for who waits."""

    def __init__(self, settings: Settings, audit: AuditFile, wall: Callable[[], datetime]) -> None:
        self._zone = ZoneInfo(settings.site.time_zone)
        self._clearances = {agent.id: agent.clearance() for agent in settings.agents}
        self._campaigns = {
            agent.id: {c.name: c.categories for c in settings.campaigns if not c.agents or agent.id in c.agents}
            for agent in settings.agents
        }
        self._audit = audit
        self._wall = wall
        self.refused: dict[str, str] = {}
        """Why each agent who tried last could not log in; taken back once it is possible."""

    def trouble(self, agent: str) -> str:
        """Why the agent may not work now; empty: may."""
        moment = self._wall().astimezone(self._zone)
        return admit(self._clearances.get(agent), moment, self._campaigns.get(agent, {})).reason

    def refuse(self, agent: str) -> str:
        """The same for an agent who tries: a refusal is noted, and told to supervisors."""
        reason = self.trouble(agent)
        if not reason:
            self.refused.pop(agent, None)
        elif self.refused.get(agent) != reason:
            self.refused[agent] = reason
            log.warning("agent may not work now", agent=agent, reason=reason)
            self._audit.note_soon(agent, "refused", subject="agent's log-in", reason=reason, failed=_logged)
        return reason

    def check(self, agent: str) -> None:
        """Raises UsageError with what the agent is told, which is not why."""
        if self.refuse(agent):
            raise UsageError(NOT_NOW)


def _logged(why: str) -> None:
    log.error("a refusal cannot be noted", reason=why)
