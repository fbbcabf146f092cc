"""Where the next lead comes from: the hopper, its refills, and the checks that a lead must pass in front of a dial."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from softswitch.dialler.attempt import Disposition
from softswitch.dialler.books import Books
from softswitch.dialler.events import LeadsWanted
from softswitch.dialler.hopper import Hopper
from softswitch.dialler.hours import CallingHours
from softswitch.dialler.lead import Lead, LeadState
from softswitch.dialler.shift import Shift

SAME_NUMBER_PAUSE_S = 3600.0
"""A lead whose number another lead has in the hopper, or another campaign is ringing, is looked at again after this."""


class Supply:
    """One campaign's hopper and its source. A lead that may not be dialled now goes back with the time when it may."""

    def __init__(self, shift: Shift, books: Books) -> None:
        self._shift = shift
        self._books = books
        self._hopper = Hopper()
        self._hours = CallingHours.of(shift.campaign)
        self._asked_at: float | None = None
        self._ask_after = float("-inf")
        self._source_empty = False
        self.seen = 0
        """Leads that came in and had not been tried before."""

    def __len__(self) -> int:
        return len(self._hopper)

    @property
    def is_exhausted(self) -> bool:
        """Nothing here, nothing at the source, and nothing that went back to be tried later."""
        none_later = self._books.leads_left == 0 if self._books.leads_left is not None else not self._books.waiting
        return self._source_empty and self._asked_at is None and not self._hopper and none_later

    # from the source

    def refill(self, now: float) -> None:
        """Ask for leads when the hopper runs low."""
        if self._asked_at is not None and now >= self._asked_at + self._shift.margins.refill_timeout_s:
            self._asked_at = None
        campaign = self._shift.campaign
        if self._asked_at is None and now >= self._ask_after and len(self._hopper) <= campaign.queue_low:
            self._asked_at = now
            self._shift.emit(LeadsWanted(campaign.queue_high - len(self._hopper)))

    def ask_anew(self) -> None:
        """The campaign starts: ask at once."""
        self._asked_at, self._ask_after, self._source_empty = None, float("-inf"), False

    def next_timer(self) -> float | None:
        if self._asked_at is not None:
            return self._asked_at + self._shift.margins.refill_timeout_s
        return self._ask_after if len(self._hopper) <= self._shift.campaign.queue_low else None

    def add(self, leads: Sequence[Lead], now: float, *, keep: bool) -> None:
        self._asked_at = None
        self._source_empty = not leads
        wanted = self._shift.campaign.queue_high - len(self._hopper)
        if len(leads) < wanted:
            self._ask_after = now + self._shift.margins.refill_pause_s
        for lead in leads:
            self._books.waiting.discard(lead.lead_ref)
            self.seen += not lead.attempts
            if not keep:
                self._give_back(lead, None)
            elif self._is_suppressed(lead.number):
                self._books.save_lead(replace(lead, state=LeadState.SUPPRESSED))
            elif not self._hopper.add(lead):
                self._give_back(lead, self._shift.wall(now) + timedelta(seconds=SAME_NUMBER_PAUSE_S))

    # to the dial

    def take(self, now: float) -> Lead | None:
        """The next lead that may be dialled at this moment, its number claimed; None if there is none in the hopper."""
        wall = self._shift.wall(now)
        while (lead := self._hopper.take()) is not None:
            if self._is_suppressed(lead.number):
                self._books.save_lead(replace(lead, state=LeadState.SUPPRESSED))
            elif self._tried_enough(lead):
                self._books.save_lead(replace(lead, state=LeadState.DONE))
            elif (later := self._not_before(lead, wall)) is not None:
                self._give_back(lead, later)
            elif self._shift.locks.claim(lead.number):
                return lead
            else:
                self._give_back(lead, wall + timedelta(seconds=SAME_NUMBER_PAUSE_S))
        return None

    def may_ring(self, lead: Lead, now: float) -> bool:
        """Whether the lead may be rung now: the last look, after the commitment and before the call is placed."""
        return not self._is_suppressed(lead.number) and self._not_before(lead, self._shift.wall(now)) is None

    def put_back(self, lead: Lead, now: float) -> None:
        """An attempt came to nothing before it left us."""
        if self._is_suppressed(lead.number):
            self._books.save_lead(replace(lead, state=LeadState.SUPPRESSED))
        elif not self._hopper.add(lead):
            self._give_back(lead, self._shift.wall(now) + timedelta(seconds=SAME_NUMBER_PAUSE_S))

    def suppress(self, number: str) -> None:
        lead = self._hopper.remove(number)
        if lead is not None:
            self._books.save_lead(replace(lead, state=LeadState.SUPPRESSED))

    def give_all_back(self, now: float) -> None:
        while (lead := self._hopper.take()) is not None:
            self._give_back(lead, None)
        self._asked_at = None
        self._ask_after = now

    def _not_before(self, lead: Lead, wall: datetime) -> datetime | None:
        """The moment at which the lead may be rung, or None if that is now."""
        due = wall
        if lead.not_before is not None:
            due = max(due, lead.not_before)
        locked_until = self._shift.locks.locked_until(lead.number, wall)
        if locked_until is not None:
            due = max(due, locked_until)
        ring_s = max(self._shift.campaign.ring_timeout_s, self._shift.campaign.minimum_ring_s)
        opening = self._hours.next_opening(lead.time_zone, due, for_s=ring_s)  # nobody's phone rings after closing
        if opening is None:  # an unknown zone, or no calling day within a year: someone has to look at it
            return wall + timedelta(days=1)
        return opening if opening > wall else None

    def _tried_enough(self, lead: Lead) -> bool:
        """A callback is honoured whatever it took to come to it."""
        return lead.attempts >= self._shift.campaign.maximum_attempts and not self._is_callback(lead)

    def _give_back(self, lead: Lead, not_before: datetime | None) -> None:
        later = not_before if not_before is not None else lead.not_before
        if self._is_callback(lead):
            state = LeadState.CALLBACK
        else:
            state = LeadState.WAITING if lead.attempts or later is not None else LeadState.NEW
        self._books.save_lead(replace(lead, state=state, not_before=later))

    def _is_callback(self, lead: Lead) -> bool:
        return lead.last_outcome == Disposition.CALLBACK.value

    def _is_suppressed(self, number: str) -> bool:
        return self._shift.suppression.contains(number, self._shift.campaign.name)
