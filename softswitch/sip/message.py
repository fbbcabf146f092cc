"""SIP messages: what they hold, their form on the wire, and the response to a request (RFC 3261 §7, §8.2.6, §20).

Where a message came from the parser, every typed property of it can be read without an error.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Final

from softswitch.errors import PeerError, UsageError
from softswitch.sip.grammar import has_bare_control, is_token
from softswitch.sip.headers import Headers
from softswitch.sip.uri import Uri
from softswitch.sip.values import (
    CSeq,
    NameAddr,
    Via,
    read_addresses,
    read_call_id,
    read_contacts,
    read_content_type,
    read_cseq,
    read_expires,
    read_from,
    read_max_forwards,
    read_to,
    read_vias,
)

REASONS: Final = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
    200: "OK", 202: "Accepted", 204: "No Notification",
    300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
    410: "Gone", 412: "Conditional Request Failed", 413: "Request Entity Too Large", 414: "Request-URI Too Long",
    415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
    422: "Session Interval Too Small", 423: "Interval Too Brief", 439: "First Hop Lacks Outbound Support",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops", 484: "Address Incomplete",
    485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
    491: "Request Pending", 493: "Undecipherable",
    500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large", 580: "Precondition Failure",
    600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
    607: "Unwanted", 608: "Rejected",
}  # fmt: skip
"""RFC 3261 §21 and the IANA registry of response codes."""

COPIED: Final = ("Via", "From", "To", "Call-ID", "CSeq")
"""What each response takes over from its request (§8.2.6.2)."""


class Message(ABC):
    """What requests and responses share. Typed properties are parsed at the first look and kept (`Headers.typed`)."""

    __slots__ = ("body", "headers")

    def __init__(self, headers: Headers, body: bytes) -> None:
        self.headers = headers
        self.body = body

    @property
    def vias(self) -> tuple[Via, ...]:
        """All Via values, top first (:rfc:`3261#section-20.42`)."""
        return self.headers.typed("Via", read_vias)

    @property
    def via(self) -> Via:
        """The top Via."""
        return self.vias[0]

    @property
    def from_(self) -> NameAddr:
        """From (:rfc:`3261#section-20.20`)."""
        return self.headers.typed("From", read_from)

    @property
    def to(self) -> NameAddr:
        """To (:rfc:`3261#section-20.39`)."""
        return self.headers.typed("To", read_to)

    @property
    def call_id(self) -> str:
        """Call-ID (:rfc:`3261#section-20.8`); compared byte by byte."""
        return self.headers.typed("Call-ID", read_call_id)

    @property
    def cseq(self) -> CSeq:
        """CSeq (:rfc:`3261#section-20.16`)."""
        return self.headers.typed("CSeq", read_cseq)

    @property
    def contacts(self) -> tuple[NameAddr, ...]:
        """Contact values (:rfc:`3261#section-20.10`), without the wildcard."""
        return self.headers.typed("Contact", read_contacts)

    @property
    def has_wildcard_contact(self) -> bool:
        """Whether Contact is "*": all bindings (:rfc:`3261#section-10.2.2`)."""
        return "*" in self.headers.get_all("Contact")

    @property
    def routes(self) -> tuple[NameAddr, ...]:
        """Route values in order (:rfc:`3261#section-20.34`)."""
        return self.headers.typed("Route", read_addresses)

    @property
    def record_routes(self) -> tuple[NameAddr, ...]:
        """Record-Route values in order (:rfc:`3261#section-20.30`)."""
        return self.headers.typed("Record-Route", read_addresses)

    @property
    def max_forwards(self) -> int | None:
        """Hops left (:rfc:`3261#section-20.22`); None where absent, as RFC 2543 allows."""
        return self.headers.typed("Max-Forwards", read_max_forwards)

    @property
    def expires(self) -> int | None:
        """Expires in seconds (:rfc:`3261#section-20.19`)."""
        return self.headers.typed("Expires", read_expires)

    @property
    def content_type(self) -> str | None:
        """Media type in lower case, without its parameters (:rfc:`3261#section-20.15`)."""
        return self.headers.typed("Content-Type", read_content_type)

    @abstractmethod
    def _start_line(self) -> str: ...

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
    for name in COPIED:
        own.copy_lines(name, request.headers)
    if status == 100:
        own.copy_lines("Timestamp", request.headers)
    if to_tag is not None and status != 100 and "To" in own:  # refused for lack of a To, it has none
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
