"""Interviews of a running site: one for each dialled call of a campaign that has a script, from the agent's first word
to the end of the agent's time after the call."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from softswitch.dialler.agents import AgentChanged, AgentState
from softswitch.dialler.attempt import AGENT_DISPOSITIONS, Disposition
from softswitch.errors import UsageError
from softswitch.exchange.calls.records import Records
from softswitch.safeguards.agent_page import InterviewFigures, interview_figures
from softswitch.safeguards.visibility import agent_call_view
from softswitch.store.database import Store
from softswitch.store.interviews import KeptInterview
from softswitch.survey.answers import Given
from softswitch.survey.interview import AlertRaised, Interview, InterviewEnded, InterviewEvent, NodeEntered
from softswitch.survey.questionnaire import Ending, Questionnaire
from softswitch.survey.quotas import CellFigures, QuotaBook

if TYPE_CHECKING:
    from softswitch.exchange.running.premises import Site

log = structlog.get_logger(__name__)

DISPOSITIONS: Mapping[Ending, Disposition] = {
    Ending.COMPLETE: Disposition.COMPLETED,
    Ending.SCREENED_OUT: Disposition.NOT_ELIGIBLE,
    Ending.OVER_QUOTA: Disposition.OVER_QUOTA,
    Ending.REFUSED: Disposition.REFUSAL,
    Ending.BROKEN_OFF: Disposition.BREAK_OFF,
    Ending.OPTED_OUT: Disposition.OPT_OUT,
}
"""An appointment is told with its moment, by whoever makes it."""
ALERTS_KEPT = 20


@dataclass(slots=True)
class _Open:
    interview: Interview
    campaign: str
    begun_at: datetime
    ended: InterviewEnded | None = None
    alerts: list[str] = field(default_factory=list)
    kept_revision: int = 0


class Surveys:
    """Has the face of a machine, so that the site's driver looks after its interviews' clocks."""

    def __init__(
        self, scripts: Mapping[str, Questionnaire], site: "Site", records: Records, wall: Callable[[], datetime]
    ) -> None:
        """scripts: by campaign."""
        self._scripts = scripts
        self._site = site
        self._records = records
        self._wall = wall
        self._quotas = {campaign: QuotaBook(script.cells) for campaign, script in scripts.items()}
        self._open: dict[str, _Open] = {}
        """By call; one that has ended stays until its agent goes on."""
        self._left: dict[str, KeptInterview] = {}
        """By call, of the process before; not taken up yet."""

    async def open(self, store: Store) -> None:
        """Read how full the quotas are, and what the process before has left."""
        self._left = {kept.call_ref: kept for kept in await store.interviews_going_on()}
        for campaign, script in self._scripts.items():
            filled = await store.quotas_filled(campaign, script.name)
            self._quotas[campaign] = QuotaBook(script.cells, filled)

    # what becomes of calls

    def receive_agent_changed(self, event: AgentChanged, now: float) -> None:
        if event.state in (AgentState.IN_CALL, AgentState.WRAP_UP):
            self._begin(event.call_ref, event.agent, now, anew=event.state is AgentState.IN_CALL)
        self.look(now)

    def look(self, now: float) -> None:
        """End the interviews whose call is over and whose agent has gone on; forget those that had ended before."""
        for call_ref, each in list(self._open.items()):
            if not self._is_at_hand(call_ref, each):
                each.interview.receive_over(now)
                self._site.driver.settle(self)
                self._keep_soon(each)
                del self._open[call_ref]

    def all_taken_up(self, now: float) -> None:
        """What is left by now had its call end with the process before."""
        for call_ref, kept in list(self._left.items()):
            interview = self._restored(kept, {}, now)
            del self._left[call_ref]
            if interview is None:
                wall = self._wall()
                ended = replace(kept, ended_at=wall, changed_at=wall, ending=Ending.BROKEN_OFF.value)
                self._records.save_interview(replace(ended, revision=kept.revision + 1))
                continue
            each = self._open[call_ref] = _Open(interview, kept.campaign, kept.begun_at, kept_revision=kept.revision)
            interview.receive_over(now)
            self._site.driver.settle(self)
            self._keep_soon(each)
            del self._open[call_ref]

    # what agents do

    def of_agent(self, agent: str) -> Interview | None:
        """The interview of the call that the agent is in or wraps up."""
        each = self._open.get(self._site.board.call_of(agent))
        return each.interview if each is not None and each.interview.agent == agent else None

    async def answer(self, agent: str, node: str, given: Given) -> None:
        """Durable when it returns. Raises UsageError with what is wrong with the answer."""
        await self._change(agent, lambda interview, now: interview.receive_answer(node, given, now))

    async def go_back(self, agent: str) -> None:
        await self._change(agent, lambda interview, now: interview.receive_back(now))

    async def end(self, agent: str, ending: Ending) -> None:
        """Refusal, break-off, appointment, opt-out."""
        await self._change(agent, lambda interview, now: interview.receive_ending(ending, now))

    async def _change(self, agent: str, change: Callable[[Interview, float], None]) -> None:
        each = self._open.get(self._site.board.call_of(agent))
        if each is None or each.interview.agent != agent:
            raise UsageError("there is no interview now")
        with self._site.mutating() as now:
            try:
                change(each.interview, now)
            finally:
                self._site.driver.settle(self)
        if each.interview.revision > each.kept_revision:
            await self._records.keep_interview(self._kept(each))

    def has_script(self, campaign: str) -> bool:
        return campaign in self._scripts

    def script_of(self, campaign: str) -> Questionnaire | None:
        return self._scripts.get(campaign)

    # what supervisors see

    def figures(self, now: float) -> tuple[InterviewFigures, ...]:
        return tuple(
            interview_figures(each.interview, tuple(each.alerts), now)
            for each in self._open.values()
            if each.interview.ending is None
        )

    def quotas(self, campaign: str) -> tuple[CellFigures, ...]:
        """Raises KeyError for a campaign that has no script."""
        return self._quotas[campaign].figures()

    # the face of every machine

    def handle_timer(self, now: float) -> None:
        for each in self._open.values():
            each.interview.handle_timer(now)

    def next_timer(self) -> float | None:
        timers = (each.interview.next_timer() for each in self._open.values())
        return min((timer for timer in timers if timer is not None), default=None)

    def next_event(self) -> InterviewEvent | None:
        for each in self._open.values():
            event = each.interview.next_event()
            if event is not None:
                return event
        return None

    def carry_out(self, event: InterviewEvent) -> None:
        """What follows of an interview's event; the driver calls it."""
        each = self._open[event.call_ref]
        match event:
            case NodeEntered():
                self._pass_keys(each.interview)
            case AlertRaised():
                told = f"{event.node}: {event.alert.value}"
                each.alerts = [*each.alerts, told][-ALERTS_KEPT:]
                self._site.watching.receive_interview(event)
            case InterviewEnded():
                each.ended = event
                self._pass_keys(each.interview)
                self._dispose(each, event)

    def _begin(self, call_ref: str, agent: str, now: float, *, anew: bool) -> None:
        each = self._open.get(call_ref)
        if each is not None:
            each.interview.receive_agent(agent)
            return
        kept = self._left.pop(call_ref, None)
        if kept is None and not anew:
            return
        for calls in self._site.campaigns.values():
            script = self._scripts.get(calls.campaign)
            if script is None:
                continue
            try:
                attempt, lead = calls.dialler.attempt(call_ref), calls.dialler.lead_of(call_ref)
            except KeyError:
                continue
            fields = agent_call_view(attempt, lead, calls.dialler.campaign).fields
            interview = None if kept is None else self._restored(kept, fields, now)
            if interview is None:
                interview = Interview(script, call_ref, agent, fields, self._quotas[calls.campaign], now)
            interview.receive_agent(agent)
            begun_at = self._wall() if kept is None else kept.begun_at
            revision = 0 if kept is None else kept.revision
            interview.revision = max(interview.revision, revision)
            self._open[call_ref] = _Open(interview, calls.campaign, begun_at, kept_revision=revision)
            self._site.driver.settle(self)
            return

    def _restored(self, kept: KeptInterview, fields: Mapping[str, str], now: float) -> Interview | None:
        script = self._scripts.get(kept.campaign)
        if script is None:
            return None
        try:
            return Interview.restore(script, kept.state, fields, self._quotas[kept.campaign], now)
        except UsageError as error:
            log.error("an interview cannot go on", call=kept.call_ref, reason=str(error))
            return None

    def _is_at_hand(self, call_ref: str, each: _Open) -> bool:
        calls = self._site.campaigns.get(each.campaign)
        if calls is not None and call_ref in calls:
            return True
        return self._site.board.call_of(each.interview.agent) == call_ref

    def _pass_keys(self, interview: Interview) -> None:
        """The keys of the agent's phone reach the callee at nodes that allow it, and nowhere else."""
        talk = self._site.agents.talk_of(interview.agent)
        if talk.line is not None and talk.call_ref == interview.call_ref:
            self._site.plane.pass_keys(talk.line.media, interview.ending is None and interview.node.dtmf)

    def _dispose(self, each: _Open, event: InterviewEnded) -> None:
        """Tell the dialler what the call came to; where nothing was said in the interview, the agent's word stands."""
        disposition = DISPOSITIONS.get(event.ending)
        dialler = self._site.campaigns[each.campaign].dialler
        if disposition is None or self._is_void(each):
            return
        if event.ending is Ending.BROKEN_OFF:
            disposition = Disposition.PARTIAL if event.is_partial else disposition
            try:
                if dialler.attempt(event.call_ref).disposition in AGENT_DISPOSITIONS:
                    return
            except KeyError:
                return
        with self._site.mutating() as now:
            dialler.receive_disposition(event.call_ref, disposition, now)

    def _is_void(self, each: _Open) -> bool:
        interview = each.interview
        at_start = interview.node.id == interview.script.start and not interview.answers
        return interview.ending is Ending.BROKEN_OFF and at_start

    def _keep_soon(self, each: _Open) -> None:
        if self._is_void(each):
            if each.kept_revision:
                self._records.forget_interview(each.interview.call_ref)
        elif each.interview.revision > each.kept_revision:
            self._records.save_interview(self._kept(each))

    def _kept(self, each: _Open) -> KeptInterview:
        interview, wall = each.interview, self._wall()
        each.kept_revision = interview.revision
        ended = each.ended
        return KeptInterview(
            call_ref=interview.call_ref,
            campaign=each.campaign,
            script=interview.script.name,
            agent=interview.agent,
            node=interview.node.id,
            begun_at=each.begun_at,
            changed_at=wall,
            ended_at=None if ended is None else wall,
            ending="" if ended is None else ended.ending.value,
            is_partial=ended is not None and ended.is_partial,
            answers=dict(_plain(interview.answers.items())),
            seconds={id_: round(seconds, 1) for id_, seconds in interview.seconds.items()},
            state=interview.snapshot(self._site.driver.now),
            revision=interview.revision,
            cells=() if ended is None else ended.cells,
        )


def _plain(answers: Iterable[tuple[str, object]]) -> Iterable[tuple[str, object]]:
    for id_, answer in answers:
        yield id_, list(answer) if isinstance(answer, tuple) else str(answer) if isinstance(answer, str) else answer
