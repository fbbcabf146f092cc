"""One table of a parsed file, read key by key: what is missing, of another kind, out of bounds or unknown is told."""

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any

Key = tuple[str | int, ...]
"""Path of a key, as in ("nodes", 0, "text")."""

_CONTROLS = frozenset(
    [chr(code) for code in (*range(9), 11, 12, *range(14, 32), *range(127, 160))]
    # Directions of writing that make a text look like another one (Unicode UAX 9).
    + [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)]
)


class Table:
    """Values by key; each that is not as it should be is complained of, and something harmless given in its place."""

    def __init__(self, told: object, key: Key, complain: Callable[[Key, str], None], parent: "Table | None" = None):
        self.key = key
        self.is_sound = True
        """Nothing was wrong with it, or with a table in it."""
        self._complain = complain
        self._parent = parent
        self._known: set[str] = set()
        self._told: Mapping[str, Any] = {}
        if isinstance(told, dict):
            self._told = told
        else:
            self.wrong("must be a table")

    def __contains__(self, name: str) -> bool:
        return name in self._told

    def wrong(self, text: str, *path: str | int) -> None:
        self._complain((*self.key, *path), text)
        table: Table | None = self
        while table is not None:
            table.is_sound = False
            table = table._parent

    def text(self, name: str, *, longest: int, otherwise: str | None = None) -> str:
        """A text without control characters; `otherwise` where it is left out, None: it may not be."""
        value = self._value(name)
        if value is None:
            if otherwise is None:
                self.wrong(f"{name} is missing")
            return otherwise or ""
        if not isinstance(value, str):
            self.wrong("must be text in quotes", name)
            return ""
        text = value.strip()
        if len(text) > longest:
            self.wrong(f"has {len(text)} characters; {longest} are the most", name)
        elif not text and otherwise is None:
            self.wrong("is empty", name)
        elif not _CONTROLS.isdisjoint(text):
            self.wrong("holds a control character", name)
        return text[:longest]

    def number(
        self, name: str, *, least: float, most: float, otherwise: float | None = None, whole: bool = False
    ) -> float:
        value = self._value(name)
        if value is None:
            if otherwise is None:
                self.wrong(f"{name} is missing")
            return least if otherwise is None else otherwise
        if isinstance(value, bool) or not isinstance(value, int | float) or (whole and not isinstance(value, int)):
            self.wrong(f"must be a {'whole ' if whole else ''}number", name)
            return least
        if not least <= value <= most:  # nan is not, either
            self.wrong(f"must be from {least:g} to {most:g}", name)
            return least
        return value

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if value is not None and not isinstance(value, bool):
            self.wrong("must be true or false, without quotes", name)
        return value is True

    def words(self, name: str, known: Collection[str] | None = None) -> tuple[str, ...] | None:
        """A word or a list of words; None where it is left out."""
        value = self._value(name)
        if value is None:
            return None
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) and len(word) <= 64 for word in words):
            self.wrong("must be a word in quotes, or a list of such words", name)
            return ()
        for word in words:
            if known is not None and word not in known:
                self.wrong(f'"{word}" is unknown{_suggestion(word, known)}', name)
        return tuple(word for word in words if known is None or word in known)

    def word(self, name: str, known: Collection[str], otherwise: str = "") -> str:
        """One of these words; the first of them where it is none."""
        value = self._value(name)
        if value is None and otherwise:
            return otherwise
        if value is None:
            self.wrong(f"{name} is missing; it is one of {', '.join(known)}")
        elif isinstance(value, str) and value in known:
            return value
        else:
            self.wrong(f"must be one of {', '.join(known)}", name)
        return next(iter(known))

    def tables(self, name: str, *, most: int) -> list["Table"]:
        """Tables of a list; none where it is left out."""
        value = self._value(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(f"must be a list of tables: write [[{name}]]", name)
            return []
        if len(value) > most:
            self.wrong(f"has {len(value)} entries; {most} are the most", name)
        return [Table(each, (*self.key, name, n), self._complain, self) for n, each in enumerate(value[:most])]

    def table(self, name: str) -> "Table":
        value = self._value(name)
        return Table({} if value is None else value, (*self.key, name), self._complain, self)

    def finish(self) -> None:
        """Keys that nobody asked for are slips."""
        for name in self._told:
            if name not in self._known:
                self.wrong(f"there is no such key{_suggestion(name, self._known)}", name)

    def _value(self, name: str) -> Any:
        self._known.add(name)
        return self._told.get(name)


def _suggestion(word: str, known: Collection[str]) -> str:
    near = get_close_matches(word[:64], sorted(known), n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else f"; there are {', '.join(sorted(known))}" if known else ""
