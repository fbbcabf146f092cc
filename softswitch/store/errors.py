"""How the store says that it cannot keep something."""

from softswitch.errors import SoftswitchError


class StoreFailed(SoftswitchError):
    """Nothing of this write was kept (disk full, locked, closed); what was kept before stands. Dialling must stop."""
