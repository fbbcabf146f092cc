"""What the process of key words is told by its pipe: streams of sound that begin, go on and end. Pure.

A message is so short that a pipe takes all of it or nothing (pipe(7), PIPE_BUF): whoever writes never waits and never
leaves half of one.
"""

import json
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

LONGEST = 4096
"""Bytes of a message: PIPE_BUF of Linux."""
PHRASE = re.compile(r"[a-z']+(?: [a-z']+){0,7}")
"""Lower-case English words; how they are spoken, the model's dictionary knows."""
FEWEST_LETTERS, MOST_LETTERS = 6, 60
"""A shorter phrase would be heard in others all the time."""
_HEAD = struct.Struct("<IBH")
MOST_SOUND = LONGEST - _HEAD.size


class Kind(IntEnum):
    BEGIN = 1
    """With the phrases to listen for."""
    ULAW = 2
    """8 kHz sound as G.711 codes (ITU-T G.711)."""
    ALAW = 3
    END = 4


@dataclass(frozen=True, slots=True)
class Message:
    stream: int
    """Names one end of one call."""
    kind: Kind
    content: bytes = b""


def begin(stream: int, phrases: Sequence[str]) -> bytes:
    """Phrases that do not go into one message are left out, the last ones first."""
    phrases = list(phrases)
    while len(content := json.dumps(phrases).encode()) > MOST_SOUND:
        phrases.pop()
    return packed(Message(stream, Kind.BEGIN, content))


def packed(message: Message) -> bytes:
    return _HEAD.pack(message.stream, message.kind, len(message.content)) + message.content


class Reader:
    """Puts messages together from whatever a read of the pipe has given."""

    def __init__(self) -> None:
        self._rest = b""

    def receive(self, data: bytes) -> Iterator[Message]:
        """Raises ValueError for a kind that there is not: then nothing after it can be trusted either."""
        self._rest += data
        while len(self._rest) >= _HEAD.size:
            stream, kind, length = _HEAD.unpack_from(self._rest)
            if len(self._rest) < _HEAD.size + length:
                return
            content = self._rest[_HEAD.size : _HEAD.size + length]
            self._rest = self._rest[_HEAD.size + length :]
            yield Message(stream, Kind(kind), content)


def fault_of(phrase: str) -> str:
    """Why it can be no key word; empty where it can."""
    letters = sum(character.isalpha() for character in phrase)
    if not PHRASE.fullmatch(phrase):
        return "is not one to eight English words in lower case"
    if not FEWEST_LETTERS <= letters <= MOST_LETTERS:
        return f"has {letters} letters; {FEWEST_LETTERS} to {MOST_LETTERS} can be told from other speech"
    return ""
