"""rtpengine, the media relay that bench/relay.py measures ours against: Debian's package, in userspace.

Its control is the "ng" protocol: bencoded dictionaries in UDP datagrams, each behind a cookie that the answer repeats.
"""

import resource
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NG_PORT = 9_900
FIRST_PORT, LAST_PORT = 10_000, 19_998
START_S = 10.0
STOP_S = 5.0


def bencode(value: Any) -> bytes:
    match value:
        case int():
            return b"i%de" % value
        case str():
            return bencode(value.encode())
        case bytes():
            return b"%d:%s" % (len(value), value)
        case list():
            return b"l" + b"".join(map(bencode, value)) + b"e"
        case dict():
            return b"d" + b"".join(bencode(key) + bencode(item) for key, item in sorted(value.items())) + b"e"
    raise TypeError(f"bencoding has no {type(value).__name__}")


def bdecode(text: bytes) -> Any:
    value, rest = _bdecode(text)
    if rest:
        raise ValueError("something follows the bencoded value")
    return value


def _bdecode(text: bytes) -> tuple[Any, bytes]:
    kind = text[:1]
    if kind == b"i":
        number, _, rest = text[1:].partition(b"e")
        return int(number), rest
    if kind in (b"l", b"d"):
        items, rest = [], text[1:]
        while rest[:1] != b"e":
            item, rest = _bdecode(rest)
            items.append(item)
        return (items if kind == b"l" else dict(zip(items[::2], items[1::2], strict=True))), rest[1:]
    length, _, rest = text.partition(b":")
    return rest[: int(length)].decode(), rest[int(length) :]


class Rtpengine:
    """The daemon as a child process, in a session of its own; ended by `stop`."""

    def __init__(self, *, recording: bool = False) -> None:
        program = shutil.which("rtpengine")
        if program is None:
            raise SystemExit("rtpengine is not installed: run .ci/peers.sh")
        self._folder = tempfile.TemporaryDirectory(prefix="relay-benchmark-")
        (Path(self._folder.name) / "recordings").mkdir()
        self._log = (Path(self._folder.name) / "log").open("wb")
        arguments = [
            program, "--foreground", "--log-stderr", "--log-level=3", "--config-file=none", "--table=-1",
            "--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{NG_PORT}",
            f"--port-min={FIRST_PORT}", f"--port-max={LAST_PORT}",
        ]  # fmt: skip
        if recording:
            arguments += [f"--recording-dir={self._folder.name}/recordings", "--recording-method=pcap"]
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True,
            cwd=self._folder.name, preexec_fn=_set_limits,  # noqa: PLW1509 - nothing else runs in this process
        )  # fmt: skip
        self.pid = self._process.pid
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._control.connect(("127.0.0.1", NG_PORT))
        self._control.settimeout(1.0)
        self._commands = 0
        try:
            self._await()
        except BaseException:
            self.stop()
            raise

    def command(self, **request: Any) -> dict[str, Any]:
        """One command and its answer; `call_id` stands for "call-id". RuntimeError when it is refused."""
        self._commands += 1
        cookie = b"%d" % self._commands
        self._control.send(cookie + b" " + bencode({name.replace("_", "-"): value for name, value in request.items()}))
        while True:
            said, _, answer = self._control.recv(65_535).partition(b" ")
            if said == cookie:
                break
        decoded: dict[str, Any] = bdecode(answer)
        if decoded["result"] not in ("ok", "pong"):
            raise RuntimeError(f"rtpengine refuses {request['command']}: {decoded}")
        return decoded

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._control.close()
        self._log.close()
        self._folder.cleanup()

    def _await(self) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.command(command="ping")
                return
            except OSError as error:  # not listening yet
                if time.monotonic() > deadline or self._process.poll() is not None:
                    log = (Path(self._folder.name) / "log").read_text(errors="replace")
                    raise RuntimeError(f"rtpengine did not start:\n{log}") from error
                time.sleep(0.05)


def _set_limits() -> None:
    """Descriptors for every call; no core file, though it may crash as it is told to end."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def session_description(port: int, payload_type: int, *, key: str = "", tag: str = "1") -> str:
    """An offer or answer with G.711 alone.

    key: base64 of an SDES key and salt; then the stream is SRTP.  tag: in an answer, that of the accepted line
    (RFC 4568 §5.1.3).
    """
    name = {0: "PCMU", 8: "PCMA"}[payload_type]
    lines = [
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
        f"m=audio {port} RTP/{'SAVP' if key else 'AVP'} {payload_type}",
        f"a=rtpmap:{payload_type} {name}/8000", "a=ptime:20", "a=sendrecv",
    ]  # fmt: skip
    if key:
        lines.append(f"a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}")
    return "\r\n".join(lines) + "\r\n"


def media_port(sdp: str) -> int:
    return int(next(line for line in sdp.splitlines() if line.startswith("m=audio ")).split()[1])


def media_key(sdp: str) -> tuple[str, str]:
    """Tag and key of the AES_CM_128_HMAC_SHA1_80 line (RFC 4568 §9.1)."""
    for line in sdp.splitlines():
        if line.startswith("a=crypto:") and " AES_CM_128_HMAC_SHA1_80 " in line:
            tag, _, parameters = line.removeprefix("a=crypto:").split(" ", 2)
            return tag, parameters.removeprefix("inline:").partition("|")[0].split()[0]
    raise ValueError("no AES_CM_128_HMAC_SHA1_80 is offered")
