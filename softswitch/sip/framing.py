"""Whole messages out of a byte stream (RFC 3261 §18.3, §7.5), and the keep-alives between them (RFC 5626 §3.5.1)."""

import re
from typing import Final

from softswitch.errors import PeerError
from softswitch.sip.message import Request, response_to
from softswitch.sip.parser import MAX_MESSAGE_BYTES, MalformedRequest, parse

PING: Final = b"\r\n\r\n"
PONG: Final = b"\r\n"
MAX_HEAD_BYTES: Final = MAX_MESSAGE_BYTES  # ours: start line and headers
MAX_LENGTH_DIGITS: Final = 10

# A continuation line begins with white space (§7.3.1), so it is never taken for the header.
_CONTENT_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:((?:\r\n(?=[ \t])|[^\r\n])*)", re.IGNORECASE)
_EMPTY_LINES = re.compile(rb"[\r\n]*")


class FramingError(PeerError):
    """Nobody can say where the next message of this stream begins: close it, after sending `answer`."""

    def __init__(self, reason: str, status: int = 400, head: bytes = b"") -> None:
        super().__init__(reason, status)
        self.answer = _refusal(head, status) if head else b""
        """What to tell the peer; empty where no answer can be built."""


class StreamFramer:
    """Cuts the bytes of one connection into messages, in time and memory linear in what was received.

    A message is at most 65535 bytes. Once the stream is beyond repair, `error` says why, and nothing more comes.
    """

    def __init__(self) -> None:
        self.error: FramingError | None = None
        self._kept = bytearray()
        self._searched = 0
        """Bytes of `_kept` that hold no end of a head."""
        self._total = 0
        """Length of the message under way, once its head is whole."""
        self._empty = 0
        """Bytes of line breaks since the last message."""
        self._pinged = False

    @property
    def is_between_messages(self) -> bool:
        """Whether no message has begun that is not whole."""
        return not self._kept

    def take_ping(self) -> bool:
        """Whether a keep-alive came since this was last asked; many at once are answered as one."""
        pinged, self._pinged = self._pinged, False
        return pinged

    def receive(self, data: bytes) -> list[bytes]:
        """Feed what came; returns the messages that are whole now."""
        messages: list[bytes] = []
        if self.error is not None:
            return messages
        try:
            if not self._kept and self._is_one_message(data):
                self._empty = 0
                return [data]
            self._kept += data
            while (message := self._next()) is not None:
                messages.append(message)
        except FramingError as error:
            self.error = error
            self._kept.clear()
        return messages

    def _is_one_message(self, data: bytes) -> bool:
        """Most reads hold just that: then nothing is copied."""
        end = data.find(PING, 0, MAX_HEAD_BYTES)
        if end <= 0 or data[0] in PONG or len(data) > MAX_MESSAGE_BYTES:
            return False
        return end + len(PING) + _body_length(data[:end]) == len(data)

    def _next(self) -> bytes | None:
        if not self._total and not self._read_head():
            return None
        if len(self._kept) < self._total:
            return None
        message = bytes(memoryview(self._kept)[: self._total])
        del self._kept[: self._total]
        self._total = self._searched = 0
        return message

    def _read_head(self) -> bool:
        """Find where the message at hand ends; False where its head is not whole yet."""
        kept = self._kept
        if not self._searched:
            self._skip_empty_lines()
        end = kept.find(PING, max(0, self._searched - 3))
        if end < 0:
            self._searched = len(kept)
        if (len(kept) if end < 0 else end) > MAX_HEAD_BYTES:
            raise FramingError("the headers of a message are larger than 65535 bytes", 513)
        if end < 0:
            return False
        head = bytes(memoryview(kept)[:end])
        self._total = end + len(PING) + _body_length(head)
        if self._total > MAX_MESSAGE_BYTES:
            raise FramingError("a message is larger than 65535 bytes", 513, head)
        return True

    def _skip_empty_lines(self) -> None:
        found = _EMPTY_LINES.match(self._kept)
        if found is not None and (skipped := found.end()):
            self._pinged |= (self._empty + skipped) // len(PING) > self._empty // len(PING)
            self._empty += skipped
            del self._kept[:skipped]
        if self._kept:
            self._empty = 0


def _body_length(head: bytes) -> int:
    values = _CONTENT_LENGTH.findall(head)
    if not values:
        raise FramingError("a message on a stream holds no Content-Length", 400, head)
    value = values[0].strip(b" \t\r\n")
    if len(values) > 1:
        raise FramingError("Content-Length stands more than once", 400, head)
    if not value.isdigit() or len(value) > MAX_LENGTH_DIGITS:
        raise FramingError("Content-Length is malformed", 400, head)
    return int(value)


def _refusal(head: bytes, status: int) -> bytes:
    try:
        message = parse(head + PING)
    except MalformedRequest as error:
        message = error.request
    except PeerError:
        return b""
    if not isinstance(message, Request) or message.method == "ACK":
        return b""
    return bytes(response_to(message, status, to_tag="framing"))
