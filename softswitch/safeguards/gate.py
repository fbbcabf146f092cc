"""The gate: the one question in front of the wire, asked for every trunk INVITE of any origin."""

from collections.abc import Callable

from softswitch.safeguards.interlocks import Interlocks
from softswitch.safeguards.never_dial import NeverDialList


class Gate:
    """`gate(number)` gives a reason why the call may not be, or None. Without a never-dial list nothing passes."""

    def __init__(
        self,
        *,
        interlocks: Interlocks,
        suppressed: Callable[[str], bool],
        may_ring: Callable[[str], str | None],
        toll: Callable[[str], str | None],
        never_dial: NeverDialList | None = None,
    ) -> None:
        """suppressed: whether the number opted out, for whatever is dialling it.

        may_ring: why the number may not be rung at this hour, or None; asked with the number because the callee's time
        zone decides.

        toll: why no call may go there, or no more of them, or None; see `toll.TollGuard`. Asked last, since it counts.
        """
        self.never_dial = never_dial
        """Set when the list has been read, and anew whenever it changes."""
        self._interlocks = interlocks
        self._suppressed = suppressed
        self._may_ring = may_ring
        self._toll = toll

    def __call__(self, number: str) -> str | None:
        """A reason in plain words that holds no part of the number: it is logged."""
        if self.never_dial is None:
            return "there is no never-dial list"
        if self.never_dial.contains(number):
            return "the number may never be dialled"
        if not self._interlocks.closed:
            return "; ".join(self._interlocks.open_reasons()) or "there are no interlocks"
        if self._suppressed(number):
            return "the number is suppressed"
        return self._may_ring(number) or self._toll(number)
