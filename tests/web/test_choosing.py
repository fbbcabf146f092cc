"""Leads that an agent is shown, or asks for, over REST."""

import asyncio

import pytest
from site_client import Site

from softswitch.dialler.agents import AgentState


@pytest.fixture
def site() -> Site:
    site = Site()
    site.switch.place_call("ref1", "101", "preview")
    return site


def test_an_agent_accepts_or_skips_with_a_reason_what_that_agent_is_shown(site) -> None:
    async def body() -> None:
        path = "/api/agents/101/preview"
        assert (await site.post("102", path + "/accept", {"call_ref": "ref1"})).status_code == 403
        assert (await site.post("102", "/api/agents/102/preview/accept", {"call_ref": "ref1"})).status_code == 409
        assert (await site.post("101", path + "/skip", {"call_ref": "ref1"})).status_code == 422
        told = {"call_ref": "ref1", "reason": "+44 20 7946 0123"}
        assert (await site.post("101", path + "/skip", told)).status_code == 422
        assert (await site.post("101", path + "/skip", {"call_ref": "ref1", "reason": "knows them"})).status_code == 204
        assert (await site.post("101", path + "/accept", {"call_ref": "ref1"})).status_code == 409

    asyncio.run(body())


def test_an_agent_asks_for_a_lead_by_its_reference_and_is_told_the_call_s(site) -> None:
    async def body() -> None:
        asked = {"campaign": "transport-2026", "lead_ref": "lead9"}
        assert (await site.post("102", "/api/agents/102/dial", asked)).status_code == 409
        site.switch.states["102"] = AgentState.READY
        answer = await site.post("102", "/api/agents/102/dial", asked)
        assert (answer.status_code, answer.json()) == (200, {"call_ref": "of-lead9"})
        unknown = {**asked, "campaign": "none"}
        assert (await site.post("102", "/api/agents/102/dial", unknown)).status_code == 404

    asyncio.run(body())
