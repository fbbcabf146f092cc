"""Every route and every event of the live socket, with every role; what nobody has made a rule for fails here.

The API's own matrix is in test_guard.py; here are the pages, NiceGUI's routes and sockets, and what is noted of whom.
"""

import asyncio
import re

import httpx
import pytest
import websockets
from memory_people import PASSWORD
from nicegui import core
from site_client import Site, log_in, served, session_cookie
from starlette.routing import BaseRoute, Mount

from softswitch.web.accounts import Role
from softswitch.web.guard import OPEN_PATHS, PHONE_FILES
from softswitch.web.room import WebSettings

WHO = {
    Role.AGENT: "101",
    Role.SUPERVISOR: "sue",
    Role.ADMINISTRATOR: "ada",
    Role.AUDITOR: "otto",
}
WATCHERS = {Role.SUPERVISOR, Role.ADMINISTRATOR}
OUTSIDE_THE_API = {
    # (path or its beginning): the roles that may go there
    "/": set(Role),  # who has another page is sent on to it
    "/agent": {Role.AGENT},
    "/training": WATCHERS,
    "/admin": {Role.ADMINISTRATOR},
    "/audit": {Role.AUDITOR},
    "/audit/recordings": {Role.AUDITOR},
    "/audit/assets": {Role.AUDITOR},
    "/audit/reviews": {Role.SUPERVISOR, Role.AUDITOR},
    "/audit/compliance": set(Role) - {Role.AGENT},
    "/audit/outcomes": set(Role) - {Role.AGENT},
    "/audit/retention": set(Role) - {Role.AGENT},
    "/_nicegui": set(Role),
    "/_nicegui_ws": set(Role),
    "/metrics": WATCHERS,
    "/logout": set(Role),
    "/favicon.ico": set(Role),  # NiceGUI has a route for it once a page with a favicon of its own was made
}
EVENTS = {
    # of NiceGUI's socket: who may send it. All of them need the socket, which the guard opens.
    **dict.fromkeys(
        ("connect", "handshake", "disconnect", "event", "javascript_response", "ack", "log"), frozenset(Role)
    )
}
NOT_NOTED = {
    # what is noted in detail by the command itself, or says nothing of anybody
    "/api/login", "/api/session", "/api/session/proof", "/api/supervision", "/api/agents/{agent}/mute",
    "/api/interlocks/{interlock}/override", "/api/interlocks/{interlock}/override/agreement",
    "/api/requests", "/api/requests/{request}/approval",
    "/api/recordings/{call}/playback", "/api/playbacks/{playback}/listened",
}  # fmt: skip


def templates(routes: list[BaseRoute], prefix: str = "") -> set[tuple[str, str]]:
    """(method, path with its parameters) of each route, mounted applications included."""
    found: set[tuple[str, str]] = set()
    for route in routes:
        if isinstance(route, Mount):
            found.add(("GET", f"{prefix}{route.path}"))
            found |= templates(list(route.routes or []), prefix + route.path)
        elif hasattr(route, "original_router"):  # FastAPI keeps an included router as one lazy route
            found |= templates(list(route.original_router.routes), prefix)
        elif hasattr(route, "path"):
            found |= {(method, prefix + route.path) for method in getattr(route, "methods", None) or {"GET"}}
    return found


def rule_of(path: str) -> set[Role] | None:
    if path in OUTSIDE_THE_API:
        return OUTSIDE_THE_API[path]
    first = next((start for start in OUTSIDE_THE_API if start != "/" and path.startswith(f"{start}/")), None)
    return None if first is None else OUTSIDE_THE_API[first]


def test_every_page_and_every_route_of_the_page_library_has_a_rule_and_keeps_it() -> None:
    async def story() -> None:
        site = Site(pages=True)
        walked = {(m, p) for m, p in templates(list(site.app.routes)) if not p.startswith("/api/") and p}
        assert len(walked) > 10
        for method, template in sorted(walked):
            if template in OPEN_PATHS or template.startswith(PHONE_FILES):
                continue
            allowed = rule_of(template)
            assert allowed is not None, f"{method} {template} has no rule: add one here and in softswitch.web.guard"
            path = re.sub(r"{[^}]*}", "x", template)
            for role, name in WHO.items():
                if role in allowed:
                    continue  # what the library answers is its own; the API's matrix looks at both sides
                async with site.client(name) as client:
                    response = await client.request(method, path)
                assert response.status_code == 403, (method, template, role)

    asyncio.run(story())


def test_every_event_of_the_live_socket_has_a_rule() -> None:
    assert set(core.sio.handlers["/"]) == set(EVENTS)


@pytest.mark.parametrize("role", [*WHO, None])
def test_no_event_reaches_the_socket_from_a_role_that_may_not_send_it(role: Role | None) -> None:
    async def story() -> None:
        site = Site(WebSettings(reconnect_s=0.2), pages=True)
        async with served(site) as server, httpx.AsyncClient(base_url=server.url) as client:
            headers = {"Origin": server.url.rstrip("/")}
            if role is not None:
                await log_in(client, WHO[role])
                headers["Cookie"] = f"softswitch_session={session_cookie(client).value}"
            url = f"ws://127.0.0.1:{server.port}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
            allowed = {event for event, roles in EVENTS.items() if role in roles}
            if not allowed:
                with pytest.raises(websockets.InvalidStatus) as refused:
                    async with websockets.connect(url, additional_headers=headers, proxy=None):
                        pass
                assert refused.value.response.status_code == 403
                return
            assert allowed == set(EVENTS)
            async with websockets.connect(url, additional_headers=headers, proxy=None) as socket:
                assert str(await socket.recv()).startswith("0")
                await socket.send("40")
                assert str(await socket.recv()).startswith("40")
                before = dict(site.switch.states), list(site.switch.killed_by)
                for event in sorted(allowed - {"connect", "disconnect"}):  # of pages that are nobody's
                    body = '{"client_id":"made-up","id":1,"listener_id":"x","args":{},"next_message_id":0}'
                    await socket.send(f'42["{event}",{body}]')
                await socket.send("42" + '["no such event",{}]')
                assert (dict(site.switch.states), list(site.switch.killed_by)) == before

    asyncio.run(story())


def test_whatever_is_asked_of_the_api_by_anybody_but_an_agent_is_noted_first() -> None:
    async def story() -> None:
        site = Site()
        site.switch.place_call("c1", "101", "in call")
        walked = {(m, p) for m, p in templates(list(site.app.routes)) if p.startswith("/api/")}
        for method, template in sorted(walked):
            if template in NOT_NOTED or template == "/api/openapi.json" or method in ("HEAD", "OPTIONS"):
                continue
            path = re.sub(r"{agent}", "101", template)
            path = re.sub(r"{name}", "transport-2026", path)
            path = re.sub(r"{[^}]*}", "c1", path)
            site.journal.records.clear()
            async with site.client("sue") as client:
                response = await client.request(method, path, json={} if method == "POST" else None)
            if response.status_code == 405:
                continue
            assert ("sue", path) in {(actor, subject) for actor, _, subject, _ in site.journal.records}, (method, path)

    asyncio.run(story())


def test_a_look_is_noted_once_in_a_while_and_a_command_each_time() -> None:
    async def story() -> None:
        site = Site()
        for _ in range(3):
            await site.get("sue", "/api/wallboard")
            await site.post("sue", "/api/campaigns/transport-2026/pause")
        assert site.journal.actions("sue") == ["log in", "see", "pause", "pause", "pause"]

    asyncio.run(story())


def test_an_agents_own_state_is_not_noted() -> None:
    async def story() -> None:
        site = Site()
        await site.post("101", "/api/agents/101/login")
        await site.get("101", "/api/agents/101")
        assert site.journal.actions("101") == ["log in"]

    asyncio.run(story())


def test_nothing_is_shown_or_done_that_cannot_be_noted_but_the_site_can_always_be_made_quiet() -> None:
    async def story() -> None:
        site = Site()
        site.switch.present.append("sue")
        await site.get("sue", "/api/interlocks")
        site.journal.trouble = "the audit log cannot be written: No space left on device"
        assert (await site.get("sue", "/api/wallboard")).status_code == 503
        assert (await site.post("sue", "/api/campaigns/transport-2026/start")).status_code == 503
        assert site.switch.campaign_state == "stopped"
        assert (await site.post("sue", "/api/kill-switch")).status_code == 204
        assert site.switch.killed_by == ["sue"]
        async with site.client() as client:
            refused = await log_in(client, "ada")
            assert refused.status_code == 503
            assert "No space left" in refused.text
            assert "set-cookie" not in refused.headers
        site.journal.trouble = ""
        assert (await site.get("sue", "/api/wallboard")).status_code == 200

    asyncio.run(story())


def test_two_administrators_override_an_interlock_and_dangerous_things_are_proved_again() -> None:
    async def story() -> None:
        site = Site()
        site.accounts.rows["abe"] = site.accounts.rows["ada"]
        path, wish = "/api/interlocks/supervisor/override", {"minutes": 10, "reason": "the bus is late"}
        async with site.client() as client:
            await log_in(client, "ada")
            same = {"sec-fetch-site": "same-origin"}
            assert (await client.post(path, json=wish, headers=same)).status_code == 403  # no token
            state = (await client.get("/api/session")).json()
            same["x-csrf-token"] = state["csrf"]
            assert state["proved_for_s"] > 0
            for session in site.room.sessions._sessions.values():
                session.proved_at -= 3600
            stale = await client.post(path, json=wish, headers=same)
            assert stale.status_code == 403
            assert "Prove again" in stale.json()["detail"]
            wrong = await client.post("/api/session/proof", json={"password": "guess"}, headers=same)
            assert wrong.status_code == 401
            proof = await client.post("/api/session/proof", json={"password": PASSWORD}, headers=same)
            assert proof.status_code == 200
            assert (await client.post(path, json=wish, headers=same)).status_code == 204
            own = await client.post(f"{path}/agreement", headers=same)
            assert own.status_code == 409
        assert (await site.post("abe", f"{path}/agreement")).status_code == 204
        (view,) = (await site.get("otto", "/api/overrides")).json()
        assert (view["asked_by"], view["agreed_by"]) == ("ada", "abe")
        assert (await site.post("abe", "/api/interlocks/moon/override", wish)).status_code == 404
        async with site.client("abe") as client:
            assert (await client.delete(path)).status_code == 204

    asyncio.run(story())
