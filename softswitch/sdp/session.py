"""Session descriptions: from bytes, and to bytes (RFC 8866).

Tolerates what peers send: lone LF or CR, no line end at the last line, lines out of order or missing that nobody here
needs, unknown line types, broken bandwidths. Refuses what could mislead: control characters, media lines and
addresses that do not parse, and more lines than any honest peer has. Every refusal is PeerError(488).
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from softswitch.errors import PeerError

MAX_LINES: Final = 500  # ours
MAX_MEDIA: Final = 16  # ours

Attribute = tuple[str, str | None]
"""Name, and value where there is one."""

DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")

_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+")  # RFC 8866 §9
_PROTOCOL = re.compile(r"[A-Za-z0-9\-.]+(?:/[A-Za-z0-9\-.]+)*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_NUMBER = re.compile(r"[0-9]{1,19}")
_TIMES = re.compile(r"[0-9]{1,19} [0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Who described the session, and which edition this is (§5.2)."""

    session_id: int
    version: int
    address: str
    username: str = "-"

    def __str__(self) -> str:
        return f"o={self.username} {self.session_id} {self.version} IN {_family(self.address)} {self.address}\r\n"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where media is to be sent (§5.7): a numeric address, or a name that nobody here resolves."""

    address: str

    @property
    def is_hold(self) -> bool:
        """Whether it is the unspecified address: RFC 2543's way to put a call on hold (RFC 3264 §8.4)."""
        return self.address in ("0.0.0.0", "::")

    @property
    def is_unicast(self) -> bool:
        """Whether it is one host's numeric address, to which a packet can be sent."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return False
        return not address.is_multicast and not address.is_unspecified and str(address) != "255.255.255.255"

    @property
    def is_ipv6(self) -> bool:
        """Whether it is a numeric IPv6 address."""
        return ":" in self.address

    def __str__(self) -> str:
        return f"c=IN {_family(self.address)} {self.address}\r\n"


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One m= line with what belongs to it (§5.14)."""

    kind: str
    """"audio", "video", "image", ... in lower case."""
    port: int
    """0: refused, or off."""
    protocol: str
    """"RTP/AVP" and others, in upper case where they are RTP's."""
    formats: tuple[str, ...]
    connection: Connection | None = None
    attributes: tuple[Attribute, ...] = ()

    def attribute(self, name: str) -> str | None:
        """Value of the first attribute of this name; "" for a flag, None where there is none."""
        return _first(self.attributes, name)

    def values(self, name: str) -> list[str]:
        """Values of all attributes of this name."""
        return [value for found, value in self.attributes if found == name and value is not None]

    def __str__(self) -> str:
        text = f"m={self.kind} {self.port} {self.protocol} {' '.join(self.formats)}\r\n"
        return text + str(self.connection or "") + _format(self.attributes)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description; what we neither use nor write (i=, u=, b=, k=, ...) is not kept."""

    origin: Origin | None
    """None where the peer left it out or wrote it wrong; nothing here depends on it."""
    media: tuple[MediaDescription, ...]
    connection: Connection | None = None
    attributes: tuple[Attribute, ...] = ()
    times: str = "0 0"
    name: str = "-"

    @classmethod
    def parse(cls, data: bytes) -> "SessionDescription":
        """Read a body of type application/sdp. Raises PeerError(488)."""
        text = data.decode("utf-8", "surrogateescape")
        if _CONTROL.search(text):
            raise _refused("holds a control character")
        lines = [line for line in _LINE_END.split(text) if line]
        if len(lines) > MAX_LINES:
            raise _refused("has too many lines")
        if not lines or lines[0].rstrip() != "v=0":
            raise _refused("does not begin with v=0")
        sections: list[list[tuple[str, str]]] = [[]]
        for line in lines[1:]:
            letter, equals, value = line.partition("=")
            if not equals or len(letter) != 1:
                raise _refused("has a line that is not type=value")
            if letter == "m":
                sections.append([])
            sections[-1].append((letter, value.strip(" \t")))
        if len(sections) > MAX_MEDIA + 1:
            raise _refused("has too many media")
        session = sections[0]
        return cls(
            origin=next((_parse_origin(value) for letter, value in session if letter == "o"), None),
            media=tuple([_parse_media(section) for section in sections[1:]]),
            connection=_connection_of(session),
            attributes=_attributes_of(session),
            times=next((value for letter, value in session if letter == "t" and _TIMES.fullmatch(value)), "0 0"),
            name=next((value for letter, value in session if letter == "s" and value), "-"),
        )

    def connection_of(self, media: MediaDescription) -> Connection | None:
        """The medium's own c= line, else the session's (§5.7)."""
        return media.connection or self.connection

    def direction_of(self, media: MediaDescription) -> str:
        """The medium's own direction, else the session's, else sendrecv (§6.7)."""
        for attributes in (media.attributes, self.attributes):
            for name, _ in attributes:
                if name in DIRECTIONS:
                    return name
        return "sendrecv"

    def __str__(self) -> str:
        head = f"v=0\r\n{self.origin or Origin(0, 0, '0.0.0.0')}s={self.name}\r\n"
        body = "".join(map(str, self.media))
        return f"{head}{self.connection or ''}t={self.times}\r\n{_format(self.attributes)}{body}"

    def __bytes__(self) -> bytes:
        return str(self).encode("utf-8", "surrogateescape")


def _refused(what: str) -> PeerError:
    return PeerError(f"a session description {what}", 488)


def _family(address: str) -> str:
    return "IP6" if ":" in address else "IP4"


def _first(attributes: tuple[Attribute, ...], name: str) -> str | None:
    return next((value or "" for found, value in attributes if found == name), None)


def _format(attributes: tuple[Attribute, ...]) -> str:
    return "".join([f"a={name}\r\n" if value is None else f"a={name}:{value}\r\n" for name, value in attributes])


def _parse_origin(value: str) -> Origin | None:
    words = value.split()
    if len(words) != 6 or not _NUMBER.fullmatch(words[1]) or not _NUMBER.fullmatch(words[2]):
        return None
    return Origin(int(words[1]), int(words[2]), words[5], words[0])


def _connection_of(section: list[tuple[str, str]]) -> Connection | None:
    for letter, value in section:
        if letter == "c":
            words = value.split()
            if len(words) != 3 or words[0].upper() != "IN" or words[1].upper() not in ("IP4", "IP6"):
                raise _refused("has a c= line that is malformed")
            address = words[2].partition("/")[0].strip("[]")  # a TTL belongs to multicast, which nobody here uses
            if not address:
                raise _refused("has a c= line that is malformed")
            return Connection(address)
    return None


def _attributes_of(section: list[tuple[str, str]]) -> tuple[Attribute, ...]:
    attributes: list[Attribute] = []
    for letter, line in section:
        if letter == "a":
            name, colon, value = line.partition(":")
            if _TOKEN.fullmatch(name):
                attributes.append((name.lower(), value.strip(" \t") if colon else None))
    return tuple(attributes)


def _parse_media(section: list[tuple[str, str]]) -> MediaDescription:
    words = section[0][1].split()
    if len(words) < 4:
        raise _refused("has an m= line that is malformed")
    kind, port_text, protocol, *formats = words
    port, _, _ = port_text.partition("/")
    if not _TOKEN.fullmatch(kind) or not _PROTOCOL.fullmatch(protocol):
        raise _refused("has an m= line that is malformed")
    if not _NUMBER.fullmatch(port) or int(port) > 65535:
        raise _refused("has a port that is out of range")
    return MediaDescription(
        kind=kind.lower(),
        port=int(port),
        protocol=protocol.upper() if protocol.upper().startswith("RTP/") else protocol,
        formats=tuple(formats),
        connection=_connection_of(section),
        attributes=_attributes_of(section),
    )
