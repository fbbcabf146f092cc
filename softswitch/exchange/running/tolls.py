"""The toll guard of a site: made from its settings, and told what was dialled before a restart."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from softswitch.config import Settings
from softswitch.config.destinations import domestic
from softswitch.exchange.running.premises import wall
from softswitch.safeguards.toll import TollGuard, TollLimits
from softswitch.store.database import Store


def make_toll_guard(settings: Settings, calls_up: Callable[[], int]) -> TollGuard:
    """What bounds the site's calls by destination and number; see `softswitch.safeguards.toll`."""
    own, zone = settings.safeguards, ZoneInfo(settings.site.time_zone)
    limits = TollLimits(
        destinations=own.destinations,
        refused=own.refused_destinations,
        calls_at_once=calls_at_once(settings),
        calls_a_day=own.calls_a_day,
        calls_a_day_to=own.calls_a_day_to,
    )
    return TollGuard(
        limits,
        is_domestic=domestic(settings.site.country),
        calls_up=calls_up,
        clock=lambda: wall().astimezone(zone),
    )


def calls_at_once(settings: Settings) -> int:
    """Most calls at a time on all trunks: what the site says, or as many as its trunks have channels."""
    return settings.safeguards.calls_at_once or sum(trunk.channels for trunk in settings.trunks)


async def calls_of_today(store: Store, settings: Settings) -> int:
    """Calls dialled since midnight by any campaign, as the store knows them."""
    zone = settings.site.time_zone
    today = wall().astimezone(ZoneInfo(zone)).date()
    counts = [await store.attempt_counts(campaign.name, today, zone) for campaign in settings.campaigns]
    return sum(count.attempts for count in counts)
