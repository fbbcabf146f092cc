"""What of a campaign's doings is kept in the store: events of its dialler, and what the detector said of its calls."""

from collections.abc import Mapping
from datetime import UTC, datetime

import structlog

from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.callbacks import MISSED
from softswitch.dialler.events import (
    AttemptChanged,
    AttemptEnded,
    CallbackClosed,
    CallbackMade,
    CampaignChanged,
    DiallerEvent,
    LeadChanged,
    NumberLocked,
    NumberSuppressed,
    PreviewEnded,
    ReviewOffered,
)
from softswitch.exchange.calls.records import Records
from softswitch.media.events import VerdictReached
from softswitch.store.journal import Entry, Kind
from softswitch.store.verdicts import KeptVerdict

log = structlog.get_logger(__name__)


class Bookkeeping:
    """Of one campaign."""

    def __init__(self, campaign: str, records: Records) -> None:
        self._campaign = campaign
        self._records = records

    def keep(self, event: DiallerEvent) -> None:
        """Write down what an event tells; one that only asks for something to be done leaves nothing."""
        match event:
            case LeadChanged():
                self._records.save_lead(event.lead)
            case AttemptChanged() | AttemptEnded():
                self._records.save_attempt(event.attempt)
            case NumberSuppressed():
                self._records.suppress(event.number, event.reason)
            case NumberLocked():
                self._records.lock_number(event.number, event.until)
            case ReviewOffered():
                self._records.offer_review(event)
            case CallbackMade():
                self._records.make_callback(event.callback)
            case CallbackClosed():
                if event.came_to == MISSED:
                    log.warning("a callback was missed", campaign=self._campaign, lead=event.lead_ref)
                self._records.close_callback(event)
            case PreviewEnded():
                told = {"reason": event.reason}
                whose = {"call_ref": event.call_ref, "lead_ref": event.lead_ref, "agent": event.agent}
                self._records.record(Entry(Kind.PREVIEW, datetime.now(UTC), self._campaign, **whose, content=told))
            case CampaignChanged():
                log.info("campaign changed", campaign=event.campaign, state=event.state, reason=event.reason)
                told = {"state": event.state, "reason": event.reason}
                self._records.record(Entry(Kind.CAMPAIGN, datetime.now(UTC), event.campaign, content=told))

    def keep_verdict(
        self, attempt: DialAttempt, event: VerdictReached, features: Mapping[str, float | None], *, acted: bool
    ) -> None:
        """With all that it was founded on, whatever came of it.  acted: whether anything did."""
        self._records.keep_verdict(
            KeptVerdict(
                call_ref=attempt.call_ref,
                campaign=self._campaign,
                at=datetime.now(UTC),
                verdict=event.verdict.name,
                cause=event.cause.name,
                probability=event.probability,
                audio_ms=event.audio_ms,
                point=attempt.amd_point,
                acted=acted,
                features=dict(features),
            )
        )
