"""What the auditor's pages and REST ask of the switch; `softswitch.exchange.desks.auditing.Auditing` fulfils it."""

from datetime import date
from pathlib import Path
from typing import Protocol

from softswitch.dialler.compliance import ComplianceDay
from softswitch.dialler.rule_choice import RuleChoice
from softswitch.safeguards.audit_search import AuditPage, AuditSearch
from softswitch.safeguards.auditor_views import (
    CertificatesView,
    RecordingView,
    RetentionView,
    ReviewShareView,
    VerificationView,
)
from softswitch.store.recorded import RecordingSearch
from softswitch.survey.outcomes import Outcomes


class AuditControl(Protocol):
    """`UsageError` has a text for the person who asked; `KeyError` is for what there is not."""

    async def records(self, search: AuditSearch, limit: int, before: int | None) -> AuditPage:
        """Of the audit log, the newest first; before: below this sequence number."""

    def verification(self) -> VerificationView | None:
        """The last one since the start."""

    async def verify(self) -> VerificationView: ...
    async def recordings(self, search: RecordingSearch, limit: int, offset: int) -> list[RecordingView]: ...
    async def review_shares(self) -> list[ReviewShareView]: ...
    async def compliance(self, day: date | None, campaign: str, rules: RuleChoice | None) -> list[ComplianceDay]:
        """day: None is today, by the site's clock.  campaign: empty is all."""

    async def outcomes(self, campaign: str, since: date | None, until: date | None, e: float | None) -> Outcomes:
        """since, until: first and last day, by the site's clock; None: all."""

    async def retention(self) -> RetentionView: ...
    async def certificates(self, limit: int) -> CertificatesView: ...
    def certificates_file(self) -> Path: ...
