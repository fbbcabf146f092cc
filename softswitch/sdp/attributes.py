"""What an audio line says by its attributes: how long packets are to be, and where reports go."""

import re
from typing import Final

from softswitch.sdp.session import Connection, MediaDescription, SessionDescription

DEFAULT_PTIME_MS: Final = 20  # RFC 3551 §4.2
LEAST_MAXPTIME_MS: Final = 10
"""Ours: who may not be sent that much in a packet (`a=maxptime`) is refused."""
MAX_PTIME_MS: Final = 60  # ours: longer frames wait longer than a conversation bears

_MILLISECONDS = re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{1,9})?")  # RFC 8866 §9: non-zero-int-or-real
_RTCP = re.compile(r"(?P<port>[0-9]{1,5})(?: +IN +IP[46] +(?P<host>[^ ]+))?", re.IGNORECASE)


def ptime_of(session: SessionDescription, media: MediaDescription) -> int:
    """Milliseconds a packet that the peer wishes (RFC 8866 §6.4); 20 where it says nothing that we can do."""
    wished, most = _milliseconds(session, media, "ptime"), maxptime_of(session, media)
    ptime_ms = int(wished or DEFAULT_PTIME_MS)
    if not 10 <= ptime_ms <= MAX_PTIME_MS or ptime_ms % 10:
        ptime_ms = DEFAULT_PTIME_MS
    return ptime_ms if most is None else min(ptime_ms, most // 10 * 10)


def takes_our_packets(session: SessionDescription, media: MediaDescription) -> bool:
    """Whether the peer's longest packet (RFC 8866 §6.5) is not too short for us."""
    most = maxptime_of(session, media)
    return most is None or most >= LEAST_MAXPTIME_MS


def maxptime_of(session: SessionDescription, media: MediaDescription) -> int | None:
    most = _milliseconds(session, media, "maxptime")
    return None if most is None else int(most)


def reports_to(media: MediaDescription, connection: Connection) -> tuple[str, int] | None:
    """What a=rtcp says (RFC 3605 §2.1): a port, and perhaps a host of its own; None for what cannot be sent to."""
    found = _RTCP.fullmatch(media.attribute("rtcp") or "")
    if found is None or not 0 < int(found["port"]) < 65536:
        return None
    named = Connection(found["host"]) if found["host"] else connection
    usable = named == connection or (named.is_unicast and named.is_ipv6 == connection.is_ipv6)
    return (named.address, int(found["port"])) if usable else None


def _milliseconds(session: SessionDescription, media: MediaDescription, name: str) -> float | None:
    """The medium's attribute, else the session's; None where there is none that can be read."""
    text = media.attribute(name) or next((v for n, v in session.attributes if n == name and v), "") or ""
    return float(text) if _MILLISECONDS.fullmatch(text) else None


def is_muxed(media: MediaDescription) -> bool:
    return any(name == "rtcp-mux" for name, _ in media.attributes)
