"""Timers and the heap of deadlines."""

from softswitch.sip.timers import Deadlines, Timers


def test_the_default_timers_are_those_of_rfc_3261_table_4() -> None:
    timers = Timers()
    assert (timers.t1, timers.t2, timers.t4) == (0.5, 4.0, 5.0)
    assert timers.patience == 32.0
    assert (timers.d(False), timers.i(False), timers.j(False), timers.k(False)) == (32.0, 5.0, 32.0, 5.0)


def test_over_a_reliable_transport_nothing_lingers() -> None:
    timers = Timers()
    assert [wait(True) for wait in (timers.d, timers.i, timers.j, timers.k)] == [0.0, 0.0, 0.0, 0.0]


def test_the_earliest_deadline_comes_first_and_once() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for key, at in (("late", 3.0), ("early", 1.0), ("middle", 2.0)):
        deadlines.set(key, at)
    assert deadlines.next() == 1.0
    assert deadlines.due(2.0) == ["early", "middle"]
    assert deadlines.due(2.0) == []
    assert len(deadlines) == 1


def test_a_moved_deadline_is_not_due_at_its_old_time() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("a", 1.0)
    deadlines.set("a", 5.0)
    assert deadlines.due(4.0) == []
    deadlines.set("a", 2.0)
    assert deadlines.due(4.0) == ["a"]


def test_a_removed_deadline_is_never_due() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set("a", 1.0)
    deadlines.set("a", None)
    assert deadlines.next() is None
    assert deadlines.due(9.0) == []
    assert len(deadlines) == 0


def test_keys_that_cannot_be_compared_may_be_due_at_the_same_moment() -> None:
    deadlines: Deadlines[object] = Deadlines()
    first, second = object(), object()
    deadlines.set(first, 1.0)
    deadlines.set(second, 1.0)
    assert deadlines.due(1.0) == [first, second]
