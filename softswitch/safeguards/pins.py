"""Which PINs an agent may have. Pure."""

from itertools import pairwise

PIN_DIGITS = range(6, 13)
PIN_RULE = f"a PIN is {PIN_DIGITS[0]} to {PIN_DIGITS[-1]} digits, not all the same and not one after the other"


def is_good_pin(pin: str) -> bool:
    """Long enough, and no series that anybody would guess first."""
    if not (pin.isascii() and pin.isdigit() and len(pin) in PIN_DIGITS):
        return False
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    return steps not in ({0}, {1}, {9})
