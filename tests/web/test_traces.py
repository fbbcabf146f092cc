"""Who may see a call's messages, and how much of them."""

import asyncio

import httpx
import pytest
from site_client import Site
from small_site import CANARY


@pytest.fixture
def site() -> Site:
    site = Site()
    site.switch.place_call("ref1", "101", "in call")
    return site


def get(site: Site, name: str, path: str) -> httpx.Response:
    return asyncio.run(site.get(name, path))


@pytest.mark.parametrize("kind", ["trace", "pcap"])
@pytest.mark.parametrize("name", ["sue", "ada", "otto"])
def test_who_may_look_sees_masked_messages(site: Site, name: str, kind: str) -> None:
    answer = get(site, name, f"/api/calls/ref1/{kind}")
    assert answer.status_code == 200
    assert CANARY not in answer.text and "xxxxxx61" in answer.text
    assert site.switch.looked_at == []


@pytest.mark.parametrize("kind", ["trace", "pcap"])
def test_agents_see_no_message(site: Site, kind: str) -> None:
    assert get(site, "101", f"/api/calls/ref1/{kind}").status_code == 403
    assert get(site, "", f"/api/calls/ref1/{kind}").status_code == 401


@pytest.mark.parametrize("kind", ["trace", "pcap"])
def test_the_whole_is_for_auditors_and_administrators_who_say_why(site: Site, kind: str) -> None:
    path = f"/api/calls/ref1/{kind}?whole=true"
    assert get(site, "sue", f"{path}&reason=one-way audio").status_code == 403
    assert get(site, "otto", path).status_code == 409
    assert get(site, "otto", f"{path}&reason=12345678").status_code == 409
    assert site.switch.looked_at == []
    assert CANARY in get(site, "otto", f"{path}&reason=one-way audio").text
    assert CANARY in get(site, "ada", f"{path}&reason=one-way audio").text
    assert site.switch.looked_at == [("otto", "ref1", "one-way audio"), ("ada", "ref1", "one-way audio")]


def test_a_call_that_nobody_remembers_is_not_found(site: Site) -> None:
    assert get(site, "ada", "/api/calls/nothing/trace").status_code == 404
    assert get(site, "ada", "/api/calls/nothing/pcap").status_code == 404


def test_a_capture_says_what_it_is(site: Site) -> None:
    assert get(site, "ada", "/api/calls/ref1/pcap").headers["content-type"] == "application/vnd.tcpdump.pcap"
