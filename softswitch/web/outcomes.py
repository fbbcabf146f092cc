"""What campaigns came to, over REST: AAPOR's rates with their counts and the quotas, for those who oversee."""

import csv
import io
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import Response

from softswitch.store.cdr import cell
from softswitch.survey.outcomes import Outcomes
from softswitch.web.accounts import Account, Role
from softswitch.web.answers import carry_out
from softswitch.web.audit_control import AuditControl
from softswitch.web.auditing import CSV, FIRST, LAST, download, file_of, written_as
from softswitch.web.roles import only
from softswitch.web.schemas import Name, Problem

Reader = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR))]
_A_DAY = Annotated[date, written_as(r"\d{4}-\d\d-\d\d")]
FirstDay = Annotated[
    _A_DAY | None, Query(description="In the site's time zone; left out: from the campaign's beginning.")
]
LastDay = Annotated[_A_DAY | None, Query(description="That day included; left out: until now.")]
Eligible = Annotated[
    float | None,
    Query(ge=0, le=1, allow_inf_nan=False, description="Eligible share of the unknown; left out: as among the known."),
]
_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such name"},
    409: {"model": Problem, "description": "Not so; the text says what to do"},
}


def add_outcomes(router: APIRouter, auditing: AuditControl) -> None:
    async def found(campaign: str, since: date | None, until: date | None, e: float | None) -> Outcomes:
        if not all(day is None or FIRST.date() <= day < LAST.date() for day in (since, until)):
            raise HTTPException(409, "No call was or will be on that day.")
        return await carry_out(auditing.outcomes(campaign, since, until, e))

    @router.get("/campaigns/{name}/outcomes", tags=["campaigns"], responses=_REFUSED)
    async def outcomes(
        name: Name, _: Reader, since: FirstDay = None, until: LastDay = None, e: Eligible = None
    ) -> Outcomes:
        """Final dispositions, outcome rates by AAPOR's Standard Definitions, and quotas. Of a period the leads that
        were tried in it count, by what came of them in it."""
        return await found(name, since, until, e)

    @router.get(
        "/campaigns/{name}/outcomes.csv",
        tags=["campaigns"],
        responses={**_REFUSED, **file_of("text/csv", "A line for each figure")},
        response_class=Response,
    )
    async def outcomes_csv(
        name: Name, _: Reader, since: FirstDay = None, until: LastDay = None, e: Eligible = None
    ) -> Response:
        """The same as CSV that no spreadsheet takes for formulas."""
        out = io.StringIO()
        csv.writer(out).writerows(map(cell, row) for row in (await found(name, since, until, e)).rows())
        return download(out.getvalue().encode(), CSV, "outcomes.csv")
