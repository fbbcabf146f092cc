"""What an auditor is shown: the audit log's verification, recordings, reviews, retention, certificates. No numbers."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VerificationView:
    """What the audit log's chain, head and seals said when they were last looked at."""

    at: datetime
    records: int
    sealed: int
    """Of them, under a day's signature."""
    seals: int
    digest: str
    """Of the last record: note it elsewhere, and give it to the next `softswitch audit verify --anchor`."""
    public_key: str
    """Hex; with which the site signs."""
    troubles: tuple[str, ...]
    """Empty: nothing was changed, removed, put in, moved or cut off."""
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.troubles


@dataclass(frozen=True, slots=True)
class RecordingView:
    call_ref: str
    campaign: str
    agent: str
    began_at: datetime
    seconds: float | None
    """From then to the call's end; None where that is not known."""
    outcome: str
    verdict: str
    state: str
    """`kept`, `held` (under a legal hold) or `gone`."""


@dataclass(frozen=True, slots=True)
class ReviewShareView:
    """What the reviews of the last 30 days say of one campaign's detector."""

    campaign: str
    reviewed: int
    """Of which the reviewer could tell."""
    people: int
    """Among them: calls that were taken for machines and were people."""
    share: float
    """What is reckoned with: measured, or the prior while fewer than 100 are reviewed."""
    is_measured: bool
    low: float
    high: float
    """Wilson score interval, 95 %, of what was reviewed."""


@dataclass(frozen=True, slots=True)
class RetentionView:
    days: int
    """The site's."""
    by_campaign: dict[str, int]
    """Where a campaign has days of its own."""
    held: tuple[str, ...]
    """Calls under a legal hold."""


@dataclass(frozen=True, slots=True)
class CertificateView:
    """A signed certificate of destruction; docs/retention.md."""

    number: int
    at: str
    what: str
    count: int
    rule: str
    by: str


@dataclass(frozen=True, slots=True)
class CertificatesView:
    certificates: tuple[CertificateView, ...]
    """The newest first."""
    total: int
    troubles: tuple[str, ...]
    """Empty: each is signed, in its place, and fits the recordings' ledger."""
    public_key: str
    """Hex; with which the site signs."""
