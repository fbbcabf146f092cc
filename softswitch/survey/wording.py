"""The words of a script with fields in them: `{first_name|there}` is the field, or "there" where it is not known."""

import re
from collections.abc import Mapping

from softswitch.survey.private_details import found_in

_FILL = re.compile(r"\{([A-Za-z][A-Za-z0-9_ -]{0,63})(?:\|([^{}|]{0,100}))?\}")
LONGEST_FIELD = 100


def fills_of(text: str) -> list[tuple[str, str]]:
    """(field, fallback) of each place that is filled."""
    return [(name, fallback or "") for name, fallback in _FILL.findall(_unbraced(text))]


def filled(text: str, fields: Mapping[str, str]) -> str:
    """The words to be said. fields: the visible ones. One that tells how to find somebody is not put in."""

    def value(place: re.Match[str]) -> str:
        told = " ".join(fields.get(place[1], "").split())[:LONGEST_FIELD]
        return told if told and not found_in(told) else place[2] or ""

    said = _FILL.sub(value, _unbraced(text))
    return said.replace("\0", "{").replace("\1", "}")


def _unbraced(text: str) -> str:
    """Doubled braces stand for themselves."""
    return text.replace("{{", "\0").replace("}}", "\1")
