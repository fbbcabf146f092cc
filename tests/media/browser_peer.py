"""A small browser: it offers, checks, shakes hands and speaks SRTP, by libraries that are not the switch's own choice
where there are such (aioice's STUN, libsrtp through pylibsrtp)."""

import secrets
import struct
from dataclasses import dataclass, field

import pylibsrtp
from aioice import stun

from softswitch.media.dtls import Certificate, DtlsAssociation, DtlsConnected, DtlsEvent, is_dtls
from softswitch.media.ice import Address, is_stun
from softswitch.sdp.crypto import SrtpKeys
from softswitch.sdp.session import SessionDescription
from softswitch.sdp.webrtc import DtlsRole

PRIORITY = 0x6E0001FF
PAYLOAD_TYPE = 0
PROFILES = {
    "AEAD_AES_128_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AES_CM_128_HMAC_SHA1_80": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


@dataclass(slots=True)
class BrowserPeer:
    """Sans I/O: datagrams to send are returned, datagrams received are handed in."""

    setup: str = "actpass"
    certificate: Certificate = field(default_factory=Certificate)
    told_fingerprint: bytes = b""
    """What the offer says of the certificate, where it lies."""
    direction: str = "sendrecv"
    ufrag: str = field(default_factory=lambda: secrets.token_hex(4))
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    ssrc: int = field(default_factory=lambda: secrets.randbits(32))
    keys: SrtpKeys | None = None
    events: list[DtlsEvent] = field(default_factory=list)
    answered_checks: int = 0
    payloads: list[bytes] = field(default_factory=list)
    """What was heard: authenticated and decrypted."""
    forged: int = 0
    """RTP that did not authenticate."""
    remote: Address = ("", 0)
    remote_username: str = ""
    remote_password: str = ""
    _dtls: DtlsAssociation | None = None
    _role: DtlsRole = DtlsRole.PASSIVE
    _expected: frozenset[bytes] = frozenset()
    _inbound: pylibsrtp.Session | None = None
    _outbound: pylibsrtp.Session | None = None
    _sequence: int = 1000
    _timestamp: int = 160

    def offer(self) -> bytes:
        fingerprint = self.told_fingerprint or self.certificate.fingerprint
        return "\r\n".join(
            [
                "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
                "m=audio 9 UDP/TLS/RTP/SAVPF 0 8 101", "c=IN IP4 0.0.0.0", f"a=ice-ufrag:{self.ufrag}",
                f"a=ice-pwd:{self.password}", f"a=fingerprint:sha-256 {fingerprint.hex(':').upper()}",
                f"a=setup:{self.setup}", "a=mid:0", f"a={self.direction}", "a=rtcp-mux", "a=rtpmap:0 PCMU/8000",
                "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000", "",
            ]
        ).encode()  # fmt: skip

    def receive_answer(self, answer: bytes, now: float) -> None:
        session = SessionDescription.parse(answer)
        (media,) = session.media
        assert session.connection_of(media) is not None
        address = media.connection.address if media.connection else ""
        self.remote = (address, media.port)
        self.remote_username = media.attribute("ice-ufrag") or ""
        self.remote_password = media.attribute("ice-pwd") or ""
        digest = (media.attribute("fingerprint") or "").removeprefix("sha-256 ").replace(":", "")
        self._expected = frozenset([bytes.fromhex(digest)])
        theirs = media.attribute("setup")
        self._role = DtlsRole.ACTIVE if theirs == "passive" else DtlsRole.PASSIVE

    def check(self, *, nominates: bool = True) -> bytes:
        """A connectivity check, which is also a plea for consent."""
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes = {"USERNAME": f"{self.remote_username}:{self.ufrag}", "PRIORITY": PRIORITY}
        message.attributes["ICE-CONTROLLING"] = 7
        if nominates:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(self.remote_password.encode())
        return bytes(message)

    def receive_datagram(self, data: bytes, now: float) -> list[bytes]:
        """What is to be sent in return."""
        if is_stun(data):
            answer = stun.parse_message(data)
            if answer.message_class is stun.Class.RESPONSE:
                assert answer.check_message_integrity(self.remote_password.encode())
                self.answered_checks += 1
                if self._dtls is None:
                    self._dtls = DtlsAssociation(self.certificate, self._role, self._expected, now)
        elif is_dtls(data):
            if self._dtls is None:
                self._dtls = DtlsAssociation(self.certificate, self._role, self._expected, now)
            self._dtls.receive_datagram(data, now)
        elif self._inbound is not None:
            self._receive_audio(data)
        return self.go_on(now)

    def go_on(self, now: float) -> list[bytes]:
        """After any input, and when time has passed."""
        if self._dtls is None:
            return []
        self._dtls.handle_timer(now)
        while (event := self._dtls.next_event()) is not None:
            self.events.append(event)
            if isinstance(event, DtlsConnected):
                self._use(event.keys)
        return self._dtls.data_to_send()

    def close(self, now: float) -> list[bytes]:
        assert self._dtls is not None
        self._dtls.close(now)
        return self._dtls.data_to_send()

    def say(self, payload: bytes) -> bytes:
        """The next SRTP packet."""
        assert self._outbound is not None
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp += len(payload)
        head = struct.pack("!BBHII", 0x80, PAYLOAD_TYPE, self._sequence, self._timestamp & 0xFFFFFFFF, self.ssrc)
        return bytes(self._outbound.protect(head + payload))

    def _use(self, keys: SrtpKeys) -> None:
        self.keys = keys
        profile = PROFILES[keys.suite]
        inbound = pylibsrtp.Policy(keys.receiving, pylibsrtp.Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
        outbound = pylibsrtp.Policy(keys.sending, pylibsrtp.Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile)
        self._inbound, self._outbound = pylibsrtp.Session(inbound), pylibsrtp.Session(outbound)

    def _receive_audio(self, data: bytes) -> None:
        assert self._inbound is not None
        if 64 <= data[1] & 0x7F < 96:  # RTCP (RFC 5761 §4)
            return
        try:
            packet = self._inbound.unprotect(data)
        except pylibsrtp.Error:
            self.forged += 1
            return
        self.payloads.append(bytes(packet[12:]))
