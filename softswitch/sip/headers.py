"""The header multimap, and the spellings of header names (RFC 3261 §7.3)."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeVar

from softswitch.errors import PeerError, UsageError
from softswitch.sip.grammar import has_bare_control, is_token, split_list

T = TypeVar("T")

COMPACT: Final = {
    "i": "Call-ID", "m": "Contact", "e": "Content-Encoding", "l": "Content-Length", "c": "Content-Type", "f": "From",
    "s": "Subject", "k": "Supported", "t": "To", "v": "Via",  # RFC 3261 §7.3.3
    "o": "Event", "u": "Allow-Events",  # RFC 6665
    "r": "Refer-To", "b": "Referred-By", "x": "Session-Expires", "y": "Identity",  # RFC 3515, 3892, 4028, 8224
    "a": "Accept-Contact", "j": "Reject-Contact", "d": "Request-Disposition",  # RFC 3841
}  # fmt: skip

MAX_REMEMBERED_LENGTH: Final = 200  # ours; bounds what is kept

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


_DERIVED: Final = {"Via": "Via;branch", "From": "From;tag", "To": "To;tag"}


class Headers:
    """Ordered multimap of header fields; names in any case and in compact form mean the same.

    The order of values under one name is kept; names stand in the order in which each first came (their relative order
    has no meaning, §7.3.1). Values are text without folding; bytes that are not UTF-8 survive as surrogate escapes.
    Typed values are made at the first look and kept until the header changes. A message of the usual shape comes with
    those that routing needs, and is cut into lines when somebody asks for another.
    """

    __slots__ = ("_few", "_fields", "_lower", "_uncut", "known")

    _few: dict[str, str]
    _fields: dict[str, list[str]]
    _lower: str | None
    known: dict[str, Any]
    _uncut: str | None

    def __init__(self, items: Iterable[tuple[str, object]] = ()) -> None:
        self._fields = {}
        self.known = {}
        self._uncut = None
        for name, value in items:
            self.add(name, value)

    @classmethod
    def from_fields(cls, fields: dict[str, list[str]], known: dict[str, Any] | None = None) -> "Headers":
        """Lines under canonical names, made of values that were checked; takes `fields` over, and what is `known`."""
        headers = cls.__new__(cls)
        headers._fields = fields
        headers.known = {} if known is None else known
        headers._uncut = None
        return headers

    @classmethod
    def from_head(cls, head: str, few: dict[str, str], typed: dict[str, object]) -> "Headers":
        """For the parser: a head whose lines are unfolded and checked.

        few: the headers that stand once and are asked for always.  typed: what is known of values.  Takes both over.
        """
        headers = cls.__new__(cls)
        headers._uncut = head
        headers._lower = None
        headers._few = few
        headers.known = typed
        return headers

    @classmethod
    def copied(cls, names: Iterable[str], source: "Headers") -> "Headers":
        """The lines under these canonical names, of a message that has been checked already."""
        headers = cls.__new__(cls)
        headers.known = {}
        headers._uncut = None
        if source._uncut is None:
            fields = source._fields
            headers._fields = {name: fields[name].copy() for name in names if name in fields}
        else:
            few = source._few
            headers._fields = {name: [few[name]] for name in names if name in few}
        return headers

    def get(self, name: str) -> str | None:
        """The first line under `name` as it stands, or None."""
        values = self._lines(canonical_name(name))
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """Every value under `name`: one entry per comma-separated value for list headers, else one per line.

        Never raises for what a peer wrote: a line that does not come apart is one value, as it stands.
        """
        name = canonical_name(name)
        lines = self._lines(name) or []
        if name not in LISTS:
            return list(lines)
        values: list[str] = []
        for line in lines:
            try:
                values += split_list(line)
            except PeerError:
                values.append(line)
        return values

    def has(self, name: str, token: str) -> bool:
        """Whether a value under `name` is this token, an option tag for instance, in any case.  token: lower case."""
        return name in self and token in [value.lower() for value in self.get_all(name)]

    def lines(self, name: str) -> list[str]:
        """The lines under `name` as they stand."""
        return list(self._lines(canonical_name(name)) or ())

    def add(self, name: str, value: object) -> None:
        """Append a line. Raises UsageError where name or value would break the message's framing."""
        self.put(*_checked(name, value))

    def put(self, name: str, line: str) -> None:
        """Append a line of our own making: `name` is canonical, `line` made of values that were checked already."""
        if self._uncut is not None:
            self._cut()
        if name in self._fields:
            self._fields[name].append(line)
        else:
            self._fields[name] = [line]
        if self.known:
            self._forget(name)

    def put_first(self, name: str, line: str) -> None:
        """As `put`, as the only line under `name` and in front of all others."""
        self._cut()
        self._fields.pop(name, None)
        self._fields = {name: [line], **self._fields}
        if self.known:
            self._forget(name)

    def write(self, name: str, line: str) -> None:
        """As `put`, instead of all lines under `name`."""
        if self._uncut is not None:
            self._cut()
        self._fields[name] = [line]
        if self.known:
            self._forget(name)

    def set(self, name: str, value: object) -> None:
        """Replace all lines under `name` by one."""
        self._cut()
        name, text = _checked(name, value)
        self._fields[name] = [text]
        self._forget(name)

    def prepend(self, name: str, value: object) -> None:
        """Put a line in front of those under `name`, as for a Via or a Record-Route."""
        self._cut()
        name, text = _checked(name, value)
        self._fields[name] = [text, *self._fields.get(name, ())]
        self._forget(name)

    def replace_first(self, name: str, value: object) -> None:
        """Put `value` in the place of the first value under `name`; its other values stay."""
        name, text = _checked(name, value)
        if self._uncut is not None and name in self._few:
            self._few[name] = text
        else:
            self._fields[name] = [text, *self.get_all(name)[1:]]
        self._forget(name)

    def remember(self, name: str, value: object) -> None:
        """What `typed` is to give for the canonical `name`, known to whoever has just set its lines."""
        self.known[name] = value

    def remove(self, name: str) -> None:
        """Drop all lines under `name`; no error where there are none."""
        self._cut()
        name = canonical_name(name)
        self._fields.pop(name, None)
        self._forget(name)

    def items(self) -> Iterator[tuple[str, str]]:
        """(name, line) pairs, grouped by name."""
        self._cut()
        for name, values in self._fields.items():
            for value in values:
                yield name, value

    def copy_lines(self, name: str, source: "Headers") -> None:
        """Take over all lines under the canonical `name` from a message that has been checked already."""
        lines = source._fields.get(name) if source._uncut is None else source._lines(name)
        if lines:
            if self._uncut is not None:
                self._cut()
            self._fields[name] = lines.copy()
            if self.known:
                self._forget(name)

    def line(self, name: str) -> str:
        """The first line under the canonical `name`, which must be there."""
        lines = self._lines(name)
        assert lines
        return lines[0]

    def joined(self) -> str:
        """Every line but Content-Length, which is written anew, as it goes on the wire: each with its CRLF in front."""
        if self._uncut is not None:
            self._cut()
        fields = self._fields
        fields.pop("Content-Length", None)
        return "".join([f"\r\n{name}: {line}" for name, lines in fields.items() for line in lines])

    def typed(self, name: str, parse: Callable[[list[str]], T]) -> T:
        """`parse` of the lines under the canonical `name`, remembered until they change."""
        typed: dict[str, T] = self.known  # of this name's type, if not of every name's
        if name in typed:
            return typed[name]
        value = typed[name] = parse(self._lines(name) or [])
        return value

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        name = SPELLINGS.get(name) or canonical_name(name)
        return name in self._fields if self._uncut is None else self._lines(name) is not None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        self._cut()
        other._cut()
        return self._fields == other._fields

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __len__(self) -> int:
        self._cut()
        return sum(map(len, self._fields.values()))

    def __repr__(self) -> str:
        self._cut()
        return f"Headers({', '.join(self._fields)})"  # names only: values may hold personal data

    def _lines(self, name: str) -> list[str] | None:
        if self._uncut is not None:
            if name in self._few:
                return [self._few[name]]
            if self._lower is None:
                self._lower = self._uncut.lower()
            if f"\r\n{name.lower()}:" not in self._lower:
                return None
            self._cut()
        return self._fields.get(name)

    def _cut(self) -> None:
        if self._uncut is None:
            return
        lines, self._uncut = self._uncut.split("\r\n"), None
        fields: dict[str, list[str]] = {}
        for line in lines[1:]:
            written, _, value = line.partition(":")
            name = SPELLINGS.get(written) or canonical_name(written)
            if name in self._few:
                fields[name] = [self._few[name]]
            elif name in fields:
                fields[name].append(value.strip(" \t"))
            else:
                fields[name] = [value.strip(" \t")]
        fields.pop("Content-Length", None)
        self._fields = fields

    def _forget(self, name: str) -> None:
        self.known.pop(name, None)
        derived = _DERIVED.get(name)
        if derived is not None:
            self.known.pop(derived, None)


def _checked(name: str, value: object) -> tuple[str, str]:
    text = value if isinstance(value, str) else str(value)
    return _remembered(name, text) if len(text) <= MAX_REMEMBERED_LENGTH else _check(name, text)


def _check(name: str, text: str) -> tuple[str, str]:
    text = text.strip(" \t")
    if "\r" in text or "\n" in text or has_bare_control(text.encode("utf-8", "surrogateescape")):
        raise UsageError(f"the value for {name!r} holds a line break or control character; strip it before use")
    try:
        return canonical_name(name), text
    except PeerError as error:
        raise UsageError(f"{name!r} is not a header name") from error


_remembered = lru_cache(maxsize=512)(_check)  # most of what we say is said in every message
