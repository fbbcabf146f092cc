"""On which line of a TOML file a key stands; the parser of the standard library does not say."""

import re
from collections import defaultdict
from collections.abc import Mapping

Key = tuple[str | int, ...]
"""Path of a key: table names, positions in arrays of tables, and the key itself, as in ("trunks", 0, "host")."""

_HEADER = re.compile(r"\s*(\[\[?)\s*(?P<key>[^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(
    r"""\s*(?P<key>(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*="""
)
_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(?:\.|$)""")
_DEEP_KEY = re.compile(r"(?:\.[ \t]*+(?:[\w-]++|\"[^\"\n]*+\"|'[^'\n]*+')[ \t]*+){40}")
_TOKEN = re.compile(r"""#.*|\"\"\"|'''|"(?:\\.|[^"\\])*"|'[^']*'|[\[\]{}]""")


def is_beyond_writing(text: str) -> bool:
    """Whether a key has more parts than anybody writes: the standard library takes the square of their number."""
    return _DEEP_KEY.search(text) is not None


def nearest(lines: Mapping[Key, int], key: Key) -> int:
    """Line of a key, or of the nearest one around it that has a line; 1 where none has."""
    while key:
        if key in lines:
            return lines[key]
        key = key[:-1]
    return 1


class TomlLines:
    """Index of a text that has been parsed without error; line numbers begin at 1."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Key, int] = {}
        self._tables: dict[Key, int] = defaultdict(int)
        self._read(text)

    def line_of(self, key: Key) -> int:
        """Line of a key, or of the nearest table around it; 1 where even that is not in the file."""
        return nearest(self._lines, key)

    def has(self, key: Key) -> bool:
        return key in self._lines

    def _read(self, text: str) -> None:
        table: Key = ()
        depth, quote = 0, ""
        for number, line in enumerate(text.split("\n"), 1):  # no other sign ends a line of TOML
            start = 0
            if not depth and not quote:
                if header := _HEADER.match(line):
                    table = self._open(_parts(header["key"]), array=header[1] == "[[")
                    self._lines.setdefault(table, number)
                    continue
                if assignment := _ASSIGNMENT.match(line):
                    key = table
                    for part in _parts(assignment["key"]):
                        key = (*key, part)
                        self._lines.setdefault(key, number)
                    start = assignment.end()
            depth, quote = _nesting(line, start, depth, quote)

    def _open(self, parts: list[str], *, array: bool) -> Key:
        """Path of a table header; a name on the way that is an array of tables means its last element."""
        key: Key = ()
        for position, part in enumerate(parts):
            key = (*key, part)
            if array and position == len(parts) - 1:
                self._tables[key] += 1
            if self._tables.get(key):
                key = (*key, self._tables[key] - 1)
        return key


def _parts(key: str) -> list[str]:
    return [double or single or bare for double, single, bare in _PART.findall(key)]


def _nesting(line: str, start: int, depth: int, quote: str) -> tuple[int, str]:
    """Depth of brackets and the open multi-line quote, if any, at the end of a line."""
    while True:
        if quote:
            end = line.find(quote, start)
            if end < 0:
                return depth, quote
            start, quote = end + 3, ""
        token = _TOKEN.search(line, start)
        if token is None:
            return depth, quote
        start = token.end()
        if token[0] in ('"""', "'''"):
            quote = token[0]
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
