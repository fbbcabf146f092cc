"""Codes by RFC 4226 and RFC 6238, and how people come by them and log in with them."""

import asyncio
import re
import time

import httpx
import pytest
from memory_people import PASSWORD
from site_client import Site, log_in

from softswitch.web.accounts import Account, Role, account_from
from softswitch.web.authentication import Factor
from softswitch.web.room import WebSettings
from softswitch.web.sealing import Sealer
from softswitch.web.totp import as_text, hotp, matching_step, step_at, uri

RFC_SECRET = b"12345678901234567890"
FROM_AFAR = "192.0.2.7"


@pytest.mark.parametrize(
    ("counter", "code"),
    [*enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"])],
)
def test_codes_by_counter_are_those_of_rfc_4226_appendix_d(counter: int, code: str) -> None:
    assert hotp(RFC_SECRET, counter) == code


@pytest.mark.parametrize(
    ("unix_s", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_by_time_are_those_of_rfc_6238_appendix_b(unix_s: int, code: str) -> None:
    assert hotp(RFC_SECRET, step_at(unix_s), 8) == code


def test_a_clock_may_be_a_step_off_and_not_two() -> None:
    code = hotp(RFC_SECRET, 100)
    assert [matching_step(RFC_SECRET, code, 30.0 * step) for step in (98, 99, 100, 101, 102)] == [
        None, 100, 100, 100, None,
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "-12345"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(RFC_SECRET, code, 0.0) is None


def test_a_code_may_be_typed_with_a_blank_in_it() -> None:
    code = hotp(RFC_SECRET, 100)
    assert matching_step(RFC_SECRET, f"{code[:3]} {code[3:]}", 3000.0) == 100


def test_the_apps_address_names_site_and_person() -> None:
    assert uri(RFC_SECRET, "sue@a", "Lab site") == (
        "otpauth://totp/Lab%20site:sue%40a?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Lab%20site&digits=6&period=30"
    )
    assert as_text(RFC_SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def test_a_sealed_secret_opens_for_its_own_account_and_key_alone() -> None:
    sealer = Sealer.new()
    sealed = sealer.seal(RFC_SECRET, "sue")
    assert sealer.open(sealed, "sue") == RFC_SECRET
    assert sealer.open(sealed, "ada") is None
    assert Sealer.new().open(sealed, "sue") is None
    assert sealer.open("rubbish", "sue") is None
    assert sealer.seal(RFC_SECRET, "sue") != sealed


def enrol(site: Site, name: str) -> bytes:
    site.accounts.totp[name] = site.room.authenticator.sealer.seal(RFC_SECRET, name)
    return RFC_SECRET


def code_now(secret: bytes, steps: int = 0) -> str:
    return hotp(secret, step_at(time.time()) + steps)


def test_who_has_enrolled_logs_in_with_the_code_and_each_code_works_once() -> None:
    async def story() -> None:
        site = Site()
        code = code_now(enrol(site, "sue"))
        async with site.client() as client:
            answers = [await log_in(client, "sue"), await log_in(client, "sue", code="000000")]
            assert [answer.status_code for answer in answers] == [401, 401]
            assert answers[0].text == answers[1].text == (await log_in(client, "zoe")).text.replace("zoe", "sue")
            assert (await log_in(client, "sue", code=code)).status_code == 303
        async with site.client() as thief:
            assert (await log_in(thief, "sue", code=code)).status_code == 401
        reasons = [reason for _, action, _, reason in site.journal.records if action == "refused"]
        assert reasons == ["no code", "wrong code", "no such name", "wrong code"]

    asyncio.run(story())


def test_who_has_enrolled_cannot_go_round_the_code_by_basic() -> None:
    async def story() -> None:
        site = Site()
        assert (await site.get("sue", "/api/wallboard")).status_code == 200
        enrol(site, "sue")
        assert (await site.get("sue", "/api/wallboard")).status_code == 401

    asyncio.run(story())


@pytest.mark.parametrize(
    ("factor", "source", "headers", "status"),
    [
        (Factor.ENROLLED, FROM_AFAR, {}, 303),
        (Factor.NETWORK, "127.0.0.1", {}, 303),
        (Factor.NETWORK, FROM_AFAR, {}, 200),
        (Factor.NETWORK, "127.0.0.1", {"x-forwarded-for": "192.0.2.7"}, 200),
        (Factor.ALWAYS, "127.0.0.1", {}, 200),
    ],
)
def test_who_needs_a_code_and_has_none_sets_one_up(
    factor: Factor, source: str, headers: dict[str, str], status: int
) -> None:
    async def story() -> None:
        site = Site(WebSettings(factor=factor))
        async with site.client(source=source) as client:
            form = {"name": "sue", "password": PASSWORD}
            response = await client.post("/login", data=form, headers={"sec-fetch-site": "same-origin", **headers})
            assert response.status_code == status
            assert ("set-cookie" in response.headers) is (status == 303)
            agent = await client.post(
                "/login",
                data={"name": "101", "password": PASSWORD},
                headers={"sec-fetch-site": "same-origin", **headers},
            )
            assert agent.status_code == 303

    asyncio.run(story())


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found
    return found[1]


def test_the_first_code_proves_that_the_app_has_the_key_and_begins_the_session() -> None:
    async def story() -> None:
        site = Site(WebSettings(factor=Factor.ALWAYS, site="Lab site"))
        same = {"sec-fetch-site": "same-origin"}
        async with site.client() as client:
            page = await log_in(client, "sue", next="/metrics")
            assert "otpauth://totp/Lab%20site:sue" in page.text
            assert "<script" not in page.text
            token = hidden(page, "token")
            typed = {"token": token, "code": "000000", "next": "/metrics"}
            again = await client.post("/login/code", data=typed, headers=same)
            assert again.status_code == 401
            assert site.accounts.totp == {}
            enrolment = site.room.authenticator._enrolments[token][1]
            typed["code"] = code_now(enrolment.secret)
            assert (await client.post("/login/code", data=typed)).status_code == 403
            done = await client.post("/login/code", data=typed, headers=same)
            assert (done.status_code, done.headers["location"]) == (303, "/metrics")
            assert (await client.get("/api/wallboard")).status_code == 200
            assert (await client.post("/login/code", data=typed, headers=same)).status_code == 401
        assert site.accounts.totp["sue"]
        assert as_text(enrolment.secret) not in site.accounts.totp["sue"]
        assert site.journal.actions("sue")[:2] == ["enrol second factor", "log in"]

    asyncio.run(story())


def test_programs_log_in_with_name_password_and_code_and_get_their_csrf_token() -> None:
    async def story() -> None:
        site = Site()
        secret = enrol(site, "sue")
        async with site.client() as client:
            same = {"sec-fetch-site": "same-origin"}
            who = {"name": "sue", "password": PASSWORD}
            assert (await client.post("/api/login", json=who, headers=same)).status_code == 401
            answer = await client.post("/api/login", json={**who, "code": code_now(secret)}, headers=same)
            assert answer.status_code == 200
            assert answer.json()["roles"] == ["supervisor"]
            token = {"x-csrf-token": answer.json()["csrf"], "origin": "http://site"}
            assert (await client.post("/api/kill-switch", headers=token)).status_code == 204
            assert (await client.delete("/api/session", headers=token)).status_code == 204
            assert (await client.get("/api/wallboard")).status_code == 401

    asyncio.run(story())


# Roles, networks, addresses, states


def test_two_roles_are_two_only_where_the_site_says_so() -> None:
    assert account_from("ada", "administrator auditor", several=False) is None
    both = account_from("ada", "administrator auditor", several=True)
    assert both == Account("ada", Role.ADMINISTRATOR, frozenset({Role.AUDITOR}))
    for wrong in ("", "king", "auditor auditor", "agent auditor", "auditor agent"):
        assert account_from("ada", wrong, several=True) is None

    async def story() -> None:
        for several, status in ((False, 401), (True, 200)):
            site = Site(WebSettings(several_roles=several))
            site.accounts.rows["ada"] = (site.accounts.rows["ada"][0], "auditor supervisor")
            assert (await site.get("ada", "/api/wallboard")).status_code == status
        assert (await site.post("ada", "/api/interlocks/supervisor/override", {})).status_code == 403

    asyncio.run(story())


@pytest.mark.parametrize(
    ("name", "source", "status"),
    [
        ("101", "10.1.0.9", 303),
        ("101", "::ffff:10.1.0.9", 303),
        ("101", "10.2.0.9", 401),
        ("101", "127.0.0.1", 401),
        ("sue", "10.1.0.9", 401),
        ("ada", "10.1.0.9", 401),
        ("sue", "10.2.0.9", 303),
    ],
)
def test_the_agents_segment_is_for_agents_and_agents_for_it(name: str, source: str, status: int) -> None:
    async def story() -> None:
        site = Site(WebSettings(agents_networks=("10.1.0.0/24",)))
        async with site.client(source=source) as client:
            assert (await log_in(client, name)).status_code == status
        async with site.client(name, source=source) as script:
            assert (await script.get("/api/session")).status_code == (200 if status == 303 else 401)

    asyncio.run(story())


def test_a_session_is_bound_to_its_address_and_ends_where_it_is_used_from_another() -> None:
    async def story() -> None:
        site = Site()
        async with site.client(source="10.0.0.1") as client, site.client(source="10.0.0.2") as thief:
            await log_in(client, "sue")
            thief.cookies = client.cookies
            assert (await thief.get("/api/wallboard")).status_code == 401
            assert (await client.get("/api/wallboard")).status_code == 401

    asyncio.run(story())


def test_an_ipv6_host_may_change_its_temporary_address() -> None:
    async def story() -> None:
        site = Site()
        async with site.client(source="2001:db8::1") as client, site.client(source="2001:db8::2") as same:
            await log_in(client, "sue")
            same.cookies = client.cookies
            assert (await same.get("/api/wallboard")).status_code == 200
        async with site.client(source="2001:db8:0:1::1") as other:
            other.cookies = same.cookies
            assert (await other.get("/api/wallboard")).status_code == 401

    asyncio.run(story())


@pytest.mark.parametrize("change", ["shut", "password", "role", "removed"])
def test_whoever_is_shut_out_or_changed_is_logged_out_within_a_look(change: str) -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            await log_in(client, "sue")
            await site.room.end_sessions_of_changed_accounts()
            assert (await client.get("/api/wallboard")).status_code == 200
            hashed, role = site.accounts.rows["sue"]
            if change == "shut":
                site.accounts.shut.add("sue")
            elif change == "removed":
                del site.accounts.rows["sue"]
            else:
                site.accounts.rows["sue"] = (hashed + "x", role) if change == "password" else (hashed, "auditor")
            await site.room.end_sessions_of_changed_accounts()
            assert (await client.get("/api/wallboard")).status_code == 401
            if change == "shut":
                assert (await log_in(client, "sue")).status_code == 401

    asyncio.run(story())


def test_an_agent_who_may_not_work_now_is_not_told_why_and_the_audit_log_is() -> None:
    async def story() -> None:
        site = Site()
        site.refused_agents["101"] = "the clearance ran out on 2027-06-13"
        async with site.client() as client:
            refused = await log_in(client, "101")
            assert refused.status_code == 401
            assert "clearance" not in refused.text
        assert ("101", "refused", "from 127.0.0.1", "the clearance ran out on 2027-06-13") in site.journal.records

    asyncio.run(story())


def test_log_ins_and_refusals_are_noted_without_what_somebody_typed_for_a_name() -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            await log_in(client, "hunter2-my-password")
            await log_in(client, "sue", "guess")
            await log_in(client, "sue")
            await client.post("/logout", headers={"sec-fetch-site": "same-origin"})
        assert [record[:2] for record in site.journal.records] == [
            ("unknown", "refused"), ("sue", "refused"), ("sue", "log in"), ("sue", "log out"),
        ]  # fmt: skip
        assert "hunter2" not in str(site.journal.records)

    asyncio.run(story())


def test_a_flood_of_guesses_is_noted_once_a_minute_while_it_must_wait() -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            for _ in range(40):
                await log_in(client, "sue", "guess")
        reasons = [reason for *_, reason in site.journal.records]
        assert reasons.count("must wait after failures") == 1
        assert reasons.count("wrong password") == 5

    asyncio.run(story())
