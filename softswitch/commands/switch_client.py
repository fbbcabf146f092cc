"""A running switch as commands at a terminal ask it: its REST API, with an account, a password, and the code of the
account's app where it has one."""

import atexit
import base64
import contextlib
import ipaddress
import json
import os
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from softswitch.errors import UsageError

if TYPE_CHECKING:
    from softswitch.config import Settings

TIMEOUT_S = 20.0
CODE = "SOFTSWITCH_WEB_CODE"
"""The code of the account's app, for scripts; at a terminal it is asked for."""

Url = Annotated[str, typer.Option(envvar="SOFTSWITCH_WEB_URL", help="Where the switch's web is.")]
User = Annotated[str, typer.Option(envvar="SOFTSWITCH_WEB_USER", help="Account of the web.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        envvar="SOFTSWITCH_WEB_PASSWORD_FILE",
        help="File with the account's password; without one SOFTSWITCH_WEB_PASSWORD counts, else you are asked.",
    ),
]


class Refused(UsageError):
    """The switch said no; the text is its reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class SwitchClient:
    """One account at one switch."""

    def __init__(self, url: str, user: str, password: str, certificate: Path | None = None, *, token: str = "") -> None:
        """certificate: one that a switch has made for itself, where it is known.  token: of a program, in the place of
        user and password. Raises UsageError for a wrong url."""
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"{url} is no address of a switch: write it as http://127.0.0.1:8080")
        self._url = url.rstrip("/")
        self._user = user
        self._password = password
        self._code = os.environ.get(CODE, "")
        self._tls = ssl.create_default_context() if url.startswith("https") else None
        if self._tls is not None and certificate is not None and certificate.is_file():
            self._tls.load_verify_locations(certificate)
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        given = f"Bearer {token}" if token else f"Basic {basic}"
        self._headers = {"Authorization": given, "Accept": "application/json"}
        self._token = token

    def get(self, *path: str, query: Mapping[str, str] | None = None) -> bytes:
        """What the API answers under /api. Raises Refused with its reason, UsageError where no switch answers."""
        return self._ask("GET", path, query, None)

    def post(self, *path: str, body: Mapping[str, Any] | None = None) -> bytes:
        """The same for a command."""
        return self._ask("POST", path, None, json.dumps(body or {}).encode())

    def _ask(self, method: str, path: tuple[str, ...], query: Mapping[str, str] | None, body: bytes | None) -> bytes:
        address = f"{self._url}/api/" + "/".join(urllib.parse.quote(part, safe="") for part in path)
        if query:
            address += f"?{urllib.parse.urlencode(query)}"
        if self._code:
            self._log_in()
        try:
            return self._sent(method, address, body)[0]
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED or not self._asks_for_code():
                raise
        self._log_in()
        return self._sent(method, address, body)[0]

    def _asks_for_code(self) -> bool:
        """Whether somebody is there who has typed it now. Once: a session that was refused stays so."""
        if self._token or "Cookie" in self._headers or not sys.stdin.isatty():
            return False
        self._code = typer.prompt("Code of your app (empty: none)", default="", show_default=False, err=True).strip()
        return bool(self._code)

    def _log_in(self) -> None:
        """A session, as HTTP Basic is for accounts without a code. It ends with this process."""
        told = json.dumps({"name": self._user, "password": self._password, "code": self._code}).encode()
        self._code = ""  # it counts once
        self._headers = {"Accept": "application/json", "Origin": self._url}
        answer, headers = self._sent("POST", f"{self._url}/api/login", told)
        cookie = (headers.get("Set-Cookie") or "").partition(";")[0]
        self._headers |= {"Cookie": cookie, "X-CSRF-Token": json.loads(answer)["csrf"]}
        atexit.register(self.close)

    def close(self) -> None:
        """End the session, where there is one."""
        atexit.unregister(self.close)
        if "Cookie" in self._headers:
            with contextlib.suppress(UsageError):
                self._sent("DELETE", f"{self._url}/api/session", None)

    def _sent(self, method: str, address: str, body: bytes | None) -> tuple[bytes, Message]:
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310  (checked at the start)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=self._tls) as answer:  # noqa: S310
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            raise Refused(error.code, self._reason(error)) from None
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", error)
            raise UsageError(f"no switch answers at {self._url} ({why}): is it running? --url says where") from None

    def _reason(self, error: urllib.error.HTTPError) -> str:
        detail = _detail(error)
        if error.code == 401 and self._token:
            return f"{self._url} does not know this token: `softswitch people token` makes one"
        if error.code == 401:
            return (
                f"{self._url} does not know {self._user} with this password, or wants the code of {self._user}'s app "
                f"too: check --user and --password-file, and give the code at a terminal or as {CODE}"
            )
        if error.code == 403:
            return f"{self._user} may not do this: {detail}"
        return detail or f"the switch answered {error.code}"


def client_of(
    settings: "Settings", url: str, user: str, password_file: Path | None, token_file: Path | None = None
) -> SwitchClient:
    """Of the switch that a configuration describes; url: where that is not where it is reached from here.

    token_file: of a program, in the place of user and password.
    """
    web = settings.web
    address = ipaddress.ip_address(web.address)
    own_certificate = settings.site.data_directory / "web.pem" if web.certificate is None else web.certificate
    secure = web.tls == "auto" and (web.certificate is not None or not address.is_loopback)
    host = "127.0.0.1" if address.is_unspecified else str(address)
    where = f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{web.port}"
    if token_file is not None:
        return SwitchClient(url or where, user, "", own_certificate, token=password_from(token_file).strip())
    return SwitchClient(url or where, user, password_from(password_file), own_certificate)


def password_from(path: Path | None) -> str:
    """The file's, the environment's, or what is typed. Raises UsageError where there is none."""
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


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        detail = json.loads(error.read()).get("detail", "")
    except (ValueError, OSError, AttributeError):
        return ""
    if isinstance(detail, list):  # FastAPI's, of values that it cannot take
        return "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in detail if each.get("loc") and each.get("msg"))
    return detail if isinstance(detail, str) else ""
