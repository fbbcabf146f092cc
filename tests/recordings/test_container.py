"""The sealed container: what goes in comes out, with the auditor's key alone, and any change is named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl import bindings
from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR

from softswitch.errors import UsageError
from softswitch.recordings.form import PREFIX, Encoding, Header, Kind, NotARecording
from softswitch.recordings.keys import new_key_pair
from softswitch.recordings.reading import Damaged, SealedFile, read_sound
from softswitch.recordings.sealing import Seal
from tests.auditor import AUDITOR
from tests.recordings.recorded import STARTED_NS, audio, keep, mark, noise, pieces

HEADER, FIRST, SECOND, THIRD, FOURTH = range(5)


def trouble(path):
    with pytest.raises((Damaged, NotARecording)) as found:
        read_sound(path, AUDITOR)
    return str(found.value)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 5000)), max_size=8),
    st.integers(1, 3),
    st.sampled_from([8000, 16000]),
    st.integers(1, 9999),
)
def test_what_is_sealed_is_heard_again_with_its_gaps(tmp_path_factory, parts, channels, rate_hz, part):
    path = tmp_path_factory.mktemp("round") / "any.ssr"
    seal = Seal(AUDITOR.public, call_ref="a-b_9", part=part, started_ns=STARTED_NS, rate_hz=rate_hz, channels=channels)
    written, expected, here, stored = [seal.header], [], 0, 0
    for index, (count, gap) in enumerate(parts):
        sound = noise(count, index, channels)
        written += [seal.chunk(audio(here, sound)), seal.chunk(mark(Kind.PAUSED, here + count))]
        written.append(seal.chunk(mark(Kind.RESUMED, here + count + gap)))
        expected += [sound, np.zeros((gap, channels), np.int16)]
        here += count + gap
        stored += count
    written.append(seal.end(here, stored, 7))
    path.write_bytes(b"".join(written))
    sound = read_sound(path, AUDITOR)
    assert np.array_equal(sound.samples, np.concatenate([np.zeros((0, channels), np.int16), *expected]))
    assert (sound.is_finished, sound.frames_lost) == (True, 7)
    assert (sound.header.call_ref, sound.header.part, sound.header.started_ns) == ("a-b_9", part, STARTED_NS)
    assert [to - start for start, to in sound.pauses] == [gap for _, gap in parts]


def test_each_channel_has_an_encoding_of_its_own(tmp_path):
    codes = np.arange(256, dtype=np.uint8)
    seal = Seal(AUDITOR.public, call_ref="call", started_ns=STARTED_NS, channels=3)
    text = PREFIX.pack(Kind.AUDIO, Encoding.ULAW, Encoding.SILENCE, Encoding.ALAW, 256, 0) + codes.tobytes() * 2
    (tmp_path / "call.ssr").write_bytes(seal.header + seal.chunk(text) + seal.end(256, 256, 0))
    samples = read_sound(tmp_path / "call.ssr", AUDITOR).samples
    assert np.array_equal(samples[:, 0], ULAW_TO_LINEAR[codes])
    assert not samples[:, 1].any()
    assert np.array_equal(samples[:, 2], ALAW_TO_LINEAR[codes])


def test_only_the_auditors_private_key_opens_it(tmp_path):
    path = keep(tmp_path, pieces()[0])
    with pytest.raises(UsageError, match="was sealed to the key"):
        read_sound(path, new_key_pair())


def test_no_two_recordings_have_a_key_in_common():
    first, second = (Header.parse(pieces()[0][HEADER])[0] for _ in range(2))
    keys = [bindings.crypto_box_seal_open(h.sealed_key, AUDITOR.public, AUDITOR.private) for h in (first, second)]
    assert keys[0] != keys[1]
    assert first.stream_header != second.stream_header


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_bit_that_is_changed_anywhere_is_noticed_without_the_key_or_with_it(tmp_path_factory, data):
    written, _ = pieces(chunks=3, size=80)
    path = keep(tmp_path_factory.mktemp("bit"), written)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, sum(map(len, written)) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises((Damaged, NotARecording, UsageError)):
        read_sound(path, AUDITOR)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_file_that_is_cut_off_anywhere_reads_up_to_its_last_whole_chunk(tmp_path_factory, data):
    written, sound = pieces(chunks=5, size=100)
    path = tmp_path_factory.mktemp("cut") / "call.ssr"
    length = data.draw(st.integers(len(written[0]), sum(map(len, written)) - 1))
    path.write_bytes(b"".join(written)[:length])
    whole = int(np.searchsorted(np.cumsum([len(piece) for piece in written]), length, side="right")) - 1
    heard = read_sound(path, AUDITOR)
    assert np.array_equal(heard.samples, sound[: 100 * whole])
    assert not heard.is_finished


def test_an_altered_chunk_is_named_and_what_follows_it_can_still_be_heard(tmp_path):
    written, sound = pieces()
    written[THIRD] = written[THIRD][:40] + bytes([written[THIRD][40] ^ 1]) + written[THIRD][41:]
    path = keep(tmp_path, written)
    assert trouble(path) == "chunk 3 (from 0.10 s on) was altered; what follows it is as it was written"
    heard = read_sound(path, AUDITOR, past_damage=True).samples
    assert not heard[800:1200].any()
    assert np.array_equal(np.delete(heard, slice(800, 1200), 0), np.delete(sound, slice(800, 1200), 0))


def test_chunks_that_were_exchanged_moved_doubled_or_taken_out_are_named(tmp_path):
    written, _ = pieces()
    header, first, second, third, *rest = written
    cases = {
        "exchanged": ([header, first, third, second, *rest], "chunk 2 .* in the place of chunk 3: chunks were moved"),
        "doubled": ([header, first, second, second, third, *rest], "chunk 3 .* is chunk 2 once more: it was doubled"),
        "gone": ([header, first, third, *rest], "chunk 2 .* not what was written there: .* taken out"),
        "end": ([header, first, second, rest[-1]], "chunk 3 .* not what was written there"),
        "beheaded": ([header, *written[2:]], "chunk 1 .* does not fit the header"),
        "unended": (written[:-1], "its last chunk is missing, though it was closed"),
    }
    for number, (content, said) in enumerate(cases.values()):
        path = keep(tmp_path, content, f"case-{number}")
        with pytest.raises(Damaged, match=said):
            read_sound(path, AUDITOR)


def test_chunks_of_another_recording_are_not_taken_for_its_own(tmp_path):
    (mine, _), (other, _) = pieces(seed=1), pieces(seed=2)
    path = keep(tmp_path, [*mine[:3], other[3], *mine[4:]])
    assert "chunk 3" in trouble(path)
    path = keep(tmp_path, [other[0], *mine[1:]], "swapped")
    assert "does not fit the header" in trouble(path)


def test_what_is_added_behind_the_end_is_named(tmp_path):
    written, _ = pieces()
    assert "chunk 8 follows the last: it was added" in trouble(keep(tmp_path, [*written, written[1]], "chunk"))
    path = keep(tmp_path, written)
    path.write_bytes(path.read_bytes() + b"more")
    assert trouble(path) == "4 bytes follow its trailer: they were added"


def test_a_header_that_was_altered_is_noticed_in_every_field(tmp_path):
    written, _ = pieces()
    size = Header.parse(written[HEADER])[1]
    assert size == len(written[HEADER])
    for offset in range(size):
        altered = bytearray(written[HEADER])
        altered[offset] ^= 1
        path = tmp_path / "call.ssr"
        path.write_bytes(bytes(altered) + b"".join(written[1:]))
        with pytest.raises((Damaged, NotARecording, UsageError)):
            read_sound(path, AUDITOR)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"RIFF....WAVE", "does not begin as one"),
        (b"SSREC", "ends within its header"),
        (b"SSRECORD\x02\x00" + bytes(200), "version 2"),
        (b"SSRECORD\x01\x00" + bytes(200), "damaged"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_with_the_reason(tmp_path, content, said):
    path = tmp_path / "call.ssr"
    path.write_bytes(content)
    with pytest.raises(NotARecording, match=said):
        SealedFile(path)


@pytest.mark.parametrize("position", [8000 * 7 * 86400 + 1, 2**62])
def test_a_position_that_no_call_reaches_is_refused_before_silence_is_made_up_to_there(tmp_path, position):
    seal = Seal(AUDITOR.public, call_ref="call", started_ns=STARTED_NS)
    chunks = seal.chunk(audio(position, noise(160, 1, 2))) + seal.end(position + 160, 160, 0)
    (tmp_path / "call.ssr").write_bytes(seal.header + chunks)
    assert "contradicts itself" in trouble(tmp_path / "call.ssr")


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=400))
def test_no_content_however_malformed_makes_the_reader_fail_in_another_way(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("wild") / "call.ssr"
    for start in (b"", pieces(chunks=0)[0][HEADER]):
        path.write_bytes(start + content)
        try:
            read_sound(path, AUDITOR)
        except (NotARecording, Damaged, UsageError):
            continue
