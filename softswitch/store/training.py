"""What practice calls were worth, kept in the journal as entries of their own kind."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from softswitch.store.journal import Entry, Kind


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """One practice call. Shares are 0 to 1, 1 is as it ought to be."""

    at: datetime
    agent: str
    campaign: str
    """Whose script it was."""
    drill_ref: str
    scenario: str
    took_s: float
    points: int
    """Of a hundred."""
    passed: bool
    mandatory: float
    outcome: float
    times: float
    order: float
    answers: float
    filter: float
    remarks: tuple[str, ...]


class JournalStore(Protocol):
    async def record(self, entry: Entry) -> None: ...
    async def latest(self, kind: Kind, agent: str = "", limit: int = 100) -> list[Entry]: ...


class TrainingBook:
    """Kept in the site's store."""

    def __init__(self, store: JournalStore) -> None:
        self._store = store

    async def keep(self, result: TrainingResult) -> None:
        """Durable when it returns."""
        content = {name: getattr(result, name) for name in _CONTENT}
        await self._store.record(
            Entry(
                Kind.TRAINED,
                result.at,
                result.campaign,
                agent=result.agent,
                content={**content, "remarks": [*result.remarks]},
            )
        )

    async def results(self, agent: str = "", limit: int = 100) -> list[TrainingResult]:
        """Newest first.  agent: empty for everybody's."""
        return [_result_of(entry) for entry in await self._store.latest(Kind.TRAINED, agent, limit)]


_CONTENT = tuple(name for name in TrainingResult.__slots__ if name not in ("at", "agent", "campaign", "remarks"))


def _result_of(entry: Entry) -> TrainingResult:
    told: dict[str, Any] = dict(entry.content)
    remarks = tuple(told.pop("remarks"))
    at = entry.at if entry.at.tzinfo else entry.at.replace(tzinfo=UTC)
    return TrainingResult(at, entry.agent, entry.campaign, remarks=remarks, **told)
