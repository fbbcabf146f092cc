"""SIP messages without what they say of people: for traces, captures and capture servers.

A number may stand anywhere in a message: in a URI, escaped or not, in a display name, a reason phrase, a tag, a
Call-ID, an origin line of SDP, base64 within Identity. So everything that is five digits or more in any grouping is
masked, wherever it stands, and only what is known to be something else is kept: an address, a port, a codec's line.
The masked message is still a SIP message, and reads the same at both ends of a dialog: what tells calls apart (tags,
branches, Call-IDs) is replaced by a name made with a key that never leaves the process.
"""

import re
from hashlib import blake2s
from typing import Final

MASK: Final = "xxxxxx"
HIDDEN: Final = "hidden"
FEWEST_DIGITS: Final = 5
MOST_KNOWN: Final = 2000
_LONGEST_KNOWN: Final = 300
_SHOWN: Final = 2

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}(?![\d.])"
_HOST = re.compile(
    # An address where one stands: behind "@", a scheme, a Via's transport, "received=", or in SDP.
    rf"(?:(?<=@)|(?<=sip:)|(?<=sips:)|(?<=SIP/2\.0/UDP )|(?<=SIP/2\.0/TCP )|(?<=SIP/2\.0/TLS )|(?<=SIP/2\.0/WS )"
    rf"|(?<=SIP/2\.0/WSS )|(?<=received=)|(?<=maddr=)|(?<=IN IP4 )){_IPV4}(?::[1-9]\d{{0,4}}(?!\d))?"
    rf"|(?<=\])(?::[1-9]\d{{0,4}}(?!\d))|(?<=rport=)[1-9]\d{{0,4}}(?!\d)",
    re.IGNORECASE,
)
_GAP = r"(?:[ \t.,\-/()*_\u00a0\u2010-\u2015]|%2[0-9A-Fa-f]|%[Cc]2%[Aa]0){0,3}"
_DIGITS = re.compile(rf"(?:\+|%2[Bb])?(?:\d|%3\d)(?:{_GAP}(?:\d|%3\d)){{{FEWEST_DIGITS - 1},}}")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_NUMERIC = frozenset({"content-length", "l", "max-forwards", "expires", "min-expires", "retry-after", "session-expires",
                      "x", "min-se", "rseq"})  # fmt: skip
_SMALL_NUMBER = re.compile(r"[ \t]*\d{1,5}(?:;refresher=ua[cs])?[ \t]*")
_CSEQ = re.compile(r"[ \t]*\d{1,5} [A-Z]{1,12}[ \t]*")
_DATE = re.compile(r"[ \t]*[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT[ \t]*")
_SECRET = frozenset({"authorization", "proxy-authorization", "authentication-info", "proxy-authentication-info"})
_CALL_IDS = frozenset({"call-id", "i", "replaces", "in-reply-to", "join", "target-dialog"})
_ADDRESSES = frozenset({"from", "f", "to", "t", "contact", "m", "p-asserted-identity", "p-preferred-identity",
                        "remote-party-id", "diversion", "history-info", "reply-to", "referred-by", "b", "refer-to", "r",
                        "p-called-party-id", "route", "record-route", "service-route", "path",
                        "p-associated-uri"})  # fmt: skip
_SHOWN_HEADERS = frozenset({
    "via", "v", "cseq", "date", "allow", "supported", "k", "require", "unsupported", "proxy-require", "accept",
    "content-type", "c", "content-disposition", "user-agent", "server", "reason", "warning", "privacy", "event", "o",
    "allow-events", "u", "subscription-state", "www-authenticate", "proxy-authenticate", "timestamp", "rack",
    "mime-version", "accept-encoding", "accept-language", "content-encoding", "e", "p-early-media",
})  # fmt: skip
"""Shown, with their digits masked; what a header of another name says nobody knows, so it is hidden."""
_SECRETS = re.compile(r"[ \t]*(\w*).*", re.DOTALL)
_SECRET_HIDDEN = rf" \1 {HIDDEN}"
_FIRST_WORD = re.compile(r"([ \t]*)([^;,\s]+)")
_LABEL = re.compile(r"((?:^|[;?&])(?:tag|branch|to-tag|from-tag|icid-value|cookie|epid)=)([^;,>\s&]+)", re.IGNORECASE)
# A quotation that does not end runs to the line's end, so that each of these looks at a line once.
_QUOTED = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BEFORE_BRACKET = re.compile(r"\A[ \t]*[^\s<][^<]*(?=<)|(?<=,)[ \t]*[^\s<,][^<,]*(?=<)")
_TEXT_PARAM = re.compile(r'(?i)((?:text|name|cnam)[ \t]{0,9}=[ \t]{0,9})"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)')
_STATUS_LINE = re.compile(r"SIP/2\.0 \d{3}(?!\d) ?", re.IGNORECASE)
_USER = re.compile(r"((?:sips?|tel):)([^@<>\s;?]{1,200})(?=@)", re.IGNORECASE)

_SDP_KEPT = re.compile(
    r"v=0|t=0 0|a=(?:sendrecv|sendonly|recvonly|inactive|rtcp-mux|ptime:\d{1,3}|maxptime:\d{1,3})"
    r"|c=IN IP4 0\.0\.0\.0|m=[a-z]{1,11} \d{1,5} [A-Z/]{1,20}(?: (?:0|[1-9]\d?|1[01]\d|12[0-7])){1,32}"
    r"|a=rtpmap:(?:0|[1-9]\d?|1[01]\d|12[0-7]) [A-Za-z0-9.-]{1,20}/(?:8|16|32|44|48|90)[01]00(?:/[12])?"
    r"|a=fmtp:(?:0|[1-9]\d?|1[01]\d|12[0-7]) 0-1[0-6]|a=rtcp:\d{1,5}"
)
_SDP_PERSONAL = re.compile(r"([iuep]=).*|(s=)(?!-$|softswitch$).*")
_SDP_ORIGIN = re.compile(r"o=(\S+) (\d+) (\d+) (IN IP[46] \S+)")
_SDP_KEYS = re.compile(
    # Of a key's line the tag and the suite stay, where they are what they should be; the key and what follows never.
    r"(k=|a=crypto:[ \t]{0,9}\d{1,9}[ \t]{1,9}\w{1,40}[ \t]{1,9}inline:"
    r"|a=[ \t]{0,9}(?:crypto|cryptoscale|key-mgmt|ice-pwd)\b:?).*",
    re.IGNORECASE,
)
_CONTENT_LENGTH = re.compile(r"^((?:Content-Length|l)[ \t]*:[ \t]*)\d+", re.IGNORECASE | re.MULTILINE)


class MessageMask:
    """Masks messages.

    key: random, of this process; under it equal labels stay equal, and cannot be told from one another's numbers.
    digits_shown: whether a number's last two digits stay, as supervisors may see them.
    """

    def __init__(self, key: bytes, *, digits_shown: bool = True) -> None:
        self._key = key[:32]
        self._digits_shown = digits_shown
        self._known: dict[str, str] = {}
        """Lines as they came, and masked: most come again with each message of a call."""

    def __call__(self, data: bytes) -> bytes:
        """The message without numbers, names and secrets; whatever the bytes are, it does not raise."""
        head, blank, body = data.partition(b"\r\n\r\n")
        lines = _unfolded(head)
        masked = [self._start_line(lines[0]), *(self._known.get(line) or self._header(line) for line in lines[1:])]
        kinds = [value for name, _, value in (line.partition(":") for line in lines) if _names_type(name)]
        kind = kinds[0] if kinds else ""
        new_body = self._body(body, kind.strip().lower()) if body else b""
        return _joined(masked, blank, new_body, changed=new_body != body)

    def text(self, text: str) -> str:
        """A start line, a reason phrase, or any other text."""
        text = _USER.sub(self._user, text)
        pieces, end = [], 0
        for found in _HOST.finditer(text):
            pieces += [self._digits(text[end : found.start()]), found[0]]
            end = found.end()
        return "".join([*pieces, self._digits(text[end:])])

    def label(self, value: str) -> str:
        """A tag, branch or Call-ID, which may hold a number: kept where it holds none, else a name for it."""
        if not _DIGITS.search(value):
            return value
        digest = blake2s(value.encode("utf-8", "surrogateescape"), key=self._key, digest_size=8).digest()
        return "~" + "".join(chr(ord("a") + octet % 26) for octet in digest)

    def _start_line(self, line: str) -> str:
        status = _STATUS_LINE.match(line)
        return status[0] + self.text(line[status.end() :]) if status else self.text(line)

    def _header(self, line: str) -> str:
        name, colon, value = line.partition(":")
        key = name.strip(" \t").lower()
        masked = f"{self.text(name)}:{self._value(key, value)}" if colon else self.text(line)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        if len(line) < _LONGEST_KNOWN:
            self._known[line] = masked
        return masked

    def _value(self, key: str, value: str) -> str:
        if key in _NUMERIC:
            return value if _SMALL_NUMBER.fullmatch(value) else f" {HIDDEN}"
        if (key == "cseq" and _CSEQ.fullmatch(value)) or (key == "date" and _DATE.fullmatch(value)):
            return value
        if key in _SECRET:
            return _SECRETS.sub(_SECRET_HIDDEN, value, count=1)
        if key in _CALL_IDS:
            found = _FIRST_WORD.match(value)
            return f"{found[1]}{self.label(found[2])}{self._labelled(value[found.end() :])}" if found else ""
        if key in _ADDRESSES:
            value = _QUOTED.sub(f'"{MASK}"', value)
            return self._labelled(_BEFORE_BRACKET.sub(f' "{MASK}" ', value))
        if key in _SHOWN_HEADERS:
            return self._labelled(_TEXT_PARAM.sub(rf'\1"{MASK}"', value))
        return f" {HIDDEN}"

    def _labelled(self, line: str) -> str:
        pieces, end = [], 0
        for found in _LABEL.finditer(line):
            pieces += [self.text(line[end : found.start()]), found[1], self.label(found[2])]
            end = found.end()
        return "".join([*pieces, self.text(line[end:])])

    def _body(self, body: bytes, kind: str) -> bytes:
        if not kind.startswith("application/sdp"):
            return b""
        lines = body.decode("utf-8", "surrogateescape").splitlines()
        return "".join(f"{self._sdp(line)}\r\n" for line in lines).encode("utf-8", "surrogateescape")

    def _sdp(self, line: str) -> str:
        if _SDP_KEPT.fullmatch(line):
            return line
        if found := _SDP_PERSONAL.fullmatch(line):
            return f"{found[1] or found[2]}{MASK}"
        if found := _SDP_KEYS.search(line):
            return f"{self.text(line[: found.start()] + found[1])}{HIDDEN}"
        if found := _SDP_ORIGIN.fullmatch(line):
            who = found[1] if found[1] == "-" else MASK
            return f"o={who} {self._number(found[2])} {self._number(found[3])} {self.text(found[4])}"
        return f"o={MASK}" if line.startswith("o=") else self.text(line)

    def _number(self, digits: str) -> str:
        """SDP asks for digits here."""
        return "0" if len(digits) >= FEWEST_DIGITS else digits

    def _user(self, found: re.Match[str]) -> str:
        """A user part; escapes may hide anything, so one that has any is masked as a whole."""
        plain = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), found[2])
        masked = self._digits(plain)
        return f"{found[1]}{found[2] if plain == found[2] == masked else masked if masked != plain else MASK}"

    def _digits(self, text: str) -> str:
        return _DIGITS.sub(self._masked, text)

    def _masked(self, found: re.Match[str]) -> str:
        plain = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), found[0])
        digits = [sign for sign in plain if sign.isdigit()]
        return MASK + "".join(digits[-_SHOWN:]) if self._digits_shown else MASK


def without_secrets(data: bytes) -> bytes:
    """A message as auditors and administrators may see it: whole, but for digest responses and media keys."""
    head, blank, body = data.partition(b"\r\n\r\n")
    lines = [_without_secret(line) for line in _unfolded(head)]
    text = body.decode("utf-8", "surrogateescape")
    kept = "\r\n".join(_SDP_KEYS.sub(rf"\1{HIDDEN}", line) for line in text.split("\r\n"))
    new_body = kept.encode("utf-8", "surrogateescape")
    return _joined(lines, blank, new_body, changed=new_body != body)


def _without_secret(line: str) -> str:
    name, colon, value = line.partition(":")
    if colon and name.strip(" \t").lower() in _SECRET:
        return f"{name}:" + _SECRETS.sub(_SECRET_HIDDEN, value, count=1)
    return line


def _joined(lines: list[str], blank: bytes, body: bytes, *, changed: bool) -> bytes:
    text = "\r\n".join(lines)
    if changed:
        text = _CONTENT_LENGTH.sub(lambda found: f"{found[1]}{len(body)}", text)
    return text.encode("utf-8", "surrogateescape") + blank + body


def _unfolded(head: bytes) -> list[str]:
    """Lines; one that goes on in the next is one (RFC 3261 §7.3.1), also where a lone LF ends it."""
    text = head.decode("utf-8", "surrogateescape")
    return re.sub(r"\r?\n[ \t]+", " ", text).replace("\r\n", "\n").split("\n")


def _names_type(name: str) -> bool:
    return name.strip(" \t").lower() in ("content-type", "c")
