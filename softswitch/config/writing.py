"""Changing a site's TOML file: key by key, so that comments, order and all that is not meant stay as they are.

What is to be written is examined first by the rules of `softswitch check`, in a file beside the site's, and takes its
place only if it can be used: whoever reads the file sees the old one or the new one, never a part. Blocking: for a
thread.
"""

import secrets
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, InlineTable, Table

from softswitch.config.examination import Finding, examine
from softswitch.config.settings import Settings
from softswitch.durable import sync_folder, write_new
from softswitch.errors import UsageError

LONGEST_FILE = 1 << 20
"""Bytes of a site's file that is changed here; the largest sites have a tenth of it."""
OWN_MODE = 0o600
_LISTED = 20
Values = Mapping[str, Any]
"""Key -> value as TOML has it; None takes the key out of the file, so that its default counts."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a change came to."""

    settings: Settings
    """As the file says them now."""
    findings: tuple[Finding, ...]
    """Warnings, as `softswitch check` gives them."""


class Draft:
    """A site's file as it is to be. Changes are made to it, then it is written, once."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._before = content
        try:
            self._document = tomlkit.parse(content.decode("utf-8-sig"))
        except (TOMLKitError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise UsageError(f"{path.name} cannot be changed here, for it cannot be read: {error}") from None

    @classmethod
    def of(cls, path: Path) -> Self:
        """Raises UsageError where the file cannot be read."""
        return cls(path, _content(path))

    def change_table(self, name: str, values: Values) -> None:
        """Keys of a table such as [site]; it is made where it is not there."""
        table = self._document.get(name)
        if table is None:
            table = tomlkit.table()
            self._document[name] = table
        self._change(table, values)

    def change_element(self, section: str, key: str, name: str, values: Values) -> None:
        """Keys of the element of an array of tables ([[trunks]]) whose `key` is `name`; a new one at the end where
        there is none."""
        element = self._element(section, key, name)
        if element is not None:
            self._change(element, values)
            return
        elements = self._document.get(section)
        fresh: Table | InlineTable = tomlkit.inline_table() if isinstance(elements, Array) else tomlkit.table()
        self._change(fresh, {key: name, **values})
        if elements is None:
            elements = tomlkit.aot()
            elements.append(fresh)
            self._document[section] = elements
        else:
            elements.append(fresh)

    def remove_element(self, section: str, key: str, name: str) -> None:
        """Raises KeyError where there is none."""
        elements = self._document.get(section) or []
        for position, element in enumerate(elements):
            if element.get(key) == name:
                del elements[position]
                if not len(elements):
                    del self._document[section]
                return
        raise KeyError(name)

    def write(self) -> Written:
        """Examine what it has become, and put it in the place of the site's file. Raises UsageError with every mistake,
        with the lines of the file as it would be; the file is then as it was."""
        text = self._text()
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(6)}.draft")
        try:
            mode = stat.S_IMODE(self._path.stat().st_mode)
            write_new(draft, text.encode(), mode)
            settings, findings = examine(draft)
            grave = [finding for finding in findings if finding.fatal or finding.keeps_from_running]
            if settings is None or grave:
                raise UsageError("not written: " + "; ".join(map(str, grave[:_LISTED])))
            if _content(self._path) != self._before:
                raise UsageError(f"{self._path.name} was changed by somebody else just now: look at it, and try again")
            draft.replace(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            raise UsageError(f"{self._path.name} cannot be written: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)
        return Written(settings, tuple(findings))

    def _text(self) -> str:
        text = tomlkit.dumps(self._document)
        try:
            same = tomllib.loads(text) == self._document.unwrap()
        except (tomllib.TOMLDecodeError, RecursionError):
            same = False
        if not same or len(text) > LONGEST_FILE:
            raise UsageError(f"{self._path.name} is written in a way that cannot be changed here: change it by hand")
        return text

    def _element(self, section: str, key: str, name: str) -> Any:
        elements = self._document.get(section)
        if elements is not None and not isinstance(elements, AoT | Array):
            raise UsageError(f"[{section}] is no list of tables: change it by hand")
        return next((each for each in elements or () if each.get(key) == name), None)

    @staticmethod
    def _change(table: Any, values: Values) -> None:
        for key, value in values.items():
            if value is None:
                table.pop(key, None)
            elif key not in table or table[key] != value:  # what is the same keeps the way it is written
                table[key] = value


def write_secret(folder: Path, name: str, secret: str) -> Path:
    """A new file for its owner alone, with a random part in its name: the one before stays until nobody names it.

    folder: made for its owner alone where it is not there. Raises UsageError where it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{name}-{secrets.token_hex(4)}.secret"
        write_new(path, f"{secret}\n".encode(), OWN_MODE)
    except OSError as error:
        raise UsageError(f"the password cannot be kept in {folder.name}: {error.strerror}") from error
    return path


def differences(before: Settings, after: Settings) -> tuple[str, ...]:
    """What is another, such as "[site]" and "[[trunks]] first", in the file's order. Secrets are not looked at: each
    change of one changes the name of its file."""
    found = []
    for name in Settings.model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if isinstance(old, tuple) and isinstance(new, tuple):
            olds, news = ({_name_of(each): each for each in some} for some in (old, new))
            changed = [each for each in {**olds, **news} if olds.get(each) != news.get(each)]
            found += [f"[[{name}]] {each}" for each in changed] or [f"[[{name}]]"]
        else:
            found.append(f"[{name}]")
    return tuple(found)


def _name_of(element: Any) -> str:
    return str(next(getattr(element, key) for key in ("name", "id", "did") if hasattr(element, key)))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from error
    if len(content) > LONGEST_FILE:
        raise UsageError(f"{path.name} is longer than {LONGEST_FILE >> 10} KiB: change it by hand")
    return content
