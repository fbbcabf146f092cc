"""Searching an audit log that is far longer than a page, backwards and in bites."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from softswitch.exchange.audit import reading as audit_reading
from softswitch.exchange.audit.book import AuditBook, Entry
from softswitch.exchange.audit.reading import find
from softswitch.safeguards.audit_search import AuditSearch

BEGIN = datetime(2027, 3, 10, tzinfo=UTC)
EVERYTHING = AuditSearch()


def write(folder: Path, count: int) -> None:
    """Records 1 to `count`; each tenth is otto's and long."""
    AuditBook(folder, wall=lambda: BEGIN).append(
        [
            Entry("otto" if n % 10 == 0 else "sue", "see", f"page {n}", "x" * 1999 if n % 10 == 0 else "")
            for n in range(1, count + 1)
        ]
    )


@pytest.fixture
def small_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_reading, "BITE", 512)


@pytest.mark.usefixtures("small_bites")
def test_page_by_page_every_record_is_found_once_the_newest_first(tmp_path: Path) -> None:
    write(tmp_path, 137)
    seen: list[int] = []
    before = None
    while True:
        page = find(tmp_path, EVERYTHING, 10, before)
        seen += [record.sequence for record in page.records]
        before = page.before
        if before is None:
            break
    assert seen == list(range(137, 0, -1))


@pytest.mark.usefixtures("small_bites")
def test_whatever_page_is_asked_for_begins_right_below_it(tmp_path: Path) -> None:
    write(tmp_path, 137)
    for before in range(1, 140):
        page = find(tmp_path, EVERYTHING, 3, before)
        newest = min(before - 1, 137)
        assert [record.sequence for record in page.records] == list(range(newest, max(0, newest - 3), -1))


@pytest.mark.usefixtures("small_bites")
def test_a_search_that_finds_little_stops_after_so_much_and_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 137)
    monkeypatch.setattr(audit_reading, "MOST_LOOKED_AT", 4096)
    found: list[int] = []
    before, pages = None, 0
    while True:
        page = find(tmp_path, AuditSearch(actor="otto", subject="page 20"), 10, before)
        found += [record.sequence for record in page.records]
        pages += 1
        if page.before is None:
            break
        assert before is None or page.before < before
        before = page.before
    assert found == [20]
    assert pages > 5


@pytest.mark.usefixtures("small_bites")
def test_what_is_no_record_is_stepped_over(tmp_path: Path) -> None:
    write(tmp_path, 5)
    path = tmp_path / "audit.log"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"torn\n\n' + b"".join(lines[1:]) + b'{"half a li')
    for before, expected in ((None, [5, 4, 3, 2, 1]), (4, [3, 2, 1]), (2, [1])):
        assert [record.sequence for record in find(tmp_path, EVERYTHING, 9, before).records] == expected


def test_where_nothing_was_noted_nothing_is_found(tmp_path: Path) -> None:
    page = find(tmp_path, EVERYTHING, 10, None)
    assert (page.records, page.before) == ((), None)
