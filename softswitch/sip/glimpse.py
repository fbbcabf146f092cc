"""What a message is, at a glance: for ladders. Reads any bytes, also those that the parser refuses."""

import re
from dataclasses import dataclass
from typing import Final

_STATIC: Final = {"0": "PCMU", "3": "GSM", "4": "G723", "8": "PCMA", "9": "G722", "13": "CN", "18": "G729"}  # RFC 3551
_LONGEST_LABEL: Final = 60
_LOOKED_AT: Final = 65_535
_CSEQ = re.compile(r"^CSeq[ \t]*:[ \t]*(\d+)[ \t]+(\S+)", re.IGNORECASE | re.MULTILINE)
_MAP = re.compile(r"^a=rtpmap:(\d+) ([^/\r\n]+)", re.MULTILINE)
_MEDIA = re.compile(r"^m=(\S+) (\d+) \S+((?: \d+)*)", re.MULTILINE)
_CONNECTION = re.compile(r"^c=IN IP[46] (\S+)", re.MULTILINE)
_DIRECTION = re.compile(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Glimpse:
    label: str
    """A request's method, or a response's status and reason; "?" where it is neither."""
    cseq: str
    """As in "2 INVITE"; empty where there is none."""
    sdp: str
    """Codecs, direction and address, as in "PCMA PCMU sendrecv 192.0.2.1:20000"; empty without SDP."""


def glimpse(data: bytes) -> Glimpse:
    """Look at one message; never raises."""
    head, _, body = data[:_LOOKED_AT].partition(b"\r\n\r\n")
    text = head.decode("utf-8", "replace")
    start, _, rest = text.lstrip("\r\n").partition("\r\n")
    cseq = _CSEQ.search(rest)
    if start[:8].upper() == "SIP/2.0 ":
        label = _shown(start[8:]).strip()
    elif start.upper().endswith(" SIP/2.0"):
        label = _shown(start.split(" ", 1)[0])
    else:
        label = "?"
    return Glimpse(
        label[:_LONGEST_LABEL],
        f"{cseq[1]} {_shown(cseq[2])}"[:_LONGEST_LABEL] if cseq else "",
        _sdp(body.decode("utf-8", "replace")) if body.startswith(b"v=0") else "",
    )


def _sdp(body: str) -> str:
    media = _MEDIA.search(body)
    if media is None:
        return "no media"
    names = {number: name.strip() for number, name in _MAP.findall(body)}
    codecs = [names.get(number) or _STATIC.get(number, number) for number in media[3].split()]
    spoken = " ".join(dict.fromkeys(codec for codec in codecs if codec != "telephone-event"))
    direction = _DIRECTION.search(body)
    connection = _CONNECTION.search(body)
    where = f"{connection[1] if connection else '?'}:{media[2]}"
    return _shown(f"{spoken} {direction[1] if direction else 'sendrecv'} {where}")[:_LOOKED_AT]


def _shown(text: str) -> str:
    """Fit for a terminal, whatever a peer wrote."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)
