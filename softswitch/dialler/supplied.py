"""What a campaign is told of its leads: those to be dialled, how many are left, and who is not to be called."""

from collections.abc import Sequence
from datetime import datetime

from softswitch.dialler.call import RECALLABLE
from softswitch.dialler.campaign import Purpose
from softswitch.dialler.choosing import ChosenCampaign
from softswitch.dialler.lead import Lead


class SuppliedCampaign(ChosenCampaign):
    """A campaign and its source of leads; `continuing` and `dialling` add the rest."""

    def add_leads(self, leads: Sequence[Lead], now: float) -> None:
        """The answer to `LeadsWanted`; empty when there are none to be dialled now."""
        self._supply.add(leads, now, keep=self._wanted in ("running", "paused"))
        self._settle(now)

    def receive_lead_totals(self, total: int, left: int, now: float, next_due: datetime | None = None) -> None:
        """From the store: all leads of the campaign, and those neither done nor suppressed (queued ones included).

        next_due: where none may be tried now, when the first of those may that wait on lists that are dialled.
        """
        self._books.leads_total, self._books.leads_left = total, left
        self._supply.next_due = next_due
        self._settle(now)

    def receive_lists_changed(self, now: float) -> None:
        """A list has come, rests, or has another priority or share: what is at hand goes back, and the hopper is filled
        anew by what the lists say now. Callbacks stay. A campaign that had nothing left goes on."""
        self._supply.give_leads_back(now)
        self._go_on(now)

    def receive_screening(self, screened_at: datetime, now: float) -> None:
        """When the campaign's leads were last screened against TPS and CTPS; asked for where it is marketing.

        Leads that were taken before a new list go back to the source, which knows whom it names.
        """
        if self.campaign.purpose is Purpose.MARKETING and self._screened_at not in (None, screened_at):
            self._supply.give_all_back(now)
        self._screened_at = screened_at
        self._settle(now)

    def receive_suppressed(self, number: str, now: float, *, everywhere: bool = True) -> None:
        """The number asked, by whatever way, not to be called by anybody or (not `everywhere`) by this campaign;
        effective at once.

        If it is ringing, it rings on to the minimum ring and is then cut off. If it is answered before that, the call
        goes to an agent like any other: who has lifted the receiver is owed a voice, and silence or a hang-up would be
        an abandoned call to the very person who asked to be left alone. Its lead is suppressed whatever comes of it.
        """
        self._shift.suppression.add(number, "" if everywhere else self.campaign.name)
        self._supply.suppress(number, now)
        for call in list(self._shift.calls.values()):
            if call.lead.number == number and call.state in RECALLABLE:
                self._placed.unwanted(call, now)
        self._settle(now)
