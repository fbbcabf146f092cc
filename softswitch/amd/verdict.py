"""What answering-machine detection concludes, why, and how cautiously it was told to conclude."""

from enum import IntEnum


class Verdict(IntEnum):
    """Who or what answered. `amd_status` gives the name that dialplans know."""

    NONE = 0
    HUMAN = 1
    MACHINE = 2
    """A voicemail greeting, or a voice menu."""
    NOTSURE = 3
    HANGUP = 4
    FAX = 5
    SILENCE = 6
    """Nothing was said in the time for deciding."""
    TONE = 7
    """Ringback, busy or dial tone in the audio; the cause says which."""
    SCREENING = 8
    """An assistant that asks the caller's name before it puts through."""
    CARRIER = 9
    """The network's announcement, with or without special information tones."""


class Cause(IntEnum):
    """Why a verdict was reached; `amd_cause` gives it as dialplans know it."""

    NONE = 0
    SHORT_GREETING = 1
    """Speech, then silence long enough for a person waiting."""
    LONG_GREETING = 2
    """Speech ran on past what a person says when answering."""
    INITIAL_SILENCE = 3
    BEEP = 4
    TOO_LONG = 5
    """The time for deciding is over."""
    MANY_WORDS = 6
    TONE = 7
    HUNG_UP = 8
    RINGBACK = 9
    BUSY = 10
    DIAL_TONE = 11
    SIT = 12
    """Special information tones (ITU-T E.180)."""
    FAX_TONE = 13
    """CNG or CED (ITU-T T.30)."""
    CLASSIFIER = 14
    """What was said and how it was said, weighed by the network."""
    RESUMED_SPEECH = 15
    """A voice that had paused went on as no listener does."""
    END_OF_GREETING = 16
    """The voice ended as a person's does who waits for an answer."""
    TIME_LIMIT = 17
    """The time of the two-second rule ran out: whoever it is gets an agent."""
    OVERLOADED = 18
    """There was no time to listen: whoever it is gets an agent."""


class OperatingPoint(IntEnum):
    """How sure the detector must be before it calls somebody a machine, and how long it waits before HUMAN."""

    CAREFUL = 0
    """For `amd = "parallel"`: an agent is on the call already, and only near certainty takes it away."""
    BALANCED = 1
    FAST = 2
    """Decides soonest, at the price of more machines that reach agents."""


_STATUS = {
    Verdict.NONE: "",
    Verdict.HUMAN: "HUMAN",
    Verdict.MACHINE: "MACHINE",
    Verdict.NOTSURE: "NOTSURE",
    Verdict.HANGUP: "HANGUP",
    Verdict.FAX: "MACHINE",
    Verdict.SILENCE: "NOTSURE",
    Verdict.TONE: "NOTSURE",
    Verdict.SCREENING: "MACHINE",
    Verdict.CARRIER: "MACHINE",
}

_CAUSE = {
    Cause.SHORT_GREETING: "HUMAN",
    Cause.END_OF_GREETING: "HUMAN",
    Cause.LONG_GREETING: "LONGGREETING",
    Cause.RESUMED_SPEECH: "LONGGREETING",
    Cause.MANY_WORDS: "MAXWORDS",
    Cause.INITIAL_SILENCE: "INITIALSILENCE",
    Cause.TOO_LONG: "TOOLONG",
    Cause.TIME_LIMIT: "TOOLONG",
}


def amd_status(verdict: Verdict) -> str:
    """The verdict as a dialplan's AMDSTATUS: HUMAN, MACHINE, NOTSURE or HANGUP; empty before there is one."""
    return _STATUS[verdict]


def amd_cause(cause: Cause, audio_ms: int) -> str:
    """The cause as a dialplan's AMDCAUSE: a word, a dash, and the audio time in ms, as LONGGREETING-2400.

    Causes that app_amd does not know keep our name, without underscores (BEEP-7300). Empty before there is one.
    """
    if cause is Cause.NONE:
        return ""
    return f"{_CAUSE.get(cause, cause.name.replace('_', ''))}-{audio_ms}"
