"""Notes in the block: the newest whole one is found again, whatever became of who wrote it."""

import os

import numpy as np
import pytest

from softswitch.errors import UsageError
from softswitch.media.layout import NOTE, NOTE_BYTES, SITE_NOTE, SITE_NOTE_BYTES
from softswitch.media.notes import read_note, write_note


@pytest.mark.parametrize(("kind", "size"), [(NOTE, NOTE_BYTES), (SITE_NOTE, SITE_NOTE_BYTES)])
def test_the_last_note_is_read_whole_up_to_its_greatest_length(kind, size):
    places = np.zeros(2, kind)
    assert read_note(places, 1) is None
    for content in (b"", b"first", os.urandom(size), b"short again"):
        write_note(places, 1, content)
        assert read_note(places, 1) == content


def test_a_note_that_is_too_long_is_refused_and_the_last_one_stays():
    places = np.zeros(2, NOTE)
    write_note(places, 3, b"what stands")
    with pytest.raises(UsageError, match="8192"):
        write_note(places, 3, bytes(NOTE_BYTES + 1))
    assert read_note(places, 3) == b"what stands"


def test_a_note_of_the_slots_last_user_is_not_taken_for_its_nexts():
    places = np.zeros(2, NOTE)
    write_note(places, 1, b"of the last call")
    assert read_note(places, 2) is None
    write_note(places, 2, b"of this call")
    assert read_note(places, 2) == b"of this call"
    assert read_note(places, 1) in (None, b"of the last call")


def test_a_note_torn_at_any_byte_leaves_the_one_before_it():
    before = np.zeros(2, NOTE)
    write_note(before, 1, b"the older note")
    write_note(before, 1, b"the note before")
    after = before.copy()
    write_note(after, 1, b"a note that is being written")
    old, new = before.view(np.uint8), after.view(np.uint8)
    changed = np.flatnonzero(old != new)
    assert changed.size > 20
    rng = np.random.default_rng(7)
    for _ in range(300):
        torn = old.copy()
        arrived = changed[rng.random(changed.size) < rng.random()]
        torn[arrived] = new[arrived]
        expected = b"the note before" if arrived.size < changed.size else b"a note that is being written"
        assert read_note(torn.view(NOTE), 1) == expected


def test_writing_goes_on_after_a_torn_note():
    places = np.zeros(2, NOTE)
    write_note(places, 1, b"one")
    write_note(places, 1, b"two")
    newest = int(np.argmax(places["sequence"]))
    places[newest]["content"][0] ^= 1
    assert read_note(places, 1) == b"one"
    write_note(places, 1, b"three")
    write_note(places, 1, b"four")
    assert read_note(places, 1) == b"four"
