"""Python's cyclic garbage collector, told what this program is like."""

import gc

YOUNG = 50_000
"""Objects made before the young ones are looked through: a second's worth at several hundred calls a second."""


def collect_rarely() -> None:
    """Leave alone what start-up has made, and look for circles seldom.

    Nothing on the path of a call makes a circle (a test holds it), so that looking for them only costs time: with the
    default of every 700 objects a seventh of a call, and pauses that grow with the calls that are up: at 780 calls a
    second they were long enough for peers to send again. Call it once all is built; circles that libraries make are
    still found, only later.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 1000)
