"""A live shift held against the simulator: the same market, by real SIP and RTP and by `pacing.simulate`.

The market is the reference one, some times as fast: people talk, wrap up and lift the receiver in a fraction of the
time, and the regulator's seconds (minimum ring, two-second rule) stay what they are, in both. Nobody has a machine, so
that the figures are the pacing's and not the detector's. The lab's carrier and the agents' phones are processes of
their own; the switch is the one that a site runs.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit

from softswitch.config import load
from softswitch.demo.lab import LabProcess, write_lead_list
from softswitch.demo.shift import VOICES
from softswitch.errors import SoftswitchError
from softswitch.pacing.market import Market
from softswitch.pacing.policies import POLICY_PREDICTIVE
from softswitch.pacing.simulate import day_of
from softswitch.recordings.keys import new_key_pair
from softswitch.safeguards.wallboard import WallboardView
from softswitch.switch import Switch
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.plan import LabLead, Plan, make_leads, write_plan

CAMPAIGN = "demo"
SETUP_S = 0.1
"""From INVITE to 18x on loopback."""
RING_TIMEOUT_S = 15.0
LOOK_S = 0.25
LONGEST_WRAP_UP = 10.0
"""The campaign's limit, in means: agents are done by themselves long before."""
LOG_IN_S = 90.0
SIMULATED = 400
NEVER = 1e9


@dataclass(frozen=True, slots=True)
class Figures:
    """What a shift came to, live or simulated."""

    dials: int
    connected: int
    abandoned: int
    utilisation: float
    """Talk and wrap-up over the time logged in, of all agents."""
    agents_lost: int = 0
    """Paused at the end, for they were connected and not heard in time: the machine was too busy for the shift."""

    @property
    def abandoned_rate(self) -> float:
        """A / (A + L)."""
        whole = self.abandoned + self.connected
        return self.abandoned / whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """Where a single shift's figures lie, by many simulated ones."""

    utilisation: float
    utilisation_interval: tuple[float, float]
    abandoned_rate: float
    abandoned_rate_interval: tuple[float, float]
    connected_interval: tuple[float, float]
    dials_interval: tuple[float, float]

    def disagrees(self, live: Figures) -> list[str]:
        """Which of a live shift's figures lie outside."""
        return [
            f"{name} {value:.3g} is not in {low:.3g}-{high:.3g}"
            for name, value, (low, high) in (
                ("utilisation", live.utilisation, self.utilisation_interval),
                ("abandoned_rate", live.abandoned_rate, self.abandoned_rate_interval),
            )
            if not low <= value <= high
        ]


def market_of(agents: int, speed: float, answer_rate: float) -> Market:
    """The reference market, `speed` times as fast, of a shift without breaks, drift and machines."""
    usual = Market()
    return replace(
        usual, agents=agents, answer_rate=answer_rate, machine_share=0.0, amd_s=0.0, amd_false_positive_share=0.0,
        setup_mean_s=SETUP_S, no_answer_s=RING_TIMEOUT_S,
        people_answer_mean_s=usual.people_answer_mean_s / speed,
        talk_mean_s=usual.talk_mean_s / speed, short_talk_mean_s=usual.short_talk_mean_s / speed,
        wrap_up_mean_s=usual.wrap_up_mean_s / speed,
        break_every_s=NEVER, log_in_spread_s=0.001,
        rate_drift_sd=0.0, rate_jump_sd=0.0, talk_drift_sd=0.0,
        abandoned_target=0.03, abandoned_limit=0.03,
    )  # fmt: skip


def predict(market: Market, lasts_s: float, *, share: float = 0.95, shifts: int = SIMULATED) -> Prediction:
    """Simulate so many shifts from a cold start; intervals hold `share` of them."""
    found = []
    for seed in range(shifts):
        day = day_of(market, policy=POLICY_PREDICTIVE, seed=seed + 1, until_s=lasts_s)
        found.append(Figures(day.dials, day.connected, day.dropped, day.busy_s / day.logged_in_s))

    def interval(figure: Callable[[Figures], float]) -> tuple[float, float]:
        low, high = np.quantile([figure(each) for each in found], [(1 - share) / 2, (1 + share) / 2])
        return float(low), float(high)

    return Prediction(
        utilisation=float(np.mean([each.utilisation for each in found])),
        utilisation_interval=interval(lambda each: each.utilisation),
        abandoned_rate=sum(each.abandoned for each in found) / max(1, sum(e.abandoned + e.connected for e in found)),
        abandoned_rate_interval=interval(lambda each: each.abandoned_rate),
        connected_interval=interval(lambda each: each.connected),
        dials_interval=interval(lambda each: each.dials),
    )


def callees_of(market: Market, leads: list[LabLead], seed: int) -> Plan:
    """Callees drawn from the market's distributions, one for each lead."""
    rng = np.random.default_rng(seed)
    rings = np.sqrt(np.log1p(market.people_answer_cv**2))
    long_mean = (market.talk_mean_s - market.short_talk_share * market.short_talk_mean_s) / (
        1.0 - market.short_talk_share
    )
    sigma = np.sqrt(np.log(1.0 + market.long_talk_cv**2))
    plan: Plan = {}
    for lead in leads:
        fate = rng.random()
        if fate < market.failure_share:
            plan[lead.phone_number] = CalleePlan(Kind.BUSY, ring_s=SETUP_S)
        elif fate < market.failure_share + market.answer_rate:
            if rng.random() < market.short_talk_share:
                talk_s = rng.exponential(market.short_talk_mean_s)
            else:
                talk_s = rng.lognormal(np.log(long_mean) - sigma**2 / 2, sigma)
            ring_s = rng.lognormal(np.log(market.people_answer_mean_s) - rings**2 / 2, rings)
            plan[lead.phone_number] = CalleePlan(
                Kind.PERSON, ring_s=float(ring_s), talk_s=max(0.1, float(talk_s)), seed=int(rng.integers(2**31))
            )
        else:
            plan[lead.phone_number] = CalleePlan(Kind.NO_ANSWER)
    return plan


class LiveShift:
    """One shift in a folder of its own."""

    def __init__(self, folder: Path, market: Market, *, leads: int, seed: int = 1) -> None:
        self._folder = folder
        self._market = market
        self._agents = [str(2001 + n) for n in range(market.agents)]
        self._rng = np.random.default_rng(seed + 1)
        self._wrapping_up: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leads = make_leads(leads, seed)
        self._plan = callees_of(market, self._leads, seed)
        self._processes: list[LabProcess] = []

    async def run(self, lasts_s: float, show: Callable[[float], None] = lambda elapsed_s: None) -> Figures:
        """Start everything, let the campaign dial for `lasts_s`, stop everything. SoftswitchError where the agents do
        not come in, or the leads run out.

        show: told now and then how long the campaign has dialled.
        """
        write_plan(self._plan, self._folder / "plan.json")
        write_lead_list(self._leads, self._folder / "leads.csv")
        trunk = await self._start("trunk", "--plan", self._folder / "plan.json")
        said = await trunk.said()
        passwords = {agent: secrets.token_urlsafe(12) for agent in self._agents}
        switch = Switch(load(self._configuration((said["address"], said["port"]), passwords)))
        try:
            await switch.start()
            await self._start_phones(switch.sip_address, passwords)
            return await self._work(switch, lasts_s, show)
        finally:
            for task in self._tasks:
                task.cancel()
            await switch.stop()
            for process in reversed(self._processes):
                await process.stop()

    async def _work(self, switch: Switch, lasts_s: float, show: Callable[[float], None]) -> Figures:
        loop = asyncio.get_running_loop()
        switch.desk.supervisor_arrived("lab supervisor")
        until = loop.time() + LOG_IN_S
        while sum(agent.state == "ready" for agent in switch.desk.wallboard().agents) < len(self._agents):
            if loop.time() > until:
                raise SoftswitchError("the agents' phones did not log in")
            await asyncio.sleep(LOOK_S)
        before = _worked(switch.desk.wallboard())
        await switch.desk.start_campaign(CAMPAIGN)
        until = loop.time() + lasts_s
        while (left_s := until - loop.time()) > 0:
            await asyncio.sleep(min(LOOK_S, left_s))
            self._wrap_up(switch)
            show(lasts_s - left_s)
        view = switch.desk.wallboard()
        after, campaign = _worked(view), view.campaigns[0]
        await switch.desk.stop_campaign(CAMPAIGN)
        if campaign.leads_left == 0:
            raise SoftswitchError("the leads ran out: more of them are needed for a shift of this length")
        busy_s, logged_in_s = after[0] - before[0], after[1] - before[1]
        return Figures(
            campaign.attempts_today, campaign.live_today, campaign.abandoned_today, busy_s / max(logged_in_s, 1e-9),
            sum(agent.state == "paused" for agent in view.agents),
        )  # fmt: skip

    def _wrap_up(self, switch: Switch) -> None:
        """Agents whose call has ended are ready again when the market says so: a gamma distribution of shape 2, as in
        the simulator. Each end is seen within a look and timed from when it was."""
        for agent in switch.desk.wallboard().agents:
            call = agent.agent, agent.call_ref
            if agent.state == "wrap-up" and call not in self._wrapping_up:
                self._wrapping_up.add(call)
                left_s = self._rng.gamma(2.0, self._market.wrap_up_mean_s / 2) - agent.since_s
                task = asyncio.create_task(self._ready(switch, *call, max(0.0, left_s)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _ready(self, switch: Switch, agent: str, call_ref: str, in_s: float) -> None:
        await asyncio.sleep(in_s)
        now = next(each for each in switch.desk.wallboard().agents if each.agent == agent)
        if now.state == "wrap-up" and now.call_ref == call_ref:
            await switch.desk.ready_agent(agent)

    async def _start_phones(self, switch: str, passwords: Mapping[str, str]) -> None:
        accounts = self._folder / "phones.json"
        accounts.touch(mode=0o600)
        accounts.write_text(json.dumps([{"agent": a, "username": a, "password": p} for a, p in passwords.items()]))
        phones = await self._start("phones", "--server", switch, "--accounts", accounts, "--dial", "login")
        await phones.said()
        await phones.said()

    async def _start(self, name: str, *arguments: str | Path) -> LabProcess:
        errors = self._folder / "lab-errors.txt"
        process = await LabProcess.start(f"softswitch.testing.{name}", *arguments, errors=errors)
        self._processes.append(process)
        return process

    def _configuration(self, trunk: tuple[str, int], passwords: Mapping[str, str]) -> Path:
        """The shipped configs/demo.toml with this shift's agents, trunk and campaign."""
        import softswitch.configs

        template = Path(next(iter(softswitch.configs.__path__))) / "demo.toml"
        document: Any = tomlkit.parse(template.read_text(encoding="utf-8"))
        document["trunks"][0] |= {"host": trunk[0], "port": trunk[1], "channels": 400, "calls_per_second": 100}
        document["media"] |= {"first_port": 26000, "last_port": 28999}
        document["safeguards"] |= {"never_dial": "never-dial.csv", "supervisor_ratio": 1000}
        (self._folder / "never-dial.csv").write_text("number\n+442079460998\n", encoding="utf-8")
        document["recordings"]["auditor_public_key"] = new_key_pair().public.hex()
        for name in document["prompts"]:
            document["prompts"][name] = str(VOICES / document["prompts"][name])
        document["agents"] = [{"id": a, "phone_username": a, "phone_password": p} for a, p in passwords.items()]
        campaign = document["campaigns"][0]
        del campaign["script"]
        campaign |= {
            "amd": "off", "ring_timeout_s": RING_TIMEOUT_S, "wrap_up_s": LONGEST_WRAP_UP * self._market.wrap_up_mean_s,
            "abandoned_target": self._market.abandoned_target, "abandoned_limit": self._market.abandoned_limit,
            "maximum_attempts": 1, "leads": str(self._folder / "leads.csv"), "queue_high": 400, "queue_low": 200,
        }  # fmt: skip
        path = self._folder / "shift.toml"
        path.touch(mode=0o600)
        path.write_text(tomlkit.dumps(document), encoding="utf-8")
        return path


def _worked(view: WallboardView) -> tuple[float, float]:
    """(talk and wrap-up, logged in) of all agents so far, in s."""
    return sum(a.talk_s + a.wrap_up_s for a in view.agents), sum(a.logged_in_s for a in view.agents)
