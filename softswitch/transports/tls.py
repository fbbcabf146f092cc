"""TLS under a SIP connection (RFC 3261 §26.3, RFC 5922): whose certificates count, and the channel that uses them."""

import ssl
from pathlib import Path

import structlog

from softswitch.errors import UsageError
from softswitch.transports.tcp import Channel

LOOK_AGAIN_S = 60.0
"""How often, at most, the certificate's file is looked at for a new one."""
READ_BYTES = 1 << 16

log = structlog.get_logger(__name__)


class Certificates:
    """Our certificate, and who vouches for others'. Raises UsageError with what to do about a file that will not serve.

    certificate, key: PEM; needed for accepting, and shown to a server that asks for one.
    authorities: PEM; vouch for the servers that we connect to; None: the system's.
    client_authorities: PEM; if given, who connects to us must show a certificate that they vouch for (mutual TLS).
    """

    def __init__(
        self,
        certificate: Path | None = None,
        key: Path | None = None,
        *,
        authorities: Path | None = None,
        client_authorities: Path | None = None,
    ) -> None:
        self._files = (certificate, key)
        self._stamp = self._stamps()
        self._looked_at = 0.0
        self._client = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
        if authorities is not None:
            self._client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name
            _load_authorities(self._client, authorities, "authorities")
        self._server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # A resumed session would let a client in whose certificate has run out since.
        self._server.num_tickets = 0
        self._server.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        for context in (self._client, self._server):
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        if client_authorities is not None:
            self._server.verify_mode = ssl.CERT_REQUIRED
            _load_authorities(self._server, client_authorities, "client_authorities")
        if certificate is not None:
            self._load()

    @property
    def can_accept(self) -> bool:
        return self._files[0] is not None

    def accepting(self, now: float) -> ssl.SSLContext:
        """For a connection that we accept; takes up a certificate that was renewed on disk."""
        if now - self._looked_at >= LOOK_AGAIN_S:
            self._looked_at = now
            stamp = self._stamps()
            if stamp != self._stamp:
                try:
                    self._load()
                except UsageError as error:
                    log.error("the renewed certificate cannot be used, the old one stays", reason=str(error))
                else:
                    self._stamp = stamp
                    log.info("certificate renewed")
        return self._server

    def connecting(self) -> ssl.SSLContext:
        return self._client

    def _load(self) -> None:
        certificate, key = self._files
        assert certificate is not None
        for context in (self._server, self._client):
            try:
                # With a password at hand OpenSSL does not stop the switch to ask for one.
                context.load_cert_chain(certificate, key, password=lambda: b"")
            except (OSError, ssl.SSLError, ValueError) as error:
                raise UsageError(
                    f"the certificate {certificate} with the key {key or certificate} cannot be used "
                    f"({_reason(error)}): give a PEM file with the certificate and its chain in [sip] certificate, "
                    f"and its unencrypted PEM key in [sip] certificate_key, both readable by this user"
                ) from error

    def _stamps(self) -> tuple[int, ...]:
        stamps = []
        for path in self._files:
            try:
                stamps.append(path.stat().st_mtime_ns if path is not None else 0)
            except OSError:
                stamps.append(-1)
        return tuple(stamps)


class TlsChannel:
    """Another channel, inside TLS.

    server_name: whom the server's certificate must name, host or address; None where we are the server.
    """

    def __init__(self, inner: Channel, context: ssl.SSLContext, server_name: str | None) -> None:
        self._inner = inner
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_name is None, server_hostname=server_name
        )
        self._shaken = False
        self._ending = ""
        self._shake()

    @property
    def is_ready(self) -> bool:
        return self._shaken and self._inner.is_ready

    @property
    def is_between_messages(self) -> bool:
        return self._inner.is_between_messages

    @property
    def ending(self) -> str:
        return self._ending or self._inner.ending

    def receive(self, data: bytes) -> list[bytes]:
        self._incoming.write(data)
        if not self._shaken and not self._shake():
            return []
        messages: list[bytes] = []
        while not self.ending:
            try:
                plain = self._tls.read(READ_BYTES)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError as error:
                self._ending = _reason(error)
                break
            if not plain:
                self._ending = "closed by the peer"
                break
            messages += self._inner.receive(plain)
        return messages

    def wrap(self, message: bytes) -> bytes:
        return self._seal(self._inner.wrap(message))

    def ping(self) -> bytes:
        return self._seal(self._inner.ping())

    def answers(self) -> bytes:
        if self._shaken and (plain := self._inner.answers()):
            return self._seal(plain)
        return self._outgoing.read()

    def _shake(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            self._ending = _reason(error)
            return False
        self._shaken = True
        return True

    def _seal(self, plain: bytes) -> bytes:
        try:
            self._tls.write(plain)
        except ssl.SSLError as error:
            self._ending = self._ending or _reason(error)
        return self._outgoing.read()


def _load_authorities(context: ssl.SSLContext, path: Path, key: str) -> None:
    try:
        context.load_verify_locations(path)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"{path} holds no certificates to trust ({_reason(error)}): "
            f"give a PEM file with the certificates of the authorities in [sip] {key}"
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS error").replace("_", " ").lower()
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
