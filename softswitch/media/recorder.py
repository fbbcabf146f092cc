"""The recorder: two threads of the media process that move sealed audio from timelines into encrypted files.

Disks may stall; only these threads wait for them. One writes what is said; the other has what is closed on disk and
binds it to the folder's ledger (`softswitch.recordings`).
"""

import errno
import os
import queue
import threading
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from softswitch.errors import SoftswitchError
from softswitch.media import timeline, writing
from softswitch.media import vocabulary as v
from softswitch.media.layout import RECORDER_EVENTS, Block
from softswitch.media.rings import push
from softswitch.media.sealed_file import SealedFile, open_part, start_of
from softswitch.recordings.ledger import Appending, Ledger

LOOK_S = 0.05
"""How often what is due is looked for."""
STAGGER = 0.618034
"""Of WRITE_NS, from slot to slot: recordings that begin together are not written together."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A recording that is written, or that failed, and what is to be told of it."""

    slot: int
    generation: int
    folder: Path
    file: SealedFile | None
    error: int = 0
    """errno, where it failed"""
    samples: int = 0
    """it lasts"""
    stored: int = 0
    frames_lost: int = 0


class Recorder(threading.Thread):
    """Writes what is due, twenty times a second."""

    def __init__(self, block: Block, times: timeline.Timelines, wake_descriptor: int, key: bytes | None) -> None:
        """key: the auditor's public key; without one every recording fails."""
        super().__init__(name="recorder", daemon=True)
        self._block = block
        self._times = times
        self._key = key
        self._files: dict[int, SealedFile] = {}
        self._pen = writing.new_pen(times.lines.size)
        self._finishing = threading.Event()
        self._binder = Binder(block, times, wake_descriptor)

    def finish(self) -> None:
        """Close what has ended, then end the thread. The worker must have been told to end all recordings."""
        self._finishing.set()

    def run(self) -> None:
        self._binder.start()
        stopping = False
        while not stopping:
            stopping = self._finishing.wait(LOOK_S)
            self._look(time.monotonic_ns())
        self._binder.finish()
        self._binder.join()

    def _look(self, now: int) -> None:
        count = writing.write_due(self._times, self._pen, now)
        for slot in self._pen.called[:count].tolist():
            self._attend(slot, now)

    def _attend(self, slot: int, now: int) -> None:
        """Open a recording that has begun, and close one that has ended or failed."""
        line, row = self._times.lines[slot], self._pen.files[slot]
        try:
            if slot not in self._files:
                if line["recording"] not in (timeline.RECORDING, timeline.ENDING):
                    return
                self._open(slot)
                row["due_ns"] = now + int(writing.WRITE_NS * (slot * STAGGER % 1.0))
                writing.write_recording(self._times, self._pen, slot)
            if row["error"]:
                self._fail(slot, int(row["error"]))
            elif line["recording"] == timeline.ENDING and line["taken"] >= line["record_to"]:
                self._end(slot)
        except OSError as error:
            self._fail(slot, error.errno or errno.EIO)
        except SoftswitchError:
            self._fail(slot, errno.EINVAL)

    def _open(self, slot: int) -> None:
        if self._key is None:
            raise OSError(errno.ENOKEY, os.strerror(errno.ENOKEY))
        path = self._path(slot)
        file = self._files[slot] = open_part(path, self._key, start_of(self._times.lines[slot]))
        file.lend(self._pen.files[slot])
        self._binder.expect(path.parent)

    def _end(self, slot: int) -> None:
        line, file = self._times.lines[slot], self._files[slot]
        samples = int(line["record_to"] - line["record_from"])
        stored, lost = int(line["stored"]), int(line["frames_lost"])
        file.take_back(self._pen.files[slot])
        file.end(samples, stored, lost)
        self._hand_over(slot, file, samples=samples, stored=stored, frames_lost=lost)

    def _fail(self, slot: int, error: int) -> None:
        file = self._files.get(slot)
        if file is not None:
            file.take_back(self._pen.files[slot])
            file.break_off()
        self._hand_over(slot, file, error=error)

    def _hand_over(
        self,
        slot: int,
        file: SealedFile | None,
        *,
        error: int = 0,
        samples: int = 0,
        stored: int = 0,
        frames_lost: int = 0,
    ) -> None:
        line = self._times.lines[slot]
        folder = file.path.parent if file is not None else self._path(slot).parent
        ended = Ended(slot, int(line["generation"]), folder, file, error, samples, stored, frames_lost)
        line["recording"] = timeline.CLOSING
        self._files.pop(slot, None)
        self._binder.take(ended)

    def _path(self, slot: int) -> Path:
        return Path(os.fsdecode(bytes(self._block.paths[slot]).split(b"\0", 1)[0]))


class Binder(threading.Thread):
    """Binds ended recordings to the ledger in the order in which they end, and tells the switch of each."""

    def __init__(self, block: Block, times: timeline.Timelines, wake_descriptor: int) -> None:
        super().__init__(name="recordings-ledger", daemon=True)
        self._block = block
        self._times = times
        self._wake_descriptor = wake_descriptor
        self._queue: queue.SimpleQueue[Ended | Path | None] = queue.SimpleQueue()
        self._ledgers: dict[Path, Ledger] = {}

    def expect(self, folder: Path) -> None:
        """A recording was begun in this folder."""
        if folder not in self._ledgers:
            self._ledgers[folder] = Ledger(folder)
            self._queue.put(folder)

    def take(self, ended: Ended) -> None:
        self._queue.put(ended)

    def finish(self) -> None:
        self._queue.put(None)

    def run(self) -> None:
        while (item := self._queue.get()) is not None:
            batch: list[Ended | Path | None] = [item]
            while not self._queue.empty() and batch[-1] is not None:
                batch.append(self._queue.get_nowait())
            for folder in (each for each in batch if isinstance(each, Path)):
                self._adopt(folder)
            done = [each for each in batch if isinstance(each, Ended)]
            for folder, ended in groupby(done, key=lambda each: each.folder):
                self._bind(folder, list(ended))
            if batch[-1] is None:
                return

    def _adopt(self, folder: Path) -> None:
        """What an earlier process left. A ledger that cannot be written is told of with the first recording's end."""
        try:
            self._ledgers[folder].adopt()
        except (OSError, SoftswitchError):
            return

    def _bind(self, folder: Path, batch: list[Ended]) -> None:
        errors = {}
        try:
            if any(ended.file is not None for ended in batch):
                with self._ledgers[folder].appending() as turn:
                    for ended in batch:
                        errors[ended.slot] = _bind_one(ended, turn)
        except OSError as error:
            errors = dict.fromkeys((ended.slot for ended in batch), error.errno or errno.EIO)
        except SoftswitchError:
            errors = dict.fromkeys((ended.slot for ended in batch), errno.EBADMSG)
        for ended in batch:
            if ended.file is not None:
                ended.file.release()
            self._tell(ended, ended.error or errors.get(ended.slot, 0))

    def _tell(self, ended: Ended, error: int) -> None:
        part = ended.file.part if ended.file is not None else 0
        said = (error, part, 0, 0) if error else (ended.samples, ended.frames_lost, part, ended.stored)
        kind = v.RECORDING_FAILED if error else v.RECORDING_CLOSED
        at_ns = time.monotonic_ns()
        self._times.lines[ended.slot]["recording"] = timeline.DONE
        push(self._block.shared, RECORDER_EVENTS, kind, ended.slot, ended.generation, at_ns, *said, 0)
        os.eventfd_write(self._wake_descriptor, 1)


def _bind_one(ended: Ended, turn: Appending) -> int:
    """Bind one recording; its errno, or 0. Raises OSError where the ledger can take nothing at all."""
    if ended.file is None:
        return ended.error
    if ended.error:
        ended.file.bind_unfinished(turn)
        return ended.error
    try:
        ended.file.bind(turn)
    except OSError as error:
        ended.file.break_off()
        ended.file.bind_unfinished(turn)
        return error.errno or errno.EIO
    return 0
