"""The administrator's part of the API: all that the page /admin does. Changes need a fresh proof of who asks."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from softswitch.safeguards.site_setup import (
    AgentsReport,
    Job,
    PhoneOffer,
    PromptReport,
    Saved,
    SiteSetup,
    TestCall,
    Upload,
)
from softswitch.web.accounts import Account, Role
from softswitch.web.admin_schemas import (
    AgentsUpload,
    CampaignChange,
    ListUpload,
    Name,
    PromptName,
    Ref,
    SiteChange,
    TestCallWish,
    TrunkChange,
    Uploaded,
)
from softswitch.web.administration import Administration
from softswitch.web.answers import carry_out
from softswitch.web.guard import caller_of
from softswitch.web.networks import Networks, is_this_machine
from softswitch.web.roles import check_proof, only
from softswitch.web.schemas import Problem

Administrator = Annotated[Account, Depends(only(Role.ADMINISTRATOR))]
_PROVED = [Depends(check_proof)]
_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is none"},
    409: {"model": Problem, "description": "Not so, or not now; the text says what to do"},
}
LONGEST = 64
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
_TAKES_FILE = {
    "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
_GIVES_FILE: dict[int | str, dict[str, Any]] = {
    **_REFUSED,
    200: {
        "content": {"text/plain": {}, "application/xml": {}},
        "description": "The phone's file; it holds the phone's password",
    },
}


def add_administration(parent: APIRouter, administration: Administration) -> None:
    router = APIRouter(prefix="/admin", tags=["administration"])
    _add_configuration(router, administration)
    _add_agents(router, administration)
    _add_lists(router, administration)
    _add_test_calls(router, administration)
    parent.include_router(router)


def _add_configuration(router: APIRouter, administration: Administration) -> None:
    def route(method: str, path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return router.api_route(path, methods=[method], responses=_REFUSED, dependencies=_PROVED)

    @router.get("/setup", responses=_REFUSED)
    async def setup(_: Administrator) -> SiteSetup:
        """The site's file as it is now, and what of it waits for a restart. No secret is in it."""
        return await carry_out(administration.setup())

    @route("PUT", "/site")
    async def change_site(change: SiteChange, account: Administrator) -> Saved:
        """Name, time zone and country."""
        return await carry_out(administration.change_site(change.told(), account.name))

    @route("PUT", "/trunks/{name}")
    async def put_trunk(name: Name, change: TrunkChange, account: Administrator) -> Saved:
        """Change a trunk, or add one. Its password goes into a file of its own."""
        return await carry_out(administration.put_trunk(name, change.told(), change.password, account.name))

    @route("DELETE", "/trunks/{name}")
    async def remove_trunk(name: Name, account: Administrator) -> Saved:
        return await carry_out(administration.remove("trunks", name, account.name))

    @route("PUT", "/campaigns/{name}")
    async def put_campaign(name: Name, change: CampaignChange, account: Administrator) -> Saved:
        """Change a campaign, or add one."""
        return await carry_out(administration.put_campaign(name, change.told(), account.name))

    @route("DELETE", "/campaigns/{name}")
    async def remove_campaign(name: Name, account: Administrator) -> Saved:
        """Its leads and records stay."""
        return await carry_out(administration.remove("campaigns", name, account.name))

    @route("PUT", "/campaigns/{name}/script")
    async def put_script(name: Name, uploaded: Uploaded, account: Administrator) -> Saved:
        """What its agents say and ask: an uploaded TOML or YAML file, checked first."""
        return await carry_out(administration.put_script(name, uploaded.upload_ref, account.name))

    @route("PUT", "/prompts/{name}")
    async def put_prompt(name: PromptName, uploaded: Uploaded, account: Administrator) -> PromptReport:
        """A message: an uploaded WAV or FLAC file of 2 to 60 s, whose level is checked."""
        return await carry_out(administration.put_prompt(name, uploaded.upload_ref, account.name))

    @route("POST", "/apply")
    async def apply_trunks(account: Administrator) -> Saved:
        """Bring the trunks that wait into force: those that carry no call any more. Each is tried when it is saved."""
        return await carry_out(administration.apply_trunks(account.name))

    @router.post("/restart", status_code=204, responses=_REFUSED, dependencies=_PROVED)
    async def restart(account: Administrator) -> None:
        """Begin again with the file as it is now. Refused while calls are up; everybody logs in again."""
        await carry_out(administration.ask_restart(account.name))

    for path, allowed in (("/trunks/{name}", "DELETE, PUT"), ("/campaigns/{name}", "DELETE, PUT")):
        _refuse_others(router, path, allowed)


def _add_agents(router: APIRouter, administration: Administration) -> None:
    @router.post("/agents", responses=_REFUSED, dependencies=_PROVED)
    async def import_agents(uploaded: AgentsUpload, account: Administrator) -> AgentsReport:
        """Add or change agents by an uploaded CSV file: all of it, or with one mistake nothing."""
        return await carry_out(
            administration.import_agents(uploaded.upload_ref, uploaded.columns, account.name, dry_run=uploaded.dry_run)
        )

    @router.delete("/agents/{name}", responses=_REFUSED, dependencies=_PROVED)
    async def remove_agent(name: Name, account: Administrator) -> Saved:
        return await carry_out(administration.remove("agents", name, account.name))

    @router.get("/phones/{name}/file", responses=_GIVES_FILE, response_class=Response, dependencies=_PROVED)
    async def phone_file(name: Name, account: Administrator) -> Response:
        """The provisioning file of an agent's phone: keep it from everybody else."""
        file = await carry_out(administration.phone_file(name, account.name))
        return Response(
            file.content,
            media_type=file.media_type,
            headers={"content-disposition": f'attachment; filename="{file.name}"'},
        )

    @router.post("/phones/{name}/offer", responses=_REFUSED, dependencies=_PROVED)
    async def offer_phone_file(name: Name, account: Administrator) -> PhoneOffer:
        """Let the phone fetch its file itself: once, within an hour, from the agents' network."""
        return await carry_out(administration.offer_phone_file(name, account.name))


def _add_lists(router: APIRouter, administration: Administration) -> None:
    @router.post("/uploads", responses=_REFUSED, openapi_extra=_TAKES_FILE)
    async def upload(
        request: Request, account: Administrator, name: Annotated[str, Query(max_length=200)] = "file"
    ) -> Upload:
        """Send a file as the body, up to 256 MiB. It is deleted once it is used, or after half an hour."""
        return await carry_out(administration.upload(name, request.stream(), account.name))

    @router.delete("/uploads/{upload_ref}", status_code=204, responses=_REFUSED)
    async def drop_upload(upload_ref: Ref, account: Administrator) -> None:
        await carry_out(administration.drop_upload(upload_ref, account.name))

    @router.post("/lists", responses=_REFUSED, dependencies=_PROVED)
    async def import_leads(uploaded: ListUpload, account: Administrator) -> Job:
        """Begin to import an uploaded list, or to say what that would do."""
        return await carry_out(
            administration.import_leads(
                uploaded.upload_ref, uploaded.campaign, uploaded.columns, account.name, dry_run=uploaded.dry_run
            )
        )

    @router.post("/never-dial", responses=_REFUSED, dependencies=_PROVED)
    async def import_never_dial(uploaded: Uploaded, account: Administrator) -> Job:
        """Begin to put an uploaded list in the place of the never-dial list. Only keyed hashes are kept."""
        return await carry_out(administration.import_never_dial(uploaded.upload_ref, account.name))

    @router.get("/jobs")
    async def jobs(_: Administrator) -> list[Job]:
        """Imports, newest first."""
        return administration.jobs()

    @router.get("/jobs/{job_ref}", responses=_REFUSED)
    async def job(job_ref: Ref, _: Administrator) -> Job:
        try:
            return administration.job(job_ref)
        except KeyError:
            raise HTTPException(404, "There is no such import.") from None


def _add_test_calls(router: APIRouter, administration: Administration) -> None:
    @router.post("/test-calls", responses=_REFUSED, dependencies=_PROVED)
    async def test_call(wish: TestCallWish, account: Administrator) -> TestCall:
        """Call a number over a trunk. Never-dial list, interlocks and toll guard count as for every call."""
        return await carry_out(administration.test_call(wish.trunk, wish.number, account.name))

    @router.get("/test-calls")
    async def last_test_call(_: Administrator) -> TestCall | None:
        """The test call of this moment, or the last one."""
        return administration.last_test_call()

    _refuse_others(router, "/test-calls", "GET, POST")


def _refuse_others(router: APIRouter, path: str, allowed: str) -> None:
    """Two handlers on one path: left alone, the router would name the first one's method as all there is."""

    async def neither_of_both() -> None:
        raise HTTPException(405, "Method Not Allowed", {"allow": allowed})

    others = [method for method in _METHODS if method not in allowed.split(", ")]
    router.add_api_route(path, neither_of_both, methods=others, include_in_schema=False)


def phone_file_router(administration: Administration, networks: Networks) -> APIRouter:
    """The one path that phones fetch files from, open to those of the agents' network over TLS, and to this machine.
    Whatever is wrong, the answer is the same."""
    router = APIRouter(include_in_schema=False)

    @router.get("/provisioning/{token}/{name}")
    async def take_phone_file(token: str, name: str, request: Request) -> Response:
        source = caller_of(request.scope, request.headers).source
        is_private = request.url.scheme == "https" or is_this_machine(source)
        if source not in networks or not is_private or len(token) > LONGEST or len(name) > LONGEST:
            raise HTTPException(404, "Not Found")
        try:
            file = await administration.take_phone_file(token, name, source)
        except KeyError:
            raise HTTPException(404, "Not Found") from None
        return Response(file.content, media_type=file.media_type)

    return router
