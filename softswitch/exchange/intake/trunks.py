"""Trunks that an administrator makes, changes or removes while the switch runs: what of the file can be in force now.

A trunk that carries a call, or by which something that is in force would become another, waits: for its last call, or
for a restart. All others are taken in at once: they register, are looked up in DNS, and are dialled over.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from softswitch.config import Settings, carrier_account, routes_of
from softswitch.config.sip import TrunkSettings
from softswitch.errors import UsageError
from softswitch.exchange.running.premises import Site
from softswitch.exchange.running.tolls import calls_at_once
from softswitch.exchange.telephony.carriers import CarrierAddresses
from softswitch.exchange.telephony.signing import with_identity
from softswitch.exchange.telephony.srtp_rules import srtp_rules
from softswitch.ua.accounts import CarrierAccount
from softswitch.ua.routes import RouteTable

log = structlog.get_logger(__name__)


class Trunks:
    """Of a running site; `site.settings` says which are in force."""

    def __init__(self, site: Site, carriers: CarrierAddresses, allow_at_once: Callable[[int], None]) -> None:
        """allow_at_once: tells the toll guard how many calls there may be."""
        self._site = site
        self._carriers = carriers
        self._allow_at_once = allow_at_once

    async def apply(self, wanted: Settings) -> tuple[Settings, dict[str, str]]:
        """Bring what the file says of trunks into force, as far as that can be now: what is in force then, and by the
        name of each trunk that waits, for what. Raises UsageError where a password or key cannot be read."""
        mine = {trunk.name: trunk for trunk in wanted.trunks}
        prepared = await asyncio.to_thread(_accounts, [each for each in wanted.trunks if self._in_force(each) != each])
        waits: dict[str, str] = {}
        now_in_force = {trunk.name: trunk for trunk in self._site.settings.trunks}
        for name in [*now_in_force, *(name for name in mine if name not in now_in_force)]:
            old, new = now_in_force.get(name), mine.get(name)
            if old == new:
                continue
            if reason := self._reason_to_wait(name, old, new):
                waits[name] = reason
                continue
            if new is None:
                del now_in_force[name]
                self._tell(now_in_force)  # first, so that nobody asks the pool for it any more
                self._replace(name, None)
            else:
                now_in_force[name] = new
                self._replace(name if old is not None else "", prepared[name])
                self._tell({each: now_in_force[each] for each in {**mine, **now_in_force} if each in now_in_force})
            log.info("trunk", trunk=name, news="removed" if new is None else "added" if old is None else "changed")
        return self._site.settings, waits

    def _in_force(self, trunk: TrunkSettings) -> TrunkSettings | None:
        return next((each for each in self._site.settings.trunks if each.name == trunk.name), None)

    def _reason_to_wait(self, name: str, old: TrunkSettings | None, new: TrunkSettings | None) -> str:
        """Empty where nothing speaks against a change."""
        site, settings = self._site, self._site.settings
        if old is not None and (calls := site.pool.calls_on(name)):
            return f"{calls} calls are up on it"
        if new is None:
            users = [f"campaign {each.name}" for each in settings.campaigns if each.trunk == name]
            users += [
                f"queue {each.did}" for each in settings.inbound if each.overflow_number and each.overflow_trunk == name
            ]
            return f"{users[0]} uses it until a restart" if users else ""
        for campaign in settings.campaigns:
            own = site.campaigns[campaign.name].dialler.campaign
            is_its = campaign.trunk in ("", name) and not campaign.caller_id and not campaign.caller_ids
            if is_its and own.caller_id != new.caller_id and (old is None or old.caller_id != new.caller_id):
                return f"campaign {campaign.name} presents {own.caller_id or 'no caller id'} until a restart"
        return ""

    def _replace(self, old: str, new: CarrierAccount | None) -> None:
        """old: empty where there was none."""
        self._carriers.forget(old)
        with self._site.mutating() as now:
            if old:
                self._site.pool.remove_account(old, now)
            if new is not None:
                self._site.pool.add_account(new, now)
        if new is not None:
            self._carriers.follow(new)

    def _tell(self, in_force: Mapping[str, TrunkSettings]) -> None:
        """Let everybody who asks about trunks know."""
        site, trunks = self._site, tuple(in_force.values())
        site.settings = site.settings.model_copy(update={"trunks": trunks})
        site.routes = RouteTable(route for trunk in trunks for route in routes_of(trunk))
        site.lines.srtp = srtp_rules(site.settings)
        if site.pool.defence is not None:
            site.pool.defence.trust(site.settings.defence.trusted)
        self._allow_at_once(calls_at_once(site.settings))
        site.health.look()
        site.report_channels()


def _accounts(trunks: list[TrunkSettings]) -> dict[str, CarrierAccount]:
    """Read passwords and keys; for a thread."""
    try:
        return {trunk.name: with_identity(carrier_account(trunk), trunk) for trunk in trunks}
    except OSError as error:
        raise UsageError(f"a file of the trunk cannot be read: {error.strerror}") from error
