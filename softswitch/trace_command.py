"""`softswitch trace CALL`: a running switch's messages of one call, as a ladder, raw, as JSON or as a capture file."""

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from softswitch.errors import UsageError
from softswitch.ladder import ladder

TIMEOUT_S = 20.0

Call = Annotated[str, typer.Argument(help="Call reference, as on the wallboard and in CDRs; a leg's id or a Call-ID.")]
Url = Annotated[str, typer.Option(envvar="SOFTSWITCH_WEB_URL", help="Where the switch's web is.")]
User = Annotated[str, typer.Option(envvar="SOFTSWITCH_WEB_USER", help="Account of the web.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        envvar="SOFTSWITCH_WEB_PASSWORD_FILE",
        help="File with the account's password; without one SOFTSWITCH_WEB_PASSWORD counts, else you are asked.",
    ),
]


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
    client = _Client(url, user, _password(password_file))
    query = {"whole": "true", "reason": reason} if whole else {}
    if pcap is not None:
        _write(pcap, client.get(call, "pcap", query))
        Console(stderr=True, highlight=False).print(f"{pcap}: written.", soft_wrap=True)
        return
    answer = client.get(call, "trace", query)
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


class _Client:
    def __init__(self, url: str, user: str, password: str) -> None:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"{url} is no address of a switch: write it as http://127.0.0.1:8080")
        self._url = url.rstrip("/")
        self._user = user
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Accept": "application/json"}

    def get(self, call: str, what: str, query: dict[str, str]) -> bytes:
        """Raises UsageError with what to do."""
        address = f"{self._url}/api/calls/{urllib.parse.quote(call, safe='')}/{what}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(address, headers=self._headers)  # noqa: S310  (checked above)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            raise UsageError(self._advice(error, call)) from None
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", error)
            raise UsageError(f"no switch answers at {self._url} ({why}): is it running? --url says where") from None

    def _advice(self, error: urllib.error.HTTPError, call: str) -> str:
        detail = _detail(error)
        match error.code:
            case 401:
                return f"{self._url} does not know {self._user} with this password: check --user and --password-file"
            case 403:
                return f"{self._user} may not see this: {detail}"
            case 404:
                return (
                    f"no message of call {call} is remembered: either the name is wrong, or newer calls have taken its "
                    "place; [trace] messages and megabytes say how much is kept"
                )
            case _:
                return detail or f"the switch answered {error.code}"


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        detail = json.loads(error.read()).get("detail", "")
    except (ValueError, OSError, AttributeError):
        return ""
    return detail if isinstance(detail, str) else ""


def _password(path: Path | None) -> str:
    if path is not None:
        try:
            return path.read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the password file {path} cannot be read: {type(error).__name__}") from None
    given = os.environ.get("SOFTSWITCH_WEB_PASSWORD")
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise UsageError("no password: name a file with --password-file, or set SOFTSWITCH_WEB_PASSWORD")
    asked: str = typer.prompt("Password", hide_input=True, err=True)
    return asked


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
