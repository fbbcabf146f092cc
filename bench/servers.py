"""What bench/relay.py puts under load: our media plane as the switch starts it, and rtpengine."""

import asyncio
import contextlib
import os
import secrets
import tempfile
import time
from base64 import b64encode
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from generator import Line, port_of
from nacl.public import PrivateKey
from processes import parent_of
from rtpengine import Rtpengine, media_key, media_port, session_description

from softswitch.media.control import MediaPlane
from softswitch.media.events import MediaEvent, MediaFormat, RecordingClosed, VerdictReached
from softswitch.sdp.crypto import SrtpKeys

PLANE_FIRST_PORT = 10_000
CODECS = {0: "PCMU", 8: "PCMA"}
TELEPHONE_EVENTS = 101
SUITE = "AES_CM_128_HMAC_SHA1_80"
KEYING_BYTES = 30
"""Key and salt of the suite (RFC 4568 §6.2)."""
RECORDING_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    calls: int
    seconds: float
    record: bool = False
    secure: bool = False
    """SRTP on the second leg of each call."""
    transcode: bool = False
    mode: str | None = None
    """"event" or "tick"; None for what the plane does by itself."""
    jitter_buffer: bool = False
    """A jitter buffer on every leg."""
    first_port: int = PLANE_FIRST_PORT
    """Of our media plane's."""
    amd_share: float = 1.0
    """Of the recorded calls, how many detection listens to all the time: of calls of a minute, 3 s are 0.05."""

    @property
    def payload_types(self) -> tuple[int, int]:
        return (0, 8) if self.transcode else (0, 0)


class Server(Protocol):
    """What is measured: a media server that bridges legs 2n and 2n + 1 of the generator."""

    async def start(self, load: Load) -> None: ...
    async def connect(self, load: Load) -> list[Line]: ...
    def processes(self) -> list[int]: ...
    async def stop(self) -> dict[str, Any]: ...


class Ours:
    """The media plane, started as the switch starts it."""

    def __init__(self) -> None:
        self._legs: list[int] = []
        self._recorded: list[int] = []
        self._listened: list[int] = []
        self._listens = True
        self._closed: list[RecordingClosed] = []
        self._all_closed = asyncio.Event()

    async def start(self, load: Load) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="relay-benchmark-")
        options: dict[str, Any] = {} if load.mode is None else {"event_driven": load.mode == "event"}
        if load.jitter_buffer or load.record:
            options["jitter_buffer"] = "always"
        if load.record:
            options["recording_key"] = bytes(PrivateKey.generate().public_key)
        started = time.monotonic()
        self._plane = await MediaPlane.start(
            address="127.0.0.1",
            first_port=load.first_port,
            last_port=load.first_port + 4 * load.calls - 1,
            clips={},
            on_event=self._receive,
            **options,
        )
        self._start_s = time.monotonic() - started

    async def connect(self, load: Load) -> list[Line]:
        plane, lines = self._plane, []
        for call in range(load.calls):
            legs = []
            for side in (0, 1):
                leg = plane.open_leg()
                payload_type = load.payload_types[side]
                remote = ("127.0.0.1", port_of(2 * call + side))
                # As every trunk and telephone offers them; without, keys would be listened for in the voice band.
                encoding = MediaFormat(CODECS[payload_type], payload_type, TELEPHONE_EVENTS)
                if load.secure and side == 1:
                    ours, theirs = secrets.token_bytes(KEYING_BYTES), secrets.token_bytes(KEYING_BYTES)
                    plane.connect(leg, remote, encoding, secure=SrtpKeys(SUITE, sending=ours, receiving=theirs))
                    keys = (b64encode(theirs).decode(), b64encode(ours).decode())
                else:
                    plane.connect(leg, remote, encoding)
                    keys = ("", "")
                lines.append(Line(plane.port_of(leg), payload_type, *keys))
                legs.append(leg)
            plane.bridge(*legs)
            if load.record:
                plane.start_recording(legs[1], Path(self._folder.name) / f"{call}.ssr")
                self._recorded.append(legs[1])
                if call < load.amd_share * load.calls:
                    plane.start_amd(legs[1])
                    self._listened.append(legs[1])
            self._legs.extend(legs)
            if call % 16 == 0:
                await asyncio.sleep(0.002)  # as calls come in, not as a burst beyond the command ring
        return lines

    def stop_amd(self) -> None:
        """As if every verdict were final."""
        self._listens = False
        for leg in self._listened:
            self._plane.stop_amd(leg)

    def processes(self) -> list[int]:
        """The media process first, then whoever stands between it and us."""
        found, pid = [], self._plane.pid
        assert pid is not None
        while pid not in (0, 1, os.getpid()):
            found.append(pid)
            pid = parent_of(pid)
        return found

    async def stop(self) -> dict[str, Any]:
        more: dict[str, Any] = {"start_s": round(self._start_s, 2)}
        heard = [self._plane.statistics(leg) for leg in self._legs]
        more["frames_concealed"] = sum(each.frames_concealed for each in heard)
        more["buffer_ms_mean"] = round(float(np.mean([each.delay_ms_mean for each in heard])), 2)
        more |= asdict(self._plane.overload())
        if self._recorded:
            for leg in self._recorded:
                self._plane.close_leg(leg)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECORDING_PATIENCE_S):
                    await self._all_closed.wait()
            more["recordings"] = len(self._closed)
            more["recorded_s"] = round(float(np.median([one.duration_s for one in self._closed] or [0.0])), 2)
            more["frames_unrecorded"] = sum(one.frames_lost for one in self._closed)
        await self._plane.stop()
        self._folder.cleanup()
        return more

    def _receive(self, event: MediaEvent) -> None:
        if isinstance(event, VerdictReached) and self._listens:
            self._plane.start_amd(event.leg)  # so that it listens to every call all the time
        if isinstance(event, RecordingClosed):
            self._closed.append(event)
            if len(self._closed) == len(self._recorded):
                self._all_closed.set()


class Peer:
    """rtpengine with its defaults, in userspace."""

    async def start(self, load: Load) -> None:
        self._daemon = Rtpengine(recording=load.record)

    async def connect(self, load: Load) -> list[Line]:
        lines = []
        (first, second), wants = load.payload_types, {"ICE": "remove", "replace": ["origin"]}
        if load.transcode:
            wants["codec"] = {"mask": [CODECS[first]], "transcode": [CODECS[second]]}
        if load.secure:
            wants["transport-protocol"] = "RTP/SAVP"
        if load.record:
            wants["record call"] = "on"
        for call in range(load.calls):
            asks = {"call_id": f"call-{call}", "from_tag": "a"}
            key = b64encode(secrets.token_bytes(KEYING_BYTES)).decode() if load.secure else ""
            offered = self._daemon.command(
                command="offer", sdp=session_description(port_of(2 * call), first), **asks, **wants
            )["sdp"]
            tag, theirs = media_key(offered) if load.secure else ("", "")
            answer = session_description(port_of(2 * call + 1), second, key=key, tag=tag)
            answered = self._daemon.command(
                command="answer", sdp=answer, to_tag="b", **asks, ICE="remove", replace=["origin"]
            )["sdp"]
            lines.append(Line(media_port(answered), first))
            lines.append(Line(media_port(offered), second, sealing_key=key, opening_key=theirs))
        return lines

    def processes(self) -> list[int]:
        return [self._daemon.pid]

    async def stop(self) -> dict[str, Any]:
        self._daemon.stop()
        return {}
