"""Putting the books right after a crash: calls that nobody can be talking on any more, leads that nobody holds.

A crash may not hide an abandoned call: whoever answered and was never bridged has heard nobody.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.calls.outcome import Outcome
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.detection import ended_as
from softswitch.dialler.lead import LeadState
from softswitch.dialler.recycle import CLASSED_BY_AMD
from softswitch.store import alternatives, callbacks, journal, lists, locked
from softswitch.store.attempts import change
from softswitch.store.journal import Entry, Kind
from softswitch.store.schema import ANY_TIME, attempts, leads

ABANDONED_LOCK = timedelta(hours=72)  # Ofcom, persistent misuse policy
MACHINE_LOCK = timedelta(hours=24)  # Ofcom, persistent misuse policy
RETRY_AFTER = timedelta(minutes=15)
"""The callee's phone may have rung as we fell; not at once again."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a start found left over."""

    leads_released: int = 0
    attempts_closed: int = 0
    abandoned: int = 0


async def recover(
    connection: AsyncConnection, campaign: str, wall: datetime, going_on: Collection[str] = ()
) -> Recovery:
    """Close open attempts and release queued leads, of one campaign or (empty) all. Before anything is dialled.

    going_on: `call_ref` of calls that were taken up; they and their leads are left as they are.
    """
    ours = [attempts.c.campaign == campaign] if campaign else []
    if going_on:
        ours.append(attempts.c.call_ref.not_in(going_on))
    rows = (await connection.execute(select(attempts).where(attempts.c.ended_at.is_(None), *ours))).mappings().all()
    abandoned = 0
    for row in rows:
        closing, lead = _closing(row, wall)
        abandoned += closing.get("abandoned", False)
        await change(connection, [(row["call_ref"], closing, wall)])
        await _settle(connection, row, closing["disposition"], lead, wall)
    # Filtered ones with them: the filter may be another one now.
    held = leads.c.state.in_([LeadState.QUEUED.value, LeadState.DIALLING.value, LeadState.FILTERED.value])
    of_campaign = [lists.of_campaign(campaign)]
    if going_on:
        of_campaign.append(
            leads.c.lead_ref.not_in(select(attempts.c.lead_ref).where(attempts.c.call_ref.in_(going_on)))
        )
    query = select(leads.c.lead_ref, lists.released_state()).where(held, *of_campaign)
    released = {row[0]: row[1] for row in await connection.execute(query)}
    await connection.execute(update(leads).where(held, *of_campaign).values(state=lists.released_state()))
    if released:
        told = {"leads": released}
        await journal.write(connection, [Entry(Kind.RELEASED, wall, campaign, content=told)])
    return Recovery(len(released), len(rows), abandoned)


def _closing(row: RowMapping, wall: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an open attempt came to, and what follows for its lead."""
    ended: dict[str, Any] = {"ended_at": wall, "outcome": Outcome.ANSWERED.value}
    lead: dict[str, Any] = {"state": LeadState.WAITING.value}
    if row["answered_at"] is None:
        # Its INVITE may have left in the moment in which we fell: no dial goes uncounted.
        invited_at = row["invited_at"] or row["committed_at"]
        ended |= {"outcome": Outcome.FAILED.value, "disposition": Disposition.FAILED.value, "invited_at": invited_at}
        lead["not_before"] = wall + RETRY_AFTER
    elif row["amd_acted"]:
        ended["disposition"] = ended_as(row["amd_verdict"]).value
        lead["not_before"] = wall + MACHINE_LOCK
    elif row["bridged_at"] is not None:
        # Whether somebody cut off in a conversation may be rung again is for a person to decide.
        ended["disposition"] = row["disposition"] or Disposition.CONNECTED.value
        lead = {"state": LeadState.DONE.value, "not_before": ANY_TIME}
    elif not row["lead_ref"]:
        # An inbound caller whom nobody could serve: no call of ours, so none that we abandoned.
        ended["disposition"] = Disposition.NO_ANSWER.value
    else:
        ended |= {"disposition": Disposition.ABANDONED.value, "abandoned": True, "silent": row["message_at"] is None}
        lead["not_before"] = wall + ABANDONED_LOCK
    return ended, lead


async def _settle(
    connection: AsyncConnection, row: RowMapping, disposition: str, values: dict[str, Any], wall: datetime
) -> None:
    """Bring the attempt's lead up to date, and lock its number where the rules say so."""
    lead_ref = row["lead_ref"]
    query = select(leads.c.outcomes, leads.c.number_digest, leads.c.turn).where(leads.c.lead_ref == lead_ref)
    lead = (await connection.execute(query)).first()
    if lead is None:  # deleted since, as retention may
        return
    left = attempts.c.disposition != Disposition.BLOCKED.value
    count = select(func.count()).where(attempts.c.lead_ref == lead_ref, left)
    made = (await connection.execute(count)).scalar_one()
    outcomes = {**lead.outcomes, disposition: lead.outcomes.get(disposition, 0) + 1}
    promise = await callbacks.open_of(connection, lead_ref)
    if promise is not None and disposition == Disposition.CONNECTED:  # made in the call that was cut off
        disposition = Disposition.CALLBACK.value
        values = {"state": LeadState.CALLBACK.value, "not_before": promise.due_at, "callback_agent": promise.agent}
    changed = {**values, "attempts": made, "outcomes": outcomes, "last_outcome": disposition}
    await connection.execute(update(leads).where(leads.c.lead_ref == lead_ref).values(changed))
    due, digest = changed.get("not_before", ANY_TIME), lead.number_digest
    if lead.turn is not None:
        digest = await alternatives.count(connection, lead_ref, row["number_rank"], disposition, due)
    told = {**changed, "not_before": None if due == ANY_TIME else due.isoformat()}
    await journal.write(connection, [Entry(Kind.LEAD, wall, row["campaign"], row["call_ref"], lead_ref, content=told)])
    # Also where it may still ring: another campaign, too, may have the number.
    if disposition in (Disposition.ABANDONED, Disposition.FAILED) or disposition in CLASSED_BY_AMD:
        await locked.lock(connection, digest, values["not_before"])
