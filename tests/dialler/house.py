"""Two campaigns with one board and a real store, on a virtual clock; whoever uses it plays the telephone network.

It does with the store what the exchange does, in the same order, and can be killed: then all that it knew is gone but
the store, and what the calls' notes in the media process say.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from softswitch.dialler.agents import AgentBoard, AgentChanged, AgentState
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.events import (
    AttemptChanged,
    AttemptEnded,
    CampaignChanged,
    CommitAttempt,
    DiallerEvent,
    LeadChanged,
    LeadsWanted,
    NumberLocked,
    NumberSuppressed,
    ReviewOffered,
)
from softswitch.dialler.locks import NumberLocks
from softswitch.dialler.rules import DEFAULT_MARGINS
from softswitch.dialler.suppression import SuppressionList
from softswitch.store.database import Store
from softswitch.store.journal import Entry, Kind

LONDON = "Europe/London"
IN_MEMORY = Path("/dev/shm")
START = 1000.0
MARGINS = replace(DEFAULT_MARGINS, refill_pause_s=300.0)
"""An empty list is not asked every few seconds: that is a lot of work for the same answer."""


class Killed(Exception):
    """The process ends here."""


class Template:
    """A store with imported lists, made once and copied for each house: migrations take longer than a house lives."""

    def __init__(self, numbers: dict[str, Iterable[str]]) -> None:
        """numbers: of each campaign, national."""
        self._folder = tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        self.path = Path(self._folder.name)
        self.accepted = 0
        asyncio.run(self._make(numbers))

    async def _make(self, numbers: dict[str, Iterable[str]]) -> None:
        store = await Store.open(f"sqlite:///{self.path / 'store.db'}")
        for campaign, theirs in numbers.items():
            file = self.path / f"{campaign}.csv"
            file.write_text("number\n" + "".join(f"{number}\n" for number in theirs))
            report = await store.import_leads(file, campaign, country="GB", time_zone=LONDON)
            assert report.accepted == report.rows, report.problems
            self.accepted += report.accepted
        await store.close()


class House:
    """See above. The network's part is `carry_out`, which is told every event that leaves the house."""

    def __init__(
        self,
        template: Template,
        campaigns: list[Campaign],
        wall: datetime,
        carry_out: Callable[[str, DiallerEvent], None],
        *,
        seed: int = 1,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        for file in template.path.iterdir():
            shutil.copy2(file, self._folder.name)
        self._loop = asyncio.new_event_loop()
        self.campaigns = campaigns
        self.carry_out = carry_out
        self.now = START
        self._anchor = (wall, START)
        self._refs = count(1)
        self._rng = np.random.default_rng(seed)
        self._waiting: list[Awaitable[Any]] = []
        self.channels = 12
        self.interlocks = True
        self.running = True
        self.written_by = 1
        """So many writes make a transaction, where nobody is to be killed."""
        self.dies_after: int | None = None
        """Events that are carried out before the process is killed."""
        self._open()
        self._build({}, {})

    # the clock

    @property
    def wall(self) -> datetime:
        wall, at = self._anchor
        return wall + timedelta(seconds=self.now - at)

    def set_wall(self, wall: datetime) -> None:
        """Somebody sets the clock."""
        self._anchor = (wall.astimezone(UTC), self.now)
        for dialler in self.diallers.values():
            dialler.set_wall(self.wall, self.now)

    # the store

    def run(self, work: Awaitable[Any]) -> Any:
        return self._loop.run_until_complete(work)

    def write(self) -> None:
        """All that waits, together: what is of one kind in order, and one kind after another, which the store writes in
        a quarter of the time."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self.run(_all(sorted(waiting, key=lambda work: str(work.__qualname__))))  # type: ignore[attr-defined]

    def _write_some(self) -> None:
        if len(self._waiting) >= self.written_by:
            self.write()

    def _open(self) -> None:
        self.store = self.run(Store.open(f"sqlite:///{self._folder.name}/store.db"))

    def close(self) -> None:
        for work in self._waiting:
            work.close()  # type: ignore[attr-defined]
        self.run(self.store.close())
        self._loop.close()
        self._folder.cleanup()

    # life and death

    def _build(self, calls: dict[str, tuple[str, Any]], agents: dict[str, Any]) -> None:
        """calls: campaign and note of each call to be taken up; agents: their notes."""
        self.board = AgentBoard()
        self.suppression = SuppressionList(digest=self.store.digest)
        self.locks = NumberLocks(self.store.digest)
        self.suppression.add_hashes(self.run(self.store.suppressed("")))
        for hashed, until in self.run(self.store.locked_numbers(self.wall)).items():
            self.locks.lock_hash(hashed, until)
        self.diallers: dict[str, Dialler] = {}
        today = self.wall.astimezone(ZoneInfo(LONDON)).date()
        for campaign in self.campaigns:
            dialler = self.diallers[campaign.name] = Dialler(
                campaign,
                suppression=self.suppression,
                rng=self._rng,
                new_ref=lambda: f"call{next(self._refs)}",
                board=self.board,
                locks=self.locks,
                margins=MARGINS,
                time_zone=LONDON,
            )
            self.suppression.add_hashes(self.run(self.store.suppressed(campaign.name)), campaign.name)
            dialler.set_wall(self.wall, self.now)
            dialler.restore_day(self.run(self.store.attempt_counts(campaign.name, today, LONDON)))
        for note in agents.values():
            self.board.restore(note)
        for campaign_name, note in calls.values():
            self.diallers[campaign_name].take_up(note, self.now)
        for dialler in self.diallers.values():
            dialler.receive_channels(self.channels, self.now)
            dialler.receive_interlocks(self.interlocks, self.now)
            if self.running:
                dialler.start(self.now)

    def die(self, up: Collection[str], *, media_too: bool) -> None:
        """kill -9, and the next start.

        up: calls that the network has, which alone have notes.  media_too: nothing is left but the store.
        """
        self.dies_after = None
        calls: dict[str, tuple[str, Any]] = {}
        agents: dict[str, Any] = {}
        if not media_too:
            for name, dialler in self.diallers.items():
                for figures in dialler.calls(self.now):
                    note = dialler.snapshot(figures.call_ref)
                    if note is not None and figures.call_ref in up:
                        calls[figures.call_ref] = (name, note)
            agents = {figures.agent: self.board.snapshot(figures.agent) for figures in self.board.figures(self.now)}
        for work in self._waiting:
            work.close()  # type: ignore[attr-defined]
        self._waiting = []
        self.run(self.store.close())
        self._open()
        from softswitch.dialler.snapshots import attempt_from

        for _, note in calls.values():
            self.run(self.store.save_attempt(attempt_from(note["attempt"])))
        self.run(self.store.release_leads(wall=self.wall, going_on=set(calls), campaigns=self.campaigns))
        self._build(calls, agents)
        for agent in agents:
            board = self.board
            if board.state_of(agent) in (AgentState.RESERVED, AgentState.IN_CALL) and board.call_of(agent) not in calls:
                board.release(agent, board.call_of(agent), self.now)

    # one step

    def settle(self) -> None:
        """Drain all diallers until none has anything to say. Raises Killed where the process was to die."""
        told = True
        while told:
            told = False
            for name, dialler in self.diallers.items():
                while (event := dialler.next_event()) is not None:
                    if self.dies_after is not None:
                        if self.dies_after == 0:
                            raise Killed
                        self.dies_after -= 1
                    told = True
                    self._do(name, dialler, event)
            for dialler in self.diallers.values():
                if (dialler.next_timer() or self.now + 1) <= self.now:
                    dialler.handle_timer(self.now)
                    told = True
        self._write_some()

    def _do(self, name: str, dialler: Dialler, event: DiallerEvent) -> None:
        match event:
            case LeadsWanted():
                self.write()
                dialler.add_leads(self.run(self.store.next_leads(name, event.count, self.wall)), self.now)
                left, whole = self.run(self.store.lead_totals(name))
                dialler.receive_lead_totals(whole, left, self.now)
            case CommitAttempt():
                self._waiting.append(self.store.commit_attempt(event.attempt))
                self._write_some()
                self.carry_out(name, event)
            case AttemptChanged() | AttemptEnded():
                self._waiting.append(self.store.save_attempt(event.attempt))
                self.carry_out(name, event)
            case LeadChanged():
                self._waiting.append(self.store.save_lead(event.lead))
            case NumberLocked():
                self._waiting.append(self.store.lock_number(event.number, event.until))
            case NumberSuppressed():
                self._waiting.append(self.store.suppress(event.number, reason=event.reason))
                for each in self.diallers.values():
                    each.receive_suppressed(event.number, self.now)
            case ReviewOffered():
                self._waiting.append(self.store.offer_review(event))
            case AgentChanged():
                told = {"state": event.state.value, "code": event.code}
                entry = Entry(Kind.AGENT, self.wall, call_ref=event.call_ref, agent=event.agent, content=told)
                self._waiting.append(self.store.record(entry))
                self.carry_out(name, event)
            case CampaignChanged():
                told = {"state": event.state, "reason": event.reason}
                self._waiting.append(self.store.record(Entry(Kind.CAMPAIGN, self.wall, name, content=told)))
            case _:
                self.carry_out(name, event)

    def next_timer(self) -> float | None:
        timers = [timer for each in self.diallers.values() if (timer := each.next_timer()) is not None]
        return min(timers, default=None)

    def handle_timers(self) -> None:
        for dialler in self.diallers.values():
            timer = dialler.next_timer()
            if timer is not None and timer <= self.now:
                dialler.handle_timer(self.now)
        self.settle()


async def _all(works: list[Awaitable[Any]]) -> None:
    await asyncio.gather(*works)
