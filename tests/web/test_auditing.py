"""The auditor's REST: who may ask, what is found, and what a hostile text comes to."""

import asyncio
import csv
import io
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from memory_people import PASSWORD
from site_client import Site, served
from small_auditing import AT

from softswitch.safeguards.auditor_views import CertificateView
from softswitch.survey.outcomes import QuotaCell
from softswitch.web.headers import WORKER_PATH


@pytest.fixture
def site() -> Site:
    site = Site()
    for n, (actor, action, subject) in enumerate(
        [("sue", "see", "/api/wallboard"), ("sue", "listen", "agent 101"), ("otto", "export recording", "c1")] * 3
    ):
        site.switch.auditing.note(actor, action, subject, f"reason {n}")
    for n in range(5):
        site.switch.auditing.record_call(f"c{n}", agent=f"10{n}", began_at=AT + timedelta(hours=n))
    return site


def get(site: Site, name: str, path: str):
    return asyncio.run(site.get(name, path))


ONLY_AUDITORS = ("/api/audit", "/api/audit/verification", "/api/recordings")
OVERSEERS = ("/api/certificates",)
OUTCOMES = "/api/campaigns/transport-2026/outcomes"
READERS = (
    "/api/compliance", "/api/compliance.csv", "/api/compliance.pdf", "/api/retention", OUTCOMES, f"{OUTCOMES}.csv",
)  # fmt: skip


@pytest.mark.parametrize(
    ("paths", "may"),
    [(ONLY_AUDITORS, {"otto"}), (OVERSEERS, {"otto", "ada"}), (READERS, {"otto", "ada", "sue"}),
     (("/api/reviews/shares",), {"otto", "sue"})],
)  # fmt: skip
def test_each_question_is_answered_to_whom_it_is_for(site: Site, paths: tuple[str, ...], may: set[str]) -> None:
    for path in paths:
        for name in ("101", "sue", "ada", "otto"):
            assert get(site, name, path).status_code == (200 if name in may else 403), (path, name)


def test_the_log_is_searched_and_paged(site: Site) -> None:
    page = get(site, "otto", "/api/audit?actor=sue&limit=4").json()
    assert [record["sequence"] for record in page["records"]] == [8, 7, 5, 4]
    rest = get(site, "otto", f"/api/audit?actor=sue&limit=4&before={page['before']}").json()
    assert [record["sequence"] for record in rest["records"]] == [2, 1]
    assert rest["before"] is None
    assert len(get(site, "otto", "/api/audit?kind=exported&text=REASON").json()["records"]) == 3
    window = {"since": (AT + timedelta(minutes=3)).isoformat(), "until": (AT + timedelta(minutes=5)).isoformat()}

    async def ask():
        async with site.client("otto") as client:
            return (await client.get("/api/audit", params=window)).json()

    assert [record["sequence"] for record in asyncio.run(ask())["records"]] == [5, 4]
    for wrong in (
        "kind=nothing",
        "limit=0",
        "before=0",
        "since=2027-03-10T09:00",
        "actor=%00",
        "since=1577836800",
    ):
        assert get(site, "otto", f"/api/audit?{wrong}").status_code == 422, wrong
    for far in ("since=0001-01-01T00:00%2B23:59", "until=9999-12-31T23:59-23:59"):
        assert get(site, "otto", f"/api/audit?{far}").status_code == 200, far


def test_the_log_is_verified_when_it_is_asked_for(site: Site) -> None:
    assert get(site, "otto", "/api/audit/verification").json() is None
    site.switch.auditing.troubles = ("line 3: was changed",)
    told = asyncio.run(site.post("otto", "/api/audit/verification")).json()
    assert (told["records"], told["troubles"]) == (9, ["line 3: was changed"])
    assert get(site, "otto", "/api/audit/verification").json() == told


def test_recordings_are_found_by_all_that_is_asked(site: Site) -> None:
    found = get(site, "otto", "/api/recordings?limit=2&offset=1").json()
    assert [each["call_ref"] for each in found["recordings"]] == ["c1", "c2"]
    assert found["next_offset"] == 3
    assert [each["call_ref"] for each in get(site, "otto", "/api/recordings?agent=103").json()["recordings"]] == ["c3"]
    assert get(site, "otto", "/api/recordings?outcome=refusal").json() == {"recordings": [], "next_offset": None}


def test_a_days_report_is_the_same_as_json_csv_and_pdf_and_runs_no_formula(site: Site) -> None:
    site.switch.auditing.days.append(site.switch.auditing._day("=cmd|' /C calc'!A0"))
    told = get(site, "sue", "/api/compliance?day=2027-03-10&rules=us").json()
    assert [each["day"] for each in told["days"]] == ["2027-03-10"] * 2
    assert told["breaches"]["transport-2026"] == []
    rows = list(csv.DictReader(io.StringIO(get(site, "sue", "/api/compliance.csv?day=2027-03-10").text)))
    assert [row["campaign"] for row in rows] == ["transport-2026", "'=cmd|' /C calc'!A0"]
    pdf = get(site, "sue", "/api/compliance.pdf?day=2027-03-10")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-") and pdf.content.rstrip().endswith(b"%%EOF")
    assert get(site, "sue", "/api/compliance?campaign=nobody").status_code == 409
    assert get(site, "sue", "/api/compliance.pdf?day=0001-01-01").status_code == 409
    for wrong in ("1577836800", "2027-03-10T00:00:00"):
        assert get(site, "sue", f"/api/compliance?day={wrong}").status_code == 422, wrong


def test_outcomes_are_the_same_as_json_and_csv_with_the_counts_that_they_come_from(site: Site) -> None:
    told = get(site, "otto", OUTCOMES).json()
    assert told["final_dispositions"] == {"I": 40, "P": 4, "R": 12, "NC": 6, "O": 0, "UH": 36, "UO": 0, "NE": 2}
    assert (told["cases"], told["codes"]["3.11"]) == (100, 16)
    assert told["rates"]["RR1"] == pytest.approx(40 / 98)
    assert told["quotas"][0] == {"name": "men under 35", "target": 12, "filled": 12, "in_period": 5}
    rows = dict(csv.reader(io.StringIO(get(site, "otto", f"{OUTCOMES}.csv?e=1&since=2026-11-16").text)))
    assert (rows["cases"], rows["since"], rows["until"], rows["e"]) == ("84", "2026-11-16", "", "1.0")
    assert rows["RR3"] == rows["RR1"] == str(40 / 82)
    assert (rows["quota men under 35, filled"], rows["quota men under 35, target"]) == ("12", "12")


def test_a_period_that_cannot_be_and_a_campaign_that_is_not_there_are_said_to_be_so(site: Site) -> None:
    site.switch.auditing.quotas = (QuotaCell("=1+1", 2, 1, 0),)
    assert '"quota =1+1, filled"' in get(site, "sue", f"{OUTCOMES}.csv").text
    assert get(site, "sue", "/api/campaigns/nobody/outcomes").status_code == 404
    backwards = get(site, "sue", f"{OUTCOMES}?since=2026-11-20&until=2026-11-19")
    assert (backwards.status_code, backwards.json()["detail"]) == (409, "the period ends before it begins")
    assert get(site, "sue", f"{OUTCOMES}?since=0001-01-01").status_code == 409
    for wrong in ("e=1.5", "e=nan", "since=1577836800", "until=tomorrow"):
        assert get(site, "sue", f"{OUTCOMES}.csv?{wrong}").status_code == 422, wrong


def test_certificates_are_listed_and_downloaded_as_they_stand(site: Site, tmp_path: Path) -> None:
    assert get(site, "ada", "/api/certificates.jsonl").status_code == 404
    site.switch.auditing.certified = [CertificateView(1, AT.isoformat(), "recordings", 3, "the site", "softswitch")]
    site.switch.auditing.certificates_at = tmp_path / "recordings.certificates"
    site.switch.auditing.certificates_at.write_text('{"number":1}\n')
    assert get(site, "ada", "/api/certificates").json()["certificates"][0]["count"] == 3
    sent = get(site, "ada", "/api/certificates.jsonl")
    assert sent.text == '{"number":1}\n'
    assert 'filename="recordings.certificates"' in sent.headers["content-disposition"]


def test_the_worker_that_holds_a_key_may_compile_and_reaches_no_network() -> None:
    async def story() -> None:
        site = Site(pages=True)
        auth = httpx.BasicAuth("otto", PASSWORD)
        async with served(site) as server, httpx.AsyncClient(base_url=server.url, auth=auth) as otto:
            worker = (await otto.get(WORKER_PATH)).headers["content-security-policy"]
            assert worker.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'")
            assert "connect-src" not in worker and "unsafe-inline" not in worker
            page = (await otto.get("/audit/recordings")).headers["content-security-policy"]
            assert "media-src blob:;" in page and "script-src 'self' 'unsafe-eval'" in page
            assert page.count("media-src") == 1, "of two a browser follows the first"
            assert "blob:" not in (await otto.get("/audit")).headers["content-security-policy"]
            assert (await otto.get("/audit/assets/login.html")).status_code == 404
            assert (await otto.get("/")).headers["location"] == "/audit"
            assert (await site.get("sue", WORKER_PATH)).status_code == 403

    asyncio.run(story())
