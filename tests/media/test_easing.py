"""Where what is heard begins, breaks off or leaps, no click is heard."""

import numpy as np
import pytest
from numba import njit

from softswitch.media.easing import EASE_SAMPLES, eased, leap
from softswitch.media.records import EASING

LOUD = 8000
STEEPEST = LOUD // EASE_SAMPLES + 1


@njit
def listen(edge, samples, is_there, leaps_at, heard):
    for at in range(samples.size):
        if at == leaps_at:
            leap(edge)
        heard[at] = eased(edge, samples[at], is_there[at] != 0)


def heard_of(samples, is_there, leaps_at=-1):
    edge, heard = np.zeros(1, np.dtype(EASING, align=True))[0], np.zeros(samples.size, np.int64)
    listen(edge, samples, is_there, leaps_at, heard)
    return heard


@pytest.mark.parametrize("gap", [1, 30, 79, 80, 400])
def test_a_gap_has_slopes_for_edges_and_silence_between(gap):
    samples, is_there = np.full(2000, LOUD, np.int64), np.ones(2000, np.uint8)
    is_there[1000 : 1000 + gap] = 0
    heard = heard_of(samples, is_there)
    assert np.abs(np.diff(heard, prepend=0)).max() <= 2 * STEEPEST, "two slopes may lie upon each other"
    assert (heard[EASE_SAMPLES:1000] == LOUD).all() and (heard[1000 + gap + EASE_SAMPLES :] == LOUD).all()
    assert not heard[1000 + EASE_SAMPLES : 1000 + gap].any()


def test_what_leaps_is_blended_into_what_comes():
    samples = np.where(np.arange(2000) < 1000, LOUD, -LOUD)
    heard = heard_of(samples, np.ones(2000, np.uint8), leaps_at=1000)
    assert np.abs(np.diff(heard, prepend=0)).max() <= 2 * STEEPEST
    assert (heard[1000 + EASE_SAMPLES :] == -LOUD).all()


def test_what_is_whole_passes_as_it_is():
    samples = np.random.default_rng(1).integers(-32768, 32768, 4000)
    heard = heard_of(samples, np.ones(4000, np.uint8))
    assert (heard[EASE_SAMPLES:] == samples[EASE_SAMPLES:]).all()
