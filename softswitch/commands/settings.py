"""`softswitch settings`: every setting of a site's TOML file, from the models that check it; docs/settings.md too."""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, TypeAlias

import typer

from softswitch.config import Settings
from softswitch.errors import UsageError

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or a part of one, as pydantic makes it."""

_PREAMBLE = """# Settings

Every setting of a site's TOML file, as `softswitch settings` prints it. `softswitch check FILE` says what is wrong with
one, by line and key; configs/one-site.toml is one to begin with. Paths are taken from the file's folder. An environment
variable comes before the file: `SOFTSWITCH_SIP__PORT=5070` is the port under `[sip]`.
"""
_HEADING = re.compile(r"(?P<table>\[+[\w.-]+\]+)(?:[:;] *(?P<about>.*))?", re.DOTALL)
_FORMATS = {"path": "path", "date": "date", "time": "time", "password": "secret"}
_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true, false"}


def settings(
    table: Annotated[str, typer.Argument(help="One table only, such as sip or campaigns.recycle.")] = "",
) -> None:
    """Print every setting of a site's file: what may stand there, what holds where it is left out, what it does."""
    found = [text for heading, text in _tables() if not table or heading.strip("[]").startswith(table.strip("[]"))]
    if not found:
        raise UsageError(f"there is no table {table!r} in a site's file")
    typer.echo("\n".join(found if table else [_PREAMBLE, *found]), nl=False)


def _tables() -> Iterator[tuple[str, str]]:
    """Heading and Markdown of each table, in the file's order; a table within another follows it."""
    whole = Settings.model_json_schema()
    for name, part in whole["properties"].items():
        if models := _models_of(part):
            yield from _table(models[0], whole["$defs"])
        else:
            yield f"[{name}]", _section(f"[{name}]", part["description"], [])


def _table(name: str, models: Schema) -> Iterator[tuple[str, str]]:
    model = models[name]
    match = _HEADING.fullmatch(model["description"])
    assert match is not None, f"{name}'s docstring does not begin with its table"
    fields, required = model["properties"], model.get("required", [])
    rows = [_row(each, part, models, each in required) for each, part in fields.items()]
    yield match["table"], _section(match["table"], match["about"] or "", rows)
    for inner in _models_of(fields):
        if models[inner]["type"] == "object":
            yield from _table(inner, models)


def _models_of(part: Schema) -> list[str]:
    return re.findall(r'"#/\$defs/(\w+)"', json.dumps(part))


def _section(table: str, about: str, rows: list[str]) -> str:
    head = ["", "| setting | what may stand there | left out | |", "|---|---|---|---|"] if rows else []
    text = ["", _words(about)] if about else []
    return "\n".join([f"## `{table}`", *text, *head, *rows, ""])


def _row(name: str, part: Schema, models: Schema, is_required: bool) -> str:
    default = "must be there" if is_required else _default(part.get("default"))
    cells = [f"`{name}`", _allowed(part, models), default, _words(part.get("description", ""))]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{json.dumps(value)}`"


def _allowed(part: Schema, models: Schema) -> str:
    """What may stand there, in words: "number, 0 to 600", "list of dates"."""
    if "anyOf" in part:
        return " or ".join(_allowed(each, models) for each in part["anyOf"] if each.get("type") != "null")
    if "$ref" in part:
        part = models[_models_of(part)[0]]
    if "enum" in part:
        return ", ".join(f"`{each}`" for each in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    if table := _HEADING.match(part.get("description", "")):
        return f"table `{table['table']}`"
    if part["type"] in ("array", "object"):
        inner = _allowed(part["items"] if part["type"] == "array" else part["additionalProperties"], models)
        return inner if inner.startswith("table") else f"{'list' if part['type'] == 'array' else 'table'}: {inner}"
    return _FORMATS.get(part.get("format", ""), _TYPES[part["type"]]) + _range(part)


def _range(part: Schema) -> str:
    least, most = part.get("minimum", part.get("exclusiveMinimum")), part.get("maximum", part.get("exclusiveMaximum"))
    above, below = "over " * ("exclusiveMinimum" in part), "under " * ("exclusiveMaximum" in part)
    bounds = [f"from {above}{least:g}"] if least is not None and most is None else []
    if most is not None:
        bounds = [f"{above}{least:g} to {below}{most:,.10g}" if least is not None else f"to {below}{most:,.10g}"]
    if "maxLength" in part:
        bounds.append(f"{part['maxLength']} characters at most")
    return "".join(f", {each}" for each in bounds)


def _words(text: str) -> str:
    words = " ".join(text.split())
    return words[:1].upper() + words[1:]
