"""What may be wrapped around a text, taken off again: for those who look for something in bytes. Pure."""

import binascii
import html
import re
from collections.abc import Callable, Iterator
from typing import Final

DEEPEST: Final = 2
"""Encodings within one another that are taken off."""
AROUND: Final = 48
"""Bytes of plain text before and behind an encoded place that may belong to it."""
_LEAST_BASE64 = 8
_LEAST_HEX = 8
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-]{%d,}" % _LEAST_BASE64)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_HEX = re.compile(rb"(?:[0-9A-Fa-f][ :\-]?+){%d,}" % _LEAST_HEX)
_NOT_HEX = re.compile(rb"[ :\-]")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_ESCAPED = re.compile(rb"\\(?:u00([0-9A-Fa-f]{2})|x([0-9A-Fa-f]{2})|([0-7]{3}))")
_ENTITY = re.compile(rb"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});")
_QUOTED_PRINTABLE = re.compile(rb"=(?:\r?\n|([0-9A-Fa-f]{2}))")
_WIDE = re.compile(rb"(?:\0{1,3}[\x20-\x7e]){5,}")


def decodings(data: bytes, deepest: int = DEEPEST) -> Iterator[tuple[str, bytes]]:
    """(encodings, outermost first, as "base64 > percent"; what is left when they are taken off), beginning with the
    data itself. Of the rest only what was encoded is given, with a little of the plain text around it."""
    yield "", data
    if deepest:
        for name, decode in _ENCODINGS:
            plain = decode(data)
            if plain:
                for within, inner in decodings(plain, deepest - 1):
                    yield f"{name} > {within}" if within else name, inner


def _base64(data: bytes) -> bytes:
    """Every run of its alphabet, from each of the four places where it may begin."""
    decoded = []
    for run in _BASE64.finditer(data.replace(b"\r\n ", b"")):
        text = run[0].translate(_URL_SAFE)
        for start in range(4):
            part = text[start:]
            if len(part) % 4 == 1:
                part = part[:-1]
            decoded.append(binascii.a2b_base64(part + b"=" * (-len(part) % 4)))
    return b"\x01".join(decoded)


def _hexadecimal(data: bytes) -> bytes:
    decoded = []
    for run in _HEX.finditer(data):
        digits = _NOT_HEX.sub(b"", run[0])
        for start in range(2):
            part = digits[start:]
            decoded.append(bytes.fromhex(part[: len(part) // 2 * 2].decode("ascii")))
    return b"\x01".join(decoded)


def _percent(data: bytes) -> bytes:
    return _decoded(data, _PERCENT, lambda found: bytes.fromhex(found[1].decode("ascii")))


def _quoted_printable(data: bytes) -> bytes:
    return _decoded(data, _QUOTED_PRINTABLE, lambda found: bytes.fromhex((found[1] or b"").decode("ascii")))


def _escapes(data: bytes) -> bytes:
    def plain(found: re.Match[bytes]) -> bytes:
        octal = found[3]
        return bytes([int(octal, 8) & 0xFF]) if octal else bytes.fromhex((found[1] or found[2]).decode("ascii"))

    return _decoded(data, _ESCAPED, plain)


def _entities(data: bytes) -> bytes:
    return _decoded(data, _ENTITY, lambda found: html.unescape(found[0].decode("ascii")).encode("utf-8", "replace"))


def _wide(data: bytes) -> bytes:
    """UTF-16 and UTF-32 of what is ASCII, in either order."""
    runs = (data[max(0, run.start() - 1) : run.end()] for run in _WIDE.finditer(data))
    return b"\x01".join(run.replace(b"\0", b"") for run in runs)


def _decoded(data: bytes, code: re.Pattern[bytes], plain: Callable[[re.Match[bytes]], bytes]) -> bytes:
    """With each code replaced, and no more of the text than stands close to one."""
    pieces, end = [], -AROUND - 1
    for found in code.finditer(data):
        if found.start() - end > AROUND:
            pieces += [data[end : end + AROUND], b"\x01"] if end >= 0 else []
            end = max(0, found.start() - AROUND)
        pieces += [data[end : found.start()], plain(found)]
        end = found.end()
    return b"".join([*pieces, data[end : end + AROUND]]) if pieces else b""


_ENCODINGS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("percent", _percent),
    ("quoted-printable", _quoted_printable),
    ("escapes", _escapes),
    ("entities", _entities),
    ("wide", _wide),
    ("base64", _base64),
    ("hex", _hexadecimal),
)
