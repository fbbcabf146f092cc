"""The compliance report of a site: which campaigns a day has, and each of them held against the rules."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from softswitch.config import Settings, campaign_of
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.compliance import ComplianceDay
from softswitch.dialler.rule_choice import RuleChoice
from softswitch.dialler.rules import rules_of
from softswitch.errors import UsageError
from softswitch.store.database import Store


async def compliance_days(
    settings: Settings, store: Store, day: date | None, campaign: str, rules: RuleChoice | None = None
) -> list[ComplianceDay]:
    """Every campaign that is set up, and those that dialled on the day besides, each held against the rules.

    day: in the site's time zone; None: today.  campaign: this one alone; empty: all.  UsageError where there is none
    of that name.  rules: None: those that the campaign has chosen.
    """
    zone = settings.site.time_zone
    day = day or datetime.now(ZoneInfo(zone)).date()
    known = {each.name: campaign_of(each, settings) for each in settings.campaigns}
    names = [*known, *(each for each in await store.campaigns_of(day, zone) if each not in known)]
    if campaign and campaign not in names:
        raise UsageError(f'there is no campaign "{campaign}"; the site has {", ".join(names) or "none"}')
    return [
        await store.compliance_day(one, rules_of(one, rules or one.rules), day, zone)
        for one in (known.get(name, Campaign(name)) for name in names if campaign in ("", name))
    ]
