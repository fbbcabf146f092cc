"""The wallboard's campaigns: progress through the list, today's rates against their limits, start, pause and stop."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from softswitch.safeguards.campaign_views import CampaignView, OutlookView
from softswitch.safeguards.projection import Projection
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
            self._outlook = Text("", "campaign-outlook", tag="p")
            with ui.element("div").classes("meter"):
                Text("Silent", "meter-name")
                self._silent = Bar(f"Silent-call rate against its limit, {name}", limit_mark=True)
                self._silent_rate = Text("", "meter-value")
            self._silent_outlook = Text("", "campaign-outlook", tag="p")
            self._pacing = Text("", "campaign-outlook", tag="p")
            with ui.element("div").classes("figures"):
                names = ("Ringing", "Dialled", "Live", "Abandoned", "Silent", "Machines")
                self._figures = {figure: Figure(figure.lower()) for figure in names}
            self._outcomes = Text("", "campaign-outcomes", tag="p")

    def show(self, view: CampaignView) -> None:
        self._state.show(view.state, TONES.get(view.state, "idle"))
        self._policy.text = " · ".join(
            filter(None, (view.policy.replace("_", " "), view.held_because or view.idle_because or view.fallback))
        )
        done = view.leads_total - view.leads_left
        self._progress.show(done / view.leads_total if view.leads_total else 0.0)
        self._leads.text = f"{count(done)} of {count(view.leads_total)}"
        tone = rate_tone(view.abandoned_rate, view.abandoned_limit)
        self._abandoned.show(bar_share(view.abandoned_rate, view.abandoned_limit), tone=tone, mark_at=LIMIT_AT)
        self._rate.text = f"{percent(view.abandoned_rate)} of {percent(view.abandoned_limit)}"
        self._show_outlook(view)
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

    def _show_outlook(self, view: CampaignView) -> None:
        outlook = view.outlook
        if outlook is None:
            return
        self._outlook.text = projected(outlook.abandoned_at_midnight)
        self._silent_outlook.text = projected(outlook.silent_at_midnight)
        tone = rate_tone(outlook.silent_rate, outlook.silent_limit)
        mark_at = LIMIT_AT if outlook.silent_limit else 0.0
        self._silent.show(bar_share(outlook.silent_rate, outlook.silent_limit), tone=tone, mark_at=mark_at)
        self._silent_rate.text = f"{percent(outlook.silent_rate)} of {percent(outlook.silent_limit)}"
        self._pacing.text = paced(view, outlook)

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


def projected(projection: Projection | None) -> str:
    """A rate at the end of the day, in words."""
    if projection is None:
        return "by midnight: known after two minutes of dialling"
    return (
        f"by midnight {percent(projection.expected)}, 95 % between {percent(projection.low)} and "
        f"{percent(projection.high)}, with {count(projection.calls)} live calls to come"
    )


def paced(view: CampaignView, outlook: OutlookView) -> str:
    """How it dials, in words."""
    dials = "–" if outlook.dials_per_agent is None else f"{outlook.dials_per_agent:.2f}"
    idle = "–" if outlook.idle_s is None else f"{outlook.idle_s:.0f} s"
    expected = "–" if outlook.expected_idle_s is None else f"{outlook.expected_idle_s:.0f} s"
    return (
        f"{dials} dials an agent at work ({outlook.agents_at_work}) · agents wait {idle}, predicted {expected} · "
        f"hopper {count(view.hopper)}{_promised(view)}"
    )


def _promised(view: CampaignView) -> str:
    told = [(view.callbacks_due, "due"), (view.callbacks_missed, "missed")]
    named = ", ".join(f"{count(number)} {what}" for number, what in told if number)
    return f" · callbacks: {named}" if named else ""


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
