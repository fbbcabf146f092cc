"""A call of the dialler in plain values, so that the next process of this boot goes on with it.

Moments of the wall clock are seconds since the epoch, UTC; the others are monotonic, one clock for a whole boot.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, TypeAlias

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.attempt import DialAttempt, Disposition
from softswitch.dialler.call import Call, CallState
from softswitch.dialler.lead import Lead, LeadNumber, LeadState

Snapshot: TypeAlias = Mapping[str, Any]

_ATTEMPT = tuple(field.name for field in fields(DialAttempt))
_MOMENTS = tuple(name for name in _ATTEMPT if name.endswith("_at"))
_LEAD = tuple(field.name for field in fields(Lead))
_PLAIN = (
    "begun_at", "timer", "unwanted", "placed_at", "ringing_at", "answered_at", "speech_at", "guaranteed", "agent",
    "greeting_end_at", "connected_at", "heard_at", "served", "message_heard", "machine", "counted_live", "abandoned",
    "in_channel_report", "ended_at", "clip", "findings", "review_rank", "person_at", "beeped",
    "message_left", "callback_agent",
)  # fmt: skip
"""Fields of a call that JSON holds as they are."""
_of_attempt, _of_lead, _of_call = attrgetter(*_ATTEMPT), attrgetter(*_LEAD), attrgetter(*_PLAIN)


def attempt_snapshot(attempt: DialAttempt) -> dict[str, Any]:
    """All of an attempt."""
    snapshot = dict(zip(_ATTEMPT, _of_attempt(attempt), strict=True))
    for name in _MOMENTS:
        moment = snapshot[name]
        if moment is not None:
            snapshot[name] = moment.timestamp()
    for name in ("outcome", "disposition"):
        snapshot[name] = str(snapshot[name])  # where it is an enum
    return snapshot


def attempt_from(snapshot: Snapshot) -> DialAttempt:
    return DialAttempt(**{**snapshot, **{name: _moment(snapshot[name]) for name in _MOMENTS}})


def call_snapshot(call: Call) -> dict[str, Any]:
    """All of a call."""
    snapshot: dict[str, Any] = dict(zip(_PLAIN, _of_call(call), strict=True))
    snapshot["state"] = call.state.value
    snapshot["verdict"], snapshot["cause"] = call.verdict.name, call.cause.name
    snapshot["answered_wall"] = _plain(call.answered_wall)
    snapshot["disposition"] = None if call.disposition is None else call.disposition.value
    snapshot["callback_at"] = _plain(call.callback_at)
    snapshot["attempt"] = attempt_snapshot(call.attempt)
    lead = snapshot["lead"] = dict(zip(_LEAD, _of_lead(call.lead), strict=True))
    lead["state"], lead["not_before"] = str(lead["state"]), _plain(lead["not_before"])
    lead["numbers"] = [
        {**asdict(each), "state": str(each.state), "not_before": _plain(each.not_before)} for each in call.lead.numbers
    ]
    return snapshot


def call_from(snapshot: Snapshot) -> Call:
    """The call of which this is the snapshot. Raises KeyError, TypeError or ValueError where it is none of ours."""
    lead = {**snapshot["lead"], "state": LeadState(snapshot["lead"]["state"])}
    lead["not_before"] = _moment(lead["not_before"])
    lead["numbers"] = tuple(
        LeadNumber(**{**each, "state": LeadState(each["state"]), "not_before": _moment(each["not_before"])})
        for each in lead.get("numbers", ())
    )
    disposition = snapshot["disposition"]
    return Call(
        attempt=attempt_from(snapshot["attempt"]),
        lead=Lead(**lead),
        state=CallState(snapshot["state"]),
        verdict=Verdict[snapshot["verdict"]],
        cause=Cause[snapshot["cause"]],
        answered_wall=_moment(snapshot["answered_wall"]),
        disposition=None if disposition is None else Disposition(disposition),
        callback_at=_moment(snapshot["callback_at"]),
        **{name: snapshot[name] for name in _PLAIN},
    )


def _plain(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
