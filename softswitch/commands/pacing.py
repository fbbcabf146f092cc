"""`softswitch pacing simulate`: days of a simulated market under a policy, one or a grid; `pacing replay`."""

import time
import tomllib
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from softswitch.commands.figures import is_standard_output, write_json
from softswitch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from softswitch.pacing.market import Market

pacing_app = typer.Typer(no_args_is_help=True)
POLICIES_HELP = "predictive, progressive, ratio, guaranteed_agent, preview, manual, mean_matching or vicidial."

JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file; - for standard output.")]


@pacing_app.callback()
def _pacing() -> None:
    """Pacing."""


@pacing_app.command("simulate")
def simulate(
    agents: Annotated[int | None, typer.Option(min=1, max=1000, help="Default: the market's, else 10.")] = None,
    answer_rate: Annotated[
        float | None, typer.Option(min=0.001, max=0.999, help="Any answer, people and machines. Default: the market's.")
    ] = None,
    policy: Annotated[str, typer.Option(help=POLICIES_HELP)] = "predictive",
    target: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Overflow share of a day. Default: the market's, else 0.03.")
    ] = None,
    with_amd_errors: Annotated[
        bool, typer.Option("--with-amd-errors", help="The target includes the expected false positives of AMD.")
    ] = False,
    market: Annotated[Path | None, typer.Option(help="TOML, as configs/market-reference.toml.")] = None,
    days: Annotated[int, typer.Option(min=1)] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the first day; the next ones have the next seeds.")] = 1,
    setting: Annotated[
        list[float] | None, typer.Option(help="Of ratio, mean_matching or vicidial; repeat it where there are several.")
    ] = None,
    hindsight: Annotated[
        bool, typer.Option("--hindsight", help="Choose the setting that is best over just these days.")
    ] = False,
    grid: Annotated[
        str, typer.Option(help="Agents and answer rates: 5,10,20:0.1,0.2. One row of figures for each.")
    ] = "",
    plot: Annotated[Path | None, typer.Option(help="Draw the figures into this file (PNG, SVG or PDF).")] = None,
    log: Annotated[
        Path | None, typer.Option(help="Write the first day's events and decisions, for `pacing replay`.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Simulate whole days with the function that paces the live dialler; means of all days, 95 % intervals."""
    from softswitch.pacing import summary

    if grid and (agents is not None or answer_rate is not None):
        raise UsageError("a grid has its own agents and answer rates")
    if hindsight and (setting or with_amd_errors):
        raise UsageError("hindsight chooses the setting itself, for a target of the overflow")
    if plot is not None:
        from softswitch.commands.pacing_plot import check

        check(plot)
    _discard_stale_kernels()
    settings = _read_market(market)
    places = _grid(grid) if grid else [(agents, answer_rate)]
    wanted = [_market(settings, one_agents, one_rate) for one_agents, one_rate in places]
    if log is not None:
        from softswitch.commands.pacing_log import write_day

        chosen = setting or list(summary.DEFAULT_SETTING.get(policy, ()))
        aim = wanted[0].abandoned_target if target is None else target
        terms = {"policy": policy, "setting": chosen, "target": aim, "with_amd_errors": with_amd_errors}
        write_day(log, wanted[0], terms, seed=seed)
    tries = len(summary.SETTINGS.get(policy, [()])) if hindsight else days
    found: list[dict[str, Any]] = []
    with _progress(len(wanted) * tries) as told:
        for one in wanted:
            aim = one.abandoned_target if target is None else target
            if hindsight:
                figures = summary.best_in_hindsight(one, policy=policy, target=aim, days=days, seed=seed, tell=told)
            else:
                figures = summary.simulate(
                    one, policy=policy, target=aim, with_amd_errors=with_amd_errors, days=days, seed=seed,
                    setting=tuple(setting) if setting else None, clock=time.thread_time, tell=told,
                )  # fmt: skip
            found.append(figures)
    if plot is not None:
        from softswitch.commands.pacing_plot import draw

        draw(found, plot)
    result: Any = {"grid": found} if grid else found[0]
    if not is_standard_output(json_file):
        (_show_grid if grid else _show)(found)
    if json_file is not None:
        write_json(json_file, result)


@pacing_app.command("replay")
def replay(
    log: Annotated[Path, typer.Argument(help="What `simulate --log` wrote.")], json_file: JsonFile = None
) -> None:
    """Give a day's log to the controller again: the same events must lead to the same decisions, else exit 1."""
    from softswitch.commands.pacing_log import read_day
    from softswitch.pacing.replay import replay as replayed

    _discard_stale_kernels()
    lines, opening = read_day(log)
    came = replayed(lines, opening, time.thread_time)
    figures = {"decisions": came.decisions, "differing": came.differing, "us_per_step": came.mean_s * 1e6}
    if not is_standard_output(json_file):
        _show([figures])
    if json_file is not None:
        write_json(json_file, figures)
    if came.differing:
        raise typer.Exit(1)


def _discard_stale_kernels() -> None:
    """Before the kernels of pacing first run: what was compiled from other sources is not used."""
    import softswitch.pacing
    from softswitch.media.kernels import cache_folders, discard_stale_kernels
    from softswitch.pacing.controller import step

    discard_stale_kernels(*cache_folders(step), packages=(softswitch.pacing,))


def _read_market(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        text = f"the market {path} cannot be read: {error.strerror}; begin with a copy of configs/market-reference.toml"
        raise UsageError(text) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML
        raise UsageError(f"the market {path} is not TOML as configs/market-reference.toml is: {error}") from error


def _market(settings: dict[str, Any], agents: int | None, answer_rate: float | None) -> "Market":
    from softswitch.pacing.market import Market

    given = {"agents": agents, "answer_rate": answer_rate}
    return Market.from_mapping(settings | {name: value for name, value in given.items() if value is not None})


def _grid(text: str) -> list[tuple[int, float]]:
    """Raises UsageError for anything but numbers, a colon, numbers."""
    try:
        left, right = text.split(":")
        floors, rates = [int(each) for each in left.split(",")], [float(each) for each in right.split(",")]
    except ValueError as error:
        raise UsageError("a grid is agents and answer rates, such as 5,10,20:0.1,0.2") from error
    return [(agents, rate) for agents in floors for rate in rates]


@contextmanager
def _progress(total: int) -> "Iterator[Callable[[], None]]":
    """A bar on standard error while days are simulated."""
    columns = (
        TextColumn("simulating"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


IN_A_GRID = {
    "agents": "agents",
    "answer_rate": "answers",
    "utilisation": "utilisation",
    "utilisation_ci": "95 %",
    "overflow_rate": "overflow",
    "p_day_over_target": "P(over)",
    "talk_min_per_agent_hour": "talk min",
}
"""Figures that fit a line, and what is said of them; `--json` has all."""


def _show_grid(found: list[dict[str, Any]]) -> None:
    table = Table()
    for what in IN_A_GRID.values():
        table.add_column(what, justify="right")
    for figures in found:
        table.add_row(*(_shown(figures[name], digits=3) for name in IN_A_GRID))
    Console().print(table)


def _show(found: list[dict[str, Any]]) -> None:
    table = Table(show_header=False)
    for _ in range(len(found) + 1):
        table.add_column(justify="right")
    for name in found[0]:
        table.add_row(name, *(_shown(figures[name]) for figures in found))
    Console().print(table)


def _shown(value: Any, digits: int = 4) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, list):
        return " ".join(_shown(each, digits) for each in value)
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_shown(each)}" for name, each in value.items())
    return str(value)
