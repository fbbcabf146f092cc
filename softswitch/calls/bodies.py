"""Bodies of requests and responses: the session description in them, alone or as a part of several (RFC 5621)."""

import re
from typing import Final

from softswitch.calls.line import SDP
from softswitch.errors import PeerError
from softswitch.sip.message import Message

ACCEPT: Final = f"{SDP}, multipart/mixed"
MOST_PARTS: Final = 16  # ours
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"\\]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)  # RFC 2046 §5.1.1


def session_in(message: Message) -> bytes:
    """The session description that a message carries, or nothing.

    Raises PeerError(415) for a body of another type or an encoded one, and 400 for several parts without a frame.
    """
    if not message.body:
        return b""
    kind = message.content_type
    if "Content-Encoding" in message.headers and message.headers.get("Content-Encoding") != "identity":
        raise PeerError("a body is encoded", 415)
    if kind == SDP or kind is None:
        return message.body
    if kind is not None and kind.startswith("multipart/"):
        return _session_among(message.body, message.headers.get("Content-Type") or "")
    raise PeerError("a body is of a type that is not understood", 415)


def lenient_session_in(message: Message) -> bytes:
    """The same of a response or an ACK, which nobody can refuse: a body that cannot be read is none."""
    try:
        return session_in(message)
    except PeerError:
        return b""


def _session_among(body: bytes, content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise PeerError("a body of several parts names no boundary")
    boundary = b"--" + (found[1] or found[2]).encode("utf-8", "surrogateescape")
    pieces = re.split(rb"(?:\A|\r?\n)" + re.escape(boundary) + rb"(?=--|[ \t]*\r?\n)", body)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--") or len(pieces) > MOST_PARTS:
        raise PeerError("a body's parts are not framed by its boundary")
    session = b""
    for piece in pieces[1:-1]:
        head, _, content = piece.lstrip(b" \t").removeprefix(b"\r").removeprefix(b"\n").partition(b"\r\n\r\n")
        fields = _fields_of(head)
        kind = fields.get("content-type", "text/plain").partition(";")[0].strip().lower()
        if kind == SDP and not session:
            session = content
        elif "handling=required" in fields.get("content-disposition", "").replace(" ", "").lower():
            raise PeerError("a body holds a part that must be understood and is not", 415)
    if not session:
        raise PeerError("a body of several parts holds no session description", 415)
    return session if session.endswith(b"\n") else session + b"\r\n"


def _fields_of(head: bytes) -> dict[str, str]:
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
