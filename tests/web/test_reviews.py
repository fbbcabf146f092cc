"""Who may review verdicts over REST, and what the answers are."""

import asyncio
from typing import Any

import httpx
import pytest
from site_client import Site
from small_site import CANARY

from softswitch.dialler.detection import Truth


@pytest.fixture
def site() -> Site:
    return Site()


def get(site: Site, name: str, path: str = "/api/reviews") -> httpx.Response:
    return asyncio.run(site.get(name, path))


def judge(site: Site, name: str, call_ref: str, body: dict[str, Any]) -> httpx.Response:
    return asyncio.run(site.post(name, f"/api/reviews/{call_ref}", json=body))


@pytest.mark.parametrize("name", ["sue", "otto"])
def test_supervisors_and_auditors_see_what_is_to_be_judged_and_no_number(site: Site, name: str) -> None:
    answer = get(site, name)
    assert answer.status_code == 200
    assert [review["call_ref"] for review in answer.json()] == ["m1", "m2"]
    assert answer.json()[0]["recording"] == "m1.ssr"
    assert "truth" not in answer.json()[0], "nobody is told what to hear"
    assert CANARY not in answer.text


@pytest.mark.parametrize("name", ["101", "ada"])
def test_nobody_else_reviews(site: Site, name: str) -> None:
    assert get(site, name).status_code == 403
    assert judge(site, name, "m1", {"truth": "person"}).status_code == 403
    assert site.switch.heard == []


def test_who_is_not_logged_in_sees_nothing(site: Site) -> None:
    assert get(site, "").status_code == 401


def test_what_was_heard_is_kept_under_the_reviewers_name(site: Site) -> None:
    assert judge(site, "otto", "m1", {"truth": "person"}).status_code == 204
    assert judge(site, "sue", "m2", {"truth": "cannot tell"}).status_code == 204
    assert site.switch.heard == [("m1", Truth.PERSON, "otto"), ("m2", Truth.CANNOT_TELL, "sue")]
    assert get(site, "sue").json() == []


def test_so_many_as_are_asked_for_come_and_of_a_campaign_that_there_is(site: Site) -> None:
    assert len(get(site, "sue", "/api/reviews?limit=1").json()) == 1
    assert get(site, "sue", "/api/reviews?campaign=nothing").status_code == 404
    assert get(site, "sue", "/api/reviews?limit=0").status_code == 422


@pytest.mark.parametrize(
    ("call_ref", "body", "status"),
    [
        ("never-heard-of", {"truth": "person"}, 404),
        ("not-drawn", {"truth": "person"}, 409),
        ("m1", {"truth": "a parrot"}, 422),
        ("m1", {}, 422),
        ("m1", {"truth": "person", "reviewer": "somebody else"}, 422),
    ],
)
def test_what_cannot_be_kept_is_refused(site: Site, call_ref: str, body: dict[str, Any], status: int) -> None:
    assert judge(site, "otto", call_ref, body).status_code == status
    assert site.switch.heard == []
