"""Answers to digest challenges within one call, and when to stop answering (RFC 3261 §22.2, §22.3)."""

from softswitch.errors import PeerError
from softswitch.sip.digest import ClientDigest
from softswitch.sip.message import Request, Response

MOST_CHALLENGES = 3  # a server that finds every nonce stale would have us ask for ever


class Challenges:
    """One leg's. Without a digest no challenge is answered: an agent's phone has no business asking for a password."""

    def __init__(self, digest: ClientDigest | None) -> None:
        self._digest = digest
        self._in_a_row = 0

    @property
    def has_answered(self) -> bool:
        """Whether the next request is better sent with credentials at once."""
        return self._in_a_row > 0

    def can_answer(self, request: Request, response: Response) -> bool:
        """Note a 401 or 407; whether answering can succeed. One of another realm, or after a refusal, cannot."""
        if self._digest is None:
            return False
        if "Authorization" not in request.headers and "Proxy-Authorization" not in request.headers:
            self._in_a_row = 0
        self._in_a_row += 1
        if self._in_a_row > MOST_CHALLENGES:
            return False
        try:
            return self._digest.receive_challenge(response, request)
        except PeerError:
            return False

    def authorise(self, request: Request) -> None:
        """Put the answer on a request that is sent anew."""
        if self._digest is not None:
            self._digest.authorise(request)
