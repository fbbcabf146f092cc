"""The wallboard's campaigns: progress through the list, today's rates against their limits, start, pause and stop."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from softswitch.safeguards.visibility import CampaignView
from softswitch.web.agents_panel import Act
from softswitch.web.control import SwitchControl
from softswitch.web.elements import Bar, Figure, Pill, Text, count, named, panel, percent

TONES = {"running": "ready", "paused": "paused", "held": "alert", "finished": "busy", "stopped": "idle"}
LIMIT_AT = 0.75
"""Where on its bar a limit stands, so that a rate beyond it can be seen."""
NEAR_LIMIT = 2 / 3


class _Card:
    def __init__(self, name: str, control: SwitchControl, act: Act) -> None:
        self.element = ui.element("article").classes("campaign")
        with self.element:
            with ui.element("div").classes("campaign-head"):
                Text(name, "campaign-name", tag="h3")
                self._state = Pill()
                self._policy = Text("", "campaign-policy")
                with ui.element("div").classes("campaign-actions"):
                    self._button("play_arrow", "Start", name, control.start_campaign, act)
                    self._button("pause", "Pause", name, control.pause_campaign, act)
                    self._button("stop", "Stop", name, control.stop_campaign, act)
            with ui.element("div").classes("meter"):
                Text("Leads done", "meter-name")
                self._progress = Bar(f"Leads done, {name}")
                self._leads = Text("", "meter-value")
            with ui.element("div").classes("meter"):
                Text("Abandoned", "meter-name")
                self._abandoned = Bar(f"Abandoned-call rate against its limit, {name}", limit_mark=True)
                self._rate = Text("", "meter-value")
            with ui.element("div").classes("figures"):
                names = ("Ringing", "Dialled", "Live", "Abandoned", "Silent", "Machines")
                self._figures = {figure: Figure(figure.lower()) for figure in names}
            self._outcomes = Text("", "campaign-outcomes", tag="p")

    def show(self, view: CampaignView) -> None:
        self._state.show(view.state, TONES.get(view.state, "idle"))
        self._policy.text = " · ".join(
            filter(None, (view.policy.replace("_", " "), view.held_because or view.fallback))
        )
        done = view.leads_total - view.leads_left
        self._progress.show(done / view.leads_total if view.leads_total else 0.0)
        self._leads.text = f"{count(done)} of {count(view.leads_total)}"
        tone = rate_tone(view.abandoned_rate, view.abandoned_limit)
        self._abandoned.show(bar_share(view.abandoned_rate, view.abandoned_limit), tone=tone, mark_at=LIMIT_AT)
        self._rate.text = f"{percent(view.abandoned_rate)} of {percent(view.abandoned_limit)}"
        figures = {
            "Ringing": view.ringing,
            "Dialled": view.attempts_today,
            "Live": view.live_today,
            "Abandoned": view.abandoned_today,
            "Silent": view.silent_today,
            "Machines": view.machines_today,
        }
        for name, value in figures.items():
            self._figures[name].show(count(value), "warn" if name == "Silent" and value else "")
        self._outcomes.text = " · ".join(
            f"{outcome} {count(number)}" for outcome, number in sorted(view.outcomes.items(), key=lambda item: -item[1])
        )

    @staticmethod
    def _button(icon: str, what: str, name: str, command: Callable[[str], Awaitable[None]], act: Act) -> None:
        async def clicked() -> None:
            await act(lambda: command(name), f"{what}: {name}")

        button = ui.button(icon=icon, on_click=clicked).props("flat round dense size=sm").tooltip(what)
        named(button, f"{what} {name}")


class CampaignsPanel:
    def __init__(self, control: SwitchControl, act: Act) -> None:
        self._control = control
        self._act = act
        self._cards: dict[str, _Card] = {}
        self._list = panel("Campaigns", "campaigns")

    def show(self, campaigns: tuple[CampaignView, ...]) -> None:
        for gone in self._cards.keys() - {view.name for view in campaigns}:
            self._cards.pop(gone).element.delete()
        for view in campaigns:
            if view.name not in self._cards:
                with self._list:
                    self._cards[view.name] = _Card(view.name, self._control, self._act)
            self._cards[view.name].show(view)


def rate_tone(rate: float, limit: float) -> str:
    """ "ready" well below the limit, "wrap" near it, "alert" at or beyond it. A limit of 0 allows nothing."""
    if rate >= limit and rate > 0:
        return "alert"
    return "wrap" if rate >= limit * NEAR_LIMIT and rate > 0 else "ready"


def bar_share(rate: float, limit: float) -> float:
    """Where a rate stands on a bar whose limit is at `LIMIT_AT`."""
    if limit <= 0:
        return 1.0 if rate > 0 else 0.0
    return rate / limit * LIMIT_AT
