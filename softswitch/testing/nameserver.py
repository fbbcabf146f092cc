"""A name server for tests, on a real port: it answers for one zone as it is told, or fails in the ways that they do."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from softswitch.sip.hop import Address


class NameServer(asyncio.DatagramProtocol):
    """Answers by UDP on `address` until `close`.

        server = await NameServer.start(["carrier.example. 60 IN A 192.0.2.1"])
        server.records = [...]           # the zone from now on
        server.silent = True             # or `failure = dns.rcode.SERVFAIL`

    What the zone lacks is denied: NXDOMAIN for a name that it has in no type, else an answer without a record; both
    with a SOA record whose minimum is `negative_ttl_s`, unless that is None.
    """

    def __init__(self, records: Iterable[str]) -> None:
        self.records = list(records)
        self.silent = False
        self.failure: dns.rcode.Rcode | None = None
        self.negative_ttl_s: int | None = 60
        self.asked: Counter[tuple[str, str]] = Counter()
        """How often each (name, type) was asked for."""
        self.address: Address = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def start(cls, records: Iterable[str] = (), host: str = "127.0.0.1") -> Self:
        loop = asyncio.get_running_loop()
        _, server = await loop.create_datagram_endpoint(lambda: cls(records), local_addr=(host, 0))
        return server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return
        question = query.question[0]
        self.asked[question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)] += 1
        if not self.silent and self._transport is not None:
            self._transport.sendto(self._answer(query).to_wire(), addr)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA | dns.flags.RA
        if self.failure is not None:
            response.set_rcode(self.failure)
            return response
        question = query.question[0]
        name = question.name.to_text().lower()
        parsed = [record.split(maxsplit=4) for record in self.records]
        here = [each for each in parsed if each[0].lower() == name]
        found = [each for each in here if each[3] == dns.rdatatype.to_text(question.rdtype)]
        if found:
            texts = [each[4] for each in found]
            response.answer.append(dns.rrset.from_text(name, int(found[0][1]), "IN", found[0][3], *texts))
            return response
        if not here:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if self.negative_ttl_s is not None:
            soa = f"ns.example. root.example. 1 3600 600 86400 {self.negative_ttl_s}"
            response.authority.append(dns.rrset.from_text("example.", self.negative_ttl_s, "IN", "SOA", soa))
        return response
