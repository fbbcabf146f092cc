"""The floor plan of DESIGN.md: who may import whom, and which rooms are pure."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STANDARD_LIBRARY_ONLY: frozenset[str] = frozenset()
NUMERIC = frozenset({"numpy", "numba"})
IMPURE = frozenset(
    {"asyncio", "socket", "threading", "time", "random", "os", "pathlib", "subprocess", "selectors", "tempfile"}
)

# room -> rooms of ours that it may import (errors and core_dumps are everybody's)
MAY_IMPORT = {
    "codecs": set(),
    "pacing": set(),
    "sip": set(),
    "sdp": set(),
    "amd": {"codecs"},
    "calls": {"sip", "sdp"},
    "ua": {"sip", "calls"},
    "dialler": {"pacing", "calls", "amd.verdict"},
    "survey": set(),
    "training": {"survey"},
    "safeguards": {"dialler", "survey"},
    "transports": {"sip"},
    "recordings": {"codecs", "durable"},
    "key_words": {"codecs"},
    "media": {"sdp", "codecs", "amd", "recordings"},
    "store": {"calls", "dialler", "survey", "safeguards", "durable"},
    "web": {"store", "calls", "dialler", "survey", "safeguards", "training", "durable"},
    "testing": {"sip", "sdp", "codecs", "calls", "ua", "transports", "media.events"},
    "exchange": {
        *("sip", "transports", "calls", "ua", "sdp", "media", "dialler", "safeguards", "store", "amd", "config"),
        *("recordings", "survey", "pacing", "key_words.messages", "durable"),
    },
    "commands": {
        *("config", "store", "dialler", "survey", "safeguards", "recordings", "amd", "codecs", "pacing", "media"),
        *("exchange", "web", "testing", "demo", "configs"),
    },
}
# The exchange's own rooms: each knows only those before it, but for names that types alone need.
EXCHANGE = ("audit", "telephony", "floor", "calls", "running", "intake", "desks")
PURE = ("codecs", "pacing", "sip", "sdp", "amd", "calls", "ua", "dialler", "survey", "safeguards", "training")
# Third-party packages that a pure room may use; the others use the standard library alone.
PURE_THIRD_PARTY = {
    "codecs": NUMERIC | {"llvmlite"},
    "pacing": NUMERIC,
    "amd": NUMERIC | {"llvmlite"},
    "dialler": frozenset({"numpy"}),
}
OURS = frozenset(MAY_IMPORT)
# The detector's doors to disk and terminal: clips are read, weights too, and what became of them is shown.
MAY_READ_FILES = {f"softswitch/amd/{name}.py" for name in ("commands", "tables", "pictures", "weights")}


def files_of(room: str) -> list[Path]:
    folder = ROOT / room if room in ("codecs", "pacing") else ROOT / "softswitch" / room
    return sorted(folder.rglob("*.py"))


def imports_of(path: Path, *, with_types: bool = True) -> set[str]:
    """Full names of all that a file imports. with_types: also what only `if TYPE_CHECKING` imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not with_types:
        tree.body = [
            each for each in tree.body if not (isinstance(each, ast.If) and "TYPE_CHECKING" in ast.dump(each.test))
        ]
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_that_the_floor_plan_names(room: str) -> None:
    allowed = MAY_IMPORT[room] | {room}
    for path in files_of(room):
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] != "softswitch" or len(parts) < 2 or parts[1] in ("errors", "core_dumps"):
                continue
            inside = ".".join(parts[1:])
            assert any(inside == door or inside.startswith(f"{door}.") for door in allowed), f"{path} imports {name}"


def test_the_rooms_of_the_exchange_stand_in_their_order() -> None:
    folders = {path.parent.name for path in files_of("exchange") if path.name != "__init__.py"}
    assert folders == set(EXCHANGE)
    for room in EXCHANGE:
        known = EXCHANGE[: EXCHANGE.index(room) + 1]
        for path in files_of(f"exchange/{room}"):
            ours = [name.split(".") for name in imports_of(path, with_types=False)]
            asked = {parts[2] for parts in ours if parts[:2] == ["softswitch", "exchange"] and len(parts) > 2}
            assert asked <= set(known), f"{path} imports {asked - set(known)}"


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_touches_neither_clock_nor_network_nor_disk(room: str) -> None:
    for path in files_of(room):
        if str(path.relative_to(ROOT)) in MAY_READ_FILES:
            continue
        top = {name.split(".")[0] for name in imports_of(path)}
        assert not top & IMPURE, f"{path} imports {sorted(top & IMPURE)}"
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "open" not in calls, f"{path} opens a file"


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_uses_only_the_libraries_that_the_floor_plan_names(room: str) -> None:
    import sys

    allowed = PURE_THIRD_PARTY.get(room, STANDARD_LIBRARY_ONLY) | {"softswitch"} | sys.stdlib_module_names
    for path in files_of(room):
        if str(path.relative_to(ROOT)) in MAY_READ_FILES:
            continue
        foreign = {name.split(".")[0] for name in imports_of(path)} - allowed
        assert not foreign, f"{path} imports {sorted(foreign)}"


def test_no_module_has_the_name_of_a_standard_library_module_beside_codecs() -> None:
    import sys

    files = [path.relative_to(ROOT).with_suffix("") for room in OURS for path in files_of(room)]
    ours = {part for path in files for part in path.parts} - {"__init__", "__main__"}
    assert not ours & (sys.stdlib_module_names - {"codecs"})


def test_mapped_folders_and_tests_have_no_init_file() -> None:
    for folder in ("codecs", "pacing", "configs", "tests"):
        assert not list((ROOT / folder).rglob("__init__.py"))


def test_only_the_switch_and_its_programs_know_everybody() -> None:
    """Nothing below switch.py may import it."""
    for room in MAY_IMPORT:
        for path in files_of(room):
            assert not any(name.startswith("softswitch.switch") for name in imports_of(path)), path


def test_each_room_says_what_it_is_and_what_it_names_of_itself_is_there() -> None:
    for init in sorted((ROOT / "softswitch").rglob("__init__.py")):
        if "migrations" in init.parts:
            continue
        tree = ast.parse(init.read_text(encoding="utf-8"))
        said = ast.get_docstring(tree)
        assert said, init
        here = {path.stem for path in init.parent.iterdir()}
        here |= {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.alias)}
        assert set(re.findall(r"`(?!softswitch)([a-z_]+)(?:\.\w+)?`", said)) <= here, init


def test_each_folder_with_code_is_in_the_wheel() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "softswitch").rglob("*.py")}
    assert {".".join(folder.parts) for folder in folders} <= set(listed)
