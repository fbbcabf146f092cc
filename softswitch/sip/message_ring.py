"""The last messages of the switch, kept in memory so that one call's can be shown afterwards.

A fixed ring of references: to note a message costs a few list stores, and nothing is parsed until somebody asks.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from softswitch.errors import UsageError
from softswitch.sip.hop import Hop

NOWHERE: Final = Hop("", 0)
_CALL_ID = re.compile(rb"\r?\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Traced:
    """One message as it went over the wire."""

    at: float
    """Monotonic seconds."""
    is_received: bool
    peer: Hop
    """Where it came from or went to."""
    data: bytes


class TraceRing:
    """The last `messages` messages, or as many of them as `octets` hold.

    Times are the driver's clock. With IPv4 and UDP a message takes its own length and about 32 bytes of slots here.
    """

    def __init__(self, messages: int, octets: int) -> None:
        if messages < 1 or octets < 1:
            raise UsageError("a trace ring holds one message at least; to trace nothing, make none")
        self._size = messages
        self._most_octets = octets
        self._at = [0.0] * messages
        self._received = [False] * messages
        self._peer: list[Hop] = [NOWHERE] * messages
        self._data = [b""] * messages
        self._next = 0
        self._oldest = 0
        self._octets = 0

    def note(self, at: float, is_received: bool, peer: Hop, data: bytes) -> None:
        """Remember one message; the oldest go as room is needed."""
        slot = self._next
        self._octets += len(data) - len(self._data[slot])
        self._at[slot] = at
        self._received[slot] = is_received
        self._peer[slot] = peer
        self._data[slot] = data
        self._next = slot = slot + 1 if slot + 1 < self._size else 0
        if self._octets > self._most_octets:
            self._make_room()
        elif slot == self._oldest:
            self._oldest = slot + 1 if slot + 1 < self._size else 0

    @property
    def octets(self) -> int:
        """Of all messages that are kept."""
        return self._octets

    def __len__(self) -> int:
        return sum(1 for data in self._data if data)

    def messages_of(self, call_id: str) -> list[Traced]:
        """Every message kept that bears this Call-ID, in the order of the wire. Looks at each message kept."""
        wanted = call_id.encode("utf-8", "surrogateescape")
        slots = [slot for slot, data in enumerate(self._data) if wanted in data and call_id_of(data) == wanted]
        slots.sort(key=lambda slot: (slot - self._next) % self._size)
        return [Traced(self._at[slot], self._received[slot], self._peer[slot], self._data[slot]) for slot in slots]

    def _make_room(self) -> None:
        while self._octets > self._most_octets:
            slot = self._oldest
            self._octets -= len(self._data[slot])
            self._data[slot] = b""
            self._oldest = slot + 1 if slot + 1 < self._size else 0


def call_id_of(data: bytes) -> bytes:
    """The Call-ID of a message, without parsing it; empty where there is none."""
    found = _CALL_ID.search(data)
    return found[1] if found else b""


@dataclass(frozen=True, slots=True)
class Part:
    """One dialog's part in a call."""

    call_id: str
    who: str
    """The agent; empty: the callee's or caller's side, over a carrier."""
    since: float
    until: float | None
    """None: to its end."""


class CallNames:
    """Which Call-IDs belong to a call, while it lasts and for some time after.

    A call is known by its call reference or by the id of one of its legs. An agent's line may last a shift and take
    part in many calls: `receive_joined` and `receive_parted` say from when to when.
    """

    def __init__(self, most: int) -> None:
        """most: calls and legs that are remembered after they are over."""
        self._most = most
        self._live: dict[str, list[str]] = {}
        self._past: OrderedDict[str, list[str]] = OrderedDict()
        self._leg_of: dict[str, str] = {}
        self._calls: OrderedDict[str, list[tuple[str, str, float, float | None]]] = OrderedDict()
        self._call_of: dict[str, str] = {}

    def receive_leg(self, leg_id: str, call_id: str) -> None:
        """A leg has, from now on, this Call-ID too."""
        self._live.setdefault(leg_id, []).append(call_id)
        self._leg_of[call_id] = leg_id

    def receive_leg_over(self, leg_id: str) -> None:
        call_ids = self._live.pop(leg_id, None)
        if call_ids is None:
            return
        self._past[leg_id] = call_ids
        if len(self._past) > self._most:
            forgotten, old = self._past.popitem(last=False)
            self._call_of.pop(forgotten, None)
            for call_id in old:
                self._leg_of.pop(call_id, None)

    def receive_joined(self, call_ref: str, leg_id: str, who: str, now: float) -> None:
        """A leg takes part in a call from now on."""
        if call_ref == leg_id:
            return
        self._calls.setdefault(call_ref, []).append((leg_id, who, now, None))
        self._call_of[leg_id] = call_ref
        if len(self._calls) > self._most:
            self._calls.popitem(last=False)

    def receive_parted(self, call_ref: str, leg_id: str, now: float) -> None:
        """A leg that lasts longer than the call takes part in it no more."""
        parts = self._calls.get(call_ref, [])
        for index, (leg, who, since, until) in enumerate(parts):
            if leg == leg_id and until is None:
                parts[index] = (leg, who, since, now)
        if self._call_of.get(leg_id) == call_ref:
            del self._call_of[leg_id]

    def parts_of(self, call: str) -> list[Part]:
        """The dialogs of a call, named by its reference, a leg's id or a Call-ID; empty where nothing is known."""
        ref = self._leg_of.get(call, call)
        ref = self._call_of.get(ref, ref)
        parts = [Part(call_id, "", 0.0, None) for call_id in self._call_ids(ref)]
        for leg_id, who, since, until in self._calls.get(ref, ()):
            parts += [Part(call_id, who, since, until) for call_id in self._call_ids(leg_id)]
        return parts

    def correlation(self, call_id: str) -> str:
        """What all messages of one call have in common: its reference, or a leg's id; the Call-ID where all fails."""
        leg_id = self._leg_of.get(call_id)
        return call_id if leg_id is None else self._call_of.get(leg_id, leg_id)

    def _call_ids(self, leg_id: str) -> list[str]:
        return self._live.get(leg_id) or self._past.get(leg_id) or []
