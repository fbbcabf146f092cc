"""What the detector knows of a call: one row of an array of `STATE`, and how it stands at the beginning of a call."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd import network, tones
from softswitch.amd.features import BANDS, WINDOW
from softswitch.amd.network import NETWORK
from softswitch.amd.tones import TONES
from softswitch.amd.verdict import OperatingPoint, Verdict

States = npt.NDArray[np.void]
State = Any  # one row, a record with the fields of `STATE`; NumPy has no static type for it

FEATURES = (
    "onset_ms",  # where the first speech began; NaN before
    "span_ms",  # from there to the last speech
    "speech_ms",  # of it, voice
    "quiet_ms",  # since the last speech
    "phrases",  # parted by 160 ms or more
    "longest_pause_ms",
    "voice_dbov",
    "room_dbov",  # what lies behind the voice
    "person",  # shares of the classes, 0 to 1
    "voicemail",
    "menu",
    "announcement",
    "screening",
    "fax_or_tone",
    "nothing",
    "ended",  # likelihood that the greeting is over
)
"""Names of the state's `features`: what the verdict in force was founded on, for the record of the call."""

STATE = np.dtype(
    [
        ("clock_ms", "f8"),  # audio judged so far, silence and gaps included
        ("verdict", "i4"),
        ("cause", "i4"),
        ("point", "i4"),  # an OperatingPoint
        ("probability", "f4"),  # of the verdict in force, 0 to 1
        ("decided_ms", "f8"),  # clock at the verdict in force; NaN before
        ("speech_onset_ms", "f8"),  # clock where the first speech began; NaN before
        ("beep_ms", "f8"),  # clock at the end of the last beep; NaN before
        ("features", "f4", (len(FEATURES),)),  # as they were at the verdict; NaN before
        ("pending", "i4"),  # samples waiting for a whole block
        ("blocks", "i4"),  # blocks waiting for a whole step
        ("machine_steps", "i4"),  # in a row, sure enough of a machine
        ("corrected_steps", "i4"),  # in a row, sure enough to correct a HUMAN
        ("clear_steps", "i4"),  # in a row, clearly a fax
        ("tonal_steps", "i4"),  # in a row, clearly a tone
        ("ended_ms", "f4"),  # for so long the greeting has been over, as the network judges
        ("resumed", "i4"),  # 1: speech went on too soon after HUMAN for an answer; -1: late enough; 0: not yet
        ("greeting_over", "i4"),  # GREETING_ENDED was told
        ("tonal", "f4"),  # of the step under way
        ("bands", "f4", (BANDS,)),
        ("network", NETWORK),
        ("tones", TONES),
        ("samples", "i2", (WINDOW,)),
    ],
    align=True,
)

_NONE = int(Verdict.NONE)
BALANCED = int(OperatingPoint.BALANCED)


def new_states(count: int, point: OperatingPoint = OperatingPoint.BALANCED) -> States:
    """`count` states at the beginning of a call."""
    states: States = np.zeros(count, STATE)
    for index in range(count):
        reset(states, index, int(point))
    return states


@njit(cache=True, nogil=True)
def reset(states: States, index: int, point: int) -> None:
    """Put one state back to the beginning of a call.  states: (n,) STATE.  point: an OperatingPoint's number."""
    state = states[index]
    state.clock_ms = 0.0
    state.verdict = _NONE
    state.cause = 0
    state.point = point
    state.probability = 0.0
    state.decided_ms = np.nan
    state.speech_onset_ms = np.nan
    state.beep_ms = np.nan
    state.features[:] = np.nan
    state.pending = 0
    state.blocks = 0
    state.machine_steps = 0
    state.corrected_steps = 0
    state.clear_steps = 0
    state.tonal_steps = 0
    state.ended_ms = 0.0
    state.resumed = 0
    state.greeting_over = 0
    state.tonal = 0.0
    state.bands[:] = 0.0
    state.samples[:] = 0
    network.reset(state.network)
    tones.reset(state.tones)
