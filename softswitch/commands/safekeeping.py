"""`softswitch recordings ask | approve | requests | play`: four eyes and listening, over a running site's REST API."""

import json
import shlex
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from softswitch.commands.recordings import recordings_app
from softswitch.commands.switch_client import PasswordFile, SwitchClient, User, client_of
from softswitch.commands.terminal import Config
from softswitch.errors import UsageError
from softswitch.recordings.keys import read_private_key

__all__ = ["recordings_app"]

Where = Annotated[str, typer.Option("--url", envvar="SOFTSWITCH_WEB_URL", help="Left out: as the file says.")]
Why = Annotated[str, typer.Option("--reason", help="Noted in the site's audit log.")]
DECODED = 8000 * 2 * 2
"""Bytes a second of what is played: 8 kHz, two channels, 16 bit."""


@recordings_app.command()
def ask(
    config: Config,
    what: Annotated[str, typer.Argument(help="export, hold or lift.")],
    calls: Annotated[list[str], typer.Argument(help="Call references.")],
    reason: Why,
    hours: Annotated[float, typer.Option(help="How long the approval of an export shall be good.")] = 24.0,
    url: Where = "",
    user: User = "administrator",
    password_file: PasswordFile = None,
) -> None:
    """Ask to export recordings, to hold them, or to lift a hold; prints the reference that somebody else approves."""
    body = {"what": what, "call_refs": calls, "reason": reason, "minutes": max(1, round(hours * 60))}
    answer = json.loads(_client(config, url, user, password_file).post("requests", body=body))
    print(answer["request_ref"])


@recordings_app.command()
def approve(
    config: Config,
    request: Annotated[str, typer.Argument(help="As ask has printed it.")],
    url: Where = "",
    user: User = "administrator",
    password_file: PasswordFile = None,
) -> None:
    """Approve what somebody else has asked for."""
    client = _client(config, url, user, password_file)
    answer = json.loads(client.post("requests", request, "approval"))
    _say(f"{answer['what']} of {', '.join(answer['call_refs'])} approved, asked for by {answer['asked_by']}.")


@recordings_app.command()
def requests(
    config: Config,
    url: Where = "",
    user: User = "administrator",
    password_file: PasswordFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
) -> None:
    """List what was asked for, who has approved it, and who has used it."""
    answer = _client(config, url, user, password_file).get("requests")
    if as_json:
        print(answer.decode())
        return
    table = Table("request", "what", "calls", "asked by", "approved by", "used by", "why", box=None)
    for each in json.loads(answer):
        shown = (each[name] for name in ("asked_by", "approved_by", "used_by", "reason"))
        table.add_row(each["request_ref"], each["what"], " ".join(each["call_refs"]), *map(escape, shown))
    Console(highlight=False).print(table)


@recordings_app.command()
def play(
    config: Config,
    call: Annotated[str, typer.Argument(help="Call reference.")],
    private_key: Annotated[Path, typer.Option(help="The auditor's private key; it stays here.")],
    reason: Why,
    player: Annotated[
        str, typer.Option(help="Plays 16-bit samples at 8 kHz, left the agent, right the callee, from standard input.")
    ] = "aplay -q -t raw -f S16_LE -r 8000 -c 2",
    url: Where = "",
    user: User = "auditor",
    password_file: PasswordFile = None,
) -> None:
    """Listen to a call: decrypts here what the site cannot, leaves no file, and has the time of listening noted."""
    from softswitch.recordings.reading import SealedFile

    pair = read_private_key(private_key)
    client = _client(config, url, user, password_file)
    begun: dict[str, Any] = json.loads(client.post("recordings", call, "playback", body={"reason": reason}))
    heard_s = 0.0
    try:
        for part in range(1, begun["parts"] + 1):
            container = client.get("playbacks", begun["playback_ref"], "parts", str(part))
            with tempfile.NamedTemporaryFile(prefix="softswitch-", suffix=".ssr") as sealed:  # encrypted still
                sealed.write(container)
                sealed.flush()
                with SealedFile(Path(sealed.name)) as file:
                    heard_s += _play(player, file.chunks(pair))
    finally:
        client.post("playbacks", begun["playback_ref"], "listened", body={"seconds": round(heard_s, 1)})
    _say(f"{heard_s:.0f} s listened to; noted.")


def _play(player: str, chunks: Any) -> float:
    """Seconds that the player was given, and not more than have gone by: it may be closed before its end."""
    began, sent = time.monotonic(), 0
    try:
        with subprocess.Popen(shlex.split(player), stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            try:
                for chunk in chunks:
                    samples = chunk.samples.astype("<i2").tobytes()
                    process.stdin.write(samples)
                    sent += len(samples)
            except BrokenPipeError:
                pass  # the player was closed
            except KeyboardInterrupt:
                process.terminate()
    except OSError as error:
        raise UsageError(f"{player} cannot be started ({error.strerror}): name another --player") from error
    return min(sent / DECODED, time.monotonic() - began) if process.returncode else sent / DECODED


def _client(config: Path, url: str, user: str, password_file: Path | None) -> SwitchClient:
    from softswitch.config import load

    return client_of(load(config), url, user, password_file)


def _say(text: str) -> None:
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)
