"""One clip under the magnifying glass: what was measured, held likely and said at each 10 ms of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from softswitch.amd import model, tone_kinds, tones
from softswitch.amd.evaluate import Event
from softswitch.amd.features import BLOCK, BLOCK_MS, FLOOR_DBOV, HANN, POWER_SCALE, WINDOW
from softswitch.amd.state import FEATURES, State, new_states, reset
from softswitch.amd.timing import MIDDLE
from softswitch.amd.verdict import Cause, OperatingPoint, Verdict

Floats = npt.NDArray[np.float64]

OUTPUTS = ("person", "voicemail", "menu", "announcement", "fax", "nothing", "tone", "screening", "greeting over")
"""What the second network says after each step: shares of the classes, and whether the greeting has ended."""
TONE_NAMES = {
    tone_kinds.BEEP: "beep",
    tone_kinds.RINGBACK: "ringback",
    tone_kinds.BUSY: "busy",
    tone_kinds.DIAL_TONE: "dial tone",
    tone_kinds.SIT: "SIT",
    tone_kinds.FAX: "fax tone",
    tone_kinds.DTMF: "key",
}
FLAG_NAMES = {
    model.SPEECH_STARTED: "speech started",
    model.VERDICT_REACHED: "verdict",
    model.VERDICT_CORRECTED: "corrected",
    model.BEEP_HEARD: "beep ended: a message may begin",
    model.GREETING_ENDED: "greeting ended: a message may begin",
}
_BAND = slice(6, 79)  # 190 to 2,440 Hz


@dataclass(frozen=True, slots=True)
class Trace:
    """A clip as the detector heard it, 10 ms a row."""

    title: str
    ms: Floats
    """(n,) audio time at each block's end."""
    spectra: Floats
    """(n, 128) power."""
    level_dbov: Floats
    """(n,) in the speech band."""
    speaking: npt.NDArray[np.bool_]
    """(n,) whether the detector heard the foreground's voice."""
    likelihoods: dict[str, Floats]
    """Class -> (n,) from 0 to 1."""
    tones: tuple[tuple[float, float, str], ...]
    """Start and end in ms, and name, of what the tone listener told."""
    events: tuple[Event, ...]
    features: dict[str, float]
    """What the verdict in force was founded on."""

    @property
    def verdicts(self) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event.flags & model.VERDICT_REACHED)

    @staticmethod
    def names_of(event: Event) -> list[str]:
        """What the event's flags say, in words."""
        return [name for flag, name in FLAG_NAMES.items() if event.flags & flag]


def spectra_of(pcm: npt.NDArray[np.int16]) -> Floats:
    """(blocks, 128) power spectra of the windows that end with each 10 ms of the samples."""
    padded = np.concatenate([np.zeros(WINDOW - BLOCK), pcm]).astype(np.float32)
    at = np.arange(len(pcm) // BLOCK)[:, None] * BLOCK + np.arange(WINDOW)[None]
    transform = np.fft.rfft(padded[at] * HANN, axis=1)[:, : WINDOW // 2]
    return np.asarray(transform.real**2 + transform.imag**2, np.float32)


def levels_of(spectra: Floats) -> Floats:
    """(blocks,) dBov in the speech band, at least `FLOOR_DBOV`."""
    return 10 * np.log10(np.maximum(spectra[:, _BAND].sum(axis=1) * POWER_SCALE, 10 ** (FLOOR_DBOV / 10)))


def tones_in(spectra: Floats) -> tuple[tuple[float, float, str], ...]:
    """Start and end in ms, and name, of all that the tone listener tells; the start is that of the proving line."""
    record = np.zeros(1, tones.TONES)[0]
    tones.reset(record)
    told = []
    for block, level in enumerate(levels_of(spectra)):
        name = tones.follow(record, spectra[block], level)
        if name != tone_kinds.NONE:
            end = BLOCK_MS * (block + 1)
            line = record["lines"]["line"]
            starts = [BLOCK_MS * one["start"] for one in line if one["named"] == name and one["on"]]
            told.append((min(starts, default=end - 120.0), end, TONE_NAMES[name]))
    return tuple(told)


def is_speaking(state: State) -> bool:
    """Whether the foreground's voice was heard in the last 30 ms."""
    last_s = float(state["network"]["timing"]["last"][MIDDLE])
    return last_s > 0.0 and float(state["clock_ms"]) / 1000.0 - last_s < 0.03


def listen(pcm: npt.NDArray[np.int16], title: str = "", point: OperatingPoint = OperatingPoint.BALANCED) -> Trace:
    """Feed a clip in packets of 10 ms, and keep what the detector knew after each.

    pcm: (m,) int16 at 8 kHz.
    """
    states = new_states(1)
    reset(states, 0, int(point))
    state = states[0]
    count = len(pcm) // BLOCK
    heard = np.zeros((count, len(OUTPUTS)))
    speaking = np.zeros(count, np.bool_)
    events = []
    for block in range(count):
        end = (block + 1) * BLOCK
        flags = int(model.receive_frame(states, 0, pcm[end - BLOCK : end], end / 8.0))
        heard[block] = state["network"]["outputs"]
        speaking[block] = is_speaking(state)
        if flags:
            verdict, cause = Verdict(int(state["verdict"])), Cause(int(state["cause"]))
            events.append(Event(end / 8.0, flags, verdict, cause, float(state["probability"])))
    spectra = spectra_of(pcm)
    return Trace(
        title=title,
        ms=BLOCK_MS * np.arange(1, count + 1, dtype=np.float64),
        spectra=spectra,
        level_dbov=levels_of(spectra),
        speaking=speaking,
        likelihoods={name: heard[:, index] for index, name in enumerate(OUTPUTS)},
        tones=tones_in(spectra),
        events=tuple(events),
        features=dict(zip(FEATURES, map(float, state["features"]), strict=True)),
    )
