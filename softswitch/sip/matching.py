"""Which transaction a message belongs to: the keys by which the layer finds it (RFC 3261 §17.1.3, §17.2.3)."""

from typing import Final, TypeAlias

from softswitch.sip.message import Message, Request

Key: TypeAlias = tuple[object, ...]

MAGIC_COOKIE: Final = "z9hG4bK"  # RFC 3261 §8.1.1.7


def client_key(message: Message) -> Key:
    """What a response has in common with its request: the branch and the method in CSeq (§17.1.3)."""
    return (message.branch, message.cseq.method)


def server_key(request: Request, method: str | None = None) -> Key:
    """What the copies of a request, and its ACK, have in common (§17.2.3).

    `method` names another method to look for: "INVITE" finds what a CANCEL is meant to stop (§9.2). A branch without
    the magic cookie is an RFC 2543 peer's: then the URI, tags, Call-ID, CSeq and the whole top Via decide. Its To tag
    is left out, for the ACK carries the one that our response gave. The CSeq number, which is the same in all copies,
    in the ACK and in the CANCEL, keeps apart what a peer sends anew under an old branch: pyVoIP does so with the
    credentials that it was asked for.
    """
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    via, branch = request.via, request.branch
    if branch and branch != MAGIC_COOKIE and branch.startswith(MAGIC_COOKIE):  # RFC 4475 §3.2.1
        return (branch, via.host.lower(), via.port, request.cseq.number, method)
    return (str(request.uri), request.from_tag, request.call_id, request.cseq.number, str(via), method)


def merged_key(request: Request) -> Key | None:
    """What the copies of one request have in common that came over several ways; None inside a dialog (§8.2.2.2)."""
    if request.to_tag is not None or request.method in ("ACK", "CANCEL"):
        return None
    return (request.from_tag, request.call_id, request.cseq.number, request.method)
