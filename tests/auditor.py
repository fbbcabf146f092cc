"""The auditor of every test site: a key pair, and what the auditor hears."""

from pathlib import Path

import numpy as np

from softswitch.recordings.keys import KeyPair, new_key_pair
from softswitch.recordings.reading import Sound, read_sound
from softswitch.testing.companding import Pcm
from softswitch.testing.marker import AGENT_MARKERS_HZ, CALLEE_MARKERS_HZ, MarkerEar

AUDITOR: KeyPair = new_key_pair()


def listen(path: Path) -> Sound:
    """A recording as it is heard, finished or not."""
    sound = read_sound(path, AUDITOR)
    assert (sound.header.channels, sound.header.rate_hz) == (2, 8000)
    return sound


def channels(folder: Path) -> tuple[Pcm, Pcm]:
    """Left and right, agent and callee, of the only recording in a folder."""
    (path,) = folder.glob("*.ssr")
    samples = listen(path).samples
    return samples[:, 0].astype(np.int16), samples[:, 1].astype(np.int16)


def markers(path: Path) -> tuple[set[int], set[int]]:
    """The lab's marker tones on the left and on the right channel of a recording."""
    samples = listen(path).samples
    heard = []
    for channel in (0, 1):
        ear = MarkerEar((*AGENT_MARKERS_HZ, *CALLEE_MARKERS_HZ))
        ear.receive(samples[:, channel])
        heard.append(ear.heard)
    return heard[0], heard[1]
