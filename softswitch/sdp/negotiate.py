"""Offer and answer for one audio stream: PCMU, PCMA and telephone-event (RFC 3264, RFC 3551, RFC 4733).

With keys, the stream is SRTP: RTP/SAVP and `a=crypto` (RFC 4568). Whoever asks for it gets no plain RTP instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Final

from softswitch.errors import PeerError, UsageError
from softswitch.sdp.attributes import (
    DEFAULT_PTIME_MS,
    is_muxed,
    maxptime_of,
    ptime_of,
    reports_to,
    takes_our_packets,
)
from softswitch.sdp.crypto import Crypto, OwnKeys, SrtpKeys, first_usable, settle
from softswitch.sdp.session import (
    DIRECTIONS,
    Attribute,
    Connection,
    MediaDescription,
    Origin,
    SessionDescription,
)

STATIC_PAYLOADS: Final = {"PCMU": 0, "PCMA": 8}  # RFC 3551 table 4
DTMF_PAYLOAD: Final = 101  # the number that nearly everybody uses; RFC 4733 leaves it open
DTMF_EVENTS: Final = "0-15"  # RFC 4733 §3.2: digits, *, #, A-D

_RATE: Final = "8000"
_PLAIN: Final = frozenset({"RTP/AVP", "RTP/AVPF"})
_SECURE: Final = frozenset({"RTP/SAVP", "RTP/SAVPF"})
_MIRRORED: Final = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class MediaAgreement:
    """What both ends have settled on for one audio stream, as our media leg needs it."""

    remote: tuple[str, int]
    """Where to send. With RFC 2543's hold the address is unspecified: look at `sends` first."""
    codec: str
    """"PCMU" or "PCMA"."""
    payload_type: int
    """The number to send with, which is the peer's."""
    dtmf_payload_type: int | None
    """For telephone-event at 8000 Hz; None where the peer has none."""
    ptime_ms: int
    direction: str
    """Ours: "sendrecv", "sendonly", "recvonly" or "inactive"."""
    rtcp_mux: bool = False
    """RTCP shares the RTP port (RFC 5761 §5.1.1)."""
    dtmf_receive_type: int | None = None
    """For telephone-event, the number that the peer sends with, which is ours (RFC 3264 §5.1); None: the same."""
    maxptime_ms: int | None = None
    """The longest packet that the peer takes (RFC 8866 §6.5); None where it does not say."""
    reports_to: tuple[str, int] | None = None
    """Where the peer takes RTCP (RFC 3605); None: at the port above RTP's, or on RTP's own where they share it."""

    @property
    def sends(self) -> bool:
        """Whether we may send, and `remote` is where to."""
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """Whether the peer may send."""
        return self.direction in ("sendrecv", "recvonly")

    @property
    def keys(self) -> SrtpKeys | None:
        """What protects the stream; None where it is plain RTP."""
        return None


@dataclass(frozen=True, slots=True)
class SecureAgreement(MediaAgreement):
    """An agreement on SRTP."""

    keys: SrtpKeys = field(kw_only=True)


def make_offer(
    address: str,
    port: int,
    *,
    session_id: int,
    version: int = 1,
    codecs: Sequence[str] = ("PCMU", "PCMA"),
    direction: str = "sendrecv",
    ptime_ms: int = DEFAULT_PTIME_MS,
    keys: OwnKeys | None = None,
    last: bytes = b"",
) -> bytes:
    """An offer of one audio stream, codecs in order of preference (RFC 3264 §5); with `keys`, of SRTP alone.

    Each new offer or answer within a call takes a `version` one higher where it differs from the last (§8).
    last: what we have described last in this call; its lines keep their places, those beside the audio refused (§8).
    """
    numbers = [(codec, _static_payload(codec)) for codec in codecs]
    crypto = keys.offer() if keys is not None else []
    media = _audio(port, "RTP/SAVP" if crypto else "RTP/AVP", numbers, DTMF_PAYLOAD, ptime_ms, direction, crypto)
    lines = [media]
    if last:
        described = SessionDescription.parse(last).media
        place = _place_in_use(described)
        lines = [MediaDescription(each.kind, 0, each.protocol, each.formats) for each in described]
        lines[place : place + 1] = [media]
    return bytes(_describe(address, session_id, version, lines))


def make_answer(
    offer: bytes,
    address: str,
    port: int,
    *,
    session_id: int,
    version: int = 1,
    codecs: Sequence[str] = ("PCMU", "PCMA"),
    direction: str = "sendrecv",
    keys: OwnKeys | None = None,
    plain: bool = True,
) -> tuple[bytes, MediaAgreement]:
    """The answer to `offer`, and what it settles (RFC 3264 §6). Raises PeerError(488) when nothing fits.

    The first usable audio line is taken, an SRTP one before a plain one; the others are refused in their places. Of
    its codecs the first that is among `codecs` is taken, under the number that the offer gives it. `direction` is the
    most that we want to do.  keys: ours, where SRTP may be agreed to; an offer of plain RTP with keys beside it
    (RFC 8643) is taken up as SRTP then.  plain: whether RTP without protection may be agreed to.
    """
    if direction not in DIRECTIONS or any(codec not in STATIC_PAYLOADS for codec in codecs):
        raise UsageError(f"direction is one of {', '.join(DIRECTIONS)}; codecs are of {', '.join(STATIC_PAYLOADS)}")
    offered = SessionDescription.parse(offer)
    taken = _taken(offered, codecs, ":" in address, keys is not None, plain)
    if taken is None:
        raise PeerError("an offer holds no audio that is supported here", 488)
    place, codec, payload_type, connection, crypto = taken
    media = offered.media[place]
    ours = _common(direction, _MIRRORED[offered.direction_of(media)])
    if connection.is_hold:
        ours = _common(ours, "recvonly")
    agreement = MediaAgreement(
        remote=(connection.address, media.port),
        codec=codec,
        payload_type=payload_type,
        dtmf_payload_type=_payload_of(media, "TELEPHONE-EVENT"),
        ptime_ms=ptime_of(offered, media),
        direction=ours,
        rtcp_mux=is_muxed(media),
        maxptime_ms=maxptime_of(offered, media),
        reports_to=None if is_muxed(media) else reports_to(media, connection),
    )
    lines = []
    if crypto is not None and keys is not None:
        line, settled = keys.answer(crypto)
        agreement, lines = _secured(agreement, settled), [line]
    answers = [MediaDescription(each.kind, 0, each.protocol, each.formats) for each in offered.media]
    dtmf, ptime_ms = agreement.dtmf_payload_type, agreement.ptime_ms
    answers[place] = _audio(
        port, media.protocol, [(codec, payload_type)], dtmf, ptime_ms, ours, lines, agreement.rtcp_mux
    )
    return bytes(_describe(address, session_id, version, answers, offered.times)), agreement


def read_answer(offer: bytes, answer: bytes) -> MediaAgreement:
    """What the peer's answer to our own `offer` settles (RFC 3264 §7). PeerError(488) when it refuses or misfits.

    More media lines than we offered are ignored, as some peers add them; ours is the one that has a port.
    """
    ours = SessionDescription.parse(offer)
    theirs = SessionDescription.parse(answer)
    place = _place_in_use(ours.media)
    if len(theirs.media) <= place or len(ours.media) <= place or theirs.media[place].kind != ours.media[place].kind:
        raise PeerError("an answer does not match the offer's media", 488)
    wanted, media = ours.media[place], theirs.media[place]
    numbers = _codecs_of(wanted)
    unmapped = _codecs_of(media)
    rebound = {value.partition(" ")[0] for value in media.values("rtpmap")} - unmapped.keys()
    mapped = {
        number: unmapped.get(number) or numbers.get(number, "") for number in media.formats if number not in rebound
    }
    ipv6 = ours.connection is not None and ours.connection.is_ipv6
    connection = theirs.connection_of(media)
    usable = connection is not None and (connection.is_hold or (connection.is_unicast and connection.is_ipv6 == ipv6))
    protocols = _SECURE if wanted.protocol in _SECURE else _PLAIN
    if media.port == 0 or connection is None or not usable or media.protocol not in protocols:
        raise PeerError("an answer refuses the audio, or gives no address to send it to", 488)
    if not takes_our_packets(theirs, media):
        raise PeerError("an answer takes no packets of 10 ms", 488)
    keys = settle(wanted.values("crypto"), media.values("crypto")) if protocols is _SECURE else None
    offered_codecs = set(numbers.values())
    chosen = next(((n, c) for n, c in mapped.items() if c in STATIC_PAYLOADS and c in offered_codecs), None)
    if chosen is None:
        raise PeerError("an answer names no codec of the offer", 488)
    direction = _common(ours.direction_of(wanted), _MIRRORED[theirs.direction_of(media)])
    if connection.is_hold:
        direction = _common(direction, "recvonly")
    muxed = is_muxed(wanted) and is_muxed(media)
    agreement = MediaAgreement(
        remote=(connection.address, media.port),
        codec=chosen[1],
        payload_type=int(chosen[0]),
        dtmf_payload_type=next((int(n) for n, c in mapped.items() if c == "TELEPHONE-EVENT"), None),
        ptime_ms=ptime_of(theirs, media),
        direction=direction,
        rtcp_mux=muxed,
        dtmf_receive_type=_payload_of(wanted, "TELEPHONE-EVENT"),
        maxptime_ms=maxptime_of(theirs, media),
        reports_to=None if muxed else reports_to(media, connection),
    )
    return agreement if keys is None else _secured(agreement, keys)


_Taken = tuple[int, str, int, Connection, Crypto | None]
"""Which m= line, codec, payload type, where to send, and the key that is taken up."""


def _taken(offered: SessionDescription, codecs: Sequence[str], ipv6: bool, secure: bool, plain: bool) -> _Taken | None:
    """The first m= line that gives us SRTP, else the first plain one, as far as either is wanted."""
    bare: _Taken | None = None
    for place, media in enumerate(offered.media):
        found = _usable(offered, media, codecs, ipv6)
        if found is None:
            continue
        crypto = first_usable(media.values("crypto")) if secure else None
        if crypto is not None and (plain or media.protocol in _SECURE):
            return place, *found, crypto
        if bare is None and plain and media.protocol in _PLAIN:
            bare = (place, *found, None)
    return bare


def _place_in_use(media: Sequence[MediaDescription]) -> int:
    """Of a description of ours: where its audio is; the lines beside it are refused."""
    return next((place for place, each in enumerate(media) if each.port), 0)


def _secured(agreement: MediaAgreement, keys: SrtpKeys) -> SecureAgreement:
    told = {each.name: getattr(agreement, each.name) for each in fields(agreement)}
    return SecureAgreement(**told, keys=keys)


def _usable(
    offered: SessionDescription, media: MediaDescription, codecs: Sequence[str], ipv6: bool
) -> tuple[str, int, Connection] | None:
    """(codec, payload type, where to send) of an m= line that we can take, or None."""
    connection = offered.connection_of(media)
    if media.kind != "audio" or media.port == 0 or media.protocol not in _PLAIN | _SECURE or connection is None:
        return None
    if not connection.is_hold and (not connection.is_unicast or connection.is_ipv6 != ipv6):
        return None
    if not takes_our_packets(offered, media):
        return None
    for number, codec in _codecs_of(media).items():
        if codec in codecs:
            return codec, int(number), connection
    return None


def _codecs_of(media: MediaDescription) -> dict[str, str]:
    """Payload number to codec name in upper case, in the line's order; only what runs at 8000 Hz on one channel.

    An rtpmap overrides the static number's meaning (RFC 3551 §6: it may say the same again, or bind a dynamic one).
    """
    mapped: dict[str, str] = {}
    for value in media.values("rtpmap"):
        number, _, encoding = value.partition(" ")
        name, _, rate = encoding.strip().partition("/")
        plain = rate.strip() in (_RATE, f"{_RATE}/1")
        mapped.setdefault(number, name.strip().upper() if plain else "")
    static = {str(number): codec for codec, number in STATIC_PAYLOADS.items()}
    found: dict[str, str] = {}
    for number in media.formats:
        if (
            number.isascii()
            and number.isdigit()
            and len(number) <= 3
            and int(number) < 128
            and str(int(number)) == number
        ):
            codec = mapped[number] if number in mapped else static.get(number, "")
            if codec:
                found[number] = codec
    return found


def _payload_of(media: MediaDescription, codec: str) -> int | None:
    return next((int(number) for number, name in _codecs_of(media).items() if name == codec), None)


def _common(one: str, other: str) -> str:
    """What both directions allow."""
    sends = one in ("sendrecv", "sendonly") and other in ("sendrecv", "sendonly")
    receives = one in ("sendrecv", "recvonly") and other in ("sendrecv", "recvonly")
    if sends:
        return "sendrecv" if receives else "sendonly"
    return "recvonly" if receives else "inactive"


def _static_payload(codec: str) -> int:
    try:
        return STATIC_PAYLOADS[codec]
    except KeyError:
        raise UsageError(f"{codec!r} cannot be offered; choose from {', '.join(STATIC_PAYLOADS)}") from None


def _audio(
    port: int,
    protocol: str,
    numbers: Sequence[tuple[str, int]],
    dtmf: int | None,
    ptime_ms: int,
    direction: str,
    crypto: Sequence[Crypto] = (),
    rtcp_mux: bool = False,
) -> MediaDescription:
    if direction not in DIRECTIONS:
        raise UsageError(f"{direction!r} is no direction; choose from {', '.join(DIRECTIONS)}")
    formats = [str(number) for _, number in numbers]
    attributes: list[Attribute] = [("crypto", str(line)) for line in crypto]
    attributes += [("rtpmap", f"{number} {codec}/{_RATE}") for codec, number in numbers]
    if dtmf is not None:
        formats.append(str(dtmf))
        attributes += [("rtpmap", f"{dtmf} telephone-event/{_RATE}"), ("fmtp", f"{dtmf} {DTMF_EVENTS}")]
    attributes += [("ptime", str(ptime_ms)), (direction, None)]
    if rtcp_mux:
        attributes.append(("rtcp-mux", None))
    return MediaDescription("audio", port, protocol, tuple(formats), None, tuple(attributes))


def _describe(
    address: str, session_id: int, version: int, media: Sequence[MediaDescription], times: str = "0 0"
) -> SessionDescription:
    return SessionDescription(Origin(session_id, version, address), tuple(media), Connection(address), (), times)
