"""Which agents have their page open: those are asked to test their headset; and which page it is that counts."""

from softswitch.web.control import SwitchControl


class AgentPages:
    """Tells the switch when an agent's page opens and closes; a page that connects again is still the same.

    One page of an agent is in use at a time, the one that was opened last: two would answer one question twice. The
    others say so, and each can be taken instead.
    """

    def __init__(self, control: SwitchControl) -> None:
        self._control = control
        self._open: dict[str, str] = {}
        """Agent by page, the one taken last at the end."""

    def receive_opened(self, agent: str, page: str) -> None:
        if page not in self._open:
            self._open[page] = agent
            self._control.agent_page_opened(agent)

    def receive_taken(self, agent: str, page: str) -> None:
        """The agent goes on in this page."""
        if self._open.pop(page, None) is not None:
            self._open[page] = agent

    def is_in_use(self, agent: str, page: str) -> bool:
        """Whether this is the page that counts; one that is just being loaded will be."""
        if page not in self._open:
            return True
        return next(each for each, whose in reversed(self._open.items()) if whose == agent) == page

    def receive_closed(self, agent: str, page: str) -> None:
        if self._open.pop(page, None) is not None:
            self._control.agent_page_closed(agent)

    def receive_all_closed(self) -> None:
        for page, agent in list(self._open.items()):
            self.receive_closed(agent, page)
