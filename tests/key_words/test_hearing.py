"""The process of key words on spoken clips, as a telephone carries them."""

import json
import os
import subprocess
import sys
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
from softswitch.codecs.g711 import encode_alaw, encode_ulaw

from softswitch.key_words.messages import MOST_SOUND, Kind, Message, begin, packed
from softswitch.testing.clips import read_clip

pytest.importorskip("pocketsphinx")

PHRASES = ["insurance company", "home insurance", "call again", "not interested", "pocket calculator"]


def sound(stream: int, name: str, kind: Kind) -> list[bytes]:
    """A clip of speech, message by message."""
    pcm = read_clip(name)
    codes = np.zeros(len(pcm), np.uint8)
    (encode_ulaw if kind is Kind.ULAW else encode_alaw)(pcm, codes)
    step = 1600
    assert step <= MOST_SOUND
    return [packed(Message(stream, kind, codes[at : at + step].tobytes())) for at in range(0, len(codes), step)]


def hear(*messages: bytes) -> list[dict[str, Any]]:
    process = subprocess.run(
        [sys.executable, "-m", "softswitch.key_words"], input=b"".join(messages), capture_output=True, check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert process.stderr == b""
    return [json.loads(line) for line in process.stdout.splitlines()]


def test_phrases_are_told_by_the_stream_in_which_they_are_said_and_nothing_else_of_it() -> None:
    pairs = zip_longest(sound(1, "agent-1-opening", Kind.ULAW), sound(2, "human-refusal-1", Kind.ALAW), fillvalue=b"")
    told = hear(begin(1, PHRASES), begin(2, PHRASES), *(part for pair in pairs for part in pair))
    assert {(each["stream"], each["said"]) for each in told} >= {(1, "insurance company"), (2, "not interested")}
    assert {each["said"] for each in told} <= set(PHRASES[:4])
    assert {tuple(sorted(each)) for each in told} == {("said", "stream")}


def test_a_word_that_the_dictionary_lacks_is_named_and_the_others_are_listened_for() -> None:
    told = hear(begin(7, ["xyzzyplugh call", "not interested"]), *sound(7, "human-refusal-1", Kind.ULAW))
    assert told[0] == {"unknown": "xyzzyplugh call"}
    assert {"stream": 7, "said": "not interested"} in told


def test_sound_of_a_stream_that_has_ended_or_never_began_is_nobodys() -> None:
    ended = [begin(1, PHRASES), packed(Message(1, Kind.END))]
    assert hear(*ended, *sound(1, "human-refusal-1", Kind.ULAW), *sound(9, "human-refusal-1", Kind.ULAW)) == []
