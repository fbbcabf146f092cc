"""A start that shows what it does: the first one compiles the media plane, which takes half a minute."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from softswitch.switch import Switch


async def start_showing(switch: Switch, console: Console) -> None:
    """Start the switch behind a progress bar that goes away."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=1.0)

        def show(what: str, fraction: float) -> None:
            bar.update(task, description=what, completed=fraction)

        await switch.start(on_progress=show)
