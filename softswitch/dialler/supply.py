"""Where the next lead comes from: callbacks, the hopper, their refills, and the checks in front of every dial."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from softswitch.dialler.alternatives import without_suppressed
from softswitch.dialler.books import Books
from softswitch.dialler.callbacks import CANCELLED, MISSED, Callbacks, is_callback
from softswitch.dialler.campaign import Policy
from softswitch.dialler.events import CallbackClosed, CallbacksWanted, LeadsWanted
from softswitch.dialler.filters import LeadFilter
from softswitch.dialler.hopper import Hopper
from softswitch.dialler.hours import CallingHours
from softswitch.dialler.lead import Lead, LeadState
from softswitch.dialler.shift import Shift

SAME_NUMBER_PAUSE_S = 3600.0
"""A lead whose number another lead has in the hopper, or another campaign is ringing, is looked at again after this."""
CLOSING_EVERY_S = 60.0
"""How long the day's end is believed; leads of other zones come into the hopper, and clocks are set."""


class Supply:
    """One campaign's hopper and its source. A lead that may not be dialled now goes back with the time when it may."""

    def __init__(self, shift: Shift, books: Books) -> None:
        self._shift = shift
        self._books = books
        self._hopper = Hopper()
        self._callbacks = Callbacks(shift.campaign.callback_grace_s, shift.campaign.callback_window_s)
        self._callbacks_at = float("-inf")
        """When the source is to be asked for callbacks again."""
        self._missed_on: dict[date, int] = {}
        """By the day on which they were due."""
        self._filter = LeadFilter(shift.campaign.filter)
        self._hours = CallingHours.of(shift.campaign)
        self._asked_at: float | None = None
        self._ask_after = float("-inf")
        self._source_empty = False
        self.next_due: datetime | None = None
        """When the first lead at an empty source may be tried; None: none that waits will be."""
        self._closes_at, self._closing_known_at = float("nan"), float("-inf")
        self._opens_at: datetime | None = None
        """When the first of a whole hopper whose callees' hours were closed may be rung."""
        self.seen = 0
        """Leads that came in and had not been tried before."""

    def __len__(self) -> int:
        return len(self._hopper) + len(self._callbacks)

    @property
    def callbacks(self) -> int:
        """Callbacks that are due, or will be in a moment."""
        return len(self._callbacks)

    def callbacks_missed(self, now: float) -> int:
        """Of today."""
        return self._missed_on.get(self._shift.ledger.day_of(self._shift.wall(now)), 0)

    def restore_callbacks_missed(self, count: int, now: float) -> None:
        """Take up today's from the store."""
        self._missed_on[self._shift.ledger.day_of(self._shift.wall(now))] = count

    @property
    def is_exhausted(self) -> bool:
        """Nothing here, nothing at the source, and nothing that went back to be tried later."""
        none_later = self._books.leads_left == 0 if self._books.leads_left is not None else not self._books.waiting
        return self._source_empty and self._asked_at is None and not len(self) and none_later

    @property
    def is_dry(self) -> bool:
        """Nobody is at hand, and the source had nobody to give either, or nobody who may be rung at this hour."""
        return not len(self) and (self._source_empty or self._opens_at is not None)

    # from the source

    def refill(self, now: float) -> None:
        """Ask for leads when the hopper runs low."""
        if self._asked_at is not None and now >= self._asked_at + self._shift.margins.refill_timeout_s:
            self._asked_at = None
        campaign = self._shift.campaign
        by_itself = campaign.policy is not Policy.MANUAL
        if by_itself and self._asked_at is None and now >= self._ask_after and len(self._hopper) <= campaign.queue_low:
            self._asked_at = now
            self._shift.emit(LeadsWanted(campaign.queue_high - len(self._hopper)))
        if now >= self._callbacks_at:
            self._callbacks_at = now + self._shift.margins.callbacks_every_s
            ahead = timedelta(seconds=self._shift.margins.callbacks_ahead_s)
            self._shift.emit(CallbacksWanted(self._shift.wall(now) + ahead))

    def ask_anew(self) -> None:
        """The campaign starts: ask at once."""
        self._asked_at, self._ask_after, self._source_empty = None, float("-inf"), False
        self._callbacks_at = float("-inf")

    def next_timer(self) -> float:
        if self._asked_at is not None:
            return min(self._callbacks_at, self._asked_at + self._shift.margins.refill_timeout_s)
        if len(self._hopper) <= self._shift.campaign.queue_low and self._shift.campaign.policy is not Policy.MANUAL:
            return min(self._callbacks_at, self._ask_after)
        return self._callbacks_at

    def add(self, leads: Sequence[Lead], now: float, *, keep: bool) -> None:
        self._asked_at = None
        self._source_empty = not leads
        wanted = self._shift.campaign.queue_high - len(self._hopper)
        if len(leads) < wanted:
            self._ask_after = now + self._shift.margins.refill_pause_s
        for lead in leads:
            self.seen += not lead.attempts
            self.add_one(lead, now, keep=keep)

    def add_one(self, lead: Lead, now: float, *, keep: bool = True) -> None:
        """A lead that is this campaign's from here on; without `keep` it goes straight back."""
        self._books.waiting.discard(lead.lead_ref)
        if not keep:
            self._give_back(lead, None)
        elif not is_callback(lead) and not self._filter.takes(lead):  # a promise is kept whatever the filter says
            self._books.save_lead(replace(lead, state=LeadState.FILTERED))
        else:
            self.put_back(lead, now)

    # to the dial

    def take_callback(self, now: float, is_ready: Callable[[str], bool]) -> Lead | None:
        """The first callback that is due and has an agent; its number is claimed. One that may not be made goes back.

        is_ready: whether an agent, or (empty) anybody of the campaign, could take it now.
        """
        wall = self._shift.wall(now)
        for lead, anybody_may in self._callbacks.due(wall):
            if self._is_suppressed(lead.number):
                self._callbacks.remove(lead.lead_ref)
                self._suppressed(lead, now)
            elif (later := self._not_before(lead, wall)) is not None:
                self._callbacks.remove(lead.lead_ref)
                if later - wall > timedelta(seconds=self._shift.campaign.callback_window_s):
                    self._missed(lead, now)
                self._give_back(lead, later)
            elif not is_ready(lead.callback_agent) and not (anybody_may and is_ready("")):
                continue
            elif self._shift.locks.claim(lead.number):  # else somebody is ringing it just now
                return self._callbacks.remove(lead.lead_ref)
        return None

    def look_at_callbacks(self, now: float) -> None:
        """Tell of those that were not made in time."""
        for lead in self._callbacks.missed(self._shift.wall(now)) if self._callbacks else ():
            self._missed(lead, now)

    def take(self, now: float) -> Lead | None:
        """The next lead that may be dialled at this moment, its number claimed; None if there is none in the hopper."""
        wall = self._shift.wall(now)
        closed: list[Lead] = []
        held = len(self._hopper)
        while (lead := self._hopper.take()) is not None:
            if self._is_suppressed(lead.number):
                self._suppressed(lead, now)
            elif self._tried_enough(lead):
                self._books.save_lead(replace(lead, state=LeadState.DONE))
            elif (later := self._not_before(lead, wall)) is not None:
                self._give_back(lead, later)
                closed.append(lead)
            elif self._shift.locks.claim(lead.number):
                self._opens_at = None
                return lead
            else:
                self._give_back(lead, wall + timedelta(seconds=SAME_NUMBER_PAUSE_S))
        if held and len(closed) == held:
            self._leave_alone(closed, now)
        return None

    def _leave_alone(self, leads: Sequence[Lead], now: float) -> None:
        """A whole hopper came to nothing. Where that is because of the hour, as before opening and after closing, the
        source has more of the same, and is not gone through to its end at once."""
        wall, margins = self._shift.wall(now), self._shift.margins
        openings = [self.next_opening(lead, wall) for lead in leads]
        first = min((opening for opening in openings if opening is not None), default=wall)
        if first <= wall:
            return
        self._opens_at = first
        here = all(lead.time_zone == self._shift.ledger.time_zone for lead in leads)
        pause_s = margins.closed_pause_s if here else margins.other_zones_pause_s
        self._ask_after = max(self._ask_after, now + min(pause_s, (first - wall).total_seconds()))

    def opens_at(self, now: float) -> datetime | None:
        """UTC; None where somebody may be rung, as far as is known."""
        return self._opens_at if self._opens_at is not None and self._opens_at > self._shift.wall(now) else None

    def idle_because(self, now: float) -> str:
        """Why there is nobody to call just now, though leads are left, in plain words; empty where there is, or where
        that is not known."""
        wall = self._shift.wall(now)
        if (opens_at := self.opens_at(now)) is not None:
            return f"nobody may be called before {self._on_the_sites_clock(opens_at, wall)}"
        if len(self) or not self._source_empty or not self._books.leads_left or self._shift.calls:
            return ""
        if self.next_due is None:
            return "the leads that are left are on lists that rest, or their numbers are locked"
        return f"no lead is due before {self._on_the_sites_clock(self.next_due, wall)}" if self.next_due > wall else ""

    def _on_the_sites_clock(self, moment: datetime, wall: datetime) -> str:
        ledger = self._shift.ledger
        local = moment.astimezone(ledger.zone)
        return f"{local:%H:%M}" if local.date() == ledger.day_of(wall) else f"{local:%H:%M on %A %d %B}"

    def may_ring(self, lead: Lead, now: float) -> bool:
        """Whether the lead may be rung now: the last look, after the commitment and before the call is placed."""
        return not self._is_suppressed(lead.number) and self._not_before(lead, self._shift.wall(now)) is None

    def may_be_rung_today(self, lead: Lead, now: float) -> bool:
        """The same for a lead that an agent asks for before its own time."""
        return self.may_ring(replace(lead, not_before=None), now)

    def put_back(self, lead: Lead, now: float) -> None:
        """An attempt came to nothing before it left us."""
        if self._is_suppressed(lead.number):
            self._suppressed(lead, now)
        elif not self._take_in(lead, self._shift.wall(now)):
            self._give_back(lead, self._shift.wall(now) + timedelta(seconds=SAME_NUMBER_PAUSE_S))

    def find(self, lead_ref: str) -> Lead | None:
        return next((lead for lead in (*self._hopper, *self._callbacks) if lead.lead_ref == lead_ref), None)

    def remove(self, lead_ref: str) -> Lead | None:
        """Take a lead out for another purpose; None where it is not here."""
        lead = self.find(lead_ref)
        if lead is None or lead_ref in self._callbacks:
            return self._callbacks.remove(lead_ref)
        return self._hopper.remove(lead.number)

    def suppress(self, number: str, now: float) -> None:
        lead = self._hopper.remove(number)
        if lead is not None:
            self._suppressed(lead, now)
        for lead in [lead for lead in self._callbacks if lead.number == number]:
            self._callbacks.remove(lead.lead_ref)
            self._suppressed(lead, now)

    def give_all_back(self, now: float) -> None:
        self.give_leads_back(now)
        for lead in list(self._callbacks):
            self._callbacks.remove(lead.lead_ref)
            self._give_back(lead, None)

    def give_leads_back(self, now: float) -> None:
        """All but callbacks."""
        while (lead := self._hopper.take()) is not None:
            self._give_back(lead, None)
        self._asked_at, self._source_empty = None, False
        self._ask_after = now

    def _take_in(self, lead: Lead, wall: datetime) -> bool:
        if is_callback(lead):
            return not self._hopper.holds(lead.number) and self._callbacks.add(lead, wall)
        return not self._callbacks.holds(lead.number) and self._hopper.add(lead)

    def _suppressed(self, lead: Lead, now: float) -> None:
        if is_callback(lead):
            self._shift.emit(CallbackClosed(lead.lead_ref, CANCELLED, self._shift.wall(now)))
            if lead.numbers:  # the promise was made at this number
                lead = replace(lead, last_outcome="", callback_agent="")
        left = without_suppressed(lead, self._is_suppressed, self._shift.wall(now))
        if left.state is LeadState.SUPPRESSED or left.state is LeadState.DONE:
            self._books.save_lead(left)
        else:
            self._give_back(left, left.not_before)

    def _missed(self, lead: Lead, now: float) -> None:
        due = lead.not_before if lead.not_before is not None else self._shift.wall(now)
        day = self._shift.ledger.day_of(due)
        self._missed_on[day] = self._missed_on.get(day, 0) + 1
        self._shift.emit(CallbackClosed(lead.lead_ref, MISSED, self._shift.wall(now)))

    def _not_before(self, lead: Lead, wall: datetime) -> datetime | None:
        """The moment at which the lead may be rung, or None if that is now."""
        due = wall
        if lead.not_before is not None:
            due = max(due, lead.not_before)
        # A callback has its agent before it is dialled, which lifts the locks (Ofcom).
        locked_until = None if is_callback(lead) else self._locked_until(lead, wall)
        if locked_until is not None:
            due = max(due, locked_until)
        opening = self.next_opening(lead, due)
        if opening is None:  # an unknown zone, or no calling day within a year: someone has to look at it
            return wall + timedelta(days=1)
        return opening if opening > wall else None

    def _locked_until(self, lead: Lead, wall: datetime) -> datetime | None:
        campaign = self._shift.campaign
        return self._shift.locks.locked_until(
            lead.number, wall, abandoned_lock_s=campaign.abandoned_lock_s, machine_lock_s=campaign.machine_lock_s
        )

    def next_opening(self, lead: Lead, due: datetime) -> datetime | None:
        """The first moment from `due` on at which the lead may be rung, by the hours alone; None if there is none."""
        ring_s = max(self._shift.campaign.ring_timeout_s, self._shift.campaign.minimum_ring_s)
        return self._hours.next_opening(lead.time_zone, due, for_s=ring_s)  # nobody's phone rings after closing

    def closes_at(self, now: float) -> float:
        """When this day's calling is over: with the last callee's hours of whom the hopper knows, and at the latest
        with the ledger's day, for the allowance is the day's."""
        if not 0.0 <= now - self._closing_known_at < CLOSING_EVERY_S:
            wall, ledger = self._shift.wall(now), self._shift.ledger
            zones = {lead.time_zone for lead in self._hopper} or {ledger.time_zone}
            closings = [closing for zone in zones if (closing := self._hours.closing(zone, wall)) is not None]
            last = min(max(closings), ledger.midnight_after(wall)) if closings else ledger.midnight_after(wall)
            self._closes_at, self._closing_known_at = now + (last - wall).total_seconds(), now
        return self._closes_at

    def _tried_enough(self, lead: Lead) -> bool:
        """A callback is honoured whatever it took to come to it."""
        return lead.attempts >= self._shift.campaign.maximum_attempts and not is_callback(lead)

    def _give_back(self, lead: Lead, not_before: datetime | None) -> None:
        later = not_before if not_before is not None else lead.not_before
        if is_callback(lead):
            state = LeadState.CALLBACK
        else:
            state = LeadState.WAITING if lead.attempts or later is not None else LeadState.NEW
        self._books.save_lead(replace(lead, state=state, not_before=later))

    def _is_suppressed(self, number: str) -> bool:
        return self._shift.suppression.contains(number, self._shift.campaign.name)
