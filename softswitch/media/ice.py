"""The ICE-lite end of one browser's session: it answers connectivity checks, and so learns where the browser is.

RFC 8445 §2.5 and §7.3, over STUN (RFC 8489). We stand at a known address and send no checks of our own: the browser
controls, checks and nominates. Being asked again and again is also its consent to be sent audio (RFC 7675).
"""

import secrets
import struct
from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from aioice import stun

from softswitch.sdp.webrtc import IceCredentials

Address: TypeAlias = tuple[str, int]

CONSENT_S: Final = 30.0  # RFC 7675 §5.1
MOST_PAIRS: Final = 32
"""Addresses of one browser that are remembered; only those that know the password get there."""

BAD_REQUEST: Final = (400, "Bad Request")
UNAUTHENTICATED: Final = (401, "Unauthenticated")
UNKNOWN_ATTRIBUTE: Final = (420, "Unknown Attribute")
ROLE_CONFLICT: Final = (487, "Role Conflict")

_HEADER_BYTES: Final = 20
_COMPREHENSION_OPTIONAL: Final = 0x8000  # RFC 8489 §14
_UNKNOWN_ATTRIBUTES: Final = "UNKNOWN-ATTRIBUTES"
_INTEGRITY, _INTEGRITY_256, _FINGERPRINT = 0x0008, 0x001C, 0x8028
# Those that an ICE check may carry or that RFC 8489 defines, and that a responder therefore understands.
_UNDERSTOOD: Final = frozenset({0x0001, 0x0006, _INTEGRITY, 0x0009, 0x000A, _INTEGRITY_256, 0x0020, 0x0024, 0x0025})

stun.ATTRIBUTES_BY_NAME.setdefault(
    _UNKNOWN_ATTRIBUTES, (0x000A, _UNKNOWN_ATTRIBUTES, stun.pack_bytes, stun.unpack_bytes)
)  # the library reads what it must; it never has to say what it does not know


class Fate(StrEnum):
    """What became of a datagram that got no success response; what is counted."""

    MALFORMED = "malformed"
    NOT_A_REQUEST = "not a request"
    UNAUTHENTICATED = "unauthenticated"
    UNKNOWN_ATTRIBUTE = "unknown attribute"
    ROLE_CONFLICT = "role conflict"


@dataclass(frozen=True, slots=True)
class PairNominated:
    """The browser is to be sent everything at this address from now on."""

    address: Address


@dataclass(frozen=True, slots=True)
class ConsentExpired:
    """The browser has asked for nothing in 30 s; nothing more may be sent to it (RFC 7675 §5.1)."""


IceEvent: TypeAlias = PairNominated | ConsentExpired


def new_credentials() -> IceCredentials:
    """48 random bits and 144 (RFC 8445 §5.3 asks for 24 and 128)."""
    return IceCredentials(secrets.token_hex(6), secrets.token_hex(18))


class IceLite:
    """Answers one browser's checks: a pure machine. What does not prove to know our password moves nothing."""

    def __init__(self, ours: IceCredentials, theirs: IceCredentials, now: float) -> None:
        self._username = f"{ours.ufrag}:{theirs.ufrag}"  # RFC 8445 §7.2.2, as the receiver sees it
        self._key = ours.password.encode()
        self._pairs: dict[Address, float] = {}
        """Addresses that have proved to know the password, and when they did last."""
        self._selected: Address | None = None
        self._heard_at = now
        self._expired = False
        self._outgoing: deque[tuple[bytes, Address]] = deque()
        self._events: deque[IceEvent] = deque()
        self.counted: Counter[Fate] = Counter()

    @classmethod
    def resume(cls, ours: IceCredentials, theirs: IceCredentials, selected: Address, now: float) -> "IceLite":
        """Go on in the place of another that has come as far as to a nominated pair."""
        ice = cls(ours, theirs, now)
        ice._pairs[selected] = now
        ice._selected = selected
        return ice

    @property
    def selected(self) -> Address | None:
        """The nominated pair's far end; None before the browser has nominated one."""
        return self._selected

    def knows(self, address: Address) -> bool:
        """Whether a check from there has proved to be the browser's."""
        return address in self._pairs

    def receive_datagram(self, data: bytes, source: Address, now: float) -> None:
        message = _parse(data)
        if message is None:
            self.counted[Fate.MALFORMED] += 1
            return
        if message.message_class is not stun.Class.REQUEST or message.message_method is not stun.Method.BINDING:
            # A response answers nothing of ours; an indication keeps a NAT's door open, and needs no answer.
            self.counted[Fate.NOT_A_REQUEST] += 1
            return
        if self._expired:
            return
        # In the order of RFC 8489 §9.1.3, §6.3.1 and RFC 8445 §7.3.1.1.
        attributes = message.attributes
        if "USERNAME" not in attributes or "MESSAGE-INTEGRITY" not in attributes:
            self._refuse(message, source, BAD_REQUEST, Fate.UNAUTHENTICATED, signed=False)
        elif attributes["USERNAME"] != self._username or not message.check_message_integrity(self._key):
            self._refuse(message, source, UNAUTHENTICATED, Fate.UNAUTHENTICATED, signed=False)
        elif unknown := _not_understood(data):
            self._refuse(message, source, UNKNOWN_ATTRIBUTE, Fate.UNKNOWN_ATTRIBUTE, unknown=unknown)
        elif "ICE-CONTROLLED" in attributes:
            # A lite end never controls (RFC 8445 §6.1.1), so it is always the browser that has to change.
            self._refuse(message, source, ROLE_CONFLICT, Fate.ROLE_CONFLICT)
        else:
            self._accept(message, source, now)

    def handle_timer(self, now: float) -> None:
        if not self._expired and now >= self._heard_at + CONSENT_S:
            self._expired = True
            self._events.append(ConsentExpired())

    def next_timer(self) -> float | None:
        return None if self._expired else self._heard_at + CONSENT_S

    def data_to_send(self) -> list[tuple[bytes, Address]]:
        """Datagrams and where they go; each is handed out once."""
        sent = list(self._outgoing)
        self._outgoing.clear()
        return sent

    def next_event(self) -> IceEvent | None:
        return self._events.popleft() if self._events else None

    def _accept(self, request: stun.Message, source: Address, now: float) -> None:
        self._heard_at = now
        if source not in self._pairs and len(self._pairs) >= MOST_PAIRS:
            self._forget_stalest()
        self._pairs[source] = now
        response = stun.Message(
            request.message_method,
            stun.Class.RESPONSE,
            request.transaction_id,
            {"XOR-MAPPED-ADDRESS": source},
        )
        response.add_message_integrity(self._key)
        self._outgoing.append((bytes(response), source))
        if "USE-CANDIDATE" in request.attributes:
            self._select(source)

    def _select(self, source: Address) -> None:
        """What was nominated last holds: towards a lite end only the pair in use is (RFC 5245 §8.1.1), and a browser
        that changes its mind, or its network, nominates again."""
        if self._selected != source:
            self._selected = source
            self._events.append(PairNominated(source))

    def _forget_stalest(self) -> None:
        others = [address for address in self._pairs if address != self._selected]
        del self._pairs[min(others, key=self._pairs.__getitem__)]

    def _refuse(
        self,
        request: stun.Message,
        source: Address,
        error: tuple[int, str],
        fate: Fate,
        *,
        signed: bool = True,
        unknown: tuple[int, ...] = (),
    ) -> None:
        self.counted[fate] += 1
        response = stun.Message(request.message_method, stun.Class.ERROR, request.transaction_id, {"ERROR-CODE": error})
        if unknown:
            response.attributes[_UNKNOWN_ATTRIBUTES] = struct.pack(f"!{len(unknown)}H", *unknown)
        if signed:
            response.add_message_integrity(self._key)
        else:
            response.add_fingerprint()
        self._outgoing.append((bytes(response), source))


def is_stun(data: bytes) -> bool:
    """Whether a datagram's first byte says STUN (RFC 7983 §7)."""
    return bool(data) and data[0] < 4


def _parse(data: bytes) -> stun.Message | None:
    """A message that its attributes fill exactly, with the FINGERPRINT that ICE demands (RFC 8445 §7.1.3); or None."""
    types = _attribute_types(data)
    if not types or types[-1] != _FINGERPRINT or types.count(_FINGERPRINT) != 1:
        return None
    try:
        return stun.parse_message(data)
    except (ValueError, struct.error, IndexError):
        return None


def _attribute_types(data: bytes) -> list[int]:
    """The attributes' types in order; empty where they do not fill the message exactly."""
    if len(data) < _HEADER_BYTES or len(data) % 4 or data[4:8] != struct.pack("!I", stun.COOKIE) or data[0] > 3:
        return []
    if struct.unpack_from("!H", data, 2)[0] != len(data) - _HEADER_BYTES:
        return []
    types = []
    position = _HEADER_BYTES
    while position < len(data):
        kind, length = struct.unpack_from("!HH", data, position)
        types.append(kind)
        position += 4 + length + -length % 4
    return types if position == len(data) else []


def _not_understood(data: bytes) -> tuple[int, ...]:
    """Types in front of the integrity that one must understand to answer (RFC 8489 §14), and that nobody here does."""
    unknown = []
    for kind in _attribute_types(data):
        if kind == _INTEGRITY:
            break
        if kind < _COMPREHENSION_OPTIONAL and kind not in _UNDERSTOOD:
            unknown.append(kind)
    return tuple(unknown)
