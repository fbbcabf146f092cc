"""Retention: what has been kept for long enough, and the signed certificates of its destruction. Pure.

docs/retention.md tells the certificates' format to strangers.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from softswitch.errors import UsageError
from softswitch.safeguards.audit import GENESIS
from softswitch.safeguards.signed_line import SignedLine

Sign = Callable[[bytes], str]
"""Ed25519 (RFC 8032 §5.1), hex."""
Fits = Callable[[str, str, bytes], bool]
"""Whether (public key, signature, message) belong together."""
RECORDINGS = "recordings"
LEADS = "leads"
INTERVIEWS = "interviews"


@dataclass(frozen=True, slots=True)
class Rules:
    """How many days a site keeps recordings, answers, and the personal data of leads."""

    days: int
    by_campaign: Mapping[str, int]
    """Where a campaign has days of its own."""

    def days_of(self, campaign: str) -> int:
        return self.by_campaign.get(campaign, self.days)

    def words(self, campaign: str) -> str:
        """The rule that a campaign's are destroyed under; of a call that no campaign has, the site's."""
        of = f"campaign {campaign}" if campaign else "the site"
        return f"{of}: kept for {self.days_of(campaign)} days"

    def before(self, campaign: str, now: datetime) -> datetime:
        """What is older than this has been kept for long enough."""
        return now - timedelta(days=self.days_of(campaign))


@dataclass(frozen=True, slots=True)
class KeptRecording:
    name: str
    """Of its file."""
    call_ref: str
    campaign: str
    """Empty where the store does not know the call."""
    closed_at: datetime


def due(kept: Iterable[KeptRecording], rules: Rules, held: Collection[str], now: datetime) -> list[KeptRecording]:
    """What is to be destroyed at `now`, in its order. held: calls under a legal hold, which are not."""
    return [each for each in kept if each.call_ref not in held and each.closed_at < rules.before(each.campaign, now)]


@dataclass(frozen=True, slots=True)
class Certificate(SignedLine):
    """Signed: these were destroyed, when, under which rule, by whom. Each names the one before it."""

    number: int
    """From 1."""
    at: str
    """ISO 8601, UTC."""
    what: str
    """`RECORDINGS`, `LEADS` or `INTERVIEWS`."""
    things: dict[str, str]
    """Of recordings: file name, and the chain hash of its tombstone in the ledger. Of leads: reference, and nothing.
    Of interviews: call reference, and nothing."""
    rule: str
    by: str
    previous: str
    """SHA-256 of the certificate before, as its line; 64 zeros in the first."""
    key: str
    """Public key, hex; the audit log's."""
    signature: str = ""

    @classmethod
    def signed(
        cls, what: str, things: Mapping[str, str], *, at: str, rule: str, by: str,
        after: "Certificate | None", key: str, sign: Sign,
    ) -> "Certificate":  # fmt: skip
        number, previous = (1, GENESIS) if after is None else (after.number + 1, after.digest)
        bare = cls(number, at, what, dict(things), rule, by, previous, key)
        return cls(number, at, what, dict(things), rule, by, previous, key, sign(bare.message()))

    @classmethod
    def from_line(cls, line: str) -> "Certificate":
        """Raises UsageError where it is none."""
        try:
            certificate = cls(**json.loads(line))
            sound = certificate.to_line() == line and all(isinstance(v, str) for v in certificate.things.values())
        except (ValueError, TypeError, AttributeError, RecursionError):
            sound = False
        if not sound:
            raise UsageError("this is no certificate of destruction")
        return certificate


def inspect(
    lines: Iterable[str], fits: Fits, *, public_keys: Collection[str] = (), tombstones: Mapping[str, str] | None = None
) -> Iterator[str]:
    """What is wrong with a site's certificates, in plain words; nothing where all is well.

    public_keys: those that may have signed; empty: any.  tombstones: chain hash of each in the ledger, by file name.
    """
    number, previous = 0, GENESIS
    certified: dict[str, str] = {}
    for position, line in enumerate(lines, 1):
        try:
            found = Certificate.from_line(line)
        except UsageError:
            yield f"line {position} is no certificate: it was changed"
            continue
        if not fits(found.key, found.signature, found.message()):
            yield f"certificate {found.number} has a wrong signature: it was changed"
        elif public_keys and found.key not in public_keys:
            yield f"certificate {found.number} was signed with a key that is none of those given"
        if (found.number, found.previous) != (number + 1, previous):
            yield f"certificate {found.number} does not follow the one before it: one was removed, moved or put in"
        number, previous = found.number, found.digest
        if found.what == RECORDINGS:
            certified |= found.things
    for name, chain in (tombstones or {}).items():
        if certified.get(name) != chain:
            yield f"{name} was destroyed without a certificate"
    for name in certified.keys() - (tombstones if tombstones is not None else certified).keys():
        yield f"{name} has a certificate and no tombstone in the ledger"
