"""One dial attempt while it lives: the record behind `DialAttempt`, with monotonic times."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.attempt import DialAttempt, Disposition
from softswitch.dialler.lead import Lead


class CallState(StrEnum):
    """Where a dial attempt stands, from the look at its lead to its end."""

    PREVIEW = "preview"
    """An agent looks at the lead; nothing is committed yet."""
    COMMITTING = "committing"
    PLACED = "placed"
    RINGING = "ringing"
    CANCELLING = "cancelling"
    """CANCEL asked for; a 200 OK may still cross it."""
    ANSWERED = "answered"
    """Nobody is connected: waiting for an agent or for a verdict."""
    CONNECTING = "connecting"
    """An agent is being connected and has not been heard."""
    IN_CALL = "in call"
    MESSAGE = "message"
    LISTENING = "listening"
    """Nobody is there, by the verdict: waiting for a machine's beep, or for somebody to lift the receiver."""
    VOICEMAIL = "voicemail"
    """The message is being left on a machine."""
    ENDING = "ending"
    """We hang up; the end has not been reported."""
    ENDED = "ended"


BEFORE_ANSWER = frozenset({CallState.PLACED, CallState.RINGING, CallState.CANCELLING})
UNANSWERED = BEFORE_ANSWER | {CallState.COMMITTING}
RECALLABLE = UNANSWERED | {CallState.PREVIEW}
"""Nobody has answered: the call can still be made not to be, once the minimum ring is over."""
UNHEARD = (UNANSWERED - {CallState.CANCELLING}) | {CallState.ANSWERED, CallState.CONNECTING}
"""A telephone rings, or somebody has answered and heard nobody yet."""
WITH_MACHINE = frozenset({CallState.LISTENING, CallState.VOICEMAIL})
LIVE = WITH_MACHINE | {CallState.ANSWERED, CallState.CONNECTING, CallState.IN_CALL, CallState.MESSAGE}

SHOWN = {
    CallState.PREVIEW: "preview",
    CallState.COMMITTING: "dialling",
    CallState.PLACED: "dialling",
    CallState.RINGING: "ringing",
    CallState.CANCELLING: "ringing",
    CallState.ANSWERED: "answered",
    CallState.CONNECTING: "answered",
    CallState.IN_CALL: "in call",
    CallState.MESSAGE: "message",
    CallState.LISTENING: "machine",
    CallState.VOICEMAIL: "voicemail",
    CallState.ENDING: "answered",
    CallState.ENDED: "answered",
}


MOVES = frozenset({"state", "agent", "verdict", "ringing_at"})
"""Fields that tell how far a call has come, as far as the pacing is concerned."""


@dataclass(slots=True)
class Call:
    """All that the dialler knows of one attempt while it lives. Times are monotonic seconds; None: it has not come to
    that."""

    moved: "dict[str, Call] | None" = field(init=False, repr=False, compare=False, default=None)
    """Where a call that is up enters itself, by `call_ref`, whenever one of its `MOVES` is set (`Shift.moved`)."""
    position: int = field(init=False, repr=False, compare=False, default=0)
    """Among the calls of its campaign, in the order in which they came up."""
    attempt: DialAttempt
    lead: Lead
    """As it was before this attempt."""
    begun_at: float
    state: CallState = CallState.COMMITTING
    timer: float | None = None
    unwanted: bool = False
    """Suppressed or asked to end before the answer: cancelled as soon as the minimum ring allows."""
    placed_at: float | None = None
    ringing_at: float | None = None
    """Of the first 18x; of the first 180 once there is one."""
    alerted: bool = False
    """A 180 has come: a telephone rings. A 183 alone may be an announcement, or the network's own tone."""
    answered_at: float | None = None
    answered_wall: datetime | None = None
    """The call counts for the day of this moment."""
    speech_at: float | None = None
    greeting_end_at: float | None = None
    """Under rules that count from it: the two-second rule has this clock alone."""
    guaranteed: bool = False
    """Dialled with an agent reserved for it."""
    agent: str = ""
    """Reserved for, being connected to, or in this call."""
    connected_at: float | None = None
    """When the present agent was asked for."""
    heard_at: float | None = None
    """When the present agent was heard."""
    served: bool = False
    """An agent has been heard in this call."""
    message_heard: bool = False
    clip: str = ""
    """Played last to the callee, in place of an agent."""
    verdict: Verdict = Verdict.NONE
    """In force: the last one that was believed."""
    cause: Cause = Cause.NONE
    findings: int = 0
    """Verdicts and corrections so far, believed or not."""
    machine: bool = False
    """Taken from the agents, and ended, because of a verdict that nobody is there."""
    review_rank: float = 0.0
    """Drawn when that verdict came."""
    person_at: float | None = None
    """When somebody was heard after all: from here on the two-second rule has this clock alone."""
    beeped: bool = False
    """A machine's beep has been heard: the message is begun, or begun anew, after it."""
    message_left: bool = False
    counted_live: bool = False
    abandoned: bool = False
    in_channel_report: bool = False
    """The last figure of free channels already takes this call into account."""
    ended_at: float | None = None
    disposition: Disposition | None = None
    """Chosen by the agent."""
    callback_at: datetime | None = None
    callback_agent: str = ""
    """Who has promised the callback; empty: anybody's."""

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in MOVES and self.moved is not None:
            self.moved[self.attempt.call_ref] = self

    def deadline(self, two_second_rule_s: float) -> float:
        """When an agent or else the message must be heard: the stricter of the two clocks, of 200 OK and of speech, or
        that of the greeting's end."""
        assert self.answered_at is not None
        if self.person_at is not None:
            return self.person_at + two_second_rule_s
        if self.greeting_end_at is not None:
            return self.greeting_end_at + two_second_rule_s
        first = self.answered_at if self.speech_at is None else min(self.answered_at, self.speech_at)
        return first + two_second_rule_s
