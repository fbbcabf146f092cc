"""Whom a rule about one sender applies to, and how long a sender is locked out after too much trouble.

Pure and bounded: whoever can write any source address into a datagram can make neither table grow, nor push those out
who are locked without doing, for each one pushed out, all that earns a lock.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from softswitch.errors import UsageError


def source_of(host: str) -> str:
    """The IPv4 address, or the /64 of an IPv6 address: one subscriber has at least that many (RFC 6177).

    An IPv4 address in IPv6 form is that IPv4 address. The text is cut, not parsed: it is the kernel's own, always in
    the same form (RFC 5952), and this is asked for each datagram of a flood. What is no address is a source of its own.
    """
    if ":" not in host:
        return host
    if host.startswith("::ffff:") and "." in host:
        return host[7:]
    head, gap, tail = host.partition("%")[0].partition("::")
    groups = head.split(":") if head else []
    if gap and len(groups) < 4:
        right = tail.split(":") if tail else []
        groups += ["0"] * (8 - len(groups) - len(right)) + right
    return f"{':'.join(groups[:4])}::/64" if len(groups) >= 4 else host


@dataclass(slots=True)
class _Record:
    strikes: float
    since: float
    """When the first strike of this window fell."""
    locks: int = 0
    """How often it has been locked; each lock lasts twice as long as the one before."""
    until: float = float("-inf")


class Lockout:
    """Counts strikes and locks those out who collect too many, each time for longer.

    A lock begins at `strikes` within `window_s`, lasts `first_s` and then twice as long each time, at most `longest_s`.
    Who stays out of trouble for `longest_s` after a lock begins anew.
    """

    def __init__(
        self,
        *,
        strikes: float,
        window_s: float,
        first_s: float,
        longest_s: float,
        most_watched: int = 10_000,
        most_locked: int = 10_000,
    ) -> None:
        """most_watched, most_locked: how many are remembered; of those watched the one untouched for longest goes
        first, of those locked the one locked first."""
        if strikes <= 0 or not 0 < first_s <= longest_s or most_watched < 1 or most_locked < 1:
            raise UsageError("give a lockout a number of strikes, 0 < first_s <= longest_s, and room for one at least")
        self._strikes = strikes
        self._window_s = window_s
        self._first_s = first_s
        self._longest_s = longest_s
        self._most_watched = most_watched
        self._most_locked = most_locked
        # In a plain dict the first is found by walking past all that were deleted in front of it.
        self._watched: OrderedDict[Hashable, _Record] = OrderedDict()
        self._locked: OrderedDict[Hashable, _Record] = OrderedDict()

    def is_locked(self, key: Hashable, now: float) -> bool:
        """One look into a table, whoever asks."""
        record = self._locked.get(key)
        if record is None:
            return False
        if now < record.until:
            return True
        del self._locked[key]  # its past counts on where it is watched
        self._watch(key, record)
        return False

    def strike(self, key: Hashable, now: float, weight: float = 1.0) -> float:
        """Count trouble; seconds that it is locked for from now on, 0 where it is not yet or was before."""
        if self.is_locked(key, now):
            return 0.0
        record = self._watched.pop(key, None)
        if record is None or (record.locks and now > record.until + self._longest_s):
            record = _Record(0.0, now)
        if now > record.since + self._window_s:
            record.strikes, record.since = 0.0, now
        record.strikes += weight
        if record.strikes < self._strikes - 1e-9:  # a sum of fractions
            self._watch(key, record)
            return 0.0
        lasts_s = min(self._longest_s, self._first_s * 2.0 ** min(record.locks, 30))
        record.strikes, record.locks, record.until = 0.0, record.locks + 1, now + lasts_s
        self._locked[key] = record
        if len(self._locked) > self._most_locked:
            self._locked.popitem(last=False)
        return lasts_s

    def forgive(self, key: Hashable) -> None:
        """Forget strikes that have not led to a lock."""
        self._watched.pop(key, None)

    @property
    def locked(self) -> int:
        """How many are locked, or were and have not been heard of since."""
        return len(self._locked)

    def __len__(self) -> int:
        return len(self._watched) + len(self._locked)

    def _watch(self, key: Hashable, record: _Record) -> None:
        self._watched[key] = record  # it was taken out, so that it stands last now
        if len(self._watched) > self._most_watched:
            self._watched.popitem(last=False)


class Guesses:
    """Who may still try a password: locks one user at one source, and a source that tries many users.

    Never a user everywhere: whoever types nonsense under an agent's name must not shut out the agent's own phone. A
    phone that has proved its password from a source is not held up by what others do at that source (many agents stand
    behind one NAT).
    """

    def __init__(self, *, pairs: Lockout | None = None, sources: Lockout | None = None, most_proved: int = 10_000):
        self._pairs = pairs or Lockout(strikes=5, window_s=300.0, first_s=30.0, longest_s=3600.0)
        self._sources = sources or Lockout(strikes=20, window_s=600.0, first_s=60.0, longest_s=3600.0)
        self._proved: dict[tuple[str, str], None] = {}
        self._most_proved = most_proved

    def is_locked(self, user: str, source: str, now: float) -> bool:
        """Whether no password of this user is to be looked at from there; the same for users who do not exist."""
        pair = (user, source)
        if self._pairs.is_locked(pair, now):
            return True
        return self._sources.is_locked(source, now) and pair not in self._proved

    def receive_wrong(self, user: str, source: str, now: float) -> None:
        self._pairs.strike((user, source), now)
        self._sources.strike(source, now)

    def receive_right(self, user: str, source: str) -> None:
        """The source keeps its strikes, or one good account would open all others to its guesses."""
        pair = (user, source)
        self._pairs.forgive(pair)
        self._proved.pop(pair, None)
        self._proved[pair] = None
        if len(self._proved) > self._most_proved:
            del self._proved[next(iter(self._proved))]
