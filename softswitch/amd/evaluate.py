"""One labelled clip through the detector, packet by packet as the media plane feeds it: what it said, and when.

What the sayings of many clips amount to is worked out in `figures`.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd import model
from softswitch.amd.network import ANNOUNCEMENT, MENU, SCREENING, VOICEMAIL
from softswitch.amd.state import State, new_states, reset
from softswitch.amd.verdict import Cause, OperatingPoint, Verdict

States = npt.NDArray[np.void]
Samples = npt.NDArray[np.int16]

PEOPLE = ("HUMAN", "HUMAN_BUSINESS")
MACHINES = ("MACHINE", "IVR", "CARRIER")
"""Whatever speaks and is no person."""
SIGNALS = ("SILENCE", "FAX", "RINGBACK")
RELEASING = frozenset({Verdict.MACHINE, Verdict.FAX, Verdict.TONE, Verdict.SCREENING, Verdict.CARRIER})
"""Verdicts on which a call is taken from the agents: on a person each of them is an abandoned call."""
HANDING_OVER = frozenset({Verdict.HUMAN, Verdict.NOTSURE})
"""Verdicts on which a call goes to an agent."""
AFTER_BEEP_MS = 500.0
"""A beep told so long after its end is that beep; a message that begins later loses its first words."""
MOST_EVENTS = 64


@dataclass(frozen=True, slots=True)
class Clip:
    """One answered call as it sounds from the 200 OK on, with the truth about it."""

    name: str
    label: str
    """HUMAN, HUMAN_BUSINESS, MACHINE, IVR, CARRIER, FAX, SILENCE or RINGBACK."""
    pcm: Samples
    """8 kHz."""
    speech_onset_ms: float | None = None
    greeting_end_ms: float | None = None
    """Of the first utterance or of the greeting."""
    beep_ms: tuple[float, float] | None = None
    """Start and end."""
    traits: dict[str, str] = field(default_factory=dict)
    """What the folder tells besides: snr_db, noise, codec, chain, language, ..."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that the detector said."""

    ms: float
    """Audio time since the answer, at the end of the packet that it followed."""
    flags: int
    verdict: Verdict
    cause: Cause
    probability: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What the detector made of one clip, at one operating point."""

    clip: Clip
    point: OperatingPoint
    events: tuple[Event, ...]
    onset_ms: float
    """Where it heard the first speech begin; NaN for nowhere."""
    shares: npt.NDArray[np.float32]
    """(packets,) how likely it held a machine to be after each packet, 0 to 1."""

    @property
    def name(self) -> str:
        return self.clip.name

    @property
    def label(self) -> str:
        return self.clip.label

    @property
    def verdicts(self) -> tuple[Event, ...]:
        """The verdict and its corrections, in order."""
        return tuple(event for event in self.events if event.flags & model.VERDICT_REACHED)

    @property
    def first(self) -> Event | None:
        return self.verdicts[0] if self.verdicts else None

    @property
    def verdict(self) -> Verdict:
        """In force when the clip ended."""
        return self.verdicts[-1].verdict if self.verdicts else Verdict.NONE

    @property
    def first_verdict(self) -> Verdict:
        """Before any correction."""
        return self.first.verdict if self.first else Verdict.NONE

    def first_of(self, wanted: frozenset[Verdict]) -> float:
        """When one of these verdicts was first in force; infinite for never."""
        return next((event.ms for event in self.verdicts if event.verdict in wanted), math.inf)

    @property
    def beeps_ms(self) -> tuple[float, ...]:
        return tuple(event.ms for event in self.events if event.flags & model.BEEP_HEARD)

    @property
    def heard_its_beep(self) -> bool:
        """Whether the labelled beep was told, no later than `AFTER_BEEP_MS` after its end."""
        if self.clip.beep_ms is None:
            return False
        start, end = self.clip.beep_ms
        return any(start < ms <= end + AFTER_BEEP_MS for ms in self.beeps_ms)


@njit(cache=True, nogil=True)
def machine_share(state: State) -> float:
    """How likely the detector holds a machine to be, 0 to 1, whatever verdict stands."""
    outputs = state.network.outputs
    share: float = outputs[VOICEMAIL] + outputs[MENU] + outputs[ANNOUNCEMENT] + outputs[SCREENING]
    return share


@njit(cache=True, nogil=True)
def stream(
    states: States,
    index: int,
    pcm: Samples,
    samples: int,
    told: npt.NDArray[np.float64],
    shares: npt.NDArray[np.float32],
) -> int:
    """Feed a clip in packets, and write down all that is said.

    states: (n,) STATE, row `index` reset.  pcm: (m,) int16.  samples: of a packet.
    told: (k, 5) float64, filled with audio ms, flags, verdict, cause, probability.
    shares: (m // samples,) float32, filled with the likelihood of a machine after each packet.
    Returns the number of events; those beyond k are lost.
    """
    count = 0
    state = states[index]
    for packet in range(pcm.size // samples):
        end = (packet + 1) * samples
        flags = model.receive_frame(states, index, pcm[end - samples : end], end / 8.0)
        shares[packet] = machine_share(state)
        if flags != 0 and count < told.shape[0]:
            told[count, 0] = end / 8.0
            told[count, 1] = flags
            told[count, 2] = state.verdict
            told[count, 3] = state.cause
            told[count, 4] = state.probability
            count += 1
    return count


def decide(clip: Clip, point: OperatingPoint = OperatingPoint.BALANCED, frame_ms: int = 20) -> Decision:
    """Stream one clip in packets of `frame_ms` through a state of its own."""
    states = new_states(1)
    reset(states, 0, int(point))
    samples = frame_ms * 8
    told = np.zeros((MOST_EVENTS, 5))
    shares = np.zeros(len(clip.pcm) // samples, np.float32)
    count = stream(states, 0, clip.pcm, samples, told, shares)
    events = tuple(
        Event(ms, int(flags), Verdict(int(verdict)), Cause(int(cause)), probability)
        for ms, flags, verdict, cause, probability in told[:count].tolist()
    )
    return Decision(clip, point, events, float(states[0]["speech_onset_ms"]), shares)
