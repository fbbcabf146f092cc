"""Security headers of every answer, and a Content-Security-Policy that names each inline script by its hash.

NiceGUI 3 writes inline scripts into its pages and evaluates the expressions and templates that the server sends, so
'unsafe-eval' has to stay; 'unsafe-inline' for scripts has not: a page's own inline scripts are hashed as it leaves
(CSP level 3 §6.7.3.3), and one that is put into the page later does not run. Styles stay inline (Quasar, ECharts).
Nothing is ever fetched from another host.

The worker that holds an auditor's key and decrypts recordings has a policy of its own, as a worker has that comes
with one (CSP level 3 §4.2.1): it may compile WebAssembly, and it reaches no network at all, not even this site. The
auditor's pages play what it decrypted from a blob of the page's own.
"""

import base64
import hashlib
import re

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

from softswitch.web.paint_order import painted_first

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_COMMON = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
WORKER_PATH = "/audit/assets/recording_worker.js"
_WORKER = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; base-uri 'none'; frame-ancestors 'none'"
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer a browser writes "Origin: null" on our own forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self), payment=(), usb=()",
}


def policy(html: bytes, *, plays: bool = False) -> str:
    """The Content-Security-Policy for a page; for an answer without script, one that allows none.

    plays: the page plays sound that its own script has made, and no other.
    """
    scripts = _INLINE_SCRIPT.findall(html)
    if b"<script" not in html:
        return _COMMON
    hashes = sorted({f"'sha256-{base64.b64encode(hashlib.sha256(body).digest()).decode()}'" for body in scripts})
    sound = "blob:" if plays else "'self'"
    return f"{_COMMON}; media-src {sound}; script-src 'self' 'unsafe-eval' {' '.join(hashes)}".rstrip()


def _caching(path: str) -> str:
    """NiceGUI's own files carry its version in their path; our components there do not carry ours."""
    if not path.startswith("/_nicegui/"):
        return "no-store"
    return "private, no-cache" if "/components/" in path else "private, max-age=31536000, immutable"


def with_security_headers(scope: Scope, send: Send) -> Send:
    """A `send` that adds the headers. HTML is held back until it is whole, because its hashes go in front of it."""
    start: Message | None = None
    html = bytearray()

    async def decorated(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if scope["scheme"] == "https":
                headers["strict-transport-security"] = "max-age=31536000"
            headers["cache-control"] = _caching(scope["path"])
            if "text/html" in headers.get("content-type", "") and "content-encoding" not in headers:
                start = message
                return
            headers["content-security-policy"] = _WORKER if scope["path"] == WORKER_PATH else _COMMON
        elif start is not None:
            html.extend(message.get("body", b""))
            if message.get("more_body", False):
                return
            page = painted_first(bytes(html))  # as long as before
            MutableHeaders(scope=start)["content-security-policy"] = policy(
                page, plays=scope["path"].startswith("/audit/")
            )
            await send(start)
            start = None
            message = {"type": "http.response.body", "body": page}
        await send(message)

    return decorated
