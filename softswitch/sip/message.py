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
    read_retry_after,
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

METHODS: Final = frozenset({
    "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY", "SUBSCRIBE",
    "MESSAGE", "PUBLISH",
})  # fmt: skip
"""The IANA registry of methods."""

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
    def branch(self) -> str | None:
        """The branch of the top Via: the transaction (:rfc:`3261#section-8.1.1.7`)."""
        known: dict[str, str | None] = self.headers.known
        if "Via;branch" in known:
            return known["Via;branch"]
        return self.via.branch

    @property
    def has_one_via(self) -> bool:
        """Whether there is no Via below the top one."""
        # The branch is cut out of messages of the usual shape alone, which have one Via.
        return "Via;branch" in self.headers.known or len(self.vias) == 1

    @property
    def from_(self) -> NameAddr:
        """From (:rfc:`3261#section-20.20`)."""
        return self.headers.typed("From", read_from)

    @property
    def to(self) -> NameAddr:
        """To (:rfc:`3261#section-20.39`)."""
        return self.headers.typed("To", read_to)

    @property
    def from_tag(self) -> str | None:
        """The tag in From; None for an RFC 2543 peer (§19.3)."""
        known: dict[str, str | None] = self.headers.known
        if "From;tag" in known:
            return known["From;tag"]
        return self.from_.tag

    @property
    def to_tag(self) -> str | None:
        """The tag in To; None in the request that opens a dialog (§19.3)."""
        known: dict[str, str | None] = self.headers.known
        if "To;tag" in known:
            return known["To;tag"]
        return self.to.tag

    @property
    def call_id(self) -> str:
        """Call-ID (:rfc:`3261#section-20.8`); compared byte by byte."""
        known: dict[str, str] = self.headers.known
        if "Call-ID" in known:
            return known["Call-ID"]
        return self.headers.typed("Call-ID", read_call_id)

    @property
    def cseq(self) -> CSeq:
        """CSeq (:rfc:`3261#section-20.16`)."""
        known: dict[str, CSeq] = self.headers.known
        if "CSeq" in known:
            return known["CSeq"]
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
    def retry_after(self) -> int | None:
        """Seconds that the sender asks to be left alone for (:rfc:`3261#section-20.33`); None where it says none."""
        return self.headers.typed("Retry-After", read_retry_after)

    @property
    def content_type(self) -> str | None:
        """Media type in lower case, without its parameters (:rfc:`3261#section-20.15`)."""
        return self.headers.typed("Content-Type", read_content_type)

    @abstractmethod
    def _start_line(self) -> str: ...

    def __bytes__(self) -> bytes:
        head = f"{self._start_line()}{self.headers.joined()}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + self.body


class Request(Message):
    """A request: `method` for `uri`."""

    __slots__ = ("_uri", "method")

    def __init__(self, method: str, uri: Uri, headers: Headers | None = None, body: bytes = b"") -> None:
        if method not in METHODS and not is_token(method):
            raise UsageError("a method is a token: letters, digits and -.!%*_+`'~")
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.method = method
        self._uri: Uri | str = uri

    @classmethod
    def from_parts(cls, method: str, uri: str, headers: Headers, body: bytes) -> "Request":
        """For the parser: all is checked; the Request-URI is read when somebody asks for it."""
        request = cls.__new__(cls)
        request.method = method
        request._uri = uri
        request.headers = headers
        request.body = body
        return request

    @property
    def uri(self) -> Uri:
        """The Request-URI (:rfc:`3261#section-8.1.1.1`)."""
        if isinstance(self._uri, str):
            self._uri = Uri.parse(self._uri)
        return self._uri

    @uri.setter
    def uri(self, uri: Uri) -> None:
        self._uri = uri

    def note_source(self, address: tuple[str, int]) -> None:
        """Write into the top Via where the request came from, so that the answer returns there (§18.2.1, RFC 3581)."""
        vias = self.vias
        noted = vias[0].with_source(address)
        if noted is not vias[0]:
            self.headers.replace_first("Via", noted)
            self.headers.remember("Via", (noted, *vias[1:]))
            self.headers.remember("Via;branch", noted.branch)

    def _start_line(self) -> str:
        return f"{self.method} {self._uri} SIP/2.0"

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
        if reason is None:
            reason = REASONS.get(status, "")
        elif "\r" in reason or "\n" in reason or has_bare_control(reason.encode("utf-8", "surrogateescape")):
            raise UsageError("a reason phrase holds a line break or control character; strip it before use")
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.status = status
        self.reason = reason

    @classmethod
    def from_parts(cls, status: int, reason: str, headers: Headers, body: bytes) -> "Response":
        """For the parser: all is checked."""
        response = cls.__new__(cls)
        response.status = status
        response.reason = reason
        response.headers = headers
        response.body = body
        return response

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
    own = Headers.copied(COPIED, request.headers)
    response = Response(status, reason, own, body)
    if status == 100:
        own.copy_lines("Timestamp", request.headers)
    elif to_tag is not None and "To" in own and not _has_tag(request):
        own.write("To", f"{own.line('To')};tag={to_tag}")
    for name, value in headers:
        own.add(name, value)
    if content_type is not None:
        own.put("Content-Type", content_type)
    return response


def _has_tag(request: Request) -> bool:
    try:
        return request.to_tag is not None
    except PeerError:  # refused for this very header: our tag goes behind what came
        return False
