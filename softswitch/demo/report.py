"""The demo's report: the same figures as tables, as JSON and as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from softswitch.demo.judge import Findings
from softswitch.safeguards.wallboard import WallboardView

VERDICTS = ("HUMAN", "MACHINE", "NOTSURE", "HANGUP", "none")
AGENTS = {
    "in call": "#1f77b4",
    "wrap-up": "#9467bd",
    "reserved": "#d9e6a0",
    "ready": "#9fd8a4",
    "paused": "#d62728",
    "offline": "#dddddd",
}
"""Colour of each state in the picture, from below."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The wallboard at one moment of the shift."""

    at_s: float
    view: WallboardView


@dataclass(slots=True)
class Report:
    """What a shift came to. `healthy` is the verdict, `faults` are its reasons."""

    findings: Findings
    calls: int
    live: int
    abandoned: int
    abandoned_rate: float
    agent_utilisation: float
    media_us_per_packet: float
    lasted_s: float
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        return not self.findings.faults

    def percentile(self, share: float) -> float | None:
        values = self.findings.answer_to_agent_ms
        return float(np.percentile(values, share)) if values else None

    def figures(self) -> dict[str, Any]:
        """For `--json`; times in ms, shares 0-1."""
        found = self.findings
        return {
            "healthy": self.healthy,
            "calls": self.calls,
            "bridged": found.bridged,
            "abandoned_rate": self.abandoned_rate,
            "answer_to_agent_ms_p50": self.percentile(50),
            "answer_to_agent_ms_p99": self.percentile(99),
            "agent_utilisation": self.agent_utilisation,
            "packets_lost": found.packets_lost,
            "recordings": {"written": found.recordings_written, "checked": found.recordings_checked},
            "amd": found.amd,
            "outcomes": found.outcomes,
            "live": self.live,
            "abandoned": self.abandoned,
            "proved_by_markers": found.proved_by_markers,
            "media_us_per_packet": self.media_us_per_packet,
            "lasted_s": self.lasted_s,
            "faults": found.faults,
            "files": {name: str(path) for name, path in self.files.items()},
        }

    def show(self, console: Console) -> None:
        found = self.findings
        outcomes = Table(title="calls by outcome", title_justify="left")
        outcomes.add_column("outcome")
        outcomes.add_column("calls", justify="right")
        for name, count in sorted(found.outcomes.items(), key=lambda item: -item[1]):
            outcomes.add_row(name, str(count))
        outcomes.add_row("all", str(self.calls), style="bold")
        console.print(outcomes)

        amd = Table(title="AMD against the lab's truth", title_justify="left")
        amd.add_column("truth")
        told = {verdict for verdicts in found.amd.values() for verdict in verdicts}
        columns = (*VERDICTS, *sorted(told.difference(VERDICTS)))
        for verdict in columns:
            amd.add_column(verdict, justify="right")
        for truth, verdicts in sorted(found.amd.items()):
            amd.add_row(truth, *(str(verdicts.get(verdict, 0)) for verdict in columns))
        console.print(amd)

        figures = Table(title="the shift", title_justify="left", show_header=False)
        figures.add_column()
        figures.add_column(justify="right")
        for name, value in self._lines():
            figures.add_row(name, value)
        console.print(figures)
        for name, path in self.files.items():
            console.print(f"  {name:<13} {path}", highlight=False, soft_wrap=True)
        for fault in found.faults:
            console.print(f"[red]✗[/] {fault}", highlight=False)
        console.print("[bold green]healthy[/]" if self.healthy else f"[bold red]{len(found.faults)} faults[/]")

    def _lines(self) -> list[tuple[str, str]]:
        found = self.findings
        p50, p99 = self.percentile(50), self.percentile(99)
        answer = "-" if p50 is None or p99 is None else f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        return [
            ("lasted", f"{self.lasted_s:.1f} s"),
            ("bridged to an agent", str(found.bridged)),
            ("proved by marker tones both ways", str(found.proved_by_markers)),
            ("answer to agent (200 OK to first packet)", answer),
            ("agent utilisation", f"{self.agent_utilisation:.1%}"),
            ("live calls, abandoned", f"{self.live}, {self.abandoned}"),
            ("abandoned rate, expected AMD errors included", f"{self.abandoned_rate:.2%}"),
            ("packets lost", str(found.packets_lost)),
            ("recordings written, checked", f"{found.recordings_written}, {found.recordings_checked}"),
            ("media plane", f"{self.media_us_per_packet:.1f} µs CPU a packet"),
        ]


def utilisation(samples: Sequence[Sample]) -> float:
    """(Talk + wrap-up) / logged in, of all agents, until the last call was dialled: the tail has nothing left to do."""
    busy = [sample for sample in samples if sample.view.campaigns[0].leads_left or sample.view.calls]
    if not busy:
        return 0.0
    agents = busy[-1].view.agents
    logged_in = sum(agent.logged_in_s for agent in agents)
    return sum(agent.talk_s + agent.wrap_up_s for agent in agents) / logged_in if logged_in else 0.0


def plot(samples: Sequence[Sample], path: Path) -> None:
    """The shift as a picture: agents by state above, calls by state below, over the seconds of the shift."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    at = [sample.at_s for sample in samples]
    figure, (above, below) = plt.subplots(2, 1, figsize=(11, 6.5), sharex=True, layout="constrained")
    counts = [[sum(a.state == state for a in s.view.agents) for s in samples] for state in AGENTS]
    above.stackplot(at, counts, labels=list(AGENTS), colors=list(AGENTS.values()), step="post")
    above.set_ylabel("agents")
    above.set_title("softswitch demo: agents by state, and calls")
    calls = {"ringing": "#ff7f0e", "in call": "#1f77b4", "answered": "#2ca02c", "message": "#d62728"}
    for state, colour in calls.items():
        count = [sum(c.state == state for c in s.view.calls) for s in samples]
        below.step(at, count, label=state, color=colour, where="post")
    below.set_ylabel("calls")
    below.set_xlabel("seconds")
    for axes in (above, below):
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="upper right", ncols=6, fontsize=8)
        axes.grid(alpha=0.3)
        axes.set_ylim(bottom=0)
    figure.savefig(path, dpi=110)
    plt.close(figure)
