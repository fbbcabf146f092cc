"""The journal: everything that happened, in the order in which it was written, and never changed afterwards.

An entry shares the transaction of the row that it tells of. So after a crash the tables say what the journal says:
whoever adds an attempt's entries up (`content` over `content`) comes to its row. A commitment is an entry too, and is
durable before its INVITE leaves.

Entries name calls, leads and agents by their references; no number, no keyed hash of one, no name of a callee.
"""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, and_, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.store.schema import journal

PAGE = 1000
INSERT = insert(journal)


class Kind(StrEnum):
    """What an entry tells. `content` has the columns of the row that are different from then on."""

    COMMITTED = "committed"
    """An attempt, about to be dialled; or a caller, as the call comes in."""
    INVITED = "invited"
    RINGING = "ringing"
    ANSWERED = "answered"
    GREETING = "greeting"
    """The callee has begun to speak."""
    VERDICT = "verdict"
    CONNECTED = "connected"
    """An agent is heard."""
    MESSAGE = "message"
    """The information message is heard."""
    VOICEMAIL = "voicemail"
    ABANDONED = "abandoned"
    ENDED = "ended"
    DISPOSITION = "disposition"
    """The agent's word, after the end."""
    NOTED = "noted"
    """Anything else of a call: its recording, how it was heard."""
    LEAD = "lead"
    """A lead's state after an attempt, or as the hopper gave it back."""
    QUEUED = "queued"
    """Leads handed to the hopper: `leads`."""
    RELEASED = "released"
    """Leads that a start found in nobody's hopper: the state of each in `leads`."""
    IMPORTED = "imported"
    """A list is complete: `list_ref`; its leads are new."""
    PREVIEW = "preview"
    """An agent was shown a lead that is not called now, for this `reason`."""
    CALLBACK = "callback"
    """A promise: `due_at`, `agent` and `made_by`, or what it `came_to`."""
    LOCKED = "locked"
    """The number of these `leads` rests until `until`."""
    SUPPRESSED = "suppressed"
    """These `leads` are not dialled again: an opt-out, or a list of those who object."""
    ERASED = "erased"
    AGENT = "agent"
    """An agent's `state`, with `code` of a pause."""
    CAMPAIGN = "campaign"
    """A campaign's `state`, and why."""
    TRAINED = "trained"
    """What an agent's practice call was worth; no call of anybody's."""
    ALERT = "alert"
    """What a supervisor was warned of in a call: `alert`, `node` and what was `told`; of no row."""
    REVIEWED = "reviewed"
    """A reviewer's `truth` on a call that a verdict ended."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    kind: Kind
    at: datetime
    """When it happened, by the wall clock of that moment; the order is that of writing."""
    campaign: str = ""
    call_ref: str = ""
    lead_ref: str = ""
    agent: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
    """Plain values; moments in ISO 8601, UTC."""


# Column -> the entry that tells of it, where that moment or mark is set; what else changes goes with the last of them.
_MILESTONES = {
    "invited_at": Kind.INVITED,
    "ringing_at": Kind.RINGING,
    "answered_at": Kind.ANSWERED,
    "speech_at": Kind.GREETING,
    "amd_verdict": Kind.VERDICT,
    "bridged_at": Kind.CONNECTED,
    "message_at": Kind.MESSAGE,
    "voicemail_at": Kind.VOICEMAIL,
    "abandoned": Kind.ABANDONED,
    "ended_at": Kind.ENDED,
}


def entries_of(before: Mapping[str, Any] | None, after: Mapping[str, Any], now: datetime) -> list[Entry]:
    """What happened between two rows of an attempt (before: None, it is new), in order.

    now: where no moment is told.
    """
    whose = {name: after[name] for name in ("campaign", "call_ref", "lead_ref", "agent")}
    if before is None:
        content = {name: _plain(value) for name, value in after.items() if value not in (None, "", 0, False)}
        return [Entry(Kind.COMMITTED, after["committed_at"], **whose, content=content)]
    changed = {name: value for name, value in after.items() if before[name] != value}
    if not changed:
        return []
    steps = [(name, kind) for name, kind in _MILESTONES.items() if changed.get(name)]
    rest = {name: _plain(value) for name, value in changed.items() if name not in dict(steps)}
    if not steps:
        return [Entry(Kind.DISPOSITION if "disposition" in rest else Kind.NOTED, now, **whose, content=rest)]
    # Marks that have no moment of their own are set by what happened last; an end is the end.
    steps.sort(key=lambda step: (step[1] is Kind.ENDED, *_place(changed[step[0]])))
    found = []
    for name, kind in steps:
        content = {name: _plain(changed[name])}
        if name == steps[-1][0]:
            content |= rest
        found.append(Entry(kind, _moment(changed[name], now), **whose, content=content))
    return found


def row_of(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "kind": entry.kind.value,
        "campaign": entry.campaign,
        "call_ref": entry.call_ref,
        "lead_ref": entry.lead_ref,
        "agent": entry.agent,
        "content": json.dumps(entry.content, separators=(",", ":"), ensure_ascii=False),
    }


async def write(connection: AsyncConnection, entries: Iterable[Entry]) -> None:
    """Add entries, within the transaction of what they tell of."""
    rows = [row_of(entry) for entry in entries]
    if rows:
        await connection.execute(INSERT, rows)


async def write_leads(
    connection: AsyncConnection, kind: Kind, lead_refs: Sequence[str], campaign: str = "", **content: Any
) -> None:
    """Add one entry that tells the same of several leads; nothing where there are none."""
    if lead_refs:
        told = {"leads": list(lead_refs), **content}
        await write(connection, [Entry(kind, datetime.now(UTC), campaign, content=told)])


async def read(
    engine: AsyncEngine, since: datetime | None = None, until: datetime | None = None, campaign: str = ""
) -> AsyncIterator[Entry]:
    """Entries of what happened in [since, until), in the order of writing, a page at a time."""
    column, last = journal.c, 0
    conditions = []
    if since is not None:
        conditions.append(column.at >= since)
    if until is not None:
        conditions.append(column.at < until)
    if campaign:
        conditions.append(or_(column.campaign == campaign, and_(column.campaign == "", column.kind != Kind.AGENT)))
    while True:
        query = select(journal).where(column.position > last, *conditions).order_by(column.position).limit(PAGE)
        async with engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        for row in rows:
            yield _entry_of(row)
        if len(rows) < PAGE:
            return
        last = rows[-1].position


async def latest(engine: AsyncEngine, kind: Kind, agent: str, limit: int) -> list[Entry]:
    """The newest entries of one kind, newest first.  agent: empty for everybody's."""
    query = select(journal).where(journal.c.kind == kind.value).order_by(journal.c.position.desc()).limit(limit)
    if agent:
        query = query.where(journal.c.agent == agent)
    async with engine.connect() as connection:
        return [_entry_of(row) for row in (await connection.execute(query)).all()]


def _entry_of(row: Row[Any]) -> Entry:
    content = json.loads(row.content)
    return Entry(Kind(row.kind), row.at, row.campaign, row.call_ref, row.lead_ref, row.agent, content)


def _place(value: Any) -> tuple[bool, datetime | None]:
    return (False, value) if isinstance(value, datetime) else (True, None)


def _moment(value: Any, now: datetime) -> datetime:
    return value if isinstance(value, datetime) else now


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
