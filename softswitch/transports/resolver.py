"""The addresses behind a carrier's name: NAPTR, SRV, A and AAAA (RFC 3263) by dnspython, with a cache of its own.

Answers are asked for again a little before their TTL is over. Where DNS fails then, the old ones stay good for a day
(RFC 8767): a carrier that worked goes on working while the site's name server is down. A name that DNS denies
(NXDOMAIN) is denied at once, for as long as the zone says. For a name in /etc/hosts, such as localhost, DNS is not
asked at all.
"""

import asyncio
import ipaddress
import re
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from softswitch.errors import SoftswitchError
from softswitch.sip.hop import Hop, default_port
from softswitch.sip.locating import ROOT, Naptr, Server, Srv, is_address, services_of, srv_name

REFRESH_AT: Final = 0.9  # ours; the share of a TTL after which we ask again, so that no call waits for DNS
LONGEST_TTL_S: Final = 86_400.0  # ours
SHORTEST_TTL_S: Final = 5.0  # ours; a TTL of 0 must not make us ask for every call
LONGEST_NEGATIVE_TTL_S: Final = 300.0  # ours; RFC 2308 §5 allows hours, but somebody may be putting a record right
STALE_S: Final = 86_400.0  # RFC 8767 §5 suggests one to three days
STALE_PAUSE_S: Final = 30.0  # RFC 8767 §5: the pause before a failed name is asked for again
HOSTS_FILE: Final = Path("/etc/hosts")
HOSTS_FILE_TTL_S: Final = 60.0  # ours; the file is read again then
MOST_SERVERS: Final = 16  # ours; bounds what a hostile zone can make us ask and keep
MOST_ADDRESSES: Final = 8  # ours, for each server
SECURE: Final = frozenset({"TLS", "WSS"})
_STRANGE: Final = re.compile(rb"[^\x21-\x7e]|[\[\]@:/]")


class Unresolvable(SoftswitchError):
    """No address is known for this name. `denied`: DNS says that there is none; else it could not be asked."""

    def __init__(self, text: str, *, denied: bool) -> None:
        super().__init__(text)
        self.denied = denied


@dataclass(frozen=True, slots=True)
class Location:
    """Where a host is reached."""

    servers: tuple[Server, ...]
    refresh_s: float | None
    """Seconds after which to ask again; None: never, it is an address."""
    is_stale: bool = False
    """DNS fails, and this is what it said before."""


@dataclass(frozen=True, slots=True)
class _Answer:
    records: tuple[Any, ...]
    refresh_at: float
    stale_at: float
    """Not used any more from then on."""
    is_stale: bool = False


class Resolver:
    """Asks the name servers of this machine, or those given as (address, port).

    hosts_file: whose names come before DNS.
    capacity: answers kept; the one used longest ago makes room.  timeout_s: for one question, all tries together.
    """

    def __init__(
        self,
        nameservers: Sequence[tuple[str, int]] | None = None,
        *,
        hosts_file: Path = HOSTS_FILE,
        capacity: int = 512,
        timeout_s: float = 3.0,
    ) -> None:
        try:
            self._dns = dns.asyncresolver.Resolver(configure=nameservers is None)
        except dns.resolver.NoResolverConfiguration:
            self._dns = dns.asyncresolver.Resolver(configure=False)
        if nameservers is not None:
            self._dns.nameservers = [address for address, _ in nameservers]
            self._dns.nameserver_ports = dict(nameservers)
        self._dns.timeout = timeout_s / 2
        self._dns.lifetime = timeout_s
        self._hosts_file = hosts_file
        self._capacity = capacity
        self._cache: OrderedDict[tuple[str, str], _Answer] = OrderedDict()

    def __len__(self) -> int:
        """Answers kept."""
        return len(self._cache)

    async def locate(
        self,
        host: str,
        *,
        port: int | None = None,
        transport: str = "",
        transports: Collection[str] = ("UDP",),
        families: Sequence[str] = ("A", "AAAA"),
    ) -> Location:
        """The servers of a host, with what RFC 3263 §4 makes of port and transport where they are given.

        transports: those that we speak; DNS chooses among them where `transport` is empty.  families: "A", "AAAA".
        Raises Unresolvable, also for what is no name at all.
        """
        if is_address(host):
            hop = _hop(host.strip("[]"), port, transport or "UDP", "")
            return Location((Server((hop,)),), None)
        name = _checked(host)
        asked = _Asking(self, name, families)
        pinned = await asyncio.to_thread(_in_hosts_file, self._hosts_file, name, families)
        if pinned:
            hops = tuple(_hop(each, port, transport or "UDP", _certified(asked, transport)) for each in pinned)
            return Location((Server(hops),), HOSTS_FILE_TTL_S)
        if port is None and (servers := await self._srv_chain(asked, transport, transports)):
            return asked.location(servers)
        return asked.location((Server(await self._hops(asked, name, port, transport or "UDP")),))

    async def _srv_chain(self, asked: "_Asking", transport: str, transports: Collection[str]) -> tuple[Server, ...]:
        """By SRV, of the first transport that has such records; empty where none has."""
        services = (
            [(transport, srv_name(transport, asked.name))] if transport else await self._services(asked, transports)
        )
        for each, service in services:
            servers = await self._srv_servers(asked, each, service) if service else ()
            if servers:
                return servers
        return ()

    # RFC 3263 §4.1: the transport

    async def _services(self, asked: "_Asking", transports: Collection[str]) -> list[tuple[str, str | None]]:
        records = [
            Naptr(
                each.order,
                each.preference,
                _text(each.flags),
                _text(each.service),
                _text(each.regexp),
                each.replacement.to_text(),
            )
            for each in await asked.records(asked.name, "NAPTR")
        ]
        found: list[tuple[str, str | None]] = [*services_of(records, transports)]
        return found or [(each, srv_name(each, asked.name)) for each in transports]

    # RFC 3263 §4.2: the port and the addresses

    async def _srv_servers(self, asked: "_Asking", transport: str, service: str) -> tuple[Server, ...]:
        records = [
            Srv(each.priority, each.weight, each.port, each.target.to_text())
            for each in await asked.records(service, "SRV")
        ]
        records.sort(key=lambda each: (each.priority, -each.weight))
        wanted = [each for each in records if each.target != ROOT][:MOST_SERVERS]
        if records and not wanted:
            raise Unresolvable(f"{asked.name} says that it offers no SIP service", denied=True)
        hops = await asyncio.gather(
            *(self._hops(asked, each.target, each.port, transport) for each in wanted), return_exceptions=True
        )
        servers = []
        for record, found in zip(wanted, hops, strict=True):
            if isinstance(found, tuple):
                servers.append(Server(found, record.priority, record.weight))
            elif not isinstance(found, Unresolvable):
                raise found
        if wanted and not servers:
            raise Unresolvable(f"none of the servers of {asked.name} has an address", denied=False)
        return tuple(servers)

    async def _hops(self, asked: "_Asking", name: str, port: int | None, transport: str) -> tuple[Hop, ...]:
        answers = await asyncio.gather(
            *(asked.records(name, family) for family in asked.families), return_exceptions=True
        )
        addresses: list[str] = []
        failure: Unresolvable | None = None
        for answer in answers:
            if isinstance(answer, tuple):
                addresses += [each.address for each in answer]
            elif isinstance(answer, Unresolvable):
                failure = answer
            else:
                raise answer
        if not addresses:
            raise failure or Unresolvable(f"{name.rstrip('.')} has no address", denied=True)
        certified = _certified(asked, transport)
        return tuple(_hop(each, port, transport, certified) for each in addresses[:MOST_ADDRESSES])

    # One question

    async def ask(self, name: str, kind: str) -> _Answer:
        """One question, from the cache or from DNS. Raises Unresolvable where DNS fails and nothing is kept."""
        now = asyncio.get_running_loop().time()
        key = (name.rstrip(".").lower(), kind)
        known = self._cache.get(key)
        if known is not None and now < known.refresh_at:
            self._cache.move_to_end(key)
            return known
        try:
            answer = _positive(await self._resolve(key[0], kind), now)
        except dns.resolver.NXDOMAIN as denial:
            answer = _negative(_ttl_of(denial), now)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            if known is not None and now < known.stale_at:
                return replace(known, refresh_at=now + STALE_PAUSE_S, is_stale=True)
            raise Unresolvable(f"no answer from DNS for {key[0]} ({type(error).__name__})", denied=False) from error
        self._cache[key] = answer
        self._cache.move_to_end(key)
        while len(self._cache) > self._capacity:
            self._cache.popitem(last=False)
        return answer

    async def _resolve(self, name: str, kind: str) -> dns.resolver.Answer:
        """A name of one label may have one of the site's search domains added."""
        single = "." not in name
        asked = dns.name.from_text(name, None if single else dns.name.root)
        return await self._dns.resolve(asked, kind, raise_on_no_answer=False, search=single)


class _Asking:
    """All the questions about one host, and for how long their answers hold together."""

    def __init__(self, resolver: Resolver, name: str, families: Sequence[str]) -> None:
        self.name = name
        self.families = tuple(families)
        self._resolver = resolver
        self._refresh_at = float("inf")
        self._stale = False

    async def records(self, name: str, kind: str) -> tuple[Any, ...]:
        answer = await self._resolver.ask(name, kind)
        self._refresh_at = min(self._refresh_at, answer.refresh_at)
        self._stale |= answer.is_stale
        return answer.records

    def location(self, servers: tuple[Server, ...]) -> Location:
        now = asyncio.get_running_loop().time()
        return Location(servers, max(SHORTEST_TTL_S * REFRESH_AT, self._refresh_at - now), self._stale)


def _positive(answer: dns.resolver.Answer, now: float) -> _Answer:
    if answer.rrset is None:
        return _negative(answer.chaining_result.minimum_ttl, now)
    ttl_s = min(max(float(answer.chaining_result.minimum_ttl), SHORTEST_TTL_S), LONGEST_TTL_S)
    return _Answer(tuple(answer.rrset), now + ttl_s * REFRESH_AT, now + ttl_s + STALE_S)


def _ttl_of(denial: dns.resolver.NXDOMAIN) -> float:
    responses: dict[Any, Any] = denial.responses()  # type: ignore[no-untyped-call]
    ttls = [each.resolve_chaining().minimum_ttl for each in responses.values()]
    return float(min(ttls, default=LONGEST_NEGATIVE_TTL_S))


def _negative(ttl_s: float, now: float) -> _Answer:
    """There is no such record."""
    until = now + min(max(ttl_s, SHORTEST_TTL_S), LONGEST_NEGATIVE_TTL_S)
    return _Answer((), until, until + STALE_S)


def _checked(host: str) -> str:
    """The name as DNS is asked for it, IDNA encoded. Raises Unresolvable for what is none: ".1", a label too long."""
    try:
        name = dns.name.from_text(host)
    except (dns.exception.DNSException, ValueError) as error:
        raise Unresolvable("this host is no name that DNS could know", denied=True) from error
    last = name.labels[-2] if len(name.labels) > 1 else b""
    # An all-numeric last label is the relic of an address (RFC 3696 §2), which libc would even take for one.
    if not last or last.isdigit() or _STRANGE.search(b"".join(name.labels)):
        raise Unresolvable("this host is no name that DNS could know", denied=True)
    return name.to_text(omit_final_dot=True)


def _certified(asked: _Asking, transport: str) -> str:
    """The name that a certificate is to bear: the domain that was asked for, not the server's (RFC 5922 §4)."""
    return asked.name if transport in SECURE else ""


def _in_hosts_file(path: Path, name: str, families: Sequence[str]) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found: list[str] = []
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        if name.lower() in (each.lower() for each in names) and is_address(address):
            family = "AAAA" if ":" in address else "A"
            if family in families and address not in found:
                found.append(address)
    return found[:MOST_ADDRESSES]


def _text(field: Any) -> str:
    return field.decode("ascii", "replace") if isinstance(field, bytes) else str(field)


def _hop(address: str, port: int | None, transport: str, name: str) -> Hop:
    return Hop(str(ipaddress.ip_address(address)), port or default_port(transport), transport, name=name)
