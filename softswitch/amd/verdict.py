"""What answering-machine detection concludes, and why."""

from enum import IntEnum


class Verdict(IntEnum):
    """Also exported to dialplans as AMDSTATUS, by name."""

    NONE = 0
    HUMAN = 1
    MACHINE = 2
    NOTSURE = 3
    HANGUP = 4


class Cause(IntEnum):
    """Why a verdict was reached; exported as AMDCAUSE, by name."""

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
