"""The demo's live screen: trunk, agents, calls, rates and progress, drawn from the wallboard's own view."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from softswitch.safeguards.wallboard import WallboardView

STATE_STYLE = {
    "ready": "green",
    "reserved": "yellow",
    "in call": "bold cyan",
    "wrap-up": "magenta",
    "paused": "red",
    "offline": "dim",
}


def draw(view: WallboardView, elapsed_s: float, total_leads: int) -> RenderableType:
    """One picture of the shift."""
    campaign = view.campaigns[0]
    done = total_leads - campaign.leads_left
    head = Table.grid(expand=True, padding=(0, 2))
    head.add_column(ratio=1)
    head.add_column(justify="right")
    trunks = ", ".join(f"{t.name} {t.state}, {t.calls} of {t.channels} channels" for t in view.trunks)
    head.add_row(Text(f"{view.site} · {campaign.name}: {campaign.state}"), Text(f"{elapsed_s:5.1f} s"))
    head.add_row(Text(f"trunk {trunks}", style="dim"), Text(f"{campaign.policy}", style="dim"))
    head.add_row(ProgressBar(total=total_leads, completed=done), Text(f"{done} of {total_leads} leads"))
    open_interlocks = [f"{lock.name}: {lock.reason}" for lock in view.interlocks if lock.holds]
    if open_interlocks:
        head.add_row(Text("held: " + "; ".join(open_interlocks), style="bold red"), Text())
    return Panel(
        Group(head, Text(), _agents(view), Text(), _calls(view), Text(), _rates(view)), title="softswitch demo"
    )


def _agents(view: WallboardView) -> Table:
    table = Table(expand=True, title="agents", title_justify="left", box=None, padding=(0, 2))
    for name in ("agent", "state", "for", "call", "calls", "talk", "wrap-up"):
        table.add_column(name)
    for agent in view.agents:
        table.add_row(
            agent.agent,
            Text(agent.state, style=STATE_STYLE.get(agent.state, "")),
            f"{agent.since_s:4.1f} s",
            agent.call_ref,
            str(agent.calls),
            f"{agent.talk_s:4.0f} s",
            f"{agent.wrap_up_s:4.0f} s",
        )
    return table


def _calls(view: WallboardView) -> Table:
    table = Table(expand=True, title="calls", title_justify="left", box=None, padding=(0, 2))
    for name in ("call", "state", "for", "agent", "number", "AMD"):
        table.add_column(name)
    for call in view.calls[:10]:
        table.add_row(
            call.call_ref, call.state, f"{call.age_s:4.1f} s", call.agent, call.masked_number, call.amd_verdict
        )
    for _ in range(10 - min(10, len(view.calls))):
        table.add_row()
    return table


def _rates(view: WallboardView) -> Text:
    campaign = view.campaigns[0]
    outcomes = " · ".join(f"{name} {count}" for name, count in sorted(campaign.outcomes.items()))
    return Text(
        f"attempts {campaign.attempts_today} · live {campaign.live_today} · abandoned {campaign.abandoned_today} "
        f"({campaign.abandoned_rate:.1%} of {campaign.abandoned_limit:.0%}) · {outcomes}\n"
        f"media: {view.media_packets_in} packets in, {view.media_packets_out} out, {view.media_packets_lost} lost, "
        f"{view.media_us_per_packet:.1f} µs CPU a packet"
    )
