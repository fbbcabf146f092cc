"""In front of the transaction layer: which datagrams of those whom we do not trust are looked at at all.

Carriers are trusted by address and do not come here but for one look into `trusted`. Phones that have proved their
password lately have a wide limit and are never banned, since what bears their address may be another's forgery. All
others are strangers: each source (an IPv4 address, or the /64 of an IPv6 address) has a token bucket, all together have
one more, and trouble (floods, malformed messages, wrong passwords, scanners' names) gets a source banned, each time for
twice as long. A banned source's datagram costs one look into a table.

Memory is bounded: a fixed number of sources is remembered, and bans are kept apart from what a crowd of forged
addresses can push out. Pure: `now` is passed in.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from softswitch.errors import PeerError
from softswitch.sip.hop import Hop
from softswitch.sip.message import Request
from softswitch.sip.parser import parse
from softswitch.sip.sources import Lockout, source_of


class Reason(StrEnum):
    """Why a datagram was dropped, or a source banned."""

    BANNED = "banned"
    RATE = "rate"
    """More than its source may send."""
    FLOOD = "flood"
    """More than all strangers together may send; no fault of this source."""
    SCANNER = "scanner"
    STRANGER = "stranger"
    """It names nobody whom we know, and the site answers no stranger."""
    TOO_LONG = "too long"
    MALFORMED = "malformed"
    GUESSING = "guessing"
    """Wrong passwords."""


STRIKES_TO_BAN: Final = 10.0
STRIKES: Final = {
    Reason.SCANNER: 10.0,
    Reason.STRANGER: 2.5,
    Reason.TOO_LONG: 2.0,
    Reason.MALFORMED: 1.0,
    Reason.GUESSING: 1.0,
    Reason.RATE: 0.05,
}
"""What each counts towards a ban, within `STRIKES_WINDOW_S`. Ours: nobody is banned for one slip, and a scan ends
before it has learnt anything."""
STRIKES_WINDOW_S: Final = 60.0
SCANNERS: Final = (
    b"friendly-scanner", b"friendly-request", b"sipvicious", b"svmap", b"svwar", b"svcrack", b"sipcli", b"pplsip",
    b"vaxsipuseragent", b"vaxipuseragent", b"sundayddr", b"sip-scan", b"sipscan", b"sipsak", b"siparmyknife",
)  # fmt: skip
"""Names by which tools that look for open switches call themselves."""
_SCANNERS_NAME = re.compile(b"|".join(SCANNERS))
_USER_AGENT: Final = b"user-agent:"
_SEARCHED_BYTES: Final = 4096  # a scanner that hides its name does so without our help
_NAME_BYTES: Final = 100
_KNOWN_S: Final = 7200.0  # twice the longest registration that is granted
_PHONES_RATE: Final = 10
"""How many times a stranger's limit a source with a known phone has: many stand behind one NAT."""
_BYTES_PER_TOKEN: Final = 1024
"""A message costs one token and one more for each of these: reading takes time by the byte, and most have fewer."""
_BANS_TOLD_PER_MINUTE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much strangers may send; see `softswitch.config.defence` for what each is for."""

    per_source_s: float = 50.0
    per_source_burst: float = 500.0
    strangers_s: float = 500.0
    strangers_burst: float = 1000.0
    ban_s: float = 60.0
    longest_ban_s: float = 86_400.0
    silent_to_strangers: bool = False
    largest_bytes: int = 16_384
    most_sources: int = 20_000


@dataclass(frozen=True, slots=True)
class SourceBanned:
    """A source is not listened to for a while; for the log."""

    address: str
    """An IPv4 address or an IPv6 /64."""
    reason: str
    seconds: float


class Bucket:
    """Tokens that flow in at a rate up to a brim."""

    __slots__ = ("_at", "_brim", "_rate_s", "_tokens")

    def __init__(self, rate_s: float, brim: float, now: float) -> None:
        self._rate_s = rate_s
        self._brim = brim
        self._tokens = brim
        self._at = now

    def take(self, now: float, cost: float = 1.0) -> bool:
        """Take so many tokens, at most all that it holds when full; False where they are not there.

        A clock that steps back adds none.
        """
        if now > self._at:
            self._tokens = min(self._brim, self._tokens + (now - self._at) * self._rate_s)
            self._at = now
        cost = min(cost, self._brim)
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True


class Defence:
    """See the module.

    trusted: addresses that are never held up; the carriers'.
    knows: whether a phone of this user name exists.
    in_dialog: whether a call with this Call-ID and local tag is up.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        trusted: Iterable[str] = (),
        knows: Callable[[str], bool],
        in_dialog: Callable[[str, str], bool],
    ) -> None:
        self.trusted = set(trusted)
        """Hosts as they come in a `Hop`; looked into for each datagram. See `trust`."""
        self.dropped = dict.fromkeys(Reason, 0)
        """Datagrams dropped, by reason."""
        self.bans = dict.fromkeys(STRIKES, 0)
        """Bans imposed, by the reason for the last strike."""
        self._limits = limits
        self._knows = knows
        self._in_dialog = in_dialog
        self._bans = Lockout(
            strikes=STRIKES_TO_BAN,
            window_s=STRIKES_WINDOW_S,
            first_s=limits.ban_s,
            longest_s=max(limits.ban_s, limits.longest_ban_s),
            most_watched=limits.most_sources,
            most_locked=limits.most_sources,
        )
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._known: dict[str, float] = {}
        self._strangers: Bucket | None = None
        self._telling: Bucket | None = None
        self._events: deque[SourceBanned] = deque()

    def trust(self, addresses: Iterable[str]) -> None:
        """More addresses of carriers, as their names resolve to them."""
        self.trusted.update(addresses)

    def admits(self, data: bytes, source: Hop, now: float) -> bool:
        """Whether a datagram from somebody who is not trusted is to be looked at."""
        who = source_of(source.host)
        if self._bans.is_locked(who, now):
            self.dropped[Reason.BANNED] += 1
            return False
        is_known = self._is_known(who, now)
        cost = 1.0 + len(data) // _BYTES_PER_TOKEN
        if not self._bucket(who, is_known, now).take(now, cost):
            return self._refuse(Reason.RATE, who, now)
        if is_known:
            return True
        if len(data) > self._limits.largest_bytes:
            return self._refuse(Reason.TOO_LONG, who, now)
        if not self._budget(now).take(now, cost):
            self.dropped[Reason.FLOOD] += 1
            return False
        if _is_scanners(data):
            return self._refuse(Reason.SCANNER, who, now)
        if self._limits.silent_to_strangers and not self._concerns_us(data):
            return self._refuse(Reason.STRANGER, who, now)
        return True

    def is_banned(self, host: str, now: float) -> bool:
        """For transports that accept connections: whether to close this one at once."""
        return host not in self.trusted and self._bans.is_locked(source_of(host), now)

    def receive_malformed(self, source: Hop, now: float) -> None:
        """What was admitted could not be read."""
        self._strike(Reason.MALFORMED, source_of(source.host), now)

    def receive_password(self, username: str, who: str, is_right: bool, now: float) -> None:
        """A password was looked at (`authenticator.Listener`); `who` is the source."""
        if not is_right:
            self._strike(Reason.GUESSING, who, now)
            return
        if self._known.pop(who, None) is None:
            self._buckets.pop(who, None)  # it gets the wide one
        self._known[who] = now + _KNOWN_S
        if len(self._known) > self._limits.most_sources:
            del self._known[next(iter(self._known))]

    def next_event(self) -> SourceBanned | None:
        return self._events.popleft() if self._events else None

    def __len__(self) -> int:
        """Sources remembered, in whatever table."""
        return len(self._bans) + len(self._buckets) + len(self._known)

    def _is_known(self, who: str, now: float) -> bool:
        until = self._known.get(who)
        if until is None:
            return False
        if now < until:
            return True
        del self._known[who]
        return False

    def _bucket(self, who: str, is_known: bool, now: float) -> Bucket:
        bucket = self._buckets.get(who)
        if bucket is not None:
            self._buckets.move_to_end(who)
        else:
            times = _PHONES_RATE if is_known else 1
            bucket = Bucket(self._limits.per_source_s * times, self._limits.per_source_burst * times, now)
            if len(self._buckets) >= self._limits.most_sources:
                self._buckets.popitem(last=False)
            self._buckets[who] = bucket
        return bucket

    def _budget(self, now: float) -> Bucket:
        if self._strangers is None:
            self._strangers = Bucket(self._limits.strangers_s, self._limits.strangers_burst, now)
        return self._strangers

    def _concerns_us(self, data: bytes) -> bool:
        """Whether a request names one of our phones or belongs to a call; a response opens nothing by itself."""
        try:
            message = parse(data)
        except PeerError:
            return False
        if not isinstance(message, Request):
            return True
        return self._in_dialog(message.call_id, message.to_tag or "") or self._knows(message.from_.uri.decoded_user)

    def _refuse(self, reason: Reason, who: str, now: float) -> bool:
        self.dropped[reason] += 1
        self._strike(reason, who, now)
        return False

    def _strike(self, reason: Reason, who: str, now: float) -> None:
        if self._is_known(who, now) or who in self.trusted:
            return
        lasts_s = self._bans.strike(who, now, STRIKES[reason])
        if not lasts_s:
            return
        self.bans[reason] += 1
        self._buckets.pop(who, None)
        if self._telling is None:
            self._telling = Bucket(_BANS_TOLD_PER_MINUTE / 60, _BANS_TOLD_PER_MINUTE, now)
        if self._telling.take(now):  # the log is not to be flooded in its turn; `bans` counts them all
            self._events.append(SourceBanned(who, str(reason), lasts_s))


def _is_scanners(data: bytes) -> bool:
    """Whether a message's User-Agent is one of `SCANNERS`; found without reading the message."""
    head = data[:_SEARCHED_BYTES].lower()
    at = head.find(_USER_AGENT)
    if at < 0:
        return False
    line = head[at : at + _NAME_BYTES].partition(b"\r")[0]
    return _SCANNERS_NAME.search(line) is not None
