"""Which agents have their page open: those are asked to test their headset; and which tab it is that counts."""

from softswitch.web.control import SwitchControl


class AgentPages:
    """Tells the switch when an agent's page opens and closes; a page that connects again is still the same.

    One tab of an agent is worked with at a time: two would answer one question twice. It is the one that was opened or
    taken last. A tab keeps its name while its page is loaded anew, so that one in the background that does so, by hand
    or after a lost socket, stays there.
    """

    def __init__(self, control: SwitchControl) -> None:
        self._control = control
        self._open: dict[str, tuple[str, str]] = {}
        """Agent and tab by page, the page opened last at the end."""
        self._worked_with: dict[str, str] = {}
        """Tab by agent; kept while it is closed, since it may only be loading anew."""
        self._left: dict[str, set[str]] = {}
        """By agent: tabs that another one has taken the place of."""

    def receive_opened(self, agent: str, page: str, tab: str) -> None:
        """tab: the browser's name for it, the same before and after a reload."""
        if page in self._open:
            return
        self._open[page] = agent, tab
        if tab not in self._left.get(agent, ()):
            self._take(agent, tab)
        self._control.agent_page_opened(agent)

    def receive_taken(self, agent: str, page: str) -> None:
        """The agent goes on in this page."""
        if page in self._open:
            self._take(agent, self._open[page][1])

    def is_in_use(self, agent: str, page: str) -> bool:
        """Whether this is the page that counts; one that is just being loaded may be.

        While the tab that is worked with has no page, that is the one opened last.
        """
        if page not in self._open:
            return True
        theirs = {each: tab for each, (whose, tab) in self._open.items() if whose == agent}
        worked_with = [each for each, tab in theirs.items() if tab == self._worked_with[agent]]
        return (worked_with or list(theirs))[-1] == page

    def receive_closed(self, agent: str, page: str) -> None:
        if self._open.pop(page, None) is None:
            return
        if not any(whose == agent for whose, _ in self._open.values()):
            self._left.pop(agent, None)  # whatever opens next is worked with
        self._control.agent_page_closed(agent)

    def receive_all_closed(self) -> None:
        for page, (agent, _) in list(self._open.items()):
            self.receive_closed(agent, page)

    def _take(self, agent: str, tab: str) -> None:
        before = self._worked_with.get(agent, tab)
        self._worked_with[agent] = tab
        left = self._left.setdefault(agent, set())
        left.discard(tab)
        if before != tab:
            left.add(before)
