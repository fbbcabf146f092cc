"""What supervisors are shown of a shift beside the moment's counts: pacing, projections to midnight, the charts."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from softswitch.dialler.abandonment import DayCounts
from softswitch.dialler.agents import AgentChanged, AgentState
from softswitch.dialler.dialling import Dialler
from softswitch.errors import SoftswitchError
from softswitch.safeguards.campaign_views import OutlookView, ShiftView
from softswitch.safeguards.pacing_figures import Look, PacingFigures
from softswitch.safeguards.projection import Projection, project
from softswitch.safeguards.shift_book import ShiftBook
from softswitch.store.database import Store
from softswitch.store.journal import Kind

if TYPE_CHECKING:
    from softswitch.exchange.running.premises import Site

log = structlog.get_logger(__name__)

AT_WORK = (AgentState.READY, AgentState.RESERVED, AgentState.IN_CALL, AgentState.WRAP_UP)
_COUNTED = {Kind.INVITED: (1, 0, 0), Kind.CONNECTED: (0, 1, 0), Kind.ABANDONED: (0, 0, 1)}
"""Dials, conversations, missed calls, by what the journal tells."""


class ShiftFigures:
    """Gathers the figures of one site as time goes on."""

    def __init__(self, site: "Site", wall: Callable[[], datetime]) -> None:
        self._site = site
        self._wall = wall
        self._zone = ZoneInfo(site.settings.site.time_zone)
        self._hours = {each.name: (each.opens, each.closes) for each in site.settings.campaigns}
        self._limits = [each.abandoned_limit for each in site.settings.campaigns]
        self._pacing: dict[str, PacingFigures] = {}
        self._book = ShiftBook()

    async def restore(self, store: Store) -> None:
        """Read what today's shift was before this process."""
        wall, book = self._local(), ShiftBook()
        midnight = datetime.combine(wall.date(), time.min, self._zone)
        try:
            async for entry in store.journal(midnight, wall):
                if entry.kind is Kind.AGENT:
                    book.receive_agent(entry.agent, str(entry.content["state"]), entry.at.astimezone(self._zone))
                elif entry.kind in _COUNTED and entry.lead_ref:
                    book.receive(*_COUNTED[entry.kind], entry.at.astimezone(self._zone))
        except SoftswitchError as error:
            log.warning("the shift so far cannot be read, and is not in the charts", reason=str(error))
        for figures in self._site.board.figures(self._site.driver.now):
            book.receive_agent(figures.agent, figures.state.value, self._local())
        self._book = book

    def receive_agent_changed(self, event: AgentChanged) -> None:
        self._book.receive_agent(event.agent, event.state.value, self._local())

    def look(self, now: float) -> None:
        """Twice a second or so."""
        wall = self._local()
        for dialler in self._site.diallers:
            name, look = dialler.campaign.name, self._look_at(dialler, now)
            self._pacing.setdefault(name, PacingFigures()).receive(look, now)
            self._book.receive_totals(name, look.dials, look.live, look.missed, wall)

    def outlook(self, dialler: Dialler, now: float) -> OutlookView:
        """Where a campaign's day leads."""
        counts, pacing = dialler.day(now), self._pacing.get(dialler.campaign.name) or PacingFigures()
        missed = _missed(counts, dialler)
        live = missed + counts.live
        silent_rate = counts.silent / live if live else 0.0
        look = self._look_at(dialler, now)
        to_come = None if pacing.live_per_s is None else pacing.live_per_s * self._left_s(dialler.campaign.name)
        abandoned: Projection | None = None
        silent: Projection | None = None
        if to_come is not None:
            abandoned = project(missed, counts.live, to_come)
            silent = project(counts.silent, live - counts.silent, to_come)
        return OutlookView(
            abandoned_at_midnight=abandoned,
            silent_rate=min(1.0, silent_rate),
            silent_limit=self._site.settings.supervision.silent_limit,
            silent_at_midnight=silent,
            agents_at_work=look.at_work,
            agents_ready=look.ready,
            dials_per_agent=pacing.dials_per_agent,
            idle_s=pacing.idle_s,
            expected_idle_s=pacing.expected_idle_s,
        )

    def view(self) -> ShiftView:
        wall = self._local()
        return ShiftView(self._site.settings.site.time_zone, min(self._limits, default=0.0), self._book.intervals(wall))

    def _look_at(self, dialler: Dialler, now: float) -> Look:
        counts, figures = dialler.day(now), dialler.figures(now)
        states = [state for _, state, _, _ in self._site.board.doing(dialler.campaign.agents)]
        return Look(
            dials=counts.attempts,
            live=counts.live,
            missed=_missed(counts, dialler),
            on_their_way=figures.ringing,
            ready=states.count(AgentState.READY),
            at_work=sum(state in AT_WORK for state in states),
            answers=figures.answers,
            dialling=figures.state == "running",
        )

    def _left_s(self, campaign: str) -> float:
        """Of the day's dialling, by the site's clock."""
        wall = self._local()
        opens, closes = self._hours[campaign]
        begins = max(wall, datetime.combine(wall.date(), opens, self._zone))
        left = datetime.combine(wall.date(), closes, self._zone) - begins
        return max(timedelta(0), left).total_seconds()

    def _local(self) -> datetime:
        return self._wall().astimezone(self._zone)


def _missed(counts: DayCounts, dialler: Dialler) -> float:
    return counts.abandoned + counts.machines * dialler.false_positives.share
