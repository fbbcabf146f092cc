"""What the detector of answering machines tells of a call, and what its verdicts mean to the dialler.

| verdict | an agent who is on the call | nobody is on it | the call ends as |
|---|---|---|---|
| HUMAN, NOTSURE | stays | is connected | what the agent says |
| SCREENING | stays, and says who calls | is connected, at once | what the agent says, else `screened` |
| SILENCE | stays | is connected | what the agent says, else `silence` |
| MACHINE | is freed | | `machine`, or `voicemail` once the message is left |
| FAX, CARRIER | is freed | | `fax`, `announcement` |
| TONE | is freed; ringing is heard out to the minimum ring | | `tone` |

Whoever may be a person keeps the agent: a silent line may be somebody who waits for a word, and behind an assistant
somebody reads along.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.attempt import Disposition


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict, or a correction of the one before."""

    verdict: Verdict
    cause: Cause
    audio_ms: int
    """Of the callee, heard until then."""
    probability: float | None = None
    """Of the verdict, 0-1."""
    greeting_s: float | None = None
    """From the first voice to the end of a greeting that is complete; None while it goes on, or where nobody spoke."""


PHRASES_PARTED_BY_MS = 160.0
"""Less quiet than this is a breath within a phrase (`amd.state.FEATURES`)."""


def completed_greeting_s(features: Mapping[str, float | None]) -> float | None:
    """From the first voice to the end of the callee's greeting; None where nobody spoke, or somebody still does.

    features: what a verdict was founded on, by the names of `amd.state.FEATURES`. Where the callee speaks again after
    the pause, the greeting ended later than this says, and the clock that starts here is the stricter one.
    """
    span_ms, quiet_ms = features.get("span_ms"), features.get("quiet_ms")
    if span_ms is None or quiet_ms is None or not quiet_ms >= PHRASES_PARTED_BY_MS or not span_ms > 0:
        return None
    return span_ms / 1000.0


NOBODY_THERE = frozenset({Verdict.MACHINE, Verdict.FAX, Verdict.TONE, Verdict.CARRIER})
"""Verdicts that free the agent and end the call."""
SOMEBODY_THERE = frozenset({Verdict.HUMAN, Verdict.SCREENING})
"""Verdicts that bring an agent to a call that was taken for a machine's."""
GREETED = frozenset({Verdict.HUMAN, Verdict.NOTSURE})
"""Verdicts after which a greeting that is complete is a person's, and the two-second rule may run from its end."""
ENDED_AS = {
    Verdict.MACHINE: Disposition.MACHINE,
    Verdict.FAX: Disposition.FAX,
    Verdict.TONE: Disposition.TONE,
    Verdict.CARRIER: Disposition.ANNOUNCEMENT,
}
"""What a call comes to that a verdict ended."""


def ended_as(verdict: str) -> Disposition:
    """The same by the verdict's name."""
    return (
        ENDED_AS.get(Verdict[verdict], Disposition.MACHINE) if verdict in Verdict.__members__ else Disposition.MACHINE
    )


UNTOLD = {Verdict.SILENCE: Disposition.SILENCE, Verdict.SCREENING: Disposition.SCREENED}
"""What a call with an agent comes to of which the agent said nothing."""


class Truth(StrEnum):
    """What a reviewer heard in the recording of a call that a verdict ended."""

    PERSON = "person"
    MACHINE = "machine"
    """Or a fax, a tone, an announcement: nobody."""
    CANNOT_TELL = "cannot tell"


REVIEWS_COUNT_FOR_DAYS = 30
"""Older reviews say little of today's lists and of today's detector."""
