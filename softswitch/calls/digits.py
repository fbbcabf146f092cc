"""Key presses in INFO: application/dtmf-relay and application/dtmf, as gateways have long sent them (RFC 6086 §2).

No document prescribes their bodies, so what is known from phones and gateways is taken, however it is written. A hook
flash is understood, and nothing comes of it: nobody here puts a call on hold by the hook.
"""

import re
from typing import Final

from softswitch.errors import PeerError
from softswitch.sip.message import Request

ACCEPT: Final = "application/dtmf-relay, application/dtmf"
_OF_KEYS: Final = frozenset({"application/dtmf-relay", "application/dtmf", "application/vnd.nortelnetworks.digits"})
HOOK_FLASH: Final = frozenset({"application/hook-flash", "application/broadsoft"})
"""Types of bodies that tell of the hook alone."""
DEFAULT_DURATION_MS: Final = 160  # ours, where INFO says nothing
LONGEST_MS: Final = 10_000  # ours

_SIGNAL = re.compile(r'^[ \t]*(?:signal|d)[ \t]*[=:][ \t]*"?([^\s"]{1,5})"?[ \t]*$', re.IGNORECASE | re.MULTILINE)
_DURATION = re.compile(r"^[ \t]*duration[ \t]*[=:][ \t]*([0-9]{1,6})[ \t]*$", re.IGNORECASE | re.MULTILINE)
_CODES = "0123456789*#ABCD"  # RFC 4733 §3.2: 10 is *, 11 is #
_KEYS: Final = {str(code): key for code, key in enumerate(_CODES)} | {key: key for key in _CODES}
_KEYS_BY_NAME: Final = {"STAR": "*", "POUND": "#", "HASH": "#"}
_FLASH: Final = frozenset({"16", "!", "R", "HF", "FLASH"})  # 16: RFC 2833 §3.11


def digit_in(info: Request) -> tuple[str, int] | None:
    """(key, milliseconds) that an INFO reports; None for an INFO without a body, and for a hook flash.

    Raises PeerError(415) for another body and 400 for one that names no key.
    """
    if not info.body or info.content_type in HOOK_FLASH:
        return None
    text = info.body.decode("utf-8", "replace").replace("\r", "\n")
    if info.content_type not in _OF_KEYS:
        raise PeerError("an INFO has a body that is not understood", 415)
    signal = _SIGNAL.search(text)
    name = (text.strip() if signal is None else signal[1]).upper()
    if name in _FLASH:
        return None
    key = _KEYS.get(name) or _KEYS_BY_NAME.get(name)
    if key is None:
        raise PeerError("an INFO names no key")
    duration = _DURATION.search(text)
    return key, min(LONGEST_MS, int(duration[1])) if duration else DEFAULT_DURATION_MS
