"""The typed values of the headers that routing needs, and how each is read from its lines (RFC 3261 §20)."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from softswitch.errors import PeerError
from softswitch.sip.grammar import (
    format_params,
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

MAX_CSEQ: Final = 2**31 - 1  # §8.1.1.5
MAX_EXPIRES_S: Final = 2**32 - 1  # §20.19
MALFORMED_EXPIRES_S: Final = 3600  # §20.10: what an unreadable value stands for

# What nearly every message holds, in one step; whatever does not fit goes the long way, which alone decides.
_USUAL_NAME_ADDR = re.compile(r'(?:"([A-Za-z0-9 .+_-]*)" ?)?<([^<>"]*)>(|;[^"<>]*)\Z')
_NONE: Final[Mapping[str, str | None]] = MappingProxyType({})
_USUAL_CSEQ = re.compile(r"([0-9]{1,9}) ([A-Z]{1,20})\Z")
_USUAL_VIA = re.compile(r"SIP/2\.0/(UDP|TCP|TLS|WS|WSS) ([A-Za-z0-9.-]{1,255})(?::([0-9]{1,5}))?(|;.*)\Z", re.DOTALL)


def _read_only(params: str) -> Mapping[str, str | None]:
    """Parameters of a value that is remembered, and so shared."""
    return MappingProxyType(parse_params(params)) if params else _NONE


class NameAddr(NamedTuple):
    """An address with an optional display name and header parameters: From, To, Contact, Route (§20.10)."""

    uri: Uri
    display: str = ""
    """Plain text, unquoted, without control characters: fit for a log or a page, but written by the peer."""
    params: Mapping[str, str | None] = _NONE

    @classmethod
    def parse(cls, text: str) -> "NameAddr":
        """Read one name-addr or addr-spec with parameters. Raises PeerError(400).

        Remembered like URIs: From, To and Contact come again with every message of a call.
        """
        return _remembered_address(text) if len(text) <= MAX_REMEMBERED_LENGTH else cls._parse(text)

    @classmethod
    def _parse(cls, text: str) -> "NameAddr":
        usual = _USUAL_NAME_ADDR.match(text)
        if usual is not None:
            display, address, rest = usual.groups()
            return cls(Uri.parse(address), display or "", _read_only(rest))
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
            return cls(Uri.parse(address.rstrip(" \t")), "", _read_only(semicolon + params))
        closing = text.find(">", opening)
        if closing < 0:
            raise PeerError("an angle bracket does not close")
        between = text[start:opening].strip(" \t")
        if between:
            if start or '"' in between or ">" in between:
                raise PeerError("a display name is malformed")
            display = printable(between)
        rest = text[closing + 1 :].lstrip(" \t")
        return cls(Uri.parse(text[opening + 1 : closing]), display, _read_only(rest))

    @property
    def tag(self) -> str | None:
        """The tag parameter of From and To (§19.3)."""
        return self.params.get("tag")

    def with_tag(self, tag: str | None) -> "NameAddr":
        """The same address under another tag; None takes the tag away."""
        params = {name: value for name, value in self.params.items() if name != "tag"}
        if tag is not None:
            params["tag"] = tag
        return self._replace(params=params)

    def __str__(self) -> str:
        display = f"{quote(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{format_params(self.params)}"


@lru_cache(maxsize=4096)
def _remembered_address(text: str) -> NameAddr:
    return NameAddr._parse(text)


class Via(NamedTuple):
    """One hop of a request's way, along which the response returns (§20.42)."""

    transport: str
    """In upper case; a name that we do not know is kept."""
    host: str
    port: int | None = None
    params: Mapping[str, str | None] = _NONE

    @classmethod
    def parse(cls, text: str) -> "Via":
        """Read one Via value. Raises PeerError(400).

        Remembered: the Via of a request comes again in each of its copies, its ACK and all its responses.
        """
        return _remembered_via(text) if len(text) <= MAX_REMEMBERED_LENGTH else cls._parse(text)

    @classmethod
    def _parse(cls, text: str) -> "Via":
        usual = _USUAL_VIA.match(text)
        if usual is not None:
            transport, host, port, rest = usual.groups()
            if ".." not in host and host[0] != "." and (port is None or 0 < int(port) < 65536):
                return cls(transport, host, None if port is None else int(port), _read_only(rest))
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
        return cls(words[0].upper(), uri.host, uri.port, _read_only(semicolon + params))

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
        host, port = address[:2]
        asked = "rport" in self.params
        if not asked and host == self.host.strip("[]") and "received" not in self.params:
            return self
        params = dict(self.params)
        if asked:
            params["rport"] = str(port)
        if asked or host != self.host.strip("[]"):
            params["received"] = host
        else:
            params.pop("received", None)
        return self._replace(params=params)

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{format_params(self.params)}"


@lru_cache(maxsize=2048)
def _remembered_via(text: str) -> Via:
    return Via._parse(text)


class CSeq(NamedTuple):
    """Order of a request within its dialog or registration (§20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        """Raises PeerError(400), also for a number over 2**31 - 1 (§8.1.1.5). Remembered: most are "1 INVITE"."""
        return _remembered_cseq(text) if len(text) <= MAX_REMEMBERED_LENGTH else cls._parse(text)

    @classmethod
    def _parse(cls, text: str) -> "CSeq":
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


@lru_cache(maxsize=512)
def _remembered_cseq(text: str) -> CSeq:
    return CSeq._parse(text)


def parse_expires(text: str) -> int:
    """Seconds; what cannot be read stands for an hour, what is too large for the largest (§20.10, §20.19)."""
    text = text.strip(" \t")
    if not is_number(text):
        return MALFORMED_EXPIRES_S
    return min(int(text), MAX_EXPIRES_S) if len(text) <= 20 else MAX_EXPIRES_S


# A header's lines, as `Headers` keeps them, to its value. Each raises PeerError(400).


def _one(lines: list[str], name: str) -> str:
    if not lines:
        raise PeerError(f"{name} is missing")
    return lines[0]


def read_vias(lines: list[str]) -> tuple[Via, ...]:
    vias = tuple([Via.parse(value) for line in lines for value in split_list(line)])
    if not vias:
        raise PeerError("Via is missing")
    return vias


def read_from(lines: list[str]) -> NameAddr:
    return NameAddr.parse(_one(lines, "From"))


def read_to(lines: list[str]) -> NameAddr:
    return NameAddr.parse(_one(lines, "To"))


def read_call_id(lines: list[str]) -> str:
    text = _one(lines, "Call-ID")
    if not text or " " in text or "\t" in text:
        raise PeerError("Call-ID is malformed")
    return text


def read_cseq(lines: list[str]) -> CSeq:
    return CSeq.parse(_one(lines, "CSeq"))


def read_addresses(lines: list[str]) -> tuple[NameAddr, ...]:
    return tuple([NameAddr.parse(value) for line in lines for value in split_list(line)])


def read_contacts(lines: list[str]) -> tuple[NameAddr, ...]:
    return tuple([NameAddr.parse(value) for line in lines for value in split_list(line) if value != "*"])


def read_max_forwards(lines: list[str]) -> int | None:
    if not lines:
        return None
    text = lines[0]
    if not is_number(text) or len(text) > 8 or (hops := int(text)) > 255:
        raise PeerError("Max-Forwards is out of range")
    return hops


def read_expires(lines: list[str]) -> int | None:
    return parse_expires(lines[0]) if lines else None


def read_retry_after(lines: list[str]) -> int | None:
    text = lines[0].partition(";")[0].partition("(")[0].strip(" \t") if lines else ""
    return parse_expires(text) if is_number(text) else None


def read_content_type(lines: list[str]) -> str | None:
    return lines[0].partition(";")[0].strip(" \t").lower() if lines else None
