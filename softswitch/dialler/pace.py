"""When and how fast a campaign dials: the policy in force, and what the pacing controller is told at this moment."""

from softswitch.dialler.abandonment import DayCounts, abandoned_rate
from softswitch.dialler.books import Books
from softswitch.dialler.campaign import Policy
from softswitch.dialler.floor import CampaignFloor
from softswitch.dialler.shift import Shift


class Pace:
    """How many calls one campaign may place now, by its policy, its channels and the controller."""

    def __init__(self, shift: Shift, books: Books) -> None:
        self._shift = shift
        self._books = books
        self._floor = CampaignFloor(shift)
        self._channels_free = 0
        self._look_at = float("-inf")
        self._hold_until = float("-inf")

    def receive_channels(self, free: int) -> None:
        self._channels_free = free
        self._shift.report_channels()

    def hold(self, until: float) -> None:
        """No call before `until`."""
        self._hold_until = until

    def next_timer(self) -> float:
        return max(self._look_at, self._hold_until)

    def policy(self, now: float) -> Policy:
        """The campaign's own, but every call has its agent in advance while the day, or the longer time over which the
        rules take the rate, is at its limit of abandoned calls.

        Such calls cannot add to the abandoned ones and add to the live ones, so that the day finds back under its
        limit, and agents work meanwhile.
        """
        campaign = self._shift.campaign
        if self._shift.knows_wall and not campaign.policy.guarantees:
            counts, _ = self.tightest(now)
            if abandoned_rate(counts, self._shift.ledger.false_positives.share) >= campaign.abandoned_limit:
                return Policy.GUARANTEED_AGENT
        return campaign.policy

    def tightest(self, now: float) -> tuple[DayCounts, int]:
        """Counts of today, or of the days over which the rules take the rate where that is greater; how many."""
        ledger, days = self._shift.ledger, self._shift.rules.period_days
        today = ledger.counts(self._shift.wall(now))
        if days == 1:
            return today, 1
        share, period = ledger.false_positives.share, ledger.period(self._shift.wall(now), days)
        return (period, days) if abandoned_rate(period, share) > abandoned_rate(today, share) else (today, 1)

    @property
    def fallback(self) -> str:
        """Why nothing is dialled ahead just now, though the policy would; else empty."""
        return self._floor.fallback

    @property
    def answers(self) -> float:
        """P(a call placed now needs an agent); 0 before the first look."""
        return self._floor.answers

    def channels_left(self, now: float) -> int:
        """Calls that the trunks could take now; none while the store could not take an attempt a moment ago."""
        if now < self._hold_until:
            return 0
        return self._channels_free - len(self._shift.unreported)

    def calls_due(self, policy: Policy, now: float, closes_at: float) -> int:
        """How many calls to place now under the policy in force. closes_at: when the day of calling is over."""
        self._look_at = now + self._shift.margins.pace_every_s
        channels_free = self.channels_left(now)
        if channels_free <= 0:
            return 0
        return self._floor.dials(policy, channels_free, self._books.leads_left, now, closes_at)
