"""Bodies of requests and responses: the session description in them, alone or as a part of several (RFC 5621)."""

import re
from typing import Final

from softswitch.calls.line import SDP
from softswitch.errors import PeerError
from softswitch.sip.message import Message, Request

ACCEPT: Final = f"{SDP}, multipart/mixed"
MOST_PARTS: Final = 16  # ours
DEEPEST_PARTS: Final = 3  # ours: bodies of several parts within each other
_OFFERING: Final = frozenset({"INVITE", "PRACK", "UPDATE"})
_OPTIONAL, _REQUIRED = "handling=optional", "handling=required"
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"\\]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)  # RFC 2046 §5.1.1


def session_in(message: Message) -> bytes:
    """The session description that a message carries, or nothing.

    Raises PeerError(415) for a body of another type or an encoded one, and 400 for several parts without a frame.
    """
    if not message.body:
        return b""
    kind = message.content_type
    if (message.headers.get("Content-Encoding") or "identity").lower() != "identity":
        raise PeerError("a body is encoded", 415)
    if kind == SDP or kind is None:
        return message.body
    if kind is not None and kind.startswith("multipart/"):
        session = _session_among(message.body, message.headers.get("Content-Type") or "", DEEPEST_PARTS)
        if not session:
            raise PeerError("a body of several parts holds no session description", 415)
        return session
    raise PeerError("a body is of a type that is not understood", 415)


def forget_optional_body(request: Request) -> None:
    """Where an offer may be, an optional body that we do not understand is as if it were not there (§20.11)."""
    if not request.body or request.method not in _OFFERING or "Content-Disposition" not in request.headers:
        return
    if _OPTIONAL in _compact(request.headers.line("Content-Disposition")):
        try:
            session_in(request)
        except PeerError as error:
            if error.status == 415:
                request.body = b""


def lenient_session_in(message: Message) -> bytes:
    """The same of a response or an ACK, which nobody can refuse: a body that cannot be read is none."""
    try:
        return session_in(message)
    except PeerError:
        return b""


def _session_among(body: bytes, content_type: str, depth: int) -> bytes:
    """The first one among the parts, or nothing. depth: so many frames may lie within each other."""
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
        if kind == SDP:
            session = session or content
        elif kind.startswith("multipart/") and depth > 1:
            session = session or _session_among(content, fields["content-type"], depth - 1)
        elif _REQUIRED in _compact(fields.get("content-disposition", "")):
            raise PeerError("a body holds a part that must be understood and is not", 415)
    return session if not session or session.endswith(b"\n") else session + b"\r\n"


def _compact(text: str) -> str:
    return text.replace(" ", "").replace("\t", "").lower()


def _fields_of(head: bytes) -> dict[str, str]:
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
