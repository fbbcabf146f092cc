"""What a person may see of a call's messages: made from masked bytes, unless the person may see the whole."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepView:
    """One message of a call."""

    after_s: float
    """Since the call's first message."""
    at: str
    """ISO 8601, UTC."""
    side: str
    """"carrier" or "agent": who was at the other end."""
    peer: str
    """Address and port of the other end."""
    transport: str
    sent: bool
    """By the switch."""
    label: str
    """A request's method, or a response's status and reason."""
    cseq: str
    sdp: str
    """Codecs, direction and address; empty without SDP."""
    is_copy: bool
    """A retransmission: the same bytes, the same way, once more."""
    message: str


@dataclass(frozen=True, slots=True)
class TraceView:
    """A call's messages, on all its legs, in the order of the wire."""

    call: str
    whole: bool
    """False: numbers and names are masked."""
    switch: str
    """Our own address."""
    steps: tuple[StepView, ...]
