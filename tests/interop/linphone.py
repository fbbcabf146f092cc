"""linphone's daemon as an agent's phone over TLS; it is GPL-3 and runs as a process of its own."""

import asyncio
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.interop.peers import PATIENCE_S, end, eventually
from tests.ports import free_port


class Linphone:
    """Registers over TLS, verifies the server's certificate by its name, answers, and plays a WAV file into its calls.

    server: name and port. authorities: PEM, who may vouch for it. encryption: "srtp": of its media, and nothing else.
    """

    def __init__(
        self,
        folder: Path,
        *,
        server: tuple[str, int],
        username: str,
        password: str,
        authorities: Path,
        encryption: str = "none",
    ) -> None:
        self.folder = folder
        self._encryption = encryption
        self._server, self._username, self._password, self._authorities = server, username, password, authorities

    async def __aenter__(self) -> Self:
        (self.folder / ".local/share/linphone").mkdir(parents=True, exist_ok=True)
        (self.folder / "rc").write_text(self._config())
        self._out = (self.folder / "out.log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            "linphone-daemon", "--config", "rc", "--log", "linphone.log", "--auto-answer",
            cwd=self.folder, stdin=subprocess.PIPE, stdout=self._out, stderr=self._out,
            env={**os.environ, "HOME": str(self.folder), "TERM": "dumb"},
        )  # fmt: skip
        host, port = self._server
        self.command(
            f"register sip:{self._username}@{host} sip:{host}:{port};transport=tls {self._password} {self._username}"
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.command("quit")  # it unregisters first
        try:
            await asyncio.wait_for(self._process.wait(), 5.0)
        except TimeoutError:
            await end(self._process)
        self._out.close()
        if error is not None:
            print(self.log[-8000:])

    def command(self, line: str) -> None:
        """ "call sip:NUMBER@HOST", "terminate", "incall-player-start FILE"."""
        assert self._process.stdin
        if self._process.returncode is None:
            self._process.stdin.write(line.encode() + b"\n")

    async def logged(self, text: str, patience_s: float = PATIENCE_S) -> None:
        await eventually(lambda: text in self.log, f"linphone logs {text!r}", patience_s)

    @property
    def log(self) -> str:
        path = self.folder / "linphone.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _config(self) -> str:
        return f"""[sip]
root_ca={self._authorities}
verify_server_certs=1
verify_server_cn=1
sip_port=0
sip_tcp_port=0
sip_tls_port=-1
bind_address=127.0.0.1
media_encryption={self._encryption}
media_encryption_mandatory={int(self._encryption != "none")}
use_ipv6=0
register_only_when_network_is_up=1
[rtp]
audio_rtp_port={free_port()}
[sound]
playback_dev_id=
[video]
display=0
capture=0
[audio_codec_0]
mime=PCMU
rate=8000
channels=1
enabled=1
[net]
firewall_policy=0
"""
