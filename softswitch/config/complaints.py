"""What a check of a configuration says, and how it guesses at what was meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeAlias

from softswitch.config.toml_lines import Key

Complaint: TypeAlias = tuple[Key, str, bool]
"""Key, text, and whether it is fatal."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` for a likely slip of the keys, else what there is to choose from."""
    names = sorted(known)
    if near := get_close_matches(word, names, n=1, cutoff=0.6):
        return f'; did you mean "{near[0]}"?'
    return f"; there are {', '.join(names)}" if names else "; there are none"
