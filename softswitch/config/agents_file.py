"""Reading a CSV file of agents: each row becomes the values of an [[agents]] table and perhaps a PIN, or an explained
mistake. The file is read as lists of leads are (encoding, delimiter, lines)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from softswitch.config.phones import AgentSettings
from softswitch.errors import UsageError
from softswitch.safeguards.pins import PIN_RULE, is_good_pin
from softswitch.store import lead_file

ALIASES = {
    "id": ("id", "agent", "agent_id", "agent_number"),
    "pin": ("pin",),
    "phone_username": ("phone_username", "phone", "extension", "username"),
    "phone_model": ("phone_model", "model", "make"),
    "phone_mac": ("phone_mac", "mac", "mac_address"),
    "connect": ("connect",),
    "skills": ("skills",),
    "cleared_from": ("cleared_from",),
    "cleared_until": ("cleared_until",),
    "excluded_categories": ("excluded_categories",),
}
"""Meaning -> the column names that carry it."""
LISTS = frozenset({"skills", "excluded_categories"})
"""Several in one cell are parted by spaces or semicolons."""
MOST_AGENTS = 500
MOST_BYTES = 1 << 20
MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class AgentRow:
    line: int
    agent: AgentSettings
    told: tuple[str, ...]
    """The keys that the file has a value for; the others stay as they are."""
    pin: str
    """Empty: the file gives none."""


@dataclass(frozen=True, slots=True)
class AgentsFile:
    rows: int
    agents: tuple[AgentRow, ...]
    problems: tuple[str, ...]
    left_out: tuple[str, ...]
    """Columns that mean nothing here: names of people have no place in the switch."""


def read_agents(path: Path, columns: Mapping[str, str] | None = None) -> AgentsFile:
    """Every row of a file.  columns: meaning -> the file's own name for it.

    Raises UsageError for a file that cannot be used as a whole. No PIN is in any message.
    """
    if path.stat().st_size > MOST_BYTES:
        raise UsageError(f"the file is longer than {MOST_BYTES >> 20} MiB: is it a list of agents?")
    file = lead_file.inspect(path)
    if file.rows > MOST_AGENTS:
        raise UsageError(f"the file has {file.rows} rows; at most {MOST_AGENTS} agents are taken")
    where = _columns(file.header, columns or {})
    agents: list[AgentRow] = []
    problems: list[str] = []
    lines: dict[str, int] = {}
    for line, values in lead_file.rows(file):
        told = {name: text for name, at in where.items() if at < len(values) and (text := values[at].strip())}
        try:
            row = _row(line, told)
            first = lines.setdefault(row.agent.id, line)
            if first != line:
                raise UsageError(f"{_name(file.header, where, 'id')}: is on line {first} already")
        except UsageError as error:
            problems.append(f"line {line}, {error}")
            continue
        agents.append(row)
    if not agents and not problems:
        raise UsageError("the file names no agent: give each a row of its own, with id and PIN")
    left_out = tuple(name for at, name in enumerate(file.header) if at not in where.values())
    return AgentsFile(file.rows, tuple(agents), tuple(problems[:MOST_PROBLEMS]), left_out)


def _columns(header: Sequence[str], own: Mapping[str, str]) -> dict[str, int]:
    names = [name.strip() for name in header]
    plain = [name.lower().replace(" ", "_").replace("-", "_") for name in names]
    where: dict[str, int] = {}
    for meaning, aliases in ALIASES.items():
        if meaning in own:
            if own[meaning] not in names:
                raise UsageError(f'there is no column "{own[meaning][:64]}" for {meaning}')
            where[meaning] = names.index(own[meaning])
            continue
        found = [at for at, name in enumerate(plain) if name in aliases and names[at] not in own.values()]
        if len(found) > 1:
            raise UsageError(f"two columns mean {meaning}: say which one to take")
        if found:
            where[meaning] = found[0]
    unknown = sorted(set(own) - set(ALIASES))
    if unknown:
        raise UsageError(f"nothing of an agent is called {unknown[0][:64]}; there are {', '.join(ALIASES)}")
    if "id" not in where:
        raise UsageError(f"no column names the agents; call it {' or '.join(ALIASES['id'])}")
    return where


def _row(line: int, told: dict[str, str]) -> AgentRow:
    pin = told.pop("pin", "")
    values: dict[str, Any] = {name: text.replace(";", " ").split() if name in LISTS else text
                              for name, text in told.items()}  # fmt: skip
    if "phone_model" in values:
        values["phone_model"] = values["phone_model"].lower()
    try:
        agent = AgentSettings.model_validate({"id": "", **values})
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        said = str(detail.get("ctx", {}).get("error", detail["msg"]))
        raise UsageError(f"{detail['loc'][0]}: {said[:1].lower()}{said[1:]}".replace("input should", "must")) from None
    if pin and not is_good_pin(pin):
        raise UsageError(f"pin: {PIN_RULE}")
    if agent.phone_mac and agent.phone_model is None:
        raise UsageError("phone_model: is missing; a phone with a MAC address has a make")
    return AgentRow(line, agent, tuple(name for name in values if name != "id"), pin)


def _name(header: Sequence[str], where: Mapping[str, int], meaning: str) -> str:
    return header[where[meaning]].strip()
