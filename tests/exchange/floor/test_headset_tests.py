"""Who must test the headset: agents whose page is open, once a shift."""

from softswitch.exchange.floor.headset_tests import HeadsetTests


def test_an_agent_with_an_open_page_is_asked_once_a_shift() -> None:
    tests = HeadsetTests()
    assert not tests.is_due("1001")
    tests.receive_page_opened("1001")
    assert tests.is_due("1001")
    assert not tests.is_due("1002")
    tests.receive_passed("1001")
    assert not tests.is_due("1001")
    tests.receive_gone("1001")
    assert tests.is_due("1001")


def test_whoever_has_no_page_left_has_nobody_to_ask_it_of() -> None:
    tests = HeadsetTests()
    tests.receive_page_opened("1001")
    tests.receive_page_opened("1001")
    tests.receive_page_closed("1001")
    assert tests.is_due("1001")
    tests.receive_page_closed("1001")
    tests.receive_page_closed("1001")
    assert not tests.is_due("1001")
