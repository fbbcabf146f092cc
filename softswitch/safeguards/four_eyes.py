"""Four eyes: what one person asks for with a reason, and another approves, before it may be done. Pure.

Exporting recordings, placing a legal hold and lifting it go this way. An approval is for the calls that were named, for
a stated time, and for one use.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from softswitch.errors import UsageError

ANSWERED_WITHIN = timedelta(hours=72)
"""So long a question waits for its second person."""
SHORTEST_S = 60.0
LONGEST_S = 7 * 86400.0
FEWEST_LETTERS = 5
"""Of a reason that says something."""
MOST_CALLS = 1000


class What(StrEnum):
    """What needs a second person."""

    EXPORT = "export"
    """Recordings, decrypted into files."""
    HOLD = "hold"
    """They are not destroyed until the hold is lifted."""
    LIFT = "lift"


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked for by one person, and perhaps approved by another."""

    request_ref: str
    what: What
    call_refs: tuple[str, ...]
    reason: str
    asked_by: str
    asked_at: datetime
    for_s: float
    """How long an approval is good for."""
    approved_by: str = ""
    approved_at: datetime | None = None
    used_by: str = ""
    used_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """Of the question; of the approval, once it is given."""
        if self.approved_at is None:
            return self.asked_at + ANSWERED_WITHIN
        return self.approved_at + timedelta(seconds=self.for_s)


def check_ask(what: What, call_refs: Collection[str], reason: str, for_s: float) -> None:
    """Raises UsageError with what to do."""
    if not call_refs or len(set(call_refs)) != len(call_refs) or len(call_refs) > MOST_CALLS:
        raise UsageError(f"name 1 to {MOST_CALLS} calls, each once")
    if what is What.EXPORT and not SHORTEST_S <= for_s <= LONGEST_S:
        raise UsageError(f"say for how long: {SHORTEST_S / 60:.0f} minutes to {LONGEST_S / 86400:.0f} days")
    if sum(letter.isalpha() for letter in reason) < FEWEST_LETTERS:
        raise UsageError("say why; it is noted in the audit log")


def check_approve(request: Request, by: str, now: datetime) -> None:
    """Whether this person may approve it now. Raises UsageError."""
    if request.approved_at is not None:
        raise UsageError(f"{request.approved_by} has approved it already")
    if now >= request.ends_at:
        raise UsageError("it was asked more than 72 hours ago: ask again")
    if by.casefold() == request.asked_by.casefold():
        raise UsageError("you have asked for it yourself: somebody else must approve it")


def check_use(request: Request, call_refs: Collection[str], now: datetime) -> None:
    """Whether these recordings may be exported on it now. Raises UsageError."""
    if request.what is not What.EXPORT:
        raise UsageError(f"the request is for a {request.what}, not for an export")
    if request.approved_at is None:
        raise UsageError("nobody has approved it yet")
    if request.used_at is not None:
        raise UsageError(f"{request.used_by} has used it already; each export is approved for itself")
    if now >= request.ends_at:
        raise UsageError("the approval has run out: ask again")
    others = sorted(set(call_refs) - set(request.call_refs))
    if others:
        raise UsageError(f"it is not for {', '.join(others)}")


def held(requests: Iterable[Request], now: datetime) -> frozenset[str]:
    """The calls under a legal hold. A hold counts from the moment it is asked for, so that nothing is destroyed while
    the second person is being looked for, and no longer than the question where nobody approves it."""
    known = list(requests)
    lifted: dict[str, datetime] = {}
    for request in known:
        if request.what is What.LIFT and request.approved_at is not None:
            for call_ref in request.call_refs:
                lifted[call_ref] = max(request.approved_at, lifted.get(call_ref, request.approved_at))
    since: dict[str, list[datetime]] = defaultdict(list)
    for request in known:
        if request.what is What.HOLD and (request.approved_at is not None or now < request.ends_at):
            for call_ref in request.call_refs:
                since[call_ref].append(request.asked_at)
    return frozenset(ref for ref, asked in since.items() if ref not in lifted or max(asked) > lifted[ref])
