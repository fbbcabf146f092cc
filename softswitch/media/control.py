"""The media plane as the switch sees it: legs, bridges, clips, recordings, and events on the asyncio loop.

Every command is one write into a ring of the shared block; nothing here waits for the media process. When that dies,
another takes its place, and commands given meanwhile wait (`PlaneRecovered`). Once it cannot be kept alive, `PlaneDied`
is reported and commands do nothing, except that `open_leg` raises.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from softswitch.amd.verdict import OperatingPoint
from softswitch.codecs.registry import audio_code
from softswitch.errors import UsageError
from softswitch.media import vocabulary as v
from softswitch.media.addresses import host_number, is_host
from softswitch.media.browser_legs import Receive
from softswitch.media.buffered_legs import policy_code
from softswitch.media.dtmf import DIGITS
from softswitch.media.engine import Engine, slots_between
from softswitch.media.events import LegStatistics, MediaFormat, Overload
from softswitch.media.kernels import source_version
from softswitch.media.launcher import launch
from softswitch.media.layout import PATH_BYTES, attach_block
from softswitch.media.life import OnEvent, PlaneLife
from softswitch.media.reports import lost_packets, statistics_of
from softswitch.media.srtp import PLAIN, PROFILES
from softswitch.recordings.names import call_ref_of
from softswitch.sdp.crypto import KEYING_BYTES, MOST_MKI_BYTES, SrtpKeys

OPEN_PATIENCE_S = 0.5
LINGER_S = 30.0

OnProgress = Callable[[str, float], None]


class MediaPlane(PlaneLife):
    """Made by `start`. Not thread-safe: it belongs to the loop that started it."""

    @classmethod
    async def start(
        cls,
        *,
        address: str,
        first_port: int,
        last_port: int,
        clips: dict[str, Path],
        on_event: OnEvent,
        on_progress: OnProgress | None = None,
        in_thread: bool = False,
        folder: Path | None = None,
        linger_s: float | None = None,
        event_driven: bool = False,
        recording_key: bytes | None = None,
        jitter_buffer: str = "auto",
    ) -> "MediaPlane":
        """Start the media process, or take up the one that lives in `folder`, and wait until it is ready.

        address: the IPv4 address that media sockets bind to.  clips: WAV files by clip name.  on_progress: told the
        kernel being compiled and the fraction done; on a first start this takes up to a minute.  in_thread: run the
        loops in this process.  folder: a private folder, where the media process can be found again: it is made, or
        its mode set to 0700.  linger_s: how long the media process goes on without a signalling process: by default
        30 s where it can be found, else not at all.  event_driven: serve each packet as it comes, not on a tick of
        2 ms: less delay, more CPU.  recording_key: the auditor's X25519 public key; without one nothing can be
        recorded.  jitter_buffer: "auto" for legs that do not speak G.711, which must be decoded in order; "always" or
        "never" for every leg.  UsageError when a setting cannot work, or when another signalling process that lives
        uses the folder's media process.  After a take-up, see `kept` and `claim`.
        """
        loop = asyncio.get_running_loop()

        def tell(name: str, fraction: float) -> None:
            if on_progress is not None:
                loop.call_soon_threadsafe(on_progress, name, fraction)

        host_number(address)
        policy_code(jitter_buffer)
        slots_between(first_port, last_port)
        if in_thread:
            engine = Engine(
                address=address,
                first_port=first_port,
                last_port=last_port,
                clips=clips,
                event_driven=event_driven,
                recording_key=recording_key,
                jitter_buffer=jitter_buffer,
            )
            await asyncio.to_thread(engine.compile_kernels, tell)
            engine.start()
            plane = cls(
                engine.block, engine.descriptor, engine.wake_descriptor, engine.clip_names, on_event, engine=engine
            )
        else:
            settings = {
                "address": address,
                "first_port": first_port,
                "last_port": last_port,
                "clips": {name: str(path.resolve()) for name, path in clips.items()},
                "clip_files": {name: _identity(path) for name, path in clips.items()},
                "version": source_version(),
                "linger_s": (LINGER_S if folder else 0.0) if linger_s is None else linger_s,
                "event_driven": event_driven,
                "recording_key": (recording_key or b"").hex(),
                "jitter_buffer": jitter_buffer,
            }
            process = await asyncio.to_thread(launch, settings, tell, folder)
            block = attach_block(process.block_descriptor)
            plane = cls(
                block, process.block_descriptor, process.wake_descriptor, process.clip_names, on_event, process=process,
                settings=settings,
            )  # fmt: skip
        await plane._begin()
        return plane

    # Commands

    def open_leg(self) -> int:
        """Take a leg whose port is bound; its handle. UsageError when every port is in use or the plane is gone."""
        slot = self._stock.take()
        deadline = time.monotonic() + OPEN_PATIENCE_S
        while slot is None and self._alive and time.monotonic() < deadline:
            self._stock.refill(time.monotonic())
            if self._stock.is_settled:
                break
            time.sleep(0.0005)  # the relay binds within one of its ticks; only a burst beyond the stock comes here
            self._drain()
            slot = self._stock.take()
        if self._waiting:
            self._loop.call_soon(self._deliver)
        if not self._alive:
            raise UsageError("the media process is gone; start the media plane again")
        if slot is None:
            last = self._first_port + 2 * self._shared.legs.size - 1
            raise UsageError(
                f"all media ports from {self._first_port} to {last} are in use; widen the range in [media]"
            )
        handle = self._legs.open(slot, self._stock.generation_of(slot))
        self._stock.refill(time.monotonic())
        return handle

    def port_of(self, leg: int) -> int:
        """The leg's RTP port; RTCP is on the next."""
        return self._first_port + 2 * self._leg(leg).slot

    def connect(
        self,
        leg: int,
        remote: tuple[str, int],
        format: MediaFormat,
        *,
        latch: bool = False,
        signals_from: str = "",
        secure: SrtpKeys | None = None,
        reports_to: tuple[str, int] | None = None,
    ) -> None:
        """Set the leg's other end and format, from SDP; again after a re-INVITE.

        Packets from any other source are dropped. With `latch`, for phones behind address translation, the first
        valid packet within 5 s may correct the source: from the SDP's host on another port, from the host that it
        signals from, or from anywhere where the SDP names a private address. The host that it signals from, where it is
        an IPv4 address, takes the leg back from who spoke first elsewhere.

        secure: keys for SRTP; then only what they authenticate is heard, and only what they seal is sent. Keys that the
        leg has already go on; others take their place without a gap. None: plain RTP.

        reports_to: where it takes RTCP (RFC 3605); None: at the port above, or on the RTP port where both agreed.
        """
        host, port = remote
        if not 0 < port < 65536:
            raise UsageError(f"media port {port} is none; a stream refused in SDP (port 0) is not connected")
        sent = v.NO_EVENTS if format.dtmf_payload_type is None else format.dtmf_payload_type
        received = sent if format.dtmf_receive_type is None else format.dtmf_receive_type
        options = sent | received << 8 | int(latch) << 16 | int(format.rtcp_mux) << 17
        if latch and is_host(signals_from):
            options |= host_number(signals_from) << 18
        options |= min(format.maxptime_ms, v.LONGEST_MAXPTIME_MS) << 50
        code = int(audio_code(format.codec))
        self._secure(leg, secure)
        self._order(leg, v.CONNECT, host_number(host), port, code, format.payload_type, options)
        reports_host, reports_port = reports_to or ("", 0)
        # Behind address translation its reports come, as its RTP does, from another host than it names.
        elsewhere = reports_host not in ("", host)
        self._order(leg, v.REPORT_TO, host_number(reports_host) if elsewhere else 0, reports_port)

    def attend_browser(self, leg: int, receive: Receive) -> None:
        """A browser is to be at the leg's other end: hand over what comes in and is no RTP, from now on.

        Once `connect` has told where the browser is, RTP is taken from there alone; told again, it moves.
        """
        self._browsers.add(leg, receive)
        self._order(leg, v.ATTEND, 1)

    def send_datagram(self, leg: int, data: bytes, address: tuple[str, int]) -> None:
        """Send a datagram that is no RTP from the port of a browser's leg; like any datagram, it may be lost."""
        entry = self._leg(leg)
        if self._alive:
            self._browsers.send(entry.slot, entry.generation, data, address)

    def move(self, leg: int, remote: tuple[str, int]) -> None:
        """A browser that is connected is at another address now; all else stays as it is, the keys included."""
        self._order(leg, v.MOVE, host_number(remote[0]), remote[1])

    def _secure(self, leg: int, keys: SrtpKeys | None) -> None:
        entry = self._leg(leg)
        if keys is None and not entry.is_secure:
            return
        row = self._shared.legs[entry.slot]
        row["offered_receive_key"], row["offered_send_key"] = 0, 0
        if keys is None:
            self._order(leg, v.SECURE, PLAIN, 0, 0, 0, -1)
            return
        size = KEYING_BYTES.get(keys.suite)
        if size is None or {len(keys.sending), len(keys.receiving)} != {size}:
            raise UsageError(
                f"SRTP keys must be of one of the suites {', '.join(KEYING_BYTES)}, and as long as it says"
            )
        if len(keys.receiving_mki) > MOST_MKI_BYTES:
            raise UsageError(f"an MKI is at most {MOST_MKI_BYTES} bytes long")
        row["offered_receive_key"][:size] = np.frombuffer(keys.receiving, np.uint8)
        row["offered_send_key"][:size] = np.frombuffer(keys.sending, np.uint8)
        entry.is_secure = True
        name = int.from_bytes(keys.receiving_mki, "big")
        self._order(leg, v.SECURE, PROFILES[keys.suite], len(keys.receiving_mki), name, 0, -1)

    def bridge(self, a: int, b: int) -> None:
        """Let two legs hear each other, transcoded where they differ. A leg bridged elsewhere leaves that bridge."""
        other = self._leg(b)
        self._order(a, v.BRIDGE, other.slot, other.generation)
        self.supervision.receive_bridged(a, b)

    def unbridge(self, a: int) -> None:
        """End the bridge that the leg is in, if it is in one."""
        self._order(a, v.UNBRIDGE)
        self.supervision.receive_unbridged(a)

    def mute(self, leg: int, muted: bool) -> None:
        """Keep what the leg says from its bridge; it is still received, analysed and recorded."""
        self._order(leg, v.MUTE, int(muted))

    def hold(self, leg: int, held: bool) -> None:
        """Send the leg nothing while its other end holds the call; what it says is still heard (RFC 3264 §8.4)."""
        self._order(leg, v.HOLD, int(held))

    def play(self, leg: int, clip: str, *, loop: bool = False) -> None:
        """Play a clip to the leg from its first sample, in place of one that plays; over what is bridged to it."""
        if clip not in self._clips:
            raise UsageError(f"clip {clip!r} is unknown; known are {', '.join(self._clips)}")
        self._order(leg, v.PLAY, self._clips[clip], int(loop))

    def stop_playing(self, leg: int) -> None:
        self._order(leg, v.STOP_PLAYING)

    def pass_keys(self, leg: int, passed: bool) -> None:
        """Let keys pressed at the leg's end go to whom it is bridged to, as telephone events; off until told."""
        self._order(leg, v.PASS_KEYS, int(passed))

    def press(self, leg: int, key: str, *, duration_ms: int = 100) -> None:
        """Press a key on the leg, as a telephone event (RFC 4733) or else in the voice band.

        key: one of 0-9 * # A-D.  duration_ms: 40 to 8000.  While it is down, what is bridged to the leg is not heard
        there; a second one meanwhile is not pressed.
        """
        if len(key) != 1 or key not in DIGITS or not 40 <= duration_ms <= 8000:
            raise UsageError(f"a key is one of {DIGITS}, for 40 to 8000 ms; not {key!r} for {duration_ms} ms")
        self._order(leg, v.PRESS, DIGITS.index(key), 8 * duration_ms)

    def start_recording(self, leg: int, path: Path, *, paused: bool = False) -> None:
        """Record the leg, sealed to the auditor's key: left what is sent on it, right what is received.

        path: CALL_REF.ssr; where a file of that name exists the recording goes on in the call's next part.  paused:
        nothing is stored before `resume_recording`.
        """
        entry = self._leg(leg)
        if not self._shared.header["records"]:
            raise UsageError(
                "nothing can be recorded without the auditor's public key: `softswitch recordings keygen` makes one"
            )
        call_ref_of(path)
        if entry.recording is not None:
            raise UsageError(f"this leg is recorded already, into {entry.recording}")
        where = os.fsencode(path.absolute())
        if len(where) >= PATH_BYTES:
            raise UsageError(f"a recording's path is at most {PATH_BYTES - 1} bytes long")
        self._block.paths[entry.slot, : len(where)] = np.frombuffer(where, np.uint8)
        self._block.paths[entry.slot, len(where)] = 0
        entry.recording = path
        self._tap(entry)
        self._order_worker(entry, v.START_RECORDING, int(paused))

    def pause_recording(self, leg: int) -> None:
        """Store nothing of what is said from now on; the file says so, and keeps the time.

        The switch never does: every call is recorded as a whole.
        """
        self._pause(leg, True)

    def resume_recording(self, leg: int) -> None:
        self._pause(leg, False)

    def _pause(self, leg: int, paused: bool) -> None:
        entry = self._leg(leg)
        if entry.recording is None and self._alive:
            raise UsageError("this leg is not recorded")
        self._order_worker(entry, v.PAUSE_RECORDING, int(paused))

    def stop_recording(self, leg: int) -> None:
        """End the leg's recording, if there is one; `RecordingClosed` follows within a tenth of a second."""
        entry = self._leg(leg)
        if entry.recording is not None:
            self._order_worker(entry, v.STOP_RECORDING)

    def start_amd(self, leg: int, point: OperatingPoint = OperatingPoint.BALANCED) -> None:
        """Begin answering-machine detection on what the leg says, from now, at an operating point of the detector."""
        entry = self._leg(leg)
        entry.under_amd = True
        self._tap(entry)
        self._order_worker(entry, v.START_AMD, int(OperatingPoint(point)))

    def stop_amd(self, leg: int) -> None:
        entry = self._leg(leg)
        if entry.under_amd:
            entry.under_amd = False
            self._order_worker(entry, v.STOP_AMD)
            self._tap(entry)

    def close_leg(self, leg: int) -> None:
        """Close the leg, its bridge, clip and recording. Harmless for one that is closed already."""
        entry = self._legs.get(leg)
        if entry is None or entry.closed:
            return
        self.stop_recording(leg)
        self.stop_amd(leg)
        self.supervision.receive_closed(leg)
        self._order(leg, v.CLOSE)
        self._browsers.remove(leg)
        entry.close()

    # Figures

    def statistics(self, leg: int) -> LegStatistics:
        """The leg's counts so far; to be asked before it is closed."""
        slot = self._leg(leg).slot
        return statistics_of(self._shared.legs[slot], self._shared.reports[slot], self._shared.receivers[slot])

    def overload(self) -> Overload:
        """What the media process has had no time for since the start."""
        header = self._shared.header
        return Overload(
            relay_behind_s=float(header["relay_behind_ns"]) / 1e9,
            worker_behind_s=float(header["worker_behind_ns"]) / 1e9,
            packets_shed=int(header["packets_shed"]),
            frames_missed=int(header["frames_missed"]),
            verdicts_shed=int(header["verdicts_shed"]),
        )

    def totals(self) -> tuple[int, int, int, float]:
        """Packets received, sent and lost since the start, and the CPU seconds of the media process (or its
        threads)."""
        header = self._shared.header
        live = sum(lost_packets(self._shared.legs[leg.slot]) for leg in self._legs if not leg.port_released)
        cpu_s = float(header["past_cpu_ns"] + header["relay_cpu_ns"] + header["worker_cpu_ns"]) / 1e9
        return (
            int(header["packets_received"]),
            int(header["packets_sent"]),
            int(header["packets_lost"]) + live,
            cpu_s,
        )


def _identity(path: Path) -> list[int]:
    """What tells a file from another that lay under its name before."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_mtime_ns, status.st_size]
