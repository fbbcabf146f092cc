"""Reviews of a site: which recordings are to be judged, and what follows from what was heard in them."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from softswitch.config import recordings_directory
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.detection import REVIEWS_COUNT_FOR_DAYS, Truth
from softswitch.errors import UsageError
from softswitch.exchange.running.premises import Site, wall
from softswitch.store.reviews import Draw, Review


class Reviewing:
    """The reviewers' queue of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def waiting(self, campaign: str, limit: int) -> list[Review]:
        """What is to be judged next, of a campaign or (empty) of all; without calls whose recording is no longer there.

        KeyError for an unknown campaign.
        """
        site = self._site
        diallers = [site.campaigns[campaign].dialler] if campaign else site.diallers
        today = wall().astimezone(ZoneInfo(site.settings.site.time_zone)).date()
        since = today - timedelta(days=REVIEWS_COUNT_FOR_DAYS - 1)
        folder = recordings_directory(site.settings)
        found: list[Review] = []
        for dialler in diallers:
            for review in await site.store.reviews_waiting(
                dialler.campaign.name, draw_of(dialler.campaign), since, today
            ):
                if len(found) < limit and review.recording and (folder / review.recording).is_file():
                    found.append(review)
        return found

    async def judge(self, call_ref: str, truth: Truth, by: str) -> None:
        """Keep what was heard, noted in the audit log first; the abandoned-call rate reckons with it from now on.

        KeyError for a call that is not in the queue; UsageError for one that was not drawn.
        """
        site = self._site
        review = await site.store.review(call_ref)
        if review is None:
            raise KeyError(call_ref)
        if review.campaign not in site.campaigns:
            raise UsageError(f"there is no campaign {review.campaign} any more")
        dialler = site.campaigns[review.campaign].dialler
        await site.audit.note(by, "review verdict", subject=call_ref, reason=f"{review.verdict}, heard: {truth}")
        await site.store.judge(call_ref, truth, by, wall(), draw_of(dialler.campaign))
        today = wall().astimezone(ZoneInfo(site.settings.site.time_zone)).date()
        known = await site.store.false_positives(dialler.campaign, today, dialler.false_positives.prior)
        with site.mutating():
            dialler.receive_reviews(known.reviewed, known.people)


def draw_of(campaign: Campaign) -> Draw:
    return Draw(campaign.amd_review_share, campaign.amd_review_least)
