"""DTLS-SRTP: from a handshake with a browser to the keys of its audio (RFC 5764, RFC 8827 §6.5).

OpenSSL does the handshake on memory buffers; datagrams go in and come out here. Who the other end is, its certificate's
fingerprint says, which came with the SDP over HTTPS: a handshake with anybody else fails before its keys exist.

OpenSSL keeps the retransmission timer by its own clock (1 s, doubled each time; RFC 6347 §4.2.4.1): `next_timer` says
when to look, and looking too early does nothing.
"""

import contextlib
import datetime
import secrets
import struct
from collections import deque
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from OpenSSL.crypto import X509

from softswitch.sdp.crypto import SrtpKeys
from softswitch.sdp.webrtc import DtlsRole

HANDSHAKE_S: Final = 30.0  # ours: an agent who hears nothing for so long tries again
MTU: Final = 1200  # octets of a datagram; passes wherever IPv6 does (RFC 8200 §5)
DTLS_1_2: Final = 0xFEFD
VALID_DAYS: Final = 30  # a certificate lives as long as the process; W3C webrtc-pc §4.10.1 has browsers' live 30 days
EXPORTER_LABEL: Final = b"EXTRACTOR-dtls_srtp"  # RFC 5764 §4.2
CIPHERS: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
)  # RFC 8827 §6.5: the first is what all must have; every one has forward secrecy

_RECORD_HEADER: Final = struct.Struct("!BHHIHH")
"""Content type, version, epoch, sequence (48 bits in two), length: RFC 6347 §4.1."""
_CONTENT_TYPES: Final = range(20, 24)
_LONGEST_RECORD: Final = 2**14 + 2048
_PLENTY: Final = 65536


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to protect RTP (RFC 5764 §4.1.2, RFC 7714 §14.2)."""

    name: bytes
    """As OpenSSL calls it."""
    suite: str
    """As `SrtpKeys` calls it."""
    key_bytes: int
    salt_bytes: int


PROFILES: Final = (
    Profile(b"SRTP_AEAD_AES_128_GCM", "AEAD_AES_128_GCM", 16, 12),
    Profile(b"SRTP_AES128_CM_SHA1_80", "AES_CM_128_HMAC_SHA1_80", 16, 14),
)
"""Best first: GCM costs half where the processor has AES."""


@dataclass(frozen=True, slots=True)
class DtlsConnected:
    keys: SrtpKeys


@dataclass(frozen=True, slots=True)
class DtlsFailed:
    """There will be no keys."""

    reason: str


@dataclass(frozen=True, slots=True)
class DtlsClosed:
    """The other end said goodbye (close_notify), or broke off, after the handshake."""


DtlsEvent: TypeAlias = DtlsConnected | DtlsFailed | DtlsClosed


class Certificate:
    """Ours, signed by itself; made once a process, so that nobody is known again by it the next day."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, secrets.token_hex(8))])
        today = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - datetime.timedelta(days=1))
            .not_valid_after(today + datetime.timedelta(days=VALID_DAYS))
            .sign(key, hashes.SHA256())
        )
        self.fingerprint: bytes = certificate.fingerprint(hashes.SHA256())
        self.context = SSL.Context(SSL.DTLS_METHOD)
        self.context.set_min_proto_version(DTLS_1_2)
        self.context.set_max_proto_version(DTLS_1_2)
        self.context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_QUERY_MTU)
        self.context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        self.context.set_cipher_list(CIPHERS)
        self.context.set_tlsext_use_srtp(b":".join(profile.name for profile in PROFILES))
        self.context.use_certificate(certificate)
        self.context.use_privatekey(key)
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _is_expected)


def _is_expected(connection: SSL.Connection, certificate: X509, error: int, depth: int, ok: int) -> bool:
    """Only the certificate that the SDP told of; whoever may have signed it says nothing (RFC 8827 §6.5)."""
    if depth:
        return True
    try:
        digest = certificate.to_cryptography().fingerprint(hashes.SHA256())
    except ValueError:
        return False  # OpenSSL reads more than there may be in one
    return digest in connection.get_app_data()


class _State(Enum):
    HANDSHAKING = auto()
    CONNECTED = auto()
    OVER = auto()


class DtlsAssociation:
    """One handshake and what follows it. It sends to, and must be fed from, the nominated address only."""

    def __init__(self, certificate: Certificate, role: DtlsRole, fingerprints: AbstractSet[bytes], now: float) -> None:
        """fingerprints: SHA-256 of the certificates that the other end may show."""
        self._role = role
        self._fingerprints = frozenset(fingerprints)
        self._deadline = now + HANDSHAKE_S
        self._retransmit_at: float | None = None
        self._state = _State.HANDSHAKING
        self._outgoing: deque[bytes] = deque()
        self._events: deque[DtlsEvent] = deque()
        self.malformed = 0
        """Datagrams that are not made of whole records."""
        self._connection = SSL.Connection(certificate.context)
        self._connection.set_app_data(self._fingerprints)
        self._connection.set_ciphertext_mtu(MTU)
        if role is DtlsRole.ACTIVE:
            self._connection.set_connect_state()
            self._go_on(now)
        else:
            self._connection.set_accept_state()

    def receive_datagram(self, data: bytes, now: float) -> None:
        if self._state is _State.OVER:
            return
        if not _records(data):
            self.malformed += 1
            return
        self._connection.bio_write(data)
        self._go_on(now)

    def close(self, now: float) -> None:
        """Say goodbye; `data_to_send` has what goes out last."""
        if self._state is _State.OVER:
            return
        self._end()
        with contextlib.suppress(SSL.Error):  # in the midst of the handshake there is nothing to close
            self._connection.shutdown()
        self._collect()

    def handle_timer(self, now: float) -> None:
        if self._state is not _State.HANDSHAKING:
            return
        if now >= self._deadline:
            self._fail("the handshake took too long")
        elif self._retransmit_at is not None and now >= self._retransmit_at:
            try:
                self._connection.DTLSv1_handle_timeout()
            except SSL.Error:
                self._fail("the other end does not answer")
                return
            self._collect()
            self._look_at_timer(now)

    def next_timer(self) -> float | None:
        """When to look again; None once the handshake is over."""
        if self._state is not _State.HANDSHAKING:
            return None
        return self._deadline if self._retransmit_at is None else min(self._deadline, self._retransmit_at)

    def data_to_send(self) -> list[bytes]:
        """Datagrams, each handed out once."""
        sent = list(self._outgoing)
        self._outgoing.clear()
        return sent

    def next_event(self) -> DtlsEvent | None:
        return self._events.popleft() if self._events else None

    def _go_on(self, now: float) -> None:
        if self._state is _State.HANDSHAKING:
            try:
                self._connection.do_handshake()
            except SSL.WantReadError:
                pass
            except SSL.Error as error:
                self._collect()  # the alert that says why
                self._fail(_reason_of(error))
                return
            else:
                self._finish()
        if self._state is _State.CONNECTED:
            self._listen()
        self._collect()
        self._look_at_timer(now)

    def _finish(self) -> None:
        shown = self._connection.get_peer_certificate(as_cryptography=True)
        if shown is None or shown.fingerprint(hashes.SHA256()) not in self._fingerprints:
            self._fail("the certificate is not the one that the offer told of")
            return
        name = self._connection.get_selected_srtp_profile()
        profile = next((one for one in PROFILES if one.name == name), None)
        if profile is None:
            self._fail("no SRTP profile in common")
            return
        self._state = _State.CONNECTED
        self._events.append(DtlsConnected(self._export(profile)))

    def _export(self, profile: Profile) -> SrtpKeys:
        """client_write_key, server_write_key, client_write_salt, server_write_salt (RFC 5764 §4.2)."""
        key, salt = profile.key_bytes, profile.salt_bytes
        material = self._connection.export_keying_material(EXPORTER_LABEL, 2 * (key + salt))
        client = material[:key] + material[2 * key : 2 * key + salt]
        server = material[key : 2 * key] + material[2 * key + salt :]
        if self._role is DtlsRole.ACTIVE:
            return SrtpKeys(profile.suite, sending=client, receiving=server)
        return SrtpKeys(profile.suite, sending=server, receiving=client)

    def _listen(self) -> None:
        """Alerts, and copies of the last flight. Data of applications is none of ours, and is dropped."""
        try:
            while True:
                self._connection.recv(_PLENTY)
        except SSL.WantReadError:
            return
        except SSL.Error:
            self._end()
            self._events.append(DtlsClosed())

    def _collect(self) -> None:
        """Take out what OpenSSL wrote; it runs datagrams together, so records are put into new ones."""
        written = b""
        while True:
            try:
                written += self._connection.bio_read(_PLENTY)
            except SSL.Error:
                break
        datagram = b""
        for record in _records(written):
            if datagram and len(datagram) + len(record) > MTU:
                self._outgoing.append(datagram)
                datagram = b""
            datagram += record
        if datagram:
            self._outgoing.append(datagram)

    def _look_at_timer(self, now: float) -> None:
        left_s = self._connection.DTLSv1_get_timeout() if self._state is _State.HANDSHAKING else None
        self._retransmit_at = None if left_s is None else now + left_s

    def _fail(self, reason: str) -> None:
        self._end()
        self._events.append(DtlsFailed(reason))

    def _end(self) -> None:
        self._state = _State.OVER


def is_dtls(data: bytes) -> bool:
    """Whether a datagram's first byte says DTLS (RFC 7983 §7)."""
    return bool(data) and 20 <= data[0] <= 63


def _records(data: bytes) -> list[bytes]:
    """The records of a datagram; none where they do not fill it exactly, as what is left over would be taken for the
    beginning of the next datagram."""
    records = []
    position = 0
    while position < len(data):
        if len(data) - position < _RECORD_HEADER.size:
            return []
        content, version, *_, length = _RECORD_HEADER.unpack_from(data, position)
        end = position + _RECORD_HEADER.size + length
        if content not in _CONTENT_TYPES or version >> 8 != 0xFE or length > _LONGEST_RECORD or end > len(data):
            return []
        records.append(data[position:end])
        position = end
    return records


def _reason_of(error: SSL.Error) -> str:
    """OpenSSL's own words, without where in its sources they were said."""
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return "; ".join(str(entry[-1]) for entry in entries) or type(error).__name__
