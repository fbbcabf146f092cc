"""Verdicts kept with their calls, the draw for review, and a day of detection in figures."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.abandonment import FalsePositives
from softswitch.dialler.campaign import AmdMode, AmdPoint, Campaign
from softswitch.dialler.detection import Finding, Truth
from softswitch.dialler.events import ReviewOffered
from softswitch.errors import UsageError
from softswitch.store.reviews import Draw
from softswitch.store.verdicts import KeptVerdict
from tests.store.conftest import WALL

DAY = date(2027, 3, 10)
CAMPAIGN = Campaign("survey", amd=AmdMode.PARALLEL, amd_review_share=0.1, amd_review_least=3)
DRAW = Draw(0.1, 3)


def offered(call_ref: str, rank: float, day: date = DAY, **changes) -> ReviewOffered:
    finding = Finding(Verdict.MACHINE, Cause.BEEP, 4200, 0.97)
    return replace(
        ReviewOffered(call_ref, "survey", day, rank, finding, "careful", f"{call_ref}.ssr"),
        **changes,
    )


def kept(call_ref: str, verdict: str, after_s: float = 2.0, **changes) -> KeptVerdict:
    return replace(
        KeptVerdict(
            call_ref, "survey", WALL + timedelta(seconds=after_s), verdict, "CLASSIFIER", 0.75, 2000, "careful", False,
            {"span_ms": 1200.5, "onset_ms": None},
        ),
        **changes,
    )  # fmt: skip


def test_verdicts_of_a_call_come_back_in_order_with_what_they_were_founded_on(with_store) -> None:
    async def body(store):
        first, second = kept("c1", "HUMAN"), kept("c1", "MACHINE", 5.0, acted=True)
        for verdict in (first, kept("c2", "FAX"), second):
            await store.keep_verdict(verdict)
        assert await store.verdicts_of("c1") == [first, second]
        assert await store.verdicts_of("unknown") == []

    with_store(body)


def test_ranks_under_the_share_are_drawn_and_the_lowest_of_a_day_in_any_case(with_store) -> None:
    async def body(store):
        for rank in (0.05, 0.07, 0.5, 0.6, 0.08, 0.09):
            await store.offer_review(offered(f"busy-{rank}", rank))
        for rank in (0.3, 0.9, 0.8, 0.7):
            await store.offer_review(offered(f"quiet-{rank}", rank, DAY - timedelta(days=1)))
        waiting = await store.reviews_waiting("survey", DRAW, DAY - timedelta(days=1), DAY)
        assert [review.call_ref for review in waiting] == [
            "busy-0.05", "busy-0.07", "busy-0.08", "busy-0.09", "quiet-0.3", "quiet-0.7", "quiet-0.8",
        ]  # fmt: skip
        assert await store.reviews_waiting("other", DRAW, DAY, DAY) == []
        assert await store.reviews_waiting("survey", Draw(0.0, 0), DAY, DAY) == []

    with_store(body)


def test_what_was_judged_waits_no_more_and_the_last_word_stands(with_store) -> None:
    async def body(store):
        await store.offer_review(offered("c1", 0.01))
        await store.offer_review(offered("c1", 0.99))  # told twice
        await store.judge("c1", Truth.MACHINE, "otto", WALL, DRAW)
        assert await store.reviews_waiting("survey", DRAW, DAY, DAY) == []
        await store.judge("c1", Truth.PERSON, "sue", WALL, Draw(0.0, 0))
        review = await store.review("c1")
        assert (review.truth, review.reviewer, review.reviewed_at) == ("person", "sue", WALL)
        assert await store.review("unknown") is None

    with_store(body)


def test_only_what_was_drawn_can_be_judged(with_store) -> None:
    async def body(store):
        for n in range(4):
            await store.offer_review(offered(f"c{n}", 0.5 + n / 100))
        with pytest.raises(UsageError, match="not drawn"):
            await store.judge("c3", Truth.PERSON, "otto", WALL, DRAW)
        with pytest.raises(UsageError):
            await store.judge("unknown", Truth.PERSON, "otto", WALL, DRAW)
        assert (await store.review("c3")).truth == ""

    with_store(body)


def test_the_share_counts_what_could_be_told_at_the_present_point_and_lately(with_store) -> None:
    async def body(store):
        heard = {
            "a": (Truth.PERSON, {}),
            "b": (Truth.MACHINE, {}),
            "c": (Truth.MACHINE, {"day": DAY - timedelta(days=29)}),
            "d": (Truth.CANNOT_TELL, {}),
            "e": (Truth.PERSON, {"point": "fast"}),
            "f": (Truth.PERSON, {"campaign": "other"}),
            "g": (Truth.PERSON, {"day": DAY - timedelta(days=30)}),
        }
        for name, (truth, changes) in heard.items():
            await store.offer_review(offered(name, 0.01, **changes))
            await store.judge(name, truth, "otto", WALL, DRAW)
        assert await store.false_positives(CAMPAIGN, DAY, 0.005) == FalsePositives(0.005, 3, 1)
        faster = replace(CAMPAIGN, amd_point=AmdPoint.FAST)
        assert await store.false_positives(faster, DAY, 0.05) == FalsePositives(0.05, 1, 1)

    with_store(body)


def test_a_random_draw_finds_the_share_of_people_that_there_is(with_store) -> None:
    rng = random.Random(5)
    people = {f"c{n}": rng.random() < 0.2 for n in range(600)}

    async def body(store):
        for name in people:
            await store.offer_review(offered(name, rng.random()))
        draw = Draw(0.3, 10)
        waiting = await store.reviews_waiting("survey", draw, DAY, DAY)
        assert 140 < len(waiting) < 220
        for review in waiting:
            truth = Truth.PERSON if people[review.call_ref] else Truth.MACHINE
            await store.judge(review.call_ref, truth, "otto", WALL, draw)
        known = await store.false_positives(CAMPAIGN, DAY, 0.005)
        low, high = known.interval()
        assert low < sum(people.values()) / len(people) < high
        assert known.is_measured and known.share == pytest.approx(0.2, abs=0.08)

    with_store(body)


def test_a_day_in_figures(with_store, make_attempt) -> None:
    answered = {"answered_at": WALL, "amd_point": "careful"}
    calls = {
        "h1": {"amd_verdict": "HUMAN", "bridged_at": WALL},
        "h2": {"amd_verdict": "HUMAN", "bridged_at": WALL},
        "n1": {"bridged_at": WALL},
        "m1": {"amd_verdict": "MACHINE", "amd_acted": True, "amd_freed": True, "bridged_at": WALL},
        "m2": {"amd_verdict": "MACHINE", "amd_acted": True, "voicemail_at": WALL},
        "f1": {"amd_verdict": "FAX", "amd_acted": True, "amd_freed": True},
        "a1": {"amd_verdict": "NOTSURE", "abandoned": True},
    }

    async def body(store):
        for name, values in calls.items():
            await store.commit_attempt(make_attempt(name, **(answered | values)))
        await store.commit_attempt(make_attempt("unanswered"))
        await store.commit_attempt(make_attempt("not judged", answered_at=WALL))
        for verdict in (kept("m1", "HUMAN"), kept("m1", "MACHINE", 4.0), kept("h1", "MACHINE"), kept("h1", "HUMAN")):
            await store.keep_verdict(verdict)
        for n, name in enumerate(("m1", "m2", "f1")):
            await store.offer_review(offered(name, 0.2 + n / 10))
        await store.judge("m1", Truth.PERSON, "otto", WALL, DRAW)
        await store.judge("m2", Truth.MACHINE, "otto", WALL, DRAW)
        day = await store.amd_day(CAMPAIGN, DAY, "Europe/London", 0.01)
        assert day.answered == 7
        assert day.verdicts == {"FAX": 1, "HUMAN": 2, "MACHINE": 2, "NOTSURE": 1, "none": 1}
        assert day.corrections == {"HUMAN>MACHINE": 1, "MACHINE>HUMAN": 1}
        assert (day.ended_by_verdict, day.freed_agents, day.messages_left) == (3, 2, 1)
        assert (day.reviewed, day.false_positives, day.cannot_tell, day.waiting_for_review) == (2, 1, 0, 1)
        assert day.false_positive_share == 0.5
        assert day.false_positive_interval == pytest.approx((0.0945, 0.9055), abs=1e-3)
        assert (day.share_reckoned_with, day.share_is_measured, day.share_interval) == (0.01, False, (0.0, 0.01))
        assert (day.live, day.abandoned, day.expected_false_positives) == (3, 1, pytest.approx(0.03))
        assert day.abandoned_rate == pytest.approx(1.03 / 4.03)
        assert day.abandoned_rate_interval == pytest.approx((1 / 4, 1.03 / 4.03))
        empty = await store.amd_day(CAMPAIGN, DAY - timedelta(days=1), "Europe/London", 0.01)
        assert (empty.answered, empty.verdicts, empty.false_positive_share) == (0, {}, None)

    with_store(body)
