"""The commands that measure answering-machine detection."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from softswitch.commands.figures import is_standard_output, write_json
from softswitch.errors import UsageError

amd_app = typer.Typer(no_args_is_help=True)

JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file; - for standard output.")]
PlotFile = Annotated[Path | None, typer.Option("--plot", help="Draw it to this file: PNG, SVG or PDF.")]


@amd_app.callback()
def _amd() -> None:
    """Answering-machine detection."""


@amd_app.command("evaluate")
def evaluate(
    folder: Annotated[Path, typer.Argument(help="Clips with a labels.csv, as docs/amd.md tells.")],
    point: Annotated[str, typer.Option(help="careful, balanced, fast or all.")] = "all",
    json_file: JsonFile = None,
    plot: PlotFile = None,
    frame_ms: Annotated[int, typer.Option(help="10, 20, 30 or 40: how long a packet is.")] = 20,
    decisions: Annotated[bool, typer.Option("--decisions", help="Write each clip's verdicts to the JSON too.")] = False,
) -> None:
    """Stream every clip of a folder through the detector as the media plane would, and count what it says."""
    from softswitch.amd.commands import evaluate_folder

    _discard_stale_kernels()
    figures = evaluate_folder(folder, point=point, frame_ms=frame_ms, decisions=decisions)
    by_point = figures if point == "all" else {point: figures[point]}
    if not is_standard_output(json_file):
        from softswitch.amd.tables import show_evaluation

        show_evaluation(Console(), by_point)
    if plot is not None:
        from softswitch.amd.pictures import draw_curve

        draw_curve(by_point, plot)
    if json_file is not None:
        write_json(json_file, figures)


@amd_app.command("listen")
def listen(
    file: Annotated[Path, typer.Argument(help="One call from its answer on: WAV, 8 kHz mono, G.711 or 16-bit PCM.")],
    point: Annotated[str, typer.Option(help="careful, balanced or fast.")] = "balanced",
    plot: PlotFile = None,
) -> None:
    """Show what the detector measured, held likely and said of one clip over time, as a table and a picture."""
    from softswitch.amd.commands import points_named, read_wav

    if point == "all":
        raise UsageError("one clip is heard at one operating point: careful, balanced or fast")
    chosen = points_named(point)[0]
    _discard_stale_kernels()
    from softswitch.amd.listen import listen as listen_to
    from softswitch.amd.tables import show_clip

    trace = listen_to(read_wav(file), f"{file.name}, {point}", chosen)
    show_clip(Console(), trace)
    if plot is not None:
        from softswitch.amd.pictures import draw_clip

        draw_clip(trace, plot)


def _discard_stale_kernels() -> None:
    """Before the detector's kernels first run: what was compiled from other sources is not used."""
    from softswitch.amd.evaluate import stream
    from softswitch.codecs.g711 import decode_ulaw
    from softswitch.media.kernels import cache_folders, discard_stale_kernels

    discard_stale_kernels(*cache_folders(stream, decode_ulaw))
