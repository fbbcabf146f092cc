"""SIP, SIPS and TEL URIs, and the shell of any other (RFC 3261 §19.1, RFC 3966)."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from softswitch.errors import PeerError

MAX_HOST_LENGTH: Final = 255  # RFC 1035 §2.3.4
MAX_REMEMBERED_LENGTH: Final = 200  # ours; bounds what a hostile peer can make us keep

# Every alternative starts on a character of its own, so that a failing match is linear in the text's length.
_SIP_URI = re.compile(
    r"(?:(?P<user>[^@:\x00-\x20\x7f<>\"]+)(?::(?P<password>[^@\x00-\x20\x7f<>\"]*))?@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<params>(?:;[^;?@\x00-\x20\x7f<>\"]+)*)(?:\?(?P<headers>[^@\x00-\x20\x7f<>\"]+))?"
)
_TEL_NUMBER = re.compile(r"\+?[0-9A-Fa-f*#().-]+")
_TEL_PARAMS = re.compile(r"[^\x00-\x20\x7f<>\"@]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_OPAQUE = re.compile(r"[^\x00-\x20\x7f<>\"]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNSAFE = re.compile(r"%(?![0-9A-Fa-f]{2})|[\x00-\x20\x7f<>\"@]")
_UNSAFE_OPAQUE = re.compile(r"[\x00-\x20\x7f<>\"]")  # what its scheme means by "@" and "%" is not ours to say
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")
_COMPARED_WHEN_ABSENT = frozenset({"user", "ttl", "method", "maddr", "transport"})  # §19.1.4
_NONE: Final[Mapping[str, str | None]] = MappingProxyType({})
_VISUAL_SEPARATORS = str.maketrans("", "", "-.()")  # RFC 3966 §5.1.1


class Uri(NamedTuple):
    """One URI. Equality is that of RFC 3261 §19.1.4, which is not transitive: parameters of one side only are ignored.

    `user`, `password` and parameter values stay escaped, with each needless escape undone and the others in upper
    case, so that they can be compared, logged and sent as they are. `decoded_user` is the plain text.
    """

    scheme: str
    """In lower case."""
    user: str = ""
    """The telephone number where the scheme is "tel"."""
    host: str = ""
    """A name, an IPv4 address, or an IPv6 address in brackets."""
    port: int | None = None
    params: Mapping[str, str | None] = _NONE
    headers: str = ""
    """What follows "?", escaped."""
    password: str | None = None
    opaque: str = ""
    """All after the colon, where the scheme is none that we know."""

    @classmethod
    def parse(cls, text: str) -> "Uri":
        """Read a URI without angle brackets. Raises PeerError(400).

        The same few URIs come in every message of a call, so the last ones read are remembered.
        """
        return _remembered(text) if len(text) <= MAX_REMEMBERED_LENGTH else cls._parse(text)

    @classmethod
    def _parse(cls, text: str) -> "Uri":
        scheme, colon, rest = text.partition(":")
        if scheme not in ("sip", "sips"):
            scheme = scheme.lower()
        if scheme in ("sip", "sips"):
            found = _SIP_URI.fullmatch(rest)
            if found is None:
                raise PeerError("a SIP URI is malformed")
            user, password, host, port_text, params, headers = found.groups()
            if "." in host:
                _check_host(host)
            elif len(host) > MAX_HOST_LENGTH or (host[0] == "[" and host.count(":") < 2):
                raise PeerError("a SIP URI's host is malformed")
            port = None
            if port_text is not None:
                port = int(port_text)
                if not 0 < port < 65536:
                    raise PeerError("a SIP URI's port is out of range")
            if "%" in rest:
                user = user and canonical_escapes(user)
                password = password and canonical_escapes(password)
                headers = headers and canonical_escapes(headers)
            known = _parse_params(params) if params else _NONE
            return cls(scheme, user or "", host, port, known, headers or "", password)
        if scheme == "tel":
            number, semicolon, params = rest.partition(";")
            if not _TEL_NUMBER.fullmatch(number) or (semicolon and not _TEL_PARAMS.fullmatch(params)):
                raise PeerError("a tel URI is malformed")
            return cls(scheme, number, params=_parse_params(semicolon + params) if semicolon else _NONE)
        if not colon or not _SCHEME.fullmatch(scheme) or not _OPAQUE.fullmatch(rest):
            raise PeerError("a URI is malformed")
        return cls(scheme, opaque=rest)

    @property
    def decoded_user(self) -> str:
        """The user part with its escapes undone; may hold any character, so quote it before use."""
        if "%" not in self.user:
            return self.user
        raw = _ESCAPE_BYTES.sub(lambda found: bytes([int(found[1], 16)]), self.user.encode("utf-8", "surrogateescape"))
        return raw.decode("utf-8", "replace")

    @property
    def number(self) -> str:
        """Who is meant: a telephone number bare of visual separators and parameters (RFC 3966 §5.1.1, RFC 3261 §19.1.6,
        RFC 4694), else the user as it is. May hold any character."""
        user = self.decoded_user
        if self.scheme == "tel" or user.startswith("+") or self.params.get("user") == "phone":
            return user.partition(";")[0].translate(_VISUAL_SEPARATORS)
        return user

    @property
    def address(self) -> str:
        """Host without the brackets of IPv6: what a socket takes."""
        return self.host[1:-1] if self.host.startswith("[") else self.host

    def without_params(self) -> "Uri":
        """Scheme, user, host and port alone: an address-of-record (§10.3 step 5)."""
        return Uri(self.scheme, self.user, self.host, self.port, opaque=self.opaque)

    def as_target(self) -> "Uri":
        """Without headers and `method`, which may not stand in a Request-URI (§19.1.1, table 1)."""
        if not self.headers and "method" not in self.params:
            return self
        params = {name: value for name, value in self.params.items() if name != "method"}
        return self._replace(headers="", params=params)

    def __str__(self) -> str:
        if self.opaque:
            return f"{self.scheme}:{_safe(self.opaque, _UNSAFE_OPAQUE)}"
        text = f"{self.scheme}:"
        if self.user:
            text += _safe(self.user)
            if self.password is not None:
                text += f":{_safe(self.password)}"
            if self.host:
                text += "@"
        text += self.host
        if self.port is not None:
            text += f":{self.port}"
        for name, value in self.params.items():
            text += f";{_safe(name)}" if value is None else f";{_safe(name)}={_safe(value)}"
        return f"{text}?{_safe(self.headers)}" if self.headers else text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Uri):
            return NotImplemented
        if self._compared() != other._compared() or _header_set(self.headers) != _header_set(other.headers):
            return False
        mine, theirs = self.params, other.params
        for name in mine.keys() & theirs.keys():
            if (mine[name] or "").lower() != (theirs[name] or "").lower():
                return False
        return not (mine.keys() ^ theirs.keys()) & _COMPARED_WHEN_ABSENT

    def __ne__(self, other: object) -> bool:
        return not self == other  # a tuple would compare field by field

    def __hash__(self) -> int:
        return hash(self._compared())

    def _compared(self) -> tuple[object, ...]:
        user = self.user.translate(_VISUAL_SEPARATORS).lower() if self.scheme == "tel" else self.user
        return self.scheme, user, self.password, self.host.lower(), self.port, self.opaque


@lru_cache(maxsize=2048)
def _remembered(text: str) -> Uri:
    return Uri._parse(text)


def host_of(address: str) -> str:
    """An IP address as it stands in a URI or a Via: IPv6 in brackets. The inverse of `Uri.address`."""
    return f"[{address}]" if ":" in address else address


UNREADABLE: Final = Uri("invalid", opaque="unreadable")
"""Stands in a request that is kept only to be refused, where its own Request-URI could not be read."""

_ESCAPE_BYTES = re.compile(rb"%([0-9A-Fa-f]{2})")


def canonical_escapes(text: str) -> str:
    """Undo the escapes of unreserved characters, and write the others in upper case (§19.1.4, RFC 3986 §6.2.2).

    Raises PeerError(400) where "%" is not followed by two hexadecimal digits.
    """
    return _ESCAPE.sub(_canonical_escape, text)


def _canonical_escape(found: re.Match[str]) -> str:
    digits = found[1]
    if digits is None:
        raise PeerError("a URI holds a broken escape")
    code = int(digits, 16)
    return chr(code) if code in _UNRESERVED else f"%{digits.upper()}"


def _parse_params(text: str) -> Mapping[str, str | None]:
    params: dict[str, str | None] = {}
    if "%" in text:
        text = canonical_escapes(text)
    for piece in text.split(";")[1:]:
        name, equals, value = piece.partition("=")
        name = name.lower()
        if not name or name in params:
            raise PeerError("a URI parameter is empty or repeated")
        params[name] = value if equals else None
    return MappingProxyType(params)  # remembered URIs are shared


def _check_host(host: str) -> None:
    if host[0] == "[":
        if host.count(":") < 2 or len(host) > MAX_HOST_LENGTH:
            raise PeerError("a SIP URI's IPv6 address is malformed")
    elif host[0] == "." or ".." in host or len(host) > MAX_HOST_LENGTH:
        raise PeerError("a SIP URI's host is malformed")


def _header_set(headers: str) -> frozenset[str]:
    return frozenset(headers.split("&")) if headers else frozenset()


def _safe(text: str, unsafe: re.Pattern[str] = _UNSAFE) -> str:
    """Escape what would end the URI or the line; what `parse` has let through passes unchanged."""
    if unsafe.search(text) is None:
        return text
    return unsafe.sub(lambda found: "".join(f"%{code:02X}" for code in found[0].encode()), text)
