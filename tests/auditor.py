"""The auditor of every test site: a key pair, and what the auditor hears."""

from pathlib import Path

from softswitch.recordings.keys import KeyPair, new_key_pair
from softswitch.recordings.reading import Sound, read_sound

AUDITOR: KeyPair = new_key_pair()


def listen(path: Path) -> Sound:
    """A recording as it is heard, finished or not."""
    sound = read_sound(path, AUDITOR)
    assert (sound.header.channels, sound.header.rate_hz) == (2, 8000)
    return sound
