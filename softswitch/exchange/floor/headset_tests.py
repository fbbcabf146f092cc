"""Which agents must test their headset before they are ready: those who work from the agent's page, once a shift."""

HEADSET_TEST = "headset test"
"""Pause code of an agent whose line is up and who has not said that the headset works."""


class HeadsetTests:
    """An agent whose page is open is asked for the test; one who logs in by phone alone has nobody to ask it of."""

    def __init__(self) -> None:
        self._pages: dict[str, int] = {}
        self._passed: set[str] = set()

    def receive_page_opened(self, agent: str) -> None:
        self._pages[agent] = self._pages.get(agent, 0) + 1

    def receive_page_closed(self, agent: str) -> None:
        left = self._pages.get(agent, 0) - 1
        if left > 0:
            self._pages[agent] = left
        else:
            self._pages.pop(agent, None)

    def receive_passed(self, agent: str) -> None:
        """The agent has heard the tone and seen the own voice."""
        self._passed.add(agent)

    def receive_gone(self, agent: str) -> None:
        """The shift is over: another one begins with another test."""
        self._passed.discard(agent)

    def is_due(self, agent: str) -> bool:
        return agent in self._pages and agent not in self._passed
