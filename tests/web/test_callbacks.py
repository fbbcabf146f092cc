"""Callbacks over REST: who may promise them, and what is told of them."""

import asyncio

import pytest
from site_client import Site

AT = "2026-11-24T10:30"
PROMISE = {"call_ref": "ref1", "at": AT, "mine": True}


@pytest.fixture
def site() -> Site:
    site = Site()
    site.switch.place_call("ref1", "101", "in call")
    return site


def test_an_agent_promises_a_callback_by_the_callee_s_clock_in_an_own_call_alone(site) -> None:
    async def body() -> None:
        answer = await site.post("101", "/api/agents/101/callback", PROMISE)
        assert answer.status_code == 200 and answer.json() == {"due_at": "2026-11-24T10:30:00Z"}
        assert (await site.post("102", "/api/agents/101/callback", PROMISE)).status_code == 403
        assert (await site.post("102", "/api/agents/102/callback", PROMISE)).status_code == 409
        assert (await site.post("101", "/api/agents/101/callback", {**PROMISE, "number": "+44"})).status_code == 422

    asyncio.run(body())
    assert site.switch.promises["lead-ref1"].agent == "101"


def test_a_supervisor_promises_one_for_a_lead_sees_it_and_takes_it_back(site) -> None:
    path = "/api/campaigns/transport-2026/callbacks"

    async def body() -> None:
        wanted = {"lead_ref": "lead9", "at": AT + "+01:00", "agent": "102"}
        answer = await site.post("sue", path, wanted)
        assert answer.status_code == 201 and answer.json() == {"due_at": "2026-11-24T09:30:00Z"}
        (view,) = (await site.get("otto", path)).json()
        assert (view["lead_ref"], view["agent"], view["made_by"]) == ("lead9", "102", "sue")
        assert (await site.get("otto", path + "?came_to=missed")).json() == []
        assert (await site.get("101", path)).status_code == 403
        assert (await site.post("101", path, wanted)).status_code == 403
        assert (await site.get("sue", "/api/campaigns/nobody/callbacks")).status_code == 404

    asyncio.run(body())
    assert site.journal.actions("sue") == ["log in", "appoint callback", "see"]
