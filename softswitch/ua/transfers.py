"""Who may take whose place: Replaces (RFC 3891) and transfers, by the site's list of those who may ask.

By default nobody may. What is allowed is still only asked: the house answers `CallOffered` and `TransferAsked`.
"""

from collections.abc import Collection

from softswitch.calls.line import Phase
from softswitch.calls.transfer import Replaced, replaces_in
from softswitch.errors import PeerError
from softswitch.sip.message import Request
from softswitch.ua.legs import LegBook


class TransferDesk:
    """Finds the leg that a new call is to take the place of."""

    def __init__(self, book: LegBook, may_transfer: Collection[str]) -> None:
        """may_transfer: names of carrier accounts and agent ids."""
        self._book = book
        self._may_transfer = frozenset(may_transfer)

    def may(self, source: str) -> bool:
        return source in self._may_transfer

    def leg_replaced_by(self, invite: Request, source: str) -> str:
        """The id of the leg that an INVITE names, empty where it names none. Raises PeerError (RFC 3891 §3)."""
        wanted = replaces_in(invite)
        if wanted is None:
            return ""
        if not self.may(source):
            raise PeerError("Replaces from somebody who may not", 403)
        leg = self._book.of_dialog(wanted.call_id, wanted.to_tag)
        if leg is None or leg.dialog is None or leg.dialog.remote_tag != _tag(wanted):
            raise PeerError("Replaces names no dialog", 481)
        if leg.phase is Phase.OVER:
            raise PeerError("Replaces names a call that is over", 603)
        if leg.phase is Phase.SETUP and not leg.is_caller:
            raise PeerError("Replaces names an early dialog that is not ours to give away", 481)
        if leg.phase is Phase.TALKING and wanted.early_only:
            raise PeerError("Replaces is for a call that has not been answered", 486)
        return leg.leg_id

    def loops(self, invite: Request) -> bool:
        """Whether an INVITE is one of our own that has come back: as it left us, or over a proxy."""
        return self._book.of_dialog(invite.call_id, invite.from_tag or "") is not None


def _tag(wanted: Replaced) -> str:
    return "" if wanted.from_tag == "0" else wanted.from_tag  # RFC 3891 §3: an RFC 2543 peer has none
