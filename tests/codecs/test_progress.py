"""Call-progress tones as they sound."""

import numpy as np
import pytest
from softswitch.codecs import progress
from softswitch.codecs.progress import PLANS, Tone, cadence, sound

from softswitch.errors import UsageError

EVERY_TONE = [(plan, tone) for plan, tones in PLANS.items() for tone in tones]


def level_dbm0(samples):
    return 10 * np.log10(np.mean(samples.astype(float) ** 2) / 32768**2) - progress.ZERO_DBM0_DBOV


@pytest.mark.parametrize(("plan", "tone"), EVERY_TONE)
def test_a_tone_has_its_frequencies_times_and_level(plan, tone):
    samples = sound(tone, plan, level_dbm0=-20.0)
    assert samples.size == 8 * cadence(tone, plan).duration_ms
    start = 0
    for frequencies, duration_ms in cadence(tone, plan).steps:
        piece = samples[start : start + 8 * duration_ms]
        start += piece.size
        if not frequencies:
            assert not piece.any()
            continue
        inner = piece[160:-160]
        assert level_dbm0(inner) == pytest.approx(-20.0, abs=0.4)
        spectrum = np.abs(np.fft.rfft(inner * np.hanning(inner.size), 80000))
        for frequency in frequencies:
            near = spectrum[int(frequency * 10) - 60 : int(frequency * 10) + 60]
            assert np.argmax(near) == pytest.approx(60, abs=8)
            assert near.max() > 0.9 * spectrum.max()


def test_a_looped_tone_has_no_seam():
    for plan, tone in (("UK", Tone.DIAL), ("UK", Tone.UNOBTAINABLE), ("US", Tone.DIAL)):
        once, twice = sound(tone, plan), sound(tone, plan, 2 * cadence(tone, plan).duration_ms)
        assert np.array_equal(twice, np.concatenate([once, once]))
        assert np.max(np.abs(np.diff(twice.astype(int)))) <= np.max(np.abs(np.diff(once.astype(int)))) + 1
    assert not sound(Tone.BEEP, "UK", 2000)[3200:].any()


def test_bursts_do_not_click():
    samples = sound(Tone.BUSY, "UK", 1500, -10.0)
    assert np.max(np.abs(np.diff(samples.astype(int), n=2))) < 4000
    assert abs(int(samples[0])) < 10


def test_the_two_plans_differ_where_the_countries_do():
    assert cadence(Tone.BUSY, "UK").steps == (((400.0,), 375), ((), 375))
    assert cadence(Tone.BUSY, "US").steps == (((480.0, 620.0), 500), ((), 500))
    assert cadence(Tone.SIT_INTERCEPT, "US").steps == (((913.8,), 274), ((1370.6,), 274), ((1776.7,), 380))
    assert len({cadence(tone, "US").steps for tone in progress.SIT_CODES}) == 8


def test_what_a_country_does_not_have_is_refused():
    with pytest.raises(UsageError, match="UNOBTAINABLE"):
        sound(Tone.UNOBTAINABLE, "US")
    with pytest.raises(UsageError, match="UK and US"):
        sound(Tone.BUSY, "Atlantis")


def test_the_numbers_in_shared_arrays_never_change():
    assert [int(tone) for tone in Tone] == list(range(18))
    assert (Tone.BEEP, Tone.SIT, Tone.SIT_RESERVED) == (8, 9, 17)
