"""From [sip] to open ports: where the site listens, with which certificates, and who hears of a peer that is gone."""

from collections.abc import Callable

from softswitch.config.sip import SipSettings
from softswitch.sip.hop import Hop
from softswitch.transports.connections import Limits
from softswitch.transports.driver import Driver
from softswitch.transports.stack import TransportStack, open_transports
from softswitch.transports.tls import Certificates
from softswitch.ua.pool import UserAgentPool


async def open_ports(
    sip: SipSettings, receive: Callable[[bytes, Hop], None], driver: Driver, pool: Callable[[], UserAgentPool]
) -> TransportStack:
    """Take every port of the site, on every transport and address, for `TransportStack.serve` to begin with.

    `receive` takes messages; `pool` is asked once they are served.
    """

    def unreachable(hop: Hop) -> None:
        with driver.mutating(pool()) as now:
            pool().receive_transport_error(hop, now)

    def closed(flow: Hop) -> None:
        with driver.mutating(pool()) as now:
            pool().receive_flow_closed(flow, now)

    def is_banned(host: str) -> bool:
        defence = pool().defence
        return defence is not None and defence.is_banned(host, driver.now)

    return await open_transports(
        listeners(sip),
        receive=receive,
        on_unreachable=unreachable,
        on_closed=closed,
        certificates=certificates(sip),
        limits=Limits(sip.connections, sip.connections_per_address),
        is_banned=is_banned,
        serve=False,
    )


def listeners(sip: SipSettings) -> list[Hop]:
    """The first one is what we say of ourselves where nothing fits better."""
    ports = {"udp": sip.port, "tcp": sip.port, "tls": sip.tls_port, "ws": sip.ws_port, "wss": sip.wss_port}
    return [
        Hop(address, ports[name], name.upper())
        for name in dict.fromkeys(sip.transports)
        for address in (sip.address, *sip.addresses)
    ]


def certificates(sip: SipSettings) -> Certificates:
    """Raises UsageError where a file will not serve."""
    return Certificates(
        sip.certificate,
        sip.certificate_key,
        authorities=sip.authorities,
        client_authorities=sip.client_authorities if sip.client_certificates else None,
    )
