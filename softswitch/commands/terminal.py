"""What commands have in common at a terminal: their arguments, progress, and errors as sentences."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from softswitch.errors import SoftswitchError

T = TypeVar("T")
NICE = 10

Config = Annotated[Path, typer.Argument(help="The site's TOML file.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Say progress and outcome as lines of JSON, and leave the processor to others.")
]


def run(work: Coroutine[Any, Any, T], *, as_json: bool = False) -> T:
    """An error of ours is a sentence, not a traceback."""
    try:
        return asyncio.run(work)
    except SoftswitchError as error:
        if as_json:
            say_json({"error": str(error)})
            raise typer.Exit(2) from None
        Console(stderr=True, highlight=False).print(f"[red]softswitch:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(2) from None


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of rows done, rows in all and the time left, where somebody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, whole: bar.update(task, completed=done, total=whole)


@contextmanager
def progress_lines() -> Iterator[Callable[[int, int], None]]:
    """The same as lines of JSON, for the switch that has begun this process; calls come before lists."""
    os.nice(NICE)
    yield lambda done, whole: say_json({"done": done, "of": whole})


def say_json(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


def is_missing_file(url: str) -> bool:
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    return parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file()
