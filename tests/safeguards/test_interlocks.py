import pytest

from softswitch.errors import UsageError
from softswitch.safeguards.interlocks import InterlockClosed, Interlocks, InterlockTripped


def test_what_has_not_reported_is_open():
    interlocks = Interlocks(("disk", "store"))
    interlocks.report("disk", True, "", 0)
    assert not interlocks.closed
    assert interlocks.open_reasons() == ("store: has not reported yet",)


def test_dialling_may_go_on_when_all_have_reported_closed():
    interlocks = Interlocks(("disk", "store"))
    interlocks.report("disk", True, "", 0)
    interlocks.report("store", True, "", 0)
    assert interlocks.closed


def test_a_trip_is_told_once_with_its_reason():
    interlocks = Interlocks(("disk",))
    interlocks.report("disk", True, "", 0)
    interlocks.report("disk", False, "only 20 MB are free", 1)
    interlocks.report("disk", False, "only 20 MB are free", 2)
    told = [interlocks.next_event() for _ in range(3)]
    assert told == [InterlockClosed("disk"), InterlockTripped("disk", "only 20 MB are free"), None]
    assert interlocks.views()[0].reason == "only 20 MB are free"


def test_one_that_must_report_again_and_does_not_opens_by_itself():
    interlocks = Interlocks(("clock",), fresh_for_s={"clock": 10})
    interlocks.report("clock", True, "", 100)
    assert interlocks.next_timer() == 110
    interlocks.handle_timer(109.9)
    assert interlocks.closed
    interlocks.handle_timer(110)
    assert interlocks.open_reasons() == ("clock: has stopped reporting",)
    assert interlocks.next_timer() is None


def test_a_report_under_an_unknown_name_is_refused():
    with pytest.raises(UsageError):
        Interlocks(("disk",)).report("dsik", True, "", 0)


def test_a_site_without_interlocks_does_not_dial():
    assert not Interlocks(()).closed


def test_what_depends_on_some_interlocks_asks_for_their_reasons_alone() -> None:
    interlocks = Interlocks(("recorder", "trunk"))
    interlocks.report("recorder", True, "", 0.0)
    interlocks.report("trunk", False, "no trunk is registered", 0.0)
    assert interlocks.reasons_among(("recorder",)) == ()
    assert interlocks.reasons_among(("recorder", "trunk")) == ("trunk: no trunk is registered",)
    with pytest.raises(KeyError):
        interlocks.reasons_among(("weather",))


def test_a_campaigns_own_interlock_holds_that_campaign_and_no_other() -> None:
    interlocks = Interlocks(("disk",), campaigns={"survey": ("message",), "panel": ("message",)})
    interlocks.report("disk", True, "", 0.0)
    interlocks.report("message of survey", True, "", 0.0)
    assert interlocks.closed
    assert interlocks.closed_for("survey")
    assert not interlocks.closed_for("panel"), "it has not reported"
    assert interlocks.reasons_of("panel") == ("message of panel: has not reported yet",)
    assert interlocks.reasons_of("survey") == ()
    assert not interlocks.closed_for("unheard-of")
    assert interlocks.reasons_of("unheard-of")
    interlocks.report("disk", False, "full", 1.0)
    assert not interlocks.closed_for("survey")
    assert interlocks.open_reasons() == ("disk: full",)


def test_where_something_is_done_in_its_stead_an_open_interlock_is_shown_and_does_not_hold() -> None:
    interlocks = Interlocks(("disk",), campaigns={"survey": ("budget",)})
    interlocks.report("disk", True, "", 0.0)
    interlocks.report("budget of survey", False, "it is spent", 0.0, instead="each call has its agent")
    assert interlocks.closed_for("survey")
    (_, view) = interlocks.views()
    assert (view.closed, view.overridden, view.holds) == (False, True, False)
    assert view.reason == "it is spent; each call has its agent"
    interlocks.report("budget of survey", False, "it is spent", 1.0)
    assert not interlocks.closed_for("survey")
