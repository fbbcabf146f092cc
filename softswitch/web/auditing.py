"""The auditor's REST: the audit log, recordings, the daily report, retention, certificates of destruction."""

import asyncio
import csv
import io
import re
from collections.abc import Awaitable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import FileResponse, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from softswitch.dialler.compliance import ComplianceDay
from softswitch.dialler.compliance_figures import rows_of
from softswitch.dialler.rule_choice import RuleChoice
from softswitch.errors import UsageError
from softswitch.safeguards.audit import AuditRecord
from softswitch.safeguards.audit_search import AuditSearch, Kind
from softswitch.safeguards.auditor_views import (
    CertificatesView,
    RecordingView,
    RetentionView,
    ReviewShareView,
    VerificationView,
)
from softswitch.store.cdr import cell
from softswitch.store.recorded import RecordingSearch
from softswitch.web.accounts import Account, Role
from softswitch.web.audit_control import AuditControl
from softswitch.web.compliance_pdf import compliance_pdf
from softswitch.web.roles import only
from softswitch.web.room import Room
from softswitch.web.schemas import Problem

PDF = "application/pdf"
CSV = "text/csv; charset=utf-8"
JSON_LINES = "application/jsonl"
T = TypeVar("T")

Auditor = Annotated[Account, Depends(only(Role.AUDITOR))]
Overseer = Annotated[Account, Depends(only(Role.ADMINISTRATOR, Role.AUDITOR))]
Reader = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR))]
Reviewer = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.AUDITOR))]
Wanted = Annotated[str, Query(max_length=128, pattern=r"^[^\x00]*$")]
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""No record is earlier, or will be later."""


def written_as(form: str) -> BeforeValidator:
    """Of a text alone: seconds since 1970, and a moment where a day is asked for, are not what the document says."""

    def check(value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(form, value):
            raise ValueError("write it as ISO 8601 says")
        return value

    return BeforeValidator(check)


def _bounded(value: datetime) -> datetime:
    return min(max(value, FIRST), LAST)


Moment = Annotated[
    Annotated[AwareDatetime, written_as(r"\d{4}-\d\d-\d\d[Tt ].+"), AfterValidator(_bounded)] | None,
    Query(description="With a zone."),
]
Day = Annotated[
    Annotated[date, written_as(r"\d{4}-\d\d-\d\d")] | None,
    Query(description="In the site's time zone; left out: today."),
]
OneCampaign = Annotated[str, Query(max_length=64, pattern=r"^[^\x00]*$", description="Left out: every campaign.")]

_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "Not so, or not now; the text says what to do"}
}
_NONE: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is none"}}


def file_of(media_type: str, what: str) -> dict[int | str, dict[str, Any]]:
    """What a route that sends a file says of it."""
    return {200: {"content": {media_type: {}}, "description": what}}


class FoundRecords(BaseModel):
    """Records of the audit log, the newest first."""

    model_config = ConfigDict(from_attributes=True)

    records: list[AuditRecord]
    before: int | None = Field(description="Ask for the next page with this; null: the log was read to its beginning.")
    looked_until: str = Field(description="Time of the oldest record that was looked at, ISO 8601.")


class FoundRecordings(BaseModel):
    """Recorded calls, the newest first."""

    recordings: list[RecordingView]
    next_offset: int | None
    """Where the next page begins; null on the last."""


class ComplianceFigures(BaseModel):
    """Campaigns of one day, each held against the rules."""

    days: list[ComplianceDay]
    breaches: dict[str, list[str]]
    """By campaign: the rules that were not kept, in words."""


def add_auditing(router: APIRouter, room: Room) -> None:
    auditing = room.control.auditing
    _add_log(router, auditing)
    _add_compliance(router, auditing, room.settings.site)
    _add_keeping(router, auditing)


def _add_log(router: APIRouter, auditing: AuditControl) -> None:
    @router.get("/audit", tags=["audit"], responses=_REFUSED)
    async def audit_log(
        _: Auditor,
        actor: Wanted = "",
        kind: Kind | None = None,
        action: Wanted = "",
        subject: Wanted = "",
        text: Wanted = "",
        since: Moment = None,
        until: Moment = None,
        before: Annotated[int | None, Query(ge=1, le=2**53, description="Below this sequence number.")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> FoundRecords:
        """Who saw, heard, changed or exported what, when and why. A search that finds little ends after 32 MB of the
        log; `before` goes on from there."""
        search = AuditSearch(actor, kind, action, subject, text, since, until)
        return FoundRecords.model_validate(await _asked(auditing.records(search, limit, before)))

    @router.get("/audit/verification", tags=["audit"])
    async def audit_verification(_: Auditor) -> VerificationView | None:
        """What the last verification of the log found; null where there was none since the site started."""
        return auditing.verification()

    @router.post("/audit/verification", tags=["audit"], responses=_REFUSED)
    async def verify_audit_log(_: Auditor) -> VerificationView:
        """Look at the whole log now: chain, head and seals."""
        return await _asked(auditing.verify())

    @router.api_route(
        "/audit/verification", methods=["DELETE", "HEAD", "OPTIONS", "PATCH", "PUT", "TRACE"], include_in_schema=False
    )
    async def neither_of_both() -> None:
        """Two handlers on one path: left alone, the router would name the first one's method as all there is."""
        raise HTTPException(405, "Method Not Allowed", {"allow": "GET, POST"})


def _add_compliance(router: APIRouter, auditing: AuditControl, site: str) -> None:
    @router.get("/compliance", tags=["compliance"], responses=_REFUSED)
    async def compliance(
        _: Reader, day: Day = None, campaign: OneCampaign = "", rules: RuleChoice | None = None
    ) -> ComplianceFigures:
        """Each campaign's day held against the rules: its own choice of them, where none is named."""
        days = await _days(auditing, day, campaign, rules)
        return ComplianceFigures(days=days, breaches={each.campaign: list(each.breaches) for each in days})

    @router.get(
        "/compliance.csv",
        tags=["compliance"],
        responses={**_REFUSED, **file_of("text/csv", "A line for each campaign")},
        response_class=Response,
    )
    async def compliance_csv(
        _: Reader, day: Day = None, campaign: OneCampaign = "", rules: RuleChoice | None = None
    ) -> Response:
        """The same as CSV that no spreadsheet takes for formulas."""
        days = await _days(auditing, day, campaign, rules)
        out = io.StringIO()
        csv.writer(out).writerows(map(cell, row) for row in rows_of(days))
        return download(out.getvalue().encode(), CSV, f"{_name_of(days)}.csv")

    @router.get(
        "/compliance.pdf",
        tags=["compliance"],
        responses={**_REFUSED, **file_of(PDF, "A page for each campaign")},
        response_class=Response,
    )
    async def compliance_report(
        _: Reader, day: Day = None, campaign: OneCampaign = "", rules: RuleChoice | None = None
    ) -> Response:
        """The same as a document to be filed."""
        days = await _days(auditing, day, campaign, rules)
        return download(
            await asyncio.to_thread(compliance_pdf, days, site, datetime.now(UTC)), PDF, f"{_name_of(days)}.pdf"
        )

    @router.get("/reviews/shares", tags=["reviews"])
    async def review_shares(_: Reviewer) -> list[ReviewShareView]:
        """The share of false positives of each campaign's detector, with its interval."""
        return await auditing.review_shares()


def _add_keeping(router: APIRouter, auditing: AuditControl) -> None:
    @router.get("/recordings", tags=["recordings"], responses=_REFUSED)
    async def recordings(
        _: Auditor,
        call_ref: Wanted = "",
        agent: Wanted = "",
        campaign: Wanted = "",
        outcome: Wanted = "",
        since: Moment = None,
        until: Moment = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    ) -> FoundRecordings:
        """Recorded calls, without numbers."""
        search = RecordingSearch(call_ref, agent, campaign, outcome, since, until)
        found = await _asked(auditing.recordings(search, limit + 1, offset))
        return FoundRecordings(recordings=found[:limit], next_offset=offset + limit if len(found) > limit else None)

    @router.get("/retention", tags=["recordings"])
    async def retention(_: Reader) -> RetentionView:
        """How long things are kept, and which calls are under a legal hold."""
        return await auditing.retention()

    @router.get("/certificates", tags=["recordings"], responses=_REFUSED)
    async def certificates(_: Overseer, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> CertificatesView:
        """What was destroyed, when, under which rule, by whom; each certificate is verified first."""
        return await _asked(auditing.certificates(limit))

    @router.get(
        "/certificates.jsonl",
        tags=["recordings"],
        responses={**_NONE, **file_of(JSON_LINES, "docs/retention.md")},
        response_class=FileResponse,
    )
    async def certificates_file(_: Overseer) -> FileResponse:
        """Every certificate as it stands there, to be verified without us."""
        try:
            path = auditing.certificates_file()
        except KeyError:
            raise HTTPException(404, "Nothing was destroyed yet.") from None
        return FileResponse(path, media_type=JSON_LINES, filename="recordings.certificates")


async def _days(
    auditing: AuditControl, day: date | None, campaign: str, rules: RuleChoice | None
) -> list[ComplianceDay]:
    if day is not None and not FIRST.date() <= day < LAST.date():
        raise HTTPException(409, "No call was or will be on that day.")
    return await _asked(auditing.compliance(day, campaign, rules))


async def _asked(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except UsageError as error:
        raise HTTPException(409, str(error)) from None


def _name_of(days: Sequence[ComplianceDay]) -> str:
    return f"compliance-{days[0].day}" if days else "compliance"


def download(content: bytes, media_type: str, name: str) -> Response:
    return Response(content, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'})
