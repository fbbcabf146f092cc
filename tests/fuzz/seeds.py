"""The corpus that fuzzing begins with: the torture messages, the malformed inputs, their bodies and their URIs."""

import hashlib
import re
from pathlib import Path

from tests.torture.vectors import everything

URIS = re.compile(rb"(?:sips?|tel):[^\s>;,\"]+")
REGRESSIONS = Path(__file__).parent.parent / "torture" / "regressions"

DICTIONARY = (
    "INVITE", "SIP/2.0", "Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: ", "Contact: ", "Route: ", "Record-Route: ",
    "Max-Forwards: ", "Content-Length: ", "Content-Type: application/sdp", "Expires: ", "Require: ", "z9hG4bK",
    ";branch=", ";tag=", ";lr", ";rport", ";received=", "sip:", "sips:", "tel:", "<", ">", "%00", "%41", "[::1]", "*",
    "m=audio 4000 RTP/AVP 0 8 101", "c=IN IP4 ", "c=IN IP6 ", "a=rtpmap:", "a=fmtp:", "a=sendonly", "a=ptime:",
    "o=- 1 1", "v=0", "t=0 0", "b=AS:", "UDP", "TCP", "TLS", "WS",
)  # fmt: skip


def seeds() -> list[bytes]:
    """Each with the first byte that `target.check` looks at."""
    found: dict[bytes, None] = {}
    for data in [*everything(), *(path.read_bytes() for path in sorted(REGRESSIONS.glob("*.dat")))]:
        if len(data) > 8192:
            continue  # a mutation of something small finds more
        found[b"m" + data] = None
        _, end, body = data.partition(b"\r\n\r\n")
        if end and body:
            found[b"s" + body] = None
        for uri in URIS.findall(data):
            found[b"u" + uri] = None
        for line in data.split(b"\r\n"):
            name, colon, value = line.partition(b":")
            if colon and name.strip().lower() in (b"via", b"v", b"from", b"f", b"to", b"t", b"contact", b"m", b"cseq"):
                found[b"u" + value.strip()] = None
    return list(found)


def write(corpus: Path, dictionary: Path) -> None:
    """Lay out seeds and dictionary as libFuzzer wants them."""
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        (corpus / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    # A quote or backslash would need an escape; none of these words has one.
    dictionary.write_text("".join(f'"{word}"\n' for word in DICTIONARY))
