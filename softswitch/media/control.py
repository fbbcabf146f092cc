"""The media plane as the switch sees it: legs, bridges, clips, recordings, and events on the asyncio loop.

Every command is one write into a ring of the shared block; nothing here waits for the media process. Once the process
is gone, `PlaneDied` is reported and commands do nothing, except that `open_leg` raises.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from softswitch.codecs.registry import audio_code
from softswitch.errors import SoftswitchError, UsageError
from softswitch.media import vocabulary as v
from softswitch.media.addresses import host_number
from softswitch.media.engine import Engine, slots_between
from softswitch.media.events import LegStatistics, MediaEvent, MediaFormat, PlaneDied
from softswitch.media.launcher import MediaProcess, launch
from softswitch.media.layout import (
    MESSAGE,
    PATH_BYTES,
    RECORDER_EVENTS,
    RELAY_COMMANDS,
    RELAY_EVENTS,
    WORKER_COMMANDS,
    WORKER_EVENTS,
    Block,
    attach_block,
)
from softswitch.media.leg_book import LegBook, OpenLeg
from softswitch.media.reports import Reports, lost_packets
from softswitch.media.rings import pop, push
from softswitch.media.slots import SlotStock

OPEN_PATIENCE_S = 0.5
DEAD_LEG = -1

OnEvent = Callable[[MediaEvent], None]
OnProgress = Callable[[str, float], None]


class MediaPlane:
    """Made by `start`. Not thread-safe: it belongs to the loop that started it."""

    def __init__(
        self,
        block: Block,
        block_descriptor: int,
        wake_descriptor: int,
        clip_names: list[str],
        on_event: OnEvent,
        *,
        process: MediaProcess | None = None,
        engine: Engine | None = None,
    ) -> None:
        self._block = block
        self._shared = block.shared
        self._block_descriptor = block_descriptor
        self._wake_descriptor = wake_descriptor
        self._clips = {name: index for index, name in enumerate(clip_names)}
        self._on_event = on_event
        self._process = process
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._message = np.zeros(1, MESSAGE)
        self._first_port = int(self._shared.header["first_port"])
        self._stock = SlotStock(self._shared.legs.size, self._order_open)
        self._legs = LegBook(Reports(clip_names), self._stock, self._tap)
        self._alive = True
        self._waiting: list[MediaEvent] = []
        self._told = asyncio.Event()

    # Starting and stopping

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
        linger_s: float = 0.0,
        event_driven: bool = False,
    ) -> "MediaPlane":
        """Start the media process and wait until it is ready.

        address: the IPv4 address that media sockets bind to.  clips: WAV files by clip name.  on_progress: told the
        kernel being compiled and the fraction done; on a first start this takes up to a minute.  in_thread: run the
        loops in this process.  linger_s: how long the media process outlives this one, waiting for another to take
        over.  event_driven: serve each packet as it comes, not on a tick of 2 ms: less delay, more CPU.  UsageError
        when a setting cannot work.
        """
        loop = asyncio.get_running_loop()

        def tell(name: str, fraction: float) -> None:
            if on_progress is not None:
                loop.call_soon_threadsafe(on_progress, name, fraction)

        host_number(address)
        slots_between(first_port, last_port)
        if in_thread:
            engine = Engine(
                address=address, first_port=first_port, last_port=last_port, clips=clips, event_driven=event_driven
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
                "linger_s": linger_s,
                "event_driven": event_driven,
            }
            process = await asyncio.to_thread(launch, settings, tell)
            block = attach_block(process.block_descriptor)
            plane = cls(
                block, process.block_descriptor, process.wake_descriptor, process.clip_names, on_event, process=process
            )
        await plane._begin()
        return plane

    async def _begin(self) -> None:
        self._loop.add_reader(self._wake_descriptor, self._read_events)
        if self._process is not None:
            self._loop.add_reader(self._process.connection, self._read_connection)
        self._stock.refill(time.monotonic())
        while not self._stock.is_settled and self._alive:
            self._told.clear()
            await self._told.wait()

    async def stop(self) -> None:
        """Close recordings and sockets and end the media process. Returns when nothing is left running."""
        if not self._alive:
            return
        self._alive = False
        if self._process is not None:
            self._loop.remove_reader(self._process.connection)
            await asyncio.to_thread(self._process.stop)
        elif self._engine is not None:
            await asyncio.to_thread(self._engine.stop)
        self._release()

    def _release(self) -> None:
        """Read what was still reported, then let go of the descriptors."""
        self._loop.remove_reader(self._wake_descriptor)
        self._drain()
        self._deliver()
        os.close(self._block_descriptor)
        os.close(self._wake_descriptor)

    def _read_connection(self) -> None:
        """The media process says nothing after its start; what can be read is its end."""
        assert self._process is not None
        process = self._process
        try:
            if process.connection.recv(1, socket.MSG_DONTWAIT):
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # a reset says the same as an end of file
        at = time.monotonic()
        self._loop.remove_reader(process.connection)
        self._alive = False
        self._told.set()
        self._release()
        self._legs.clear()
        self._on_event(PlaneDied(DEAD_LEG, at, "the media process ended by itself"))
        # Its death has been reported; waiting for the kernel to give up the corpse may take a moment.
        self._loop.run_in_executor(None, process.reap)

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
        handle = self._legs.open(slot, self._stock.generations[slot])
        self._stock.refill(time.monotonic())
        return handle

    def port_of(self, leg: int) -> int:
        """The leg's RTP port; RTCP is on the next."""
        return self._first_port + 2 * self._leg(leg).slot

    def connect(self, leg: int, remote: tuple[str, int], format: MediaFormat, *, latch: bool = False) -> None:
        """Set the leg's other end and format, from SDP; again after a re-INVITE.

        Packets from any other source are dropped. With `latch`, for phones behind address translation, the first
        valid packet within 5 s may correct the source: from the SDP's host on another port, or from anywhere where
        the SDP names a private address.
        """
        host, port = remote
        if not 0 < port < 65536:
            raise UsageError(f"media port {port} is none; a stream refused in SDP (port 0) is not connected")
        events = 0xFF if format.dtmf_payload_type is None else format.dtmf_payload_type
        options = events | int(latch) << 16
        code = int(audio_code(format.codec))
        self._order(leg, v.CONNECT, host_number(host), port, code, format.payload_type, options)

    def bridge(self, a: int, b: int) -> None:
        """Let two legs hear each other, transcoded where they differ. A leg bridged elsewhere leaves that bridge."""
        other = self._leg(b)
        self._order(a, v.BRIDGE, other.slot, other.generation)

    def unbridge(self, a: int) -> None:
        """End the bridge that the leg is in, if it is in one."""
        self._order(a, v.UNBRIDGE)

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

    def start_recording(self, leg: int, path: Path) -> None:
        """Record the leg into a new two-channel WAV file: left what is sent on it, right what is received."""
        entry = self._leg(leg)
        if entry.recording is not None:
            raise UsageError(f"this leg is recorded already, into {entry.recording}")
        where = os.fsencode(path.absolute())
        if len(where) >= PATH_BYTES:
            raise UsageError(f"a recording's path is at most {PATH_BYTES - 1} bytes long")
        self._block.paths[entry.slot, : len(where)] = np.frombuffer(where, np.uint8)
        self._block.paths[entry.slot, len(where)] = 0
        entry.recording = path
        self._tap(entry)
        self._order_worker(entry, v.START_RECORDING)

    def stop_recording(self, leg: int) -> None:
        """End the leg's recording, if there is one; `RecordingClosed` follows within a tenth of a second."""
        entry = self._leg(leg)
        if entry.recording is not None:
            self._order_worker(entry, v.STOP_RECORDING)

    def start_amd(self, leg: int) -> None:
        """Begin answering-machine detection on what the leg says, from now."""
        entry = self._leg(leg)
        entry.under_amd = True
        self._tap(entry)
        self._order_worker(entry, v.START_AMD)

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
        self._order(leg, v.CLOSE)
        entry.closed = True

    # Figures

    def statistics(self, leg: int) -> LegStatistics:
        """The leg's counts so far; to be asked before it is closed."""
        row = self._shared.legs[self._leg(leg).slot]
        return LegStatistics(
            packets_received=int(row["packets_received"]),
            packets_sent=int(row["packets_sent"]),
            packets_lost=lost_packets(row),
            packets_dropped=int(row["packets_dropped"]),
        )

    def totals(self) -> tuple[int, int, int, float]:
        """Packets received, sent and lost since the start, and the CPU seconds of the media process (or its
        threads)."""
        header = self._shared.header
        live = sum(lost_packets(self._shared.legs[leg.slot]) for leg in self._legs if not leg.port_released)
        cpu_s = float(header["relay_cpu_ns"] + header["worker_cpu_ns"]) / 1e9
        return (
            int(header["packets_received"]),
            int(header["packets_sent"]),
            int(header["packets_lost"]) + live,
            cpu_s,
        )

    @property
    def pid(self) -> int | None:
        """The media process, or None when it runs in threads here."""
        return None if self._process is None else self._process.process.pid

    # Inside

    def _leg(self, leg: int) -> OpenLeg:
        entry = self._legs.get(leg)
        if entry is None or entry.closed:
            if not self._alive:
                return OpenLeg(leg & 0xFFFF, leg >> 16)  # orders to the dead go nowhere
            raise UsageError(f"media leg {leg} is not open")
        return entry

    def _order(self, leg: int, kind: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0, e: int = 0) -> None:
        entry = self._leg(leg)
        self._push(RELAY_COMMANDS, kind, entry.slot, entry.generation, a, b, c, d, e)

    def _order_open(self, kind: int, slot: int, a: int, b: int, c: int) -> None:
        self._push(RELAY_COMMANDS, kind, slot, self._stock.generations[slot], a, b, c, 0, 0)

    def _order_worker(self, entry: OpenLeg, kind: int) -> None:
        self._push(WORKER_COMMANDS, kind, entry.slot, entry.generation, 0, 0, 0, 0, 0)

    def _push(self, ring: int, kind: int, slot: int, generation: int, *rest: int) -> None:
        if not self._alive:
            return
        if not push(self._shared, ring, kind, slot, generation, time.monotonic_ns(), *rest):
            raise SoftswitchError("the media process no longer takes commands; it is overloaded or stopped")

    def _tap(self, entry: OpenLeg) -> None:
        self._push(RELAY_COMMANDS, v.TAP, entry.slot, entry.generation, int(entry.is_tapped), 0, 0, 0, 0)

    def _read_events(self) -> None:
        try:
            os.eventfd_read(self._wake_descriptor)
        except BlockingIOError:
            return
        self._drain()
        self._told.set()
        self._deliver()

    def _drain(self) -> None:
        """Read the three event rings; what is for the switch waits in order."""
        for ring in (RELAY_EVENTS, WORKER_EVENTS, RECORDER_EVENTS):
            while pop(self._shared, ring, self._message):
                event = self._legs.receive(self._message[0])
                if event is not None:
                    self._waiting.append(event)
        self._stock.refill(time.monotonic())

    def _deliver(self) -> None:
        while self._waiting:
            event = self._waiting.pop(0)
            try:
                self._on_event(event)
            except Exception as error:
                self._loop.call_exception_handler(
                    {"message": f"a media event was not handled: {event}", "exception": error}
                )
