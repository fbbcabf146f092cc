"""A campaign's script file, TOML or YAML by its name's end: read, checked, with the line of each mistake."""

import re
import tomllib
from collections.abc import Collection
from pathlib import Path

from softswitch.config.toml_lines import TomlLines, is_beyond_writing
from softswitch.config.yaml_text import YamlFault, YamlText
from softswitch.errors import UsageError
from softswitch.survey.questionnaire import Questionnaire
from softswitch.survey.reading import Fault, read

LONGEST_FILE = 1 << 20
"""Bytes; the longest questionnaires have a tenth of it."""
YAML_ENDS = (".yaml", ".yml")


def examine_script(path: Path, visible: Collection[str] | None) -> tuple[Questionnaire | None, list[Fault]]:
    """The script, if it can be used, and all that is wrong with it.

    visible: the fields that the campaign's agents see; None: any.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
        if len(content) > LONGEST_FILE:
            return None, [Fault(1, "", f"is longer than {LONGEST_FILE >> 10} KiB")]
        text = content.decode("utf-8-sig")  # editors on Windows put a mark first
    except OSError as error:
        return None, [Fault(1, "", f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        return None, [Fault(error.object[: error.start].count(b"\n") + 1, "", "is not UTF-8 text")]
    if path.suffix.lower() in YAML_ENDS:
        try:
            yaml = YamlText(text)
        except YamlFault as fault:
            return None, [Fault(fault.line, "", f"is not YAML as scripts are written: {fault}")]
        return read(yaml.told, yaml.line_of, visible)
    if is_beyond_writing(text):
        return None, [Fault(1, "", "is not TOML that anybody would write by hand")]
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax(str(error), text)]
    except (ValueError, RecursionError):  # a number of thousands of digits; lists in lists in lists
        return None, [Fault(1, "", "is not TOML that anybody would write by hand")]
    return read(told, TomlLines(text).line_of, visible)


def load_script(path: Path, visible: Collection[str] | None = None) -> Questionnaire:
    """Raises UsageError with every fault."""
    script, faults = examine_script(path, visible)
    if script is None:
        told = "\n".join(f"  {fault}" for fault in faults)
        raise UsageError(f"the script {path} cannot be used:\n{told}")
    return script


def _syntax(message: str, text: str) -> Fault:
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    plain = message[: place.start()] if place else message
    return Fault(line, "", f"is not TOML: {plain[:1].lower()}{plain[1:]}")
