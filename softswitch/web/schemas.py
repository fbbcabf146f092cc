"""What the API answers and takes. Views of `safeguards` go out as they are; the rest is named here."""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from softswitch.dialler.attempt import DialAttempt, Disposition

Name = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^/\x00-\x1f\x7f]+$")]
"""A campaign's, an agent's or a call's name in a path."""


class Problem(BaseModel):
    """Why a request was not carried out, in words for the person who asked."""

    detail: str


class CallRecord(BaseModel):
    """A CDR as the web shows it: no number, no name, no address."""

    model_config = ConfigDict(from_attributes=True)

    call_ref: str
    lead_ref: str
    campaign: str
    trunk: str
    agent: str
    committed_at: datetime
    invited_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    speech_at: datetime | None
    bridged_at: datetime | None
    message_at: datetime | None
    ended_at: datetime | None
    outcome: str
    disposition: str
    sip_status: int
    amd_verdict: str
    amd_cause: str
    amd_audio_ms: int
    abandoned: bool
    silent: bool
    answer_to_agent_ms: float | None
    recording: str
    packets_lost: int
    mos: float | None
    jitter_ms: float | None
    round_trip_ms: float | None
    buffer_ms: float | None
    frames_concealed: int | None
    amd_probability: float | None
    amd_point: str
    amd_acted: bool
    amd_freed: bool
    amd_corrections: int
    voicemail_at: datetime | None
    greeting_end_at: datetime | None
    AMDSTATUS: str = Field(validation_alias="amdstatus", description="The verdict as dialplans know it.")
    AMDCAUSE: str = Field(validation_alias="amdcause", description="Its cause, as LONGGREETING-2400.")


class CallRecords(BaseModel):
    """One page of CDRs, newest first."""

    calls: list[CallRecord]
    offset: int
    next_offset: int | None
    """Where the next page begins; null on the last."""

    @classmethod
    def page(cls, attempts: list[DialAttempt], limit: int, offset: int) -> "CallRecords":
        """`attempts` holds one more than `limit` where there is a next page."""
        more = len(attempts) > limit
        return cls(
            calls=[CallRecord.model_validate(attempt) for attempt in attempts[:limit]],
            offset=offset,
            next_offset=offset + limit if more else None,
        )


class Pause(BaseModel):
    """Why an agent pauses."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(max_length=32, pattern=r"^[A-Za-z][A-Za-z -]*$")] = Field(
        default="break", description="A pause code; letters, so that nothing else can be noted in it."
    )


class ChosenDisposition(BaseModel):
    """What an agent chose for a call."""

    model_config = ConfigDict(extra="forbid")

    call_ref: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    disposition: Disposition
