"""Telephone numbers taken out of free text, for logs: what a hostile trunk writes into a reason phrase stays here.
Keys of media (RFC 4568) go too, wherever an SDP is told of.

The text is read once from left to right. At each place a form that must survive (a call reference, a time, an address
with its port, a decimal) is tried before the forms of a telephone number, so that neither can be cut out of the other.
Where a run of digits might be a number and might be something else, it is masked: a lost counter is a smaller harm.
"""

import re

MASK = "[number]"

_KEPT = (
    # a UUID, or a reference as we make them: 8-32 random bytes in hex, with a letter in it
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    r"\b(?=[0-9]*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\b",
    # dates and times: ISO 8601, clocks
    r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?\b",
    r"(?<![\d:])\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?(?![\d:])",
    # IPv4 address, with or without port
    r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?::\d{1,5})?(?![\d.])",
    # a decimal: seconds, shares; a leading zero with more digits behind it is a telephone number's
    r"(?<![\d.+])(?:0|[1-9]\d{0,9})\.\d{1,9}(?![\d.])",
)
# What people and switches write between groups of digits, and what nobody sees there.
_SEPARATOR = r"[\s._\-/()\u00ad\u200b-\u200d\u2010-\u2015\u2060\ufeff]"
_GAP = rf"{_SEPARATOR}{{0,3}}"
_NUMBERS = (
    # international: + or its URI escape, 7-15 digits (ITU-T E.164)
    rf"(?:\+|%2[Bb]){_GAP}[1-9](?:{_GAP}\d){{6,14}}",
    # international with 00, and national with a leading 0
    rf"(?<!\d)(?<!\d[.:,\-])\(?0(?:{_GAP}\d){{8,16}}(?!\d)",
    # bare digits, such as the user part of a SIP URI; a letter in front does not hide them
    r"(?<!\d)(?<!\d\.)\d{10,}(?!\d)",
    # digits in at least three groups, in two of which the second is long (ports are not), or one by one
    rf"(?<!\d)(?<!\d[.:\-])(?=(?:{_SEPARATOR}?\d){{10,15}}(?!\d))\d{{1,5}}(?:{_SEPARATOR}\d{{2,8}}){{2,5}}(?!\d)(?![.:]\d)",
    rf"(?<!\d)(?<!\d[.:\-])(?=(?:{_SEPARATOR}?\d){{10,15}}(?!\d))\d{{2,5}}{_SEPARATOR}\d{{6,8}}(?!\d)(?![.:]\d)",
    rf"(?<!\d)\d(?:{_SEPARATOR}\d){{8,14}}(?!\d)",
)
_TEXT = re.compile(rf"(?P<kept>{'|'.join(_KEPT)})|(?P<number>{'|'.join(_NUMBERS)})")
_MEDIA_KEY = re.compile(r"(inline:)[^\s\\'\"]+", re.IGNORECASE)


def redact(text: str) -> str:
    """The text with every telephone number, in E.164, national, bare or spaced form, replaced by `MASK`."""
    text = _MEDIA_KEY.sub(r"\1[key]", text)
    return _TEXT.sub(lambda found: found.group("kept") or MASK, text)
