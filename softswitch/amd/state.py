"""What the detector knows of a call: one row of an array of `STATE`, and how it stands at the beginning of a call."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd.features import FLOOR_DBOV, WINDOW
from softswitch.amd.verdict import OperatingPoint, Verdict

States = npt.NDArray[np.void]
State = Any  # one row, a record with the fields of `STATE`; NumPy has no static type for it

FEATURES = (
    "onset_ms",  # where the first speech began; NaN before
    "span_ms",  # from the first speech to the last
    "speech_ms",  # of it, voice
    "quiet_ms",  # since the last speech
    "phrases",  # runs of speech
    "level_dbov",  # of the voice
    "floor_dbov",  # of what lies behind it
    *(f"reserved_{number}" for number in range(9)),
)
"""Names of the state's `features`: what the verdict in force was founded on, for the record of the call."""

STATE = np.dtype(
    [
        ("clock_ms", "f8"),  # audio judged so far, silence and gaps included
        ("verdict", "i4"),
        ("cause", "i4"),
        ("decided_ms", "f8"),  # clock at the verdict in force; NaN before
        ("point", "i4"),  # an OperatingPoint
        ("probability", "f4"),  # of the verdict in force, 0 to 1
        ("beep_ms", "f8"),  # clock at the end of the last beep; NaN before
        ("features", "f4", (len(FEATURES),)),  # as they were at the verdict
        ("speech_onset_ms", "f8"),  # clock where the first speech began; NaN before
        ("words", "i4"),
        ("pending", "i4"),  # samples waiting for a whole block
        ("smooth", "f8"),  # averaged power, 1 = 0 dBov
        ("floor_dbov", "f8"),
        ("peak_dbov", "f8"),
        ("recent", "u4"),  # activity of the last 32 blocks, the newest in bit 0
        ("speech_ms", "f8"),  # active blocks since the onset
        ("last_active_ms", "f8"),
        ("resumed_ms", "f8"),  # speech after a HUMAN verdict that began soon enough to be a recording's
        ("tone_hz", "f8"),
        ("pair_hz", "f8"),
        ("run_ms", "f8"),  # length of the present tonal run
        ("run_low_dbov", "f8"),
        ("run_high_dbov", "f8"),
        ("held_ms", "f8"),  # blocks of the run that are speech unless it proves a tone
        ("signal_ms", "f8"),  # steady tones heard before speech, above the ringing band
        ("ringing_ms", "f8"),  # and in it
        ("samples", "f4", (WINDOW,)),
        ("real", "f8", (WINDOW,)),
        ("imaginary", "f8", (WINDOW,)),
    ],
    align=True,
)

LOWEST_FLOOR_DBOV = -62.0  # comfort noise; digital silence is no measure of a line
_NONE = int(Verdict.NONE)
BALANCED = int(OperatingPoint.BALANCED)


def new_states(count: int) -> States:
    """`count` states at the beginning of a call."""
    states: States = np.zeros(count, STATE)
    for index in range(count):
        reset(states, index, BALANCED)
    return states


@njit(cache=True, nogil=True)
def reset(states: States, index: int, point: int) -> None:
    """Put one state back to the beginning of a call.  states: (n,) STATE.  point: an OperatingPoint's number."""
    state = states[index]
    state.clock_ms = 0.0
    state.verdict = _NONE
    state.cause = 0
    state.decided_ms = np.nan
    state.point = point
    state.probability = 0.0
    state.beep_ms = np.nan
    state.features[:] = np.nan
    state.speech_onset_ms = np.nan
    state.words = 0
    state.pending = 0
    state.floor_dbov = LOWEST_FLOOR_DBOV
    state.smooth = 0.0
    state.peak_dbov = FLOOR_DBOV
    state.recent = 0
    state.speech_ms = 0.0
    state.last_active_ms = 0.0
    state.resumed_ms = 0.0
    state.tone_hz = 0.0
    state.pair_hz = 0.0
    state.run_ms = 0.0
    state.run_low_dbov = 0.0
    state.run_high_dbov = 0.0
    state.held_ms = 0.0
    state.signal_ms = 0.0
    state.ringing_ms = 0.0
    state.samples[:] = 0.0
