"""What an auditor asks of the small site: a log, calls, days and certificates that a test has put there."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from softswitch.dialler.abandonment import FalsePositives
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.compliance import ComplianceDay, compliance_day
from softswitch.dialler.rule_choice import RuleChoice
from softswitch.dialler.rules import UNITED_KINGDOM
from softswitch.errors import UsageError
from softswitch.safeguards.audit import AuditChain
from softswitch.safeguards.audit_search import AuditPage, AuditSearch
from softswitch.safeguards.auditor_views import (
    CertificatesView,
    CertificateView,
    RecordingView,
    RetentionView,
    ReviewShareView,
    VerificationView,
)
from softswitch.store.recorded import RecordingSearch
from softswitch.survey.aapor import Wording
from softswitch.survey.outcomes import Outcomes, QuotaCell, outcomes_of

AT = datetime(2026, 11, 20, 10, tzinfo=UTC)


class SmallAuditing:
    def __init__(self, campaign: str) -> None:
        self.campaign = campaign
        self.chain = AuditChain()
        self.log = []
        self.calls: list[RecordingView] = []
        self.days = [self._day(campaign)]
        self.troubles: tuple[str, ...] = ()
        self.verified: VerificationView | None = None
        self.held: tuple[str, ...] = ()
        self.certified: list[CertificateView] = []
        self.certificates_at: Path | None = None
        self.ended_as = {"completed": 40, "partial": 4, "refusal": 12, "callback": 6, "no-answer": 20, "fax": 2}
        self.quotas = (QuotaCell("men under 35", 12, 12, 5), QuotaCell("women under 35", 12, 7, 0))
        self.shares = [ReviewShareView(campaign, 120, 3, 0.025, True, 0.0085, 0.0709)]

    def note(self, actor: str, action: str, subject: str = "", reason: str = "") -> None:
        at = AT + timedelta(minutes=len(self.log))
        self.log.append(self.chain.append(actor, action, at=at, subject=subject, reason=reason))

    def record_call(self, call_ref: str, **more: object) -> None:
        call = RecordingView(call_ref, self.campaign, "101", AT, 93.0, "completed", "HUMAN", "kept")
        self.calls.append(replace(call, **more))

    async def records(self, search: AuditSearch, limit: int, before: int | None) -> AuditPage:
        known = [each for each in reversed(self.log) if before is None or each.sequence < before]
        found = [each for each in known if search.matches(each)]
        more = found[limit - 1].sequence if len(found) > limit else None
        return AuditPage(tuple(found[:limit]), more, known[-1].at if known else "")

    def verification(self) -> VerificationView | None:
        return self.verified

    async def verify(self) -> VerificationView:
        count = len(self.log)
        digest = self.log[-1].digest if self.log else "0" * 64
        self.verified = VerificationView(datetime.now(UTC), count, count, 1, digest, "ab" * 32, self.troubles, ())
        return self.verified

    async def recordings(self, search: RecordingSearch, limit: int, offset: int) -> list[RecordingView]:
        found = [
            each
            for each in self.calls
            if each.call_ref.startswith(search.call_ref)
            and search.agent in ("", each.agent)
            and search.campaign in ("", each.campaign)
            and search.outcome in ("", each.outcome)
            and (search.since is None or each.began_at >= search.since)
            and (search.until is None or each.began_at < search.until)
        ]
        return found[offset : offset + limit]

    async def review_shares(self) -> list[ReviewShareView]:
        return self.shares

    async def compliance(self, day: date | None, campaign: str, rules: RuleChoice | None) -> list[ComplianceDay]:
        if campaign not in ("", *(each.campaign for each in self.days)):
            raise UsageError(f'there is no campaign "{campaign}"')
        told = (day or AT.date()).isoformat()
        return [
            replace(each, day=told, rules=(rules or RuleChoice.UK).upper())
            for each in self.days
            if campaign in ("", each.campaign)
        ]

    async def outcomes(self, campaign: str, since: date | None, until: date | None, e: float | None) -> Outcomes:
        if campaign != self.campaign:
            raise KeyError(campaign)
        if since is not None and until is not None and until < since:
            raise UsageError("the period ends before it begins")
        days = {name: "" if day is None else day.isoformat() for name, day in (("since", since), ("until", until))}
        tried = since is not None or until is not None
        return outcomes_of(
            campaign,
            Wording.of_site({}),
            self.ended_as,
            never_tried=0 if tried else 16,
            e=e,
            quotas=self.quotas,
            **days,
        )

    async def retention(self) -> RetentionView:
        return RetentionView(90, {self.campaign: 30}, self.held)

    async def certificates(self, limit: int) -> CertificatesView:
        return CertificatesView(tuple(self.certified[:limit]), len(self.certified), self.troubles, "ab" * 32)

    def certificates_file(self) -> Path:
        if self.certificates_at is None:
            raise KeyError("certificates")
        return self.certificates_at

    @staticmethod
    def _day(campaign: str) -> ComplianceDay:
        return compliance_day(
            Campaign(campaign), UNITED_KINGDOM, AT.date(), "Europe/London", (),
            numbers={}, rested=(), false_positives=FalsePositives(0.05, 120, 3),
        )  # fmt: skip
