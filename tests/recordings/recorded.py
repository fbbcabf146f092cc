"""Recordings made without a media process: the container's writer, driven by hand."""

from pathlib import Path

import numpy as np

from softswitch.recordings.form import PREFIX, Encoding, Kind
from softswitch.recordings.ledger import CLOSED, Entry, Ledger
from softswitch.recordings.names import file_name
from softswitch.recordings.sealing import Seal
from tests.auditor import AUDITOR

STARTED_NS = 1_800_000_000_000_000_000


def audio(position, samples):
    """The text of a chunk of linear audio.  samples: (n, channels) int16"""
    count, channels = samples.shape
    encodings = [Encoding.LINEAR] * channels + [0] * (3 - channels)
    planes = b"".join(samples[:, channel].astype("<i2").tobytes() for channel in range(channels))
    return PREFIX.pack(Kind.AUDIO, *encodings, count, position) + planes


def mark(kind, position):
    return PREFIX.pack(kind, 0, 0, 0, 0, position)


def noise(count, seed=1, channels=2):
    return np.random.default_rng(seed).integers(-32768, 32768, (count, channels)).astype(np.int16)


def pieces(call_ref="call", chunks=6, *, key=AUDITOR.public, part=1, seed=1, size=400):
    """Header, chunks (length and ciphertext together), last chunk: as they are written."""
    seal = Seal(key, call_ref=call_ref, part=part, started_ns=STARTED_NS)
    sound = noise(chunks * size, seed)
    written = [seal.header]
    for index in range(chunks):
        written.append(seal.chunk(audio(index * size, sound[index * size :][:size])))
    written.append(seal.end(chunks * size, chunks * size, 0))
    return written, sound


def keep(folder, written, call_ref="call", part=1, closed_ns=STARTED_NS):
    """Close a recording in a folder, with its line in the ledger."""
    from softswitch.recordings.form import digest

    content = b"".join(written)
    path = folder / file_name(call_ref, part)
    with Ledger(folder).appending() as turn:
        entry = turn.append(Entry.bound(CLOSED, closed_ns, path.name, len(content), digest(content), turn.head))
        path.write_bytes(content + entry.trailer().pack())
    path.chmod(0o600)
    return path


def folder_of(folder: Path, *call_refs, chunks=6):
    """A folder of closed recordings."""
    for number, call_ref in enumerate(call_refs):
        keep(folder, pieces(call_ref, chunks, seed=number)[0], call_ref)
    return folder
