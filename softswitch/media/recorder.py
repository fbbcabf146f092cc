"""The recorder: a thread of the media process that moves sealed audio from timelines into files.

Disks may stall; only this thread waits for them. Files are made for the owner alone and never over one that exists.
"""

import errno
import os
import threading
import time
from dataclasses import dataclass

import numpy as np

from softswitch.media import timeline, wav
from softswitch.media import vocabulary as v
from softswitch.media.layout import RECORDER_EVENTS, Block
from softswitch.media.rings import push

LOOK_S = 0.05
"""How often ended recordings are looked for."""
WRITE_S = 0.4
"""How often a recording under way is written, header included: with the settling time, a crash costs less than a
second."""
SAMPLE_PAIR_BYTES = 4


@dataclass(slots=True)
class OpenFile:
    descriptor: int
    generation: int
    data_bytes: int = 0
    frames_lost: int = 0
    written_at: float = 0.0


class Recorder(threading.Thread):
    def __init__(self, block: Block, times: timeline.Timelines, wake_descriptor: int) -> None:
        super().__init__(name="recorder", daemon=True)
        self._block = block
        self._times = times
        self._wake_descriptor = wake_descriptor
        self._files: dict[int, OpenFile] = {}
        self._audio = np.zeros((timeline.SIZE, 2), np.int16)
        self._finishing = threading.Event()

    def finish(self) -> None:
        """Close what has ended, then end the thread. The worker must have been told to end all recordings."""
        self._finishing.set()

    def run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._finishing.wait(LOOK_S)
            self._look(time.monotonic())

    def _look(self, now: float) -> None:
        lines = self._times.lines
        for slot in np.flatnonzero(
            (lines["recording"] == timeline.RECORDING) | (lines["recording"] == timeline.ENDING)
        ):
            self._serve(int(slot), now)

    def _serve(self, slot: int, now: float) -> None:
        line = self._times.lines[slot]
        ending = line["recording"] == timeline.ENDING
        file = self._files.get(slot)
        try:
            if file is None:
                file = self._files[slot] = self._open(slot, now)
            if ending or now - file.written_at >= WRITE_S:
                self._write(slot, file, now)
        except OSError as error:
            self._close(slot, v.RECORDING_FAILED, error.errno or errno.EIO, 0)
            return
        if ending:
            self._close(slot, v.RECORDING_CLOSED, file.data_bytes // SAMPLE_PAIR_BYTES, int(line["frames_lost"]))

    def _open(self, slot: int, now: float) -> OpenFile:
        path = bytes(self._block.paths[slot]).split(b"\0", 1)[0]
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        file = OpenFile(descriptor, int(self._times.lines[slot]["generation"]), written_at=now)
        self._files[slot] = file
        _write_all(descriptor, wav.header(0), 0)
        return file

    def _write(self, slot: int, file: OpenFile, now: float) -> None:
        pairs = timeline.take(self._times, slot, self._audio)
        _write_all(file.descriptor, self._audio[:pairs].tobytes(), wav.HEADER_BYTES + file.data_bytes)
        file.data_bytes += pairs * SAMPLE_PAIR_BYTES
        _write_all(file.descriptor, wav.header(file.data_bytes), 0)
        file.written_at = now

    def _close(self, slot: int, kind: int, first: int, second: int) -> None:
        line = self._times.lines[slot]
        file = self._files.pop(slot, None)
        if file is not None:
            os.close(file.descriptor)
        generation = int(line["generation"])
        line["recording"] = timeline.DONE
        push(self._block.shared, RECORDER_EVENTS, kind, slot, generation, time.monotonic_ns(), first, second, 0, 0, 0)
        os.eventfd_write(self._wake_descriptor, 1)


def _write_all(descriptor: int, content: bytes, offset: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view = view[written:]
        offset += written
