"""Digest authentication: its headers, its hash, and the client's side (RFC 7616, RFC 8760; RFC 3261 §22).

RFC 2617's form without qop is understood. The server's side is `authenticator`.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from softswitch.errors import PeerError
from softswitch.sip.grammar import is_token, quote, split_list, unquote
from softswitch.sip.message import Request, Response

_HASHES: Final[dict[str, Callable[[bytes], "hashlib._Hash"]]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
if "sha512_256" in hashlib.algorithms_available:  # OpenSSL's, where Python was built with it
    _HASHES["SHA-512-256"] = partial(hashlib.new, "sha512_256")
MAX_STALE_IN_A_ROW: Final = 3  # ours; a server that finds every nonce stale would have us ask for ever
_MAX_PARAMETERS: Final = 40  # ours; a dozen are defined


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for in WWW-Authenticate or Proxy-Authenticate (RFC 7616 §3.3)."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    qop: tuple[str, ...] = ()
    """Empty where the server speaks RFC 2069."""
    opaque: str | None = None
    stale: bool = False
    """The password was right, only the nonce was not: try again without asking anybody."""

    @classmethod
    def parse(cls, text: str) -> "Challenge":
        """Read a challenge. Raises PeerError where it is malformed, or of a scheme, algorithm or qop not ours."""
        params = _digest_params(text)
        if params is None:
            raise PeerError("a challenge is of another scheme than Digest")
        if "realm" not in params or "nonce" not in params:
            raise PeerError("a digest challenge lacks its realm or its nonce")
        challenge = cls(
            realm=params["realm"],
            nonce=params["nonce"],
            algorithm=params.get("algorithm", "MD5"),
            qop=tuple(value.lower() for value in split_list(params.get("qop", ""))),
            opaque=params.get("opaque"),
            stale=params.get("stale", "").lower() == "true",
        )
        if hash_name(challenge.algorithm) not in _HASHES or (
            challenge.qop and not {"auth", "auth-int"} & {*challenge.qop}
        ):
            raise PeerError("a digest challenge asks for an algorithm or a qop that is not supported")
        return challenge

    def __str__(self) -> str:
        text = f"Digest realm={quote(self.realm)}, nonce={quote(self.nonce)}, algorithm={self.algorithm}"
        if self.qop:
            text += f', qop="{",".join(self.qop)}"'
        if self.opaque is not None:
            text += f", opaque={quote(self.opaque)}"
        return f"{text}, stale=true" if self.stale else text


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client proves in Authorization or Proxy-Authorization (RFC 7616 §3.4)."""

    username: str
    realm: str
    nonce: str
    uri: str
    """The URI as it went into the hash."""
    response: str
    algorithm: str = "MD5"
    qop: str | None = None
    cnonce: str | None = None
    nc: int | None = None
    opaque: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Credentials | None":
        """Read credentials; None where they are of another scheme than Digest. Raises PeerError(400)."""
        params = _digest_params(text)
        if params is None:
            return None
        if any(name not in params for name in ("username", "realm", "nonce", "uri", "response")):
            raise PeerError("digest credentials are incomplete")
        qop = params.get("qop")
        nc = params.get("nc")
        if qop is not None:
            if params.get("cnonce") is None or nc is None or len(nc) != 8:
                raise PeerError("digest credentials with qop lack nc or cnonce")
            try:
                count: int | None = int(nc, 16)
            except ValueError as error:
                raise PeerError("a digest nonce count is no number") from error
        else:
            count = None
        return cls(
            username=params["username"],
            realm=params["realm"],
            nonce=params["nonce"],
            uri=params["uri"],
            response=params["response"],
            algorithm=params.get("algorithm", "MD5"),
            qop=qop.lower() if qop is not None else None,
            cnonce=params.get("cnonce"),
            nc=count,
            opaque=params.get("opaque"),
        )

    def __str__(self) -> str:
        text = (
            f"Digest username={quote(self.username)}, realm={quote(self.realm)}, nonce={quote(self.nonce)}, "
            f'uri={quote(self.uri)}, response="{self.response}", algorithm={self.algorithm}'
        )
        if self.cnonce is not None:
            text += f", cnonce={quote(self.cnonce)}"
        if self.qop is not None:
            text += f", qop={self.qop}, nc={self.nc or 0:08x}"
        return text if self.opaque is None else f"{text}, opaque={quote(self.opaque)}"


def hash_name(algorithm: str) -> str:
    """The hash under an algorithm's name: its -sess form differs in what is hashed, not in how (RFC 7616 §3.4.2)."""
    return algorithm.upper().removesuffix("-SESS")


def response_hash(credentials: Credentials, password: str, method: str, body: bytes = b"") -> str:
    """The `response` value that these credentials should carry (RFC 7616 §3.4.1). Raises PeerError(400)."""
    make = _HASHES.get(hash_name(credentials.algorithm))
    if make is None:
        raise PeerError("a digest algorithm is not supported")

    def digest(*parts: str) -> str:
        return make(":".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

    who = digest(credentials.username, credentials.realm, password)
    cnonce = credentials.cnonce or ""
    if credentials.algorithm.upper().endswith("-SESS"):
        who = digest(who, credentials.nonce, cnonce)
    if credentials.qop is None:
        return digest(who, credentials.nonce, digest(method, credentials.uri))
    if credentials.qop == "auth":
        what = digest(method, credentials.uri)
    elif credentials.qop == "auth-int":
        what = digest(method, credentials.uri, make(body).hexdigest())
    else:
        raise PeerError("a digest qop is not supported")
    return digest(who, credentials.nonce, f"{credentials.nc or 0:08x}", cnonce, credentials.qop, what)


def answer(
    challenge: Challenge, username: str, password: str, method: str, uri: str, cnonce: str, nc: int, body: bytes = b""
) -> str:
    """The Authorization value that answers `challenge`."""
    qop = None
    if challenge.qop:
        qop = "auth" if "auth" in challenge.qop else "auth-int"
    needs_cnonce = qop is not None or challenge.algorithm.upper().endswith("-SESS")
    credentials = Credentials(
        username, challenge.realm, challenge.nonce, uri, "", challenge.algorithm, qop,
        cnonce if needs_cnonce else None, nc if qop is not None else None, challenge.opaque,
    )  # fmt: skip
    return str(replace(credentials, response=response_hash(credentials, password, method, body)))


def verify(credentials: Credentials, password: str, method: str, body: bytes = b"") -> bool:
    """Whether the credentials prove the password; takes the same time for each wrong answer."""
    expected = response_hash(credentials, password, method, body)
    return hmac.compare_digest(expected.encode(), credentials.response.lower().encode("utf-8", "surrogateescape"))


@dataclass(slots=True)
class RealmPin:
    """The one realm for which an account's password goes into a hash; shared by its registration and its calls."""

    realm: str | None = None
    """None: not known yet; the first that asks is pinned."""


class ClientDigest:
    """A client's side of digest for one account: remembers the challenge and counts the nonce's uses.

    `realm` pins the realm whose challenges are answered; without one the first that asks is pinned, so that a
    password never goes into a hash for anybody else. Inside a dialog nothing is pinned: there it may be the far end
    that asks (it challenges our BYE, say), which has no business with our account.
    """

    def __init__(
        self, username: str, password: str, new_token: Callable[[], str], *, realm: str | RealmPin | None = None
    ) -> None:
        self._username = username
        self._password = password
        self._new_token = new_token
        self._pin = realm if isinstance(realm, RealmPin) else RealmPin(realm)
        self._challenges: dict[str, Challenge] = {}
        """By the header that answers them: a proxy and the server behind it may both ask (RFC 3261 §22.3)."""
        self._counts: dict[str, int] = {}
        self._stale_in_a_row = 0

    def receive_challenge(self, response: Response, request: Request) -> bool:
        """Note the challenge in a 401 or 407 to `request`; whether sending it again, authorised, can succeed."""
        proxy = response.status == 407
        header = "Proxy-Authorization" if proxy else "Authorization"
        challenge = self._choose(response.headers.get_all("Proxy-Authenticate" if proxy else "WWW-Authenticate"))
        if challenge is None or (self._pin.realm is None and request.to_tag is not None):
            return False
        tried = any(
            credentials is not None and credentials.realm == challenge.realm
            for credentials in map(Credentials.parse, request.headers.get_all(header))
        )
        known = self._challenges.get(header)
        # A nonce that was good before and is good no longer is stale, also where the server does not say so.
        worn = known is not None and self._counts[header] > 1 and challenge.nonce != known.nonce
        self._challenges[header], self._counts[header], self._pin.realm = challenge, 0, challenge.realm
        self._stale_in_a_row = self._stale_in_a_row + 1 if tried else 0
        return not tried or ((challenge.stale or worn) and self._stale_in_a_row <= MAX_STALE_IN_A_ROW)

    def authorise(self, request: Request) -> None:
        """Put credentials on the request for every challenge known; each call uses the next nonce count."""
        for header, challenge in self._challenges.items():
            self._counts[header] += 1
            value = answer(
                challenge, self._username, self._password, request.method, str(request.uri), self._new_token(),
                self._counts[header], request.body,
            )  # fmt: skip
            request.headers.set(header, value)

    def _choose(self, texts: Sequence[str]) -> Challenge | None:
        """The first that we can answer: the server names the best first (RFC 8760 §2.4)."""
        for text in texts:
            try:
                challenge = Challenge.parse(text)
            except PeerError:
                continue
            if self._pin.realm in (None, challenge.realm):
                return challenge
        return None


def _digest_params(text: str) -> dict[str, str] | None:
    scheme, _, rest = text.strip(" \t").partition(" ")
    if scheme.lower() != "digest":
        return None
    params: dict[str, str] = {}
    for piece in split_list(rest):
        name, equals, value = piece.partition("=")
        name = name.strip(" \t").lower()
        if not equals or not is_token(name) or name in params or len(params) >= _MAX_PARAMETERS:
            raise PeerError("a digest parameter is malformed or repeated")
        params[name] = unquote(value)
    return params
