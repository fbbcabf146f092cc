"""Key presses in INFO: application/dtmf-relay and application/dtmf, as gateways have long sent them (RFC 6086 §2)."""

import re
from typing import Final

from softswitch.errors import PeerError
from softswitch.sip.message import Request

ACCEPT: Final = "application/dtmf-relay, application/dtmf"
DEFAULT_DURATION_MS: Final = 160  # ours, where INFO says nothing
LONGEST_MS: Final = 10_000  # ours

_SIGNAL = re.compile(r"^\s*signal\s*=\s*([0-9a-d*#]|1[0-6])\s*$", re.IGNORECASE | re.MULTILINE)
_DURATION = re.compile(r"^\s*duration\s*=\s*([0-9]{1,6})\s*$", re.IGNORECASE | re.MULTILINE)
_BARE = re.compile(r"\s*([0-9a-d*#]|1[0-5])\s*", re.IGNORECASE)
_CODES = "0123456789*#ABCD"  # RFC 4733 §3.2: 10 is *, 11 is #


def digit_in(info: Request) -> tuple[str, int] | None:
    """(key, milliseconds) that an INFO reports; None for an INFO without a body.

    Raises PeerError(415) for another body and 400 for one that names no key.
    """
    if not info.body:
        return None
    text = info.body.decode("utf-8", "replace")
    if info.content_type == "application/dtmf-relay":
        signal, duration = _SIGNAL.search(text), _DURATION.search(text)
    elif info.content_type == "application/dtmf":
        signal, duration = _BARE.fullmatch(text), None
    else:
        raise PeerError("an INFO has a body that is not understood", 415)
    if signal is None:
        raise PeerError("an INFO names no key")
    key = signal[1].upper()
    if len(key) > 1:
        if int(key) >= len(_CODES):
            raise PeerError("an INFO names no key")
        key = _CODES[int(key)]
    return key, min(LONGEST_MS, int(duration[1])) if duration else DEFAULT_DURATION_MS
