"""SIP messages: from bytes, and to bytes (RFC 3261 §7, §18.3, §20).

`parse` gives a whole message or raises: every typed property of a message that it returned can be read without an
error. A request that is wrong but can still be answered comes as `MalformedRequest`, with what the answer needs.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, cast

from softswitch.errors import PeerError, UsageError
from softswitch.sip.grammar import breaks_only_at, has_bare_control, is_number, is_token, printable, split_list
from softswitch.sip.headers import SPELLINGS, CSeq, Headers, NameAddr, Via, canonical_name, parse_expires
from softswitch.sip.uri import UNREADABLE, Uri

MAX_MESSAGE_BYTES: Final = 65535  # the largest UDP datagram, and our bound on a stream
MAX_HEADER_LINES: Final = 300  # ours

SERVED_SCHEMES: Final = frozenset({"sip", "sips", "tel"})

REASONS: Final = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
    200: "OK", 202: "Accepted", 204: "No Notification",
    300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
    410: "Gone", 412: "Conditional Request Failed", 413: "Request Entity Too Large", 414: "Request-URI Too Long",
    415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
    422: "Session Interval Too Small", 423: "Interval Too Brief", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops", 484: "Address Incomplete",
    485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
    491: "Request Pending", 493: "Undecipherable",
    500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large", 580: "Precondition Failure",
    600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
    607: "Unwanted", 608: "Rejected",
}  # fmt: skip
"""RFC 3261 §21 and the IANA registry of response codes."""

_ENDS_IN_VERSION = re.compile(r" SIP/[0-9]{1,4}\.[0-9]{1,4} {0,99}\Z", re.IGNORECASE)
_COPIED = ("Via", "From", "To", "Call-ID", "CSeq")


class MalformedRequest(PeerError):
    """A request that must be refused, and can be: `response_to(error.request, error.status)` is the answer.

    `request` holds the first of each header that the answer needs, as sent; of its typed properties only `via` and
    `method` may be relied on. Never raised for an ACK, which has no answer, nor for a response.
    """

    def __init__(self, reason: str, status: int, request: "Request") -> None:
        super().__init__(reason, status)
        self.request = request


class Message:
    """What requests and responses share. Typed properties are parsed at the first look and kept (`Headers.typed`)."""

    __slots__ = ("body", "headers")

    def __init__(self, headers: Headers, body: bytes) -> None:
        self.headers = headers
        self.body = body

    @property
    def vias(self) -> tuple[Via, ...]:
        """All Via values, top first (:rfc:`3261#section-20.42`)."""
        return self.headers.typed("Via", _vias)

    @property
    def via(self) -> Via:
        """The top Via."""
        return self.vias[0]

    @property
    def from_(self) -> NameAddr:
        """From (:rfc:`3261#section-20.20`)."""
        return self.headers.typed("From", _from)

    @property
    def to(self) -> NameAddr:
        """To (:rfc:`3261#section-20.39`)."""
        return self.headers.typed("To", _to)

    @property
    def call_id(self) -> str:
        """Call-ID (:rfc:`3261#section-20.8`); compared byte by byte."""
        return self.headers.typed("Call-ID", _call_id)

    @property
    def cseq(self) -> CSeq:
        """CSeq (:rfc:`3261#section-20.16`)."""
        return self.headers.typed("CSeq", _cseq)

    @property
    def contacts(self) -> tuple[NameAddr, ...]:
        """Contact values (:rfc:`3261#section-20.10`), without the wildcard."""
        return self.headers.typed("Contact", _contacts)

    @property
    def has_wildcard_contact(self) -> bool:
        """Whether Contact is "*": all bindings (:rfc:`3261#section-10.2.2`)."""
        return "*" in self.headers.get_all("Contact")

    @property
    def routes(self) -> tuple[NameAddr, ...]:
        """Route values in order (:rfc:`3261#section-20.34`)."""
        return self.headers.typed("Route", _addresses)

    @property
    def record_routes(self) -> tuple[NameAddr, ...]:
        """Record-Route values in order (:rfc:`3261#section-20.30`)."""
        return self.headers.typed("Record-Route", _addresses)

    @property
    def max_forwards(self) -> int | None:
        """Hops left (:rfc:`3261#section-20.22`); None where absent, as RFC 2543 allows."""
        return self.headers.typed("Max-Forwards", _max_forwards)

    @property
    def expires(self) -> int | None:
        """Expires in seconds (:rfc:`3261#section-20.19`)."""
        return self.headers.typed("Expires", _expires)

    @property
    def content_type(self) -> str | None:
        """Media type in lower case, without its parameters (:rfc:`3261#section-20.15`)."""
        return self.headers.typed("Content-Type", _content_type)

    def _start_line(self) -> str:
        raise NotImplementedError

    def __bytes__(self) -> bytes:
        lines = [self._start_line()]
        for name, value in self.headers.items():
            if name != "Content-Length":
                lines.append(f"{name}: {value}")
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


class Request(Message):
    """A request: `method` for `uri`."""

    __slots__ = ("method", "uri")

    def __init__(self, method: str, uri: Uri, headers: Headers | None = None, body: bytes = b"") -> None:
        if not is_token(method):
            raise UsageError("a method is a token: letters, digits and -.!%*_+`'~")
        super().__init__(Headers() if headers is None else headers, body)
        self.method = method
        self.uri = uri

    def note_source(self, address: tuple[str, int]) -> None:
        """Write into the top Via where the request came from, so that the answer returns there (§18.2.1, RFC 3581)."""
        via = self.via
        noted = via.with_source(address)
        if noted != via:
            self.headers.replace_first("Via", noted)

    def _start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Request):
            return NotImplemented
        return (self.method, str(self.uri), self.headers, self.body) == (
            other.method, str(other.uri), other.headers, other.body)  # fmt: skip

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"<Request {self.method}, Call-ID {self.headers.get('Call-ID')}>"


class Response(Message):
    """A response: `status` 100-699 with its `reason`."""

    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str | None = None, headers: Headers | None = None, body: bytes = b""):
        if not 100 <= status <= 699:
            raise UsageError("a SIP status lies in 100-699")
        reason = REASONS.get(status, "") if reason is None else reason
        if "\r" in reason or "\n" in reason or has_bare_control(reason.encode("utf-8", "surrogateescape")):
            raise UsageError("a reason phrase holds a line break or control character; strip it before use")
        super().__init__(Headers() if headers is None else headers, body)
        self.status = status
        self.reason = reason

    def _start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Response):
            return NotImplemented
        return (self.status, self.reason, self.headers, self.body) == (
            other.status, other.reason, other.headers, other.body)  # fmt: skip

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"<Response {self.status}, Call-ID {self.headers.get('Call-ID')}>"


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
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
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
        request = Request.__new__(Request)
        request.method = method
        request.uri = uri
        request.body = _cut_body(fields, body)
        headers = request.headers = Headers.from_fields(fields)
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
    return request


def response_to(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None = None,
    headers: Iterable[tuple[str, object]] = (),
    body: bytes = b"",
    content_type: str | None = None,
) -> Response:
    """The response to `request`, with the headers that §8.2.6.2 has copied: every Via, From, To, Call-ID, CSeq.

    `to_tag` is added where To has no tag yet. Record-Route is not copied: a dialog's 101-299 must do so (§12.1.1).
    """
    response = Response(status, reason, Headers(), body)
    own = response.headers
    for name in _COPIED:
        own.copy_lines(name, request.headers)
    if status == 100:
        own.copy_lines("Timestamp", request.headers)
    if to_tag is not None and status != 100:
        try:
            to = request.to
        except PeerError:  # refused for this very header: the tag goes behind what came
            own.set("To", f"{request.headers.get('To')};tag={to_tag}")
        else:
            if to.tag is None:
                own.set("To", f"{request.headers.get('To')};tag={to_tag}")
    for name, value in headers:
        own.add(name, value)
    if content_type is not None:
        own.set("Content-Type", content_type)
    return response


def _parse_response(start: str, head: bytes, lines: list[str], end: bytes, body: bytes) -> Response:
    code, _, reason = start[8:].partition(" ")
    if len(code) != 3 or not is_number(code) or not "100" <= code <= "699":
        raise PeerError("a response's status is out of range")
    _check_framing(head, lines, end)
    fields = _read_fields(lines)
    response = Response.__new__(Response)
    response.status = int(code)
    response.reason = reason
    response.body = _cut_body(fields, body)
    response.headers = Headers.from_fields(fields)
    _check_headers(response.headers)
    return response


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
    fields, typed = headers._fields, headers._typed
    for name, parse_lines in _NEEDED:
        lines = fields.get(name)
        if lines is None:
            raise PeerError(f"{name} is missing")
        if len(lines) > 1 and name != "Via":
            raise PeerError(f"{name} stands more than once")
        typed[name] = parse_lines(lines)
    for name, parse_lines in _OPTIONAL:
        lines = fields.get(name)
        if lines is not None:
            if len(lines) > 1 and name == "Max-Forwards":
                raise PeerError("Max-Forwards stands more than once")
            typed[name] = parse_lines(lines)
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
        if name in _COPIED and (name == "Via" or name not in fields):
            if not value.isprintable():
                value = printable(value)  # the answer must not carry on what the request is refused for
            fields.setdefault(name, []).append(value.strip(" \t"))
    if any(name not in fields for name in _COPIED):
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


def _one(lines: list[str], name: str) -> str:
    if not lines:
        raise PeerError(f"{name} is missing")
    return lines[0]


def _vias(lines: list[str]) -> tuple[Via, ...]:
    vias = tuple([Via.parse(value) for line in lines for value in split_list(line)])
    if not vias:
        raise PeerError("Via is missing")
    return vias


def _from(lines: list[str]) -> NameAddr:
    return NameAddr.parse(_one(lines, "From"))


def _to(lines: list[str]) -> NameAddr:
    return NameAddr.parse(_one(lines, "To"))


def _call_id(lines: list[str]) -> str:
    text = _one(lines, "Call-ID")
    if not text or " " in text or "\t" in text:
        raise PeerError("Call-ID is malformed")
    return text


def _cseq(lines: list[str]) -> CSeq:
    return CSeq.parse(_one(lines, "CSeq"))


def _addresses(lines: list[str]) -> tuple[NameAddr, ...]:
    return tuple([NameAddr.parse(value) for line in lines for value in split_list(line)])


def _contacts(lines: list[str]) -> tuple[NameAddr, ...]:
    return tuple([NameAddr.parse(value) for line in lines for value in split_list(line) if value != "*"])


def _max_forwards(lines: list[str]) -> int | None:
    if not lines:
        return None
    text = lines[0]
    if not is_number(text) or len(text) > 8 or int(text) > 255:
        raise PeerError("Max-Forwards is out of range")
    return int(text)


def _expires(lines: list[str]) -> int | None:
    return parse_expires(lines[0]) if lines else None


def _content_type(lines: list[str]) -> str | None:
    return lines[0].partition(";")[0].strip(" \t").lower() if lines else None


_NEEDED: Final[tuple[tuple[str, Callable[[list[str]], object]], ...]] = (
    ("Via", _vias), ("From", _from), ("To", _to), ("Call-ID", _call_id), ("CSeq", _cseq),
)  # fmt: skip
_OPTIONAL: Final[tuple[tuple[str, Callable[[list[str]], object]], ...]] = (
    ("Max-Forwards", _max_forwards), ("Contact", _contacts), ("Route", _addresses), ("Record-Route", _addresses),
)  # fmt: skip
