"""When and how fast a campaign dials: the policy in force, and what the pacing controller is told at this moment."""

import numpy as np
import numpy.typing as npt

from softswitch.dialler.books import Books
from softswitch.dialler.call import UNANSWERED, Call, CallState
from softswitch.dialler.campaign import AmdMode, Policy
from softswitch.dialler.shift import Shift
from softswitch.pacing.controller import DEFAULT_ANSWERS_LEFT, PacingState, step
from softswitch.pacing.policies import POLICIES


class Pace:
    """How many calls one campaign may place now, by its policy, its channels and the controller."""

    def __init__(self, shift: Shift, books: Books) -> None:
        self._shift = shift
        self._books = books
        self._channels_free = 0
        self._look_at = float("-inf")
        self._hold_until = float("-inf")

    def receive_channels(self, free: int) -> None:
        self._channels_free = free
        for call in self._shift.calls.values():
            call.in_channel_report = call.attempt.invited_at is not None

    def hold(self, until: float) -> None:
        """No call before `until`."""
        self._hold_until = until

    def next_timer(self) -> float:
        return max(self._look_at, self._hold_until)

    def policy(self, now: float) -> Policy:
        """The campaign's own, but every call has its agent in advance while the day is at its limit of abandoned calls.

        Such calls cannot add to the abandoned ones and add to the live ones, so that the day finds back under its
        limit, and agents work meanwhile.
        """
        campaign = self._shift.campaign
        if self._shift.knows_wall:
            rate = self._shift.ledger.rate(self._shift.wall(now))
            if rate >= campaign.abandoned_limit:
                return Policy.GUARANTEED_AGENT
        return campaign.policy

    def calls_due(self, policy: Policy, now: float) -> int:
        """How many calls to place now under the policy in force."""
        if now < self._hold_until:
            return 0
        self._look_at = now + self._shift.margins.pace_every_s
        not_reported = sum(not call.in_channel_report for call in self._shift.calls.values())
        channels_free = self._channels_free - not_reported
        if channels_free <= 0:
            return 0
        return _paced(self._shift, policy, channels_free, self._books.leads_left, now)


def _paced(shift: Shift, policy: Policy, channels_free: int, leads_left: int | None, now: float) -> int:
    """How many calls to place now.

    leads_left: of the campaign, where known; a short list leaves few answers over which to spread the allowance.
    Calls and agents bound to each other in advance (guaranteed ones) are none of the controller's business.
    """
    campaign, board = shift.campaign, shift.board
    calls = shift.calls.values()
    wall = shift.wall(now)
    estimates = shift.estimator.estimates()
    answers_left = DEFAULT_ANSWERS_LEFT
    if leads_left is not None:
        answers_left = min(answers_left, leads_left * estimates.live_share)
    placed = [call.placed_at if call.placed_at is not None else now for call in calls if _is_unbound(call)]
    talking = [
        now - call.heard_at if call.heard_at is not None else 0.0
        for call in calls
        if call.state in (CallState.IN_CALL, CallState.CONNECTING) and not board.will_pause(call.agent)
    ]
    return step(
        PacingState(
            agents_ready=board.ready(campaign.agents),
            talk_ages_s=_ages(talking),
            wrap_ages_s=_ages(board.wrap_up_ages_s(now, campaign.name, campaign.agents)),
            ringing_ages_s=_ages([now - at for at in placed]),
            answered_waiting=sum(call.state is CallState.ANSWERED for call in calls),
            estimates=estimates,
            live_today=shift.ledger.counts(wall).live,
            abandoned_today=shift.ledger.expected_missed(wall),
            channels_free=channels_free,
            target=campaign.abandoned_target,
            limit=campaign.abandoned_limit,
            policy=POLICIES[policy.value],
            answers_left=answers_left,
            every_answer_needs_an_agent=campaign.amd is not AmdMode.BEFORE_AGENT,
        )
    )


def _is_unbound(call: Call) -> bool:
    return call.state in UNANSWERED and not call.agent


def _ages(ages_s: list[float]) -> npt.NDArray[np.float64]:
    return np.maximum(np.array(ages_s, dtype=np.float64), 0.0)
