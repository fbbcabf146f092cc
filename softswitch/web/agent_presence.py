"""Which agents have their page open: those are asked to test their headset."""

from softswitch.web.control import SwitchControl


class AgentPages:
    """Tells the switch when an agent's page opens and closes; a page that connects again is still the same."""

    def __init__(self, control: SwitchControl) -> None:
        self._control = control
        self._open: dict[str, str] = {}
        """Agent by page."""

    def receive_opened(self, agent: str, page: str) -> None:
        if page not in self._open:
            self._open[page] = agent
            self._control.agent_page_opened(agent)

    def receive_closed(self, agent: str, page: str) -> None:
        if self._open.pop(page, None) is not None:
            self._control.agent_page_closed(agent)

    def receive_all_closed(self) -> None:
        for page, agent in list(self._open.items()):
            self.receive_closed(agent, page)
