"""Leads as a file over REST, as `softswitch leads export` has them without `--persons`: nothing says who anybody is.

Numbers and names leave the vault by the command alone, whose user holds its key and says why.
"""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from softswitch.store.lead_export import lead_lines
from softswitch.web.accounts import Account, Role
from softswitch.web.answers import carry_out
from softswitch.web.control import SwitchControl
from softswitch.web.roles import only
from softswitch.web.schemas import Name, Problem

Reader = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR))]
CSV = "text/csv; charset=utf-8"


def add_lead_export(router: APIRouter, control: SwitchControl) -> None:
    @router.get(
        "/campaigns/{name}/leads.csv",
        tags=["campaigns"],
        response_class=StreamingResponse,
        responses={
            200: {"content": {"text/csv": {}}, "description": "A line for each lead"},
            404: {"model": Problem, "description": "No such name"},
        },
    )
    async def export(name: Name, _: Reader) -> StreamingResponse:
        """Every lead of the campaign and what became of it, without number and name."""
        leads = await carry_out(control.leads_of(name))
        named = {"content-disposition": 'attachment; filename="leads.csv"'}
        return StreamingResponse(lead_lines(leads), media_type=CSV, headers=named)
