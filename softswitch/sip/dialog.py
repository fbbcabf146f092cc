"""Dialogs: what two user agents remember of each other between INVITE and BYE (RFC 3261 §12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from softswitch.errors import PeerError
from softswitch.sip.headers import Headers
from softswitch.sip.matching import MAGIC_COOKIE
from softswitch.sip.message import Request, Response
from softswitch.sip.snapshots import bytes_of, text_of
from softswitch.sip.uri import Uri
from softswitch.sip.values import CSeq, NameAddr

MAX_FORWARDS = 70  # RFC 3261 §8.1.1.6
_MAX_FORWARDS = str(MAX_FORWARDS)


@dataclass(slots=True)
class Dialog:
    """One dialog, from the first response with a To tag on.

    `local` and `remote` are what goes into From and To of our requests, with their tags: as they stood in the message
    that opened it, for some peers compare them byte by byte.
    """

    call_id: str
    local: str
    local_tag: str
    remote: str
    remote_tag: str
    """Empty for an RFC 2543 peer, which sends no tag (§12.1.1)."""
    remote_target: Uri
    route_set: tuple[NameAddr, ...]
    local_cseq: int
    """Of our last request; 0 before the first."""
    remote_cseq: int | None
    """Of the peer's last request; None before the first."""
    is_confirmed: bool
    contact: str
    """Where the peer is to send its requests."""
    early_sdp: bytes = b""
    """What the peer has described in this dialog before its 2xx; the last one counts."""
    remote_rseq: int = 0
    """RSeq of the peer's last reliable provisional response; 0 before the first (RFC 3262 §4)."""
    is_settled: bool = False
    """Offer and answer have been exchanged reliably, so that UPDATE may carry new ones before the 2xx (RFC 3311)."""
    peer_updates: bool = False
    """The peer takes UPDATE."""
    _invite_cseq: int = field(default=0)

    @classmethod
    def opened_by_us(cls, invite: Request, response: Response) -> "Dialog":
        """The UAC's side, from a 101-299 to our INVITE (§12.1.2)."""
        # A 2xx must carry a Contact; where a carrier forgets it, what we called still leads there.
        target = response.contacts[0].uri.as_target() if response.contacts else invite.uri
        routes = tuple(reversed(response.record_routes))
        return cls(
            call_id=invite.call_id,
            local=invite.headers.line("From"),
            local_tag=invite.from_tag or "",
            remote=response.headers.line("To"),
            remote_tag=response.to_tag or "",
            remote_target=target,
            route_set=routes,
            local_cseq=invite.cseq.number,
            remote_cseq=None,
            is_confirmed=response.status >= 200,
            contact=invite.headers.line("Contact"),
            _invite_cseq=invite.cseq.number,
        )

    @classmethod
    def opened_by_peer(cls, invite: Request, local_tag: str, contact: str) -> "Dialog":
        """The UAS's side, for a response with our tag (§12.1.1). Raises PeerError(400) where INVITE has no Contact."""
        if invite.contacts:
            target = invite.contacts[0].uri.as_target()
        elif (invite.via.branch or "").startswith(MAGIC_COOKIE):
            raise PeerError("an INVITE has no Contact")
        else:
            target = invite.from_.uri  # RFC 2543 lets a caller leave Contact out
        return cls(
            call_id=invite.call_id,
            local=f"{invite.headers.line('To')};tag={local_tag}",
            local_tag=local_tag,
            remote=invite.headers.line("From"),
            remote_tag=invite.from_tag or "",
            remote_target=target,
            route_set=invite.record_routes,
            local_cseq=0,
            remote_cseq=invite.cseq.number,
            is_confirmed=False,
            contact=contact,
            _invite_cseq=invite.cseq.number,
        )

    @property
    def next_hop(self) -> Uri:
        """Where requests go next: the first route, else the remote target (§12.2.1.1, §8.1.2)."""
        return self.route_set[0].uri if self.route_set else self.remote_target

    def request(self, method: str, body: bytes = b"", content_type: str = "") -> Request:
        """A request within the dialog, all but its Via (§12.2.1.1).

        ACK takes the number of the last INVITE (§13.2.2.4). Contact is there where the method may refresh the target.
        """
        if method == "ACK":
            number = self._invite_cseq
        else:
            self.local_cseq += 1
            number = self.local_cseq
            if method == "INVITE":
                self._invite_cseq = number
        uri, routes = self._routing()
        fields = {
            "Max-Forwards": [_MAX_FORWARDS],
            "From": [self.local],
            "To": [self.remote],
            "Call-ID": [self.call_id],
            "CSeq": [f"{number} {method}"],
        }
        if routes:
            fields["Route"] = [str(route) for route in routes]
        if method in ("INVITE", "OPTIONS", "UPDATE", "NOTIFY"):
            fields["Contact"] = [self.contact]
        if content_type:
            fields["Content-Type"] = [content_type]
        known = {"CSeq": CSeq(number, method), "To;tag": self.remote_tag or None}
        return Request(method, uri, Headers.from_fields(fields, known), body)

    def receive_request(self, request: Request) -> None:
        """Check the order of the peer's requests (§12.2.2). Raises PeerError(500) for one that comes too late.

        ACK is not counted: it has the number of its INVITE.
        """
        if request.method in ("ACK", "CANCEL"):
            return
        if self.remote_cseq is not None and request.cseq.number < self.remote_cseq:
            raise PeerError("CSeq is lower than that of an earlier request", 500)
        self.remote_cseq = request.cseq.number

    def refresh_target(self, message: Request | Response) -> None:
        """A re-INVITE or UPDATE, or the 2xx to ours, may name another remote target (§12.2.1.2, §12.2.2)."""
        if message.contacts:
            self.remote_target = message.contacts[0].uri.as_target()

    def confirm(self, response: Response) -> None:
        """The 2xx to our INVITE: its route set and target are the ones that count (§13.2.2.4)."""
        self.is_confirmed = True
        self.route_set = tuple(reversed(response.record_routes))
        self.refresh_target(response)

    def snapshot(self) -> dict[str, Any]:
        """All of it, in plain values."""
        return {
            "call_id": self.call_id,
            "local": self.local,
            "local_tag": self.local_tag,
            "remote": self.remote,
            "remote_tag": self.remote_tag,
            "target": str(self.remote_target),
            "routes": [str(route) for route in self.route_set],
            "cseq": [self.local_cseq, self.remote_cseq, self._invite_cseq],
            "confirmed": self.is_confirmed,
            "contact": self.contact,
            "early_sdp": text_of(self.early_sdp),
            "rseq": self.remote_rseq,
            "settled": self.is_settled,
            "updates": self.peer_updates,
        }

    @classmethod
    def restored(cls, snapshot: Mapping[str, Any]) -> "Dialog":
        """The dialog of which this is the snapshot. Raises PeerError where an address in it cannot be read."""
        local_cseq, remote_cseq, invite_cseq = snapshot["cseq"]
        return cls(
            call_id=snapshot["call_id"],
            local=snapshot["local"],
            local_tag=snapshot["local_tag"],
            remote=snapshot["remote"],
            remote_tag=snapshot["remote_tag"],
            remote_target=Uri.parse(snapshot["target"]),
            route_set=tuple(NameAddr.parse(route) for route in snapshot["routes"]),
            local_cseq=local_cseq,
            remote_cseq=remote_cseq,
            is_confirmed=snapshot["confirmed"],
            contact=snapshot["contact"],
            early_sdp=bytes_of(snapshot["early_sdp"]),
            remote_rseq=snapshot["rseq"],
            is_settled=snapshot["settled"],
            peer_updates=snapshot["updates"],
            _invite_cseq=invite_cseq,
        )

    def _routing(self) -> tuple[Uri, Sequence[NameAddr]]:
        """Request-URI and Route headers, for loose routers and, from RFC 2543, strict ones (§12.2.1.1)."""
        if not self.route_set:
            return self.remote_target, ()
        first = self.route_set[0].uri
        if "lr" in first.params:
            return self.remote_target, self.route_set
        return first, (*self.route_set[1:], NameAddr(self.remote_target))
