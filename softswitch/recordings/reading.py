"""Reading a sealed recording: its structure without a key, its sound with the auditor's, and what is wrong with it."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from nacl import bindings
from nacl.exceptions import CryptoError

from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR
from softswitch.errors import SoftswitchError, UsageError
from softswitch.recordings.form import (
    BYTES_PER_SAMPLE,
    CHUNK_OVERHEAD_BYTES,
    LENGTH,
    LONGEST_S,
    PREFIX,
    TOTALS,
    TRAILER_BYTES,
    Encoding,
    Header,
    Kind,
    NotARecording,
    Trailer,
)
from softswitch.recordings.keys import KeyPair, fingerprint
from softswitch.recordings.stream import Stream

Samples = npt.NDArray[np.int16]


class Damaged(SoftswitchError):
    """The file is not what was written; the text says what and where."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk, decrypted."""

    number: int
    """From 1, as people count."""
    kind: Kind
    position: int
    """On the recording's sample clock; of the first sample, or of the mark."""
    samples: Samples
    """(n, channels); n is 0 unless the kind is AUDIO"""
    frames_lost: int = 0
    """Of the whole recording, in its last chunk."""


@dataclass(slots=True)
class Structure:
    """What can be told without a key."""

    spans: list[tuple[int, int]] = field(default_factory=list)
    """Offset and length of each whole chunk's ciphertext."""
    end: int = 0
    """Offset after the last whole chunk."""
    trailer: Trailer | None = None
    torn: str = ""
    """How it ends where it was not closed."""
    trouble: str = ""
    """What no crash explains."""


class SealedFile:
    """A recording's file, mapped. Raises NotARecording, or UsageError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise NotARecording("is empty") from None
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error
        self.data = memoryview(self._map)
        try:
            self.header, self._header_bytes = Header.parse(self.data)
            self.structure = self._walk()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "SealedFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.data.release()
        self._map.close()

    def _walk(self) -> Structure:
        found = Structure(end=self._header_bytes)
        data, most = self.data, self.header.most_chunk_bytes
        while found.end < len(data):
            number = len(found.spans) + 1
            if len(data) - found.end < LENGTH.size:
                found.torn = f"ends within chunk {number}"
                break
            (length,) = LENGTH.unpack_from(data, found.end)
            if length == 0:
                self._find_trailer(found)
                break
            start = found.end + LENGTH.size
            if not CHUNK_OVERHEAD_BYTES + PREFIX.size <= length <= most:
                found.trouble = (
                    f"chunk {number} (byte {found.end}) has a length that no chunk has: it was altered there"
                )
                break
            if start + length > len(data):
                if Trailer.parse(data[-TRAILER_BYTES:]) is not None:  # a crash leaves none
                    found.trouble = f"chunk {number} (byte {found.end}) reaches beyond the end: it was altered there"
                else:
                    found.torn = f"ends within chunk {number}"
                break
            found.spans.append((start, length))
            found.end = start + length
        else:
            found.torn = f"ends after chunk {len(found.spans)} without having been closed"
        return found

    def _find_trailer(self, found: Structure) -> None:
        rest = len(self.data) - found.end
        if rest < TRAILER_BYTES:
            found.torn = "ends within its trailer"
            return
        found.trailer = Trailer.parse(self.data[found.end : found.end + TRAILER_BYTES])
        if found.trailer is None:
            found.trouble = f"its trailer (byte {found.end}) is damaged"
        elif rest > TRAILER_BYTES:
            found.trouble = f"{rest - TRAILER_BYTES} bytes follow its trailer: they were added"
        elif found.trailer.size != found.end:
            how = "taken out" if found.trailer.size > found.end else "put in"
            found.trouble = f"{abs(found.trailer.size - found.end)} bytes were {how} after it was closed"

    def chunks(self, pair: KeyPair, *, past_damage: bool = False) -> Iterator[Chunk]:
        """Every chunk in order; ends quietly where a crash cut the file off.

        Raises UsageError for another auditor's key, and Damaged at the first chunk that is not what was written there;
        with `past_damage` a chunk that was altered in its place is left out, and the rest is read.
        """
        stream = self._open(pair)
        position, stored, ended = 0, 0, False
        spans = self.structure.spans
        for index, (start, length) in enumerate(spans):
            if ended:
                raise Damaged(f"chunk {index + 1} follows the last: it was added")
            sealed = bytes(self.data[start : start + length])
            opened = stream.pull(sealed)
            if opened is None:
                trouble = self._diagnosis(stream, index, position)
                if not past_damage or not self._goes_on(stream, index):
                    raise Damaged(trouble)
                continue
            text, is_last = opened
            chunk = self._parse(text, index, is_last, position)
            position = chunk.position + len(chunk.samples)
            stored += len(chunk.samples)
            if is_last and not past_damage:
                self._check_totals(text, index, stored)
            ended = is_last
            yield chunk
        if ended and self.structure.torn == "ends within its trailer":
            return
        if self.structure.trouble:
            raise Damaged(self.structure.trouble)
        if not ended and self.structure.trailer is not None:
            raise Damaged(f"its last chunk is missing, though it was closed: chunks after {len(spans)} were taken out")

    def _open(self, pair: KeyPair) -> Stream:
        header = self.header
        if header.fingerprint != fingerprint(pair.public):
            raise UsageError(
                f"{self.path.name} was sealed to the key {header.fingerprint.hex()}; this private key is that of "
                f"{fingerprint(pair.public).hex()}"
            )
        try:
            key = bindings.crypto_box_seal_open(header.sealed_key, pair.public, pair.private)
        except CryptoError:
            raise Damaged("its header was altered: the key in it cannot be opened") from None
        return Stream(key, header.stream_header, bytes(self.data[: self._header_bytes]))

    def _parse(self, text: bytes, index: int, is_last: bool, expected: int) -> Chunk:
        """What a chunk that authenticates says; what makes no sense then was written by no recorder of ours."""
        kind, *encodings, count, position = PREFIX.unpack_from(text) if len(text) >= PREFIX.size else (0,) * 6
        channels = self.header.channels
        try:
            known = Kind(kind)
            planes = [Encoding(each) for each in encodings[:channels]]
        except ValueError:
            raise Damaged(f"chunk {index + 1} is of a kind that this program does not know") from None
        body = PREFIX.size + sum(BYTES_PER_SAMPLE[plane] * count for plane in planes)
        if known is Kind.ENDED:
            body += TOTALS.size
        if (
            len(text) != body
            or position < expected
            or is_last != (known is Kind.ENDED)
            or (known is not Kind.AUDIO and count)
            or count > self.header.rate_hz
            or position > LONGEST_S * self.header.rate_hz
        ):
            raise Damaged(f"chunk {index + 1} contradicts itself or those before it")
        samples = np.zeros((count, channels), np.int16)
        offset = PREFIX.size
        for channel, plane in enumerate(planes):
            size = BYTES_PER_SAMPLE[plane] * count
            samples[:, channel] = _expanded(plane, text[offset : offset + size])
            offset += size
        lost = TOTALS.unpack_from(text, PREFIX.size)[2] if known is Kind.ENDED else 0
        return Chunk(index + 1, known, position, samples, lost)

    def _check_totals(self, text: bytes, index: int, stored: int) -> None:
        said, chunks, _ = TOTALS.unpack_from(text, PREFIX.size)
        if (said, chunks) != (stored, index):
            raise Damaged(f"it holds {stored} samples in {index} chunks; {said} in {chunks} were written")

    def _diagnosis(self, stream: Stream, index: int, position: int) -> str:
        """Why a chunk does not authenticate, as far as it can be told."""
        where = f"chunk {index + 1} (from {position / self.header.rate_hz:.2f} s on)"
        if index == 0 and not self._goes_on(stream.copy(), 0):
            return f"{where} does not fit the header: one of the two was altered, or comes from another recording"
        sealed = [bytes(self.data[start : start + length]) for start, length in self.structure.spans]
        if sealed[index] in sealed[:index]:
            return f"{where} is chunk {sealed.index(sealed[index]) + 1} once more: it was doubled"
        for later in range(index + 1, len(sealed)):
            if stream.copy().pull(sealed[later]) is not None:
                return f"{where} stands in the place of chunk {later + 1}: chunks were moved or put in"
        if self._goes_on(stream.copy(), index):
            return f"{where} was altered; what follows it is as it was written"
        return f"{where} is not what was written there: it was altered or replaced, or chunks before it were taken out"

    def _goes_on(self, stream: Stream, index: int) -> bool:
        """Whether the chunk after an altered one still fits; the stream is then before it."""
        spans = self.structure.spans
        start, length = spans[index]
        stream.skip(bytes(self.data[start : start + length]))
        if index + 1 == len(spans):
            return False
        start, length = spans[index + 1]
        return stream.copy().pull(bytes(self.data[start : start + length])) is not None


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as it is heard; what was paused is silence, so that every sample keeps its moment."""

    header: Header
    samples: Samples
    """(n, channels): left what was sent to the callee, right what was received from there"""
    pauses: tuple[tuple[int, int], ...]
    """Positions from and to."""
    is_finished: bool
    """False: a crash cut it off."""
    frames_lost: int


def read_sound(path: Path, pair: KeyPair, *, past_damage: bool = False) -> Sound:
    """The whole of a recording. Raises NotARecording, Damaged, or UsageError for another key."""
    with SealedFile(path) as file:
        pieces: list[Samples] = []
        pauses: list[tuple[int, int]] = []
        paused_at: int | None = None
        here, finished, lost = 0, False, 0
        for chunk in file.chunks(pair, past_damage=past_damage):
            if chunk.position > here:
                pieces.append(np.zeros((chunk.position - here, file.header.channels), np.int16))
            pieces.append(chunk.samples)
            here = chunk.position + len(chunk.samples)
            if chunk.kind is Kind.PAUSED:
                paused_at = chunk.position
            elif paused_at is not None and chunk.kind in (Kind.RESUMED, Kind.ENDED):
                pauses.append((paused_at, chunk.position))
                paused_at = None
            if chunk.kind is Kind.ENDED:
                finished, lost = True, chunk.frames_lost
        samples = np.concatenate(pieces) if pieces else np.zeros((0, file.header.channels), np.int16)
        return Sound(file.header, samples, tuple(pauses), finished, lost)


def _expanded(encoding: Encoding, data: bytes) -> Any:
    match encoding:
        case Encoding.SILENCE:
            return 0
        case Encoding.ULAW:
            return ULAW_TO_LINEAR[np.frombuffer(data, np.uint8)]
        case Encoding.ALAW:
            return ALAW_TO_LINEAR[np.frombuffer(data, np.uint8)]
    return np.frombuffer(data, "<i2")
