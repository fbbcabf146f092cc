"""REFER and its implicit subscription (RFC 3515, RFC 4488), and Replaces (RFC 3891).

Nothing here dials. Where a peer asks to be transferred, its wish goes up as an event, and only what the house decides
is done: the target never becomes a request by itself.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from softswitch.errors import PeerError
from softswitch.sip.message import REASONS, Request
from softswitch.sip.uri import Uri
from softswitch.sip.values import NameAddr

SIPFRAG: Final = "message/sipfrag;version=2.0"  # RFC 3420
PATIENCE_S: Final = 180  # how long we say that a transfer may take
SERVED_SCHEMES: Final = frozenset({"sip", "sips", "tel"})


@dataclass(frozen=True, slots=True)
class Replaced:
    """The dialog that a Replaces header names, as its receiver sees it: `to_tag` is the receiver's."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool


@dataclass(slots=True)
class Transfer:
    """One REFER that a peer has sent and we have not done with."""

    target: Uri
    """Without headers: whom the peer wants us to call."""
    replaces: Replaced | None
    subscription_id: int
    """The REFER's CSeq number: `id` of the event in NOTIFY (RFC 3515 §2.4.6)."""
    wants_reports: bool
    """False: Refer-Sub: false (RFC 4488)."""
    is_accepted: bool = False

    def report_headers(self, *, is_last: bool) -> tuple[tuple[str, object], ...]:
        state = "terminated;reason=noresource" if is_last else f"active;expires={PATIENCE_S}"
        return (("Event", f"refer;id={self.subscription_id}"), ("Subscription-State", state))

    @staticmethod
    def report(status: int) -> bytes:
        """The body of a NOTIFY: how far the transfer has come. Holds nothing of the other call."""
        return f"SIP/2.0 {status} {REASONS.get(status, '')}\r\n".encode()


def read_refer(request: Request) -> Transfer:
    """What a REFER asks. Raises PeerError(400), or 416 where its target is of a scheme that is not served."""
    lines = request.headers.get_all("Refer-To")
    if len(lines) != 1:
        raise PeerError("a REFER has not exactly one Refer-To")  # RFC 3515 §2.4.1
    target = NameAddr.parse(lines[0]).uri
    if target.scheme not in SERVED_SCHEMES:
        raise PeerError("a REFER's target is of a scheme that is not served", 416)
    replaces = {name.lower(): value for name, value in _embedded(target)}.get("replaces")
    return Transfer(
        target=_bare(target),
        replaces=read_replaces(replaces) if replaces else None,
        subscription_id=request.cseq.number,
        wants_reports=(request.headers.get("Refer-Sub") or "true").partition(";")[0].strip().lower() != "false",
    )


def replaces_in(request: Request) -> Replaced | None:
    """The dialog that an INVITE is to take the place of. Raises PeerError(400)."""
    lines = request.headers.lines("Replaces")
    if not lines:
        return None
    if len(lines) > 1:
        raise PeerError("an INVITE has several Replaces")  # RFC 3891 §3
    return read_replaces(lines[0])


def read_replaces(text: str) -> Replaced:
    call_id, *params = [word.strip() for word in text.split(";")]
    values = {name.strip().lower(): value.strip() for name, _, value in (param.partition("=") for param in params)}
    if not call_id or "to-tag" not in values or "from-tag" not in values:
        raise PeerError("Replaces is malformed")
    return Replaced(call_id, values["to-tag"], values["from-tag"], "early-only" in values)


def _embedded(target: Uri) -> list[tuple[str, str]]:
    """The headers within a URI, with their escapes undone (RFC 3261 §19.1.1)."""
    pairs = [pair.partition("=") for pair in target.headers.split("&")] if target.headers else []
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def _bare(target: Uri) -> Uri:
    return target._replace(headers="")
