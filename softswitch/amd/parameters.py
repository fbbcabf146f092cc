"""What the detector's verdict depends on: times, levels and shares, each with its origin."""

from typing import NamedTuple


class Parameters(NamedTuple):
    """What the verdict depends on; times in ms, levels in dB or dBov.

    "Tuned" values were searched on the development corpus (820 clips) for few people taken for machines, each half
    checked on the other, then rounded where their neighbourhood is flat. The evaluation set took no part.
    """

    initial_silence_ms: float = 5000.0
    """No speech for so long: NOTSURE. People begin within 2.5 s (corpus); dead air is no proof of a machine."""
    total_ms: float = 8000.0
    """The time for deciding is over."""
    greeting_ms: float = 3850.0
    """Tuned. Speech that runs on for longer is a machine's; business greetings end within 3.4 s (corpus)."""
    clear_db: float = 18.0
    """Tuned. Length and words prove a machine only where the voice stands so far out of its background: a noisy room
    also goes on for long."""
    quiet_ms: float = 900.0
    """Tuned. Silence after speech: somebody waits. 95 of 100 recorded greetings pause for less than 810 ms."""
    onset_ms: float = 50.0
    """Active so long within `onset_window_ms` is speech, less is a click."""
    onset_window_ms: float = 120.0
    word_gap_ms: float = 190.0
    """Tuned. Silence that separates phrases."""
    maximum_words: float = 6.0
    """Tuned. More phrases than this are a machine's."""
    minimum_dbov: float = -52.0
    """Nothing fainter is speech: 16 dB under the faintest voices to be served (-36 dBov)."""
    smooth_ms: float = 70.0
    """Tuned. Time constant of the power average: bridges stops inside a syllable, follows syllables."""
    start_floor_dbov: float = -50.0
    """Tuned. A call cannot open with a louder background than this; what is louder is a voice until it stops."""
    above_floor_db: float = 6.5
    """Tuned."""
    below_peak_db: float = 9.0
    """Tuned. Foreground gate: what is so far under the voice's peaks is background (a second voice, a television)."""
    floor_rise_db_s: float = 6.5
    """Tuned."""
    peak_fall_db_s: float = 1.0
    """Tuned."""
    tone_share: float = 0.9
    """Share of the band's power in one line, or `pair_share` in two, that makes a block tonal."""
    pair_share: float = 0.92
    tone_drift_hz: float = 16.0
    """A steady tone stays within half a bin."""
    tone_ms: float = 90.0
    """Tonal so long is a tone and no vowel."""
    beep_ms: float = 130.0
    """Shortest voicemail beeps in the corpus are 110-140 ms, and the window adds to them."""
    lowest_beep_hz: float = 380.0
    highest_beep_hz: float = 2150.0
    beating_db: float = 2.0
    """Level swing of one line that is really two: 440 + 480 Hz."""
    highest_ringing_hz: float = 640.0
    """Ringing, busy and dial tones have no line above 620 Hz (ITU-T E.180)."""
    signal_ms: float = 240.0
    """Tones above that, before any speech, mean SIT (3 x 274 ms or more, ITU-T E.180), fax or modem."""
    ringing_ms: float = 700.0
    listen_on_ms: float = 12000.0
    """After HUMAN or NOTSURE a beep corrects the verdict for so long."""
    resume_ms: float = 1100.0
    """Speech resumed within so long of a HUMAN verdict is not yet an answer to the agent."""
    resumed_speech_ms: float = 2450.0
    """Tuned. So much of it is a recording that had paused: the longest "Hello? Who is this?" is shorter."""


PARAMETERS = Parameters()
