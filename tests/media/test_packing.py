"""From a timeline to chunks: every sample once, in its place, the shortest way; nothing of what is paused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR

from softswitch.media import packing, timeline
from softswitch.recordings.form import PREFIX, Encoding, Kind

TEXT = np.zeros(packing.MOST_TEXT_BYTES, np.uint8)
CODES = packing.new_codes()


@njit
def order_pause(times, position, paused):
    timeline.pause(times.lines[0], position, paused)


@njit
def order_start(times, position, paused):
    timeline.begin_recording(times, 0, position, paused)


class Leg:
    """A recorded timeline, driven by hand as the worker drives it."""

    def __init__(self, start=0, paused=0):
        self.times = timeline.new_timelines(1)
        self.line = self.times.lines[0]
        order_start(self.times, start, paused)
        self.said = {0: {}, 1: {}}

    def say(self, direction, position, samples):
        """direction: 0 received, 1 sent"""
        places = np.arange(position, position + len(samples)) % timeline.SIZE
        self.times.audio[0, direction, places] = samples

    def take(self, sealed):
        """(kind, position, encodings, left, right) of each chunk."""
        self.line["sealed"] = sealed
        found = []
        while size := packing.take(self.times, 0, CODES, TEXT):
            kind, *encodings, count, position = PREFIX.unpack_from(TEXT)
            planes, offset = [], PREFIX.size
            for encoding in encodings[:2]:
                width = {Encoding.SILENCE: 0, Encoding.LINEAR: 2}.get(encoding, 1)
                data = TEXT[offset : offset + width * count]
                offset += width * count
                planes.append(
                    {
                        0: lambda data, count=count: np.zeros(count, np.int16),
                        1: lambda data: ULAW_TO_LINEAR[data],
                        2: lambda data: ALAW_TO_LINEAR[data],
                        3: lambda data: data.view("<i2").copy(),
                    }[encoding](data)
                )
            assert offset == size
            found.append((Kind(kind), position, tuple(encodings[:2]), *planes))
        return found


@pytest.mark.parametrize(("table", "encoding"), [(ULAW_TO_LINEAR, Encoding.ULAW), (ALAW_TO_LINEAR, Encoding.ALAW)])
def test_what_came_as_g711_is_written_in_one_byte_a_sample(table, encoding):
    leg = Leg()
    sound = table[np.random.default_rng(1).integers(0, 256, 3000)]
    leg.say(0, 0, sound)
    ((kind, position, encodings, left, right),) = leg.take(3000)
    assert (kind, position, encodings) == (Kind.AUDIO, 0, (Encoding.SILENCE, encoding))
    assert not left.any()
    assert np.array_equal(right, sound)


def test_what_no_code_stands_for_is_written_as_it_is():
    leg = Leg()
    sound = np.arange(-4000, 4000, dtype=np.int16)
    leg.say(1, 0, sound)
    ((_, _, encodings, left, _),) = leg.take(8000)
    assert encodings == (Encoding.LINEAR, Encoding.SILENCE)
    assert np.array_equal(left, sound)


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 20_000), st.lists(st.integers(0, 12_000), min_size=1, max_size=8), st.integers(0, 3))
def test_every_sample_is_written_once_and_in_its_place_whenever_the_recorder_comes(start, steps, law):
    leg = Leg(start)
    generator = np.random.default_rng(start)
    heard, said, here, sealed = [], [], start, 0
    leg.line["taken"] = max(0, start - 500)
    for step in steps:
        sound = {
            0: np.zeros(step, np.int16),
            1: ULAW_TO_LINEAR[generator.integers(0, 256, step)],
            2: ALAW_TO_LINEAR[generator.integers(0, 256, step)],
            3: generator.integers(-32768, 32768, step).astype(np.int16),
        }[law]
        leg.say(0, here, sound)
        here += step
        sealed = max(sealed, here - 200)
        heard += leg.take(sealed)
        said.append(sound)
    heard += leg.take(here)
    assert [chunk[1] for chunk in heard] == np.cumsum([0, *(len(chunk[4]) for chunk in heard)]).tolist()[:-1]
    assert np.array_equal(np.concatenate([np.zeros(0, np.int16), *(chunk[4] for chunk in heard)]), np.concatenate(said))
    assert leg.line["stored"] == here - start
    assert not leg.times.audio.any()


def test_what_is_paused_is_not_written_and_the_rest_keeps_its_place():
    leg = Leg()
    sound = np.arange(1, 4001, dtype=np.int16)
    leg.say(0, 0, sound)
    order_pause(leg.times, 1000, 1)
    order_pause(leg.times, 1200, 1)  # it is paused already
    order_pause(leg.times, 2500, 0)
    chunks = leg.take(4000)
    assert [(chunk[0], chunk[1]) for chunk in chunks] == [
        (Kind.AUDIO, 0), (Kind.PAUSED, 1000), (Kind.RESUMED, 2500), (Kind.AUDIO, 2500),
    ]  # fmt: skip
    assert np.array_equal(chunks[0][4], sound[:1000])
    assert np.array_equal(chunks[3][4], sound[2500:])
    assert leg.line["stored"] == 2500
    assert not leg.times.audio.any()


def test_a_recording_that_begins_paused_holds_nothing_before_it_is_resumed():
    leg = Leg(800, paused=1)
    leg.say(0, 0, np.arange(1, 4001, dtype=np.int16))
    leg.line["taken"] = 0
    assert [(chunk[0], chunk[1]) for chunk in leg.take(2000)] == [(Kind.PAUSED, 0)]
    order_pause(leg.times, 3000, 0)
    chunks = leg.take(4000)
    assert [(chunk[0], chunk[1]) for chunk in chunks] == [(Kind.RESUMED, 2200), (Kind.AUDIO, 2200)]
    assert chunks[1][4][0] == 3001


def test_more_marks_than_there_is_room_for_end_in_a_pause_never_in_a_leak():
    leg = Leg()
    leg.say(0, 0, np.full(2000, 5, np.int16))
    for index in range(2 * timeline.MARKS):
        order_pause(leg.times, 10 * index, 1 - index % 2)
    last = 10 * (2 * timeline.MARKS - 1)
    order_pause(leg.times, last + 10, 1)
    chunks = leg.take(2000)
    marks = [chunk for chunk in chunks if chunk[0] is not Kind.AUDIO]
    assert marks[-1][0] is Kind.PAUSED
    assert all(chunk[1] + len(chunk[4]) <= marks[-1][1] for chunk in chunks if chunk[0] is Kind.AUDIO)


def test_a_recording_that_ends_is_written_to_its_last_sample_and_no_further():
    leg = Leg(100)
    leg.say(0, 0, np.arange(1, 3001, dtype=np.int16))
    leg.line["record_to"], leg.line["recording"] = 2000, timeline.ENDING
    chunks = leg.take(2500)
    assert np.array_equal(np.concatenate([chunk[4] for chunk in chunks]), np.arange(101, 2001))
