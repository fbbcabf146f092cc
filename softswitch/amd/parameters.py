"""What each operating point waits for before it says HUMAN or MACHINE; times in ms, shares 0 to 1.

The numbers themselves stand in bench/amd_train.py, which tries them on clips that the networks had not heard, and lie
with the weights.
"""

from typing import NamedTuple


class Threshold(NamedTuple):
    """Where a point's numbers stand in its row of `weights.points_in_force`."""

    machine: int = 0
    """MACHINE from this share of all machines' classes, ..."""
    machine_steps: int = 1
    """... for so many steps of 20 ms in a row."""
    patience_ms: int = 2
    """HUMAN at the earliest after so much silence, ..."""
    person: int = 3
    """... from this share of the person, ..."""
    person_fall: int = 4
    """... which falls by so much a second of silence, ..."""
    person_least: int = 5
    """... though not below this."""
    latest_ms: int = 6
    """After so much silence `person_latest` is enough."""
    person_latest: int = 7
    corrected: int = 8
    """The share of the machines' classes that corrects a HUMAN."""
    ended: int = 9
    """The greeting counts as ended from this share, though a loud room may go on."""
    span_ms: int = 10
    """No MACHINE for going on before a voice has gone on for so long, ..."""
    spoken: int = 11
    """... and was heard for this share of it."""


THRESHOLD = Threshold()
THRESHOLDS = len(THRESHOLD)

LIMIT_MS = 1800.0
"""So long after the greeting the time for doubt is over: an agent must be heard within 2 s of it (Ofcom; 16 CFR
310.4(b)(4)(iii))."""
INITIAL_SILENCE_MS = 4000.0
"""No speech for so long: SILENCE. People begin within 2.5 s (corpus)."""
TOTAL_MS = 8000.0
"""The time for deciding is over, somebody speaks still or a room is loud: NOTSURE."""
LISTEN_ON_MS = 12000.0
"""After HUMAN or NOTSURE, a beep or speech that runs on corrects the verdict for so long."""
RESUMED_MS = 1500.0
"""Speech that goes on so soon after HUMAN is no answer to the agent, who must first be connected and speak. The longest
pauses of the network's announcements are 1.6 s (corpus), and HUMAN is said in the midst of them."""
GREETING_MS = 60000.0
"""After MACHINE, the beep and the greeting's end are waited for until so long after the answer."""
GREETING_PAUSE_MS = 1600.0
"""Silence that ends a machine's greeting. 95 of 100 recorded greetings pause for less than 810 ms, the network's
announcements for up to 1.6 s (corpus)."""
REPENT_MS = 3000.0
"""For so long after MACHINE the network may find that it was a person."""
REPENT_SHARE = 0.95
CLEAR_SHARE = 0.9
CLEAR_STEPS = 20
"""A fax or a tone that the network alone hears must be clear for so many steps in which it sounds."""
SOUNDING_DB = 15.0
"""What is fainter than this under the loudest so far is a pause: a click on a dead line is no tone."""
EARLIEST_BEEP_MS = 800.0
"""No beep so soon after the answer: it is a note or a vowel, for machines greet first (in 1.5 s at least: corpus)."""
LATE_PERSON = 0.95
"""After dead air or a tone, HUMAN needs at least this share: what breaks a silence is often a click or a breath."""
