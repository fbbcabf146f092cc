"""A browser's offer of a call, and our answer to it: one audio stream over ICE and DTLS-SRTP (RFC 8829, JSEP).

We are an ICE-lite end (RFC 8445 §2.5) on one known address, RTP and RTCP on one port (RFC 5761), and take audio alone.
What is missing for that, or is contradictory, is PeerError(488): half of a secure call is none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from softswitch.errors import PeerError, UsageError
from softswitch.sdp.session import Attribute, Connection, MediaDescription, Origin, SessionDescription

CODECS: Final = ("PCMU", "PCMA", "G722")
"""What can be agreed with a browser, in the order of our offers to carriers: both ends of a call mostly speak the
same."""
PROTOCOLS: Final = frozenset({"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"})  # RFC 5764 §8; JSEP §5.1.2
STATIC_PAYLOADS: Final = {"0": "PCMU", "8": "PCMA", "9": "G722"}  # RFC 3551 table 4
PTIME_MS: Final = 20
FINGERPRINT_BYTES: Final = 32  # of SHA-256
HOST_PREFERENCE: Final = 126  # RFC 8445 §5.1.2.2
ONLY_CANDIDATE: Final = HOST_PREFERENCE << 24 | 65535 << 8 | 255  # §5.1.2.1, component 1

_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 §5.4
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_SHA_256 = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31}")  # RFC 8122 §5
_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,64}")
_PAYLOAD = re.compile(r"0|[1-9][0-9]?|1[01][0-9]|12[0-7]")
_MIRRORED: Final = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class DtlsRole(StrEnum):
    """Which end begins the DTLS handshake, as a=setup says it (RFC 4145 §4, RFC 5763 §5)."""

    ACTIVE = "active"
    """Sends the ClientHello."""
    PASSIVE = "passive"


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """What binding requests to one end carry and are signed with (RFC 8445 §5.3)."""

    ufrag: str
    password: str


@dataclass(frozen=True, slots=True)
class BrowserOffer:
    """What a browser wants, as far as it concerns us."""

    session: SessionDescription
    audio: int
    """Place of the audio among the m= lines."""
    mid: str
    """RFC 5888; empty where the offer names none."""
    bundled: bool
    """Whether the audio is in the BUNDLE group (RFC 9143)."""
    remote: IceCredentials
    fingerprints: frozenset[bytes]
    """SHA-256 of the certificates that the browser may show: 32 bytes each."""
    our_role: DtlsRole
    codec: str
    payload_type: int
    dtmf_payload_type: int | None
    """telephone-event at 8000 Hz; None where there is none."""
    direction: str
    """Ours."""

    @property
    def sends(self) -> bool:
        """Whether the browser wants to hear us."""
        return self.direction in ("sendrecv", "sendonly")

    @classmethod
    def parse(cls, offer: bytes, codecs: Sequence[str] = CODECS) -> "BrowserOffer":
        """Read an offer; the first audio line that can be taken is. Raises PeerError(488).

        codecs: what may be agreed, best first.
        """
        if any(codec not in CODECS for codec in codecs):
            raise UsageError(f"a browser may be offered {', '.join(CODECS)}")
        session = SessionDescription.parse(offer)
        why = "an offer holds no audio over DTLS-SRTP"
        for index, media in enumerate(session.media):
            if media.kind != "audio" or media.protocol not in PROTOCOLS:
                continue
            if media.port == 0 and media.attribute("bundle-only") is None:
                continue
            try:
                return cls._take(session, index, codecs)
            except PeerError as error:
                why = str(error)
        raise PeerError(why, 488)

    @classmethod
    def _take(cls, session: SessionDescription, index: int, codecs: Sequence[str]) -> "BrowserOffer":
        media = session.media[index]
        mid = media.attribute("mid") or ""
        if mid and not _TOKEN.fullmatch(mid):
            raise _refused("a mid that is no token")
        group = _bundle_of(session)
        if media.attribute("rtcp-mux") is None:
            raise _refused("no rtcp-mux, and RTCP has no port of its own here")
        transport = _Transport(session, media, group if mid in group else [])
        if _has_flag(session, "ice-lite"):
            raise _refused("ice-lite at both ends, so that nobody would begin")
        codec, payload_type, events = _formats_of(media, codecs)
        return cls(
            session=session,
            audio=index,
            mid=mid,
            bundled=bool(mid) and mid in group,
            remote=transport.credentials(),
            fingerprints=transport.fingerprints(),
            our_role=transport.our_role(),
            codec=codec,
            payload_type=payload_type,
            dtmf_payload_type=events,
            direction=_MIRRORED[session.direction_of(media)],
        )

    def answer(self, address: str, port: int, credentials: IceCredentials, fingerprint: bytes, session_id: int) -> str:
        """Our answer: everything but the audio is refused in its place.

        address, port: where we are; the one candidate.  fingerprint: SHA-256 of our certificate, 32 bytes.
        """
        if len(fingerprint) != FINGERPRINT_BYTES:
            raise UsageError("a fingerprint is the SHA-256 of a certificate, 32 bytes")
        media = [
            self._audio(address, port, credentials, fingerprint) if index == self.audio else _refusal_of(offered)
            for index, offered in enumerate(self.session.media)
        ]
        attributes: list[Attribute] = [("ice-lite", None)]
        if self.bundled:
            attributes.append(("group", f"BUNDLE {self.mid}"))
        return str(SessionDescription(Origin(session_id, 1, address), tuple(media), None, tuple(attributes), name="-"))

    def _audio(self, address: str, port: int, credentials: IceCredentials, fingerprint: bytes) -> MediaDescription:
        formats = [str(self.payload_type)]
        attributes: list[Attribute] = [("mid", self.mid)] if self.mid else []
        attributes += [
            ("ice-ufrag", credentials.ufrag),
            ("ice-pwd", credentials.password),
            ("fingerprint", f"sha-256 {fingerprint.hex(':').upper()}"),
            ("setup", str(self.our_role)),
            ("rtcp-mux", None),
            (self.direction, None),
            ("rtpmap", f"{self.payload_type} {self.codec}/8000"),
        ]
        if self.dtmf_payload_type is not None:
            formats.append(str(self.dtmf_payload_type))
            attributes += [
                ("rtpmap", f"{self.dtmf_payload_type} telephone-event/8000"),
                ("fmtp", f"{self.dtmf_payload_type} 0-15"),
            ]
        attributes += [
            ("ptime", str(PTIME_MS)),
            ("msid", "- audio"),  # a track without a stream; the names say nothing
            ("candidate", f"1 1 udp {ONLY_CANDIDATE} {address} {port} typ host"),
            ("end-of-candidates", None),
        ]
        offered = self.session.media[self.audio]
        return MediaDescription("audio", port, offered.protocol, tuple(formats), Connection(address), tuple(attributes))


class _Transport:
    """Where an offer says how its audio travels: in the medium, else in the session, else in the section that its
    BUNDLE group is tagged by (RFC 9143 §7.2: a bundle-only section has no transport of its own)."""

    def __init__(self, session: SessionDescription, media: MediaDescription, group: Sequence[str]) -> None:
        tagged = [one for one in session.media if group and one.attribute("mid") == group[0]]
        self._places = [media.attributes, session.attributes, *(one.attributes for one in tagged)]

    def credentials(self) -> IceCredentials:
        ufrag, password = self._value("ice-ufrag"), self._value("ice-pwd")
        if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
            raise _refused("no ice-ufrag and ice-pwd of the right form")
        return IceCredentials(ufrag, password)

    def fingerprints(self) -> frozenset[bytes]:
        """Certificates by SHA-256; those by other digests say nothing more (RFC 8122 §5: any one may match)."""
        found = set()
        for value in self._values("fingerprint"):
            name, _, digest = value.partition(" ")
            if name.lower() == "sha-256":
                if not _SHA_256.fullmatch(digest.strip()):
                    raise _refused("a fingerprint that is malformed")
                found.add(bytes.fromhex(digest.strip().replace(":", "")))
        if not found:
            raise _refused("no fingerprint by sha-256")
        return frozenset(found)

    def our_role(self) -> DtlsRole:
        """Active where we may choose: it saves a round trip (RFC 5763 §5)."""
        match self._value("setup"):
            case "actpass" | "passive":
                return DtlsRole.ACTIVE
            case "active":
                return DtlsRole.PASSIVE
        raise _refused("no a=setup that can be answered")

    def _values(self, name: str) -> list[str]:
        for place in self._places:
            values = [value for found, value in place if found == name and value]
            if values:
                return values
        return []

    def _value(self, name: str) -> str:
        return next(iter(self._values(name)), "")


def _has_flag(session: SessionDescription, name: str) -> bool:
    return any(found == name for found, _ in session.attributes)


def _bundle_of(session: SessionDescription) -> list[str]:
    for name, value in session.attributes:
        words = (value or "").split()
        if name == "group" and words and words[0] == "BUNDLE":
            return words[1:]
    return []


def _formats_of(media: MediaDescription, codecs: Sequence[str]) -> tuple[str, int, int | None]:
    """(codec, its payload type, telephone-event's) of what is offered at 8000 Hz on one channel.

    G.722 says 8000 too, though it samples at 16,000 (RFC 3551 §4.5.2).
    """
    mapped: dict[str, str] = {}
    for value in media.values("rtpmap"):
        number, _, encoding = value.partition(" ")
        name, _, rate = encoding.strip().partition("/")
        mapped.setdefault(number, name.upper() if rate in ("8000", "8000/1") else "")
    found: dict[str, int] = {}
    for number in media.formats:
        codec = mapped[number] if number in mapped else STATIC_PAYLOADS.get(number, "")
        if codec and _PAYLOAD.fullmatch(number):
            found.setdefault(codec, int(number))
    for codec in codecs:
        if codec in found:
            return codec, found[codec], found.get("TELEPHONE-EVENT")
    raise _refused(f"no codec that is spoken here: {', '.join(codecs)}")


def _refusal_of(offered: MediaDescription) -> MediaDescription:
    mid = offered.attribute("mid") or ""
    attributes: list[Attribute] = [("mid", mid)] if _TOKEN.fullmatch(mid) else []
    return MediaDescription(
        offered.kind, 0, offered.protocol, offered.formats, Connection("0.0.0.0"), (*attributes, ("inactive", None))
    )


def _refused(what: str) -> PeerError:
    return PeerError(f"a browser's offer has {what}", 488)
