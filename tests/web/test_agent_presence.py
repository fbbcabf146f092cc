import pytest
from small_site import SmallSwitch

from softswitch.web.agent_presence import AgentPages


@pytest.fixture
def pages() -> AgentPages:
    """Agent 101 has opened one tab, then another."""
    pages = AgentPages(SmallSwitch())
    pages.receive_opened("101", "page-1", "tab-1")
    pages.receive_opened("101", "page-2", "tab-2")
    return pages


def test_the_tab_that_was_opened_last_is_worked_with_until_another_is_taken(pages: AgentPages) -> None:
    assert [pages.is_in_use("101", page) for page in ("page-1", "page-2")] == [False, True]
    pages.receive_taken("101", "page-1")
    assert [pages.is_in_use("101", page) for page in ("page-1", "page-2")] == [True, False]


@pytest.mark.parametrize("is_old_page_still_there", [True, False])
def test_a_tab_in_the_background_that_loads_anew_takes_nothing(
    pages: AgentPages, is_old_page_still_there: bool
) -> None:
    if not is_old_page_still_there:
        pages.receive_closed("101", "page-1")
    pages.receive_opened("101", "page-1 anew", "tab-1")
    assert pages.is_in_use("101", "page-2")
    assert not pages.is_in_use("101", "page-1 anew")


@pytest.mark.parametrize("is_old_page_still_there", [True, False])
def test_the_tab_that_is_worked_with_stays_so_when_it_loads_anew(
    pages: AgentPages, is_old_page_still_there: bool
) -> None:
    if not is_old_page_still_there:
        pages.receive_closed("101", "page-2")
        assert pages.is_in_use("101", "page-1"), "meanwhile the other is all there is"
    pages.receive_opened("101", "page-2 anew", "tab-2")
    assert pages.is_in_use("101", "page-2 anew")
    assert not pages.is_in_use("101", "page-1")


def test_tabs_of_different_agents_have_nothing_to_do_with_each_other(pages: AgentPages) -> None:
    pages.receive_opened("102", "page-3", "tab-1")
    assert pages.is_in_use("102", "page-3")
    assert pages.is_in_use("101", "page-2")


def test_whatever_opens_after_all_were_closed_is_worked_with(pages: AgentPages) -> None:
    for page in ("page-1", "page-2"):
        pages.receive_closed("101", page)
    pages.receive_opened("101", "page-4", "tab-1")
    assert pages.is_in_use("101", "page-4")
