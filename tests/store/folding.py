"""What the journal alone says of attempts and leads, added up by other code than the store's."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from softswitch.store.journal import Entry, Kind

OF_A_CALL = {
    *(Kind.COMMITTED, Kind.INVITED, Kind.RINGING, Kind.ANSWERED, Kind.GREETING, Kind.VERDICT, Kind.CONNECTED),
    *(Kind.MESSAGE, Kind.VOICEMAIL, Kind.ABANDONED, Kind.ENDED, Kind.DISPOSITION, Kind.NOTED),
}
HELD = ("queued", "dialling", "done")


def calls_of(entries: Iterable[Entry]) -> dict[str, dict[str, Any]]:
    """Columns of each attempt, moments as datetimes; what was never said is not there."""
    calls: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry.kind in OF_A_CALL:
            assert (entry.kind is Kind.COMMITTED) == (entry.call_ref not in calls), "a commitment comes first, once"
            told = {k: datetime.fromisoformat(v) if k.endswith("_at") and v else v for k, v in entry.content.items()}
            calls.setdefault(entry.call_ref, {}).update(told)
    return calls


def leads_of(entries: Iterable[Entry]) -> dict[str, str]:
    """State of each lead of which something was said; all others are new."""
    states: dict[str, str] = {}
    for entry in entries:
        match entry.kind:
            case Kind.LEAD:
                states[entry.lead_ref] = entry.content["state"]
            case Kind.QUEUED:
                states.update(dict.fromkeys(entry.content["leads"], "queued"))
            case Kind.RELEASED:
                states.update(entry.content["leads"])
            case Kind.ERASED:
                states.update(dict.fromkeys(entry.content["leads"], "done"))
            case Kind.SUPPRESSED:
                for lead_ref in entry.content["leads"]:
                    if states.get(lead_ref) not in HELD:
                        states[lead_ref] = "suppressed"
    return states
