"""What an auditor asks of a running site; fulfils `softswitch.web.audit_control.AuditControl`."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from softswitch.config import recordings_directory
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.compliance import ComplianceDay
from softswitch.dialler.rule_choice import RuleChoice
from softswitch.dialler.rules import DEFAULT_MARGINS
from softswitch.errors import SoftswitchError, UsageError
from softswitch.exchange.audit.keys import find_key, fits
from softswitch.exchange.audit.reading import find
from softswitch.exchange.desks.compliance import compliance_days
from softswitch.exchange.desks.outcomes import read_outcomes
from softswitch.exchange.running.premises import Site, wall
from softswitch.exchange.running.retention import CERTIFICATES, Retention, rules_of, tombstones_of
from softswitch.recordings.destruction import standing
from softswitch.safeguards import four_eyes
from softswitch.safeguards.audit_search import AuditPage, AuditSearch
from softswitch.safeguards.auditor_views import (
    CertificatesView,
    CertificateView,
    RecordingView,
    RetentionView,
    ReviewShareView,
    VerificationView,
)
from softswitch.safeguards.retention import Certificate, inspect
from softswitch.store.recorded import RecordedCall, RecordingSearch
from softswitch.survey.outcomes import Outcomes

VERIFICATION_S = 600.0
"""So long a verification may take; a log of ten million records takes a few minutes."""


class Auditing:
    """UsageError with a text for the person who asked, KeyError for what there is not."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._data = site.settings.site.data_directory
        self._recordings = recordings_directory(site.settings)
        self._zone = ZoneInfo(site.settings.site.time_zone)
        self._verified: VerificationView | None = None
        self._verifying: asyncio.Task[VerificationView] | None = None

    # The audit log

    async def records(self, search: AuditSearch, limit: int, before: int | None) -> AuditPage:
        return await asyncio.to_thread(find, self._data, search, limit, before)

    def verification(self) -> VerificationView | None:
        """The last one; None where there has been none since the start."""
        return self._verified

    async def verify(self) -> VerificationView:
        """Look at every record, the head and the seals now, in a process of its own: calls do not wait for it. Whoever
        asks meanwhile is told what that one finds."""
        if self._verifying is None or self._verifying.done():
            self._verifying = asyncio.get_running_loop().create_task(self._verify(), name="audit-verification")
        return await asyncio.shield(self._verifying)

    async def _verify(self) -> VerificationView:
        key = await asyncio.to_thread(self._public_key)
        command = (
            sys.executable,
            "-m",
            "softswitch",
            "audit",
            "verify",
            str(self._data),
            "--public-key",
            key,
            "--json",
        )
        child = await asyncio.create_subprocess_exec(
            "nice", "-n", "15", *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            out, _ = await asyncio.wait_for(child.communicate(), VERIFICATION_S)
            told = json.loads(out)
        except (TimeoutError, ValueError):
            raise UsageError("the audit log could not be verified; `softswitch audit verify` says more") from None
        finally:
            if child.returncode is None:
                child.kill()
        self._verified = VerificationView(
            at=wall(),
            records=told["records"],
            sealed=told["sealed"],
            seals=told["seals"],
            digest=told["digest"],
            public_key=key,
            troubles=tuple(told["troubles"]),
            notes=tuple(told["notes"]),
        )
        return self._verified

    def _public_key(self) -> str:
        return find_key(self._site.settings.audit.signing_key, self._data).public

    # Recordings

    async def recordings(self, search: RecordingSearch, limit: int, offset: int) -> list[RecordingView]:
        """The newest first."""
        found = await self._site.store.recorded_calls(search, limit, offset)
        held = four_eyes.held(await self._site.store.hold_requests(), wall())
        there = await asyncio.to_thread(self._there, found)
        return [_recording_view(each, each.recording in there, each.call_ref in held) for each in found]

    def _there(self, found: Sequence[RecordedCall]) -> set[str]:
        return {each.recording for each in found if (self._recordings / each.recording).is_file()}

    # Reviews and rules

    async def review_shares(self) -> list[ReviewShareView]:
        today = wall().astimezone(self._zone).date()
        return [await self._share_of(dialler.campaign, today) for dialler in self._site.diallers]

    async def _share_of(self, campaign: Campaign, today: date) -> ReviewShareView:
        prior = DEFAULT_MARGINS.false_positive_prior(campaign)
        known = await self._site.store.false_positives(campaign, today, prior)
        low, high = known.interval()
        return ReviewShareView(campaign.name, known.reviewed, known.people, known.share, known.is_measured, low, high)

    async def compliance(self, day: date | None, campaign: str, rules: RuleChoice | None) -> list[ComplianceDay]:
        await self._site.records.written()
        return await compliance_days(self._site.settings, self._site.store, day, campaign, rules)

    async def outcomes(self, campaign: str, since: date | None, until: date | None, e: float | None) -> Outcomes:
        site = self._site
        settings = next((each for each in site.settings.campaigns if each.name == campaign), None)
        if settings is None:
            raise KeyError(campaign)
        await site.records.written()
        script, zone = site.surveys.script_of(campaign), site.settings.site.time_zone
        return await read_outcomes(settings, script, site.store, zone, since=since, until=until, e=e)

    # Retention

    async def retention(self) -> RetentionView:
        rules = rules_of(self._site.settings)
        held = four_eyes.held(await self._site.store.hold_requests(), wall())
        return RetentionView(rules.days, dict(rules.by_campaign), tuple(sorted(held)))

    async def certificates(self, limit: int) -> CertificatesView:
        """Every one is verified, and that nothing is overdue; the newest are shown."""
        found = await asyncio.to_thread(self._certificates, limit)
        site = self._site
        key = await asyncio.to_thread(find_key, site.settings.audit.signing_key, self._data)
        try:
            late = await Retention(site.settings, site.store, site.audit, key, wall).overdue()
        except SoftswitchError as error:
            late = str(error)
        return replace(found, troubles=(*found.troubles, late)) if late and late not in found.troubles else found

    def certificates_file(self) -> Path:
        """KeyError where nothing was destroyed yet."""
        path = self._recordings / CERTIFICATES
        if not path.is_file():
            raise KeyError(CERTIFICATES)
        return path

    def _certificates(self, limit: int) -> CertificatesView:
        key = self._public_key()
        try:
            lines = self.certificates_file().read_text("ascii", "replace").splitlines()
        except KeyError:
            lines = []
        except OSError as error:
            raise UsageError(f"the certificates cannot be read: {error.strerror}") from error
        try:
            tombs = tombstones_of(standing(self._recordings).tombstones) if self._recordings.is_dir() else {}
            troubles = tuple(inspect(lines, fits, public_keys={key}, tombstones=tombs))
        except SoftswitchError as error:
            troubles = (str(error),)
        newest = tuple(_certificate_view(line) for line in reversed(lines[-limit:]))
        return CertificatesView(tuple(each for each in newest if each), len(lines), troubles, key)


def _certificate_view(line: str) -> CertificateView | None:
    try:
        one = Certificate.from_line(line)
    except UsageError:
        return None  # among the troubles
    return CertificateView(one.number, one.at, one.what, len(one.things), one.rule, one.by)


def _recording_view(call: RecordedCall, is_there: bool, is_held: bool) -> RecordingView:
    length = None if call.ended_at is None else (call.ended_at - call.began_at) / timedelta(seconds=1)
    return RecordingView(
        call_ref=call.call_ref,
        campaign=call.campaign,
        agent=call.agent,
        began_at=call.began_at.astimezone(UTC),
        seconds=None if length is None else max(0.0, length),
        outcome=call.outcome,
        verdict=call.verdict,
        state="gone" if not is_there else "held" if is_held else "kept",
    )
