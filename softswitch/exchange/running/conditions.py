"""What the interlocks ask of a running site: clock, lists, prompts, campaigns, supervisors, agents."""

import ipaddress
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from softswitch.config import CampaignSettings, Settings
from softswitch.dialler.abandonment import abandoned_rate
from softswitch.dialler.agents import AgentState
from softswitch.errors import UsageError
from softswitch.exchange.running.health import Trouble
from softswitch.exchange.running.kernel_clock import read_kernel_clock
from softswitch.exchange.running.premises import Site, wall
from softswitch.media.sounds import RATE_HZ, read_sound
from softswitch.safeguards import conditions
from softswitch.safeguards.conditions import MessageSound
from softswitch.safeguards.interlocks import BUDGET, MEDIA_LOAD, MESSAGE, NEVER_DIAL, ROSTER, SUPERVISOR, TRUNK, of
from softswitch.safeguards.media_load import MediaLoad

GUARANTEED = "each call has its agent in advance meanwhile"
KERNEL_LOOK_S = 1.0


class SiteConditions:
    """Asked by `Health` at each look; `site` is given once it is whole."""

    site: Site

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.site.time_zone)
        self._clearances = {agent.id: agent.clearance() for agent in settings.agents}
        self._sounds: dict[Path, tuple[tuple[int, int], MessageSound]] = {}
        self._kernel: tuple[float, str] = (float("-inf"), "")
        self._is_lab = ipaddress.ip_address(settings.sip.address).is_loopback
        self._load = MediaLoad()
        self.never_dial_at: datetime | None = None
        """When the never-dial list that is loaded was made; None: none is."""
        self.store_written_at: datetime | None = None
        """The newest moment that the store held at the start."""

    def of_campaigns(self) -> dict[str, tuple[str, ...]]:
        """Which interlocks each campaign has for itself."""
        found: dict[str, tuple[str, ...]] = {}
        for campaign in self._settings.campaigns:
            own: tuple[str, ...] = (MESSAGE, BUDGET, ROSTER)
            own += (SUPERVISOR,) if campaign.supervisor_ratio is not None else ()
            own += (TRUNK,) if campaign.trunk and len(self._settings.trunks) > 1 else ()
            found[campaign.name] = own
        return found

    def questions(self) -> dict[str, Trouble]:
        """What is to be asked at each look, by interlock."""
        asked: dict[str, Trouble] = {NEVER_DIAL: self._never_dial, MEDIA_LOAD: self._media_load}
        by_name: dict[str, Callable[[CampaignSettings, float], str]] = {
            MESSAGE: self._message, BUDGET: self._budget, ROSTER: self._roster,
            SUPERVISOR: self._supervisors, TRUNK: self._trunk,
        }  # fmt: skip
        for campaign in self._settings.campaigns:
            for name in self.of_campaigns()[campaign.name]:
                asked[of(name, campaign.name)] = partial(by_name[name], campaign)
        return asked

    def instead(self) -> dict[str, str]:
        """What is done while an interlock is open, so that dialling may go on."""
        return {
            of(BUDGET, campaign.name): GUARANTEED
            for campaign in self._settings.campaigns
            if campaign.at_abandoned_limit == "guaranteed_agent"
        }

    def can_listen(self, supervisor: str) -> bool:
        """Whether the supervisor has a headset that is connected, or a phone that is registered."""
        if not self._asks(self._settings.safeguards.supervisor_audio):
            return True
        return self.site.supervisors.can_listen(supervisor, self.site.driver.now)

    def clock(self, moment: datetime) -> str:
        """What speaks against the wall clock: what the store holds already, and NTP."""
        return conditions.store_clock(self.store_written_at, moment) or self._ntp()

    def _asks(self, setting: str) -> bool:
        return setting == "always" or (setting == "auto" and not self._is_lab)

    def _ntp(self) -> str:
        safeguards, now = self._settings.safeguards, self.site.driver.now
        if not self._asks(safeguards.clock):
            return ""
        if now - self._kernel[0] >= KERNEL_LOOK_S:
            self._kernel = (now, conditions.kernel_clock(read_kernel_clock(), safeguards.clock_offset_ms))
        return self._kernel[1]

    def _never_dial(self, now: float) -> str:
        return conditions.never_dial(self.never_dial_at, wall(), self._settings.safeguards.never_dial_days)

    def _media_load(self, now: float) -> str:
        overload = self.site.plane.overload()
        return self._load.look(overload.relay_behind_s + overload.worker_behind_s, now)

    def _message(self, campaign: CampaignSettings, now: float) -> str:
        name = campaign.information_message
        path = self._settings.prompts.get(name)
        return conditions.information_message(name, None if path is None else self._sound(path))

    def _sound(self, path: Path) -> MessageSound | None:
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            known = self._sounds.get(path)
            if known is None or known[0] != stamp:
                samples = read_sound(path)
                sound = MessageSound(len(samples) / RATE_HZ, int(np.abs(samples.astype(np.int32)).max(initial=0)))
                known = self._sounds[path] = (stamp, sound)
        except (OSError, UsageError):
            return None
        return known[1]

    def _budget(self, campaign: CampaignSettings, now: float) -> str:
        dialler = self.site.campaigns[campaign.name].dialler
        (counts, days), share = dialler.tightest(now), dialler.false_positives.share
        missed = counts.abandoned + counts.machines * share
        return conditions.abandoned_budget(
            missed, counts.live, abandoned_rate(counts, share), dialler.campaign.abandoned_limit, days
        )

    def _roster(self, campaign: CampaignSettings, now: float) -> str:
        theirs = (self._clearances[agent] for agent in self._agents_of(campaign))
        return conditions.roster(theirs, wall().astimezone(self._zone))

    def _supervisors(self, campaign: CampaignSettings, now: float) -> str:
        board = self.site.board
        agents = sum(board.state_of(agent) is not AgentState.OFFLINE for agent in self._agents_of(campaign))
        return self.site.health.supervision(agents, campaign.supervisor_ratio or 0)

    def _trunk(self, campaign: CampaignSettings, now: float) -> str:
        return self.site.trunk_trouble(campaign.trunk)

    def _agents_of(self, campaign: CampaignSettings) -> list[str]:
        return [
            agent.id
            for agent in self._settings.agents
            if (not campaign.agents or agent.id in campaign.agents)
            and set(campaign.categories).isdisjoint(agent.excluded_categories)
        ]
