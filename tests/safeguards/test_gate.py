from softswitch.safeguards.gate import Gate
from softswitch.safeguards.interlocks import Interlocks
from softswitch.safeguards.never_dial import NeverDialList

NUMBER = "+442079460012"
KEY = b"0123456789abcdef"


def gate(*, closed=True, suppressed=(), may_ring=lambda number: None, listed=(), toll=lambda number: None):
    interlocks = Interlocks(("disk",))
    interlocks.report("disk", closed, "it is full", 0)
    never_dial = None if listed is None else NeverDialList.from_numbers(KEY, listed)
    return Gate(
        interlocks=interlocks,
        suppressed=lambda n: n in suppressed,
        may_ring=may_ring,
        toll=toll,
        never_dial=never_dial,
    )


def test_a_number_against_which_nothing_speaks_passes():
    assert gate()(NUMBER) is None


def test_without_a_never_dial_list_nothing_passes():
    assert gate(listed=None)(NUMBER) == "there is no never-dial list"


def test_a_listed_number_does_not_pass():
    assert gate(listed=[NUMBER])(NUMBER)


def test_an_open_interlock_lets_nothing_pass_and_says_why():
    assert gate(closed=False)(NUMBER) == "disk: it is full"


def test_a_suppressed_number_does_not_pass():
    assert gate(suppressed={NUMBER})(NUMBER) == "the number is suppressed"


def test_a_number_outside_its_calling_hours_does_not_pass():
    assert gate(may_ring=lambda number: "it is too late there")(NUMBER) == "it is too late there"


def test_a_destination_that_the_toll_guard_refuses_does_not_pass():
    assert gate(toll=lambda number: "too dear")(NUMBER) == "too dear"


def test_the_toll_guard_counts_only_calls_against_which_nothing_else_speaks():
    counted = []
    for settings in ({"listed": [NUMBER]}, {"suppressed": {NUMBER}}, {"closed": False}, {"listed": None}):
        gate(toll=counted.append, **settings)(NUMBER)
    assert gate(toll=counted.append)(NUMBER) is None
    assert counted == [NUMBER]


def test_no_reason_repeats_the_number():
    for refused in (gate(listed=[NUMBER]), gate(suppressed={NUMBER}), gate(closed=False), gate(listed=None)):
        assert "7946" not in refused(NUMBER)
