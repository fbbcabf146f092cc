"""Loss concealment: no clicks, in phase, fading; against a NumPy twin that keeps whole pitch buffers."""

from pathlib import Path

import numpy as np
import pytest
from softswitch.codecs import conceal as c

from softswitch.errors import UsageError

VOICES = Path(__file__).resolve().parents[3] / "shared" / "voices"
RATES = [8000, 16000]


class Twin:
    """Appendix I in plain NumPy: one float at a time is left to the kernels."""

    def __init__(self, rate):
        self.scale = rate // 8000
        self.history = np.zeros(780)
        self.lost = 0

    def likeness(self, lag, size, stride):
        new = self.history[-size::stride]
        old = self.history[780 - size - lag : 780 - lag : stride]
        return new @ old / np.sqrt(max(old @ old, 250.0))

    def begin(self):
        s = self.scale
        lags = np.arange(40 * s, 120 * s + 1, 2 * s)
        scores = [self.likeness(lag, 160 * s, 2 * s) for lag in lags]
        near = lags[len(lags) - 1 - int(np.argmax(scores[::-1]))]  # the longest of equals
        lags = np.arange(max(40 * s, near - 2 * s + 1), min(120 * s, near + 2 * s - 1) + 1)
        self.pitch = int(lags[int(np.argmax([self.likeness(lag, 160 * s, 1) for lag in lags]))])
        self.source = self.history.copy()
        quarter = self.pitch // 4
        fade = np.arange(quarter, 0, -1) / (quarter + 1)
        ten = 80 * s
        length = 9 * ten
        played = np.resize(self.buffer(1), length)
        played[:quarter] += (self.source[-1] - self.source[-1 - self.pitch]) * fade
        for periods in (2, 3):
            start = (periods - 1) * ten
            phase = self.offset(periods)
            more = np.resize(np.roll(self.buffer(periods), -phase), length - start)
            more[:quarter] = more[:quarter] * fade[::-1] + played[start : start + quarter] * fade
            played = np.concatenate([played[:start], more])
        self.played = played

    def buffer(self, periods):
        """The last periods, their end blended into what precedes them."""
        length, quarter = periods * self.pitch, self.pitch // 4
        buffer = self.source[-length:].copy()
        share = np.arange(1, quarter + 1) / (quarter + 1)
        earlier = self.source[-length - quarter : -length]
        buffer[-quarter:] = buffer[-quarter:] * (1 - share) + earlier * share
        return buffer

    def offset(self, periods):
        ten = 80 * self.scale
        if periods == 2:
            return ten % self.pitch
        return (self.offset(2) + ten) % (2 * self.pitch) % self.pitch

    def gain(self, lost):
        return np.clip(1.2 - 0.2 * lost / (80 * self.scale), 0, 1)

    def remember(self, samples):
        self.history = np.concatenate([self.history, samples])[-780:]

    def conceal(self, size):
        if self.lost == 0:
            self.begin()
        at = np.arange(self.lost, self.lost + size)
        out = np.zeros(size)
        inside = at < self.played.size
        out[inside] = self.played[at[inside]]
        out = np.round(out * self.gain(at))
        self.lost += size
        self.remember(out)
        return out

    def receive(self, samples):
        samples = samples.astype(float)
        if self.lost:
            tens = -(-self.lost // (80 * self.scale))
            length = min(self.pitch // 4 + 32 * self.scale * (tens - 1), 80 * self.scale, samples.size)
            share = np.arange(1, length + 1) / (length + 1)
            gain = self.gain(self.lost)
            tail = self.tail(length) if gain > 0 else np.zeros(length)
            samples[:length] = np.round(samples[:length] * share + gain * tail * (1 - share))
            self.lost = 0
        self.remember(samples)
        return samples

    def tail(self, length):
        """What would have gone on playing, had no period been added."""
        periods = min(3, -(-self.lost // (80 * self.scale)))
        start = (periods - 1) * 80 * self.scale
        phase = self.offset(periods) if periods > 1 else 0
        at = self.lost - start + phase + np.arange(length)
        buffer = self.buffer(periods)
        return buffer[at % buffer.size]


def play(samples, lost_frames, rate, frame=None):
    """The stream as heard, and the twin's, with some frames lost."""
    frame = frame or rate // 50
    state, twin = c.new_concealer(rate), Twin(rate)
    heard, twins = [], []
    for index, start in enumerate(range(0, samples.size - frame + 1, frame)):
        piece = samples[start : start + frame].copy()
        if index in lost_frames:
            c.conceal(state, piece)
            twins.append(twin.conceal(frame))
        else:
            twins.append(twin.receive(piece))
            c.receive(state, piece)
        heard.append(piece)
    return np.concatenate(heard), np.concatenate(twins)


def voiced(rate, pitch_hz=125.0, seconds=1.0, amplitude=6000.0):
    """A vowel-like sound: harmonics to 3.4 kHz that fall off."""
    times = np.arange(int(rate * seconds)) / rate
    count = int(3400 / pitch_hz)
    phases = np.random.default_rng(1).uniform(0, 6.28, count)
    waves = [np.sin(2 * np.pi * pitch_hz * (k + 1) * times + phases[k]) / (k + 1) for k in range(count)]
    total = np.sum(waves, axis=0)
    return np.round(amplitude * total / np.max(np.abs(total))).astype(np.int16)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("lost", [{10}, {10, 11}, {10, 11, 12, 13, 14}, {3, 7, 8, 20, 22, 24}])
def test_concealment_equals_its_numpy_twin(rate, lost):
    noise = np.random.default_rng(4).normal(0, 2000, rate).astype(np.int16)
    for samples in (voiced(rate), voiced(rate, 181.3), noise):
        heard, twin = play(samples, lost, rate)
        assert np.max(np.abs(heard - twin)) <= 1


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frame_ms", [5, 10, 20, 30, 60])
def test_frames_of_any_length_are_made_up_alike(rate, frame_ms):
    samples = voiced(rate)
    frame = rate * frame_ms // 1000
    first = 240 // frame_ms
    heard, _ = play(samples, set(range(first, first + 120 // frame_ms)), rate, frame)
    expected, _ = play(samples, set(range(12, 18)), rate)
    assert np.array_equal(heard[: rate * 36 // 100], expected[: rate * 36 // 100])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("pitch_hz", [80.0, 100.0, 125.0, 160.0, 190.0])
def test_a_periodic_sound_goes_on_in_phase(rate, pitch_hz):
    samples = voiced(rate, pitch_hz)
    heard, _ = play(samples, {20}, rate)
    frame = rate // 50
    first_ten = slice(20 * frame, 20 * frame + frame // 2)
    error = heard[first_ten].astype(float) - samples[first_ten]
    assert np.mean(error**2) < 0.02 * np.mean(samples.astype(float) ** 2)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frequency_hz", [210.0, 440.0, 1000.0, 1633.0])
def test_a_tone_goes_on_without_a_click(rate, frequency_hz):
    samples = np.round(8000 * np.sin(2 * np.pi * frequency_hz * np.arange(rate) / rate)).astype(np.int16)
    for lost in ({20}, {20, 21}, {20, 21, 22, 23, 24, 25}):
        heard, _ = play(samples, lost, rate)
        assert np.max(np.abs(np.diff(heard.astype(int)))) < 1.25 * np.max(np.abs(np.diff(samples.astype(int))))


def steps(samples):
    return np.abs(np.diff(samples.astype(int)))


@pytest.mark.skipif(not VOICES.is_dir(), reason="the voices are not on this machine")
def test_speech_with_losses_holds_no_clicks_and_is_closer_than_silence():
    samples = np.frombuffer((VOICES / "agent-1-opening.wav").read_bytes()[44:], "<i2").astype(np.int16)
    rng = np.random.default_rng(6)
    frames = samples.size // 160
    lost = set(np.flatnonzero(rng.random(frames) < 0.1).tolist()) - {0}
    heard, _ = play(samples, lost, 8000)
    seams = [index * 160 for index in lost] + [(index + 1) * 160 for index in lost if (index + 1) * 160 < heard.size]
    for seam in seams:
        around = slice(max(0, seam - 400), seam + 400)
        assert abs(int(heard[seam]) - int(heard[seam - 1])) <= 1.5 * max(
            steps(heard[around][: seam - around.start - 1]).max(), steps(samples[around]).max(), 50
        )
    gone = samples.copy()
    for index in lost:
        gone[index * 160 : index * 160 + 160] = 0

    def spectral_distance(other):
        def bands(x):
            windows = x[: x.size // 160 * 160].reshape(-1, 160) * np.hanning(160)
            return np.log10(np.abs(np.fft.rfft(windows, axis=1)) + 100)

        return np.mean(np.abs(bands(samples.astype(float)) - bands(other.astype(float))))

    assert spectral_distance(heard) < 0.5 * spectral_distance(gone)


@pytest.mark.parametrize("rate", RATES)
def test_a_long_gap_keeps_its_level_for_ten_milliseconds_and_is_silent_after_sixty(rate):
    samples = voiced(rate)
    heard, _ = play(samples, set(range(20, 30)), rate)
    gap = heard[20 * rate // 50 : 30 * rate // 50].astype(float)
    tens = np.sqrt(np.mean(gap.reshape(-1, rate // 100) ** 2, axis=1)) / np.sqrt(np.mean(samples.astype(float) ** 2))
    expected = np.array([1.0, 0.9, 0.7, 0.5, 0.3, 0.1])
    assert tens[:6] == pytest.approx(expected, abs=0.2)
    assert np.all(np.diff(tens[1:6]) < 0)
    assert not gap[rate * 6 // 100 :].any()


@pytest.mark.parametrize("rate", RATES)
def test_good_frames_pass_untouched_and_the_blend_is_over_within_ten_milliseconds(rate):
    samples = voiced(rate)
    heard, _ = play(samples, {5, 6, 7, 8, 9}, rate)
    frame = rate // 50
    assert np.array_equal(heard[: 5 * frame], samples[: 5 * frame])
    assert np.array_equal(heard[10 * frame + rate // 100 :], samples[10 * frame + rate // 100 :])
    assert abs(int(heard[10 * frame])) < 0.1 * np.max(samples)  # speech fades in from silence


def test_a_loss_before_anything_was_heard_is_silence():
    state = c.new_concealer()
    out = np.full(160, 99, np.int16)
    c.conceal(state, out)
    assert not out.any()
    c.conceal(state, np.zeros(0, np.int16))


def test_full_scale_never_wraps():
    samples = np.where(np.arange(8000) // 37 % 2, 32767, -32768).astype(np.int16)
    heard, twin = play(samples, {10, 12, 13, 20, 21, 22}, 8000)
    assert np.max(np.abs(heard - np.clip(twin, -32768, 32767))) <= 1


def test_hours_of_loss_stay_silent():
    state = c.new_concealer(16000)
    frame = voiced(16000)[:320].copy()
    c.receive(state, frame)
    for _ in range(2000):
        c.conceal(state, frame)
    assert not frame.any()
    assert state["periods"] == 3


def test_other_rates_are_refused():
    with pytest.raises(UsageError, match="16000"):
        c.new_concealer(44100)
