"""The second factor: one-time passwords by time (RFC 6238, HMAC-SHA-1 of RFC 4226), as apps make them. Pure."""

import base64
import hmac
from urllib.parse import quote, urlencode

STEP_S = 30
"""RFC 6238 §5.2."""
DIGITS = 6
SECRET_BYTES = 20
"""RFC 4226 §4: at least 16, 20 recommended."""
WINDOW = 1
"""Steps that a person's clock may be off, each way (RFC 6238 §5.2)."""


def hotp(secret: bytes, counter: int, digits: int = DIGITS) -> str:
    """The password of a counter (RFC 4226 §5.3)."""
    digest = hmac.digest(secret, counter.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def step_at(unix_s: float) -> int:
    return int(unix_s // STEP_S)


def matching_step(secret: bytes, code: str, unix_s: float) -> int | None:
    """The time step that a code belongs to, or None. The caller sees to it that no step is used twice (§5.2)."""
    given = code.replace(" ", "")
    if len(given) != DIGITS or not given.isascii() or not given.isdigit():
        return None
    now = step_at(unix_s)
    found = [step for step in range(now - WINDOW, now + WINDOW + 1) if hmac.compare_digest(hotp(secret, step), given)]
    return max(found, default=None)


def as_text(secret: bytes) -> str:
    """As people type it into their app: base32 (RFC 4648 §6)."""
    return base64.b32encode(secret).decode("ascii").rstrip("=")


def uri(secret: bytes, name: str, site: str) -> str:
    """The otpauth address that apps read from a QR code."""
    query = urlencode({"secret": as_text(secret), "issuer": site, "digits": DIGITS, "period": STEP_S}, quote_via=quote)
    return f"otpauth://totp/{quote(site)}:{quote(name)}?{query}"
