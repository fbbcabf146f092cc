"""What a campaign came to, from its settings, its script and the store: for the command, the page and REST alike."""

from datetime import date

from softswitch.config import CampaignSettings
from softswitch.errors import UsageError
from softswitch.store.attempts import day_bounds
from softswitch.store.database import Store
from softswitch.survey.aapor import Wording
from softswitch.survey.outcomes import Outcomes, QuotaCell, outcomes_of
from softswitch.survey.questionnaire import Questionnaire


async def read_outcomes(
    settings: CampaignSettings,
    script: Questionnaire | None,
    store: Store,
    time_zone: str,
    *,
    since: date | None = None,
    until: date | None = None,
    e: float | None = None,
) -> Outcomes:
    """since, until: first and last day in the site's time zone; left out, all that was ever dialled, and the leads that
    were not. Of a period, what was tried in it counts, by what its attempts of the period came to."""
    if since is not None and until is not None and until < since:
        raise UsageError("the period ends before it begins")
    first = None if since is None else day_bounds(since, time_zone)[0]
    after = None if until is None else day_bounds(until, time_zone)[1]
    name = settings.name
    wording = Wording.of_site({ended: (each.group, each.code) for ended, each in settings.aapor.items()})
    ended_as = await store.ended_as(name, wording.ranks, first, after)
    _, leads = await store.lead_totals(name)
    cells: tuple[QuotaCell, ...] = ()
    if script is not None and script.cells:
        filled = await store.quotas_filled(name, script.name)
        of_period = await store.quotas_filled_between(name, script.name, first, after)
        cells = tuple(
            QuotaCell(cell.name, cell.limit, filled.get(cell.name, 0), of_period.get(cell.name, 0))
            for cell in script.cells
        )
    return outcomes_of(
        name,
        wording,
        ended_as,
        never_tried=max(0, leads - sum(ended_as.values())) if first is None and after is None else 0,
        e=e,
        since="" if since is None else since.isoformat(),
        until="" if until is None else until.isoformat(),
        quotas=cells,
    )
