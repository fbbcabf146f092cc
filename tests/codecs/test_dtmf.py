"""Keys in the voice band: Q.24's tolerances, a NumPy twin, and hours of speech without a false key."""

import itertools
import struct
from pathlib import Path

import numpy as np
import pytest
from softswitch.codecs import dtmf, g711

from softswitch.errors import UsageError
from tests.codecs.waves import wave

SHARED = Path(__file__).resolve().parents[3] / "shared"
KEYS = dtmf.KEYS
ZERO_DBM0_DBOV = -6.18  # ITU-T G.711: a sine at full scale is +3.17 dBm0


def keys_in(samples, frame=160, state=None):
    state = dtmf.new_detector() if state is None else state
    codes = [dtmf.receive_frame(state, samples[i : i + frame]) for i in range(0, samples.size, frame)]
    return "".join(KEYS[code] for code in codes if code >= 0)


def pair(key, tone_ms=50.0, level_dbm0=-10.0, twist_db=0.0, row_off=0.0, column_off=0.0, phase=0.0):
    """A key's tones as floats; twist is how much stronger the column is."""
    times = np.arange(round(8 * tone_ms)) / 8000
    code = KEYS.index(key)
    row = dtmf.ROWS_HZ[dtmf.KEY_ROWS[code]] * (1 + row_off)
    column = dtmf.COLUMNS_HZ[dtmf.KEY_COLUMNS[code]] * (1 + column_off)
    peak = 32768 * np.sqrt(2) * 10 ** ((level_dbm0 + ZERO_DBM0_DBOV) / 20)
    strong, weak = peak, peak * 10 ** (-abs(twist_db) / 20)
    low, high = (weak, strong) if twist_db > 0 else (strong, weak)
    return low * np.sin(2 * np.pi * row * times + phase) + high * np.sin(2 * np.pi * column * times + 2 * phase)


def line(*pieces, lead_ms=60.0):
    """Pieces of sound, numbers being milliseconds of silence between them, as 16-bit samples."""
    parts = [np.zeros(round(8 * piece)) if np.isscalar(piece) else piece for piece in (lead_ms, *pieces, 100)]
    return np.clip(np.round(np.concatenate(parts)), -32768, 32767).astype(np.int16)


def test_every_key_is_heard_once_and_in_order():
    assert keys_in(dtmf.dial(KEYS)) == KEYS
    assert keys_in(dtmf.dial(KEYS, tone_ms=40, gap_ms=40)) == KEYS
    assert keys_in(dtmf.dial("1155000", tone_ms=65, gap_ms=65)) == "1155000"
    assert keys_in(dtmf.dial("7", tone_ms=5000)) == "7"


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_forty_milliseconds_is_heard_wherever_the_frames_fall(key):
    for lead in np.arange(0, 20, 1.125):
        assert keys_in(line(pair(key, 40.0, phase=lead), 40.0, pair(key, 40.0), lead_ms=40 + lead)) == key * 2


def test_a_tone_under_twenty_three_milliseconds_is_no_key():
    for lead, key in itertools.product(np.arange(0, 20, 0.625), "159D"):
        assert keys_in(line(pair(key, 22.5), lead_ms=40 + lead)) == ""


def test_a_break_of_ten_milliseconds_does_not_make_two_keys():
    for lead in np.arange(0, 20, 0.625):
        assert keys_in(line(pair("4", 60.0), 10.0, pair("4", 60.0), lead_ms=40 + lead)) == "4"


@pytest.mark.parametrize("key", KEYS)
def test_frequencies_are_taken_to_one_and_a_half_percent_and_refused_from_three_and_a_half(key):
    for off in (-0.015, -0.0075, 0.0, 0.0075, 0.015):
        assert keys_in(line(pair(key, row_off=off, column_off=0.015))) == key
        assert keys_in(line(pair(key, row_off=-0.015, column_off=off))) == key
    for off in (-0.06, -0.045, -0.035, 0.035, 0.045, 0.06):
        assert keys_in(line(pair(key, 100.0, row_off=off))) == ""
        assert keys_in(line(pair(key, 100.0, column_off=off))) == ""


def test_frequencies_between_two_keys_are_neither():
    for low, high in itertools.product((733.0, 811.0, 896.0, 1050.0), (1272.0, 1406.0, 1555.0, 1750.0)):
        times = np.arange(1600) / 8000
        samples = 5000 * np.sin(2 * np.pi * low * times) + 5000 * np.sin(2 * np.pi * high * times)
        assert keys_in(line(samples)) == ""


@pytest.mark.parametrize("level", [0.0, -3.0, -10.0, -20.0, -25.0, -29.0])
def test_levels_from_zero_to_minus_twenty_nine_dbm0_are_heard(level):
    for key in "1590D":
        assert keys_in(line(pair(key, 50.0, level_dbm0=min(level, -3.1)))) == key


def test_what_is_below_minus_fifty_five_dbm0_is_not_heard():
    assert keys_in(line(pair("5", 200.0, level_dbm0=-55.0))) == ""
    assert keys_in(line(pair("5", 200.0, level_dbm0=-45.0))) == ""


@pytest.mark.parametrize("twist_db", [-8.0, -5.0, 0.0, 3.0, 4.0, 6.0])
def test_twist_within_q24_is_taken(twist_db):
    for key in KEYS:
        assert keys_in(line(pair(key, 45.0, twist_db=twist_db))) == key


@pytest.mark.parametrize("twist_db", [-14.0, -11.0, 9.0, 14.0])
def test_twist_far_beyond_it_is_refused(twist_db):
    for key in KEYS:
        assert keys_in(line(pair(key, 200.0, twist_db=twist_db))) == ""


@pytest.mark.parametrize("snr_db", [10.0, 12.0, 15.0, 20.0])
def test_keys_are_heard_in_noise_and_noise_is_none(snr_db):
    rng = np.random.default_rng(int(snr_db))
    dialled = "".join(rng.choice(list(KEYS), 400))
    samples = dtmf.dial(dialled, 50, 50, -16.0).astype(float)
    power = 2 * (32768 * 10 ** (-16 / 20)) ** 2
    noise = rng.normal(0, np.sqrt(power / 10 ** (snr_db / 10)), samples.size)
    noisy = np.clip(samples + noise, -32768, 32767).astype(np.int16)
    heard = keys_in(noisy)
    if snr_db >= 12:
        assert heard == dialled
    else:
        assert len(heard) >= 396
    assert keys_in(noise.astype(np.int16)) == ""


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_keys_survive_g711_and_a_second_tone_at_low_level(codec):
    samples = dtmf.dial(KEYS, 45, 45, -30.0)
    assert keys_in(g711.decode(codec, g711.encode(codec, samples))) == KEYS


def test_frames_of_any_length_hear_the_same():
    samples = dtmf.dial("13579", 50, 50)
    for frame in (40, 80, 120, 160, 240, 320):
        assert keys_in(samples, frame) == "13579"


def test_a_pressed_key_shows_how_long_it_is_held():
    state = dtmf.new_detector()
    samples = dtmf.dial("8", tone_ms=300, gap_ms=0)
    assert keys_in(samples, state=state) == "8"
    assert KEYS[state["pressed"]] == "8"
    assert state["held_samples"] == pytest.approx(2400, abs=160)
    keys_in(np.zeros(800, np.int16), state=state)
    assert state["pressed"] == -1
    dtmf.reset(state)
    assert state["held_samples"] == 0


def test_call_progress_tones_and_single_tones_are_no_keys():
    times = np.arange(16000) / 8000
    for tones in ((350, 440), (400, 450), (440, 480), (480, 620), (697,), (1336,), (1100,), (2100,), (950, 1400)):
        samples = sum(4000 * np.sin(2 * np.pi * f * times) for f in tones)
        assert keys_in(line(samples)) == ""


class Twin:
    """The measurement and its rules in NumPy, on the whole line at once."""

    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(120) + 0.5) / 120)

    def measure(self, span):
        frequencies = np.array([697, 770, 852, 941, 1209, 1336, 1477, 1633.0])
        bases = self.window * np.exp(-2j * np.pi * frequencies[:, None] * np.arange(120) / 8000)
        energies = [np.sum((self.window * span[s : s + 120]) ** 2) for s in (0, 40)]
        floor = 32768**2 * 10 ** (-4.418)
        if min(energies) < 2 * floor * np.sum(self.window**2):
            return -1
        values = np.stack([bases @ span[0:120], bases @ span[40:160]], axis=1)
        powers = np.sum(np.abs(values) ** 2, axis=1)
        chosen = [int(np.argmax(powers[:4])), 4 + int(np.argmax(powers[4:]))]
        tones = []
        for k in chosen:
            turn = np.angle(values[k, 1] / values[k, 0] * np.exp(-2j * np.pi * frequencies[k] * 40 / 8000))
            off = turn * 8000 / (2 * np.pi * 40)
            ratio = np.abs(values[k, 1] / values[k, 0]) ** 2
            if abs(off) > 0.025 * frequencies[k] or not 10**-0.25 <= ratio <= 10**0.25:
                return -1
            bins = off * 120 / 8000
            tones.append(powers[k] / self.window.sum() ** 2 / (np.sinc(bins) / (1 - bins**2)) ** 2)
        row, column = tones
        if min(tones) < floor or column > 10**0.65 * row or row > 10**0.9 * column:
            return -1
        if row + column < 0.8 * sum(energies) / (2 * np.sum(self.window**2)):
            return -1
        if min(np.mean(span[:30] ** 2), np.mean(span[-30:] ** 2)) < 0.3 * (row + column):
            return -1
        return KEYS.index(("123A", "456B", "789C", "*0#D")[chosen[0]][chosen[1] - 4])

    def keys(self, samples):
        padded = np.concatenate([np.zeros(80), samples.astype(float)])
        codes = [self.measure(padded[i : i + 160]) for i in range(0, padded.size - 159, 80)]
        text, pressed, misses = "", -1, 0
        for before, code in itertools.pairwise([-1, *codes]):
            misses = misses + 1 if code != pressed else 0
            if misses >= 4:
                pressed = -1
            if code >= 0 and code == before and code != pressed:
                pressed, misses, text = code, 0, text + KEYS[code]
        return text


def test_the_detector_equals_its_numpy_twin_on_marginal_tones():
    rng = np.random.default_rng(11)
    total = 0
    for _ in range(40):
        pieces = []
        for _ in range(10):
            tone = pair(
                rng.choice(list(KEYS)),
                rng.uniform(20, 70),
                rng.uniform(-40, -6),
                rng.uniform(-12, 10),
                rng.uniform(-0.035, 0.035),
                rng.uniform(-0.035, 0.035),
                rng.uniform(0, 6),
            )
            pieces += [tone + rng.normal(0, np.std(tone) * rng.uniform(0, 0.6), tone.size), rng.uniform(10, 60)]
        samples = line(*pieces)
        heard = keys_in(samples)
        total += len(heard)
        assert heard == Twin().keys(samples)
    assert 40 < total < 300


def louder(samples, gain):
    return np.clip(np.round(samples * gain), -32768, 32767).astype(np.int16)


@pytest.mark.skipif(not (SHARED / "voices").is_dir(), reason="the voices are not on this machine")
@pytest.mark.parametrize("gain", [0.25, 1.0, 4.0])
def test_speech_presses_no_keys(gain):
    for path in sorted((SHARED / "voices").glob("*.wav")):
        assert keys_in(louder(wave(path), gain)) == "", path.name


@pytest.mark.skipif(not (SHARED / "amd").is_dir(), reason="the clips are not on this machine")
def test_two_hours_of_answered_calls_press_no_keys():
    clips = sorted((SHARED / "amd" / "dev").glob("*.wav"))
    assert len(clips) > 800
    for path in clips:
        assert keys_in(wave(path)) == "", path.name


@pytest.mark.skipif(not (SHARED / "vectors" / "dtmf").is_dir(), reason="the captures are not on this machine")
def test_a_captured_call_presses_no_keys():
    content = (SHARED / "vectors" / "dtmf" / "g711a.pcap").read_bytes()
    order = "<" if content[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    network = {1: 14, 113: 16}[struct.unpack_from(order + "I", content, 20)[0]]
    offset, payload = 24, b""
    while offset < len(content):
        length = struct.unpack_from(order + "I", content, offset + 8)[0]
        frame = content[offset + 16 : offset + 16 + length]
        payload += frame[network + (frame[network] & 15) * 4 + 8 + 12 :]
        offset += 16 + length
    samples = g711.decode("PCMA", payload)
    assert samples.size > 40000
    assert keys_in(samples) == ""


def test_pressing_piece_by_piece_is_one_tone():
    whole, pieces = np.zeros(480, np.int16), np.zeros(480, np.int16)
    dtmf.press(whole, 5, 0, -16.0)
    for start in range(0, 480, 160):
        dtmf.press(pieces[start : start + 160], 5, start, -16.0)
    assert np.array_equal(whole, pieces)
    assert 10 * np.log10(np.mean(whole.astype(float) ** 2) / 32768**2) == pytest.approx(-13.0, abs=0.2)


def test_keys_that_no_telephone_has_are_refused():
    with pytest.raises(UsageError, match="E"):
        dtmf.dial("12E")
    with pytest.raises(UsageError, match="16 bits"):
        dtmf.dial("1", level_dbov=-6.0)
