"""A carrier's servers: which are tried for a request, in which order, and which are passed over for a while.

A server that asks for a pause (503 with Retry-After, RFC 3261 §21.5.4) or does not answer OPTIONS is not tried at all;
one that merely failed a request comes after all the others, because trying it beats not calling.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from softswitch.sip.hop import Hop
from softswitch.sip.locating import Chance, Server, in_order


def chance_from(new_token: Callable[[], str]) -> Chance:
    """Numbers by chance from a source of tokens."""

    def chance(below: int) -> int:
        return int.from_bytes(hashlib.blake2b(new_token().encode(), digest_size=8).digest()) % below

    return chance


class Targets:
    """The servers of one account. It keeps no time: whoever marks one down lifts the mark too (`ua.health` does)."""

    def __init__(self, servers: Iterable[Server], chance: Chance) -> None:
        self._chance = chance
        self._slow: set[Hop] = set()
        self._shut: set[Hop] = set()
        self._silent: set[Hop] = set()
        self._hosts: set[str] = set()
        self._servers: tuple[Server, ...] = ()
        self.hops: tuple[Hop, ...] = ()
        """Every address, in the order in which DNS or the settings name them."""
        self.replace(servers)

    def replace(self, servers: Iterable[Server]) -> None:
        """Take these instead; marks on addresses that stay are kept."""
        self._servers = tuple(servers)
        self.hops = tuple(dict.fromkeys(hop for server in self._servers for hop in server.hops))
        self._hosts = {hop.host for hop in self.hops}
        for marks in (self._slow, self._shut, self._silent):
            marks.intersection_update(self.hops)

    def order(self) -> Sequence[Hop]:
        """The addresses to try for one request, best first; empty where none may be tried now."""
        if len(self.hops) == 1 and not self._shut and not self._silent:
            return self.hops
        drawn = dict.fromkeys(hop for server in in_order(self._servers, self._chance) for hop in server.hops)
        open_ = [hop for hop in drawn if self.may_be_tried(hop)]
        return [hop for hop in open_ if hop not in self._slow] + [hop for hop in open_ if hop in self._slow]

    def may_be_tried(self, hop: Hop) -> bool:
        return hop not in self._shut and hop not in self._silent

    @property
    def are_usable(self) -> bool:
        """Whether any may be tried."""
        return any(self.may_be_tried(hop) for hop in self.hops)

    @property
    def usable(self) -> int:
        """How many may be tried."""
        return sum(self.may_be_tried(hop) for hop in self.hops)

    def __contains__(self, hop: object) -> bool:
        return hop in self.hops

    def has_host(self, host: str) -> bool:
        """Whether one of them has this IP address."""
        return host in self._hosts

    # Marks

    def mark_slow(self, hop: Hop) -> None:
        """It failed a request: the others come first."""
        if hop in self.hops:
            self._slow.add(hop)

    def mark_shut(self, hop: Hop) -> None:
        """It asked to be left alone."""
        if hop in self.hops:
            self._shut.add(hop)

    def lift(self, hop: Hop) -> None:
        """The pause is over."""
        self._slow.discard(hop)
        self._shut.discard(hop)

    def mark_silent(self, hop: Hop) -> None:
        """It does not answer OPTIONS."""
        if hop in self.hops:
            self._silent.add(hop)

    def mark_answering(self, hop: Hop) -> None:
        self._silent.discard(hop)
        self._slow.discard(hop)
