"""One campaign as it runs by itself: its parts, what may be asked of it, and what follows from any change."""

from collections.abc import Callable
from datetime import datetime
from math import inf

import numpy as np

from softswitch.calls.outcome import Outcome
from softswitch.dialler.abandonment import AbandonmentLedger, DayCounts, FalsePositives
from softswitch.dialler.agents import AgentBoard
from softswitch.dialler.answering import AnsweredCalls
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.blending import Blend
from softswitch.dialler.books import Books
from softswitch.dialler.call import BEFORE_ANSWER, SHOWN, UNANSWERED, UNHEARD, WITH_MACHINE, Call, CallState
from softswitch.dialler.campaign import Campaign, Policy
from softswitch.dialler.events import CampaignChanged, DiallerEvent
from softswitch.dialler.figures import CallFigures, CampaignFigures
from softswitch.dialler.judging import JudgedCalls
from softswitch.dialler.lead import Lead
from softswitch.dialler.locks import NumberLocks
from softswitch.dialler.pace import Pace
from softswitch.dialler.placing import PlacedCalls
from softswitch.dialler.rules import DEFAULT_MARGINS, NOT_SCREENED, UNITED_KINGDOM, Margins, RuleSet, is_screened
from softswitch.dialler.shift import Shift
from softswitch.dialler.supply import Supply
from softswitch.dialler.suppression import SuppressionList


class RunningCampaign:
    """All of a dialler but its inputs, which `dialling.Dialler` adds; each of them ends in `_settle`.

    It has `figures` rather than a view: views are made in `safeguards`, which knows the dialler and not the
    other way round.
    """

    def __init__(
        self,
        campaign: Campaign,
        *,
        suppression: SuppressionList,
        rng: np.random.Generator,
        new_ref: Callable[[], str],
        board: AgentBoard | None = None,
        locks: NumberLocks | None = None,
        rules: RuleSet = UNITED_KINGDOM,
        margins: Margins = DEFAULT_MARGINS,
        time_zone: str = "Europe/London",
        blend: Blend | None = None,
    ) -> None:
        """time_zone: the site's; its midnights part the days of the abandonment ledger.  blend: of the site, where
        other campaigns and inbound queues have the same agents."""
        self.campaign = campaign
        self.board = board if board is not None else AgentBoard()
        self._rules = rules
        self._margins = margins
        self._shift = Shift(
            campaign=campaign,
            margins=margins,
            board=self.board,
            locks=locks if locks is not None else NumberLocks(),
            suppression=suppression,
            ledger=AbandonmentLedger(time_zone, FalsePositives(margins.false_positive_prior(campaign))),
            rng=rng,
            blend=blend,
            rules=rules,
        )
        if blend is not None:
            blend.add_campaign(campaign.name, campaign.agents, campaign.weight, self._wants_agents)
        self._books = Books(self._shift)
        self._supply = Supply(self._shift, self._books)
        self._placed = PlacedCalls(self._shift, self._books, self._supply, new_ref)
        self._answered = AnsweredCalls(self._shift, self._books)
        self._judged = JudgedCalls(self._shift, self._books, self._answered)
        self._pace = Pace(self._shift, self._books)
        self._wanted = "stopped"
        self._told = ("stopped", "")
        self._interlocks_closed = False
        self._killed = False
        self._closing_clip = ""
        self._screened_at: datetime | None = None
        self._board_seen = self.board.generation

    # what may be asked

    @property
    def wanted(self) -> str:
        """What was last asked for: "stopped", "running", "paused"; "finished" once there is nothing left."""
        return self._wanted

    def figures(self, now: float) -> CampaignFigures:
        counts = self._shift.ledger.counts(self._shift.wall(now)) if self._shift.knows_wall else None
        state, held_because = self._state(now)
        waiting = len(self._supply) + len(self._shift.calls) + len(self._books.waiting)
        return CampaignFigures(
            name=self.campaign.name,
            state=state,
            held_because=held_because,
            policy=self._pace.policy(now).value,
            leads_left=self._books.leads_left if self._books.leads_left is not None else waiting,
            leads_total=self._books.leads_total if self._books.leads_total is not None else self._supply.seen,
            ringing=sum(call.state in UNANSWERED for call in self._shift.calls.values()),
            attempts_today=counts.attempts if counts else 0,
            live_today=counts.live if counts else 0,
            abandoned_today=counts.abandoned if counts else 0,
            silent_today=counts.silent if counts else 0,
            machines_today=counts.machines + counts.machines_with_agents if counts else 0,
            abandoned_rate=self._shift.ledger.rate(self._shift.wall(now)) if counts else 0.0,
            abandoned_limit=self.campaign.abandoned_limit,
            outcomes=counts.outcomes if counts else {},
            abandoned_rate_bounds=self._shift.ledger.rate_bounds(self._shift.wall(now)) if counts else (0.0, 0.0),
            false_positive_share=self.false_positives.share,
            false_positive_bounds=self.false_positives.bounds,
            false_positives_reviewed=self.false_positives.reviewed,
            callbacks_due=self._supply.callbacks,
            callbacks_missed=self._supply.callbacks_missed(now) if counts else 0,
            fallback=self._pace.fallback if state == "running" else "",
            hopper=len(self._supply),
            opens_at=self._supply.opens_at(now) if state == "running" and counts else None,
            answers=self._pace.answers,
            idle_because=self._idle_because(state, now) if counts else "",
        )

    def _idle_because(self, state: str, now: float) -> str:
        if state == "finished":
            return "all its leads are done: it goes on when further ones are imported"
        return self._supply.idle_because(now) if state == "running" else ""

    @property
    def false_positives(self) -> FalsePositives:
        """What is known of verdicts that hung up on people."""
        return self._shift.ledger.false_positives

    def day(self, now: float) -> DayCounts:
        """Today's ledger."""
        return self._shift.ledger.counts(self._shift.wall(now))

    def tightest(self, now: float) -> tuple[DayCounts, int]:
        """What the limit of abandoned calls holds for, and of how many days it is: today, or the rule set's whole
        period where its rate is greater."""
        return self._pace.tightest(now)

    def calls(self, now: float) -> tuple[CallFigures, ...]:
        """Calls that are not over, in the order in which they were begun."""
        return tuple(
            CallFigures(
                call_ref=call.attempt.call_ref,
                campaign=self.campaign.name,
                agent=call.agent,
                state=SHOWN[call.state],
                age_s=max(0.0, now - (call.answered_at if call.answered_at is not None else call.begun_at)),
                amd_verdict=call.attempt.amd_verdict,
                number=call.lead.number,
            )
            for call in self._shift.calls.values()
        )

    @property
    def calls_to_come(self) -> int:
        """Calls that are decided upon, and have no INVITE yet."""
        return sum(call.attempt.invited_at is None for call in self._shift.calls.values())

    @property
    def rings(self) -> bool:
        """Whether somebody's telephone rings, or was just answered and nobody has been heard yet."""
        return any(call.state in UNHEARD for call in self._shift.calls.values())

    def attempt(self, call_ref: str) -> DialAttempt:
        """KeyError for a call that is unknown or long over."""
        return self._known(call_ref).attempt

    def lead_of(self, call_ref: str) -> Lead:
        """The lead as it was before this attempt. KeyError as `attempt`."""
        return self._known(call_ref).lead

    def _known(self, call_ref: str) -> Call:
        return self._shift.calls.get(call_ref) or self._books.recent[call_ref]

    # the face of every machine

    def handle_timer(self, now: float) -> None:
        self.board.handle_timer(now)
        for call in [one for one in self._shift.calls.values() if one.timer is not None and one.timer <= now]:
            if call.state in BEFORE_ANSWER or call.state is CallState.PREVIEW:
                self._placed.handle_timer(call, now)
            elif call.state is CallState.ENDING:  # its end was never told
                self._books.close(call, Outcome.FAILED, 0, now)
            elif call.state in WITH_MACHINE:
                self._judged.handle_timer(call, now)
            else:
                self._answered.handle_timer(call, now)
        self._settle(now)

    def next_timer(self) -> float | None:
        if self.board.generation != self._board_seen:
            return 0.0
        timers = [call.timer for call in self._shift.calls.values() if call.timer is not None]
        board = self.board.next_timer()
        if board is not None:
            timers.append(board)
        if self._told[0] == "running":
            timers.append(self._pace.next_timer())
        supply = self._supply.next_timer() if self._wanted == "running" else None
        if supply is not None:
            timers.append(supply)
        return min(timers, default=None)

    def next_event(self) -> DiallerEvent | None:
        """Changes of agents come first: an agent who is free is free before the next call wants one."""
        changed = self.board.next_event()
        if changed is not None:
            return changed
        return self._shift.events.popleft() if self._shift.events else None

    # after every mutation

    def _wants_agents(self) -> float:
        """How many ready agents it has work for: any number while it dials, else one for each call on its way."""
        if self._told[0] == "running" and not self._supply.is_dry:
            return inf
        return sum(call.state in UNANSWERED and not call.agent for call in self._shift.calls.values())

    def _may_place(self, now: float) -> bool:
        """Whether calls that are committed may go out."""
        return self._wanted == "running" and not self._closed_because(now)

    def _held_because(self, now: float) -> str:
        """Why a campaign that was started dials nothing at the moment; empty: it dials."""
        if self._calls_left_today(now) <= 0:
            return f"its {self.campaign.calls_a_day} calls of today are made"
        return self._closed_because(now)

    def _closed_because(self, now: float) -> str:
        if not self._interlocks_closed:
            return "an interlock is open"
        campaign, day = self.campaign, self._shift.ledger.day_of(self._shift.wall(now))
        if campaign.starts_on is not None and self._is_yet_to_begin(now):
            return f"it begins on {campaign.starts_on:%d %B %Y}"
        if campaign.ends_on is not None and day > campaign.ends_on:
            return f"it ended on {campaign.ends_on:%d %B %Y}"
        if not is_screened(campaign, self._screening_age_s(now)):
            return NOT_SCREENED
        return ""

    def _is_yet_to_begin(self, now: float) -> bool:
        """Its first day is to come, and until then further lists."""
        begins = self.campaign.starts_on
        return begins is not None and self._shift.ledger.day_of(self._shift.wall(now)) < begins

    def _screening_age_s(self, now: float) -> float | None:
        return None if self._screened_at is None else (self._shift.wall(now) - self._screened_at).total_seconds()

    def _calls_left_today(self, now: float) -> float:
        if not self.campaign.calls_a_day:
            return inf
        made = self._shift.ledger.counts(self._shift.wall(now)).attempts
        return self.campaign.calls_a_day - made - self.calls_to_come

    def _settle(self, now: float) -> None:
        """What follows from any change: agents looked after, waiting calls served, new ones dialled, states told."""
        if self.board.generation != self._board_seen:
            self._answered.notice_agents(now)
        self._answered.serve(now)
        if self._wanted == "running" and not self._held_because(now):
            self._dial(now)
        self._supply.look_at_callbacks(now)
        if self.campaign.policy is Policy.PREVIEW:
            self._placed.look_at_previews(now, may_place=self._may_place(now))
        if self._wanted == "running":
            self._supply.refill(now)
            if self._supply.is_exhausted and not self._shift.calls and not self._is_yet_to_begin(now):
                self._wanted = "finished"
        elif self._wanted == "stopped" and len(self._supply):  # what came back from a call that could not be
            self._supply.give_all_back(now)
        self._board_seen = self.board.generation
        state = self._state(now)
        if state != self._told:
            self._told = state
            self._shift.emit(CampaignChanged(self.campaign.name, *state))

    def _dial(self, now: float) -> None:
        while self._pace.channels_left(now) > 0 and self._calls_left_today(now) > 0:
            if not self._placed.call_back(now):
                break
        policy = self._pace.policy(now)
        due = self._pace.calls_due(policy, now, self._supply.closes_at(now))
        for _ in range(int(min(due, self._calls_left_today(now)))):
            if policy is Policy.PREVIEW:
                begun = self._placed.preview(now)
            else:
                begun = self._placed.dial(now, guaranteed=policy is Policy.GUARANTEED_AGENT)
            if not begun:
                break

    def _state(self, now: float) -> tuple[str, str]:
        held_because = self._held_because(now) if self._wanted == "running" else ""
        return ("held", held_because) if held_because else (self._wanted, "")
