import asyncio
import re

import httpx
import pytest
from site_client import Site, log_in, session_cookie, shared_site

from softswitch.web.accounts import Role
from softswitch.web.passwords import ADMINISTRATOR, first_start
from softswitch.web.room import WebSettings


def test_logging_in_gives_a_cookie_that_scripts_and_other_sites_cannot_use() -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            response = await log_in(client, "sue", next="/metrics")
            assert response.status_code == 303
            assert response.headers["location"] == "/metrics"
            flags = response.headers["set-cookie"].lower()
            assert "httponly" in flags
            assert "samesite=strict" in flags
            assert (await client.get("/api/wallboard")).status_code == 200

    asyncio.run(story())


@pytest.mark.parametrize(
    ("scheme", "settings", "secure"),
    [("https", None, True), ("http", None, False), ("http", WebSettings(secure_cookie=True), True)],
)
def test_the_cookie_is_secure_where_tls_is_spoken(scheme: str, settings: WebSettings | None, secure: bool) -> None:
    async def story() -> None:
        async with Site(settings).client(scheme=scheme) as client:
            response = await log_in(client, "sue")
            assert ("secure" in response.headers["set-cookie"].lower()) is secure

    asyncio.run(story())


def test_wrong_password_and_unknown_name_get_the_same_answer() -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            wrong = await log_in(client, "sue", "guess")
            unknown = await log_in(client, "zoe", "guess")
            assert wrong.status_code == unknown.status_code == 401
            assert wrong.text == unknown.text.replace("zoe", "sue")  # but for the name that was typed
            assert "set-cookie" not in wrong.headers

    asyncio.run(story())


def test_after_many_failures_even_the_right_password_has_to_wait() -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            for _ in range(5):
                assert (await log_in(client, "sue", "guess")).status_code == 401
            response = await log_in(client, "sue")
            assert response.status_code == 429
            assert int(response.headers["retry-after"]) >= 1
        async with site.client("sue") as script:
            assert (await script.get("/api/wallboard")).status_code == 429
        async with site.client(source="10.0.0.7") as elsewhere:
            assert (await log_in(elsewhere, "ada")).status_code == 303

    asyncio.run(story())


def test_logging_out_ends_the_session_on_the_server() -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            await log_in(client, "sue")
            token = session_cookie(client).value
            response = await client.post("/logout", headers={"origin": "http://site"})
            assert response.status_code == 303
            assert response.headers["location"] == "/login"
            again = await client.get("/api/wallboard", headers={"cookie": f"softswitch_session={token}"})
            assert again.status_code == 401

    asyncio.run(story())


def test_a_new_login_never_takes_over_a_token_that_the_browser_brought() -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            client.cookies.set("softswitch_session", "planted")
            await log_in(client, "sue")
            assert {c.value for c in client.cookies.jar if c.domain == "site.local"}.isdisjoint({"planted"})
            answer = await client.get("/api/wallboard", headers={"cookie": "softswitch_session=planted"})
            assert answer.status_code == 401

    asyncio.run(story())


def test_who_is_logged_in_is_led_on_from_the_form_and_who_is_not_any_more_gets_it() -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            await log_in(client, "sue")
            again = await client.get("/login", params={"next": "/training"})
            assert (again.status_code, again.headers["location"]) == (303, "/training")
            assert (await client.get("/login", params={"next": "//evil.example"})).headers["location"] == "/"
            site.room.sessions.end_all()
            assert (await client.get("/login", params={"next": "/training"})).status_code == 200

    asyncio.run(story())


def test_an_idle_session_is_over() -> None:
    async def story() -> None:
        site = Site(WebSettings(idle_s=0.0))
        async with site.client() as client:
            await log_in(client, "sue")
            assert (await client.get("/api/wallboard")).status_code == 401

    asyncio.run(story())


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/login", "/\r\nx: y"],
)
def test_the_way_back_after_a_login_never_leads_to_another_host(target: str) -> None:
    async def story() -> None:
        async with shared_site().client() as client:
            response = await log_in(client, "sue", next=target)
            assert response.headers["location"] == "/"

    asyncio.run(story())


def test_the_login_page_shows_what_it_was_given_as_text_and_carries_no_script() -> None:
    async def story() -> None:
        async with Site().client() as client:
            page = await client.get("/login", params={"next": '/"><script>alert(1)</script>'})
            assert "<script" not in page.text
            assert "script-src" not in page.headers["content-security-policy"]
            assert "default-src 'none'" in page.headers["content-security-policy"]

    asyncio.run(story())


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}, {}])
def test_a_login_that_another_site_sends_is_refused(headers: dict[str, str]) -> None:
    async def story() -> None:
        async with shared_site().client() as client:
            form = {"name": "sue", "password": "correct horse battery"}
            response = await client.post("/login", data=form, headers=headers)
            assert response.status_code == 403

    asyncio.run(story())


def test_a_form_without_fields_or_with_too_many_is_answered_plainly() -> None:
    async def story() -> None:
        async with Site().client() as client:
            same = {"sec-fetch-site": "same-origin"}
            assert (await client.post("/login", headers=same)).status_code == 401
            many = "&".join(f"a{n}=1" for n in range(50))
            assert (await client.post("/login", content=many, headers=same)).status_code == 400
            long = "name=" + "x" * 70_000
            assert (await client.post("/login", content=long, headers=same)).status_code == 413

            async def unannounced():
                for _ in range(80):
                    yield b"x" * 1000

            response = await client.post("/login", content=unannounced(), headers=same)
            assert response.status_code == 413

    asyncio.run(story())


def test_basic_pays_for_one_hash_and_a_changed_password_counts_at_once() -> None:
    async def story() -> None:
        site = Site()
        assert (await site.get("sue", "/api/wallboard")).status_code == 200
        site.accounts.rows["sue"] = (await site.passwords.hash("another"), "supervisor")
        response: httpx.Response = await site.get("sue", "/api/wallboard")
        assert response.status_code == 401

    asyncio.run(story())


def test_basic_is_checked_once_and_then_remembered() -> None:
    async def story() -> None:
        site = Site()
        verified = []
        original = site.passwords._verify
        site.passwords._verify = lambda *a: (verified.append(1), original(*a))[1]  # type: ignore[method-assign]
        for _ in range(5):
            assert (await site.get("sue", "/api/wallboard")).status_code == 200
        assert len(verified) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    "header", ["Basic", "Basic ***", "Basic c3Vl", "Bearer abc", "Basic /////w==", "Basic " + "QQ" * 600]
)
def test_malformed_credentials_are_refused(header: str) -> None:
    async def story() -> None:
        async with shared_site().client() as client:
            response = await client.get("/api/wallboard", headers={"authorization": header})
            assert response.status_code == 401
            assert response.headers["www-authenticate"].startswith("Basic")

    asyncio.run(story())


def test_a_pages_own_script_is_refused_without_the_browser_asking_for_a_password() -> None:
    async def story() -> None:
        async with shared_site().client() as client:
            response = await client.get("/api/wallboard", headers={"sec-fetch-mode": "cors"})
            assert response.status_code == 401
            assert not response.headers["www-authenticate"].startswith("Basic")

    asyncio.run(story())


def test_who_mistypes_a_password_types_the_name_no_more_and_markup_in_it_is_text() -> None:
    async def story() -> None:
        async with Site().client() as client:
            page = (await log_in(client, "otto", "guess")).text
            assert 'value="otto" required maxlength' in page
            assert 'type="password" required autofocus' in page
            page = (await log_in(client, '"><script>alert(1)</script>{{alert}}', "guess")).text
            assert "<script" not in page and page.count('class="alert"') == 1
            assert "required autofocus maxlength" in (await client.get("/login")).text

    asyncio.run(story())


def test_the_log_in_page_is_whole_with_one_request() -> None:
    async def story() -> None:
        async with Site().client() as client:
            page = (await client.get("/login")).text
            assert "--accent" in page and not re.search(r"{{\w+}}|<link[^>]*stylesheet|<script|<img", page)

    asyncio.run(story())


def test_where_the_first_password_is_found_is_told_until_somebody_has_replaced_it() -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            assert "First start" not in (await client.get("/login")).text, "nobody was made by a first start here"
        site = Site()
        site.accounts.rows.clear()
        password = await first_start(site.accounts, site.passwords)
        async with site.client() as client:
            assert "First start" in (await client.get("/login")).text
            assert "First start" in (await log_in(client, ADMINISTRATOR, "guess")).text
            async with site.client() as administrator:
                assert (await log_in(administrator, ADMINISTRATOR, password)).status_code == 303
            assert "First start" in (await client.get("/login")).text, "it still stands"
            changed = await site.passwords.hash("another password")
            await site.accounts.add_account(ADMINISTRATOR, changed, Role.ADMINISTRATOR)
            assert "First start" not in (await client.get("/login")).text

    asyncio.run(story())
