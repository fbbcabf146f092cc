"""What the process of key words is told by its pipe."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.key_words.messages import LONGEST, MOST_SOUND, Kind, Message, Reader, begin, fault_of, packed

MESSAGES = st.lists(
    st.builds(Message, st.integers(0, 2**32 - 1), st.sampled_from(Kind), st.binary(max_size=300)), max_size=20
)


@given(MESSAGES, st.integers(1, 500))
def test_messages_come_out_as_they_went_in_however_the_pipe_cuts_them(messages: list[Message], size: int) -> None:
    stream, reader, found = b"".join(map(packed, messages)), Reader(), []
    for start in range(0, len(stream), size):
        found += list(reader.receive(stream[start : start + size]))
    assert found == messages


def test_no_message_is_longer_than_what_a_pipe_takes_at_once() -> None:
    assert len(packed(Message(1, Kind.ULAW, bytes(MOST_SOUND)))) == LONGEST
    told = begin(1, [f"a phrase of words{'s' * n}" for n in range(400)])
    assert len(told) <= LONGEST
    (message,) = Reader().receive(told)
    assert json.loads(message.content)[0] == "a phrase of words"


def test_a_kind_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError):
        list(Reader().receive(b"\1\0\0\0\xff\0\0"))


@pytest.mark.parametrize("phrase", ["your address", "where are you calling from", "can't say"])
def test_words_of_english_in_lower_case_can_be_listened_for(phrase: str) -> None:
    assert fault_of(phrase) == ""


@pytest.mark.parametrize(
    ("phrase", "why"),
    [
        ("Your Address", "lower case"), ("", "English"), ("wo wohnen Sie", "lower case"), ("02079460001", "English"),
        ("yes", "3 letters"), ("a b c d e f g h i", "eight"), ("two  spaces", "English"), ("x" * 61, "61 letters"),
        ("your address /1e-1/\nno", "English"),
    ],
)  # fmt: skip
def test_others_are_refused_with_the_reason(phrase: str, why: str) -> None:
    assert why in fault_of(phrase)
