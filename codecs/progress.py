"""Call-progress tones of the United Kingdom and the United States: their names, and their sound at 8 kHz.

Sources: ITU-T E.180/Q.35 and its Supplement 2; BT SIN 350 (UK); Telcordia GR-506 and SR-2275 (US, and the special
information tones whose pitch and length tell the cause); ITU-T T.30 §4 (fax).
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
from softswitch.codecs.tones import RATE_HZ, amplitude_at

from softswitch.errors import UsageError

Samples = npt.NDArray[np.int16]

ZERO_DBM0_DBOV = -6.18  # ITU-T G.711: the loudest sine, at -3.01 dBov, is at +3.17 dBm0
RAMP_MS = 2


class Tone(IntEnum):
    """What a line says by tones; the numbers are used in shared arrays."""

    NONE = 0
    DIAL = 1
    RINGBACK = 2
    BUSY = 3
    CONGESTION = 4
    """All trunks busy: path engaged (UK), reorder (US)."""
    UNOBTAINABLE = 5
    FAX_CALLING = 6
    """CNG: half a second of 1,100 Hz every three and a half."""
    FAX_ANSWER = 7
    """CED, 2,100 Hz; ANSam too."""
    BEEP = 8
    """One short tone, then quiet: as answering machines give."""
    SIT = 9
    """Special information tone as ITU-T E.180 §5 has it; the cause is not told."""
    SIT_INTERCEPT = 10
    SIT_VACANT_CODE = 11
    SIT_REORDER = 12
    SIT_NO_CIRCUIT = 13
    SIT_REORDER_DISTANT = 14
    """Reorder in another carrier's network (inter-LATA)."""
    SIT_NO_CIRCUIT_DISTANT = 15
    SIT_INEFFECTIVE = 16
    SIT_RESERVED = 17


@dataclass(frozen=True, slots=True)
class Cadence:
    """One cycle of a tone."""

    steps: tuple[tuple[tuple[float, ...], int], ...]
    """Frequencies in Hz, none for silence, and how long in ms."""
    repeats: bool = True

    @property
    def duration_ms(self) -> int:
        return sum(duration for _, duration in self.steps)


SIT_LOW_HZ, SIT_HIGH_HZ = (913.8, 1370.6), (985.2, 1428.5)
SIT_LAST_HZ = 1776.7
SIT_SHORT_MS, SIT_LONG_MS = 274, 380
# Which of the first two tones are high, and which long (GR-1162, table 9-1)
SIT_CODES = {
    Tone.SIT_INTERCEPT: ((False, False), (False, False)),
    Tone.SIT_VACANT_CODE: ((True, False), (True, False)),
    Tone.SIT_REORDER: ((False, True), (False, True)),
    Tone.SIT_NO_CIRCUIT: ((True, True), (True, True)),
    Tone.SIT_REORDER_DISTANT: ((True, False), (False, True)),
    Tone.SIT_NO_CIRCUIT_DISTANT: ((False, False), (True, True)),
    Tone.SIT_INEFFECTIVE: ((False, True), (True, False)),
    Tone.SIT_RESERVED: ((True, True), (False, False)),
}


def _special_information(tone: Tone) -> Cadence:
    highs, longs = SIT_CODES[tone]
    steps = [
        (((SIT_HIGH_HZ if high else SIT_LOW_HZ)[index],), SIT_LONG_MS if long else SIT_SHORT_MS)
        for index, (high, long) in enumerate(zip(highs, longs, strict=True))
    ]
    return Cadence((*steps, ((SIT_LAST_HZ,), SIT_LONG_MS)), repeats=False)


EVERYWHERE = {
    Tone.FAX_CALLING: Cadence((((1100.0,), 500), ((), 3000))),
    Tone.FAX_ANSWER: Cadence((((2100.0,), 3000),), repeats=False),
    Tone.BEEP: Cadence((((1000.0,), 400),), repeats=False),
    Tone.SIT: Cadence((((950.0,), 330), ((1400.0,), 330), ((1800.0,), 330), ((), 1000))),
    **{tone: _special_information(tone) for tone in SIT_CODES},
}
PLANS: dict[str, dict[Tone, Cadence]] = {
    "UK": {
        Tone.DIAL: Cadence((((350.0, 440.0), 1000),)),
        Tone.RINGBACK: Cadence((((400.0, 450.0), 400), ((), 200), ((400.0, 450.0), 400), ((), 2000))),
        Tone.BUSY: Cadence((((400.0,), 375), ((), 375))),
        Tone.CONGESTION: Cadence((((400.0,), 400), ((), 350), ((400.0,), 225), ((), 525))),
        Tone.UNOBTAINABLE: Cadence((((400.0,), 1000),)),
        **EVERYWHERE,
    },
    "US": {
        Tone.DIAL: Cadence((((350.0, 440.0), 1000),)),
        Tone.RINGBACK: Cadence((((440.0, 480.0), 2000), ((), 4000))),
        Tone.BUSY: Cadence((((480.0, 620.0), 500), ((), 500))),
        Tone.CONGESTION: Cadence((((480.0, 620.0), 250), ((), 250))),
        **EVERYWHERE,
    },
}
"""By country; a country without a number-unobtainable tone says it with SIT and words."""


def cadence(tone: Tone, plan: str) -> Cadence:
    """A tone's frequencies and times; UsageError for a country that is not known, or a tone that it has not."""
    if plan not in PLANS:
        raise UsageError(f"tones are known for {' and '.join(PLANS)}, not for {plan!r}")
    if tone not in PLANS[plan]:
        raise UsageError(
            f"there is no tone {tone.name} in the {plan} plan; it has {', '.join(other.name for other in PLANS[plan])}"
        )
    return PLANS[plan][tone]


def sound(tone: Tone, plan: str, duration_ms: int | None = None, level_dbm0: float = -13.0) -> Samples:
    """A tone as heard: one cycle of it, which can be looped, or as many as a duration holds; (8 × ms,) int16.

    level_dbm0: of a burst, its frequencies together.  A tone that does not repeat is followed by silence.  UsageError
    as for `cadence`.
    """
    plain = cadence(tone, plan)
    cycle = np.concatenate([_burst(frequencies, ms, level_dbm0, plain) for frequencies, ms in plain.steps])
    if duration_ms is None:
        return cycle
    size = duration_ms * RATE_HZ // 1000
    if plain.repeats:
        return np.resize(cycle, size)
    return np.concatenate([cycle, np.zeros(max(0, size - cycle.size), np.int16)])[:size]


def _burst(frequencies_hz: tuple[float, ...], duration_ms: int, level_dbm0: float, plain: Cadence) -> Samples:
    times = np.arange(duration_ms * RATE_HZ // 1000) / RATE_HZ
    wave = np.zeros(times.size)
    for frequency_hz in frequencies_hz:
        share_db = 10 * np.log10(len(frequencies_hz))
        wave += amplitude_at(level_dbm0 + ZERO_DBM0_DBOV - share_db) * np.sin(2 * np.pi * frequency_hz * times)
    if len(plain.steps) > 1 or not plain.repeats:  # a continuous tone joins itself without a seam
        ramp = RAMP_MS * RATE_HZ // 1000
        rise = np.arange(ramp) / ramp
        wave[:ramp] *= rise
        wave[-ramp:] *= rise[::-1]
    return np.clip(np.round(wave), -32768, 32767).astype(np.int16)
