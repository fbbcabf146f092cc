import asyncio
import csv

import pytest
from site_client import Site, shared_site

from softswitch.dialler.attempt import Disposition


def test_the_wallboard_is_answered_as_the_view_says() -> None:
    async def story() -> None:
        site = Site()
        site.switch.place_call("c1", "101", "in call")
        body = (await site.get("sue", "/api/wallboard")).json()
        assert body["site"] == "Lab site"
        assert body["calls"][0]["masked_number"] == "•••• 61"
        assert {"agent": "101", "state": "in call"}.items() <= body["agents"][0].items()
        assert (await site.get("sue", "/api/calls")).json() == body["calls"]
        assert (await site.get("sue", "/api/agents")).json() == body["agents"]
        assert (await site.get("sue", "/api/interlocks")).json() == body["interlocks"]
        assert (await site.get("sue", "/api/campaigns")).json() == body["campaigns"]

    asyncio.run(story())


def test_what_the_switch_refuses_is_said_in_its_own_words() -> None:
    async def story() -> None:
        site = Site()
        response = await site.post("sue", "/api/campaigns/transport-2026/start")
        assert response.status_code == 409
        assert response.json() == {"detail": "No supervisor watches; open the wallboard first."}
        site.switch.supervisor_arrived("sue")
        response = await site.post("sue", "/api/campaigns/transport-2026/start")
        assert response.status_code == 200
        assert response.json()["state"] == "running"
        assert (await site.post("sue", "/api/campaigns/transport-2026/pause")).json()["state"] == "paused"
        assert (await site.post("sue", "/api/campaigns/transport-2026/stop")).json()["state"] == "stopped"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/campaigns/none"),
        ("GET", "/api/campaigns/none/calls"),
        ("GET", "/api/campaigns/none/leads.csv"),
        ("POST", "/api/campaigns/none/start"),
        ("GET", "/api/agents/none"),
        ("GET", "/api/agents/none/call"),
        ("POST", "/api/agents/none/login"),
        ("POST", "/api/calls/none/hangup"),
    ],
)
def test_an_unknown_name_is_not_found(method: str, path: str) -> None:
    async def story() -> None:
        async with shared_site().client("ada") as client:
            response = await client.request(method, path)
            assert response.status_code == 404
            assert response.json() == {"detail": "There is no such name."}

    asyncio.run(story())


def test_an_agent_works_a_shift_through_the_api() -> None:
    async def story() -> None:
        site = Site()
        not_yet = await site.post("101", "/api/agents/101/ready")
        assert not_yet.status_code == 409
        assert (await site.post("101", "/api/agents/101/login")).json()["state"] == "paused"
        assert (await site.post("101", "/api/agents/101/ready")).json()["state"] == "ready"
        assert (await site.get("101", "/api/agents/101/call")).json() is None
        site.switch.place_call("c1", "101", "in call")
        call = (await site.get("101", "/api/agents/101/call")).json()
        assert call == {
            "call_ref": "c1", "campaign": "transport-2026", "fields": {"salutation": "Ms"}, "is_shown_first": False,
        }  # fmt: skip
        await site.switch.hang_up("c1")
        chosen = {"call_ref": "c1", "disposition": "completed"}
        assert (await site.post("101", "/api/agents/101/disposition", chosen)).status_code == 204
        assert site.switch.dispositions == [("101", "c1", Disposition.COMPLETED)]
        assert (await site.post("101", "/api/agents/101/pause", {"code": "tea"})).json()["state"] == "paused"
        assert (await site.post("101", "/api/agents/101/logout")).json()["state"] == "offline"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"call_ref": "c1", "disposition": "abandoned"}, 409),
        ({"call_ref": "other", "disposition": "completed"}, 409),
        ({"call_ref": "c1", "disposition": "sold"}, 422),
        ({"call_ref": "c1", "disposition": "completed", "note": "rich"}, 422),
        ({}, 422),
    ],
)
def test_an_agent_chooses_among_the_agents_dispositions_for_that_agents_calls(
    body: dict[str, str], status: int
) -> None:
    async def story() -> None:
        site = Site()
        site.switch.place_call("c1", "101", "in call")
        response = await site.post("101", "/api/agents/101/disposition", body)
        assert response.status_code == status
        assert site.switch.dispositions == []

    asyncio.run(story())


def test_a_pause_code_cannot_carry_a_telephone_number() -> None:
    async def story() -> None:
        site = Site()
        await site.switch.log_in_agent("101")
        response = await site.post("101", "/api/agents/101/pause", {"code": "07700900123"})
        assert response.status_code == 422

    asyncio.run(story())


def test_call_records_come_in_pages_newest_first() -> None:
    async def story() -> None:
        site = Site()
        for number in range(5):
            site.switch.place_call(f"c{number}")
        path = "/api/campaigns/transport-2026/calls"
        first = (await site.get("otto", f"{path}?limit=3")).json()
        assert [call["call_ref"] for call in first["calls"]] == ["c4", "c3", "c2"]
        assert first["next_offset"] == 3
        last = (await site.get("otto", f"{path}?limit=3&offset=3")).json()
        assert [call["call_ref"] for call in last["calls"]] == ["c1", "c0"]
        assert last["next_offset"] is None
        assert "number" not in last["calls"][0]
        assert (await site.get("otto", f"{path}?limit=0")).status_code == 422
        assert (await site.get("otto", f"{path}?limit=501")).status_code == 422

    asyncio.run(story())


def test_a_supervisor_ends_one_call_or_all() -> None:
    async def story() -> None:
        site = Site()
        site.switch.place_call("c1", "101", "in call")
        site.switch.place_call("c2")
        assert (await site.post("sue", "/api/calls/c1/hangup")).status_code == 204
        assert list(site.switch.live) == ["c2"]
        assert (await site.post("sue", "/api/kill-switch")).status_code == 204
        assert site.switch.killed_by == ["sue"]
        assert not site.switch.live

    asyncio.run(story())


def test_the_openapi_document_names_the_error_answers_of_every_operation() -> None:
    async def story() -> None:
        document = (await Site().get("ada", "/api/openapi.json")).json()
        assert document["components"]["securitySchemes"]["HTTPBasic"]["scheme"] == "basic"
        for path, operations in document["paths"].items():
            for operation in operations.values():
                assert {"401", "403", "429"} <= operation["responses"].keys(), path

    asyncio.run(story())


def test_leads_are_exported_as_a_file_that_says_what_became_of_each_and_not_who_it_is() -> None:
    async def story() -> None:
        site = shared_site()
        answer = await site.get("sue", "/api/campaigns/transport-2026/leads.csv")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(answer.text.splitlines()))
        assert [row["lead_ref"] for row in rows] == [f"lead-{n}" for n in range(1200)]
        assert rows[7]["attempts"] == "7" and rows[7]["state"] == "new"
        assert not {"number", "first_name"} & rows[0].keys()

    asyncio.run(story())
