"""Taking up the calls of a signalling process that was killed: its notes are in the media process, which lives on.

Who talks notices nothing. What rang is cut off, what waited goes where its clocks say, what nobody can make anything
of is hung up. See docs/survival.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.snapshots import attempt_from
from softswitch.errors import SoftswitchError
from softswitch.exchange.calls import dialled, inbound_call, overflow
from softswitch.exchange.calls.queues import Queue
from softswitch.exchange.floor import agents, supervisors
from softswitch.exchange.running.premises import Site
from softswitch.exchange.telephony.line import Line, LineOwner
from softswitch.exchange.telephony.notes import Notes, NoteSeal
from softswitch.media.control import MediaPlane
from softswitch.media.events import MediaEvent
from softswitch.sip.hop import Hop
from softswitch.ua.pool import UserAgentPool

log = structlog.get_logger(__name__)

_IN_CALLS = (AgentState.RESERVED, AgentState.IN_CALL)


@dataclass(frozen=True, slots=True)
class Left:
    """What stands in the media process."""

    lines: dict[int, dict[str, Any]] = field(default_factory=dict)
    """By media leg."""
    site: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, plane: MediaPlane, seal: NoteSeal) -> "Left":
        lines = {}
        for media, content in plane.kept().items():
            try:
                note = seal.opened(content)
                note["owner"]["role"], note["line"]["leg_id"], note.get("sip") or note["browser"]
            except (SoftswitchError, KeyError, TypeError) as error:
                if content:
                    log.error("the note of a call cannot be read", media_leg=media, reason=str(error))
                continue
            lines[media] = note
        return cls(lines, seal.opened_site(plane.kept_site()))

    def attempts(self) -> list[DialAttempt]:
        """What is known of each call that was under way: perhaps more than the store was told."""
        found = []
        for note in self._of(dialled.ROLE):
            try:
                found.append(attempt_from(note["call"]["attempt"]))
            except (KeyError, TypeError, ValueError):
                continue  # its take-up will fail and be logged
        return found

    def call_refs(self) -> set[str]:
        """The calls that may go on."""
        theirs = {note.get("call_ref", "") for note in self._of(inbound_call.ROLE)}
        return {attempt.call_ref for attempt in self.attempts()} | theirs

    def _of(self, role: str) -> list[dict[str, Any]]:
        return [note["owner"] for note in self.lines.values() if note["owner"]["role"] == role]


def take_up_places(pool: UserAgentPool, left: Left, now: float) -> None:
    """Where carriers and agents' phones are, as far as the process before knew."""
    for name, part in left.site.items():
        kind, _, which = name.partition(" ")
        try:
            if kind == "phone":
                pool.take_up_phone(which, part, now)
            elif kind == "carrier":
                pool.take_up_hops(which, part)
        except (SoftswitchError, TypeError, ValueError) as error:
            log.error("a part of the site's note cannot be used", part=name, reason=str(error))


class Orphans:
    """Owner of lines that are hung up because nobody else wants them."""

    def line_ringing(self, line: Line, now: float) -> None: ...
    def line_answered(self, line: Line, now: float) -> None: ...
    def line_failed(self, line: Line, outcome: Outcome, status: int, now: float) -> None: ...
    def line_ended(self, line: Line, by_peer: bool, now: float) -> None: ...
    def line_media(self, line: Line, event: MediaEvent) -> None: ...
    def line_note(self, line: Line) -> dict[str, Any] | None:
        return None


class Uptake:
    """One take-up, of what was left to a site that is built and not yet driven."""

    def __init__(self, site: Site, left: Left, queues: Iterable[Queue]) -> None:
        self._site = site
        self._left = left
        self._queues = tuple(queues)
        self._by_leg: dict[str, Line] = {}
        self._orphans = Orphans()

    def run(self, now: float) -> set[str]:
        """Take everything up; the `call_ref` of the calls that go on. Then claim the media legs and settle the site."""
        site, left = self._site, self._left
        self._take_up_agents()
        lines = [(media, note, self._owner(note["owner"])) for media, note in left.lines.items()]
        # Calls first: agents' lines and overflows look for theirs.
        lines.sort(key=lambda each: each[2] in (site.agents, site.inbound.overflows))
        for media, note, owner in lines:
            self._take_up_line(media, note, owner, now)
        self._reconcile(now)
        going_on = {ref for ref in left.call_refs() if self._is_up(ref)}
        if left.lines:
            log.warning("calls of a killed process taken up", lines=len(site.lines), of=len(left.lines))
        return going_on

    def _take_up_agents(self) -> None:
        """Before their calls."""
        site = self._site
        for name, part in self._left.site.items():
            kind, _, which = name.partition(" ")
            try:
                if kind == "agent" and which in site.agents:
                    site.board.restore(part["board"])
                    for campaign, call in part["wraps_up"].items():
                        if campaign in site.campaigns:
                            site.campaigns[campaign].dialler.take_up_wrap_up(which, call)
            except (SoftswitchError, KeyError, TypeError) as error:
                log.error("a part of the site's note cannot be used", part=name, reason=str(error))

    def _owner(self, note: Mapping[str, Any]) -> LineOwner:
        site = self._site
        match note["role"]:
            case agents.ROLE:
                return site.agents
            case supervisors.ROLE:
                return site.supervisors
            case inbound_call.ROLE:
                return site.inbound
            case overflow.ROLE:
                return site.inbound.overflows
            case dialled.ROLE if note.get("campaign") in site.campaigns:
                return site.campaigns[note["campaign"]]
        return self._orphans

    def _take_up_line(self, media: int, note: Mapping[str, Any], owner: LineOwner, now: float) -> None:
        site, leg_id = self._site, note["line"]["leg_id"]
        try:
            line = site.lines.take_up(media, note, owner, now)
        except Exception as error:  # whatever a note holds, it must not keep the switch from starting
            log.error("a call cannot be taken up, and ends", leg=leg_id, reason=_why(error))
            return  # its media leg is not claimed, so it is closed
        self._by_leg[leg_id] = line
        try:
            if owner is site.agents:
                site.agents.take_up(line, note["owner"], self._by_leg.get, now)
            elif owner is site.supervisors:
                site.supervisors.take_up(line, note["owner"], now)
            elif owner is site.inbound:
                site.inbound.take_up(line, note["owner"], self._queues, now)
            elif owner is site.inbound.overflows:
                call_ref = note["owner"]["call_ref"]
                caller = site.inbound.call_of(call_ref)
                site.inbound.overflows.take_up(line, call_ref, note["owner"]["number"], caller, now)
            elif isinstance(owner, dialled.DialledCalls):
                owner.take_up(line, note["owner"], now)
        except Exception as error:
            log.error("nobody goes on with a call, and it is hung up", leg=leg_id, reason=_why(error))
            line.owner = self._orphans
        if line.owner is self._orphans:
            site.lines.hang_up(line, now)

    def _reconcile(self, now: float) -> None:
        """Agents whose line or call did not come along."""
        site = self._site
        for agent in (each.id for each in site.settings.agents):
            state, call_ref = site.board.state_of(agent), site.board.call_of(agent)
            if state is AgentState.OFFLINE:
                continue
            if not site.agents.is_reachable(agent):
                site.board.receive_state(agent, AgentState.OFFLINE, now)
            elif state in _IN_CALLS and not self._is_up(call_ref):
                site.board.release(agent, call_ref, now)
        site.inbound.all_taken_up(now)
        site.supervision.all_taken_up(now)

    def _is_up(self, call_ref: str) -> bool:
        site = self._site
        return site.inbound.call_of(call_ref) is not None or any(call_ref in each for each in site.campaigns.values())


def _same(part: Any) -> Any:
    return part


def _why(error: Exception) -> str:
    """Of our own errors the text; of others the kind alone, for the text may quote what a peer sent."""
    return str(error) if isinstance(error, SoftswitchError) else type(error).__name__


class SiteNotes:
    """What `Notes` says of the site beside its lines, and when."""

    def __init__(self, site: Site, notes: Notes) -> None:
        self._site = site
        self._notes = notes
        site.lines.notes = notes
        site.pool.watch(notes.line_changed, self.phone_changed)

    def begin(self, left: Left) -> None:
        """All that is there already. Campaigns are what they were told last, until they are told again."""
        for agent in (each.id for each in self._site.settings.agents):
            self.agent_changed(agent)
            self.phone_changed(agent)
        for supervisor in self._site.settings.supervisors:
            self.phone_changed(supervisor.id)
        for name, part in left.site.items():
            if name.startswith("campaign "):
                self._notes.site_changed(name, partial(_same, part))
        for trunk in self._site.settings.trunks:
            self.carrier_found(trunk.name)

    def agent_changed(self, agent: str) -> None:
        self._notes.site_changed(f"agent {agent}", lambda: self._agent(agent))

    def phone_changed(self, agent: str) -> None:
        self._notes.site_changed(f"phone {agent}", lambda: self._site.pool.phone_snapshot(agent) or None)

    def carrier_found(self, account: str) -> None:
        hops: tuple[Hop, ...] = self._site.pool.hops_of(account)
        self._notes.site_changed(f"carrier {account}", lambda: [list(hop) for hop in hops] or None)

    def _agent(self, agent: str) -> dict[str, Any] | None:
        board = self._site.board.snapshot(agent)
        if board is None:
            return None
        calls = {name: each.dialler.wrap_up_snapshot(agent) for name, each in self._site.campaigns.items()}
        return {"board": board, "wraps_up": {name: call for name, call in calls.items() if call is not None}}
