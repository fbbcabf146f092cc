"""Datagrams to messages (RFC 3261 §7, §18.3).

`parse` gives a whole message or raises: every typed property of a message that it returned can be read without an
error. A request that is wrong but can still be answered comes as `MalformedRequest`, with what the answer needs.
"""

import re
from collections.abc import Callable
from typing import Final, TypeAlias, cast

from softswitch.errors import PeerError
from softswitch.sip.grammar import breaks_only_at, is_number, is_token, printable
from softswitch.sip.headers import SPELLINGS, Headers, canonical_name
from softswitch.sip.message import COPIED, Request, Response
from softswitch.sip.uri import UNREADABLE, Uri
from softswitch.sip.usual import LONGEST, read_usual
from softswitch.sip.values import (
    CSeq,
    read_addresses,
    read_call_id,
    read_contacts,
    read_cseq,
    read_from,
    read_max_forwards,
    read_to,
    read_vias,
)

MAX_MESSAGE_BYTES: Final = 65535  # the largest UDP datagram, and our bound on a stream
MAX_HEADER_LINES: Final = 300  # ours

SERVED_SCHEMES: Final = frozenset({"sip", "sips", "tel"})

_ENDS_IN_VERSION = re.compile(r" SIP/[0-9]{1,4}\.[0-9]{1,4} {0,99}\Z", re.IGNORECASE)
_Reader: TypeAlias = Callable[[list[str]], object]
_NEEDED: Final[tuple[tuple[str, _Reader], ...]] = (
    ("Via", read_vias), ("From", read_from), ("To", read_to), ("Call-ID", read_call_id), ("CSeq", read_cseq),
)  # fmt: skip
_OPTIONAL: Final[tuple[tuple[str, _Reader], ...]] = (
    ("Max-Forwards", read_max_forwards), ("Contact", read_contacts),
    ("Route", read_addresses), ("Record-Route", read_addresses),
)  # fmt: skip


class MalformedRequest(PeerError):
    """A request that must be refused, and can be: `response_to(error.request, error.status)` is the answer.

    `request` holds the first of each header that the answer needs, as sent; of its typed properties only `via` and
    `method` may be relied on. Never raised for an ACK, which has no answer, nor for a response.
    """

    def __init__(self, reason: str, status: int, request: Request) -> None:
        super().__init__(reason, status)
        self.request = request


def parse(data: bytes) -> Request | Response:
    """Read one datagram. Raises PeerError, as `MalformedRequest` where a request can be answered; never else.

    Empty lines in front are skipped (§7.5); bytes after the body that Content-Length announces are dropped (§18.3);
    without Content-Length the body runs to the end of the datagram.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise PeerError("a message is larger than 65535 bytes", 513)
    head, end, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not head:
        raise PeerError("a datagram holds no message")
    text = head.decode("utf-8", "surrogateescape")
    if end and len(text) <= LONGEST:
        usual = read_usual(text, body)
        if usual is not None:
            return usual
    lines = text.split("\r\n")
    start = lines[0]
    if start[:8].upper() == "SIP/2.0 ":
        return _parse_response(start, head, lines, end, body)
    method, _, rest = start.partition(" ")
    target, _, version = rest.rpartition(" ")
    _check_request_line(method, version, start)
    try:
        if not version:
            raise PeerError("spaces stand behind the request line")
        if version != "SIP/2.0" and version.upper() != "SIP/2.0":
            raise PeerError("a request is of another version than SIP/2.0", 505)
        _check_framing(head, lines, end)
        fields = _read_fields(lines)
        uri = Uri.parse(target)
        body = _cut_body(fields, body)
        headers = Headers.from_fields(fields)
        if _check_headers(headers).method != method:
            raise PeerError("CSeq names another method than the request line")
        if uri.headers:
            raise PeerError("a Request-URI holds headers")  # §19.1.1 table 1
        if uri.scheme not in SERVED_SCHEMES:
            raise PeerError("a Request-URI is of a scheme that is not served", 416)
    except PeerError as error:
        refused = _answerable(method, lines) if method != "ACK" else None
        if refused is None:
            raise
        raise MalformedRequest(str(error), error.status, refused) from error
    return Request(method, uri, headers, body)


def _parse_response(start: str, head: bytes, lines: list[str], end: bytes, body: bytes) -> Response:
    code, _, reason = start[8:].partition(" ")
    if len(code) != 3 or not is_number(code) or not "100" <= code <= "699":
        raise PeerError("a response's status is out of range")
    _check_framing(head, lines, end)
    fields = _read_fields(lines)
    body = _cut_body(fields, body)
    headers = Headers.from_fields(fields)
    _check_headers(headers)
    return Response.from_parts(int(code), reason, headers, body)


def _check_request_line(method: str, version: str, start: str) -> None:
    """Raise where the datagram is no request at all, or so broken that nobody waits for an answer."""
    if not is_token(method) or (version != "SIP/2.0" and not _ENDS_IN_VERSION.search(start)):
        raise PeerError("a datagram is no SIP message")


def _unfold(lines: list[str]) -> list[str]:
    """Join folded header lines by one space each (§7.3.1)."""
    joined = [lines[:1]]
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and len(joined) > 1:
            joined[-1].append(line.lstrip(" \t"))
        else:
            joined.append([line])
    return [" ".join(pieces) for pieces in joined]


def _check_framing(head: bytes, lines: list[str], end: bytes) -> None:
    if not end:
        raise PeerError("a message's headers do not end")
    if len(lines) > MAX_HEADER_LINES:
        raise PeerError("a message has too many headers")
    if not breaks_only_at(head, len(lines) - 1):
        raise PeerError("a header holds a lone line break or control character")


def _read_fields(lines: list[str], *, unfolded: bool = False) -> dict[str, list[str]]:
    """Header lines under their canonical names."""
    fields: dict[str, list[str]] = {}
    spelling = SPELLINGS.get
    for line in lines[1:]:
        written, colon, value = line.partition(":")
        name = spelling(written)
        if name is None:
            if not unfolded and line[:1] in (" ", "\t"):
                return _read_fields(_unfold(lines), unfolded=True)
            if not colon:
                raise PeerError("a header line holds no colon")
            name = canonical_name(written)
        if name in fields:
            fields[name].append(value.strip(" \t"))
        else:
            fields[name] = [value.strip(" \t")]
    return fields


def _cut_body(fields: dict[str, list[str]], body: bytes) -> bytes:
    """The body by Content-Length (§18.3); the header goes, since it is written anew."""
    lines = fields.pop("Content-Length", None)
    if lines is None:
        return body
    if len(lines) > 1:
        raise PeerError("Content-Length stands more than once")
    if not is_number(lines[0]) or len(lines[0]) > 10:
        raise PeerError("Content-Length is malformed")
    length = int(lines[0])
    if length > len(body):
        raise PeerError("Content-Length is larger than the datagram")
    return body if length == len(body) else body[:length]


def _check_headers(headers: Headers) -> CSeq:
    """Parse what routing needs, so that nobody meets an error later (the typed values stay cached).

    Goes past the properties: this runs for every datagram.
    """
    fields, typed = headers._fields, headers.known
    for name, read in _NEEDED:
        lines = fields.get(name)
        if lines is None:
            raise PeerError(f"{name} is missing")
        if len(lines) > 1 and name != "Via":
            raise PeerError(f"{name} stands more than once")
        typed[name] = read(lines)
    for name, read in _OPTIONAL:
        lines = fields.get(name)
        if lines is not None:
            if len(lines) > 1 and name == "Max-Forwards":
                raise PeerError("Max-Forwards stands more than once")
            typed[name] = read(lines)
    return cast(CSeq, typed["CSeq"])


def _answerable(method: str, lines: list[str]) -> Request | None:
    """What of a refused request an answer can be built from, or None."""
    fields: dict[str, list[str]] = {}
    for line in _unfold(lines[: MAX_HEADER_LINES + 1])[1:]:
        name, _, value = line.partition(":")
        try:
            name = canonical_name(name)
        except PeerError:
            continue
        if name in COPIED and (name == "Via" or name not in fields):
            if not value.isprintable():
                value = printable(value)  # the answer must not carry on what the request is refused for
            fields.setdefault(name, []).append(value.strip(" \t"))
    if "Via" not in fields or "CSeq" not in fields:  # all by which its sender knows the answer (RFC 4475 §3.3.1)
        return None
    request = Request(method, UNREADABLE, Headers.from_fields(fields))
    try:
        _ = request.via
    except PeerError:
        fields["Via"][0] = fields["Via"][0].partition(";")[0]  # the sender alone still says where to answer
        try:
            _ = request.via
        except PeerError:
            return None
    return request
