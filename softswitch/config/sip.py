"""What a site's TOML file may say of SIP: [sip] and [[trunks]]."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from softswitch.config.fields import (
    HOST,
    IpAddress,
    ListenPort,
    Name,
    OptionalE164,
    OptionalFile,
    Port,
    Reachable,
    Section,
    zero_or_from,
)
from softswitch.sdp.crypto import SrtpUse
from softswitch.sip.identity import Attestation, IdentityStyle


class SipSettings(Section):
    """[sip]"""

    address: Reachable = "127.0.0.1"
    """Address that trunks and phones reach; listened on and written into Via, Contact and SDP."""
    port: ListenPort = 5060
    """UDP and TCP; 0 lets the system choose."""
    addresses: tuple[Reachable, ...] = ()
    """A further address, of the other IP version: all that is said of `address` and the ports goes for it too."""
    transports: Annotated[tuple[Literal["udp", "tcp", "tls", "ws", "wss"], ...], Field(min_length=1)] = ("udp", "tcp")
    """What is listened on; "ws" and "wss" are WebSockets, for phones in browsers (RFC 7118). To a carrier we can also
    speak by TCP or TLS without listening on it."""
    tls_port: ListenPort = 5061
    """SIP over TLS."""
    ws_port: ListenPort = 8088
    """SIP over WebSocket, behind a proxy that does TLS: browsers let only local pages use it bare."""
    wss_port: ListenPort = 8089
    """SIP over WebSocket with our own TLS."""
    certificate: OptionalFile = None
    """PEM file with our certificate and its chain, for "tls" and "wss". A renewed one is taken up within a minute."""
    certificate_key: OptionalFile = None
    """PEM file with its key, without a password; not needed where `certificate` holds it."""
    authorities: OptionalFile = None
    """PEM file with the authorities that vouch for carriers' certificates; without it those that the system trusts."""
    client_certificates: bool = False
    """Whoever connects by "tls" or "wss" must show a certificate that one of `client_authorities` vouches for."""
    client_authorities: OptionalFile = None
    """PEM file with the authorities that vouch for phones' and carriers' certificates when they connect to us."""
    connections: Annotated[int, Field(ge=10, le=50_000)] = 2000
    """Open connections at most, all together."""
    connections_per_address: Annotated[int, Field(ge=1, le=50_000)] = 200
    """Open connections at most from one address; phones behind one NAT share it."""
    phone_digests: Annotated[tuple[Literal["SHA-256", "MD5"], ...], Field(min_length=1)] = ("MD5",)
    """What phones are challenged with, in this order (RFC 8760); ["SHA-256", "MD5"] where all of them understand it:
    some, baresip 1.0 among them, give up at the sight of SHA-256."""
    phone_silence_s: Annotated[float, Field(ge=0, le=60)] = 3.0
    """An agent's phone that has sent audio and sends none for so long has vanished: its line ends, its call goes on to
    another agent. Phones must therefore not suppress silence; 0 for a site whose phones do."""
    phone_srtp: SrtpUse = SrtpUse.OFF
    """Whether the media of agents' phones are SRTP, with keys in the SDP (RFC 4568): "off"; "optional", with phones
    that ask for it and those that we ring over TLS; "required", or there is no call. The keys are as safe as the
    signalling: let the phones register by TLS."""
    session_s: Annotated[int, AfterValidator(zero_or_from(90, 86_400))] = 1800
    """How long a call lives without a sign of life from its other end, as we ask of trunks and phones that know session
    timers (RFC 4028); 0: we ask nothing, and do as they ask."""
    rings_reliably: bool = False
    """Ask callers who can acknowledge that it rings (100rel, RFC 3262) to do so."""
    may_transfer: tuple[Name, ...] = ()
    """Trunks of which a new call may take the place of one that is up (Replaces, RFC 3891), and which may ask us for
    transfers (REFER); those are declined all the same, as nobody but the house decides who is called. Agents' phones
    never may."""


class RouteSettings(Section):
    """[[trunks.routes]]: numbers that a trunk takes, and for how much."""

    prefix: Annotated[str, Field(pattern=r"^(\+[0-9]{0,15})?$")] = ""
    """How the numbers begin, in E.164 ("+447"); empty: all numbers. The longest prefix that fits decides."""
    priority: Annotated[int, Field(ge=0, le=1000)] = 0
    """Lower comes first, whatever it costs."""
    cost: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    """What a call costs, in any unit that all trunks share; the cheapest comes first."""
    weight: Annotated[int, Field(ge=0, le=65535)] = 1
    """Its share of the calls among trunks alike; 0: only where none of those can take the call."""


class TrunkSettings(Section):
    """[[trunks]]: a carrier account."""

    name: Name
    """Campaigns refer to it by this name."""
    host: Annotated[str, Field(min_length=1, pattern=HOST)]
    """The carrier's proxy: address or host name. A name is looked up in DNS by RFC 3263 (NAPTR, SRV, A, AAAA) and again
    before its time is over; while DNS fails the servers found last stay in use. A name in /etc/hosts is taken from
    there."""
    port: Port | None = None
    """Of the carrier's proxy. Without it SRV says which, or it is 5060 (TLS: 5061); with it SRV is not asked."""
    transport: Literal["auto", "udp", "tcp", "tls"] = "auto"
    """How the carrier is reached. "auto": as NAPTR or SRV say, else UDP; "tls" checks its certificate against `domain`,
    else `host`."""
    domain: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]_-]*$")] = ""
    """The carrier's name in From, To and Request-URI, where that is another than `host`."""
    addresses: tuple[IpAddress, ...] = ()
    """Further IP addresses from which this carrier's calls come; those of its servers count in any case."""
    username: str = ""
    """For digest authentication and registration."""
    password: SecretStr = SecretStr("")
    """Better in a file of its own: see `password_file`."""
    password_file: OptionalFile = None
    """File with the password, instead of `password`."""
    registers: Annotated[bool, Field(alias="register")] = False
    """Register with the carrier (RFC 3261 §10); otherwise it knows us by address."""
    realm: str = ""
    """The only realm for which the password is used, as the carrier names it in its challenges; empty: the first one
    that it names, until the switch starts again."""
    expires_s: Annotated[int, Field(ge=30, le=86400)] = 300
    """Seconds that a registration is asked to last."""
    caller_id: OptionalE164 = ""
    """E.164; presented where the campaign has none of its own."""
    identity: IdentityStyle = IdentityStyle.FROM
    """How the carrier is told the caller id: "from", in From alone; "pai" or "ppi", in P-Asserted-Identity or
    P-Preferred-Identity too (RFC 3325); "none", not at all, so that it presents the account's own number."""
    withhold_caller_id: bool = False
    """Ask for the caller id to be withheld (RFC 3323). Refused on a trunk that campaigns dial over."""
    trusts_identity: bool = False
    """The carrier is in our trust domain: who calls in is whom its P-Asserted-Identity names (RFC 3325)."""
    srtp: SrtpUse = SrtpUse.OFF
    """Whether this carrier's media are SRTP, with keys in the SDP (RFC 4568): "off"; "optional", where the carrier asks
    for it, and offered where `transport` is "tls"; "required", or there is no call."""
    stir_key: OptionalFile = None
    """PEM file of the P-256 key that signs our calls (STIR/SHAKEN, RFC 8224); unsigned without one."""
    stir_certificate: OptionalFile = None
    """PEM file of its certificate: checked at the start, not sent."""
    stir_x5u: Annotated[str, Field(pattern=r"^(https://[A-Za-z0-9.-]+(:\d{1,5})?/\S*)?$")] = ""
    """Where the carriers fetch that certificate."""
    attestation: Attestation = Attestation.B
    """"A": the number is ours to present; "B": the call is ours; "C": neither is vouched for (RFC 8588 §4)."""
    stir_origin_id: Annotated[str, Field(pattern=r"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$")] = ""
    """UUID of this switch in signed calls; empty: another for each call."""
    stir_authorities: OptionalFile = None
    """Folder of certificates by which signed calls that come in are verified: that of https://HOST/PATH is HOST/PATH
    below it. Nothing is fetched; calls are noted as verified or not, and never refused for it."""
    channels: Annotated[int, Field(ge=1, le=10000)] = 30
    """Calls at a time, both ways together."""
    calls_per_second: Annotated[float, Field(gt=0, le=1000)] = 5.0
    """New calls a second that the carrier allows; dialled calls wait their turn."""
    failover_after_s: Annotated[float, Field(ge=0.5, le=32)] = 4.0
    """A server that has not answered an INVITE or REGISTER at all after so long is left for the next server of the
    carrier, or the next trunk, where there is one. An answer about the callee is final wherever it comes from."""
    options_s: Annotated[float, AfterValidator(zero_or_from(5, 3600))] = 0.0
    """Pause between the OPTIONS that ask each server whether it is there: two in a row without an answer, or with 503,
    and it is passed over until it answers again. 0: none are sent, for a carrier that ignores them."""
    priority: Annotated[int, Field(ge=0, le=1000)] = 0
    """As in `routes`, where there are none: lower comes first."""
    cost: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    """As in `routes`, where there are none: the cheapest trunk comes first."""
    weight: Annotated[int, Field(ge=0, le=65535)] = 1
    """As in `routes`, where there are none: the share of the calls among trunks alike."""
    routes: tuple[RouteSettings, ...] = ()
    """Numbers that this trunk takes; without any it takes all."""
