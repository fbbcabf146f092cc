"""The search for marks finds them however they are written, and finds nothing that is not there."""

import base64
import binascii
import hashlib
import html
import json
from urllib.parse import quote

import numpy as np
import pytest

from softswitch.errors import UsageError
from softswitch.testing.canaries import Canaries, Canary, spellings

NUMBER = "+442079460123"
CANARY = Canary(NUMBER, ("Quillfeather-0123", "Zephyrgarth"))
SEARCH = Canaries([CANARY, Canary("+441614960000", ("Moorhenlea",))])
SPELT = (
    "+442079460123", "442079460123", "00442079460123", "02079460123", "2079460123", "+44 20 7946 0123",
    "+44 (0)20 7946 0123", "020-7946-0123", "(020) 7946.0123", "0 2 0 7 9 4 6 0 1 2 3", "+44.20.7946.0123",
    "tel:+44-20-7946-0123", "sip:02079460123@host", "02079\r\n 460123", "020\u00a07946\u20110123", "011442079460123",
    "0207946 [0123]", "20/7946/0123", "cid_2079460123x",
)  # fmt: skip
SPLIT = (
    "X-Area: 020\r\nX-Rest: 79460123\r\n", "o=- 44 2079460123 IN", "To: 207946;tag=0123",
    '{"a": "0207", "b": "946", "c": "0123"}',
    "a=44\na=20\na=7946\na=0123\n", "00 44 20 x: 7946 <0123>",
)  # fmt: skip
ENCODINGS = {
    "base64": base64.b64encode,
    "base64 without padding in a longer run": lambda text: b"abc" + base64.b64encode(text).rstrip(b"=") + b"Zz/9",
    "base64url": lambda text: base64.urlsafe_b64encode(b"?>?>" + text),
    "hex": lambda text: text.hex().encode(),
    "upper-case hex behind another digit": lambda text: b"f" + text.hex().upper().encode(),
    "spaced hex": lambda text: text.hex(":").encode(),
    "percent": lambda text: "".join(f"%{octet:02x}" for octet in text).encode(),
    "URL": lambda text: quote(text).encode(),
    "quoted-printable": lambda text: b"".join(b"=%02X" % octet for octet in text),
    "folded quoted-printable": lambda text: text[:5] + b"=\r\n" + text[5:],
    "JSON": lambda text: "".join(f"\\u{octet:04x}" for octet in text).encode(),
    "Python bytes": lambda text: "".join(f"\\x{octet:02x}" for octet in text).encode(),
    "HTML": lambda text: "".join(f"&#{octet};" for octet in text).encode(),
    "UTF-16": lambda text: text.decode().encode("utf-16-le"),
    "backwards": lambda text: text[::-1],
    "base64 of hex": lambda text: base64.b64encode(text.hex().encode()),
    "percent of base64": lambda text: quote(base64.b64encode(text)).encode().replace(b"M", b"%4D"),
    "hex of backwards": lambda text: text[::-1].hex().encode(),
}
DIGESTS = [(name, form) for name in ("md5", "sha1", "sha256") for form in ("hex", "HEX", "base64", "raw", "cut")]


def seen(data: bytes) -> set[str]:
    return {sighting.canary.number for sighting in SEARCH.sightings(data)}


@pytest.mark.parametrize("spelling", SPELT)
def test_a_number_is_seen_in_every_spelling(spelling: str) -> None:
    assert seen(b"Via: x\r\nSubject: " + spelling.encode() + b"\r\n") == {NUMBER}


@pytest.mark.parametrize("text", SPLIT)
def test_a_number_that_is_split_over_fields_is_seen(text: str) -> None:
    assert seen(text.encode()) == {NUMBER}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", [NUMBER, "02079460123", "Zephyrgarth"])
def test_a_mark_is_seen_through_an_encoding(encoding: str, text: str) -> None:
    assert seen(b'{"x": "' + ENCODINGS[encoding](text.encode()) + b'"}') == {NUMBER}


@pytest.mark.parametrize("text", [*spellings(NUMBER), "Zephyrgarth", "zephyrgarth"])
@pytest.mark.parametrize(("name", "form"), DIGESTS)
def test_an_unsalted_digest_of_a_mark_is_seen(name: str, form: str, text: str) -> None:
    digest = hashlib.new(name, text.encode()).digest()
    shown = {
        "hex": digest.hex().encode(),
        "HEX": digest.hex().upper().encode(),
        "base64": base64.b64encode(digest),
        "raw": digest,
        "cut": digest.hex()[:16].encode(),
    }[form]
    assert seen(b"file-" + shown + b".ssr") == {NUMBER}


@pytest.mark.parametrize("name", ["Quillfeather-0123", "QUILLFEATHER-0123", "zEPHYRgarth"])
def test_a_name_is_seen_in_any_case(name: str) -> None:
    assert seen(f"Call for {name}!".encode()) == {NUMBER}


@pytest.mark.parametrize(
    "text",
    [
        b"", b"0", b"2079460124", b"Call-ID: 2079460124-0123@127.0.0.1", b"207946012", b"Quillfeather",
        b"2026-11-22T20:79:46.0123Z", b"127.0.0.1:20794", json.dumps(list(range(100))).encode(),
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_seen(text: bytes) -> None:
    assert seen(text) == set()


def test_each_of_many_marks_is_told_apart_and_where_it_was_is_shown() -> None:
    canaries = [Canary(f"+442079460{n:03}") for n in range(500)]
    search = Canaries(canaries)
    data = b"\n".join(html.escape(each.number).encode() for each in canaries[100:200])
    sightings = search.sightings(data)
    assert {sighting.canary for sighting in sightings} == set(canaries[100:200])
    assert all(sighting.what == "digits" for sighting in sightings if not sighting.within)
    assert b"2079460" in sightings[0].excerpt


def test_megabytes_of_chance_hold_none_of_500_marks() -> None:
    search = Canaries([Canary(f"+442079460{n:03}", (f"Quillfeather{n:03}",)) for n in range(500)])
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, 1_000_000, np.uint8).tobytes()
    tokens = b" ".join(binascii.b2a_hex(noise[at : at + 16]) for at in range(0, 300_000, 16))
    assert search.sightings(noise + tokens) == []


def test_marks_that_chance_would_find_are_refused() -> None:
    with pytest.raises(UsageError):
        Canaries([Canary(NUMBER, ("Bo",))])
    with pytest.raises(UsageError):
        Canaries([Canary("none")])
    with pytest.raises(UsageError):
        Canaries([Canary("+44999")])
