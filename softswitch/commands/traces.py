"""`softswitch trace CALL`: a running switch's messages of one call, as a ladder, raw, as JSON or as a capture file."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from softswitch.commands.ladder import ladder
from softswitch.commands.switch_client import PasswordFile, Refused, SwitchClient, Url, User, password_from
from softswitch.errors import UsageError

Call = Annotated[str, typer.Argument(help="Call reference, as on the wallboard and in CDRs; a leg's id or a Call-ID.")]


def trace(
    call: Call,
    url: Url = "http://127.0.0.1:8080",
    user: User = "administrator",
    password_file: PasswordFile = None,
    raw: Annotated[bool, typer.Option("--raw", help="Print the messages themselves.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
    pcap: Annotated[Path | None, typer.Option(help="Write a capture file for tshark, Wireshark or sngrep.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="With numbers and names; needs --reason.")] = False,
    reason: Annotated[str, typer.Option(help="Why the whole is looked at; noted in the audit log.")] = "",
) -> None:
    """Print the ladder of one call's messages, from the memory of a running switch. Numbers are masked."""
    if whole and not reason:
        raise UsageError("--whole shows numbers and names: say why with --reason, it is noted in the audit log")
    client = SwitchClient(url, user, password_from(password_file))
    query = {"whole": "true", "reason": reason} if whole else {}
    if pcap is not None:
        _write(pcap, _of(client, call, "pcap", query))
        Console(stderr=True, highlight=False).print(f"{pcap}: written.", soft_wrap=True)
        return
    answer = _of(client, call, "trace", query)
    if as_json:
        sys.stdout.write(answer.decode() + "\n")
        return
    console = Console(highlight=False)
    found: dict[str, Any] = json.loads(answer)
    if raw:
        for step in found["steps"]:
            way = "to" if step["sent"] else "from"
            head = f"{step['after_s']:+.3f}  {way} {step['side']} {step['peer']} {step['transport']}"
            console.print(Text(head, style="bold"), soft_wrap=True)
            console.print(Text(_printable(step["message"])), soft_wrap=True)
        return
    for line in ladder(found):
        console.print(line, soft_wrap=True)


def _of(client: SwitchClient, call: str, what: str, query: dict[str, str]) -> bytes:
    try:
        return client.get("calls", call, what, query=query)
    except Refused as refused:
        if refused.status != 404:
            raise
        raise UsageError(
            f"no message of call {call} is remembered: either the name is wrong, or newer calls have taken its place; "
            "[trace] messages and megabytes say how much is kept"
        ) from None


def _write(path: Path, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def _printable(message: str) -> str:
    """What a peer wrote does not move the terminal's cursor."""
    lines = message.replace("\r\n", "\n").split("\n")
    return "\n".join("".join(sign if sign.isprintable() else "·" for sign in line) for line in lines)
