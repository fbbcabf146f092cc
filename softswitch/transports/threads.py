"""How long a thread beside the loop may keep the interpreter from it."""

import sys

HOLD_S = 0.0005
"""Python's own 5 ms are a tenth of what a call may wait for us: the loop would wait so long each time that it comes
back from the network while a database's thread works."""


def hand_over_quickly() -> None:
    """Once, at the start of a process that signals."""
    sys.setswitchinterval(HOLD_S)
