"""Every way in, walked: HTTP routes of ours, everything that NiceGUI brings, and paths that nobody has written yet."""

import asyncio
import re

import pytest
from fastapi.routing import APIRoute
from site_client import Site, log_in, shared_site
from small_site import CANARY
from starlette.routing import BaseRoute, Mount, Route

from softswitch.web.guard import OPEN_PATHS, PHONE_FILES


def every_path(routes: list[BaseRoute], prefix: str = "") -> set[tuple[str, str]]:
    """(method, path) of each route, mounted applications included, parameters filled in."""
    found: set[tuple[str, str]] = set()
    for route in routes:
        if isinstance(route, Mount):
            found.add(("GET", f"{prefix}{route.path}/anything"))
            found |= every_path(list(route.routes or []), prefix + route.path)
        elif isinstance(route, (APIRoute, Route)):
            path = re.sub(r"{[^}]*}", "x", prefix + route.path)
            found |= {(method, path) for method in route.methods or {"GET"}}
        elif hasattr(route, "original_router"):  # FastAPI keeps an included router as one lazy route
            found |= every_path(list(route.original_router.routes), prefix)
    return found


UNWRITTEN = {
    ("GET", path)
    for path in ("/nothing", "/docs", "/redoc", "/openapi.json", "/api", "/healthz/", "/healthz/../api/wallboard", "//")
} | {("POST", "/healthz2"), ("DELETE", "/api/wallboard"), ("GET", "/login/"), ("GET", "/login/page.css")}


def test_without_a_login_nothing_but_the_open_paths_answers() -> None:
    async def story() -> None:
        site = Site(pages=True)
        walked = every_path(list(site.app.routes)) | UNWRITTEN
        assert {"/api/wallboard", "/metrics", "/", "/_nicegui_ws/anything", "/api/openapi.json"} <= {
            p for _, p in walked
        }
        async with site.client() as client:
            for method, path in sorted(walked):
                if path in OPEN_PATHS:
                    continue
                response = await client.request(method, path)
                no_token = path.startswith(PHONE_FILES) and response.status_code == 404
                assert response.status_code == 401 or no_token, (method, path, response.status_code)

    asyncio.run(story())


def test_a_browser_without_a_login_is_led_to_the_login_page_and_back() -> None:
    async def story() -> None:
        async with Site().client() as client:
            response = await client.get("/?a=b&c", headers={"accept": "text/html"})
            assert response.status_code == 303
            assert response.headers["location"] == "/login?next=/%3Fa%3Db%26c"

    asyncio.run(story())


def test_whoever_has_no_business_on_a_page_is_told_so_and_can_log_out() -> None:
    async def story() -> None:
        async with shared_site().client("otto") as client:
            response = await client.get("/admin", headers={"accept": "text/html"})
            assert response.status_code == 403
            assert "logged in as auditor" in response.text
            assert 'action="/logout"' in response.text

    asyncio.run(story())


def test_health_says_that_the_loop_runs_and_nothing_else() -> None:
    async def story() -> None:
        async with Site().client() as client:
            response = await client.get("/healthz")
            assert response.status_code == 200
            assert response.json() == {"status": "ok"}

    asyncio.run(story())


METHODS = ("GET", "POST", "DELETE")
EVERYBODY = {"101", "otto", "sue", "ada"}
WATCHERS = {"sue", "ada"}
MATRIX = [
    ("GET", "/api/wallboard", WATCHERS),
    ("GET", "/api/interlocks", WATCHERS | {"otto"}),
    ("GET", "/api/status", WATCHERS | {"otto"}),
    ("GET", "/api/calls", WATCHERS),
    ("GET", "/api/campaigns", WATCHERS | {"otto"}),
    ("GET", "/api/campaigns/transport-2026", WATCHERS | {"otto"}),
    ("GET", "/api/campaigns/transport-2026/calls", WATCHERS | {"otto"}),
    ("GET", "/api/campaigns/transport-2026/leads.csv", WATCHERS | {"otto"}),
    ("POST", "/api/campaigns/transport-2026/start", WATCHERS),
    ("POST", "/api/campaigns/transport-2026/pause", WATCHERS),
    ("POST", "/api/campaigns/transport-2026/stop", WATCHERS),
    ("GET", "/api/agents", WATCHERS),
    ("GET", "/api/agents/101", WATCHERS | {"101"}),
    ("GET", "/api/agents/102", WATCHERS),
    ("GET", "/api/agents/101/call", WATCHERS | {"101"}),
    ("GET", "/api/agents/102/call", WATCHERS),
    ("POST", "/api/agents/101/login", WATCHERS | {"101"}),
    ("POST", "/api/agents/102/login", WATCHERS),
    ("POST", "/api/agents/102/logout", WATCHERS),
    ("POST", "/api/agents/102/ready", WATCHERS),
    ("POST", "/api/agents/102/pause", WATCHERS),
    ("POST", "/api/agents/102/disposition", WATCHERS),
    ("POST", "/api/agents/102/callback", WATCHERS),
    ("POST", "/api/agents/102/preview/accept", WATCHERS),
    ("POST", "/api/agents/102/preview/skip", WATCHERS),
    ("POST", "/api/agents/102/dial", WATCHERS),
    ("GET", "/api/campaigns/transport-2026/callbacks", WATCHERS | {"otto"}),
    ("POST", "/api/campaigns/transport-2026/callbacks", WATCHERS),
    ("DELETE", "/api/campaigns/transport-2026/callbacks", EVERYBODY),  # is answered with 405
    ("DELETE", "/api/campaigns/transport-2026/callbacks/x", WATCHERS),
    ("GET", "/api/agents/101/page", WATCHERS | {"101"}),
    ("GET", "/api/agents/102/page", WATCHERS),
    ("GET", "/api/agents/101/interview", WATCHERS | {"101"}),
    ("GET", "/api/agents/102/interview", WATCHERS),
    ("POST", "/api/agents/102/interview/answer", WATCHERS),
    ("POST", "/api/agents/102/interview/back", WATCHERS),
    ("POST", "/api/agents/102/interview/x", WATCHERS),
    ("POST", "/api/agents/102/opt-out", WATCHERS),
    ("POST", "/api/agents/102/hangup", WATCHERS),
    ("POST", "/api/agents/102/digit", WATCHERS),
    ("POST", "/api/agents/102/headset-test", WATCHERS),
    ("GET", "/api/training/scenarios", WATCHERS),
    ("GET", "/api/training/results", WATCHERS),
    ("GET", "/api/training/voices/x", WATCHERS | {"101"}),
    ("GET", "/api/agents/102/training", WATCHERS),
    ("POST", "/api/agents/102/training", WATCHERS),
    ("DELETE", "/api/agents/102/training", WATCHERS),
    ("POST", "/api/agents/102/training/finish", WATCHERS),
    ("GET", "/training", WATCHERS),
    ("POST", "/api/agents/102/headset-test/passed", WATCHERS),
    ("GET", "/api/interviews", WATCHERS),
    ("GET", "/api/campaigns/transport-2026/quotas", WATCHERS),
    ("POST", "/api/calls/x/hangup", WATCHERS),
    ("GET", "/api/calls/x/trace", WATCHERS | {"otto"}),
    ("GET", "/api/calls/x/pcap", WATCHERS | {"otto"}),
    ("POST", "/api/kill-switch", WATCHERS),
    ("POST", "/api/agent/headset", {"101"}),
    ("DELETE", "/api/agent/headset", {"101"}),
    ("POST", "/api/supervisor/headset", WATCHERS),
    ("GET", "/api/agent/headset", EVERYBODY),  # is answered with 405
    ("GET", "/api/supervisor/headset", EVERYBODY),
    ("DELETE", "/api/supervisor/headset", WATCHERS),
    ("GET", "/api/supervision", WATCHERS),
    ("POST", "/api/supervision", WATCHERS),
    ("DELETE", "/api/supervision", WATCHERS),
    ("POST", "/api/agents/101/mute", WATCHERS),
    ("DELETE", "/api/agents/101/mute", WATCHERS),
    ("GET", "/api/agents/101/mute", EVERYBODY),  # is answered with 405
    ("GET", "/api/conversations", WATCHERS),
    ("GET", "/api/supervisor/audio", WATCHERS),
    ("POST", "/api/supervisor/audio/tone", WATCHERS),
    ("POST", "/api/supervisor/audio/passed", WATCHERS),
    ("GET", "/api/shift", WATCHERS | {"otto"}),
    ("GET", "/api/alerts", WATCHERS),
    ("POST", "/api/alerts/x/seen", WATCHERS),
    ("POST", "/api/agents/101/recognised", WATCHERS | {"101"}),
    ("POST", "/api/agents/102/recognised", WATCHERS),
    ("GET", "/api/reviews", {"sue", "otto"}),
    ("POST", "/api/reviews/x", {"sue", "otto"}),
    ("GET", "/api/reviews/shares", {"sue", "otto"}),
    ("GET", "/api/audit", {"otto"}),
    ("GET", "/api/audit/verification", {"otto"}),
    ("POST", "/api/audit/verification", {"otto"}),
    ("DELETE", "/api/audit/verification", EVERYBODY),  # is answered with 405
    ("GET", "/api/recordings", {"otto"}),
    ("GET", "/api/retention", WATCHERS | {"otto"}),
    ("GET", "/api/certificates", {"ada", "otto"}),
    ("GET", "/api/certificates.jsonl", {"ada", "otto"}),
    ("GET", "/api/compliance", WATCHERS | {"otto"}),
    ("GET", "/api/compliance.csv", WATCHERS | {"otto"}),
    ("GET", "/api/compliance.pdf", WATCHERS | {"otto"}),
    ("GET", "/api/campaigns/transport-2026/outcomes", WATCHERS | {"otto"}),
    ("GET", "/api/campaigns/transport-2026/outcomes.csv", WATCHERS | {"otto"}),
    ("GET", "/api/overrides", WATCHERS | {"otto"}),
    ("POST", "/api/interlocks/recorder/override", {"ada"}),
    ("DELETE", "/api/interlocks/recorder/override", {"ada"}),
    ("GET", "/api/interlocks/recorder/override", EVERYBODY),  # is answered with 405
    ("POST", "/api/interlocks/recorder/override/agreement", {"ada"}),
    ("GET", "/api/requests", WATCHERS | {"otto"}),
    ("POST", "/api/requests", WATCHERS | {"otto"}),
    ("DELETE", "/api/requests", EVERYBODY),  # is answered with 405
    ("POST", "/api/requests/x/approval", {"ada", "otto"}),
    ("GET", "/api/playbacks", {"ada", "otto"}),
    ("POST", "/api/recordings/x/playback", {"otto"}),
    ("GET", "/api/playbacks/x/parts/x", {"otto"}),
    ("POST", "/api/playbacks/x/listened", {"otto"}),
    ("POST", "/api/login", EVERYBODY),
    ("GET", "/api/session", EVERYBODY),
    ("POST", "/api/session", EVERYBODY),  # is answered with 405
    ("DELETE", "/api/session", EVERYBODY),
    ("POST", "/api/session/proof", EVERYBODY),
    ("GET", "/api/openapi.json", EVERYBODY),
    ("GET", "/metrics", WATCHERS),
    ("GET", "/agent", {"101"}),
    ("GET", "/admin", {"ada"}),
    ("GET", "/audit", {"otto"}),
    ("GET", "/audit/reviews", {"sue", "otto"}),
    ("GET", "/audit/retention", WATCHERS | {"otto"}),
    ("GET", "/_nicegui/3/static/quasar.js", EVERYBODY),
    ("GET", "/_nicegui_ws/socket.io/", EVERYBODY),
    ("GET", "/not-written-yet", set()),
]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    MATRIX,
    ids=lambda value: value if isinstance(value, str) else "+".join(sorted(value)) or "nobody",
)
def test_each_role_enters_only_where_it_may(method: str, path: str, allowed: set[str]) -> None:
    async def story() -> None:
        site = shared_site()
        for name in sorted(EVERYBODY):
            async with site.client(name) as client:
                response = await client.request(method, path, json={} if method == "POST" else None)
                assert (response.status_code != 403) is (name in allowed), (name, response.status_code)
                assert CANARY[-9:] not in response.text

    asyncio.run(story())


def test_the_matrix_names_every_route_of_the_api() -> None:
    routes = {(m, p) for m, p in every_path(list(Site().app.routes)) if p.startswith("/api/") and m in METHODS}
    concrete = {(m, re.sub(r"/(101|102|transport-2026|recorder)\b", "/x", p)) for m, p, _ in MATRIX}
    assert routes <= concrete


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 204),
        ({"origin": "http://site"}, 403),
        ({"origin": "http://site", "x-csrf-token": "own"}, 204),
        ({"sec-fetch-site": "same-origin", "x-csrf-token": "own"}, 204),
        ({"sec-fetch-site": "same-origin", "x-csrf-token": "guessed"}, 403),
        ({"sec-fetch-site": "cross-site", "x-csrf-token": "own"}, 403),
        ({"x-csrf-token": "own"}, 403),
        ({}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://site.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://evil.example", "sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_a_session_changes_state_only_from_our_own_pages(headers: dict[str, str], status: int) -> None:
    async def story(headers: dict[str, str] = headers) -> None:
        site = shared_site()
        site.switch.killed_by.clear()
        async with site.client() as client:
            await log_in(client, "sue")
            if headers.get("x-csrf-token") == "own":
                headers = {**headers, "x-csrf-token": (await client.get("/api/session")).json()["csrf"]}
            response = await client.post("/api/kill-switch", headers=headers)
            assert response.status_code == status
            assert site.switch.killed_by == (["sue"] if status == 204 else [])

    asyncio.run(story())


def test_a_script_with_basic_may_change_state_unless_a_browser_says_that_another_site_sent_it() -> None:
    async def story() -> None:
        site = Site()
        async with site.client("sue") as client:
            assert (await client.post("/api/kill-switch")).status_code == 204
            refused = await client.post("/api/kill-switch", headers={"origin": "http://evil.example"})
            assert refused.status_code == 403

    asyncio.run(story())


def test_every_answer_carries_the_security_headers() -> None:
    async def story() -> None:
        site = Site()
        async with site.client("sue") as client:
            for path in ("/healthz", "/login", "/api/wallboard", "/metrics", "/api/none", "/nothing"):
                headers = (await client.get(path)).headers
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["x-frame-options"] == "DENY"
                assert headers["cache-control"] == "no-store"
                assert "default-src 'none'" in headers["content-security-policy"]
                assert "frame-ancestors 'none'" in headers["content-security-policy"]
                assert "server" not in headers
        async with site.client("sue", scheme="https") as client:
            assert "strict-transport-security" in (await client.get("/healthz")).headers

    asyncio.run(story())


def test_a_body_beyond_the_limit_is_refused_before_it_is_read() -> None:
    async def story() -> None:
        site = Site()
        async with site.client("sue") as client:
            response = await client.post("/api/agents/101/pause", content=b"x" * 70_000)
            assert response.status_code == 413
            odd = await client.post("/api/kill-switch", headers={"content-length": "99999999999999999999"})
            assert odd.status_code == 413

    asyncio.run(story())
