"""The parts of one running site, under one name each."""

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from softswitch.config import Settings, recordings_directory, routes_of, scripts_of
from softswitch.dialler.agents import AgentBoard, AgentState, CallEnd
from softswitch.dialler.blending import Blend
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.locks import NumberLocks
from softswitch.dialler.suppression import SuppressionList
from softswitch.exchange.audit.file import AuditFile
from softswitch.exchange.calls.dialled import DialledCalls
from softswitch.exchange.calls.dialled_numbers import NOBODY_DIALS
from softswitch.exchange.calls.inbound import InboundCalls
from softswitch.exchange.calls.records import Records
from softswitch.exchange.calls.surveys import Surveys
from softswitch.exchange.calls.trials import Trials
from softswitch.exchange.floor.admissions import Admissions
from softswitch.exchange.floor.agents import AgentLines
from softswitch.exchange.floor.headset_tests import HeadsetTests
from softswitch.exchange.floor.rostering import Rostering
from softswitch.exchange.floor.shift_figures import ShiftFigures
from softswitch.exchange.floor.supervision import Supervision
from softswitch.exchange.floor.supervisors import SupervisorLines
from softswitch.exchange.floor.watching import Watching
from softswitch.exchange.running.health import Health
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.control import MediaPlane
from softswitch.safeguards.interlocks import NEVER_DIAL, Interlocks
from softswitch.safeguards.overrides import Overrides
from softswitch.safeguards.trunk_words import words_of
from softswitch.store.database import Store
from softswitch.transports.driver import Driver
from softswitch.ua.accounts import USABLE
from softswitch.ua.pool import UserAgentPool
from softswitch.ua.routes import RouteTable


def wall() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Site:
    """One running site. Rooms that need several of its parts are given this; nobody but `softswitch.switch` makes
    one."""

    settings: Settings
    driver: Driver
    store: Store
    records: Records
    pool: UserAgentPool
    lines: Lines
    board: AgentBoard
    agents: AgentLines
    supervisors: SupervisorLines
    supervision: Supervision
    audit: AuditFile
    inbound: InboundCalls
    interlocks: Interlocks
    health: Health
    suppression: SuppressionList
    locks: NumberLocks
    blend: Blend
    campaigns: dict[str, DialledCalls] = field(default_factory=dict)
    not_started: dict[str, str] = field(default_factory=dict)
    """Why a campaign that was to run from the site's start on could not be started, until somebody says otherwise."""
    routes: RouteTable = field(init=False)
    overrides: Overrides = field(init=False)
    admissions: Admissions = field(init=False)
    rostering: Rostering = field(init=False)
    surveys: Surveys = field(init=False)
    headset_tests: HeadsetTests = field(init=False)
    watching: Watching = field(init=False)
    shift: ShiftFigures = field(init=False)
    trials: Trials = field(init=False)

    def __post_init__(self) -> None:
        self.overrides = Overrides(self.interlocks)
        self.rostering = Rostering(self.settings, self.board, self.set_agent, wall)
        self.admissions = Admissions(self.settings, self.audit, wall)
        self.surveys = Surveys(scripts_of(self.settings), self, self.records, wall)
        self.headset_tests = HeadsetTests()
        self.shift = ShiftFigures(self, wall)
        self.watching = Watching(self, self.settings.supervision, wall)
        self.trials = Trials(
            self.lines,
            self.records.commit_attempt,
            self.records.save_attempt,
            recordings_directory(self.settings),
            mutating=self.mutating,
            new_ref=lambda: secrets.token_hex(8),
            wall=wall,
        )
        self.routes = RouteTable(route for trunk in self.settings.trunks for route in routes_of(trunk))

    @property
    def plane(self) -> MediaPlane:
        """The media plane of this moment; another one after the media process was lost."""
        return self.lines.plane

    @property
    def diallers(self) -> list[Dialler]:
        return [calls.dialler for calls in self.campaigns.values()]

    @property
    def calls_up(self) -> int:
        """Calls on all trunks together."""
        return sum(self.pool.calls_on(trunk.name) for trunk in self.settings.trunks)

    @contextmanager
    def mutating(self) -> Iterator[float]:
        """Mutate the pool, the board or any dialler; all are drained and re-armed afterwards."""
        try:
            yield self.driver.now
        finally:
            self.settle()

    def settle(self) -> None:
        for dialler in self.diallers:
            self.driver.settle(dialler)
        self.driver.settle(self.board)
        self.driver.settle(self.surveys)
        self.driver.settle(self.pool)

    def set_agent(self, agent: str, state: AgentState, now: float, code: str = "") -> None:
        """Tell board and diallers what an agent is up to."""
        self.board.receive_state(agent, state, now, code)
        if state is AgentState.OFFLINE:
            self.inbound.agent_gone(agent, now)
        self.settle()

    def hang_up(self, call_ref: str, now: float, because: CallEnd) -> None:
        """End a call, whoever is in it. KeyError for one that is over.  because: what its agent is told."""
        if self.inbound.hang_up(call_ref, now, because):
            return
        for calls in self.campaigns.values():
            if call_ref in calls:
                calls.dialler.hang_up(call_ref, now, because)
                return
        raise KeyError(call_ref)

    def start_campaign(self, name: str, now: float) -> None:
        """Raises UsageError with every reason why it may not start, KeyError for a name that no campaign has."""
        self.campaigns[name].dialler.start(now, self.interlocks.reasons_among((NEVER_DIAL,)))
        self.not_started.pop(name, None)

    def report_channels(self) -> None:
        """Tell each dialler how many calls its trunks could take on now, and whether it may dial at all."""
        now = self.driver.now
        trunks = {name: set(self.trunks_of(name)) for name in self.campaigns}
        for calls in self.campaigns.values():
            own = trunks[calls.campaign]
            free = sum(self.pool.channels_free(name) for name in own)
            # What another campaign has decided to dial and has no INVITE yet takes a channel all the same.
            taken = sum(
                each.dialler.calls_to_come
                for each in self.campaigns.values()
                if each is not calls and not own.isdisjoint(trunks[each.campaign])
            )
            calls.dialler.receive_channels(max(0, free - taken), now)
            calls.dialler.receive_interlocks(self.interlocks.closed_for(calls.campaign), now)
        self.settle()

    def may_ring(self, number: str) -> str | None:
        """Why no trunk INVITE may leave for this number now; None where a campaign has just placed it, in its
        hours, a caller is overflowing to it, or an administrator tries a trunk with it."""
        for calls in self.campaigns.values():
            reason = calls.numbers.may_ring(number)
            if reason != NOBODY_DIALS:
                return reason or "; ".join(self.interlocks.reasons_of(calls.campaign)) or None
        tried = self.trials.may_ring(number)
        return None if tried is None else self.inbound.overflows.may_ring(number)

    def trunk_trouble(self, *names: str) -> str:
        """Why none of these trunks can be used, in plain words; empty where one can."""
        states = {name: self.pool.account_state(name) for name in names}
        if not USABLE.isdisjoint(states.values()):
            return ""
        told = (f"{name}: {words_of(state, self.pool.refusal_of(name)).long}" for name, state in states.items())
        return "; ".join(told) or "there is no trunk: make one on the administrator's page"

    def trunks_of(self, campaign: str) -> list[str]:
        """The carrier accounts that a campaign may use."""
        wanted = next((c.trunk for c in self.settings.campaigns if c.name == campaign), "")
        return [wanted] if wanted else [trunk.name for trunk in self.settings.trunks]

    def turn(self, trunk: str, now: float) -> float:
        """Seconds until the carrier's limit of calls a second lets the next one start; ask again then. 0: now."""
        return max(0.0, self.pool.next_call_at(trunk, now) - now)

    def choose_trunks(self, campaign: str, number: str) -> list[str]:
        """The accounts over which this number may go, best first; empty where none can take a call."""
        return self._usable(self.trunks_of(campaign), number)

    def choose_overflow_trunks(self, trunk: str, number: str) -> list[str]:
        """The same for a queue's overflow, of the trunks that are in force now. trunk: this one alone; empty: any."""
        return [trunk] if trunk else self._usable([each.name for each in self.settings.trunks], number)

    def _usable(self, allowed: Collection[str], number: str) -> list[str]:
        return self.routes.accounts_for(
            number, lambda name: name in allowed and self.pool.channels_free(name) > 0, secrets.randbelow
        )
