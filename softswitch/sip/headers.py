"""The header multimap, and the typed values of the headers that routing needs (RFC 3261 §7.3, §20)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeVar, cast

from softswitch.errors import PeerError, UsageError
from softswitch.sip.grammar import (
    format_params,
    has_bare_control,
    is_number,
    is_token,
    parse_params,
    printable,
    quote,
    quoted_end,
    split_list,
    unquote,
)
from softswitch.sip.uri import MAX_REMEMBERED_LENGTH, Uri

T = TypeVar("T")

MAX_CSEQ: Final = 2**31 - 1  # §8.1.1.5
MAX_EXPIRES_S: Final = 2**32 - 1  # §20.19
MALFORMED_EXPIRES_S: Final = 3600  # §20.10: what an unreadable value stands for

COMPACT: Final = {
    "i": "Call-ID", "m": "Contact", "e": "Content-Encoding", "l": "Content-Length", "c": "Content-Type", "f": "From",
    "s": "Subject", "k": "Supported", "t": "To", "v": "Via",  # RFC 3261 §7.3.3
    "o": "Event", "u": "Allow-Events",  # RFC 6665
    "r": "Refer-To", "b": "Referred-By", "x": "Session-Expires", "y": "Identity",  # RFC 3515, 3892, 4028, 8224
    "a": "Accept-Contact", "j": "Reject-Contact", "d": "Request-Disposition",  # RFC 3841
}  # fmt: skip

LISTS: Final = frozenset({
    "Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events", "Call-Info", "Contact",
    "Content-Encoding", "Content-Language", "Diversion", "Error-Info", "History-Info", "In-Reply-To",
    "P-Asserted-Identity", "P-Preferred-Identity", "Path", "Proxy-Require", "Reason", "Record-Route", "Require",
    "Route", "Security-Client", "Security-Server", "Security-Verify", "Service-Route", "Supported", "Unsupported",
    "Via", "Warning",
})  # fmt: skip
"""Headers of which several comma-separated values may share one line."""

_OTHERS = (
    "Authentication-Info", "Authorization", "CSeq", "Call-ID", "Content-Disposition", "Content-Length", "Content-Type",
    "Date", "Event", "Expires", "From", "MIME-Version", "Max-Forwards", "Min-Expires", "Min-SE", "Organization",
    "Priority", "Proxy-Authenticate", "Proxy-Authorization", "RAck", "RSeq", "Refer-To", "Referred-By", "Reply-To",
    "Retry-After", "SIP-ETag", "SIP-If-Match", "Server", "Session-Expires", "Subject", "Subscription-State",
    "Timestamp", "To", "User-Agent", "WWW-Authenticate",
)  # fmt: skip
_BY_LOWER = {name.lower(): name for name in (*LISTS, *_OTHERS, *COMPACT.values())} | COMPACT
SPELLINGS = {
    spelling: name
    for lower, name in _BY_LOWER.items()
    for spelling in (lower, lower.upper(), lower.title(), name)
}  # fmt: skip


def canonical_name(name: str) -> str:
    """The usual spelling of a header name, compact or not, in any case. Raises PeerError(400) where it is no token."""
    return SPELLINGS.get(name) or _unusual_name(name)


@lru_cache(maxsize=512)
def _unusual_name(name: str) -> str:
    name = name.rstrip(" \t")
    if not is_token(name):
        raise PeerError("a header's name is malformed")
    lower = name.lower()
    return _BY_LOWER.get(lower) or "-".join([part.capitalize() for part in lower.split("-")])


# What nearly every message holds, in one step; whatever does not fit goes the long way, which alone decides.
_USUAL_NAME_ADDR = re.compile(r'(?:"([A-Za-z0-9 .+_-]*)" ?)?<([^<>"]*)>(|;[^"<>]*)\Z')
_NONE: Final[Mapping[str, str | None]] = MappingProxyType({})
_USUAL_CSEQ = re.compile(r"([0-9]{1,9}) ([A-Z]{1,20})\Z")
_USUAL_VIA = re.compile(r"SIP/2\.0/(UDP|TCP|TLS|WS|WSS) ([A-Za-z0-9.-]{1,255})(?::([0-9]{1,5}))?(|;.*)\Z", re.DOTALL)


class Headers:
    """Ordered multimap of header fields; names in any case and in compact form mean the same.

    The order of values under one name is kept; names stand in the order in which each first came (their relative order
    has no meaning, §7.3.1). Values are text without folding; bytes that are not UTF-8 survive as surrogate escapes.
    Typed values are made at the first look and kept until the header changes.
    """

    __slots__ = ("_fields", "_typed")

    def __init__(self, items: Iterable[tuple[str, object]] = ()) -> None:
        self._fields: dict[str, list[str]] = {}
        self._typed: dict[str, object] = {}
        for name, value in items:
            self.add(name, value)

    @classmethod
    def from_fields(cls, fields: dict[str, list[str]]) -> "Headers":
        """For the parser: canonical names, values already checked; takes `fields` over."""
        headers = cls.__new__(cls)
        headers._fields = fields
        headers._typed = {}
        return headers

    def get(self, name: str) -> str | None:
        """The first line under `name` as it stands, or None."""
        values = self._fields.get(canonical_name(name))
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """Every value under `name`: one entry per comma-separated value for list headers, else one per line."""
        name = canonical_name(name)
        lines = self._fields.get(name, [])
        if name not in LISTS:
            return list(lines)
        return [value for line in lines for value in split_list(line)]

    def lines(self, name: str) -> list[str]:
        """The lines under `name` as they stand."""
        return list(self._fields.get(canonical_name(name), ()))

    def add(self, name: str, value: object) -> None:
        """Append a line. Raises UsageError where name or value would break the message's framing."""
        name, text = _checked(name, value)
        self._fields.setdefault(name, []).append(text)
        self._typed.pop(name, None)

    def set(self, name: str, value: object) -> None:
        """Replace all lines under `name` by one."""
        name, text = _checked(name, value)
        self._fields[name] = [text]
        self._typed.pop(name, None)

    def prepend(self, name: str, value: object) -> None:
        """Put a line in front of those under `name`, as for a Via or a Record-Route."""
        name, text = _checked(name, value)
        self._fields.setdefault(name, []).insert(0, text)
        self._typed.pop(name, None)

    def replace_first(self, name: str, value: object) -> None:
        """Put `value` in the place of the first value under `name`; its other values stay."""
        name, text = _checked(name, value)
        values = self.get_all(name)
        self._fields[name] = [text, *values[1:]]
        self._typed.pop(name, None)

    def remove(self, name: str) -> None:
        """Drop all lines under `name`; no error where there are none."""
        name = canonical_name(name)
        self._fields.pop(name, None)
        self._typed.pop(name, None)

    def items(self) -> Iterator[tuple[str, str]]:
        """(name, line) pairs, grouped by name."""
        for name, values in self._fields.items():
            for value in values:
                yield name, value

    def copy(self) -> "Headers":
        """An independent copy."""
        return Headers.from_fields({name: list(values) for name, values in self._fields.items()})

    def copy_lines(self, name: str, source: "Headers") -> None:
        """Take over all lines under the canonical `name` from a message that has been checked already."""
        lines = source._fields.get(name)
        if lines:
            self._fields[name] = list(lines)
            self._typed.pop(name, None)

    def typed(self, name: str, parse: Callable[[list[str]], T]) -> T:
        """`parse` of the lines under the canonical `name`, remembered until they change."""
        try:
            return cast(T, self._typed[name])
        except KeyError:
            value = self._typed[name] = parse(self._fields.get(name, []))
            return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and canonical_name(name) in self._fields

    def __eq__(self, other: object) -> bool:
        return self._fields == other._fields if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __len__(self) -> int:
        return sum(map(len, self._fields.values()))

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._fields)})"  # names only: values may hold personal data


def _checked(name: str, value: object) -> tuple[str, str]:
    text = str(value).strip(" \t")
    if "\r" in text or "\n" in text or has_bare_control(text.encode("utf-8", "surrogateescape")):
        raise UsageError(f"the value for {name!r} holds a line break or control character; strip it before use")
    try:
        return canonical_name(name), text
    except PeerError as error:
        raise UsageError(f"{name!r} is not a header name") from error


@dataclass(frozen=True, slots=True)
class NameAddr:
    """An address with an optional display name and header parameters: From, To, Contact, Route (§20.10)."""

    uri: Uri
    display: str = ""
    """Plain text, unquoted, without control characters: fit for a log or a page, but written by the peer."""
    params: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "NameAddr":
        """Read one name-addr or addr-spec with parameters. Raises PeerError(400).

        Remembered like URIs: From, To and Contact come again with every message of a call.
        """
        return _remembered(text) if len(text) <= MAX_REMEMBERED_LENGTH else cls._parse(text)

    @classmethod
    def _parse(cls, text: str) -> "NameAddr":
        usual = _USUAL_NAME_ADDR.match(text)
        if usual is not None:
            display, address, rest = usual.groups()
            return cls(Uri.parse(address), display or "", MappingProxyType(parse_params(rest)) if rest else _NONE)
        start = 0
        display = ""
        if text.startswith('"'):
            start = quoted_end(text, 0)
            display = printable(unquote(text[:start]))
        opening = text.find("<", start)
        if opening < 0:
            if start:
                raise PeerError("a display name is followed by no address")
            address, semicolon, params = text.partition(";")
            if "?" in address or "," in address:
                raise PeerError("an address with '?' or ',' is not in angle brackets")  # §20.10
            return cls(Uri.parse(address.rstrip(" \t")), "", MappingProxyType(parse_params(semicolon + params)))
        closing = text.find(">", opening)
        if closing < 0:
            raise PeerError("an angle bracket does not close")
        between = text[start:opening].strip(" \t")
        if between:
            if start or '"' in between or ">" in between:
                raise PeerError("a display name is malformed")
            display = printable(between)
        rest = text[closing + 1 :].lstrip(" \t")
        return cls(Uri.parse(text[opening + 1 : closing]), display, MappingProxyType(parse_params(rest)))

    @property
    def tag(self) -> str | None:
        """The tag parameter of From and To (§19.3)."""
        return self.params.get("tag")

    def with_tag(self, tag: str | None) -> "NameAddr":
        """The same address under another tag; None takes the tag away."""
        params = {name: value for name, value in self.params.items() if name != "tag"}
        if tag is not None:
            params["tag"] = tag
        return replace(self, params=params)

    def __str__(self) -> str:
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{format_params(self.params)}"


@lru_cache(maxsize=4096)
def _remembered(text: str) -> NameAddr:
    return NameAddr._parse(text)


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of a request's way, along which the response returns (§20.42)."""

    transport: str
    """In upper case; a name that we do not know is kept."""
    host: str
    port: int | None = None
    params: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Via":
        """Read one Via value. Raises PeerError(400)."""
        usual = _USUAL_VIA.match(text)
        if usual is not None:
            transport, host, port, rest = usual.groups()
            if ".." not in host and host[0] != "." and (port is None or 0 < int(port) < 65536):
                return cls(transport, host, None if port is None else int(port), parse_params(rest))
        sent, semicolon, params = text.partition(";")
        protocol, _, sent_by = sent.rstrip(" \t").rpartition("/")
        if protocol != "SIP/2.0":
            name, slash, version = "".join(protocol.split()).partition("/")
            if not slash or name.upper() != "SIP" or not is_token(version):
                raise PeerError("a Via names another protocol than SIP")
        words = sent_by.split(maxsplit=1)
        if len(words) != 2 or not is_token(words[0]):
            raise PeerError("a Via lacks its transport or its sender")
        address = words[1]
        if " " in address or "\t" in address:
            name, colon, port_text = address.rpartition(":")  # LWS may stand around the colon
            address = f"{name.rstrip()}{colon}{port_text.lstrip()}"
        uri = Uri.parse(f"sip:{address}")
        if uri.user or uri.headers:
            raise PeerError("a Via's sender is malformed")
        return cls(words[0].upper(), uri.host, uri.port, parse_params(semicolon + params) if semicolon else {})

    @property
    def branch(self) -> str | None:
        """The transaction identifier; without the magic cookie it is RFC 2543's and not unique (§8.1.1.7)."""
        return self.params.get("branch")

    @property
    def received(self) -> str | None:
        """Address from which the request came, where the receiver noted it; without IPv6 brackets."""
        value = self.params.get("received")
        return value.strip("[]") if value else None

    @property
    def rport(self) -> int | None:
        """Port from which the request came, where the receiver noted it (RFC 3581)."""
        value = self.params.get("rport")
        return int(value) if value and is_number(value) and len(value) <= 5 else None

    def with_source(self, address: tuple[str, int]) -> "Via":
        """With `received` where the source differs, and `rport` where the sender asked (§18.2.1, RFC 3581 §4)."""
        host, port = address
        params = dict(self.params)
        asked = "rport" in params
        if asked:
            params["rport"] = str(port)
        if asked or host != self.host.strip("[]"):
            params["received"] = host
        else:
            params.pop("received", None)
        return replace(self, params=params)

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{format_params(self.params)}"


@dataclass(frozen=True, slots=True)
class CSeq:
    """Order of a request within its dialog or registration (§20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        """Raises PeerError(400), also for a number over 2**31 - 1 (§8.1.1.5)."""
        usual = _USUAL_CSEQ.match(text)
        if usual is not None:
            return cls(int(usual[1]), usual[2])
        words = text.split(maxsplit=2)
        if len(words) != 2 or not is_number(words[0]) or len(words[0]) > 20 or not is_token(words[1]):
            raise PeerError("CSeq is malformed")
        digits, method = words
        number = int(digits)
        if number > MAX_CSEQ:
            raise PeerError("CSeq is out of range")
        return cls(number, method)

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parse_expires(text: str) -> int:
    """Seconds; what cannot be read stands for an hour, what is too large for the largest (§20.10, §20.19)."""
    text = text.strip(" \t")
    if not is_number(text):
        return MALFORMED_EXPIRES_S
    return min(int(text), MAX_EXPIRES_S) if len(text) <= 20 else MAX_EXPIRES_S
