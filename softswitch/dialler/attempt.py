"""A dial attempt, from its commitment to the store until its CDR."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from softswitch.amd.verdict import Cause, Verdict, amd_cause, amd_status


class Disposition(StrEnum):
    """What came of a dial attempt in the end; agents choose among the `AGENT_DISPOSITIONS`."""

    COMPLETED = "completed"
    PARTIAL = "partial"
    BREAK_OFF = "break-off"
    """The interview was broken off before it could count as partial."""
    NOT_ELIGIBLE = "not-eligible"
    """Nobody there whom the survey asks."""
    OVER_QUOTA = "over-quota"
    """There are enough interviews with such people."""
    CALLBACK = "callback"
    REFUSAL = "refusal"
    OPT_OUT = "opt-out"
    WRONG_NUMBER = "wrong-number"
    CONNECTED = "connected"
    """A person was connected and no agent has chosen anything."""
    MACHINE = "machine"
    VOICEMAIL = "voicemail"
    """The campaign's message was left on a machine, all of it."""
    FAX = "fax"
    TONE = "tone"
    """Ringing, busy or another tone of the network, and nobody."""
    ANNOUNCEMENT = "announcement"
    """A carrier's, or the tones before it."""
    SILENCE = "silence"
    """An agent was connected and heard nobody, by the detector's last word and no word of the agent's."""
    SCREENED = "screened"
    """A call-screening assistant, likewise."""
    ABANDONED = "abandoned"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    REFUSED = "refused"
    INVALID_NUMBER = "invalid-number"
    FAILED = "failed"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    """An agent saw the lead and did not have it called."""
    HUNG_UP = "hung-up"
    """The callee hung up within the two-second rule, before anybody could be connected; not abandoned by us."""
    OVERFLOWED = "overflowed"
    """An inbound caller whom another number took, because no agent could in time."""


NOBODY_MET = frozenset({Disposition.MACHINE, Disposition.SILENCE, Disposition.SCREENED})
"""What an agent was connected to and met nobody: among M of the rules, not among L."""
AGENT_DISPOSITIONS = frozenset(
    {
        Disposition.COMPLETED,
        Disposition.PARTIAL,
        Disposition.BREAK_OFF,
        Disposition.NOT_ELIGIBLE,
        Disposition.OVER_QUOTA,
        Disposition.CALLBACK,
        Disposition.REFUSAL,
        Disposition.OPT_OUT,
        Disposition.WRONG_NUMBER,
        Disposition.MACHINE,
    }
)


@dataclass(frozen=True, slots=True)
class CallSound:
    """How the callee was heard, as the media plane measured it."""

    packets_lost: int = 0
    mos: float | None = None
    """1 to 4.5, by the E-model (ITU-T G.107); None where nothing was heard."""
    jitter_ms: float | None = None
    """Interarrival jitter (RFC 3550 A.8)."""
    round_trip_ms: float | None = None
    """By the far end's RTCP; None where it sent none."""
    buffer_ms: float | None = None
    """Mean delay that our jitter buffer added; None where there was none."""
    frames_concealed: int | None = None


@dataclass(frozen=True, slots=True)
class DialAttempt:
    """One row of the CDR table. Times are aware UTC datetimes; None where it did not come to that."""

    call_ref: str
    lead_ref: str
    campaign: str
    trunk: str
    committed_at: datetime
    invited_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    speech_at: datetime | None = None
    bridged_at: datetime | None = None
    message_at: datetime | None = None
    ended_at: datetime | None = None
    agent: str = ""
    outcome: str = ""
    disposition: str = ""
    sip_status: int = 0
    amd_verdict: str = ""
    amd_cause: str = ""
    amd_audio_ms: int = 0
    abandoned: bool = False
    silent: bool = False
    answer_to_agent_ms: float | None = None
    """200 OK received to the callee's first packet sent to the agent."""
    recording: str = ""
    """File name in the recordings folder."""
    packets_lost: int = 0
    mos: float | None = None
    jitter_ms: float | None = None
    round_trip_ms: float | None = None
    buffer_ms: float | None = None
    frames_concealed: int | None = None
    amd_probability: float | None = None
    """Of the verdict, by the detector, 0-1."""
    amd_point: str = ""
    """Operating point at which the call was judged: careful, balanced, fast; empty where it was not."""
    amd_acted: bool = False
    """The verdict ended the call, or sent the message to a machine: it is among those of which F is a share."""
    amd_freed: bool = False
    """The verdict took the call from an agent."""
    amd_corrections: int = 0
    """How often the detector changed its mind."""
    voicemail_at: datetime | None = None
    """First sample of the message that is left on a machine."""
    caller_id: str = ""
    """What the callee sees: one of the campaign's own numbers, E.164."""
    time_zone: str = ""
    """IANA name; the callee's, whose hours bind the call."""
    guaranteed: bool = False
    """An agent was reserved for it before it was dialled."""
    number_rank: int = 0
    """Which of the lead's numbers was dialled, from 0."""
    greeting_end_at: datetime | None = None
    """End of the callee's completed greeting, where the detector told it of a person."""

    @property
    def number_name(self) -> str:
        """Tells the numbers of all leads apart without naming one."""
        return f"{self.lead_ref}/{self.number_rank}" if self.number_rank else self.lead_ref

    @property
    def amdstatus(self) -> str:
        """The verdict under the name that dialplans know: HUMAN, MACHINE, NOTSURE, HANGUP, or empty."""
        return amd_status(Verdict[self.amd_verdict]) if self.amd_verdict else ""

    @property
    def amdcause(self) -> str:
        """Its cause, likewise, as LONGGREETING-2400."""
        return amd_cause(Cause[self.amd_cause], self.amd_audio_ms) if self.amd_cause else ""
