"""Key words in the calls that campaigns name them for: sound goes to a process of its own, alerts come back.

Five times a second the newest frames of those calls are written into a pipe, which never makes anybody wait: where the
process of key words falls behind, sound is dropped, and a supervisor is told that not all was heard. At most
`key_word_calls` calls are listened to at a time, the longest running first.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import structlog

from softswitch.config import Settings
from softswitch.key_words.messages import MOST_SOUND, Kind, Message, begin, packed
from softswitch.media.layout import FRAME_SAMPLES, FRAMES, RECEIVED, SENT
from softswitch.media.levels import Levels
from softswitch.media.outgoing import PCMA
from softswitch.safeguards.alerts import AlertKind

if TYPE_CHECKING:
    from softswitch.exchange.running.premises import Site

log = structlog.get_logger(__name__)

LOOK_S = 0.2
AGAIN_S = 10.0
"""After the process has ended by itself."""
STOP_S = 2.0
SPARED = 4
"""Of a ring's oldest frames, which the relay may be writing over."""
ENDS = {RECEIVED: "callee", SENT: "agent"}
PIPE = 1 << 16


class Sounds(Levels):
    """What was said on legs since the last look, from the frames that the relay leaves in the shared block."""

    @classmethod
    def beside(cls, levels: Levels) -> Self:
        """Another reader of the same block."""
        return cls(levels._shared, levels._legs)

    def newest(self, handle: int, direction: int, read: int) -> tuple[int, Kind, bytes]:
        """(frames seen by now, law, codes) of what came after the frame numbered `read`; -1: from now on."""
        leg = self._legs.get(handle)
        if leg is None:
            return read, Kind.ULAW, b""
        written = int(self._shared.legs["received_written" if direction == RECEIVED else "sent_written"][leg.slot])
        first = written if read < 0 else max(read, written - FRAMES + SPARED)
        at = np.arange(first, written) & (FRAMES - 1)
        frames = self._shared.frames[leg.slot, direction]
        codes = frames["payload"][at]
        heard = np.arange(FRAME_SAMPLES) < frames["samples"][at][:, None]
        law = Kind.ALAW if len(at) and frames["codec"][at[-1]] == PCMA else Kind.ULAW
        return written, law, codes[heard].tobytes()


class KeyWords:
    """Has the face of a machine, so that the site's driver makes it look; `start` begins the process."""

    def __init__(self, site: "Site", settings: Settings) -> None:
        self._site = site
        self._phrases = {each.name: each.key_words for each in settings.campaigns if each.key_words}
        self._most = settings.supervision.key_word_calls
        self._agents = [each.id for each in settings.agents]
        self._calls: dict[str, dict[int, int]] = {}
        """By call: the stream of each direction."""
        self._streams: dict[int, tuple[str, str, str]] = {}
        """Agent, call and end."""
        self._read: dict[int, int] = {}
        self._last = 0
        self._look_at = 0.0
        self._sounds: tuple[Levels, Sounds] | None = None
        self._pipe = -1
        self._running: asyncio.Task[None] | None = None
        self.dropped = 0
        """Messages of sound that nobody was there to take."""

    @property
    def is_wanted(self) -> bool:
        return bool(self._phrases)

    def start(self) -> None:
        self._running = asyncio.create_task(self._run(), name="key-words")

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    # the face of every machine

    def next_timer(self) -> float:
        return self._look_at

    def handle_timer(self, now: float) -> None:
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        if self._pipe < 0:
            return
        wanted = dict(self._wanted())
        for call_ref in [each for each in self._calls if each not in wanted]:
            self._end(call_ref)
        for call_ref, (agent, campaign, leg) in wanted.items():
            if call_ref not in self._calls and len(self._calls) < self._most:
                self._begin(call_ref, agent, campaign)
            for direction, stream in self._calls.get(call_ref, {}).items():
                self._pass_on(stream, leg, direction)

    def next_event(self) -> None:
        return None

    # streams

    def _wanted(self) -> Iterable[tuple[str, tuple[str, str, int]]]:
        for agent in self._agents:
            talk = self._site.agents.talk_of(agent)
            view = self._site.board.figures_of(agent, 0.0)
            if talk.partner is not None and view is not None and view.campaign in self._phrases:
                yield talk.call_ref, (agent, view.campaign, talk.partner.media)

    def _begin(self, call_ref: str, agent: str, campaign: str) -> None:
        streams = {}
        for direction, end in ENDS.items():
            self._last += 1
            if not self._write(begin(self._last, self._phrases[campaign])):
                break
            streams[direction] = self._last
            self._streams[self._last] = (agent, call_ref, end)
        self._calls[call_ref] = streams

    def _end(self, call_ref: str) -> None:
        for stream in self._calls.pop(call_ref).values():
            self._streams.pop(stream, None)
            self._read.pop(stream, None)
            self._write(packed(Message(stream, Kind.END)))

    def _pass_on(self, stream: int, leg: int, direction: int) -> None:
        levels = self._site.plane.levels
        if self._sounds is None or self._sounds[0] is not levels:
            self._sounds = levels, Sounds.beside(levels)
        self._read[stream], law, codes = self._sounds[1].newest(leg, direction, self._read.get(stream, -1))
        if codes and not self._write(packed(Message(stream, law, codes[-MOST_SOUND:]))):
            self.dropped += 1
            agent, call_ref, end = self._streams[stream]
            told = f"not all that the {end} says is heard for key words: the machine is busy"
            self._site.watching.report(AlertKind.KEY_WORD, agent, call_ref, told, about="dropped")

    def _write(self, message: bytes) -> bool:
        try:
            return os.write(self._pipe, message) == len(message)
        except (BlockingIOError, BrokenPipeError):
            return False

    def receive(self, told: Mapping[str, Any]) -> None:
        """A line of the process."""
        if "unknown" in told:
            log.error("a key word is not in the model's dictionary, and not listened for", phrase=told["unknown"])
        about = self._streams.get(told.get("stream", -1))
        if about is not None:  # else the call is over
            agent, call_ref, end = about
            interview = self._site.surveys.of_agent(agent)
            node = interview.node.id if interview is not None and interview.call_ref == call_ref else ""
            said = f'the {end} said: "{told["said"]}"'
            self._site.watching.report(AlertKind.KEY_WORD, agent, call_ref, said, node=node, about=said)

    # the process

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except OSError as error:
                log.error("the process of key words cannot be started", reason=error.strerror)
            log.error("the process of key words has ended: key words are not heard until it is back")
            await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        """One process, from its start to its end."""
        inner, self._pipe = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        process: asyncio.subprocess.Process | None = None
        try:
            os.set_blocking(inner, True)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "softswitch.key_words", stdin=inner, stdout=asyncio.subprocess.PIPE
            )
            os.close(inner)
            inner = -1
            assert process.stdout is not None
            while line := await process.stdout.readline():
                self.receive(json.loads(line))
        finally:
            pipe, self._pipe = self._pipe, -1
            for descriptor in (inner, pipe):
                if descriptor >= 0:
                    os.close(descriptor)
            self._calls.clear()
            self._streams.clear()
            self._read.clear()
            if process is not None:
                await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """The end of its pipe ends it; one that does not see it is killed."""
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
