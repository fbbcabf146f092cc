"""The process: messages come on standard input, one line of JSON goes out for each phrase that was heard.

It is the least urgent of all processes; where it falls behind, the pipe is full, and the switch drops sound.
"""

import json
import os
import sys
from typing import Any

import numpy as np

from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR
from softswitch.core_dumps import keep_memory_private
from softswitch.key_words.messages import Kind, Message, Reader

NICENESS = 19
LAW = {Kind.ULAW: ULAW_TO_LINEAR, Kind.ALAW: ALAW_TO_LINEAR}


def threshold(phrase: str) -> float:
    """How unlikely other speech must be for a phrase to count: more for a longer one, which has more to agree in.

    Chosen by 26 spoken clips at 8 kHz (86 s): of 14 phrases that are said 9 are heard, and one that is not.
    """
    return 10.0 ** -min(40, max(5, round(1.25 * sum(character.isalpha() for character in phrase))))


class Spotter:
    """Listens to one stream for some phrases, by pocketsphinx."""

    def __init__(self, phrases: list[str]) -> None:
        """Phrases with a word that the model's dictionary lacks are left out: `unknown`."""
        from pocketsphinx import Config, Decoder, get_model_path

        model = {"hmm": get_model_path("en-us/en-us"), "dict": get_model_path("en-us/cmudict-en-us.dict")}
        words = Decoder(Config(**model, lm=None, loglevel="FATAL"))
        self.unknown = [each for each in phrases if not all(words.lookup_word(word) for word in each.split())]
        known = [each for each in phrases if each not in self.unknown]
        self._decoder: Any = None
        self._last = 0.0
        if known:
            listed = os.memfd_create("phrases")  # the library takes them from a file alone
            os.write(listed, "".join(f"{each} /{threshold(each):g}/\n" for each in known).encode())
            words.reinit(Config(**model, lm=None, kws=f"/proc/self/fd/{listed}", loglevel="FATAL"))
            os.close(listed)
            self._decoder = words
            self._decoder.start_utt()

    def hear(self, codes: bytes, law: Any) -> list[str]:
        """What was said by the end of this sound.  codes: G.711 at 8 kHz; law: (256,) int16."""
        if self._decoder is None:
            return []
        sound = law[np.frombuffer(codes, np.uint8)].astype(np.float32)
        between = np.append((sound[1:] + sound[:-1]) / 2, sound[-1:])  # the model wants 16 kHz
        wide = np.stack([sound, between], axis=1).reshape(-1).astype(np.int16)
        self._decoder.process_raw(wide.tobytes(), False, False)
        heard = self._decoder.hyp()
        if heard is None:
            return []
        self._decoder.end_utt()
        self._decoder.start_utt()
        return [each.strip() for each in heard.hypstr.split("  ") if each.strip()]


class Ear:
    """Every stream."""

    def __init__(self) -> None:
        self._spotters: dict[int, Spotter] = {}

    def receive(self, message: Message) -> list[dict[str, object]]:
        """What there is to be told of it."""
        stream = message.stream
        if message.kind is Kind.BEGIN:
            spotter = self._spotters[stream] = Spotter(json.loads(message.content))
            return [{"unknown": each} for each in spotter.unknown]
        if message.kind is Kind.END:
            self._spotters.pop(stream, None)
            return []
        known = self._spotters.get(stream)
        if known is None or not message.content:
            return []
        return [{"stream": stream, "said": each} for each in known.hear(message.content, LAW[message.kind])]


def main() -> None:
    keep_memory_private()
    os.nice(NICENESS)
    ear, reader = Ear(), Reader()
    while data := os.read(0, 1 << 16):
        for message in reader.receive(data):
            for told in ear.receive(message):
                sys.stdout.write(json.dumps(told) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
