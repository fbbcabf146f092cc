"""The media process's inside: block, kernels and three threads. In tests it runs within the signalling process."""

import contextlib
import os
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import float64, int64, typeof

from softswitch.amd import model
from softswitch.errors import UsageError
from softswitch.media import (
    incoming,
    legs,
    outgoing,
    playback,
    quality,
    relay,
    rings,
    signals,
    timeline,
    worker,
    writing,
)
from softswitch.media import vocabulary as v
from softswitch.media.addresses import host_number
from softswitch.media.adoption import adopt, adopt_timelines
from softswitch.media.buffered_legs import policy_code, pull_due
from softswitch.media.clips import clip_names, load_clips, store_clips
from softswitch.media.engine_memory import map_memory, plan
from softswitch.media.kernels import cache_folders, discard_stale_kernels, fork_compilation, is_cached
from softswitch.media.layout import (
    DATAGRAM,
    DATAGRAM_BYTES,
    FRAME_SAMPLES,
    MESSAGE,
    WORKER_COMMANDS,
    attach_block,
    create_block,
    map_block,
)
from softswitch.media.recorder import Recorder
from softswitch.media.scratch import MOST_PLAYERS, new_scratch

Progress = Callable[[str, float], None]
Stage = tuple[str, Any, tuple[Any, ...]]

TICK_NS = 2_000_000
RELAY_PRIORITY = 10
PIECES = (
    legs.open_leg,
    legs.connect_leg,
    outgoing.relay,
    pull_due,
    incoming.receive_packet,
    playback.play_due,
    relay.obey,
    model.receive_frame,
    worker.drain,
)
"""What only the loops call: compiled one by one to show how far it is, and loaded within the loops."""
RECORDINGS_END_S = 2.0
LEDGER_END_S = 3.0
"""How long a stop waits for the disk; what is not bound to the ledger by then is at the next start."""
DESCRIPTORS_BESIDE_LEGS = 64


class Engine:
    """Relay, worker and recorder around one shared block."""

    def __init__(
        self,
        *,
        address: str,
        first_port: int,
        last_port: int,
        clips: dict[str, Path],
        event_driven: bool = False,
        recording_key: bytes | None = None,
        jitter_buffer: str = "auto",
        inherited: tuple[int, int] | None = None,
    ) -> None:
        """UsageError for a port range or clip that cannot work; no thread runs yet.

        inherited: block and eventfd of a media process that is gone, made with the same settings.
        """
        slots = slots_between(first_port, last_port)
        self.clip_names = clip_names(clips)
        if inherited is None:
            self._make_block(slots, clips)
        else:
            self.descriptor, self.wake_descriptor = inherited
            self.block = attach_block(self.descriptor)
        header = self.block.shared.header
        header["host"], header["first_port"], header["tick_ns"] = host_number(address), first_port, TICK_NS
        header["wall_ns"] = time.time_ns() - time.monotonic_ns()
        header["event_driven"], header["records"] = event_driven, recording_key is not None
        header["jitter_buffer"] = policy_code(jitter_buffer)
        self._times, self._states, self._mixer = map_memory(self.descriptor, self.block)
        self._scratch = new_scratch(self.wake_descriptor)
        self._desk = worker.new_desk(self.wake_descriptor)
        self._pcm = np.zeros(FRAME_SAMPLES, np.int16)
        self._threads: list[threading.Thread] = []
        self._recorder: Recorder | None = None
        self._recording_key = recording_key

    def _make_block(self, slots: int, clips: dict[str, Path]) -> None:
        sounds = load_clips(clips)
        samples = sum(sound.size for sound in sounds.values())
        self.descriptor = create_block(slots, len(sounds), samples, plan(slots))
        self.block = map_block(self.descriptor, slots, len(sounds), samples)
        self.wake_descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.block.shared.legs["generation"] = 0
        self.block.shared.legs["clip"] = -1
        self.block.shared.legs["peer"] = -1
        self.block.shared.legs["event_code"] = -1
        store_clips(self.block.shared, sounds)

    def compile_kernels(self, on_progress: Progress, *, with_helper: bool = False) -> None:
        """Compile every kernel, or load it from the cache.

        Compilation holds the GIL, so nothing may be left to compile when calls come in. with_helper: on a cold cache,
        let a forked child compile the worker's half meanwhile; only for a process that runs no thread yet.
        """
        discard_stale_kernels(*cache_folders(relay.run, worker.run, model.receive_frame, rings.push))
        messages, relaying, working = self._stages()
        stages = messages + relaying + working
        helper = None
        doing = "compiling, on a first start only"
        if is_cached(relay.run) and is_cached(worker.run):
            doing, stages = "loading", [stage for stage in stages if stage[1] not in PIECES]
        for done, (name, dispatcher, signature) in enumerate(stages):
            on_progress(f"media plane: {doing}: {name}", done / len(stages))
            if with_helper and done == len(messages) and not is_cached(worker.run):
                helper = fork_compilation([(each, types) for _, each, types in working])
            if helper is not None and done == len(messages) + len(relaying):
                os.waitpid(helper, 0)
            dispatcher.compile(signature)
        on_progress("media plane: ready", 1.0)

    def _stages(self) -> tuple[list[Stage], list[Stage], list[Stage]]:
        """What is compiled, in the order of who calls whom: messages, relaying, and what the worker does."""
        shared, scratch, times = typeof(self.block.shared), typeof(self._scratch), typeof(self._times)
        states, desk, pcm = typeof(self._states), typeof(self._desk), typeof(self._pcm)
        mixer = typeof(self._mixer)
        message = typeof(np.zeros(1, MESSAGE))
        pen = typeof(writing.new_pen(1))
        datagram, octets = typeof(np.zeros(1, DATAGRAM)), typeof(np.zeros(DATAGRAM_BYTES, np.uint8))
        return (
            [
                ("put a message into a ring", rings.push, (shared, *[int64] * 10)),
                ("take a message out", rings.pop, (shared, int64, message)),
                ("put a datagram into a ring", signals.push_datagram, (shared, *[int64] * 5, octets, int64)),
                ("take a datagram out", signals.pop_datagram, (shared, int64, datagram)),
                ("rate a call", quality.rate, (float64, float64, float64, int64)),
                ("score a call", quality.opinion_score, (float64,)),
                ("write recordings", writing.write_due, (times, pen, int64)),
            ],
            [
                ("open a leg", legs.open_leg, (shared, scratch, *[int64] * 5)),
                ("connect a leg", legs.connect_leg, (shared, scratch, *[int64] * 7)),
                ("relay a packet", outgoing.relay, (shared, scratch, *[int64] * 9)),
                ("pull jitter buffers", pull_due, (shared, scratch, int64)),
                ("receive a packet", incoming.receive_packet, (shared, scratch, *[int64] * 3)),
                ("play a clip", playback.play_due, (shared, scratch, int64)),
                ("adopt legs", adopt, (shared, scratch)),
                ("obey commands", relay.obey, (shared, scratch, int64)),
                ("the relay", relay.run, (shared, scratch)),
            ],
            [
                ("detect answering machines", model.receive_frame, (states, int64, pcm, float64)),
                ("place a frame", worker.drain, (shared, times, states, desk, int64, pcm, int64)),
                ("the worker", worker.run, (shared, times, states, desk, mixer, pcm)),
            ],
        )

    @property
    def is_whole(self) -> bool:
        """Whether every thread runs that was started."""
        return all(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        """Begin; where the block tells of an engine that is gone, go on in its place."""
        header = self.block.shared.header
        if header["relay_at_ns"]:
            header["deaths"] += 1
            adopt_timelines(self._times, time.monotonic_ns() - int(header["relay_at_ns"]))
        header["past_cpu_ns"] += header["relay_cpu_ns"] + header["worker_cpu_ns"]
        header["relay_cpu_ns"] = header["worker_cpu_ns"] = 0
        adopt(self.block.shared, self._scratch)
        # Made here and not before: a fork takes every thread that was made for one that has ended.
        self._recorder = Recorder(self.block, self._times, self.wake_descriptor, self._recording_key)
        self._threads = [
            threading.Thread(target=self._run_relay, name="relay", daemon=True),
            threading.Thread(target=self._run_worker, name="worker", daemon=True),
            self._recorder,
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close recordings and sockets and end the threads. Nobody else may send commands any more."""
        if self._recorder is not None and self._recorder.is_alive():
            order = (v.STOP_ALL_RECORDINGS, 0, 0, time.monotonic_ns(), 0, 0, 0, 0, 0)
            rings.push(self.block.shared, WORKER_COMMANDS, *order)
            deadline = time.monotonic() + RECORDINGS_END_S
            time.sleep(2 * worker.PASS_NS / 1e9)
            while self._is_recording() and time.monotonic() < deadline:
                time.sleep(0.01)
            self._recorder.finish()
            self._recorder.join(LEDGER_END_S)
        self.block.shared.header["stopping"] = 1
        for thread in self._threads:
            thread.join(RECORDINGS_END_S)

    def release(self) -> None:
        """Close the engine's own descriptors, after its owner has stopped listening to them."""
        os.close(self.descriptor)
        os.close(self.wake_descriptor)

    def _is_recording(self) -> bool:
        state = self._times.lines["recording"]
        return bool(np.any((state == timeline.RECORDING) | (state == timeline.ENDING)))

    def _run_relay(self) -> None:
        # Cuts the tail of the latency tenfold where the system permits it; elsewhere the relay does without.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(RELAY_PRIORITY))
        relay.run(self.block.shared, self._scratch)

    def _run_worker(self) -> None:
        worker.run(self.block.shared, self._times, self._states, self._desk, self._mixer, self._pcm)


def slots_between(first_port: int, last_port: int) -> int:
    """How many legs a port range holds (RTP on even ports, RTCP above each); UsageError when it cannot work."""
    if first_port % 2 or not 1024 <= first_port < last_port <= 65535:
        raise UsageError(
            f"media ports {first_port}-{last_port}: the first must be even, from 1024 up, and below the last"
        )
    slots = min((last_port - first_port + 1) // 2, MOST_PLAYERS)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY:
        slots = min(slots, (hard - DESCRIPTORS_BESIDE_LEGS) // 3)
    return slots
