"""What the hopper is filled with: callbacks that are due, then lists by priority, and lists of one priority by shares.

Nothing here reads more leads than it takes, however many wait for another day: the index `ix_leads_hopper` holds them
by list, state, priority and due time, and a priority in which nothing is due is passed over in one look.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import structlog
from sqlalchemy import ColumnElement, Row, Select, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.dialler.lead import Lead, LeadState
from softswitch.store import alternatives, journal, suppression
from softswitch.store.journal import Entry, Kind
from softswitch.store.lists import lead_of
from softswitch.store.schema import UtcDateTime, leads, locks, vault, vault_keys
from softswitch.store.vault import Erased, Vault, VaultDamaged

T = TypeVar("T")
log = structlog.get_logger(__name__)

MOST_STEPS = 2000
"""Priorities looked at in one query; a campaign has a handful, and one that has more is looked at in several."""
ROUNDS = 50
"""Looks at a list whose leads turn out to be suppressed; the next refill goes on from there."""
LEAST_SHARE, A_FEW, MOST_AT_ONCE = 0.2, 5, 1000
"""How many are looked at after some turned out to be suppressed."""
UNREADABLE = "unreadable"
"""Last outcome of a lead whose record in the vault is damaged; somebody has to look at it."""
_ABOVE_ALL = 2**31 - 1

# Steps from one priority to the next below it by the index alone, and looks whether anything in it is due.
_STEPS = text(
    """
    WITH RECURSIVE
    states(state, first) AS (SELECT 'callback', CAST(:below AS INTEGER)
                             UNION ALL SELECT 'waiting', CAST(:below AS INTEGER)
                             UNION ALL SELECT 'new', CAST(:above_all AS INTEGER)),
    step(list_ref, list_priority, share, state, priority) AS (
        SELECT lists.list_ref, lists.priority, lists.share, states.state,
               (SELECT max(leads.priority) FROM leads WHERE leads.list_ref = lists.list_ref
                AND leads.state = states.state AND leads.priority < states.first)
        FROM lists, states
        WHERE lists.campaign = :campaign AND lists.active AND lists.completed_at IS NOT NULL
              AND (lists.list_ref = :list_ref OR :list_ref = '')
        UNION ALL
        SELECT step.list_ref, step.list_priority, step.share, step.state,
               (SELECT max(leads.priority) FROM leads WHERE leads.list_ref = step.list_ref
                AND leads.state = step.state AND leads.priority < step.priority)
        FROM step WHERE step.priority IS NOT NULL AND step.state <> 'new')
    SELECT list_ref, list_priority, share, state, priority,
           EXISTS (SELECT 1 FROM leads WHERE leads.list_ref = step.list_ref AND leads.state = step.state
                   AND leads.priority = step.priority AND leads.not_before <= :wall) AS due
    FROM step WHERE priority IS NOT NULL LIMIT :most
    """
).bindparams(bindparam("wall", type_=UtcDateTime))


@lru_cache(maxsize=256)
def _due(campaign: str, *, marketing: bool, locked_too: bool, any_priority: bool) -> "Select[tuple[Any, ...]]":
    """Leads of one list and state that are due, in the hopper's order, with what the vault has of them. It is made once
    for a campaign: that takes as long as finding two hundred leads by it."""
    column, wall = leads.c, bindparam("wall", type_=UtcDateTime)
    suppressed = suppression.binds(campaign, marketing=marketing).label("suppressed")
    query = (
        select(leads, suppressed, vault.c.sealed, vault_keys.c.wrapped)
        .join(vault, vault.c.position == column.position, isouter=True)
        .join(vault_keys, vault_keys.c.position == column.position, isouter=True)
        .where(column.list_ref == bindparam("list_ref"), column.state == bindparam("state"), column.not_before <= wall)
        .order_by(column.priority.desc(), column.not_before, column.position)
        .offset(bindparam("seen"))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True, of=leads)
    )
    if not any_priority:
        query = query.where(column.priority == bindparam("priority"))
    if locked_too:
        return query
    locked: ColumnElement[bool] = (
        select(1)
        .where(locks.c.number_digest == alternatives.digest_in_turn(), locks.c.locked_until > wall)
        .correlate(leads)
        .exists()
    )
    return query.where(~locked)


class _Step(NamedTuple):
    """A priority of one state of one list, in which something is due."""

    list_ref: str
    list_priority: int
    share: int
    state: str
    priority: int


class _Found(NamedTuple):
    """A lead that may be dialled."""

    list_priority: int
    row: Row[Any]


class Refill:
    """One refill, within one transaction."""

    def __init__(
        self,
        connection: AsyncConnection,
        keys: Vault,
        campaign: str,
        wall: datetime,
        *,
        locked_too: bool,
        marketing: bool,
    ) -> None:
        """locked_too: also numbers locked after an abandoned call or a machine, for an agent is guaranteed (Ofcom)."""
        self._connection = connection
        self._keys = keys
        self._campaign = campaign
        self._wall = wall
        self._locked_too = locked_too
        self._marketing = marketing

    async def take(self, count: int, *, callbacks_only: bool = False) -> list[Lead]:
        """Mark up to `count` leads that may be dialled as QUEUED and return them, in the order to be dialled."""
        steps = await self._due_steps()
        found = await self._first([step for step in steps if step.state == LeadState.CALLBACK], count)
        if callbacks_only:
            return await self._queued(found)
        others = sorted((step for step in steps if step.state != LeadState.CALLBACK), key=_tier)
        for _, tier in groupby(others, key=_tier):
            wanted = count - len(found)
            if wanted <= 0:
                break
            by_list: dict[str, list[_Step]] = {}
            for step in tier:
                by_list.setdefault(step.list_ref, []).append(step)
            found += mixed([(each[0].share, await self._first(each, wanted)) for each in by_list.values()], wanted)
        return await self._queued(found)

    async def _due_steps(self) -> list[_Step]:
        steps = list(await self._look("", _ABOVE_ALL))
        if len(steps) == MOST_STEPS:  # a list with thousands of priorities: from where the look ended, list by list
            lowest: dict[str, int] = {}
            for row in steps:
                lowest[row.list_ref] = min(row.priority, lowest.get(row.list_ref, _ABOVE_ALL))
            for list_ref in tuple(lowest):
                more = steps[:MOST_STEPS]
                while len(more) == MOST_STEPS:
                    more = list(await self._look(list_ref, lowest[list_ref]))
                    lowest[list_ref] = min((row.priority for row in more), default=0)
                    steps += more
        return sorted({_Step._make(row[:5]) for row in steps if row.due}, key=lambda step: -step.priority)

    async def _look(self, list_ref: str, below: int) -> Sequence[Row[Any]]:
        values = {"campaign": self._campaign, "list_ref": list_ref, "below": below, "above_all": _ABOVE_ALL}
        return (await self._connection.execute(_STEPS, values | {"wall": self._wall, "most": MOST_STEPS})).all()

    async def _first(self, steps: Sequence[_Step], count: int) -> list[_Found]:
        """The first leads of some steps, by the list's priority and the lead's, then in the order of the list."""
        found: list[_Found] = []
        of_state: dict[tuple[str, str], int] = {}
        for step in steps:  # highest priority first
            whose = (step.list_ref, step.state)
            wanted = count - of_state.get(whose, 0)
            if wanted <= 0:
                continue
            rows = await self._unsuppressed(step, wanted)
            of_state[whose] = of_state.get(whose, 0) + len(rows)
            found += [_Found(step.list_priority, row) for row in rows]
        found.sort(key=lambda one: (-one.list_priority, -one.row.priority, one.row.position))
        return found[:count]

    async def _unsuppressed(self, step: _Step, count: int) -> list[Row[Any]]:
        """The first leads of a step whose numbers are not suppressed; those that are leave the lists, and are met
        once."""
        is_new = step.state == LeadState.NEW
        query = _due(self._campaign, marketing=self._marketing, locked_too=self._locked_too, any_priority=is_new)
        values = {"list_ref": step.list_ref, "state": step.state, "priority": step.priority, "wall": self._wall}
        rows: dict[int, Row[Any]] = {}
        wanted = count
        for _ in range(ROUNDS):
            met = (await self._connection.execute(query, values | {"seen": len(rows), "most": wanted})).all()
            suppressed = [row for row in met if row.suppressed]
            rows |= {row.position: row for row in met if not row.suppressed}
            for row in suppressed:
                if row.turn is not None:
                    await alternatives.pass_over(self._connection, row, self._wall)
            alone = [row for row in suppressed if row.turn is None]
            await self._set_state([row.position for row in alone], LeadState.SUPPRESSED)
            theirs = [row.lead_ref for row in alone]
            await journal.write_leads(self._connection, Kind.SUPPRESSED, theirs, self._campaign)
            if not suppressed or len(rows) >= count:
                break
            if len(alone) < len(suppressed):  # their next numbers may come before what was seen
                rows.clear()
            # As many as were suppressed until now are likely to be among the next.
            share = len(suppressed) / len(met)
            wanted = min(round((count - len(rows)) / max(1.0 - share, LEAST_SHARE)) + A_FEW, MOST_AT_ONCE)
        return list(rows.values())[:count]

    async def _queued(self, found: Sequence[_Found]) -> list[Lead]:
        await self._set_state([one.row.position for one in found], LeadState.QUEUED)
        theirs = [one.row.lead_ref for one in found]
        await journal.write_leads(self._connection, Kind.QUEUED, theirs, self._campaign)
        several = [one.row.lead_ref for one in found if one.row.turn is not None]
        numbers = await alternatives.rows_of(self._connection, several)
        taken = []
        for list_priority, row in found:
            try:
                person = self._keys.open(row.lead_ref, row.wrapped or b"", row.sealed or b"")
            except (Erased, VaultDamaged) as error:
                log.error("a lead cannot be read", lead=row.lead_ref, reason=str(error))
                done = {"state": LeadState.DONE.value, "last_outcome": UNREADABLE}
                await self._connection.execute(update(leads).where(leads.c.position == row.position).values(**done))
                entry = Entry(Kind.LEAD, self._wall, self._campaign, "", row.lead_ref, content=done)
                await journal.write(self._connection, [entry])
                continue
            taken.append(lead_of(row, person, LeadState.QUEUED, list_priority, numbers.get(row.lead_ref, ())))
        return taken

    async def _set_state(self, positions: Sequence[int], state: LeadState) -> None:
        if positions:
            among = ",".join(map(str, positions))  # whole numbers of ours: bound one by one they take ten times as long
            query = f"UPDATE leads SET state = '{state.value}' WHERE position IN ({among})"  # noqa: S608
            await self._connection.exec_driver_sql(query)


def mixed(by_list: Sequence[tuple[int, Sequence[T]]], count: int) -> Iterator[T]:
    """Things of (share, things) in proportion to the shares, each list's in its own order, and spread evenly.

    The list that lies furthest behind its share comes next (smooth weighted round-robin); what a list cannot give, the
    others do.
    """
    if len(by_list) == 1:
        yield from by_list[0][1][:count]
        return
    credit = [0] * len(by_list)
    given = [0] * len(by_list)
    for _ in range(count):
        able = [n for n, (share, things) in enumerate(by_list) if given[n] < len(things) and share > 0]
        if not able:
            return
        for n in able:
            credit[n] += by_list[n][0]
        chosen = max(able, key=lambda n: (credit[n], -n))
        credit[chosen] -= sum(by_list[n][0] for n in able)
        yield by_list[chosen][1][given[chosen]]
        given[chosen] += 1


def _tier(step: _Step) -> int:
    return -step.list_priority
