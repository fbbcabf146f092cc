"""Supervision over REST: for the own line alone, refusals in words, and nothing of it for agents."""

import asyncio

import pytest
from site_client import Site


def test_a_supervisor_listens_changes_mode_and_leaves() -> None:
    async def story() -> None:
        site = Site()
        site.switch.place_call("c1", "101", "in call")
        for mode in ("listen", "whisper", "barge"):
            response = await site.post("sue", "/api/supervision", {"agent": "101", "mode": mode})
            assert response.status_code == 200
            assert {
                "supervisor": "sue",
                "agent": "101",
                "mode": mode,
                "call_ref": "c1",
            }.items() <= response.json().items()
        assert (await site.get("ada", "/api/supervision")).json() == [response.json()]
        assert (await site.get("ada", "/api/wallboard")).json()["supervision"] == [response.json()]
        async with site.client("ada") as client:
            assert (await client.delete("/api/supervision")).status_code == 204
        assert list(site.switch.watching) == ["sue"]  # nobody ends somebody else's
        async with site.client("sue") as client:
            for _ in range(2):
                assert (await client.delete("/api/supervision")).status_code == 204
        assert (await site.get("sue", "/api/supervision")).json() == []

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"agent": "101", "mode": "listen"}, 409, "not logged in"),
        ({"agent": "102", "mode": "barge"}, 409, "in no call"),
        ({"agent": "999", "mode": "listen"}, 404, "no such agent"),
        ({"agent": "101", "mode": "record"}, 422, "mode"),
        ({"agent": "", "mode": "listen"}, 422, "agent"),
        ({"agent": "101", "mode": "listen", "supervisor": "ada"}, 422, "supervisor"),
        ({"mode": "listen"}, 422, "agent"),
    ],
)
def test_what_cannot_be_is_refused_in_words(body: dict[str, str], status: int, words: str) -> None:
    async def story() -> None:
        site = Site()
        await site.switch.log_in_agent("102")
        response = await site.post("sue", "/api/supervision", body)
        assert response.status_code == status
        assert words in response.text
        assert site.switch.watching == {}

    asyncio.run(story())


def test_an_agent_is_muted_and_heard_again() -> None:
    async def story() -> None:
        site = Site()
        assert (await site.post("sue", "/api/agents/101/mute")).status_code == 409
        site.switch.place_call("c1", "101", "in call")
        assert (await site.post("sue", "/api/agents/101/mute")).status_code == 204
        assert (await site.get("sue", "/api/wallboard")).json()["muted_agents"] == ["101"]
        async with site.client("ada") as client:
            assert (await client.delete("/api/agents/101/mute")).status_code == 204
            assert (await client.delete("/api/agents/999/mute")).status_code == 404
            refused = await client.put("/api/agents/101/mute")
            assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE, POST")
        assert site.switch.muted == set()

    asyncio.run(story())


@pytest.mark.parametrize("name", ["101", "otto"])
def test_nobody_but_supervisors_learns_who_listens(name: str) -> None:
    async def story() -> None:
        site = Site()
        site.switch.place_call("c1", "101", "in call")
        await site.switch.supervise("101", "listen", "sue")
        for path in ("/api/supervision", "/api/wallboard", "/api/agents/101", "/api/agents/101/call"):
            assert "sue" not in (await site.get(name, path)).text
        for path in ("/api/supervision", "/api/agents/101/mute"):
            assert (await site.post(name, path, {"agent": "101", "mode": "listen"})).status_code == 403

    asyncio.run(story())
