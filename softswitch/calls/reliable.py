"""Reliable provisional responses (RFC 3262): numbered, sent again until their PRACK comes, one after the other."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from softswitch.sip.grammar import is_number
from softswitch.sip.message import Request, Response

TAG: Final = "100rel"


@dataclass(slots=True)
class ReliableProvisionals:
    """Ours, to one INVITE. The leg sends; here is what has been sent, what waits, and what a PRACK acknowledges."""

    is_required: bool
    """The caller takes no others."""
    last_number: int
    """RSeq of the last one sent; starts anywhere (§3)."""
    invite_cseq: int
    caller_offered: bool
    """The INVITE carries an offer, so that SDP of ours is the answer; else it is the offer, and PRACK answers."""
    unacknowledged: Response | None = None
    interval: float = 0.0
    """The next pause between copies; doubled without a ceiling (§3)."""
    waiting: deque[tuple[int, bytes]] = field(default_factory=deque)
    has_described: bool = False
    """One has carried SDP."""
    is_settled: bool = False
    """Offer and answer have been exchanged before the 2xx, which then carries neither."""

    def open(self, response: Response) -> None:
        """This one is sent now."""
        self.unacknowledged = response
        if response.body:
            self.has_described = True

    def next_headers(self) -> tuple[tuple[str, object], ...]:
        """For the next one."""
        self.last_number += 1
        return (("Require", TAG), ("RSeq", self.last_number))

    @property
    def holds_back_answer(self) -> bool:
        """A 2xx must wait for the PRACK of a response with SDP (§3)."""
        return self.unacknowledged is not None and bool(self.unacknowledged.body)

    @property
    def awaits_answer(self) -> bool:
        """Our offer is out and its PRACK has not come."""
        return self.has_described and not self.caller_offered and not self.is_settled

    def is_acknowledged_by(self, prack: Request) -> bool:
        """Whether RAck names the response that waits."""
        words = (prack.headers.get("RAck") or "").split()
        return (
            self.unacknowledged is not None
            and len(words) == 3
            and all(is_number(word) and len(word) <= 10 for word in words[:2])
            and (int(words[0]), int(words[1])) == (self.last_number, self.invite_cseq)
            and words[2] == "INVITE"
        )


def reliable_number(response: Response) -> int | None:
    """RSeq of a provisional response that wants a PRACK, or None."""
    line = response.headers.get("RSeq")
    if line is None or not response.headers.has("Require", TAG):
        return None
    number = line.strip()
    return int(number) if is_number(number) and len(number) <= 10 and int(number) > 0 else None
