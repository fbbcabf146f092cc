"""What a dialler tells its driver to do or to write down.

The order in which `Dialler.next_event` gives them is the order in which they must be carried out: an attempt is
committed before its call is placed, and an agent's release is told before the next call comes. `AgentChanged` comes
from the agent board, through whichever dialler is drained first.
"""

from dataclasses import dataclass
from datetime import date, datetime

from softswitch.dialler.agents import AgentChanged
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.callbacks import Callback
from softswitch.dialler.detection import Finding
from softswitch.dialler.lead import Lead


@dataclass(frozen=True, slots=True)
class CampaignEvent:
    """Base of what a dialler itself reports."""


@dataclass(frozen=True, slots=True)
class LeadsWanted(CampaignEvent):
    """The hopper runs low; answer with `Dialler.add_leads`, also when there are none."""

    count: int


@dataclass(frozen=True, slots=True)
class CallbacksWanted(CampaignEvent):
    """Answer with `Dialler.add_callbacks`: leads in state CALLBACK that fall due before then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class CallbackMade(CampaignEvent):
    """Keep the promise; an open one of the same lead is replaced by it."""

    callback: Callback


@dataclass(frozen=True, slots=True)
class CallbackClosed(CampaignEvent):
    """What an open callback came to: `callbacks.CALLED`, `MISSED` or `CANCELLED`."""

    lead_ref: str
    came_to: str
    at: datetime
    call_ref: str = ""


@dataclass(frozen=True, slots=True)
class PreviewOffered(CampaignEvent):
    """Show the lead's visible fields to the agent, who says `receive_preview_accepted` or `receive_preview_skipped`."""

    call_ref: str
    agent: str


@dataclass(frozen=True, slots=True)
class PreviewEnded(CampaignEvent):
    """The lead that was shown is not called now."""

    call_ref: str
    lead_ref: str
    agent: str
    reason: str
    """The agent's, if they skipped it; else "no answer" or "withdrawn"."""


@dataclass(frozen=True, slots=True)
class CommitAttempt(CampaignEvent):
    """Write this attempt durably, then say `receive_attempt_committed`; `receive_commit_failed` when it cannot be."""

    attempt: DialAttempt
    number: str
    """E.164; personal data."""


@dataclass(frozen=True, slots=True)
class PlaceCall(CampaignEvent):
    """Send the INVITE now."""

    call_ref: str
    number: str
    """E.164; personal data."""


@dataclass(frozen=True, slots=True)
class CancelCall(CampaignEvent):
    """Nobody answered for long enough; `receive_failed` is expected to follow."""

    call_ref: str


@dataclass(frozen=True, slots=True)
class ConnectAgent(CampaignEvent):
    """Bridge the answered call with this agent; replaces any agent or message that the call had."""

    call_ref: str
    agent: str


@dataclass(frozen=True, slots=True)
class MuteAgent(CampaignEvent):
    """The kill switch: nothing that the call's agent says may reach the callee from now on."""

    call_ref: str
    agent: str


@dataclass(frozen=True, slots=True)
class PlayMessage(CampaignEvent):
    """Take any agent out of the call and play the clip to the callee from its first sample; again, if it plays."""

    call_ref: str
    clip: str


@dataclass(frozen=True, slots=True)
class Listen(CampaignEvent):
    """Take any agent out of the call, play nothing, and go on listening to what has answered."""

    call_ref: str


@dataclass(frozen=True, slots=True)
class HangUp(CampaignEvent):
    """End an answered call; `receive_ended` is expected to follow."""

    call_ref: str
    cause: str
    """"machine", "message-ended", "voicemail-left", "killed", "media", "asked"; for the log."""


@dataclass(frozen=True, slots=True)
class LeadChanged(CampaignEvent):
    """Save the lead."""

    lead: Lead


@dataclass(frozen=True, slots=True)
class NumberSuppressed(CampaignEvent):
    """The callee opted out; save it, and tell every other campaign's dialler by `receive_suppressed`."""

    number: str
    """E.164; personal data."""
    reason: str


@dataclass(frozen=True, slots=True)
class AttemptChanged(CampaignEvent):
    """The attempt came to something that a crash must not lose (answered, connected, message, late disposition)."""

    attempt: DialAttempt


@dataclass(frozen=True, slots=True)
class AttemptEnded(CampaignEvent):
    """The attempt's CDR; an `AttemptChanged` may still follow with a disposition or a recording."""

    attempt: DialAttempt


@dataclass(frozen=True, slots=True)
class ReviewOffered(CampaignEvent):
    """A verdict has ended this call: keep it for the reviewers, who judge a random share of such calls by ear."""

    call_ref: str
    campaign: str
    day: date
    """Of the answer, in the site's time zone."""
    rank: float
    """Random, 0-1: those under the campaign's share are reviewed, and the lowest of each day in any case."""
    finding: Finding
    point: str
    recording: str


@dataclass(frozen=True, slots=True)
class CampaignChanged(CampaignEvent):
    campaign: str
    state: str
    """As `CampaignView.state`: "stopped", "running", "paused", "held", "finished"."""
    reason: str = ""
    """Why it is held, in plain words."""


@dataclass(frozen=True, slots=True)
class NumberLocked(CampaignEvent):
    """This number may not be dialled until then, whichever lead has it (abandoned: 72 h, machine: 24 h)."""

    number: str
    """E.164; personal data."""
    until: datetime


DiallerEvent = CampaignEvent | AgentChanged
