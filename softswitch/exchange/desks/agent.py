"""What an agent asks of a running site from the own page: the interview, the headset's test, the end of a call.

Each method is for the agent's own calls: `agent` is who asks, or for whom a supervisor does.
"""

from datetime import datetime

from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.dialling import Dialler
from softswitch.errors import UsageError
from softswitch.exchange.floor.headset_tests import HEADSET_TEST
from softswitch.exchange.floor.seat_sound import ARRIVAL_TONE
from softswitch.exchange.running.premises import Site
from softswitch.exchange.telephony.line import Line
from softswitch.safeguards.agent_page import AgentPageView, InterviewFigures, InterviewView, interview_view
from softswitch.safeguards.visibility import AgentCallView, agent_call_view
from softswitch.store.errors import StoreFailed
from softswitch.survey.answers import Given
from softswitch.survey.questionnaire import Ending
from softswitch.survey.quotas import CellFigures


class AgentDesk:
    """Part of what fulfils `softswitch.web.control.SwitchControl`. KeyError for an agent whom nobody knows."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def agent_page(self, agent: str) -> AgentPageView:
        """All that the agent's page shows at this moment."""
        self._known(agent)
        site, now = self._site, self._site.driver.now
        figures = site.board.figures_of(agent, now)
        state = AgentState.OFFLINE if figures is None else figures.state
        dialler, call_ref = self._call_of(agent)
        call = self.agent_call(agent)
        wrap_up_s = dialler.campaign.wrap_up_s if dialler is not None else 0.0
        since_s = 0.0 if figures is None else figures.since_s
        return AgentPageView(
            agent=agent,
            state=state.value,
            code="" if figures is None else figures.code,
            since_s=since_s,
            wrap_up_left_s=max(0.0, wrap_up_s - since_s) if state is AgentState.WRAP_UP else 0.0,
            pause_wanted=site.board.will_pause(agent),
            calls=0 if figures is None else figures.calls,
            is_line_up=site.agents.talk_of(agent).line is not None,
            is_away=site.agents.is_away(agent),
            ended=site.board.last_end_of(agent),
            unheard=site.agents.unheard_because(agent),
            has_phone=any(each.id == agent and each.phone_username for each in site.settings.agents),
            headset_test_due=site.headset_tests.is_due(agent),
            pause_codes=site.settings.people.pause_codes,
            call_ref=call_ref if state in (AgentState.RESERVED, AgentState.IN_CALL, AgentState.WRAP_UP) else "",
            call=call,
            has_script=dialler is not None and site.surveys.has_script(dialler.campaign.name),
            disposition="" if dialler is None or state is not AgentState.WRAP_UP else self._chosen(dialler, call_ref),
            voice_dbov=site.watching.voice_dbov(agent),
        )

    def agent_call(self, agent: str) -> AgentCallView | None:
        self._known(agent)
        call_ref = self._site.board.call_of(agent)
        for dialler in self._site.diallers:
            try:
                attempt, lead = dialler.attempt(call_ref), dialler.lead_of(call_ref)
            except KeyError:
                continue
            shown = dialler.is_shown(call_ref)
            return agent_call_view(attempt, lead, dialler.campaign, is_shown_first=shown)
        return None

    def interview(self, agent: str) -> InterviewView | None:
        self._known(agent)
        interview = self._site.surveys.of_agent(agent)
        return None if interview is None else interview_view(interview, self._site.driver.now)

    async def answer(self, agent: str, node: str, given: Given) -> None:
        self._known(agent)
        await self._site.surveys.answer(agent, node, given)

    async def go_back(self, agent: str) -> None:
        self._known(agent)
        await self._site.surveys.go_back(agent)

    async def end_interview(self, agent: str, ending: Ending) -> None:
        """Refusal or break-off; `opt_out` and `call_back` have more to do."""
        self._known(agent)
        if ending not in (Ending.REFUSED, Ending.BROKEN_OFF):
            raise UsageError("this is said otherwise")
        await self._site.surveys.end(agent, ending)

    async def opt_out(self, agent: str) -> None:
        """The callee wishes never to be called again: at once, for every campaign of the site, and durable when this
        returns. StoreFailed where the store does not write: nobody dials the number, and it is written later."""
        dialler, call_ref = self._own_call(agent)
        if self._site.surveys.of_agent(agent) is not None:
            await self._site.surveys.end(agent, Ending.OPTED_OUT)
        with self._site.mutating() as now:
            dialler.receive_disposition(call_ref, Disposition.OPT_OUT, now)
        await self.opt_out_kept()

    async def opt_out_kept(self) -> None:
        """Return once what callees have asked for is in the store."""
        try:
            await self._site.records.written()
        except StoreFailed:
            raise StoreFailed(
                "the callee is not called again from now on, but the store does not write just now: tell a supervisor"
            ) from None

    async def call_back(self, agent: str, call_ref: str, when: datetime, *, mine: bool) -> datetime:
        """An agent promises the callee of a call of theirs, during it or in its wrap-up, another one; its moment. The
        interview ends with it.

        when: aware, or what the callee's clock shows.  mine: the same agent makes it, else anybody.
        """
        self._known(agent)
        for dialler in self._site.diallers:
            try:
                theirs = dialler.attempt(call_ref).agent == agent
            except KeyError:
                continue
            if theirs:
                with self._site.mutating() as now:
                    moment = dialler.receive_callback(call_ref, when, agent if mine else None, now)
                interview = self._site.surveys.of_agent(agent)
                if interview is not None and interview.call_ref == call_ref and interview.ending is None:
                    await self._site.surveys.end(agent, Ending.APPOINTMENT)
                return moment
        raise UsageError("this is not a call of yours, or it is too long ago")

    async def end_call(self, agent: str) -> None:
        """The agent hangs up, once the script has come to an end."""
        dialler, call_ref = self._own_call(agent)
        if self._site.board.state_of(agent) is not AgentState.IN_CALL:
            raise UsageError("the call is over already")
        interview = self._site.surveys.of_agent(agent)
        if interview is not None and interview.ending is None:
            raise UsageError(
                "the interview goes on: finish it, or say refusal, break-off, appointment or opt-out first"
            )
        with self._site.mutating() as now:
            dialler.hang_up(call_ref, now)

    async def send_digit(self, agent: str, key: str) -> None:
        """Press a key towards the callee, at a node that allows it."""
        self._known(agent)
        interview = self._site.surveys.of_agent(agent)
        talk = self._site.agents.talk_of(agent)
        if interview is None or interview.ending is not None or not interview.node.dtmf or talk.partner is None:
            raise UsageError("no keys are sent here")
        self._site.plane.press(talk.partner.media, key)

    # the headset

    def agent_page_opened(self, agent: str) -> None:
        """Whose shift has begun without the page, or before this process, is not interrupted for a test."""
        tests, now = self._site.headset_tests, self._site.driver.now
        tests.receive_page_opened(agent)
        figures = self._site.board.figures_of(agent, now)
        if figures is not None and figures.state is not AgentState.OFFLINE and figures.code != HEADSET_TEST:
            tests.receive_passed(agent)

    def agent_page_closed(self, agent: str) -> None:
        self._site.headset_tests.receive_page_closed(agent)

    async def play_test_tone(self, agent: str) -> None:
        """Play the tone that tells of a call to the agent's phone or headset."""
        line = self._idle_line(agent)
        self._site.plane.play(line.media, ARRIVAL_TONE)

    async def pass_headset_test(self, agent: str) -> None:
        """The agent has heard the tone and seen the own voice: ready, where the line waits for that."""
        self._known(agent)
        site = self._site
        site.admissions.check(agent)
        site.headset_tests.receive_passed(agent)
        paused = site.board.figures_of(agent, site.driver.now)
        if paused is not None and (paused.state, paused.code) == (AgentState.PAUSED, HEADSET_TEST):
            site.set_agent(agent, AgentState.READY, site.driver.now)

    def check_headset_tested(self, agent: str) -> None:
        if self._site.headset_tests.is_due(agent):
            raise UsageError("test the headset first: hear the tone, and see the level of your voice")

    # what supervisors see

    def interviews(self) -> tuple[InterviewFigures, ...]:
        return self._site.surveys.figures(self._site.driver.now)

    def quotas(self, campaign: str) -> tuple[CellFigures, ...]:
        """KeyError for a campaign that is unknown or has no script."""
        return self._site.surveys.quotas(campaign)

    def _idle_line(self, agent: str) -> Line:
        self._known(agent)
        talk = self._site.agents.talk_of(agent)
        if talk.line is None:
            raise UsageError("the line is not up yet")
        if talk.partner is not None:
            raise UsageError("you are in a call")
        return talk.line

    def _chosen(self, dialler: Dialler, call_ref: str) -> str:
        return dialler.attempt(call_ref).disposition

    def _call_of(self, agent: str) -> tuple[Dialler | None, str]:
        call_ref = self._site.board.call_of(agent)
        for dialler in self._site.diallers if call_ref else ():
            try:
                theirs = dialler.attempt(call_ref).agent == agent
            except KeyError:
                continue
            return (dialler if theirs else None), call_ref
        return None, call_ref

    def _own_call(self, agent: str) -> tuple[Dialler, str]:
        self._known(agent)
        dialler, call_ref = self._call_of(agent)
        if dialler is None:
            raise UsageError("you are in no call")
        return dialler, call_ref

    def _known(self, agent: str) -> None:
        if agent not in self._site.agents:
            raise KeyError(agent)
