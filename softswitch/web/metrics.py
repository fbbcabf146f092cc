"""/metrics: the wallboard's figures for Prometheus, in base units, read from the switch at each scrape.

No label holds anything about a callee: labels are names from the configuration (campaign, trunk, interlock) and fixed
words.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from softswitch.dialler.agents import AgentState
from softswitch.safeguards.campaign_views import CampaignView
from softswitch.safeguards.wallboard import WallboardView

CALL_STATES = ("dialling", "ringing", "answered", "in call", "message", "machine", "voicemail")
CAMPAIGN_GAUGES: tuple[tuple[str, str, Callable[[CampaignView], float]], ...] = (
    ("running", "1 while the campaign dials", lambda c: float(c.state == "running")),
    ("ringing_calls", "Calls on their way out", lambda c: c.ringing),
    ("leads_left", "Leads that may still be called", lambda c: c.leads_left),
    ("attempts_today", "Dial attempts since midnight", lambda c: c.attempts_today),
    ("live_calls_today", "Live calls passed to an agent since midnight", lambda c: c.live_today),
    ("abandoned_calls_today", "Abandoned calls since midnight", lambda c: c.abandoned_today),
    ("silent_calls_today", "Silent calls since midnight", lambda c: c.silent_today),
    ("machines_today", "Calls classed as answering machines since midnight", lambda c: c.machines_today),
    ("abandoned_ratio", "Abandoned-call rate of today by the regulator's formula", lambda c: c.abandoned_rate),
    ("false_positive_ratio", "Share of verdicts taken to have hung up on people", lambda c: c.false_positive_share),
    ("reviewed_calls", "Calls that a verdict ended and a reviewer has judged", lambda c: c.false_positives_reviewed),
    ("abandoned_limit_ratio", "The rate that may not be passed", lambda c: c.abandoned_limit),
)


class SwitchCollector(Collector):
    """Turns one `WallboardView` into metrics; a state that nobody is in is 0, so that no series comes and goes."""

    def __init__(self, view: Callable[[], WallboardView]) -> None:
        self._view = view

    def describe(self) -> list[Metric]:
        return []  # registering must not ask a switch that is still starting

    def collect(self) -> Iterator[Metric]:
        view = self._view()
        yield GaugeMetricFamily("softswitch_uptime_seconds", "Since the switch started", view.uptime_s)
        yield _by_state("softswitch_agents", "Agents by state", list(AgentState), [a.state for a in view.agents])
        yield _by_state("softswitch_calls", "Calls by state", CALL_STATES, [c.state for c in view.calls])
        yield from _campaigns(view.campaigns)
        yield from _trunks(view)
        closed = GaugeMetricFamily(
            "softswitch_interlock_closed",
            "1 while dialling may go on as far as this interlock is concerned",
            labels=["interlock"],
        )
        overridden = GaugeMetricFamily(
            "softswitch_interlock_overridden",
            "1 while the interlock is open and dialling goes on all the same",
            labels=["interlock"],
        )
        for interlock in view.interlocks:
            closed.add_metric([interlock.name], float(interlock.closed))
            overridden.add_metric([interlock.name], float(interlock.overridden))
        yield closed
        yield overridden
        packets = CounterMetricFamily("softswitch_media_packets", "RTP packets", labels=["direction"])
        packets.add_metric(["in"], view.media_packets_in)
        packets.add_metric(["out"], view.media_packets_out)
        yield packets
        yield from _defence(view)
        yield CounterMetricFamily(
            "softswitch_media_packets_lost", "RTP packets missing by their sequence numbers", view.media_packets_lost
        )
        yield CounterMetricFamily(
            "softswitch_media_deaths", "Times that the media process died and was replaced", view.media_deaths
        )
        yield GaugeMetricFamily(
            "softswitch_media_cpu_seconds_per_packet",
            "CPU of the media process a packet",
            view.media_us_per_packet / 1e6,
        )


def _defence(view: WallboardView) -> Iterator[Metric]:
    for name, text, counts in (
        ("datagrams_dropped", "SIP messages of strangers that were not looked at", view.datagrams_dropped),
        ("sources_banned", "Addresses that were not listened to for a while", view.sources_banned),
    ):
        family = CounterMetricFamily(f"softswitch_sip_{name}", text, labels=["reason"])
        for reason, count in counts.items():
            family.add_metric([str(reason)], count)
        yield family


def _by_state(name: str, text: str, known: list[AgentState] | tuple[str, ...], found: list[str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["state"])
    counts = Counter({str(state): 0 for state in known})
    counts.update(found)
    for state, count in counts.items():
        family.add_metric([state], count)
    return family


def _campaigns(campaigns: tuple[CampaignView, ...]) -> Iterator[Metric]:
    for name, text, value in CAMPAIGN_GAUGES:
        gauge = GaugeMetricFamily(f"softswitch_campaign_{name}", text, labels=["campaign"])
        for campaign in campaigns:
            gauge.add_metric([campaign.name], value(campaign))
        yield gauge
    outcomes = GaugeMetricFamily(
        "softswitch_campaign_outcomes_today", "Dial attempts of today by outcome", labels=["campaign", "outcome"]
    )
    for campaign in campaigns:
        for outcome, count in campaign.outcomes.items():
            outcomes.add_metric([campaign.name, outcome], count)
    yield outcomes


def _trunks(view: WallboardView) -> Iterator[Metric]:
    up = GaugeMetricFamily("softswitch_trunk_up", "1 while calls may go out on the trunk", labels=["trunk"])
    calls = GaugeMetricFamily("softswitch_trunk_calls", "Calls on the trunk", labels=["trunk"])
    channels = GaugeMetricFamily("softswitch_trunk_channels", "Calls that the trunk may carry", labels=["trunk"])
    for trunk in view.trunks:
        up.add_metric([trunk.name], float(trunk.state in ("registered", "static")))
        calls.add_metric([trunk.name], trunk.calls)
        channels.add_metric([trunk.name], trunk.channels)
    yield from (up, calls, channels)


def metrics_router(view: Callable[[], WallboardView]) -> APIRouter:
    registry = CollectorRegistry()
    registry.register(SwitchCollector(view))
    ProcessCollector(registry=registry)  # process_cpu_seconds_total and friends, of the signalling process
    router = APIRouter()

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return router
