"""A small and unambiguous part of YAML 1.2, with the line of each key: scripts may be written in it.

No references, tags or second documents, and values are read by the core schema (YAML 1.2.2 §10.3.2): `no`
and `off` are words here, not truth values, and `22:30` is no number. The file's events are read one by one, so that one
made to blow up in memory, or nested deeper than anybody writes, ends where it is met.
"""

import re
from typing import Any

import yaml

from softswitch.config.toml_lines import Key, nearest

DEEPEST = 20
LONGEST_NUMBER = 30
"""Characters."""

_TRUTH = {"true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlFault(ValueError):
    """What is wrong, and the line, from 1."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


class YamlText:
    """A parsed text: what it tells (`told`, as tomllib would), and on which line each key stands."""

    def __init__(self, text: str) -> None:
        """Raises YamlFault."""
        self.told: dict[str, Any] = {}
        self._lines: dict[Key, int] = {}
        try:
            self._read(text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise YamlFault(mark.line + 1 if mark else 1, str(error.problem or error.context)) from None
        except yaml.YAMLError:  # a character that no text holds
            raise YamlFault(1, "holds characters that YAML forbids") from None

    def line_of(self, key: Key) -> int:
        """Line of a key, or of the nearest one around it; 1 where even that is not in the file."""
        return nearest(self._lines, key)

    def _read(self, text: str) -> None:
        open_ones: list[tuple[Key, dict[str, Any] | list[Any]]] = []
        name: str | None = None
        documents = 0
        for event in yaml.parse(text, Loader=_PARSER):
            line = event.start_mark.line + 1 if event.start_mark else 1
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise YamlFault(line, "a second document begins here")
                case yaml.AliasEvent():
                    raise YamlFault(line, f"*{event.anchor} is a reference: write it out")
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    open_ones.pop()
                case yaml.NodeEvent() if (tag := getattr(event, "tag", None)) not in (None, "!"):
                    raise YamlFault(line, f"{tag} is a tag: only plain values are read")
                case yaml.NodeEvent() if not open_ones:
                    if not isinstance(event, yaml.MappingStartEvent):
                        raise YamlFault(line, "must be keys and values")
                    open_ones.append(((), self.told))
                case yaml.NodeEvent():
                    path, around = open_ones[-1]
                    if isinstance(around, dict) and name is None:
                        name = self._name(event, path, around, line)
                        continue
                    key: Key = (*path, name if name is not None else len(around))
                    self._lines.setdefault(key, line)
                    value = _value(event, line)
                    if isinstance(around, list):
                        around.append(value)
                    else:
                        around[str(name)] = value
                    name = None
                    if isinstance(value, dict | list):
                        if len(open_ones) == DEEPEST:
                            raise YamlFault(line, f"is nested more than {DEEPEST} deep")
                        open_ones.append((key, value))

    def _name(self, event: yaml.NodeEvent, path: Key, around: dict[str, Any], line: int) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise YamlFault(line, "a key must be a word")
        if event.value in around:
            raise YamlFault(line, f"{event.value} is there twice")
        self._lines[(*path, event.value)] = line
        return str(event.value)


def _value(event: yaml.NodeEvent, line: int) -> Any:
    if isinstance(event, yaml.MappingStartEvent):
        return {}
    if isinstance(event, yaml.SequenceStartEvent):
        return []
    assert isinstance(event, yaml.ScalarEvent)
    word = event.value
    if event.style:  # in quotation marks, or a block of text
        return word
    if word in ("", "~", "null"):
        raise YamlFault(line, "a value is missing")
    if word in _TRUTH:
        return _TRUTH[word]
    if len(word) <= LONGEST_NUMBER:
        if _INTEGER.fullmatch(word):
            return int(word)
        if _NUMBER.fullmatch(word):
            return float(word)
    return word
