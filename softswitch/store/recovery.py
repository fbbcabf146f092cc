"""Putting the books right after a crash: calls that nobody can be talking on any more, leads that nobody holds.

A crash may not hide an abandoned call: whoever answered and was never bridged has heard nobody. What becomes of a lead
is for `dialler.recycle` to say, as after any other call: its campaign's rules and its maximum of attempts hold.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.calls.outcome import Outcome
from softswitch.dialler import recycle
from softswitch.dialler.alternatives import at, without_suppressed
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.callbacks import promised
from softswitch.dialler.campaign import Campaign, Purpose
from softswitch.dialler.detection import ended_as
from softswitch.dialler.lead import Lead, LeadState
from softswitch.store import alternatives, callbacks, journal, lists, locked, suppression
from softswitch.store.attempts import change
from softswitch.store.journal import Entry, Kind
from softswitch.store.schema import attempts, leads
from softswitch.store.vault import Person

RETRY_AFTER = timedelta(minutes=15)
"""The callee's phone may have rung as we fell; not at once again, whatever the campaign's rule says."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a start found left over."""

    leads_released: int = 0
    attempts_closed: int = 0
    abandoned: int = 0


async def recover(
    connection: AsyncConnection,
    campaign: str,
    wall: datetime,
    going_on: Collection[str] = (),
    campaigns: Mapping[str, Campaign] | None = None,
) -> Recovery:
    """Close open attempts and release queued leads, of one campaign or (empty) all. Before anything is dialled.

    going_on: `call_ref` of calls that were taken up; they and their leads are left as they are.  campaigns: by name,
    for their rules; those of a campaign that is not among them are the rules of one that sets nothing.
    """
    books = _Books(connection, campaigns or {})
    ours = [attempts.c.campaign == campaign] if campaign else []
    if going_on:
        ours.append(attempts.c.call_ref.not_in(going_on))
    rows = (await connection.execute(select(attempts).where(attempts.c.ended_at.is_(None), *ours))).mappings().all()
    abandoned = 0
    for row in rows:
        closing = _closing(row, wall)
        abandoned += closing.get("abandoned", False)
        await change(connection, [(row["call_ref"], closing, wall)])
        await books.settle({**row, **closing}, may_ring=row["answered_at"] is None)
    # Filtered ones with them: the filter may be another one now.
    held = leads.c.state.in_([LeadState.QUEUED.value, LeadState.DIALLING.value, LeadState.FILTERED.value])
    free = [held, lists.of_campaign(campaign)]
    if going_on:
        free.append(leads.c.lead_ref.not_in(select(attempts.c.lead_ref).where(attempts.c.call_ref.in_(going_on))))
    for ended in await _unsettled(connection, *free):
        await books.settle(ended)
    query = select(leads.c.lead_ref, lists.released_state()).where(*free)
    released = {row[0]: row[1] for row in await connection.execute(query)}
    await connection.execute(update(leads).where(*free).values(state=lists.released_state()))
    if released:
        told = {"leads": released}
        await journal.write(connection, [Entry(Kind.RELEASED, wall, campaign, content=told)])
    return Recovery(len(released), len(rows), abandoned)


def _closing(row: RowMapping, wall: datetime) -> dict[str, Any]:
    """What an open attempt came to."""
    ended: dict[str, Any] = {"ended_at": wall, "outcome": Outcome.ANSWERED.value}
    if row["answered_at"] is None:
        # Its INVITE may have left in the moment in which we fell: no dial goes uncounted.
        invited_at = row["invited_at"] or row["committed_at"]
        return ended | {
            "outcome": Outcome.FAILED.value, "disposition": Disposition.FAILED.value, "invited_at": invited_at
        }  # fmt: skip
    if row["amd_acted"]:
        return ended | {"disposition": ended_as(row["amd_verdict"]).value}
    if row["bridged_at"] is not None:
        return ended | {"disposition": row["disposition"] or Disposition.CONNECTED.value}
    if not row["lead_ref"]:
        # An inbound caller whom nobody could serve: no call of ours, so none that we abandoned.
        return ended | {"disposition": Disposition.NO_ANSWER.value}
    return ended | {"disposition": Disposition.ABANDONED.value, "abandoned": True, "silent": row["message_at"] is None}


async def _unsettled(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> list[Mapping[str, Any]]:
    """Last attempts of leads that are held, where the end was written and what follows from it was not."""
    made = attempts.c.disposition != Disposition.BLOCKED.value
    query = (
        select(leads.c.lead_ref, func.max(attempts.c.committed_at).label("committed_at"))
        .join(attempts, attempts.c.lead_ref == leads.c.lead_ref)
        .where(made, *conditions)
        .group_by(leads.c.lead_ref, leads.c.attempts)
        .having(func.count() > leads.c.attempts)
    )
    last = query.subquery()
    whole = select(attempts).join(
        last, (last.c.lead_ref == attempts.c.lead_ref) & (last.c.committed_at == attempts.c.committed_at)
    )
    ended = (made, attempts.c.ended_at.is_not(None), attempts.c.disposition != "")
    found = (await connection.execute(whole.where(*ended))).mappings().all()
    return [dict(row) for row in found]


class _Books:
    """What follows from the end of an attempt, where those who would have entered it are gone."""

    def __init__(self, connection: AsyncConnection, campaigns: Mapping[str, Campaign]) -> None:
        self._connection = connection
        self._campaigns = campaigns

    async def settle(self, attempt: Mapping[str, Any], *, may_ring: bool = False) -> None:
        """Bring the attempt's lead up to date, and lock its number where the rules say so.

        may_ring: nobody knows whether the callee's telephone rings on.
        """
        campaign = self._campaigns.get(attempt["campaign"], Campaign(attempt["campaign"]))
        before = await self._before(attempt)
        if before is None:  # deleted since, as retention may; or it is a caller's
            return
        wall: datetime = attempt["ended_at"]
        disposition = Disposition(attempt["disposition"])
        lead = await self._after(before, attempt, disposition, campaign, may_ring=may_ring)
        digests = {each: bytes.fromhex(each) for each in before.every_number}
        marketing = campaign.purpose is Purpose.MARKETING
        out = await suppression.among(self._connection, campaign.name, digests.values(), marketing=marketing)
        await lists.save(self._connection, without_suppressed(lead, lambda number: digests[number] in out, wall), wall)
        # Also where it may still ring: another campaign, too, may have the number.
        until = wall + timedelta(seconds=recycle.lock_s(campaign, disposition, attempt["abandoned"]))
        until = max(until, wall + RETRY_AFTER) if may_ring else until
        if until > wall:
            await locked.lock(self._connection, [(digests[before.number], until)])

    async def _before(self, attempt: Mapping[str, Any]) -> Lead | None:
        """The lead as it was before this attempt, with the number that was dialled in turn. Numbers go by their keyed
        hashes in hexadecimal digits: what they are is the vault's business."""
        lead_ref = attempt["lead_ref"]
        row = (await self._connection.execute(select(leads).where(leads.c.lead_ref == lead_ref))).first()
        if row is None:
            return None
        several = (await alternatives.rows_of(self._connection, [lead_ref])).get(lead_ref, [])
        first, *others = [each.number_digest.hex() for each in several] or [row.number_digest.hex()]
        lead = lists.lead_of(row, Person(first, {}, tuple(others)), numbers=several)
        left = attempts.c.disposition != Disposition.BLOCKED.value
        count = select(func.count()).where(attempts.c.lead_ref == lead_ref, left)
        made = (await self._connection.execute(count)).scalar_one()
        lead = replace(lead, attempts=max(made - 1, lead.attempts))
        return at(lead, lead.numbers[attempt["number_rank"]].number) if lead.numbers else lead

    async def _after(
        self, before: Lead, attempt: Mapping[str, Any], disposition: Disposition, campaign: Campaign, *, may_ring: bool
    ) -> Lead:
        wall: datetime = attempt["ended_at"]
        promise = await callbacks.open_of(self._connection, before.lead_ref)
        if promise is not None and disposition is Disposition.CONNECTED:  # made in the call that was cut off
            disposition = Disposition.CALLBACK
        due, agent = (promise.due_at, promise.agent) if promise is not None else (None, "")
        after = recycle.after(
            before, disposition, campaign, wall, None,
            sip_status=attempt["sip_status"], abandoned=attempt["abandoned"], callback_at=due, callback_agent=agent,
        )  # fmt: skip
        if not may_ring:
            return after
        earliest = wall + RETRY_AFTER
        if due is not None:  # promised before this call, of which nobody knows whether it was made
            return replace(
                promised(before, max(due, earliest), agent), attempts=after.attempts, outcomes=after.outcomes
            )
        if after.state is LeadState.WAITING and after.number == before.number:
            return replace(after, not_before=max(after.not_before or earliest, earliest))
        return after
