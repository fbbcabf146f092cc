"""Fragments of SIP's grammar that every header shares: tokens, quoted strings, lists, parameters (RFC 3261 §25.1).

Each function looks at its text once, so that the time for a hostile datagram grows with its length and no faster.
No error text quotes what the peer sent: a header may hold a telephone number, and error texts reach logs.
"""

import re
from collections.abc import Mapping
from typing import Final

from softswitch.errors import PeerError

MAX_LIST_VALUES: Final = 200  # ours; far above any real Via or Contact list, and bounds the work for one datagram

_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_ESCAPE = re.compile(r'(["\\])')
_PLAIN = re.compile(r'[^",<]+')
_PLAIN_PARAMETER = re.compile(r'[^";]+')
_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\r\n")
_ALL_CONTROLS = _CONTROLS + b"\r\n"
_BARE_CONTROL = re.compile(rb"(?:\\.)|([\x00-\x08\x0b\x0c\x0e-\x1f\x7f])", re.DOTALL)
_CONTROL_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def is_token(text: str) -> bool:
    """Whether `text` is one `token` (RFC 3261 §25.1)."""
    return _TOKEN.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """Whether `text` is `1*DIGIT`; `str.isdigit` alone would take other scripts' digits too."""
    return text.isascii() and text.isdigit()


def has_bare_control(data: bytes) -> bool:
    """Whether a control character stands in `data` outside a quoted-pair; HT, CR and LF are not looked at.

    A quoted-pair may legally hold one (RFC 4475 §3.1.1.2 does); anywhere else it is an attack on logs and terminals.
    """
    if len(data.translate(None, _CONTROLS)) == len(data):
        return False
    return any(found.group(1) is not None for found in _BARE_CONTROL.finditer(data))


def breaks_only_at(head: bytes, line_breaks: int) -> bool:
    """Whether `head`, which splits at CRLF `line_breaks` times, holds no other CR or LF and no bare control."""
    controls = len(head) - len(head.translate(None, _ALL_CONTROLS))
    if controls == 2 * line_breaks:
        return True
    return head.count(b"\n") == head.count(b"\r") == line_breaks and not has_bare_control(head)


def quoted_end(text: str, start: int) -> int:
    """Index just after the quoted-string that begins at `start`."""
    found = _QUOTED.match(text, start)
    if found is None:
        raise PeerError("a quoted string does not end")
    return found.end()


def unquote(text: str) -> str:
    """The text that a token or quoted-string stands for."""
    text = text.strip(" \t")
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        return _QUOTED_PAIR.sub(r"\1", text[1:-1])
    return text


def quote(text: str) -> str:
    """`text` as a quoted-string."""
    escaped = _NEEDS_ESCAPE.sub(r"\\\1", text)
    return f'"{escaped}"'


def printable(text: str) -> str:
    """`text` without control characters and undecodable bytes: fit for a log, a page or a CDR."""
    return text if text.isprintable() else _CONTROL_TEXT.sub("", text)


def split_list(text: str) -> list[str]:
    """The comma-separated values of a list header; commas in quotes or angle brackets do not separate (§7.3.1)."""
    if "," not in text:
        value = text.strip(" \t")
        return [value] if value else []
    if '"' not in text and "<" not in text:
        pieces = text.split(",")
    else:
        pieces = []
        start = position = 0
        end = len(text)
        while position < end:
            sign = text[position]
            if sign == ",":
                pieces.append(text[start:position])
                if len(pieces) > MAX_LIST_VALUES:
                    raise PeerError("a list header holds too many values")
                position += 1
                start = position
            elif sign == '"':
                position = quoted_end(text, position)
            elif sign == "<":
                position = text.find(">", position) + 1
                if position == 0:
                    raise PeerError("an angle bracket does not close")
            else:
                position = _PLAIN.match(text, position).end()  # type: ignore[union-attr]  # the other signs are handled
        pieces.append(text[start:])
    values = [value for piece in pieces if (value := piece.strip(" \t"))]
    if len(values) > MAX_LIST_VALUES:
        raise PeerError("a list header holds too many values")
    return values


def parse_params(text: str) -> dict[str, str | None]:
    """Header parameters; `text` is empty or begins with `;`. Names come out in lower case, values as they stand.

    A flag has the value None. Raises PeerError for an empty or repeated parameter (§7.3.1).
    """
    params: dict[str, str | None] = {}
    if not text:
        return params
    if '"' not in text:
        pieces = text.split(";")
    else:
        pieces = []
        start = position = 0
        end = len(text)
        while position < end:
            sign = text[position]
            if sign == ";":
                pieces.append(text[start:position])
                position += 1
                start = position
            elif sign == '"':
                position = quoted_end(text, position)
            else:
                position = _PLAIN_PARAMETER.match(text, position).end()  # type: ignore[union-attr]
        pieces.append(text[start:])
    if pieces[0].strip(" \t"):
        raise PeerError("text stands where a parameter should begin")
    for piece in pieces[1:]:
        name, equals, value = piece.partition("=")
        name = name.strip(" \t").lower()
        if name in params or (not (name.isalnum() and name.isascii()) and not is_token(name)):
            raise PeerError("a header parameter is empty, repeated or misspelt")
        if equals:
            value = value.strip(" \t")
            if " " in value and not value.startswith('"'):
                raise PeerError("a header parameter's value holds a space")
            params[name] = value
        else:
            params[name] = None
    return params


def format_params(params: Mapping[str, str | None]) -> str:
    """Inverse of `parse_params`."""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in params.items()])
