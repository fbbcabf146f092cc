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
ULAW, ALAW = 0, 1
TABLES = (ULAW_TO_LINEAR, ALAW_TO_LINEAR)


@njit
def order_pause(times, position, paused):
    timeline.pause(times.lines[0], position, paused)


@njit
def order_start(times, position, paused):
    timeline.begin_recording(times, 0, position, paused)


@njit
def lay(times, direction, position, codes, law):
    timeline.lay(times, 0, direction, position, codes, codes.size, law)


@njit
def seal(times, position):
    timeline.seal(times, 0, position)


@njit
def sample_at(times, direction, position):
    return timeline.sample_at(times, 0, direction, position)


def noise(samples, seed=1):
    return np.random.default_rng(seed).integers(0, 256, samples).astype(np.uint8)


class Leg:
    """A recorded timeline, driven by hand as the worker drives it."""

    def __init__(self, start=0, paused=0):
        self.times = timeline.new_timelines(1)
        self.line = self.times.lines[0]
        order_start(self.times, start, paused)

    def say(self, direction, position, codes, law=ULAW):
        """direction: 0 received, 1 sent.  codes: uint8, of the law"""
        lay(self.times, direction, position, codes, law)

    def take(self, sealed):
        """(kind, position, encodings, left, right) of each chunk."""
        seal(self.times, sealed)
        found = []
        while size := packing.take(self.times, 0, TEXT):
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


@pytest.mark.parametrize(("law", "encoding"), [(ULAW, Encoding.ULAW), (ALAW, Encoding.ALAW)])
def test_what_came_as_g711_is_written_in_one_byte_a_sample(law, encoding):
    leg = Leg()
    leg.say(0, 0, noise(3000), law)
    ((kind, position, encodings, left, right),) = leg.take(3000)
    assert (kind, position, encodings) == (Kind.AUDIO, 0, (Encoding.SILENCE, encoding))
    assert not left.any()
    assert np.array_equal(right, TABLES[law][noise(3000)])


@pytest.mark.parametrize(("law", "encoding"), [(ULAW, Encoding.ULAW), (ALAW, Encoding.LINEAR)])
def test_between_frames_is_silence_also_where_the_law_has_no_zero(law, encoding):
    leg = Leg()
    leg.say(1, 100, noise(160), law)
    leg.say(1, 420, noise(160, 2), law)
    ((_, _, encodings, left, _),) = leg.take(800)
    assert encodings == (encoding, Encoding.SILENCE)
    expected = np.zeros(800, np.int16)
    expected[100:260], expected[420:580] = TABLES[law][noise(160)], TABLES[law][noise(160, 2)]
    assert np.array_equal(left, expected)


def test_a_channel_that_carries_zeros_is_silent():
    leg = Leg()
    leg.say(0, 0, np.where(noise(2000) < 128, 0x7F, 0xFF).astype(np.uint8))
    ((_, _, encodings, _, right),) = leg.take(2000)
    assert encodings == (Encoding.SILENCE, Encoding.SILENCE)
    assert right.size == 2000


def test_a_leg_that_changes_its_law_is_written_as_it_was_heard():
    leg = Leg()
    leg.say(0, 0, noise(1000), ULAW)
    leg.say(0, 1000, noise(1000, 2), ALAW)
    ((_, _, encodings, _, right),) = leg.take(2000)
    assert encodings == (Encoding.SILENCE, Encoding.LINEAR)
    assert np.array_equal(right, np.concatenate([ULAW_TO_LINEAR[noise(1000)], ALAW_TO_LINEAR[noise(1000, 2)]]))


def test_what_stood_in_the_ring_before_is_never_heard_again():
    leg = Leg()
    for second in range(6):
        leg.say(second % 2, 8000 * second, noise(4000, second))
        chunks = leg.take(8000 * second + 8000)
        left, right = (np.concatenate([chunk[side] for chunk in chunks]) for side in (3, 4))
        spoken, silent = (left, right) if second % 2 else (right, left)
        assert np.array_equal(spoken, [*ULAW_TO_LINEAR[noise(4000, second)], *np.zeros(4000)])
        assert not silent.any()


def test_a_recorder_that_stood_still_takes_what_the_ring_held_and_silence_for_the_rest():
    leg = Leg()
    for at in range(0, 40_000, 1000):
        leg.say(0, at, noise(1000, at))
        seal(leg.times, at + 1000)
    heard = [chunk[4] for chunk in leg.take(40_000)]
    while sum(map(len, heard)) < 40_000:
        heard += [chunk[4] for chunk in leg.take(40_000)]
    whole = np.concatenate(heard)
    held = timeline.SIZE // 1000 * 1000
    said = np.concatenate([noise(1000, at) for at in range(0, held, 1000)])
    assert np.array_equal(whole[:held], ULAW_TO_LINEAR[said])
    assert not whole[timeline.SIZE :].any()
    assert leg.line["frames_lost"] == 40 - held // 1000


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(-300, 900), st.integers(1, 400), st.integers(0, 1)), min_size=1, max_size=30))
def test_a_supervisor_hears_each_sample_where_it_was_placed(frames):
    leg = Leg()
    expected, here = {}, 400
    for number, (step, samples, law) in enumerate(frames):
        here = max(here + step, 0)
        leg.say(0, here, noise(samples, number), law)
        expected |= dict(zip(range(here, here + samples), TABLES[law][noise(samples, number)].tolist(), strict=True))
        here += samples
        if max(expected) > timeline.SIZE:
            return
    places = range(0, max(expected) + 200)
    assert [sample_at(leg.times, 0, at) for at in places] == [expected.get(at, 0) for at in places]


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 20_000), st.lists(st.integers(0, 12_000), min_size=1, max_size=8), st.integers(0, 2))
def test_every_sample_is_written_once_and_in_its_place_whenever_the_recorder_comes(start, steps, law):
    leg = Leg(start)
    heard, said, here, sealed = [], [], start, 0
    leg.line["taken"] = leg.line["sealed"] = max(0, start - 500)
    for number, step in enumerate(steps):
        sound = np.zeros(step, np.int16)
        if law < 2:
            leg.say(0, here, noise(step, number), law)
            sound = TABLES[law][noise(step, number)]
        here += step
        sealed = max(sealed, here - 200)
        heard += leg.take(sealed)
        said.append(sound)
    heard += leg.take(here)
    assert [chunk[1] for chunk in heard] == np.cumsum([0, *(len(chunk[4]) for chunk in heard)]).tolist()[:-1]
    assert np.array_equal(np.concatenate([np.zeros(0, np.int16), *(chunk[4] for chunk in heard)]), np.concatenate(said))
    assert leg.line["stored"] == here - start


def test_what_is_paused_is_not_written_and_the_rest_keeps_its_place():
    leg = Leg()
    leg.say(0, 0, noise(4000))
    sound = ULAW_TO_LINEAR[noise(4000)]
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


def test_a_recording_that_begins_paused_holds_nothing_before_it_is_resumed():
    leg = Leg(800, paused=1)
    leg.say(0, 0, noise(4000))
    assert [(chunk[0], chunk[1]) for chunk in leg.take(2000)] == [(Kind.PAUSED, 0)]
    order_pause(leg.times, 3000, 0)
    chunks = leg.take(4000)
    assert [(chunk[0], chunk[1]) for chunk in chunks] == [(Kind.RESUMED, 2200), (Kind.AUDIO, 2200)]
    assert np.array_equal(chunks[1][4], ULAW_TO_LINEAR[noise(4000)[3000:]])


def test_more_marks_than_there_is_room_for_end_in_a_pause_never_in_a_leak():
    leg = Leg()
    leg.say(0, 0, noise(2000))
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
    leg.say(0, 0, noise(3000))
    leg.line["record_to"], leg.line["recording"] = 2000, timeline.ENDING
    chunks = leg.take(2500)
    assert np.array_equal(np.concatenate([chunk[4] for chunk in chunks]), ULAW_TO_LINEAR[noise(3000)[100:2000]])
