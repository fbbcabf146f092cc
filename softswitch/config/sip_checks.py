"""What is wrong between the keys of [sip], [[trunks]] and [trace]; see `cross_checks`."""

import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path

from softswitch.config.complaints import Complaint, suggestion
from softswitch.config.settings import Settings
from softswitch.config.toml_lines import Key
from softswitch.sdp.crypto import SrtpUse
from softswitch.sip.hop import DEFAULT_PORT, DEFAULT_TLS_PORT
from softswitch.sip.locating import is_address

LAST_PORT = 65535
_SIP_PORTS = {"port": {"tcp"}, "tls_port": {"tls"}, "ws_port": {"ws"}, "wss_port": {"wss"}}


def _trunks(settings: Settings) -> Iterator[Complaint]:
    for n, trunk in enumerate(settings.trunks):
        at: Key = ("trunks", n)
        for key in ("host", "domain"):
            if (name := getattr(trunk, key)) and not _is_host(name):
                text = f'"{name}" is neither an IP address nor a host name such as sip.example.com'
                yield (*at, key), text, True
        if trunk.transport == "tls" and trunk.port == DEFAULT_PORT:
            yield (*at, "port"), f"carriers take TLS on {DEFAULT_TLS_PORT}, hardly on {DEFAULT_PORT}", False
        if trunk.routes and (trunk.cost or trunk.priority or trunk.weight != 1):
            yield (
                (*at, "routes"),
                "cost, priority and weight are those of each route; the trunk's own have no effect",
                True,
            )
        prefixes = [route.prefix for route in trunk.routes]
        for position, prefix in enumerate(prefixes):
            if prefix in prefixes[:position]:
                text = f'the prefix "{prefix}" is there twice: one route for each'
                yield (*at, "routes", position, "prefix"), text, True
        by_udp = trunk.transport == "udp" or (trunk.transport == "auto" and is_address(trunk.host))
        if by_udp and "udp" not in settings.sip.transports:
            yield (*at, "transport"), '[sip] transports lacks "udp": nothing can be sent to this trunk', True
        if is_address(trunk.host) and _version(trunk.host) not in map(_version, _addresses(settings)):
            version = _version(trunk.host)
            yield (*at, "host"), f"[sip] has no IPv{version} address from which this trunk could be reached", True
        if trunk.srtp is not SrtpUse.OFF and trunk.transport in ("udp", "tcp"):
            text = f'keys for SRTP go unprotected over {trunk.transport.upper()}: use transport = "tls"'
            yield (*at, "srtp"), text, False
        if trunk.realm and not trunk.username:
            yield (*at, "realm"), "has no effect without a username", False


def _addresses(settings: Settings) -> tuple[str, ...]:
    return (settings.sip.address, *settings.sip.addresses)


def _version(address: str) -> int:
    return ipaddress.ip_address(address.strip("[]")).version


def _is_host(name: str) -> bool:
    """An IP address, or labels of which the last is no number: "192.0.2" is a slip, and no name."""
    if is_address(name):
        return True
    labels = name.removesuffix(".").split(".")
    return (
        len(name) <= 253
        and all(1 <= len(label) <= 63 for label in labels)
        and not labels[-1].isdigit()
        and (":" not in name and "[" not in name and "]" not in name)
    )


def _transports(settings: Settings) -> Iterator[Complaint]:
    sip = settings.sip
    versions = [_version(address) for address in _addresses(settings)]
    if len(set(versions)) < len(versions):
        text = "at most one address for IPv4 and one for IPv6: that of `address` and one of the other version"
        yield ("sip", "addresses"), text, True
    ports = {name: getattr(sip, name) for name in _SIP_PORTS if _SIP_PORTS[name] & set(sip.transports)}
    for name, port in ports.items():
        if port and [*ports.values()].count(port) > 1:
            yield ("sip", name), f"TCP port {port} is given for more than one of {', '.join(ports)}", True
    for name, port in ports.items():
        if port and port == settings.web.port and settings.web.address in _addresses(settings):
            yield ("sip", name), f"TCP port {port} is that of [web] too", True
    secure = [name for name in sip.transports if name in ("tls", "wss")]
    if secure and sip.certificate is None:
        text = f'"{secure[0]}" needs certificate, a PEM file, and certificate_key, that of its key'
        yield ("sip", "transports"), text, True
    if sip.phone_srtp is not SrtpUse.OFF and not secure:
        text = 'keys for SRTP go unprotected: phones should register by "tls", which transports lacks'
        yield ("sip", "phone_srtp"), text, False
    if sip.client_certificates and sip.client_authorities is None:
        text = "needs client_authorities, a PEM file with the authorities that vouch for the certificates"
        yield ("sip", "client_certificates"), text, True
    elif sip.client_certificates and not secure:
        yield ("sip", "client_certificates"), 'has no effect without "tls" or "wss" among transports', False
    elif sip.client_authorities is not None and not sip.client_certificates:
        yield ("sip", "client_authorities"), "has no effect without client_certificates = true", False
    if sip.certificate_key is not None and sip.certificate is None:
        yield ("sip", "certificate_key"), "a key alone proves nothing: certificate is missing", True
    if "connections_per_address" in sip.model_fields_set and sip.connections_per_address > sip.connections:
        text = f"one address may have more connections than all together: connections is {sip.connections}"
        yield ("sip", "connections_per_address"), text, True


def _transfers(settings: Settings) -> Iterator[Complaint]:
    trunks, agents = {t.name for t in settings.trunks}, {a.id for a in settings.agents}
    supervisors = {s.id for s in settings.supervisors}
    for position, name in enumerate(settings.sip.may_transfer):
        at: Key = ("sip", "may_transfer", position)
        if name in agents:
            text = f'"{name}" is an agent, and agents never transfer: the house decides whom they talk to'
            yield at, text, True
        elif name in supervisors:
            yield at, f'"{name}" is a supervisor, and supervisors never transfer: they listen and speak', True
        elif name not in trunks:
            yield at, f'there is no trunk "{name}"{suggestion(name, trunks)}', True


def _trace(settings: Settings) -> Iterator[Complaint]:
    trace = settings.trace
    if trace.homer_password_file is not None:
        if trace.homer_password.get_secret_value():
            yield ("trace", "homer_password"), "homer_password and homer_password_file are both given; keep one", True
        if not trace.homer_password_file.is_file():
            yield ("trace", "homer_password_file"), f"there is no file {trace.homer_password_file}", True
    if trace.homer and int(trace.homer.rpartition(":")[2]) > LAST_PORT:
        yield ("trace", "homer"), f"there is no such port: {LAST_PORT} is the last", True
    if trace.homer and trace.homer_numbers == "whole" and not _is_here(trace.homer):
        text = "telephone numbers would leave this machine in the clear; send them whole to 127.0.0.1 alone"
        yield ("trace", "homer_numbers"), text, True


def _is_here(address: str) -> bool:
    """Whether this "host:port" is on this machine."""
    try:
        return ipaddress.ip_address(address.rpartition(":")[0].strip("[]")).is_loopback
    except ValueError:
        return False


def _identity(settings: Settings) -> Iterator[Complaint]:
    for n, trunk in enumerate(settings.trunks):
        at: Key = ("trunks", n)
        dialled = any(campaign.trunk in ("", trunk.name) for campaign in settings.campaigns)
        if trunk.withhold_caller_id and dialled:
            text = "campaigns dial over this trunk, and must present a valid number (Ofcom: persistent misuse policy)"
            yield (*at, "withhold_caller_id"), text, True
        if trunk.identity == "none" and dialled:
            text = "the carrier presents its own number for the account, and the campaign's caller id is not seen"
            yield (*at, "identity"), text, False
        given = [trunk.stir_key is not None, bool(trunk.stir_x5u)]
        if any(given) and not all(given):
            yield (*at, "stir_key"), "signing needs both stir_key and stir_x5u", True
        if trunk.stir_certificate is not None and trunk.stir_key is None:
            yield (*at, "stir_certificate"), "a certificate alone signs nothing: stir_key is missing", True
        for key in ("stir_key", "stir_certificate"):
            path: Path | None = getattr(trunk, key)
            if path is not None and not path.is_file():
                yield (*at, key), f"there is no file {path}", True
        if trunk.stir_authorities is not None and not trunk.stir_authorities.is_dir():
            yield (*at, "stir_authorities"), f"there is no folder {trunk.stir_authorities}", True


SIP_CHECKS: tuple[Callable[[Settings], Iterator[Complaint]], ...] = (
    _trunks,
    _transports,
    _transfers,
    _identity,
    _trace,
)
