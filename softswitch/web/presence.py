"""Which supervisors are there, told from their open wallboards: one person with several tabs is there once."""

from softswitch.web.control import SwitchControl


class Presence:
    """Tells the switch of the first tab that opens and the last one that closes."""

    def __init__(self, control: SwitchControl) -> None:
        self._control = control
        self._tabs: dict[str, set[str]] = {}

    def receive_opened(self, name: str, tab: str) -> None:
        tabs = self._tabs.setdefault(name, set())
        first = not tabs
        tabs.add(tab)
        if first:
            self._control.supervisor_arrived(name)

    def receive_closed(self, name: str, tab: str) -> None:
        tabs = self._tabs.get(name)
        if not tabs or tab not in tabs:
            return
        tabs.discard(tab)
        if not tabs:
            del self._tabs[name]
            self._control.supervisor_left(name)

    def receive_all_closed(self) -> None:
        """The web stops: nobody watches any more."""
        for name in list(self._tabs):
            del self._tabs[name]
            self._control.supervisor_left(name)

    def __contains__(self, name: str) -> bool:
        return name in self._tabs
