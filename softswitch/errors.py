"""Who erred, and what to do about it."""


class SoftswitchError(Exception):
    """Base of every error that this package raises on purpose."""


class PeerError(SoftswitchError):
    """The other end erred; `status` is the SIP status to answer with (RFC 3261 §21)."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class UsageError(SoftswitchError):
    """Our caller or user erred; the text says what to do."""
