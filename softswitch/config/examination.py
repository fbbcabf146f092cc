"""One reading of one TOML file: what it says, and everything that is wrong with it, each with its line and key."""

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource, SettingsError

from softswitch.config.complaints import suggestion
from softswitch.config.cross_checks import complaints, lacks
from softswitch.config.fields import HOST, NAME, relative_to
from softswitch.config.settings import Settings
from softswitch.config.toml_lines import Key, TomlLines

_PREFIX = "SOFTSWITCH_"
_WRITTEN = {
    NAME: "must be letters and digits, with dots, dashes and underlines between them, and no blank",
    HOST: "must be an IP address or a host name such as sip.example.com, and nothing before or after it",
}
"""What a text must look like, by its pattern."""
_SECRET_KEYS = frozenset({"password", "phone_password", "pin", "url"})


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong, in plain words."""

    line: int
    """In the file, from 1; 0 for an environment variable or for the file as a whole."""
    key: str
    """As in trunks[0].host, or the environment variable's name."""
    text: str
    fatal: bool = True
    """False: the switch starts nevertheless, and says why it refuses something."""
    keeps_from_running: bool = False
    """Lists and records can be worked with, and the switch does not start."""

    def __str__(self) -> str:
        mild = "" if self.fatal or self.keeps_from_running else " (warning)"
        return f"{self.plain}{mild}"

    @property
    def plain(self) -> str:
        """Where it says elsewhere how grave it is."""
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.key + ': ' if self.key else ''}{self.text}"


def examine(path: Path) -> tuple[Settings | None, list[Finding]]:
    """Settings, as far as they can be made, and every finding."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        told = tomllib.loads(text)
    except OSError as error:
        return None, [Finding(0, "", f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return None, [Finding(line, "", "is not UTF-8 text")]
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax(str(error), text)]
    except (ValueError, RecursionError):  # a number of thousands of digits; lists in lists in lists
        return None, [Finding(1, "", "is not TOML that anybody would write by hand")]
    with relative_to(path.parent.absolute()):
        return _Examination(told, TomlLines(text), path).result()


def _syntax(message: str, text: str) -> Finding:
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    column = f" (column {place[2]})" if place and place[2] else ""
    plain = message[: place.start()] if place else message
    return Finding(line, "", f"is not TOML: {plain[:1].lower()}{plain[1:]}{column}")


class _Examination:
    """One reading of one file: section by section, so that a mistake in one hides no mistake in another."""

    def __init__(self, told: dict[str, Any], lines: TomlLines, path: Path) -> None:
        self._lines = lines
        self._path = path
        self._findings: list[Finding] = []
        self._positions: dict[str, list[int]] = {}
        self._environment = self._read_environment()
        self._told = _merged(told, self._environment)

    def result(self) -> tuple[Settings | None, list[Finding]]:
        settings = self._validated()
        if settings is not None:
            for key, text, fatal in complaints(settings):
                self._find(self._as_told(key), text, fatal=fatal)
            told = {finding.key for finding in self._findings}
            for key, text in lacks(settings):
                if _dotted(key) not in told:
                    self._find(key, text, fatal=False, keeps_from_running=True)
        self._check_mode()
        findings = sorted(set(self._findings))
        return (None if any(f.fatal for f in findings) else settings), findings

    def _read_environment(self) -> dict[str, Any]:
        for name in sorted(os.environ):
            section, nested, _ = name.removeprefix(_PREFIX).partition("__")
            if name.startswith(_PREFIX) and nested and section.lower() not in Settings.model_fields:
                text = f"there is no section {section.lower()}{suggestion(section.lower(), Settings.model_fields)}"
                self._findings.append(Finding(0, name, text))
        try:
            return EnvSettingsSource(Settings)()
        except SettingsError as error:
            self._findings.append(Finding(0, _PREFIX, f"cannot be read: {error}"))
            return {}

    def _validated(self) -> Settings | None:
        """Settings of all that is valid, for the checks between keys; what is not valid has been noted."""
        valid: dict[str, Any] = {}
        for section, content in self._told.items():
            field = Settings.model_fields.get(section)
            if field is None:
                text = f"there is no section {section}{suggestion(section, Settings.model_fields)}"
                self._find((section,), text)
            elif isinstance(content, list):
                kept = [(n, self._salvaged({section: [item]}, section, n)) for n, item in enumerate(content)]
                self._positions[section] = [n for n, item in kept if item]
                valid[section] = tuple(item[0] for _, item in kept if item)
            elif (made := self._salvaged({section: content}, section, None)) is not None:
                valid[section] = made
        # Every part has been validated; construction here only keeps the environment from coming in a second time.
        return Settings.model_construct(**valid)

    def _salvaged(self, part: dict[str, Any], section: str, position: int | None) -> Any:
        """The valid value of one section or one element; after a mistake, of what is left without the bad keys."""
        model = _SECTIONS[section]
        try:
            return getattr(model.model_validate(part), section)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self._note(detail, position)
            part = _without(part, error)
        try:
            return getattr(model.model_validate(part), section)
        except ValidationError:
            return None

    def _note(self, detail: ErrorDetails, position: int | None) -> None:
        loc = tuple(p for p in detail["loc"] if p != "[key]")
        key: Key = loc if position is None else (loc[0], position, *loc[2:])
        text = _plain(detail)
        if detail["type"] == "missing":
            text, key = f"{key[-1]} is missing", key[:-1]
        self._find(key, text)

    def _find(self, key: Key, text: str, *, fatal: bool = True, keeps_from_running: bool = False) -> None:
        variable = _PREFIX + "__".join(str(part) for part in key).upper()
        if _reaches(self._environment, key) and (variable in os.environ or not self._lines.has(key)):
            self._findings.append(Finding(0, variable, text, fatal, keeps_from_running))
        else:
            self._findings.append(Finding(self._lines.line_of(key), _dotted(key), text, fatal, keeps_from_running))

    def _as_told(self, key: Key) -> Key:
        """The key in the file: elements that could not be read at all have no place in the settings."""
        positions = self._positions.get(str(key[0]))
        if positions is None or len(key) < 2 or not isinstance(key[1], int):
            return key
        return (key[0], positions[key[1]], *key[2:])

    def _check_mode(self) -> None:
        elements = [e for name in ("trunks", "agents", "supervisors") for e in _dicts(self._told.get(name))]
        if any(_SECRET_KEYS & e.keys() for e in elements) and self._path.stat().st_mode & stat.S_IROTH:
            text = f"holds passwords and everybody on this machine can read it: chmod 640 {self._path.name}"
            self._findings.append(Finding(0, "", text, fatal=False))


def _sections() -> dict[str, type[BaseModel]]:
    """For each section a model with that one field, so that it can be validated alone."""
    return {
        name: create_model(name, __config__=ConfigDict(extra="forbid"), **{name: (field.annotation, ...)})  # type: ignore[call-overload]
        for name, field in Settings.model_fields.items()
    }


_SECTIONS = _sections()


def _merged(file: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(file)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _without(part: Mapping[str, Any], error: ValidationError) -> dict[str, Any]:
    """The part less its bad keys; a mistake of the whole (a validator over several keys) leaves nothing to drop."""
    section, content = next(iter(part.items()))
    depth = 2 if isinstance(content, list) else 1
    bad = {d["loc"][depth] for d in error.errors() if len(d["loc"]) > depth}
    if isinstance(content, list):
        kept = content[0] if not isinstance(content[0], dict) else {k: v for k, v in content[0].items() if k not in bad}
        return {section: [kept]}
    return {section: {k: v for k, v in content.items() if k not in bad} if isinstance(content, dict) else content}


def _plain(detail: ErrorDetails) -> str:
    """Pydantic's finding in the words of somebody who edits the file; a secret is never repeated."""
    kind, context = detail["type"], detail.get("ctx", {})
    name = str(detail["loc"][-1])
    if kind == "extra_forbidden":
        return f"there is no such key{suggestion(name, _keys_beside(detail))}"
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    if kind == "string_type":
        return "must be text in quotes"
    if kind.startswith("int"):
        return "must be a whole number"
    if kind.startswith("float"):
        return "must be a number"
    if kind.startswith("bool"):
        return "must be true or false, without quotes"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"must be a table: write [{name}] on a line of its own"
    if kind in ("tuple_type", "list_type"):
        return "must be a list: [ ... ]"
    if kind.startswith("time"):
        return "must be a time of day such as 09:00:00"
    if kind.startswith("date"):
        return "must be a date such as 2027-12-25"
    if kind == "enum":
        return f"must be one of {context.get('expected', '')}"
    if kind == "string_pattern_mismatch":
        return _WRITTEN.get(str(context.get("pattern")), f"must match the pattern {context.get('pattern')}")
    message = detail["msg"]
    return re.sub("^(input|string) should", "must", f"{message[:1].lower()}{message[1:]}")


def _keys_beside(detail: ErrorDetails) -> list[str]:
    """The keys that the table of a mistaken key may have."""
    annotation: Any = Settings
    for step in detail["loc"][:-1]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = annotation.model_fields[str(step)].annotation
        else:  # a position in a list, or a name in a table of tables
            annotation = annotation.__args__[1 if isinstance(step, str) else 0]
    return [field.alias or name for name, field in annotation.model_fields.items()]


def _dicts(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _reaches(environment: object, key: Key) -> bool:
    for part in key:
        if not isinstance(environment, dict) or part not in environment:
            return False
        environment = environment[part]
    return True


def _dotted(key: Key) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")
