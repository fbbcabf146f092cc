"""A call of the dialler in plain values, so that the next process of this boot goes on with it.

Moments of the wall clock are seconds since the epoch, UTC; the others are monotonic, one clock for a whole boot.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, TypeAlias

from softswitch.amd.verdict import Verdict
from softswitch.dialler.attempt import DialAttempt, Disposition
from softswitch.dialler.call import Call, CallState
from softswitch.dialler.lead import Lead, LeadState

Snapshot: TypeAlias = Mapping[str, Any]

_ATTEMPT = tuple(field.name for field in fields(DialAttempt))
_LEAD = tuple(field.name for field in fields(Lead))
_PLAIN = (
    "begun_at", "timer", "unwanted", "placed_at", "ringing_at", "answered_at", "speech_at", "guaranteed", "agent",
    "connected_at", "heard_at", "served", "message_heard", "machine", "counted_live", "abandoned", "learnt",
    "in_channel_report", "talk_ended_at", "ended_at",
)  # fmt: skip
"""Fields of a call that JSON holds as they are."""


def attempt_snapshot(attempt: DialAttempt) -> dict[str, Any]:
    """What differs from an attempt of which nothing is known."""
    found = {name: getattr(attempt, name) for name in _ATTEMPT}
    return {name: _plain(value) for name, value in found.items() if value not in ("", None)}


def attempt_from(snapshot: Snapshot) -> DialAttempt:
    values: dict[str, Any] = {"lead_ref": "", "trunk": ""}
    for name, value in snapshot.items():
        values[name] = _moment(value) if name.endswith("_at") else value
    return DialAttempt(**values)


def call_snapshot(call: Call) -> dict[str, Any]:
    """All of a call."""
    snapshot: dict[str, Any] = {name: getattr(call, name) for name in _PLAIN}
    snapshot["state"] = call.state.value
    snapshot["verdict"] = call.verdict.name
    snapshot["answered_wall"] = _plain(call.answered_wall)
    snapshot["disposition"] = None if call.disposition is None else call.disposition.value
    snapshot["callback_at"] = _plain(call.callback_at)
    snapshot["attempt"] = attempt_snapshot(call.attempt)
    snapshot["lead"] = {name: _plain(getattr(call.lead, name)) for name in _LEAD}
    return snapshot


def call_from(snapshot: Snapshot) -> Call:
    """The call of which this is the snapshot. Raises KeyError, TypeError or ValueError where it is none of ours."""
    lead = {**snapshot["lead"], "state": LeadState(snapshot["lead"]["state"])}
    lead["not_before"] = _moment(lead["not_before"])
    disposition = snapshot["disposition"]
    return Call(
        attempt=attempt_from(snapshot["attempt"]),
        lead=Lead(**lead),
        state=CallState(snapshot["state"]),
        verdict=Verdict[snapshot["verdict"]],
        answered_wall=_moment(snapshot["answered_wall"]),
        disposition=None if disposition is None else Disposition(disposition),
        callback_at=_moment(snapshot["callback_at"]),
        **{name: snapshot[name] for name in _PLAIN},
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    return str(value) if isinstance(value, str) else value


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
