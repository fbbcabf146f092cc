"""A server's side of digest authentication: who sent a request (RFC 7616, RFC 8760; RFC 3261 §22).

Our nonces need no memory to be recognised: each carries its time and a keyed hash, which also binds it to the source
that it was given to. What is remembered, and bounded, is how far each nonce has been used, so that no request can be
played again.

A password is looked at only under a fresh nonce of ours from the source that was given it, and only where that source
has not guessed too often: so nobody is struck for what another sent in the name of his address, and a guess costs a
round trip. Known and unknown users get the same answer for the same work in every case.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from softswitch.errors import PeerError, UsageError
from softswitch.sip.digest import Challenge, Credentials, hash_name, verify
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.sources import Guesses
from softswitch.sip.uri import Uri

ALGORITHMS: Final = ("SHA-256", "MD5")
"""What we offer, best first (RFC 8760 §2.4); each also in its -sess form. SHA-512-256 may be added in front."""


class NonceUse(Enum):
    """What a server makes of a nonce that came back."""

    FRESH = auto()
    STALE = auto()
    """Ours once; expired, or used this far already."""
    FOREIGN = auto()
    """Never ours, or of a former process."""


class Nonces:
    """A server's nonces: unguessable, expiring, each nonce count accepted once (RFC 7616 §3.3, §5.4).

    `secret` keys the hash that tells our own nonces; make it anew for each process. Memory is bounded: when
    `max_tracked` nonces are in use, the oldest is forgotten and is stale from then on, with all as old as it.
    """

    def __init__(
        self, secret: bytes, new_token: Callable[[], str], *, lifetime_s: float = 300.0, max_tracked: int = 10_000
    ) -> None:
        if len(secret) < 16:
            raise UsageError("give Nonces a secret of at least 16 random bytes")
        self._secret = secret
        self._new_token = new_token
        self._lifetime_s = lifetime_s
        self._max_tracked = max_tracked
        self._used: dict[str, tuple[float, int]] = {}  # nonce -> (issued, highest count)
        self._forgotten_until = float("-inf")

    def issue(self, now: float, source: str = "") -> str:
        """A nonce for this source that is fresh until `lifetime_s` from now."""
        stamp = f"{int(now * 1000):x}-{self._new_token()}"
        return f"{stamp}-{self._seal(stamp, source)}"

    def look(self, nonce: str, nc: int | None, now: float, source: str = "") -> NonceUse:
        """What `use` would say, without taking note."""
        stamp, _, seal = nonce.rpartition("-")
        if not hmac.compare_digest(self._seal(stamp, source).encode(), seal.encode("utf-8", "surrogateescape")):
            return NonceUse.FOREIGN
        issued = _issued(stamp)
        if now >= issued + self._lifetime_s:
            self._used.pop(nonce, None)
            return NonceUse.STALE
        known = self._used.get(nonce)
        if known is None and issued <= self._forgotten_until:
            return NonceUse.STALE
        highest = known[1] if known is not None else 0
        return NonceUse.FRESH if (1 if nc is None else nc) > highest else NonceUse.STALE

    def use(self, nonce: str, nc: int | None, now: float, source: str = "") -> NonceUse:
        """Take note that the nonce was used with count `nc`; None (RFC 2069) may come once only.

        To be asked after the password has been found right, so that a stranger cannot wear nonces out.
        """
        found = self.look(nonce, nc, now, source)
        if found is NonceUse.FRESH:
            self._used[nonce] = (_issued(nonce), 1 if nc is None else nc)
            self._forget_some(now)
        return found

    def _forget_some(self, now: float) -> None:
        if len(self._used) <= self._max_tracked:
            return
        self._used = {nonce: use for nonce, use in self._used.items() if now < use[0] + self._lifetime_s}
        excess = len(self._used) - self._max_tracked * 3 // 4
        if excess > 0:
            for nonce, (issued, _) in sorted(self._used.items(), key=lambda item: item[1][0])[:excess]:
                del self._used[nonce]
                self._forgotten_until = max(self._forgotten_until, issued)

    def _seal(self, stamp: str, source: str) -> str:
        sealed = f"{stamp} {source}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._secret, sealed, "sha256").hex()[:32]


def _issued(nonce: str) -> float:
    """When one of our nonces was made."""
    return int(nonce.partition("-")[0], 16) / 1000


@dataclass(frozen=True, slots=True)
class Authentication:
    """What a request proved."""

    username: str | None
    """None: nobody; answer with `Authenticator.challenge`."""
    stale: bool = False
    """Only the nonce has to be taken anew; no password was looked at, or it was right (RFC 7616 §3.3)."""


Listener: TypeAlias = Callable[[str, str, bool, float], None]
"""Told of each password under a nonce of ours: the name given, the source, whether it was right (never while locked
out), and when."""


class Authenticator:
    """A server's side of digest for one realm: challenges, and checks what comes back.

    An unknown user costs the same work and gets the same answer as a wrong password. `source` is where a request came
    from (see `sources.source_of`); nonces and lockouts are bound to it.

    qop: what challenges offer; ("auth", "auth-int") lets a client that can protect its bodies too.
    """

    def __init__(
        self,
        realm: str,
        passwords: Callable[[str], str | None],
        nonces: Nonces,
        *,
        algorithms: Sequence[str] = ALGORITHMS,
        qop: Sequence[str] = ("auth",),
        guesses: Guesses | None = None,
        listener: Listener | None = None,
    ) -> None:
        self._realm = realm
        self._passwords = passwords
        self._nonces = nonces
        self._algorithms = tuple(algorithms)
        self._qop = tuple(qop)
        self._guesses = guesses or Guesses()
        self._listener = listener
        self._nobodys_password = nonces.issue(0.0)

    def check(self, request: Request, now: float, *, source: str = "", proxy: bool = False) -> Authentication:
        """Who sent the request. Raises PeerError(400) for credentials that cannot be read."""
        for text in request.headers.get_all("Proxy-Authorization" if proxy else "Authorization"):
            credentials = Credentials.parse(text)
            if credentials is not None and credentials.realm == self._realm:
                return self._check(credentials, request, source, now)
        return Authentication(None)

    def challenge(
        self,
        request: Request,
        authentication: Authentication,
        now: float,
        *,
        to_tag: str,
        source: str = "",
        proxy: bool = False,
    ) -> Response:
        """The 401 (407 with `proxy`) that asks for credentials, the best algorithm first (RFC 8760 §2.4)."""
        name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
        nonce = self._nonces.issue(now, source)
        asked = [
            (name, Challenge(self._realm, nonce, algorithm, self._qop, stale=authentication.stale))
            for algorithm in self._algorithms
        ]
        return response_to(request, 407 if proxy else 401, to_tag=to_tag, headers=asked)

    def _check(self, credentials: Credentials, request: Request, source: str, now: float) -> Authentication:
        username = credentials.username
        if hash_name(credentials.algorithm) not in self._algorithms or not _same_target(credentials.uri, request.uri):
            return Authentication(None)
        if self._nonces.look(credentials.nonce, credentials.nc, now, source) is not NonceUse.FRESH:
            return Authentication(None, stale=True)
        is_locked = self._guesses.is_locked(username, source, now)
        is_right = not is_locked and self._proves(credentials, request)
        if self._listener is not None:
            self._listener(username, source, is_right, now)
        if not is_right:
            if not is_locked:
                self._guesses.receive_wrong(username, source, now)
            return Authentication(None)
        self._guesses.receive_right(username, source)
        self._nonces.use(credentials.nonce, credentials.nc, now, source)
        return Authentication(username)

    def _proves(self, credentials: Credentials, request: Request) -> bool:
        password = self._passwords(credentials.username)
        proved = verify(
            credentials, self._nobodys_password if password is None else password, request.method, request.body
        )
        return proved and password is not None


def _same_target(text: str, target: Uri) -> bool:
    """Whether the URI in credentials is the request's, or names its domain alone, as several phones and SIPp do.

    Parameters are not looked at: phones and proxies add and drop them on the way (RFC 7616 §3.4.6).
    """
    try:
        uri = Uri.parse(text)
    except PeerError:
        return False
    return uri.without_params() == target.without_params() or (
        not uri.user and not uri.opaque and uri.host.lower() == target.host.lower()
    )
