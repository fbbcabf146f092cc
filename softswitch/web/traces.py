"""A call's messages over REST: masked for supervisors, whole for auditors and administrators who say why."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response

from softswitch.errors import UsageError
from softswitch.safeguards.trace_view import TraceView
from softswitch.web.accounts import Account, Role
from softswitch.web.control import SwitchControl
from softswitch.web.roles import check_proof, only
from softswitch.web.schemas import Problem

FEWEST_LETTERS = 5
"""Of a reason that says something."""
PCAP = "application/vnd.tcpdump.pcap"  # IANA

Reader = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR))]
CallName = Annotated[str, Path(min_length=1, max_length=256, pattern=r"^[^/\x00-\x1f\x7f]+$")]
Whole = Annotated[bool, Query(description="With numbers and names; for auditors and administrators.")]
Reason = Annotated[str, Query(max_length=200, description="Why the whole is looked at; noted in the audit log.")]

_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "None of the call's messages is remembered"},
    409: {"model": Problem, "description": "Not so; the text says what to do"},
}
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {PCAP: {}}, "description": "A capture file"}}


def add_traces(router: APIRouter, control: SwitchControl) -> None:
    @router.get("/calls/{call}/trace", tags=["calls"], responses=_REFUSED)
    async def trace(
        request: Request, call: CallName, account: Reader, whole: Whole = False, reason: Reason = ""
    ) -> TraceView:
        """The call's SIP messages on all its legs. `call` is a call reference, a leg's id or a Call-ID."""
        _check(request, account, whole, reason)
        try:
            return await control.trace(call, by=account.name, whole=whole, reason=reason)
        except (UsageError, KeyError) as error:
            raise _refusal(error) from None

    @router.get("/calls/{call}/pcap", tags=["calls"], responses={**_REFUSED, **_FILE}, response_class=Response)
    async def capture(
        request: Request, call: CallName, account: Reader, whole: Whole = False, reason: Reason = ""
    ) -> Response:
        """The same messages as a capture file; each is one UDP packet there, whatever it went over."""
        _check(request, account, whole, reason)
        try:
            data = await control.capture(call, by=account.name, whole=whole, reason=reason)
        except (UsageError, KeyError) as error:
            raise _refusal(error) from None
        return Response(data, media_type=PCAP)


def _check(request: Request, account: Account, whole: bool, reason: str) -> None:
    if whole and not account.holds(Role.ADMINISTRATOR, Role.AUDITOR):
        raise HTTPException(403, f"The role {account.role} sees calls with masked numbers only.")
    if whole and sum(letter.isalpha() for letter in reason) < FEWEST_LETTERS:
        raise HTTPException(409, "Say in `reason` why numbers and names are looked at; it is noted in the audit log.")
    if whole:
        check_proof(request)


def _refusal(error: UsageError | KeyError) -> HTTPException:
    if isinstance(error, UsageError):
        return HTTPException(409, str(error))
    return HTTPException(404, "None of this call's messages is remembered.")
