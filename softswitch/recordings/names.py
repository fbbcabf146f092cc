"""File names of recordings: the call's reference and nothing else, and a number for parts after the first."""

import re
from pathlib import Path

from softswitch.errors import UsageError

SUFFIX = ".ssr"
MOST_PARTS = 9999
_NAME = re.compile(r"([A-Za-z0-9_-]{1,120})(?:\.([1-9][0-9]{0,3}))?\.ssr", re.ASCII)


def file_name(call_ref: str, part: int = 1) -> str:
    """The name of a part of a call's recording; parts count from 1."""
    return f"{call_ref}{SUFFIX}" if part == 1 else f"{call_ref}.{part}{SUFFIX}"


def read_name(path: Path) -> tuple[str, int] | None:
    """The call's reference and the part's number; None for a name that no recording of ours has."""
    match = _NAME.fullmatch(path.name)
    if match is None or match[2] == "1":
        return None
    return match[1], int(match[2] or 1)


def call_ref_of(path: Path) -> str:
    """The call that a recording's name names. Raises UsageError for any other name."""
    found = read_name(path)
    if found is None:
        raise UsageError(
            f"a recording is named after its call: letters, digits, - and _, then {SUFFIX}; {path.name} is not"
        )
    return found[0]


def parts_of(folder: Path, call_ref: str) -> list[Path]:
    """Every part of a call's recording that is there, in order."""
    found = {named[1]: path for path in folder.glob(f"{call_ref}*{SUFFIX}") if (named := read_name(path))
             and named[0] == call_ref}  # fmt: skip
    return [found[part] for part in sorted(found)]
