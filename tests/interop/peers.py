"""The programs of others that the tests talk to, each as a child process that is ended by its own id."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from softswitch.testing.callee import Callee, CalleePlan, Kind
from softswitch.testing.companding import Pcm, encode
from softswitch.testing.marker import MarkerEar
from softswitch.testing.speaker import Speaker, agent_speaker
from tests.ports import free_port

HERE = Path(__file__).resolve().parent
PYVOIP_PYTHON = HERE.parents[1] / ".venv" / "peers" / "pyvoip" / "bin" / "python"
SIPPY_HOME = HERE.parents[1] / ".venv" / "peers" / "sippy"
SIPVICIOUS_HOME = HERE.parents[1] / ".venv" / "peers" / "sipvicious"
BARESIP_MODULES = next(Path("/usr/lib").glob("**/baresip/modules"), None)
PATIENCE_S = 60.0
"""How long a test waits for something that a peer does at once; long, because two cores are shared."""


def is_installed(peer: str) -> bool:
    if peer == "pyvoip":
        return PYVOIP_PYTHON.exists()
    if peer == "sippy":
        return (SIPPY_HOME / "bin" / "b2bua_simple").exists()
    if peer == "sipvicious":
        return (SIPVICIOUS_HOME / "bin" / "sipvicious_svmap").exists()
    return shutil.which(peer) is not None and (peer != "baresip" or BARESIP_MODULES is not None)


def is_bound(port: int, kind: socket.SocketKind = socket.SOCK_DGRAM) -> bool:
    """Whether somebody has opened this port; UDP unless told otherwise."""
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def heard_in(pcm: Pcm, frequencies: tuple[int, ...]) -> set[int]:
    """The marker tones in the last ten seconds of a recording; all of it would cost a waiting test too much."""
    ear = MarkerEar(frequencies)
    ear.receive(pcm[-80_000:])
    return ear.heard


async def eventually(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until the condition holds; the message says what did not come about."""
    try:
        async with asyncio.timeout(patience_s):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {patience_s:g} s: {what}") from None


async def eventually_so(condition: Callable[[], Awaitable[bool]], what: str, patience_s: float = PATIENCE_S) -> None:
    """The same for a condition that must be asked of another program."""
    try:
        async with asyncio.timeout(patience_s):
            while not await condition():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"not within {patience_s:g} s: {what}") from None


async def end(process: asyncio.subprocess.Process, patience_s: float = 3.0) -> None:
    """Ask a child to stop, then make it stop."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), patience_s)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class Baresip:
    """A baresip user agent: registers, answers or dials, plays a WAV file, and records both directions.

    It is steered through its ctrl_tcp module: JSON in netstrings. transport: "tcp" or "tls", instead of UDP;
    authorities: PEM, who may vouch for the server.
    """

    def __init__(
        self,
        folder: Path,
        *,
        server: tuple[str, int],
        username: str,
        password: str,
        transport: str = "udp",
        authorities: Path | None = None,
        **account: str,
    ) -> None:
        self.folder = folder
        self._transport, self._authorities = transport, authorities
        self.events: list[dict[str, Any]] = []
        self._server, self._username, self._password, self._account = server, username, password, account
        self._replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        control = free_port()
        (self.folder / "config").write_text(self._config(control))
        parameters = {"auth_user": self._username, "auth_pass": self._password, "answermode": "auto", **self._account}
        line = "".join(f";{name}={value}" for name, value in parameters.items())
        uri = f"sip:{self._username}@{self._server[0]}:{self._server[1]};transport={self._transport}"
        (self.folder / "accounts").write_text(f"<{uri}>{line}\n")
        (self.folder / "contacts").touch()
        self._log = (self.folder / "baresip.log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            "baresip", "-f", str(self.folder), "-v", stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        for _ in range(int(PATIENCE_S / 0.05)):
            try:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", control)
                break
            except OSError:
                await asyncio.sleep(0.05)
        else:
            raise AssertionError(f"baresip did not start:\n{self.log}")
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._listening.cancel()
        self._writer.close()
        await end(self._process)
        self._log.close()
        if error is not None:
            print(self.log)

    async def command(self, name: str, parameters: str = "") -> str:
        """One command of baresip's menu, such as "dial"; returns its answer."""
        message = json.dumps({"command": name, "params": parameters, "token": name}).encode()
        self._writer.write(b"%d:%s," % (len(message), message))
        reply = await asyncio.wait_for(self._replies.get(), PATIENCE_S)
        return str(reply.get("data", ""))

    async def happened(self, event: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait for an event by its type, such as "REGISTER_OK", "CALL_ESTABLISHED", "CALL_CLOSED"."""
        await eventually(lambda: any(e["type"] == event for e in self.events), f"baresip {event}", patience_s)
        return next(e for e in self.events if e["type"] == event)

    def count(self, event: str) -> int:
        return sum(e["type"] == event for e in self.events)

    def heard(self) -> Pcm:
        """What baresip decoded in its calls so far (its sndfile module writes as it goes)."""
        return self._recorded("dec")

    @property
    def log(self) -> str:
        return (self.folder / "baresip.log").read_text(errors="replace")

    def _recorded(self, direction: str) -> Pcm:
        calls = [np.zeros(0, dtype=np.int16)]
        for path in sorted(self.folder.glob(f"dump-*-{direction}.wav")):
            # The header's length is written at the close; before that the data simply run to the end of the file.
            data = path.read_bytes()[44:]
            calls.append(np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.int16))
        return np.concatenate(calls)

    async def _listen(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int((await self._reader.readuntil(b":"))[:-1])
                message = json.loads((await self._reader.readexactly(length + 1))[:-1])
                if message.get("event"):
                    self.events.append(message)
                else:
                    self._replies.put_nowait(message)

    def _config(self, control: int) -> str:
        rtp = free_port()
        modules = "".join(f"module {name}.so\n" for name in ("g711", "srtp", "aufile", "aubridge", "sndfile"))
        trust = f"sip_cafile {self._authorities}\nsip_verify_server yes\n" if self._authorities else ""
        return f"""sip_listen 127.0.0.1:0
{trust}net_interface 127.0.0.1
audio_player aubridge,nobody
audio_source aufile,{self.folder / "says.wav"}
audio_alert aubridge,alert
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports {rtp}-{rtp + 20}
module_path {BARESIP_MODULES}
{modules}module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {self.folder}
"""


def write_speech(path: Path, marker_hz: int, seconds: float = 60.0) -> None:
    """A WAV file of an agent who talks, with a marker tone, for a peer that plays files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(8000)
        audio.writeframes(speech(agent_speaker(2, marker_hz), seconds).astype("<i2").tobytes())


def write_ulaw(path: Path, marker_hz: int, seconds: float = 20.0, *, person: bool = False) -> None:
    """Raw mu-law for SIPp's rtp_stream: a faintly humming line, or a person who answers a call."""
    plan = CalleePlan(Kind.PERSON, marker_hz=marker_hz, talk_s=seconds)
    speaker = Callee(plan).speaker if person else Speaker(marker_hz=marker_hz)
    path.write_bytes(encode(speech(speaker, seconds), "PCMU"))


def speech(speaker: Speaker, seconds: float) -> Pcm:
    return np.concatenate([speaker.next_frame() for _ in range(int(seconds * 50))])


@dataclass(slots=True)
class SippResult:
    status: int
    errors: str
    messages: str


class Sipp:
    """A SIPp scenario of `sipp/`, as carrier (waits for calls) or as caller.

    calls: it ends by itself after so many.  echo: what it hears on its media port goes back.  retransmits: without it
    SIPp takes every copy of a message for a message.  transport: "udp" or "tcp".  keys: fill `[name]` in the scenario.
    """

    def __init__(
        self,
        scenario: str,
        folder: Path,
        *,
        remote: tuple[str, int] | None = None,
        port: int = 0,
        calls: int = 1,
        timeout_s: float = 120.0,
        called: str = "service",
        username: str = "",
        password: str = "",
        echo: bool = False,
        retransmits: bool = True,
        transport: str = "udp",
        **keys: str,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._arguments = ["-sf", str(HERE / "sipp" / f"{scenario}.xml"), "-i", "127.0.0.1", "-p", str(self.port)]
        self._arguments += [
            "-mi",
            "127.0.0.1",
            "-mp",
            str(free_port()),
            "-m",
            str(calls),
            "-l",
            str(calls),
        ]
        self._arguments += [
            "-s",
            called,
            "-nostdin",
            "-timeout",
            f"{timeout_s:g}s",
            "-timeout_error",
            "-cp",
            str(free_port()),
        ]
        self._arguments += ["-trace_err", "-error_file", "errors.log", "-trace_msg", "-message_file", "messages.log"]
        if username:
            self._arguments += ["-au", username, "-ap", password]
        if echo:
            self._arguments += ["-rtp_echo"]
        if not retransmits:
            self._arguments += ["-nr"]
        self._kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
        if transport == "tcp":
            self._arguments += ["-t", "t1"]
        for name, value in keys.items():
            self._arguments += ["-key", name, value]
        if remote:
            self._arguments.append(f"{remote[0]}:{remote[1]}")

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            "sipp",
            *self._arguments,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TERM": "dumb"},
        )
        await eventually(self._is_listening, "SIPp opens its port")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await end(self._process)
        if error is not None:
            print(self._read("errors.log"), self._read("messages.log"), sep="\n")

    async def result(self, patience_s: float = 40.0) -> SippResult:
        """Wait until it has made its calls; status 0 where every one went as the scenario says."""
        status = await asyncio.wait_for(self._process.wait(), patience_s)
        return SippResult(status, self._read("errors.log"), self._read("messages.log"))

    async def succeeded(self) -> SippResult:
        result = await self.result()
        assert result.status == 0, f"SIPp exits with {result.status}\n{result.errors}\n{result.messages}"
        return result

    def _is_listening(self) -> bool:
        return self._process.returncode is not None or is_bound(
            self.port, self._kind
        )  # a caller may be done before we look

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""


@contextlib.asynccontextmanager
async def talking_baresip(folder: Path, marker_hz: int, **settings: Any) -> AsyncIterator[Baresip]:
    """A baresip that speaks with a marker tone."""
    write_speech(folder / "says.wav", marker_hz)
    async with Baresip(folder, **settings) as phone:
        yield phone
